"""Types made of types: arrays, structures as frozen dataclasses, values that may be left out.

    @structure
    class SeasonProfile:
        season_profile_name: bytes = element(OCTET_STRING)
        season_start: CosemDateTime = element(OCTET_DATE_TIME)
        week_name: bytes = element(OCTET_STRING)

    02 03 | 09 .. | 09 0c .. | 09 ..   structure of 3   ->  SeasonProfile(...)

Source: Blue Book 4.1.6 (data types); Green Book 9.5 (Data).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast, dataclass_transform

from meterkit import arguments
from meterkit.codec import axdr
from meterkit.codec.axdr import CompactArray, Data, Tag
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.data_types import DataType, EnumType, Misfit
from meterkit.errors import ErrorKind, ProtocolFault, fault

T = TypeVar("T")

_TYPE: Final = "cosem type"  # in the metadata of a dataclass field
_MAY_BE_ABSENT: Final = "may be absent"

#: What a declaration takes for a type: one of `data_types`, a class made by `structure`, or a `Code`.
Declared = DataType[T] | type[T]


@dataclass(frozen=True, slots=True)
class Element(Generic[T]):
    """One element of a structure."""

    name: str
    type: DataType[T]
    may_be_absent: bool  #: at the end, in older versions of the class


# ---------------------------------------------------------------- declaring a structure
def element(kind: Declared[T]) -> T:
    """Declare an element of a structure, at its place."""
    return cast(T, dataclasses.field(metadata={_TYPE: kind}))


def trailing(kind: Declared[T]) -> T | None:
    """Declare an element at the end that some meters leave out: None then, and not written."""
    return cast("T | None", dataclasses.field(metadata={_TYPE: kind, _MAY_BE_ABSENT: True}))


@dataclass_transform(frozen_default=True, field_specifiers=(element, trailing))
def structure(cls: type[T]) -> type[T]:
    """Make a class body of `element`s a frozen dataclass, which stands for its type in declarations."""
    return dataclass(frozen=True, slots=True)(cls)


def elements_of(kind: type[Any]) -> tuple[Element[Any], ...]:
    """Return the elements of a structure in order.  Raises: TypeError for a class that is none."""
    if not dataclasses.is_dataclass(kind):
        raise TypeError(f"{kind.__name__} is no structure: decorate it with @structure")
    return tuple(
        Element(field.name, type_of(field.metadata[_TYPE]), _MAY_BE_ABSENT in field.metadata)
        for field in dataclasses.fields(kind)
    )


def type_of(declared: Declared[T]) -> DataType[T]:
    """Return the type that a declaration names.  Raises: TypeError for what is none."""
    if isinstance(declared, DataType):
        return declared
    if issubclass(declared, Code):
        return cast(DataType[T], EnumType(declared))
    return StructureType(declared)


# ---------------------------------------------------------------- the types
class StructureType(DataType[T]):
    """A structure, read as the dataclass that declares it."""

    def __init__(self, kind: type[T]) -> None:
        self.kind, self.elements, self.words = kind, elements_of(kind), f"structure {kind.__name__}"
        self.fewest = sum(not one.may_be_absent for one in self.elements)

    def read(self, data: Data) -> T:
        """Return an instance of the class."""
        items = data.value
        if data.tag is not Tag.STRUCTURE or not isinstance(items, tuple):
            raise Misfit(self.words, data)
        if not self.fewest <= len(items) <= len(self.elements):
            raise Misfit(f"{self.words} of {len(self.elements)} elements", data)
        values: list[Any] = [None] * len(self.elements)
        for place, (one, item) in enumerate(zip(self.elements, items, strict=False)):
            try:
                values[place] = one.type.read(item)
            except Misfit as odd:
                raise odd.within(f".{one.name}") from None
        return self.kind(*values)

    def write(self, value: T) -> Data:
        """Return the structure; None at the end is left out where it may be."""
        arguments.instance("value", value, self.kind)
        pairs = [(one, getattr(value, one.name)) for one in self.elements]
        while pairs and pairs[-1][0].may_be_absent and pairs[-1][1] is None:
            pairs.pop()
        return Data(Tag.STRUCTURE, tuple(one.type.write(part) for one, part in pairs))


class ArrayType(DataType[tuple[T, ...]]):
    """An array of one type; a compact-array will do."""

    def __init__(self, item: DataType[T]) -> None:
        self.item, self.words = item, f"array of {item.words}"

    def read(self, data: Data) -> tuple[T, ...]:
        """Return the items."""
        value = data.value
        items = value.items if isinstance(value, CompactArray) else value
        if data.tag not in (Tag.ARRAY, Tag.COMPACT_ARRAY) or not isinstance(items, tuple):
            raise Misfit(self.words, data)
        read: list[T] = []
        for place, item in enumerate(items):
            try:
                read.append(self.item.read(item))
            except Misfit as odd:
                raise odd.within(f"[{place}]") from None
        return tuple(read)

    def write(self, value: tuple[T, ...]) -> Data:
        """Return the array."""
        return Data(Tag.ARRAY, tuple(map(self.item.write, value)))


class OptionalType(DataType[T | None]):
    """A value, or null-data for none."""

    def __init__(self, kind: DataType[T]) -> None:
        self.kind, self.words = kind, f"{kind.words}, or null-data"

    def read(self, data: Data) -> T | None:
        """Return the value, None for null-data."""
        return None if data.tag is Tag.NULL_DATA else self.kind.read(data)

    def write(self, value: T | None) -> Data:
        """Return the value, null-data for None."""
        return Data(Tag.NULL_DATA) if value is None else self.kind.write(value)


class RowsType(DataType[list[axdr.Value]]):
    """The rows of a buffer as plain Python, whose columns only the capture objects know."""

    words = "array of structure, or compact-array"

    def read(self, data: Data) -> list[axdr.Value]:
        """Return the rows."""
        rows = data.plain()
        if not isinstance(rows, list):
            raise Misfit(self.words, data)
        return rows

    def write(self, value: list[axdr.Value]) -> Data:
        """Return the rows; numbers in them have to be `axdr.Data`."""
        return axdr.from_plain(cast("axdr.Data", list(value)))

    def decode(self, octets: bytes, where: str = "") -> list[axdr.Value]:
        """Return the rows of A-XDR octets, in a hurry."""
        try:
            rows = axdr.decode(octets, strict=False)
        except ProtocolFault as odd:
            raise ProtocolFault(odd.error.at(where) if where else odd.error) from None
        if not isinstance(rows, list):
            message = f"{self.words} expected, {octets[:16].hex(' ')} came"
            raise fault(ErrorKind.DECODE, message, where=where)
        return rows


def array(item: Declared[T]) -> ArrayType[T]:
    """Return the type of an array of `item`."""
    return ArrayType(type_of(item))


def optional(kind: Declared[T]) -> OptionalType[T]:
    """Return the type of a `kind` that may be null-data."""
    return OptionalType(type_of(kind))


ROWS: Final = RowsType()
