"""Read and Write on the meter's side, with parameterised access and blocks both ways.

Source: IEC 62056-53, SN referencing; general knowledge.  The blocks of a request hold what follows its
tag, those of an answer likewise.
"""

from __future__ import annotations

from typing import TypeVar

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import DataAccessResult, Selection
from meterkit.dlms.apdu.errors import ConfirmedServiceError
from meterkit.dlms.apdu.short_name import (
    BlockNumber,
    BlockNumberAccess,
    DataBlockResult,
    ParameterisedAccess,
    ReadDataBlockAccess,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    VariableAccess,
    VariableName,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.blocks import Incoming, Outgoing, Taken
from meterkit.emulator.dlms.cosem_object import CosemObject
from meterkit.emulator.dlms.object_view import Returned
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.short_names import ShortNames
from meterkit.emulator.dlms.terms import Terms
from meterkit.errors import ProtocolFault

_READ, _WRITE = 5, 6  # services of a confirmedServiceError, and tags of their requests
_SERVICE_ERROR, _UNSUPPORTED, _PDU_SIZE = 3, 2, 1  # its error class, and values
_READ_BLOCKS = Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
_WRITE_BLOCKS = Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
_Request = TypeVar("_Request", ReadRequest, WriteRequest)


class ShortNameService:
    """Read and Write in one association, with what may be under way in and out."""

    def __init__(self, terms: Terms, names: ShortNames) -> None:
        self._terms, self._names = terms, names
        self._outgoing: Outgoing | None = None
        self._incoming: Incoming | None = None

    def read(self, request: ReadRequest) -> bytes:
        """Answer a Read request."""
        match request.variables:
            case (BlockNumberAccess(number),):
                return self._next(number)
            case (ReadDataBlockAccess(is_last, number, raw),):
                return self._read_block(is_last, number, raw)
            case variables:
                return self._read_all(variables)

    def write(self, request: WriteRequest) -> bytes:
        """Answer a Write request."""
        match request.variables:
            case (WriteDataBlockAccess(is_last, number),) if len(request.data) == 1:
                return self._write_block(is_last, number, request.data[0])
            case _:
                return self._write_all(request)

    def unconfirmed_write(self, request: UnconfirmedWriteRequest) -> None:
        """Do what an UnconfirmedWrite asks; there is no answer."""
        self._write_all(WriteRequest(request.variables, request.data))

    # ---------------------------------------------------------------- read
    def _read_all(self, variables: tuple[VariableAccess, ...]) -> bytes:
        self._outgoing = self._incoming = None
        if self._refuses_list(len(variables)):
            return _error(_READ, _UNSUPPORTED)
        results = tuple(self._read_one(variable) for variable in variables)
        response = ReadResponse(results).encode()
        if self._terms.fits(response):
            return response
        if not self._terms.grants(_READ_BLOCKS):
            return _error(_READ, _PDU_SIZE)
        is_wrong = DlmsQuirk.WRONG_BLOCK_NUMBER in self._terms.quirks
        self._outgoing = Outgoing(response[1:], self._terms.max_send, has_wrong_number=is_wrong)
        return self._block(self._outgoing)

    def _read_one(self, variable: VariableAccess) -> bytes | DataAccessResult:
        view = self._terms.view
        match variable:
            case VariableName(name):
                if (place := self._names.attribute(name)) is not None:
                    return view.read(*place)
                return self._invoke(name, None)
            case ParameterisedAccess(name, selector, parameters):
                if not self._terms.grants(Conformance.PARAMETERIZED_ACCESS):
                    return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
                if (place := self._names.attribute(name)) is not None:
                    return view.read(*place, Selection(selector, parameters))
                return self._invoke(name, parameters)
            case _:
                return DataAccessResult.OTHER_REASON

    def _invoke(self, name: int, parameters: bytes | None) -> bytes | DataAccessResult:
        place = self._names.method(name)
        if place is None:
            return DataAccessResult.OBJECT_UNDEFINED
        result, returned = self._perform(place, parameters)
        if result:
            return DataAccessResult(int(result))
        return axdr.encode_null() if returned is None else returned

    def _perform(self, place: tuple[CosemObject, int], parameters: bytes | None) -> Returned:
        return self._terms.view.invoke(*place, parameters)

    def _next(self, number: int) -> bytes:
        outgoing = self._outgoing
        if outgoing is None:
            return ReadResponse((DataAccessResult.NO_LONG_GET_IN_PROGRESS,)).encode()
        if number != outgoing.number:
            self._outgoing = None
            return ReadResponse((DataAccessResult.DATA_BLOCK_NUMBER_INVALID,)).encode()
        return self._block(outgoing)

    def _block(self, outgoing: Outgoing) -> bytes:
        piece = outgoing.take()
        if outgoing.is_last:
            self._outgoing = None
        return ReadResponse((DataBlockResult(outgoing.is_last, outgoing.number, piece),)).encode()

    def _read_block(self, is_last: bool, number: int, raw: bytes) -> bytes:
        if not self._terms.grants(_READ_BLOCKS):
            return _error(_READ, _UNSUPPORTED)
        taken = self._take(is_last, number, raw)
        if taken is Taken.MORE:
            return ReadResponse((BlockNumber(number),)).encode()
        request = self._whole(taken, _READ, ReadRequest)
        if isinstance(request, DataAccessResult):
            return ReadResponse((request,)).encode()
        return self._read_all(request.variables)

    # ---------------------------------------------------------------- write
    def _write_all(self, request: WriteRequest) -> bytes:
        self._outgoing = self._incoming = None
        if self._refuses_list(len(request.variables)) or len(request.variables) != len(request.data):
            return _error(_WRITE, _UNSUPPORTED)
        pairs = zip(request.variables, request.data, strict=True)
        return WriteResponse(tuple(self._write_one(variable, data) for variable, data in pairs)).encode()

    def _write_one(self, variable: VariableAccess, octets: bytes) -> DataAccessResult:
        if not isinstance(variable, VariableName):
            return DataAccessResult.SCOPE_OF_ACCESS_VIOLATED
        if (place := self._names.attribute(variable.name)) is not None:
            return self._terms.view.write(*place, octets)
        place = self._names.method(variable.name)
        if place is None:
            return DataAccessResult.OBJECT_UNDEFINED
        return DataAccessResult(int(self._perform(place, octets)[0]))

    def _write_block(self, is_last: bool, number: int, octets: bytes) -> bytes:
        if not self._terms.grants(_WRITE_BLOCKS):
            return _error(_WRITE, _UNSUPPORTED)
        if DlmsQuirk.NO_ANSWER_TO_FIRST_BLOCK in self._terms.quirks and number == 1:
            return b""
        try:
            raw = axdr.decode_octet_string(octets)
        except ProtocolFault:
            return WriteResponse((DataAccessResult.TYPE_UNMATCHED,)).encode()
        taken = self._take(is_last, number, raw)
        if taken is Taken.MORE:
            return WriteResponse((BlockNumber(number),)).encode()
        request = self._whole(taken, _WRITE, WriteRequest)
        if isinstance(request, DataAccessResult):
            return WriteResponse((request,)).encode()
        return self._write_all(request)

    # ---------------------------------------------------------------- both
    def _refuses_list(self, count: int) -> bool:
        if count <= 1:
            return count < 1
        return (
            not self._terms.grants(Conformance.MULTIPLE_REFERENCES)
            or DlmsQuirk.LIST_REFUSED in self._terms.quirks
        )

    def _take(self, is_last: bool, number: int, raw: bytes) -> Taken:
        if self._incoming is None or number == 1:
            self._incoming = Incoming()
        return self._incoming.take(number, is_last, raw)

    def _whole(self, taken: Taken, tag: int, kind: type[_Request]) -> _Request | DataAccessResult:
        """Return the request that came in blocks, or why there is none."""
        incoming, self._incoming = self._incoming, None
        if taken is not Taken.WHOLE or incoming is None:
            is_late = taken is Taken.WRONG_NUMBER
            return (
                DataAccessResult.DATA_BLOCK_NUMBER_INVALID if is_late else DataAccessResult.LONG_SET_ABORTED
            )
        try:
            request = decode_apdu(bytes((tag,)) + incoming.octets)
        except ProtocolFault:
            return DataAccessResult.OTHER_REASON
        return request if isinstance(request, kind) else DataAccessResult.OTHER_REASON


def _error(service: int, value: int) -> bytes:
    return ConfirmedServiceError(service, _SERVICE_ERROR, value).encode()
