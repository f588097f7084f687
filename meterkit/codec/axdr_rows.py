"""Rows of a profile's buffer at the speed of `struct`.

    01 82 27 10        array of 10,000
      02 08            structure of 8      09 0C 07 E8 ...   06 00 00 30 39   11 00   ...
      02 08            structure of 8      09 0C 07 E8 ...   06 00 00 30 3A   11 00   ...

Rows mostly have one shape: the same tags and lengths in the same places.  The shape of a row is worked out
once; how far it holds is seen by comparing those places down the buffer, and so many rows are unpacked at
once.  Rows that do not repeat are decoded one by one; the values are those of `decode` either way.

Source: Blue Book 4.3.6 (Profile generic, buffer).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from struct import Struct
from typing import Any, TypeAlias

from meterkit.codec.axdr_compact import TypeDescription, open_compact_array
from meterkit.codec.axdr_decode import decode_element, decode_prefix
from meterkit.codec.axdr_length import decode_length, expected
from meterkit.codec.axdr_measure import measure
from meterkit.codec.axdr_tags import Tag, tag_words
from meterkit.codec.axdr_types import CODES, CONVERTERS, EMPTY, TEXTS
from meterkit.codec.axdr_values import BitString, Value
from meterkit.codec.cosem_time import DATE_TIME_SIZE, CosemDateTime, moment

Row: TypeAlias = tuple[Value | datetime, ...]

_FIRST_REACH, _LAST_REACH = 64, 4096  # rows compared at once: more and more, so that work stays linear
_WORTH_IT = 4  # rows of one shape in a row, below which a shape costs more than it saves
_FIRST_SINGLES, _LAST_SINGLES = 4, 256  # rows then decoded one by one, before the next shape is tried


def decode_rows(octets: bytes, moments: Collection[int] = (), *, strict: bool = True) -> list[Row]:
    """Return the rows of an array or a compact-array of structures; null-data is left None.

    In the columns of `moments`, counted from 0, an octet-string of 12 octets or a date-time becomes a
    datetime, or a `CosemDateTime` where it is none.  With `strict` off, octets after the array are left.
    Errors: `ProtocolFault` (DECODE) with the position and what was expected there; ValueError for a column
    below 0.
    """
    if moments and min(moments) < 0:
        raise ValueError(f"columns are counted from 0, not {min(moments)}")
    tag = octets[0] if octets else None
    if tag == Tag.ARRAY:
        rows, end = _array_rows(octets, frozenset(moments))
    elif tag == Tag.COMPACT_ARRAY:
        rows, end = _compact_rows(octets, frozenset(moments))
    else:
        raise expected(0, "an array or compact-array", "nothing" if tag is None else tag_words(tag))
    if strict and end != len(octets):
        raise expected(end, "the end of the array", f"{len(octets) - end} octets more")
    return rows


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where everything lies in a row, and what becomes of it."""

    literals: tuple[tuple[int, bytes], ...]  #: offset and octet of every tag and length
    layout: Struct  #: unpacks the contents
    columns: tuple[_Column, ...]
    is_plain: bool  #: what the layout unpacks are the values already

    def run(self, octets: bytes, at: int, end: int, most: int) -> int:
        """Return how many rows from `at`, at most `most`, have this shape."""
        size = self.layout.size
        count = min(most, (end - at) // size)
        for offset, octet in self.literals:
            begin = at + offset
            column = octets[begin : begin + (count - 1) * size + 1 : size] if count else b""
            count = len(column) - len(column.lstrip(octet))
        return count

    def rows(self, octets: bytes, at: int, count: int) -> list[Row]:
        """Return `count` rows of this shape from `at`."""
        unpacked = self.layout.iter_unpack(memoryview(octets)[at : at + count * self.layout.size])
        if self.is_plain:
            return list(unpacked)
        contents = iter(zip(*unpacked, strict=True))
        values = [
            [column.value] * count if column.is_empty else _converted(column, next(contents))
            for column in self.columns
        ]
        return list(zip(*values, strict=True))


@dataclass(frozen=True, slots=True)
class _Column:
    code: str = ""  #: of the contents, for `struct`
    convert: Callable[[Any], Value | datetime] | None = None
    is_empty: bool = False  #: no contents, always `value`
    value: Value = None


def _converted(column: _Column, contents: Sequence[Any]) -> Sequence[Any]:
    return contents if column.convert is None else list(map(column.convert, contents))


# ---------------------------------------------------------------- from octets to rows
def _array_rows(octets: bytes, moments: frozenset[int]) -> tuple[list[Row], int]:
    def shape_at(at: int) -> _Shape | None:
        return _shape(octets, at, moments, None) if octets[at] == Tag.STRUCTURE else None

    def row_at(at: int) -> tuple[Value, int]:
        if octets[at] != Tag.STRUCTURE:
            raise expected(at, "a row: structure (02)", tag_words(octets[at]))
        return decode_prefix(octets, at, depth=1)

    count, at = decode_length(octets, 1)
    rows, at = _Run(octets, moments, shape_at, row_at).read(at, len(octets), count)
    if len(rows) != count:
        raise expected(at, f"row {len(rows) + 1} of {count}", "nothing")
    return rows, at


def _compact_rows(octets: bytes, moments: frozenset[int]) -> tuple[list[Row], int]:
    description, begin, end = open_compact_array(octets, 1, 0)
    measure(octets)
    if description.tag is not Tag.STRUCTURE:
        raise expected(1, "the description of a row: structure (02)", tag_words(description.tag))

    def shape_at(at: int) -> _Shape | None:
        return _shape(octets, at, moments, description.parts)

    def row_at(at: int) -> tuple[Value, int]:
        return decode_element(octets, at, description)

    return _Run(octets, moments, shape_at, row_at).read(begin, end, end - begin)


@dataclass(frozen=True, slots=True)
class _Run:
    """Reads rows, many at once where it can."""

    octets: bytes
    moments: frozenset[int]
    shape_at: Callable[[int], _Shape | None]
    row_at: Callable[[int], tuple[Value, int]]

    def read(self, at: int, end: int, count: int) -> tuple[list[Row], int]:
        """Return the rows from `at` to `end`, at most `count`, and where they end."""
        rows: list[Row] = []
        reach, singles = _FIRST_REACH, _FIRST_SINGLES
        while at < end and len(rows) < count:
            left = count - len(rows)
            shape = self.shape_at(at)
            run = shape.run(self.octets, at, end, min(left, reach)) if shape else 0
            if shape and run >= _WORTH_IT:
                rows += shape.rows(self.octets, at, run)
                at += run * shape.layout.size
                reach = min(reach * 4, _LAST_REACH) if run == reach else _FIRST_REACH
                singles = _FIRST_SINGLES
                continue
            for _ in range(min(left, singles)):
                if at < end:
                    value, at = self.row_at(at)
                    rows.append(self._finished(value))
            singles = min(singles * 2, _LAST_SINGLES)
        return rows, at

    def _finished(self, value: Value) -> Row:
        if isinstance(value, tuple) and not self.moments:
            return value
        row: list[Value | datetime] = list(value) if isinstance(value, tuple) else [value]
        for column in self.moments:
            if column < len(row):
                row[column] = _moment(row[column])
        return tuple(row)


def _moment(value: Value | datetime) -> Value | datetime:
    if isinstance(value, bytes) and len(value) == DATE_TIME_SIZE:
        return moment(value)
    if isinstance(value, CosemDateTime):
        return value.to_datetime() or value
    return value


# ---------------------------------------------------------------- the shape of a row
def _shape(
    octets: bytes, at: int, moments: frozenset[int], parts: tuple[TypeDescription, ...] | None
) -> _Shape | None:
    """Return the shape of the row at `at`, or None when it has none that would hold for others.

    A row of a compact array has no tags: its `parts` say what it is.
    """
    draft = _Draft(octets, at)
    try:
        if parts is None:
            draft.literal()  # structure
            width = draft.literal()
        else:
            width = len(parts)
        if width > _SHORT:
            return None
        for number in range(width):
            tag = draft.literal() if parts is None else parts[number].tag
            length = draft.literal() if tag in _COUNTED else 0
            column = None if length > _SHORT else _column(tag, length, number in moments)
            if column is None:
                return None
            draft.contents(column)
    except IndexError:  # the row is cut short: whoever decodes it says where
        return None
    return draft.shape()


class _Draft:
    """A shape in the making, along one row."""

    __slots__ = ("_at", "_code", "_columns", "_literals", "_octets", "_offset")

    def __init__(self, octets: bytes, at: int) -> None:
        self._octets, self._at, self._offset = octets, at, 0
        self._code = ">"
        self._literals: list[tuple[int, bytes]] = []
        self._columns: list[_Column] = []

    def literal(self) -> int:
        """Return the next octet, a tag or a length, which rows of this shape have too."""
        octet = self._octets[self._at + self._offset]
        self._literals.append((self._offset, bytes((octet,))))
        self._code += "x"
        self._offset += 1
        return octet

    def contents(self, column: _Column) -> None:
        """Go on behind the contents of `column`."""
        self._columns.append(column)
        self._code += column.code
        self._offset += Struct(f">{column.code}").size

    def shape(self) -> _Shape | None:
        """Return the shape; None when a row has no octets."""
        is_plain = not any(column.is_empty or column.convert for column in self._columns)
        layout = Struct(self._code)
        shape = _Shape(tuple(self._literals), layout, tuple(self._columns), is_plain)
        return shape if layout.size else None


_SHORT = 0x7F  # the largest length of one octet
_COUNTED = frozenset((*TEXTS, Tag.BIT_STRING))


def _column(tag: int, length: int, is_moment: bool) -> _Column | None:
    """Return what is to be done with contents of type `tag`; None when their place is not fixed."""
    if tag in _EMPTY_COLUMNS:
        return _EMPTY_COLUMNS[tag]
    if tag == Tag.BIT_STRING:
        return _Column(f"{(length + 7) // 8}s", partial(BitString, length=length))
    code = f"{length}s" if tag in _COUNTED else _CODES.get(tag)
    if code is None:
        return None
    if is_moment and code == f"{DATE_TIME_SIZE}s" and tag in (Tag.OCTET_STRING, Tag.DATE_TIME):
        return _Column(code, moment)
    return _Column(code, _CONVERTERS.get(tag))


_EMPTY_COLUMNS = {int(tag): _Column(is_empty=True, value=value) for tag, value in EMPTY.items()}
_CODES = {int(tag): code for tag, code in CODES.items()}
_CONVERTERS = {int(tag): convert for tag, convert in CONVERTERS.items()}
