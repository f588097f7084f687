"""One row of an answer, cell by cell: slow, and exact about what is wrong.

An error reads so:

    row 17, column 3 (1-0:1.8.0): double-long-unsigned (06) of 5 octets expected, 3 came; 06 00 30

A cell that is wrong in itself, but whose end is known, is a `Flaw` in its row: the rows behind it are read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from meterkit.codec.axdr_compact import TypeDescription
from meterkit.codec.axdr_decode import decode_element, decode_prefix
from meterkit.codec.axdr_length import decode_bit_length, decode_length, expected
from meterkit.codec.axdr_measure import measure
from meterkit.codec.axdr_tags import Tag, tag_words
from meterkit.codec.axdr_types import SIZES, TEXTS
from meterkit.codec.axdr_values import DONT_CARE
from meterkit.codec.cosem_time import DATE_TIME_SIZE
from meterkit.dlms.profile.column import ColumnKind, ProfileColumn
from meterkit.dlms.profile.layout import Layout
from meterkit.errors import MeterError, ProtocolFault

#: Compact arrays have no tags: what each part of a row is.
Parts = tuple[TypeDescription, ...] | None

SHOWN: Final = 16  #: octets of a misfit that its message shows
_OPEN_CLOCK: Final = bytes((0xFF,)) * DATE_TIME_SIZE  # a clock that tells nothing


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands in a row for a cell that is none."""

    error: MeterError  #: with row, column and octets


def read_row(
    octets: bytes, at: int, end: int, row: int, layout: Layout, parts: Parts
) -> tuple[list[Any], list[slice], int]:
    """Return the cells asked for of the row at `at`, where each of them is, and where the row ends.

    `row` counts from 0.  A cell that is none is a `Flaw`; so are all of a row of another width.
    Errors: `ProtocolFault` (DECODE) with row, column and octets, where nobody can tell the row's end.
    """
    try:
        width, begin = _open(octets, at, layout) if parts is None else (len(parts), at)
    except ProtocolFault as odd:
        misfit = placed(odd, row, None, (), octets[at : min(at + SHOWN, end)])
        count = len(layout.places)
        stop = _end_of_row(octets, at, misfit)
        return [Flaw(misfit.error)] * count, [slice(at, stop)] * count, stop
    columns = layout.named(width)
    cells: list[Any] = []
    spans: list[slice] = []
    for number, column in enumerate(columns):
        stop = 0  # not known
        try:
            value, stop = _cell(octets, begin, end, None if parts is None else parts[number])
            cells.append(_settled(value, column, octets, begin))
        except ProtocolFault as odd:
            misfit = placed(odd, row, number, columns, octets[begin : min(stop or end, begin + SHOWN)])
            if not stop:
                raise misfit from None
            cells.append(Flaw(misfit.error))
        spans.append(slice(begin, stop))
        begin = stop
    sources = [layout.source(number, width) for number in range(len(layout.places))]
    return [cells[source] for source in sources], [spans[source] for source in sources], begin


def _open(octets: bytes, at: int, layout: Layout) -> tuple[int, int]:
    """Return how many columns the row at `at` has, and where they begin."""
    if octets[at] != Tag.STRUCTURE:
        raise expected(at, "a row: structure (02)", tag_words(octets[at]))
    width, begin = decode_length(octets, at + 1)
    if width not in layout.widths:
        raise expected(at, layout.widths_words, f"{width}")
    return width, begin


def _end_of_row(octets: bytes, at: int, misfit: ProtocolFault) -> int:
    """Return where a row that is none ends.  Errors: `misfit` where nobody can tell."""
    try:
        return measure(octets, at, depth=1)
    except ProtocolFault:
        raise misfit from None


def _cell(octets: bytes, at: int, end: int, part: TypeDescription | None) -> tuple[Any, int]:
    if part is None:
        value, stop = decode_prefix(octets, at, depth=2)
        return (octets[at + 1 : stop] if octets[at] == Tag.DATE_TIME else value), stop
    stop = end_of_part(octets, at, end, part)
    value, _ = decode_element(octets, at, part)
    return (octets[at:stop] if part.tag is Tag.DATE_TIME else value), stop


def end_of_part(octets: bytes, at: int, end: int, part: TypeDescription) -> int:
    """Return where a value without a tag ends.  Errors: `ProtocolFault` (DECODE) when that is past `end`."""
    if part.tag in (Tag.STRUCTURE, Tag.ARRAY):
        for one in part.parts if part.tag is Tag.STRUCTURE else part.parts * part.count:
            at = end_of_part(octets, at, end, one)
        return at
    stop = at
    if part.tag in TEXTS:
        length, stop = decode_length(octets, at)
    elif part.tag is Tag.BIT_STRING:
        bits, stop = decode_bit_length(octets, at)
        length = (bits + 7) // 8
    else:
        length = SIZES[part.tag]
    if stop + length > end:
        raise expected(at, f"{part.tag.words} of {stop - at + length} octets", f"{end - at}")
    return stop + length


def _settled(value: Any, column: ProfileColumn, octets: bytes, at: int) -> Any:
    """Return a clock's octets, and any other value as it is.  Errors: `ProtocolFault` for no clock."""
    if value is DONT_CARE or column.kind not in (ColumnKind.CLOCK, ColumnKind.UNIX_CLOCK):
        return None if value is DONT_CARE else value
    if column.kind is ColumnKind.UNIX_CLOCK:
        if value is None or (isinstance(value, int) and 0 <= value < 1 << 40):
            return value
        raise expected(at, "seconds since 1970", f"{value!r}"[:40])
    if value is None or (isinstance(value, bytes) and len(value) == DATE_TIME_SIZE):
        return value
    if value == b"":
        return _OPEN_CLOCK
    came = f"{len(value)} octets" if isinstance(value, bytes) else tag_words(octets[at])
    raise expected(at, f"a date-time of {DATE_TIME_SIZE} octets", came)


def placed(
    odd: ProtocolFault, row: int, column: int | None, columns: tuple[ProfileColumn, ...], octets: bytes
) -> ProtocolFault:
    """Return a fault with its row and column, counted from 1 as people do, and its octets."""
    where = f"row {row + 1}"
    if column is not None and column < len(columns):
        where += f", column {column + 1} ({columns[column].name})"
    shown = f"; {octets.hex(' ')}" if octets else ""
    return ProtocolFault(replace(odd.error, message=odd.error.message + shown, where=where))
