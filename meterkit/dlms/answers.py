"""Which response answers which request: by tag, and by invoke id where the service has one.

C0 kind invoke ...  ->  C4 kind invoke ...       invoke: id in 4 bits, 40 confirmed, 80 high priority
D9 flags and id (24 bits) ...  ->  DA ...        Source: IEC 62056-53, Invoke-Id-And-Priority
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.acse.apdus import decode_aare
from meterkit.dlms.acse.names import AssociationResult
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.errors import ProtocolFault

CONFIRMED: Final = 0x40  # bit of invoke-id-and-priority; the meter answers
HIGH_PRIORITY: Final = 0x80  # bit of invoke-id-and-priority
INVOKE_ID: Final = 0x0F  # bits of invoke-id-and-priority

NOTHING: Final = -1  # in place of a tag: no response is waited for
SIGN_OF_LIFE: Final = -2  # in place of a tag: that of the link below

#: The tag of the response by the tag of the request.
ANSWERS: Final[dict[int, int]] = {
    ApduTag.AARQ: ApduTag.AARE,
    ApduTag.RLRQ: ApduTag.RLRE,
    ApduTag.GET_REQUEST: ApduTag.GET_RESPONSE,
    ApduTag.SET_REQUEST: ApduTag.SET_RESPONSE,
    ApduTag.ACTION_REQUEST: ApduTag.ACTION_RESPONSE,
    ApduTag.ACCESS_REQUEST: ApduTag.ACCESS_RESPONSE,
    ApduTag.READ_REQUEST: ApduTag.READ_RESPONSE,
    ApduTag.WRITE_REQUEST: ApduTag.WRITE_RESPONSE,
    ApduTag.UNCONFIRMED_WRITE_REQUEST: NOTHING,
}
#: Responses with invoke-id-and-priority in their third octet.
WITH_INVOKE_ID: Final = frozenset((ApduTag.GET_RESPONSE, ApduTag.SET_RESPONSE, ApduTag.ACTION_RESPONSE))
#: These answer any request.
REFUSALS: Final = frozenset((ApduTag.EXCEPTION_RESPONSE, ApduTag.CONFIRMED_SERVICE_ERROR))
RESPONSES: Final = frozenset(ANSWERS.values()) | REFUSALS


def is_unconfirmed(request: bytes) -> bool:
    """Tell whether the request asks for no answer: its service class says so."""
    match request[0]:
        case ApduTag.SET_REQUEST | ApduTag.ACTION_REQUEST:
            return not request[2] & CONFIRMED
        case ApduTag.ACCESS_REQUEST:
            return not request[1] & CONFIRMED
        case ApduTag.UNCONFIRMED_WRITE_REQUEST:
            return True
        case _:
            return False


def has_same_invoke_id(request: bytes, response: bytes) -> bool:
    """Tell whether a response of the right tag carries the request's invoke id; true for services without.

    The other bits of the octet are not compared: not every meter repeats the priority.
    """
    match response[0]:
        case ApduTag.GET_RESPONSE | ApduTag.SET_RESPONSE | ApduTag.ACTION_RESPONSE:
            return len(response) > 2 and not (response[2] ^ request[2]) & INVOKE_ID
        case ApduTag.ACCESS_RESPONSE:
            return response[2:5] == request[2:5]
        case _:
            return True


def accepts_association(response: bytes) -> bool:
    """Tell whether the answer to an AARQ is an AARE that accepts."""
    try:
        return decode_aare(response).result is AssociationResult.ACCEPTED
    except ProtocolFault:
        return False
