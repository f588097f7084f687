"""Which services have blocks of their own, and which transfer follows which response.

SET, ACTION, Read, Write   requests in blocks          GET, ACTION, Read   answers in blocks
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.transfer.action import ActionTransfer
from meterkit.dlms.transfer.blocks import Transfer
from meterkit.dlms.transfer.get import GetTransfer, unexpected
from meterkit.dlms.transfer.set import SetTransfer
from meterkit.dlms.transfer.short_name import ReadTransfer, WriteTransfer

#: The conformance bit that lets a request go in blocks of its service's own; a GET request never does.
REQUEST_BLOCKS: Final[dict[int, Conformance]] = {
    ApduTag.SET_REQUEST: Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE,
    ApduTag.ACTION_REQUEST: Conformance.BLOCK_TRANSFER_WITH_ACTION,
    ApduTag.READ_REQUEST: Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ,
    ApduTag.WRITE_REQUEST: Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE,
}

#: The first octets of answers that come whole; of other services every answer does.
_WHOLE: Final[dict[int, tuple[bytes, ...]]] = {
    ApduTag.GET_RESPONSE: (b"\xc4\x01", b"\xc4\x03"),
    ApduTag.SET_RESPONSE: (b"\xc5\x01", b"\xc5\x05"),
    ApduTag.ACTION_RESPONSE: (b"\xc7\x01", b"\xc7\x03"),
}
_READ_BLOCKS: Final = (b"\x0c\x01\x02", b"\x0c\x01\x03")
_WRITE_BLOCK: Final = b"\x0d\x01\x02"


def begin_blocks(request: bytes, max_pdu: int, limit: int) -> tuple[Transfer, bytes]:
    """Return the transfer of a `request` longer than `max_pdu` octets, and the request of its first block.

    `limit` bounds the answer, in octets.  Errors: ProtocolFault STATE if not even blocks fit.
    """
    transfer: SetTransfer | ActionTransfer | ReadTransfer | WriteTransfer
    match request[0]:
        case ApduTag.SET_REQUEST:
            transfer = SetTransfer(request, max_pdu)
        case ApduTag.ACTION_REQUEST:
            transfer = ActionTransfer(request, limit, max_pdu)
        case ApduTag.READ_REQUEST:
            transfer = ReadTransfer(request, limit, max_pdu)
        case _:
            transfer = WriteTransfer(request, max_pdu)
    return transfer, transfer.begin()


def follow_blocks(request: bytes, response: bytes, limit: int) -> Transfer | None:
    """Return the transfer that `response`, the first to a `request` sent whole, begins; None if it is whole.

    Errors: ProtocolFault PROTOCOL if it acknowledges blocks that nobody sent.
    """
    tag = response[0]
    whole = _WHOLE.get(tag)
    if whole is not None and response.startswith(whole):
        return None
    if tag == ApduTag.GET_RESPONSE:
        return GetTransfer(request, limit)
    if tag == ApduTag.ACTION_RESPONSE and response.startswith(b"\xc7\x02"):
        return ActionTransfer(request, limit)
    if response.startswith(_READ_BLOCKS[0]):
        return ReadTransfer(request, limit)
    if whole is not None or response.startswith((_READ_BLOCKS[1], _WRITE_BLOCK)):
        raise unexpected(response, "a whole answer, or its first block,")
    return None
