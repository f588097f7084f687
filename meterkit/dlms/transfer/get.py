"""A long GET answer, followed block by block.  Source: IEC 62056-53, protocol for the GET service.

C0 01 request      ->     <-  C4 02 last? block-number 00 raw-data
C0 02 block-number ->     <-  C4 02 ...                            until last, then as if C4 01 had come
"""

from __future__ import annotations

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.get import (
    GetRequestNext,
    GetResponseNormal,
    GetResponseWithBlock,
    GetResponseWithList,
)
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.transfer.blocks import AnswerBlocks, Next, Step, Whole
from meterkit.errors import ErrorKind, ProtocolFault, fault

_NORMAL, _WITH_LIST = b"\xc4\x01", b"\xc4\x03"
_LIST_REQUEST = b"\xc0\x03"
_DATA = b"\x00"  # Get-Data-Result: data


class GetTransfer:
    """One GET `request` whose answer comes in blocks, of at most `limit` octets together."""

    def __init__(self, request: bytes, limit: int) -> None:
        self._invoke = request[2]
        self._head = (_WITH_LIST if request.startswith(_LIST_REQUEST) else _NORMAL) + request[2:3]
        if not request.startswith(_LIST_REQUEST):
            self._head += _DATA
        self._blocks = AnswerBlocks(limit)

    def take(self, response: bytes) -> Step:
        """Take a GET response; see `Transfer`."""
        match decode_apdu(response, strict=False):
            case GetResponseWithBlock(_, is_last, number, result):
                if isinstance(result, DataAccessResult):
                    raise refused_in_block(number, result)
                if not self._blocks.add(number, result, is_last=is_last):
                    return None
                if is_last:
                    # With a list the blocks carry the list of results as C4 03 does, its count first.
                    return Whole(self._head + self._blocks.join())
                return Next(GetRequestNext(self._invoke, number).encode())
            case GetResponseNormal() | GetResponseWithList():
                return Whole(response)
            case _:
                raise unexpected(response, "the next block of the GET's answer")


def refused_in_block(number: int, result: DataAccessResult) -> ProtocolFault:
    """Return the fault of an answer that the meter broke off at block `number`."""
    return fault(ErrorKind.REFUSED, f"broken off at block {number}: {result.words}", code=int(result))


def unexpected(response: bytes, expected: str) -> ProtocolFault:
    """Return the fault of a response of the right service, but of the wrong kind."""
    return fault(ErrorKind.PROTOCOL, f"{expected} was expected, {response[:8].hex(' ')} came")
