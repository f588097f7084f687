"""Rows of one shape, many at once: the same tags and lengths in the same places, down the buffer.

      02 08 | 09 0C 07 E8 .. | 06 00 00 30 39 | 11 00       a row of 8
      xx xx   xx xx 12 octets  xx   4 octets    xx  1       tags and lengths are compared, contents taken

The n-th octets of all rows are one slice with a step, so a column of numbers costs as many slices as a number
has octets, whatever the number of rows.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from meterkit.codec.axdr_compact import TypeDescription
from meterkit.codec.axdr_tags import Tag
from meterkit.codec.axdr_types import CODES, CONVERTERS, EMPTY, SIZES, TEXTS
from meterkit.codec.axdr_values import BitString

#: The values of one column, row by row: packed numbers, or whatever Python has for them.
Cells = Sequence[Any]

_SHORT: Final = 0x7F  # the largest length of one octet
COUNTED: Final = frozenset((*TEXTS, Tag.BIT_STRING))  #: a length stands before their contents
_PACKED: Final = frozenset("bBhHiIqQfd")
_RAW: Final = frozenset({Tag.DATE_TIME, Tag.OCTET_STRING})  # stay octets
_LITTLE: Final = sys.byteorder == "little"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the contents of one value are in a row."""

    tag: Tag
    offset: int
    size: int  #: octets
    bits: int = 0  #: of a bit-string


@dataclass(frozen=True, slots=True)
class Shape:
    """Where everything lies in a row."""

    size: int  #: octets of a row
    literals: tuple[tuple[int, bytes], ...]  #: offset and octet of every tag and length
    places: tuple[Place, ...]

    def run(self, octets: bytes, at: int, end: int, most: int) -> int:
        """Return how many rows from `at`, at most `most`, have this shape."""
        size = self.size
        count = min(most, (end - at) // size)
        for offset, octet in self.literals:
            begin = at + offset
            column = octets[begin : begin + (count - 1) * size + 1 : size] if count else b""
            count = len(column) - len(column.lstrip(octet))
        return count

    def columns(self, octets: bytes, at: int, count: int, wanted: Sequence[int]) -> list[Cells]:
        """Return the `wanted` columns of `count` rows of this shape from `at`."""
        places = [self.places[number] for number in wanted]
        return [_column(place, octets, at + place.offset, self.size, count) for place in places]


def shape_at(octets: bytes, at: int, parts: tuple[TypeDescription, ...] | None = None) -> Shape | None:
    """Return the shape of the row at `at`, None if it has none that would hold for others.

    `parts`: of a compact array, whose rows have no tags.
    """
    literals: list[tuple[int, bytes]] = []
    places: list[Place] = []
    position = at

    def literal() -> int:
        nonlocal position
        octet = octets[position]
        literals.append((position - at, bytes((octet,))))
        position += 1
        return octet

    try:
        if parts is None and literal() != Tag.STRUCTURE:
            return None
        for number in range(literal() if parts is None else len(parts)):
            tag = literal() if parts is None else int(parts[number].tag)
            length = literal() if tag in COUNTED else 0
            if length > _SHORT or (tag not in COUNTED and tag not in SIZES):
                return None
            is_bits = tag == Tag.BIT_STRING
            size = ((length + 7) // 8 if is_bits else length) if tag in COUNTED else SIZES[Tag(tag)]
            places.append(Place(Tag(tag), position - at, size, length if is_bits else 0))
            position += size
    except IndexError:  # the row is cut short: whoever reads it cell by cell says where
        return None
    return Shape(position - at, tuple(literals), tuple(places)) if position > at else None


def _column(place: Place, octets: bytes, begin: int, step: int, count: int) -> Cells:
    tag, size = place.tag, place.size
    if tag in EMPTY:  # dont-care says no more than null-data
        return [None] * count
    code = CODES.get(tag)
    if code in _PACKED and tag not in CONVERTERS:
        return _numbers(octets, begin, step, count, code)
    if tag is Tag.BOOLEAN:
        return [octet != 0 for octet in octets[begin : begin + (count - 1) * step + 1 : step]]
    contents = [octets[at : at + size] for at in range(begin, begin + count * step, step)]
    if tag in _RAW:
        return contents
    if code in _PACKED:  # deltas
        return list(map(CONVERTERS[tag], _numbers(octets, begin, step, count, code)))
    convert: Callable[[bytes], object] = CONVERTERS.get(tag) or partial(_bits, place.bits)
    return list(map(convert, contents))


def _bits(length: int, octets: bytes) -> BitString:
    return BitString(octets, length)


def _numbers(octets: bytes, begin: int, step: int, count: int, code: str) -> array[Any]:
    """Return numbers that stand every `step` octets, most significant octet first."""
    numbers: array[Any] = array(code)
    size = numbers.itemsize
    packed = bytearray(size * count)
    for number in range(size):
        at = begin + number
        place = size - 1 - number if _LITTLE else number
        packed[place::size] = octets[at : at + (count - 1) * step + 1 : step]
    numbers.frombytes(packed)
    return numbers
