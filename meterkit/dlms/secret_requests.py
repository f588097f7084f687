"""Which requests carry or fetch secrets: of those the log shows sizes only.

    SET    15/0-0:40.0.0/7 octet-string     the password of low level security
    ACTION 64/0-0:43.0.0/2 array            keys, wrapped: still nothing for a log

Passwords, challenges' answers and keys.  Which they are by class and number, `passwords` says: recordings
leave out the same.
"""

from __future__ import annotations

from meterkit.dlms.apdu import Apdu
from meterkit.dlms.apdu.access import AccessAction, AccessGet, AccessRequest, AccessSet
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionRequestWithList
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor
from meterkit.dlms.apdu.get import GetRequestNormal, GetRequestWithList
from meterkit.dlms.apdu.set import SetRequestNormal, SetRequestWithList
from meterkit.passwords import ATTRIBUTES, METHODS


def is_secret(place: AttributeDescriptor | MethodDescriptor) -> bool:
    """Whether what is written to or read of `place` is a secret."""
    if isinstance(place, AttributeDescriptor):
        return place.attribute in ATTRIBUTES.get(place.class_id, ())
    return place.method in METHODS.get(place.class_id, ())


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
