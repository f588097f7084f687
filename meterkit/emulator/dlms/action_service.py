"""ACTION on the meter's side: normal, with list, blocks both ways.  Source: IEC 62056-53, ACTION."""

from __future__ import annotations

from dataclasses import dataclass, field

from meterkit.dlms.apdu.action import (
    ActionRequestBlock,
    ActionRequestFirstBlock,
    ActionRequestNextBlock,
    ActionRequestNormal,
    ActionRequestWithList,
    ActionRequestWithListFirstBlock,
    ActionResponseBlock,
    ActionResponseNextBlock,
    ActionResponseNormal,
    ActionResponseWithList,
)
from meterkit.dlms.apdu.descriptors import ActionResult, MethodDescriptor
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.blocks import Incoming, Outgoing, Taken
from meterkit.emulator.dlms.object_view import Returned
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.set_service import values_of
from meterkit.emulator.dlms.terms import Terms, refusal

_BLOCKS = Conformance.BLOCK_TRANSFER_WITH_ACTION
_RESULT_AT = 3  # octets before the result of a normal response, or the count of a list
_DATA_AT = 6  # octets before the returned data of a normal response: result, 01, 00
_NO_PARAMETERS = b"\x00"  # null-data in a list
_Block = ActionRequestBlock | ActionRequestFirstBlock | ActionRequestWithListFirstBlock


@dataclass(slots=True)
class _Transfer:
    """An ACTION whose parameters come in blocks."""

    methods: tuple[MethodDescriptor, ...]
    is_list: bool
    incoming: Incoming = field(default_factory=Incoming)


class ActionService:
    """ACTION in one association, with what may be under way in and out."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._transfer: _Transfer | None = None
        self._outgoing: Outgoing | None = None

    def normal(self, request: ActionRequestNormal) -> bytes:
        """Invoke one method."""
        self._forget()
        return self._one(request.invoke, request.method, request.parameters)

    def with_list(self, request: ActionRequestWithList) -> bytes:
        """Invoke several methods."""
        self._forget()
        if not self._may_list:
            return refusal()
        return self._all(request.invoke, request.methods, request.parameters)

    def first_block(self, request: ActionRequestFirstBlock) -> bytes | None:
        """Begin to take one method's parameters in blocks."""
        self._forget()
        self._transfer = _Transfer((request.method,), False)
        return self._first(request)

    def first_block_of_list(self, request: ActionRequestWithListFirstBlock) -> bytes | None:
        """Begin to take several methods' parameters in blocks."""
        self._forget()
        self._transfer = _Transfer(request.methods, True)
        return self._first(request) if self._may_list else refusal()

    def block(self, request: ActionRequestBlock) -> bytes:
        """Take one block, and invoke with the last one."""
        return self._take(request)

    def next(self, request: ActionRequestNextBlock) -> bytes:
        """Answer a request for the next block of the results."""
        outgoing = self._outgoing
        if outgoing is None:
            return self._failed(request.invoke, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        if request.block_number != outgoing.number:
            return self._failed(request.invoke, ActionResult.LONG_ACTION_ABORTED)
        return self._send(request.invoke, outgoing)

    # ---------------------------------------------------------------- in
    @property
    def _may_list(self) -> bool:
        is_refused = DlmsQuirk.LIST_REFUSED in self._terms.quirks
        return self._terms.grants(Conformance.MULTIPLE_REFERENCES) and not is_refused

    def _forget(self) -> None:
        self._transfer = self._outgoing = None

    def _first(self, request: ActionRequestFirstBlock | ActionRequestWithListFirstBlock) -> bytes | None:
        if not self._terms.grants(_BLOCKS):
            self._forget()
            return refusal()
        if DlmsQuirk.NO_ANSWER_TO_FIRST_BLOCK in self._terms.quirks:
            return None
        return self._take(request)

    def _take(self, block: _Block) -> bytes:
        transfer = self._transfer
        if transfer is None:
            return self._failed(block.invoke, ActionResult.NO_LONG_ACTION_IN_PROGRESS)
        taken = transfer.incoming.take(block.block_number, block.is_last, block.raw)
        if taken is Taken.MORE:
            return ActionResponseNextBlock(block.invoke, block.block_number).encode()
        self._transfer = None
        if taken is not Taken.WHOLE:
            return self._failed(block.invoke, ActionResult.LONG_ACTION_ABORTED)
        if not transfer.is_list:
            return self._one(block.invoke, transfer.methods[0], transfer.incoming.octets)
        values = values_of(transfer.incoming.octets)
        if values is None:
            return self._failed(block.invoke, ActionResult.TYPE_UNMATCHED)
        return self._all(block.invoke, transfer.methods, values)

    def _failed(self, invoke: int, result: ActionResult) -> bytes:
        self._forget()
        return ActionResponseNormal(invoke, result).encode()

    # ---------------------------------------------------------------- out
    def _one(self, invoke: int, method: MethodDescriptor, parameters: bytes | None) -> bytes:
        result, value = self._terms.view.action(method, parameters)
        response = ActionResponseNormal(invoke, result, value).encode()
        holds_data_alone = self._terms.configuration.action_blocks_hold == "data"
        return self._sized(invoke, response, _DATA_AT if holds_data_alone else _RESULT_AT)

    def _all(
        self, invoke: int, methods: tuple[MethodDescriptor, ...], parameters: tuple[bytes, ...]
    ) -> bytes:
        if len(methods) != len(parameters):
            return self._failed(invoke, ActionResult.TYPE_UNMATCHED)
        results: tuple[Returned, ...] = tuple(
            self._terms.view.action(method, None if value == _NO_PARAMETERS else value)
            for method, value in zip(methods, parameters, strict=True)
        )
        if DlmsQuirk.SINGLE_ANSWER_TO_LIST in self._terms.quirks and results:
            return ActionResponseNormal(invoke, *results[0]).encode()
        response = ActionResponseWithList(invoke, results).encode()
        return self._sized(invoke, response, _RESULT_AT)

    def _sized(self, invoke: int, response: bytes, contents_at: int) -> bytes:
        """Return the response, or its first block."""
        if self._terms.fits(response) or self._terms.uses_general_blocks(_BLOCKS):
            return response
        if not self._terms.grants(_BLOCKS):
            return self._failed(invoke, ActionResult.DATA_BLOCK_UNAVAILABLE)
        is_wrong = DlmsQuirk.WRONG_BLOCK_NUMBER in self._terms.quirks
        self._outgoing = Outgoing(response[contents_at:], self._terms.max_send, has_wrong_number=is_wrong)
        return self._send(invoke, self._outgoing)

    def _send(self, invoke: int, outgoing: Outgoing) -> bytes:
        piece = outgoing.take()
        if outgoing.is_last:
            self._outgoing = None
        return ActionResponseBlock(invoke, outgoing.is_last, outgoing.number, piece).encode()
