"""A-XDR to plain Python, in a hurry.

Every value costs one look into a table by its tag.  What is wrong with octets is not worked out on the way:
when anything fails, `measure` walks them again, slowly, and says what was expected where.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, cast

from meterkit.codec.axdr_compact import TypeDescription, open_compact_array
from meterkit.codec.axdr_length import decode_bit_length, expected
from meterkit.codec.axdr_measure import measure
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag
from meterkit.codec.axdr_types import CONVERTERS, EMPTY, LAYOUTS, SIZES, TEXTS
from meterkit.codec.axdr_values import BitString, Scalar, Value
from meterkit.errors import ProtocolFault

_Taker = Callable[[bytes, int, int], tuple[Value, int]]  # octets, where the contents begin, depth


class _Trouble(Exception):
    """These octets are no value; `measure` knows why."""


def decode(octets: bytes, *, strict: bool = True) -> Value:
    """Return the value that fills `octets`, as plain Python; see `meterkit.codec.axdr_values`.

    With `strict` off, octets after the value are left alone: some meters add junk.
    Errors: `ProtocolFault` (DECODE) with the position and what was expected there.
    """
    value, end = decode_prefix(octets)
    if strict and end != len(octets):
        raise expected(end, "the end of the value", f"{len(octets) - end} octets more")
    return value


def decode_prefix(octets: bytes, offset: int = 0, *, depth: int = 0) -> tuple[Value, int]:
    """Return the value at `offset` and where it ends; `depth` is how many arrays and structures it lies in.

    Errors: `ProtocolFault` (DECODE) with the position and what was expected there.
    """
    try:
        return _TAKERS[octets[offset]](octets, offset + 1, depth)
    except (IndexError, struct.error, ProtocolFault, _Trouble):
        # What `measure` finds wrong is raised; octets that it alone could read are a fault all the same.
        raise expected(offset, "a value", f"one up to {measure(octets, offset, depth=depth)}") from None


def decode_contents(octets: bytes, offset: int, tag: Tag) -> tuple[Scalar, int]:
    """Return the value whose contents begin at `offset`, without their tag, and where it ends.

    For types that are not nested, in octets that `measure` has walked.
    """
    value, end = _TAKERS[tag](octets, offset, 0)
    return cast(Scalar, value), end


def _sequence(octets: bytes, at: int, depth: int) -> tuple[list[Value], int]:
    """Take a length and so many values with their tags."""
    if depth >= MAX_DEPTH:
        raise _Trouble
    count, at = octets[at], at + 1
    if count > 0x7F:
        count, at = decode_bit_length(octets, at - 1)
    if count > len(octets) - at:
        raise _Trouble
    depth += 1
    values: list[Value] = []
    append = values.append
    for _ in range(count):
        tag = octets[at]
        unpack = _UNPACK[tag]
        if unpack is not None:
            append(unpack(octets, at + 1)[0])
            at += _STEP[tag]
        else:
            value, at = _TAKERS[tag](octets, at + 1, depth)
            append(value)
    return values, at


def _structure(octets: bytes, at: int, depth: int) -> tuple[tuple[Value, ...], int]:
    values, at = _sequence(octets, at, depth)
    return tuple(values), at


def _compact_array(octets: bytes, at: int, depth: int) -> tuple[list[Value], int]:
    if depth >= MAX_DEPTH:
        raise _Trouble
    description, at, end = open_compact_array(octets, at, depth)
    contents, at = octets[at:end], 0
    values: list[Value] = []
    while at < len(contents):
        value, at = decode_element(contents, at, description)
        values.append(value)
    return values, end


def decode_element(octets: bytes, at: int, description: TypeDescription) -> tuple[Value, int]:
    """Return an element of a compact array, in octets that `measure` has walked, and where it ends."""
    tag = description.tag
    if tag is not Tag.STRUCTURE and tag is not Tag.ARRAY:
        return _TAKERS[tag](octets, at, 0)
    parts = description.parts if tag is Tag.STRUCTURE else description.parts * description.count
    values: list[Value] = []
    for part in parts:
        value, at = decode_element(octets, at, part)
        values.append(value)
    return (tuple(values) if tag is Tag.STRUCTURE else values), at


def _octets(octets: bytes, at: int, _depth: int) -> tuple[bytes, int]:
    """Take a length and so many octets."""
    length, at = octets[at], at + 1
    if length > 0x7F:
        length, at = decode_bit_length(octets, at - 1)
    end = at + length
    if end > len(octets):
        raise _Trouble
    return octets[at:end], end


def _text(convert: Callable[[bytes], Value]) -> _Taker:
    def take(octets: bytes, at: int, depth: int) -> tuple[Value, int]:
        taken, at = _octets(octets, at, depth)
        return convert(taken), at

    return take


def _bit_string(octets: bytes, at: int, _depth: int) -> tuple[Value, int]:
    length, at = decode_bit_length(octets, at)
    end = at + (length + 7) // 8
    if end > len(octets):
        raise _Trouble
    return BitString(octets[at:end], length), end


def _fixed(tag: Tag) -> _Taker:
    unpack, size = LAYOUTS[tag].unpack_from, SIZES[tag]
    if tag in CONVERTERS:
        convert = CONVERTERS[tag]
        return lambda octets, at, _depth: (convert(unpack(octets, at)[0]), at + size)
    return lambda octets, at, _depth: (unpack(octets, at)[0], at + size)


def _empty(value: Value) -> _Taker:
    return lambda _octets, at, _depth: (value, at)


def _no_type(_octets: bytes, _at: int, _depth: int) -> tuple[Value, int]:
    raise _Trouble


def _takers() -> list[_Taker]:
    takers: dict[int, _Taker] = {tag: _fixed(tag) for tag in LAYOUTS}
    takers |= {tag: _empty(value) for tag, value in EMPTY.items()}
    takers |= {tag: _text(CONVERTERS[tag]) if tag in CONVERTERS else _octets for tag in TEXTS}
    takers |= {Tag.BIT_STRING: _bit_string, Tag.ARRAY: _sequence, Tag.STRUCTURE: _structure}
    takers |= {Tag.COMPACT_ARRAY: _compact_array}
    return [takers.get(number, _no_type) for number in range(256)]


_TAKERS = _takers()  # by tag
_PLAIN = {tag: layout for tag, layout in LAYOUTS.items() if tag not in CONVERTERS}
_UNPACK: list[Callable[[bytes, int], tuple[Any, ...]] | None] = [None] * 256  # by tag, where it says it all
_STEP = [0] * 256  # octets of such a value, with its tag
for _tag, _layout in _PLAIN.items():
    _UNPACK[_tag], _STEP[_tag] = _layout.unpack_from, _layout.size + 1
