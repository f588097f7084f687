"""GET on the meter's side: normal, with list, and answers in blocks.  Source: IEC 62056-53, GET."""

from __future__ import annotations

from meterkit.dlms.apdu.descriptors import AttributeDescriptor, DataAccessResult, Selection
from meterkit.dlms.apdu.get import (
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithBlock,
    GetResponseWithList,
)
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.blocks import Outgoing
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.terms import JUNK, Terms, refusal

_CLOCK = 8  # class_id
_BLOCKS = Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
_RESULT_AT = 3  # octets before the result of a normal response, or the count of a list


class GetService:
    """GET in one association, with the answer that may be under way."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._outgoing: Outgoing | None = None

    def normal(self, request: GetRequestNormal) -> bytes:
        """Answer a request for one attribute."""
        self._outgoing = None
        value = self._read(request.attribute, request.selection)
        response = GetResponseNormal(request.invoke, value).encode()
        if self._has_junk and request.attribute.class_id == _CLOCK and isinstance(value, bytes):
            return response + JUNK
        if self._terms.fits(response) or self._terms.uses_general_blocks(_BLOCKS):
            return response
        if not self._terms.grants(_BLOCKS) or not isinstance(value, bytes):
            return GetResponseNormal(request.invoke, DataAccessResult.DATA_BLOCK_UNAVAILABLE).encode()
        return self._begin(request.invoke, value)

    def next(self, request: GetRequestNext) -> bytes:
        """Answer a request for the next block."""
        outgoing = self._outgoing
        if outgoing is None:
            return self._abort(request, DataAccessResult.NO_LONG_GET_IN_PROGRESS)
        if request.block_number != outgoing.number:
            return self._abort(request, DataAccessResult.DATA_BLOCK_NUMBER_INVALID)
        return self._block(request.invoke, outgoing)

    def with_list(self, request: GetRequestWithList) -> bytes:
        """Answer a request for several attributes."""
        self._outgoing = None
        if not self._terms.grants(Conformance.MULTIPLE_REFERENCES):
            return refusal()
        if DlmsQuirk.LIST_REFUSED in self._terms.quirks:
            return refusal()
        results = tuple(self._read(attribute, selection) for attribute, selection in request.attributes)
        if DlmsQuirk.SINGLE_ANSWER_TO_LIST in self._terms.quirks and results:
            return GetResponseNormal(request.invoke, results[0]).encode()
        response = GetResponseWithList(request.invoke, results).encode()
        if self._terms.fits(response) or self._terms.uses_general_blocks(_BLOCKS):
            return response
        if not self._terms.grants(_BLOCKS):
            too_long = (DataAccessResult.DATA_BLOCK_UNAVAILABLE,) * len(results)
            return GetResponseWithList(request.invoke, too_long).encode()
        return self._begin(request.invoke, response[_RESULT_AT:])

    @property
    def _has_junk(self) -> bool:
        return DlmsQuirk.JUNK_AFTER_VALUE in self._terms.quirks

    def _read(self, attribute: AttributeDescriptor, selection: Selection | None) -> bytes | DataAccessResult:
        terms = self._terms
        if selection is not None and not terms.grants(Conformance.SELECTIVE_ACCESS):
            return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
        if attribute.attribute == 0 and not terms.grants(Conformance.ATTRIBUTE0_SUPPORTED_WITH_GET):
            return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
        return terms.view.get(attribute, selection)

    def _begin(self, invoke: int, octets: bytes) -> bytes:
        is_wrong = DlmsQuirk.WRONG_BLOCK_NUMBER in self._terms.quirks
        self._outgoing = Outgoing(octets, self._terms.max_send, has_wrong_number=is_wrong)
        return self._block(invoke, self._outgoing)

    def _block(self, invoke: int, outgoing: Outgoing) -> bytes:
        piece = outgoing.take()
        response = GetResponseWithBlock(invoke, outgoing.is_last, outgoing.number, piece).encode()
        if outgoing.is_last:
            self._outgoing = None
            if self._has_junk:
                response += JUNK
        return response

    def _abort(self, request: GetRequestNext, result: DataAccessResult) -> bytes:
        self._outgoing = None
        return GetResponseWithBlock(request.invoke, True, request.block_number, result).encode()
