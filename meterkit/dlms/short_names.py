"""Objects by their short names: Read and Write of one session, behind the calls that logical names have.

An attribute's short name is its object's base name and an offset; base names come from the association view,
read once a session.  Methods are written to; a method's return value cannot be had this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, SelectedAttribute, Selection
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.apdu.short_name import (
    ParameterisedAccess,
    ReadRequest,
    ReadResponse,
    ReadResult,
    UnconfirmedWriteRequest,
    VariableAccess,
    VariableName,
    WriteRequest,
    WriteResponse,
)
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.object_list import CURRENT_SN_ASSOCIATION, SN_ASSOCIATION_NAME, parse_short_name_list
from meterkit.dlms.refusals import refused, unexpected
from meterkit.dlms.secret_requests import is_secret
from meterkit.dlms.session import DlmsSession
from meterkit.dlms.short_name_places import attribute_name, method_name
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.result import Err, Ok, Result

NULL_DATA: Final = b"\0"  # A-XDR; what a method without parameters is given
ACCESS_SIZE: Final = 3  # octets of a variable name in a request
LIST_HEAD: Final = 2  # octets of a request beside its variables


class ShortNames:
    """The services of an association with short names."""

    def __init__(self, session: DlmsSession) -> None:
        self.session = session
        self._base_names: dict[tuple[int, ObisCode], int] | None = None

    def forget(self) -> None:
        """Begin anew: base names are read again."""
        self._base_names = None

    async def read(self, attribute: AttributeDescriptor, selection: Selection | None = None) -> Result[bytes]:
        """Read one attribute and return its Data.

        Errors: STATE the association view has no such object; REFUSED; as `DlmsSession.call`.
        """
        return (await self.read_list([(attribute, selection)]))[0]

    def pieces(self, attributes: Sequence[SelectedAttribute], limit: int) -> list[list[SelectedAttribute]]:
        """Cut a list into lists of at most `limit` attributes whose requests fit the meter's PDU size."""
        if not self.session.conformance & Conformance.MULTIPLE_REFERENCES:
            limit = 1
        if self.session.max_pdu:
            limit = max(1, min(limit, (self.session.max_pdu - LIST_HEAD) // ACCESS_SIZE))
        if any(selection for _, selection in attributes):
            limit = 1
        return [list(attributes[begin : begin + limit]) for begin in range(0, len(attributes), limit)]

    async def read_list(self, attributes: Sequence[SelectedAttribute]) -> list[Result[bytes]]:
        """Read several attributes in one Read; one result each, in order."""
        known = await self._find_base_names(attributes)
        if isinstance(known, Err):
            return [known] * len(attributes)
        try:
            variables = tuple(self._variable(attribute, selection) for attribute, selection in attributes)
        except ProtocolFault as unknown:
            return await self._one_by_one(attributes, unknown.error)
        hides = any(is_secret(attribute) for attribute, _ in attributes)
        answer = await self.session.call(ReadRequest(variables), is_secret=hides)
        results = answer if isinstance(answer, Err) else _read_results(answer.value, len(attributes))
        if isinstance(results, Err):
            return [Err(results.error.at(f"Read {attribute}")) for attribute, _ in attributes]
        return [
            _settled(result, f"Read {attribute}")
            for (attribute, _), result in zip(attributes, results.value, strict=True)
        ]

    async def _one_by_one(
        self, attributes: Sequence[SelectedAttribute], error: MeterError
    ) -> list[Result[bytes]]:
        """Read the rest where one attribute of a list has no name."""
        if len(attributes) == 1:
            return [Err(error.at(f"Read {attributes[0][0]}"))]
        return [await self.read(attribute, selection) for attribute, selection in attributes]

    async def write(
        self,
        attribute: AttributeDescriptor,
        value: bytes,
        selection: Selection | None = None,
        *,
        confirmed: bool = True,
    ) -> Result[None]:
        """Write one attribute; nothing is ever sent twice.  Not `confirmed`, nobody says what became of it.

        Errors: STATE no such object; REFUSED; as `DlmsSession.call`.
        """
        where = f"Write {attribute}"
        known = await self._find_base_names([(attribute, selection)])
        if isinstance(known, Err):
            return known
        try:
            variable = self._variable(attribute, selection)
        except ProtocolFault as unknown:
            return Err(unknown.error.at(where))
        return await self._write(variable, value, where, confirmed, hides=is_secret(attribute))

    async def act(
        self, method: MethodDescriptor, parameters: bytes | None = None, *, confirmed: bool = True
    ) -> Result[bytes | None]:
        """Perform a method by writing to its short name; it returns nothing, and is never sent twice.

        Errors: STATE no such object, or no short names are known for its methods; REFUSED; as `write`.
        """
        where = f"Write method {method}"
        stand_in = AttributeDescriptor(method.class_id, method.obis, 1)
        known = await self._find_base_names([(stand_in, None)])
        if isinstance(known, Err):
            return known
        try:
            name = method_name(method.class_id, self._base_name(method.class_id, method.obis), method.method)
        except ProtocolFault as unknown:
            return Err(unknown.error.at(where))
        data = NULL_DATA if parameters is None else parameters
        return await self._write(VariableName(name), data, where, confirmed, hides=is_secret(method))

    async def _write(
        self, variable: VariableAccess, value: bytes, where: str, confirmed: bool, *, hides: bool
    ) -> Result[None]:
        service = WriteRequest if confirmed else UnconfirmedWriteRequest
        answer = await self.session.call(service((variable,), (value,)), is_secret=hides)
        outcome = answer.bind(_written) if confirmed else answer.map(lambda _: None)
        return outcome if isinstance(outcome, Ok) else Err(outcome.error.at(where))

    # ---------------------------------------------------------------- names
    async def _find_base_names(self, attributes: Sequence[SelectedAttribute]) -> Result[None]:
        """Read the association view, unless it is known or not needed."""
        if self._base_names is not None or all(one == CURRENT_SN_ASSOCIATION for one, _ in attributes):
            return Ok(None)
        view = await self.read(CURRENT_SN_ASSOCIATION)
        if isinstance(view, Err):
            return view
        try:
            objects = parse_short_name_list(view.value)
        except ProtocolFault as odd:
            return Err(odd.error)
        self._base_names = {(one.class_id, one.obis): one.base_name or 0 for one in objects}
        return Ok(None)

    def _base_name(self, class_id: int, obis: ObisCode) -> int:
        association = CURRENT_SN_ASSOCIATION
        if (class_id, obis) == (association.class_id, association.obis):
            return SN_ASSOCIATION_NAME
        name = (self._base_names or {}).get((class_id, obis))
        if name is None:
            raise fault(ErrorKind.STATE, f"the association view has no object {obis} of class {class_id}")
        return name

    def _variable(self, attribute: AttributeDescriptor, selection: Selection | None) -> VariableAccess:
        name = attribute_name(self._base_name(attribute.class_id, attribute.obis), attribute.attribute)
        if selection is None:
            return VariableName(name)
        return ParameterisedAccess(name, selection.selector, selection.parameters)


def _read_results(octets: bytes, count: int) -> Result[Sequence[ReadResult]]:
    try:
        response = decode_apdu(octets, strict=False)
    except ProtocolFault as odd:
        return Err(odd.error)
    if not isinstance(response, ReadResponse) or len(response.results) != count:
        return Err(unexpected(octets, f"a read-response with {count} results"))
    return Ok(response.results)


def _settled(result: ReadResult, where: str) -> Result[bytes]:
    if isinstance(result, bytes):
        return Ok(result)
    if isinstance(result, DataAccessResult):
        return Err(refused(result).at(where))
    return Err(MeterError(ErrorKind.PROTOCOL, f"a value was expected, a block came: {result}", where=where))


def _written(octets: bytes) -> Result[None]:
    try:
        response = decode_apdu(octets, strict=False)
    except ProtocolFault as odd:
        return Err(odd.error)
    if not isinstance(response, WriteResponse) or len(response.results) != 1:
        return Err(unexpected(octets, "a write-response with 1 result"))
    result = response.results[0]
    if result is DataAccessResult.SUCCESS:
        return Ok(None)
    return Err(refused(result) if isinstance(result, DataAccessResult) else unexpected(octets, "a result"))
