"""Selective access: a part of an attribute instead of the whole.  Source: Blue Book, Profile generic.

access-selection    00 | 01 selector parameters(Data)
selector 1          range_descriptor  structure { restricting_object, from_value, to_value, columns }
selector 2          entry_descriptor  structure { from_entry, to_entry, from_column, to_column }
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Final, Self, TypeAlias

from meterkit.codec.axdr import Tag
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.reader import ApduReader, optional, sequence_of
from meterkit.dlms.cosem.obis import SIZE, ObisCode

CLOCK_CLASS: Final = 8
CLOCK_TIME: Final = 2  # attribute of the clock

_OBJECT: Final = Struct(">BB BH BB6s Bb BH")  # capture_object_definition
_ENTRIES: Final = Struct(">BB BL BL BH BH")  # entry_descriptor
_FOUR: Final = 4  # elements of each of the three structures

#: A limit of a range: a time, or any encoded Data for profiles that are not sorted by the clock.
Limit: TypeAlias = "CosemDateTime | datetime | bytes"


class Selector(IntEnum):
    """How a profile's buffer is cut."""

    RANGE = 1  #: by the values of one column
    ENTRY = 2  #: by the number of the row


@dataclass(frozen=True, slots=True)
class CaptureObject:
    """One column of a profile: an attribute of an object, or one element of it."""

    class_id: int
    obis: ObisCode
    attribute: int  #: -128..127
    data_index: int = 0  #: 0 the whole attribute, else its element, from 1

    def encode(self) -> bytes:
        """Return the capture_object_definition as Data.  Raises: ValueError when a number does not fit."""
        try:
            return _OBJECT.pack(
                Tag.STRUCTURE, _FOUR, Tag.LONG_UNSIGNED, self.class_id,
                Tag.OCTET_STRING, SIZE, self.obis.to_bytes(),
                Tag.INTEGER, self.attribute, Tag.LONG_UNSIGNED, self.data_index,
            )  # fmt: skip
        except StructError as odd:
            raise ValueError(f"{self}: {odd}") from None

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take one off `reader`.  Errors: `ProtocolFault` (DECODE)."""
        _structure(reader, "capture object")
        class_id = _number(reader, "class_id", Tag.LONG_UNSIGNED, 2)
        reader.choice("logical_name", Tag.OCTET_STRING)
        reader.choice("logical_name", SIZE)
        obis = reader.obis()
        reader.choice("attribute_index", Tag.INTEGER)
        attribute = reader.signed(1, "attribute_index")
        return cls(class_id, obis, attribute, _number(reader, "data_index", Tag.LONG_UNSIGNED, 2))


@dataclass(frozen=True, slots=True)
class RangeDescriptor:
    """The rows whose `restricting_object` lies between two values, both included."""

    restricting_object: CaptureObject
    from_value: bytes  #: Data
    to_value: bytes  #: Data
    selected_values: tuple[CaptureObject, ...] = ()  #: columns; none means all

    def encode(self) -> bytes:
        """Return the structure as Data."""
        columns = sequence_of(column.encode() for column in self.selected_values)
        head = bytes((Tag.STRUCTURE, _FOUR)) + self.restricting_object.encode()
        return head + self.from_value + self.to_value + bytes((Tag.ARRAY,)) + columns

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the range that `octets` are.  Errors: `ProtocolFault` (DECODE)."""
        reader = ApduReader(octets, "range_descriptor")
        _structure(reader, "range_descriptor")
        column = CaptureObject.read(reader)
        first, last = reader.data("from_value"), reader.data("to_value")
        reader.choice("selected_values", Tag.ARRAY)
        count = reader.count("selected_values")
        selected = tuple(CaptureObject.read(reader) for _ in range(count))
        reader.finish()
        return cls(column, first, last, selected)


@dataclass(frozen=True, slots=True)
class EntryDescriptor:
    """Rows and columns by number; both count from 1."""

    from_entry: int = 1
    to_entry: int = 0  #: 0: the last one
    from_selected_value: int = 1  #: column
    to_selected_value: int = 0  #: column; 0: the last one

    def encode(self) -> bytes:
        """Return the structure as Data.  Raises: ValueError when a number does not fit."""
        try:
            return _ENTRIES.pack(
                Tag.STRUCTURE, _FOUR,
                Tag.DOUBLE_LONG_UNSIGNED, self.from_entry, Tag.DOUBLE_LONG_UNSIGNED, self.to_entry,
                Tag.LONG_UNSIGNED, self.from_selected_value, Tag.LONG_UNSIGNED, self.to_selected_value,
            )  # fmt: skip
        except StructError as odd:
            raise ValueError(f"{self}: {odd}") from None

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the entries that `octets` name.  Errors: `ProtocolFault` (DECODE)."""
        reader = ApduReader(octets, "entry_descriptor")
        _structure(reader, "entry_descriptor")
        first = _number(reader, "from_entry", Tag.DOUBLE_LONG_UNSIGNED, 4)
        last = _number(reader, "to_entry", Tag.DOUBLE_LONG_UNSIGNED, 4)
        first_column = _number(reader, "from_selected_value", Tag.LONG_UNSIGNED, 2)
        last_column = _number(reader, "to_selected_value", Tag.LONG_UNSIGNED, 2)
        reader.finish()
        return cls(first, last, first_column, last_column)


#: The clock's time: the column by which a load profile is sorted.
CLOCK_COLUMN: Final = CaptureObject(CLOCK_CLASS, ObisCode.CLOCK, CLOCK_TIME)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of an attribute: the selector and its parameters as encoded Data."""

    selector: int  #: 0..255; what it means is the class's matter
    parameters: bytes

    @classmethod
    def by_range(
        cls,
        first: Limit,
        last: Limit,
        *,
        column: CaptureObject = CLOCK_COLUMN,
        selected: Sequence[CaptureObject] = (),
    ) -> Self:
        """Select the rows from `first` to `last`, both included, by the values of `column`.

        `selected` are the columns to be sent; none means all.
        """
        limits = RangeDescriptor(column, _limit(first), _limit(last), tuple(selected))
        return cls(Selector.RANGE, limits.encode())

    @classmethod
    def by_entry(cls, first: int = 1, last: int = 0, *, first_column: int = 1, last_column: int = 0) -> Self:
        """Select rows `first` to `last` and columns, all counted from 1; 0 stands for the last one."""
        return cls(Selector.ENTRY, EntryDescriptor(first, last, first_column, last_column).encode())

    def encode(self) -> bytes:
        """Return selector and parameters.  Raises: ValueError when the selector does not fit."""
        return bytes((self.selector,)) + self.parameters

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take selector and parameters off `reader`.  Errors: `ProtocolFault` (DECODE)."""
        return cls(reader.octet("access-selector"), reader.data("access-parameters"))


def encode_selection(selection: Selection | None) -> bytes:
    """Return an access-selection: 00, or 01 and the selection."""
    return optional(None if selection is None else selection.encode())


def read_selection(reader: ApduReader) -> Selection | None:
    """Take an access-selection off `reader`."""
    return Selection.read(reader) if reader.is_present("access-selection") else None


def _limit(value: Limit) -> bytes:
    if isinstance(value, bytes):
        return value
    time = CosemDateTime.from_datetime(value) if isinstance(value, datetime) else value
    octets = time.encode()
    return bytes((Tag.OCTET_STRING, len(octets))) + octets


def _structure(reader: ApduReader, what: str) -> None:
    reader.choice(what, Tag.STRUCTURE)
    reader.choice(what, _FOUR)


def _number(reader: ApduReader, what: str, tag: Tag, size: int) -> int:
    reader.choice(what, tag)
    return reader.unsigned(size, what)
