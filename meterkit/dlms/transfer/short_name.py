"""Long Read and Write services, with short names, block by block.  Source: IEC 62056-53, Read and Write.

    05 01 06 last? 1 raw-data         ->   <-  0C 01 03 1              a long Read request, up
    05 01 05 1                        ->   <-  0C 01 02 last? 2 raw    a long Read answer, down
    06 01 07 last? 1 01 09 raw-data   ->   <-  0D 01 02 1              a long Write request, up

Block numbers have 16 bits here.  The blocks carry what follows the service's tag, its count first.
Nothing is sent twice: a block goes out only once the meter has acknowledged the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from meterkit.codec.axdr import encode_octet_string
from meterkit.dlms.apdu import decode_apdu, decode_as
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.apdu.short_name import (
    BlockNumber,
    BlockNumberAccess,
    DataBlockResult,
    ReadDataBlockAccess,
    ReadRequest,
    ReadResponse,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from meterkit.dlms.transfer.blocks import AnswerBlocks, Next, ParameterBlocks, Step, Whole
from meterkit.dlms.transfer.get import unexpected

_LARGEST_NUMBER: Final = 0xFFFF  # of a block; 16 bits
_READ_RESPONSE: Final = b"\x0c"


class ReadTransfer:
    """One Read `request` with blocks up, down or both; `limit` bounds its answer, in octets.

    `max_pdu` is what the meter takes, None for a request that went out whole.
    Errors: ProtocolFault STATE if not even its blocks fit, or there are more than can be numbered.
    """

    def __init__(self, request: bytes, limit: int, max_pdu: int | None = None) -> None:
        self._request = request
        self._up = _cut(request, max_pdu, _read_block) if max_pdu else None
        self._down = AnswerBlocks(limit)

    def begin(self) -> bytes:
        """Return the request with the first block, or the whole one."""
        return self._up.next() if self._up else self._request

    def take(self, response: bytes) -> Step:
        """Take a Read response; see `Transfer`."""
        match decode_apdu(response, strict=False):
            case ReadResponse((BlockNumber(number),)) if self._up:
                return self._up.acknowledged(number)
            case ReadResponse((DataBlockResult(is_last, number, raw),)):
                self._check_sent(response)
                if not self._down.add(number, raw, is_last=is_last):
                    return None
                if is_last:
                    return Whole(_READ_RESPONSE + self._down.join())
                return Next(ReadRequest((BlockNumberAccess(number),)).encode())
            case ReadResponse((DataAccessResult(),)):
                return Whole(response)
            case _:
                self._check_sent(response)
                return Whole(response)

    def _check_sent(self, response: bytes) -> None:
        """Values make no sense before the meter knows of what."""
        if self._up and not self._up.is_done:
            raise unexpected(response, f"the acknowledgement of the Read's block {self._up.number}")


class WriteTransfer:
    """One Write `request` that is longer than the `max_pdu` octets the meter takes.

    Errors: ProtocolFault STATE if not even its blocks fit, or there are more than can be numbered.
    """

    def __init__(self, request: bytes, max_pdu: int) -> None:
        self._blocks = _cut(request, max_pdu, _write_block)

    def begin(self) -> bytes:
        """Return the request with the first block."""
        return self._blocks.next()

    def take(self, response: bytes) -> Step:
        """Take a Write response; see `Transfer`."""
        match decode_as(WriteResponse, response, strict=False).results:
            case (BlockNumber(number),):
                return self._blocks.acknowledged(number)
            case results:
                # A refusal may come at any time, success after the last block only.
                is_success = all(result == DataAccessResult.SUCCESS for result in results)
                if is_success and not self._blocks.is_done:
                    raise self._blocks.premature()
                return Whole(response)


def _cut(request: bytes, max_pdu: int, encode: Callable[[int, bytes, bool], bytes]) -> ParameterBlocks:
    return ParameterBlocks(request[1:], max_pdu, encode, encode, largest_number=_LARGEST_NUMBER)


def _read_block(number: int, raw: bytes, is_last: bool) -> bytes:
    return ReadRequest((ReadDataBlockAccess(is_last, number, raw),)).encode()


def _write_block(number: int, raw: bytes, is_last: bool) -> bytes:
    variable = WriteDataBlockAccess(is_last, number)
    return WriteRequest((variable,), (encode_octet_string(raw),)).encode()
