"""A long SET request, sent block by block.  Source: IEC 62056-53, protocol for the SET service.

    C1 02 attribute last? 1 raw-data ->     <-  C5 02 1
    C1 03           last? 2 raw-data ->     <-  C5 02 2
    C1 03               1 3 raw-data ->     <-  C5 03 result 3, with a list C5 04 results 3

Nothing is sent twice: a block goes out only once the meter has acknowledged the one before.
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.codec.axdr import encode_length
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.apdu.set import (
    SetRequestBlock,
    SetRequestFirstBlock,
    SetRequestNormal,
    SetRequestWithList,
    SetRequestWithListFirstBlock,
    SetResponseBlock,
    SetResponseLastBlock,
    SetResponseLastBlockWithList,
    SetResponseNormal,
    SetResponseWithList,
)
from meterkit.dlms.transfer.blocks import ParameterBlocks, Step, Whole
from meterkit.dlms.transfer.get import unexpected


class SetTransfer:
    """One SET `request` that is longer than the `max_pdu` octets the meter takes.

    Errors: ProtocolFault STATE if not even its blocks fit, PROTOCOL if it is no whole SET request.
    """

    def __init__(self, request: bytes, max_pdu: int) -> None:
        self._blocks = _cut(request, max_pdu)

    def begin(self) -> bytes:
        """Return the request with the first block."""
        return self._blocks.next()

    def take(self, response: bytes) -> Step:
        """Take a SET response; see `Transfer`."""
        match decode_apdu(response, strict=False):
            case SetResponseBlock(_, number):
                return self._blocks.acknowledged(number)
            case SetResponseLastBlock(invoke, result, number):
                self._check((result,), number)
                return Whole(SetResponseNormal(invoke, result).encode())
            case SetResponseLastBlockWithList(invoke, results, number):
                self._check(results, number)
                return Whole(SetResponseWithList(invoke, results).encode())
            case SetResponseNormal(_, result):
                self._check((result,))
                return Whole(response)
            case SetResponseWithList(_, results):
                self._check(results)
                return Whole(response)
            case _:
                raise unexpected(response, f"the acknowledgement of the SET's block {self._blocks.number}")

    def _check(self, results: Iterable[DataAccessResult], number: int | None = None) -> None:
        """Let a refusal pass at any time, success after the last block only."""
        is_success = all(result == DataAccessResult.SUCCESS for result in results)
        if is_success and not self._blocks.is_done:
            raise self._blocks.premature()
        if is_success and number is not None:
            self._blocks.check(number)


def _cut(request: bytes, max_pdu: int) -> ParameterBlocks:
    apdu = decode_apdu(request)
    match apdu:
        case SetRequestNormal(invoke, attribute, selection, value):

            def encode_first(number: int, raw: bytes, is_last: bool) -> bytes:
                return SetRequestFirstBlock(invoke, attribute, selection, is_last, number, raw).encode()

            raw = value
        case SetRequestWithList(invoke, attributes, values):

            def encode_first(number: int, raw: bytes, is_last: bool) -> bytes:
                return SetRequestWithListFirstBlock(invoke, attributes, is_last, number, raw).encode()

            # The blocks carry the list of values as C1 04 does, its count first.
            raw = encode_length(len(values)) + b"".join(values)
        case _:
            raise unexpected(request, "a whole SET request")

    def encode_next(number: int, raw: bytes, is_last: bool) -> bytes:
        return SetRequestBlock(invoke, is_last, number, raw).encode()

    return ParameterBlocks(raw, max_pdu, encode_first, encode_next)
