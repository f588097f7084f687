"""Which requests carry or fetch secrets: of those the log shows sizes only.

    SET    15/0-0:40.0.0/7 octet-string     the password of low level security
    ACTION 64/0-0:43.0.0/2 array            keys, wrapped: still nothing for a log

Passwords, challenges' answers and keys, by class and number.  Source: Blue Book, the classes below.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu import Apdu
from meterkit.dlms.apdu.access import AccessAction, AccessGet, AccessRequest, AccessSet
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionRequestWithList
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor
from meterkit.dlms.apdu.get import GetRequestNormal, GetRequestWithList
from meterkit.dlms.apdu.set import SetRequestNormal, SetRequestWithList

_ATTRIBUTES: Final = {
    15: (7,),  # Association LN: secret
    19: (7, 8, 9),  # IEC local port setup: passwords
    44: (5,),  # PPP setup: PPP_authentication
    45: (3,),  # GPRS modem setup: PIN_code
    46: (3, 4),  # SMTP setup: user name, password
    91: (5,),  # G3 MAC setup: mac_key_table
    100: (6, 7),  # NTP setup: authentication_keys, client_key
    101: (10, 11),  # ZigBee SAS startup: link_key, network_key
}  # class: attributes
_METHODS: Final = {
    12: (5, 6, 8),  # Association SN: change_LLS_secret, change_HLS_secret, reply_to_HLS_authentication
    15: (1, 2),  # Association LN: reply_to_HLS_authentication, change_HLS_secret
    64: (2, 3),  # Security setup: key_transfer, key_agreement
    72: (7, 8),  # M-Bus client: set_encryption_key, transfer_key
    100: (2,),  # NTP setup: add_authentication_key
}  # class: methods


def is_secret(place: AttributeDescriptor | MethodDescriptor) -> bool:
    """Whether what is written to or read of `place` is a secret."""
    if isinstance(place, AttributeDescriptor):
        return place.attribute in _ATTRIBUTES.get(place.class_id, ())
    return place.method in _METHODS.get(place.class_id, ())


def tells_secret(request: Apdu) -> bool:
    """Whether a request with logical names, or the answer to it, holds a secret.

    Short names say nothing of their class: whoever made the request knows.
    """
    match request:
        case GetRequestNormal(attribute=place) | SetRequestNormal(attribute=place):
            return is_secret(place)
        case ActionRequestNormal(method=place):
            return is_secret(place)
        case GetRequestWithList(attributes=places) | SetRequestWithList(attributes=places):
            return any(is_secret(place) for place, _ in places)
        case ActionRequestWithList(methods=places):
            return any(map(is_secret, places))
        case AccessRequest(specifications=specifications):
            return any(_is_secret_part(one) for one in specifications)
        case _:
            return False


def _is_secret_part(part: AccessGet | AccessSet | AccessAction) -> bool:
    return is_secret(part.method if isinstance(part, AccessAction) else part.attribute)
