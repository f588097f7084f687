"""Typed calls on objects: get, set, call a method, read everything an object has.

    energy = await get_value(services, Register("1-0:1.8.0").value)             Result[Any]
    state = await get_value(services, DisconnectControl("0-0:96.3.10").control_state)   Result[ControlState]

They stand on `Referencing`, so logical and short names are one to them; `DlmsClient` offers them as `get`,
`set`, `call` and `read_object`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, SelectedAttribute, Selection
from meterkit.dlms.cosem.declare import AttributeRef, CosemObject, MethodRef
from meterkit.dlms.object_list import ObjectListElement
from meterkit.dlms.referencing import Referencing
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, ends_session
from meterkit.result import Err, Ok, Result

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")

LIST_LIMIT = 16  # attributes of one request, unless the client's options say otherwise


@dataclass(frozen=True, slots=True)
class ObjectValues:
    """What was read of one object: a Result for each attribute that was asked for, by its name."""

    object: CosemObject
    results: Mapping[str, Result[Any]] = field(default_factory=dict[str, Result[Any]])

    @property
    def values(self) -> dict[str, Any]:
        """The values that came; refused and odd ones are left out."""
        return {name: result.value for name, result in self.results.items() if isinstance(result, Ok)}

    @property
    def errors(self) -> dict[str, MeterError]:
        """What went wrong, by attribute."""
        return {name: result.error for name, result in self.results.items() if isinstance(result, Err)}

    def __getitem__(self, name: str) -> Result[Any]:
        return self.results[name]

    def __len__(self) -> int:
        return len(self.results)


async def get_value(
    services: Referencing, ref: AttributeRef[T], selection: Selection | None = None
) -> Result[T]:
    """Read one attribute as its type.

    Errors: DECODE a value that does not fit, naming object, attribute and place; those of `Referencing.read`.
    """
    return _decoded(ref, await services.read(_attribute(ref), selection))


async def set_value(
    services: Referencing, ref: AttributeRef[T], value: T, *, confirmed: bool = True
) -> Result[None]:
    """Write one attribute, once.

    Errors: those of `Referencing.write`.  Raises: ValueError or TypeError for no value of its type.
    """
    return await services.write(_attribute(ref), ref.encode(value), confirmed=confirmed)


@overload
async def call_method(
    services: Referencing, ref: MethodRef[None, R], value: None = None, *, confirmed: bool = True
) -> Result[R]: ...
@overload
async def call_method(
    services: Referencing, ref: MethodRef[P, R], value: P, *, confirmed: bool = True
) -> Result[R]: ...
async def call_method(
    services: Referencing, ref: MethodRef[Any, R], value: Any = None, *, confirmed: bool = True
) -> Result[R]:
    """Invoke a method, once, and return what it returns as its type; None for one that returns nothing.

    Not `confirmed`, nothing comes back: the value is None whatever the method returns.

    Errors: DECODE a value that does not fit, or none where one is due; those of `Referencing.act`.
    Raises: ValueError or TypeError for parameters that are none of the method's type.
    """
    method = MethodDescriptor(ref.class_id, ref.obis, ref.index)
    answer = await services.act(method, ref.encode(value), confirmed=confirmed)
    return answer if isinstance(answer, Err) else _returned(ref, answer.value, confirmed)


async def read_object(
    services: Referencing,
    obj: CosemObject,
    rights: ObjectListElement | None = None,
    *,
    list_limit: int = LIST_LIMIT,
) -> Result[ObjectValues]:
    """Read every attribute of an object that `rights` let us read; without rights, every declared one.

    Attributes that only the meter knows come as plain Python, named "attribute_9".  One that is refused, or
    does not fit, is an `Err` among the others.

    Errors: whatever ended the session.
    """
    refs = _readable(obj, rights)
    wanted: list[SelectedAttribute] = [(_attribute(ref), None) for ref in refs]
    results: dict[str, Result[Any]] = {}
    while wanted:
        piece = services.pieces(wanted, list_limit)[0]
        for ref, result in zip(refs, await services.read_list(piece), strict=False):
            if isinstance(result, Err) and ends_session(result.error):
                return result
            results[ref.name.partition(".")[2]] = _decoded(ref, result)
        wanted, refs = wanted[len(piece) :], refs[len(piece) :]
    return Ok(ObjectValues(obj, results))


def _readable(obj: CosemObject, rights: ObjectListElement | None) -> list[AttributeRef[Any]]:
    indices: Iterable[int] = obj.attributes
    if rights is not None and rights.has_rights:
        indices = (index for index in sorted(rights.attribute_access) if rights.is_readable(index))
    return [obj.attribute_ref(index) for index in indices]


def _attribute(ref: AttributeRef[Any]) -> AttributeDescriptor:
    return AttributeDescriptor(ref.class_id, ref.obis, ref.index)


def _decoded(ref: AttributeRef[T], answer: Result[bytes]) -> Result[T]:
    if isinstance(answer, Err):
        return answer
    try:
        return Ok(ref.decode(answer.value))
    except ProtocolFault as odd:
        return Err(odd.error)


def _returned(ref: MethodRef[Any, R], octets: bytes | None, confirmed: bool) -> Result[R]:
    """Return what a method returned.  Not confirmed, nothing can have come."""
    if ref.returns is None or not confirmed:
        return Ok(None)  # type: ignore[arg-type]  # R is None where nothing is declared
    if octets is None:
        message = f"performed, but it returned nothing where {ref.returns.words} is due"
        return Err(MeterError(ErrorKind.DECODE, message, where=str(ref)))
    try:
        return Ok(ref.returns.decode(octets, str(ref)))
    except ProtocolFault as odd:
        return Err(odd.error)
