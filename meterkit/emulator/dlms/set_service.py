"""SET on the meter's side: normal, with list, and values in blocks.  Source: IEC 62056-53, SET."""

from __future__ import annotations

from dataclasses import dataclass, field

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import DataAccessResult, SelectedAttribute
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
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.blocks import Incoming, Taken
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.terms import Terms, refusal
from meterkit.errors import ProtocolFault

_BLOCKS = Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
_FAILURES = {
    Taken.WRONG_NUMBER: DataAccessResult.DATA_BLOCK_NUMBER_INVALID,
    Taken.TOO_LONG: DataAccessResult.LONG_SET_ABORTED,
}


@dataclass(slots=True)
class _Transfer:
    """A SET whose value comes in blocks."""

    attributes: tuple[SelectedAttribute, ...]
    is_list: bool
    incoming: Incoming = field(default_factory=Incoming)


class SetService:
    """SET in one association, with the value that may be under way."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._transfer: _Transfer | None = None

    def normal(self, request: SetRequestNormal) -> bytes:
        """Write one attribute."""
        self._transfer = None
        result = self._write((request.attribute, request.selection), request.value)
        return SetResponseNormal(request.invoke, result).encode()

    def with_list(self, request: SetRequestWithList) -> bytes:
        """Write several attributes."""
        self._transfer = None
        if not self._may_list:
            return refusal()
        results = self._write_all(request.attributes, request.values)
        if DlmsQuirk.SINGLE_ANSWER_TO_LIST in self._terms.quirks:
            return SetResponseNormal(request.invoke, results[0]).encode()
        return SetResponseWithList(request.invoke, results).encode()

    def first_block(self, request: SetRequestFirstBlock) -> bytes | None:
        """Begin to take one attribute's value in blocks."""
        self._transfer = _Transfer(((request.attribute, request.selection),), False)
        return self._first(request)

    def first_block_of_list(self, request: SetRequestWithListFirstBlock) -> bytes | None:
        """Begin to take several attributes' values in blocks."""
        self._transfer = _Transfer(request.attributes, True)
        return self._first(request) if self._may_list else refusal()

    def block(self, request: SetRequestBlock) -> bytes:
        """Take one block, and write the value with the last one."""
        return self._take(request)

    @property
    def _may_list(self) -> bool:
        is_refused = DlmsQuirk.LIST_REFUSED in self._terms.quirks
        return self._terms.grants(Conformance.MULTIPLE_REFERENCES) and not is_refused

    def _first(self, request: SetRequestFirstBlock | SetRequestWithListFirstBlock) -> bytes | None:
        if not self._terms.grants(_BLOCKS):
            self._transfer = None
            return refusal()
        if DlmsQuirk.NO_ANSWER_TO_FIRST_BLOCK in self._terms.quirks:
            return None
        return self._take(request)

    def _take(self, block: SetRequestBlock | SetRequestFirstBlock | SetRequestWithListFirstBlock) -> bytes:
        transfer = self._transfer
        if transfer is None:
            result = DataAccessResult.NO_LONG_SET_IN_PROGRESS
            return SetResponseLastBlock(block.invoke, result, block.block_number).encode()
        taken = transfer.incoming.take(block.block_number, block.is_last, block.raw)
        if taken is Taken.MORE:
            return SetResponseBlock(block.invoke, block.block_number).encode()
        self._transfer = None
        if taken is not Taken.WHOLE:
            return SetResponseLastBlock(block.invoke, _FAILURES[taken], block.block_number).encode()
        return self._finish(transfer, block.invoke, block.block_number)

    def _finish(self, transfer: _Transfer, invoke: int, number: int) -> bytes:
        octets = transfer.incoming.octets
        if not transfer.is_list:
            result = self._write(transfer.attributes[0], octets)
            return SetResponseLastBlock(invoke, result, number).encode()
        values = values_of(octets)
        if values is None:
            return SetResponseLastBlock(invoke, DataAccessResult.TYPE_UNMATCHED, number).encode()
        results = self._write_all(transfer.attributes, values)
        return SetResponseLastBlockWithList(invoke, results, number).encode()

    def _write_all(
        self, attributes: tuple[SelectedAttribute, ...], values: tuple[bytes, ...]
    ) -> tuple[DataAccessResult, ...]:
        if len(attributes) != len(values):
            return (DataAccessResult.TYPE_UNMATCHED,) * max(len(attributes), 1)
        return tuple(self._write(one, value) for one, value in zip(attributes, values, strict=True))

    def _write(self, target: SelectedAttribute, octets: bytes) -> DataAccessResult:
        try:
            axdr.decode(octets)
        except ProtocolFault:
            return DataAccessResult.TYPE_UNMATCHED
        return self._terms.view.set(*target, octets)


def values_of(octets: bytes) -> tuple[bytes, ...] | None:
    """Return the items of a SEQUENCE OF Data, or None when the octets are none."""
    try:
        count, at = axdr.decode_length(octets, 0)
        if count > len(octets):
            return None
        values: list[bytes] = []
        for _ in range(count):
            end = axdr.measure(octets, at)
            values.append(octets[at:end])
            at = end
    except ProtocolFault:
        return None
    return tuple(values) if at == len(octets) else None
