"""A profile's buffer, piece by piece: rows that are whole are given before the fault that ends them.

    01 82 27 10       array of 10,000                         13 | description | length | contents
      02 08 ...       row 1: structure of 8                   compact array: rows without tags
      02 08 ...       row 2

Runs of rows of one shape come as packed columns, other rows cell by cell.  A claimed number of rows is never
believed: what is not there is told when it is missed.  Source: Blue Book 4.3.6; Green Book 9.5 (Data).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from meterkit.codec.axdr_compact import TypeDescription, open_compact_array
from meterkit.codec.axdr_length import decode_bit_length, expected
from meterkit.codec.axdr_tags import Tag, tag_words
from meterkit.codec.cosem_time import DATE_TIME_SIZE
from meterkit.dlms.profile.cells import SHOWN, Parts, placed, read_row
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.profile.layout import Layout, clock_place
from meterkit.dlms.profile.shape import COUNTED, Cells, Shape, shape_at
from meterkit.errors import ProtocolFault

_WORTH_IT: Final = 4  # rows of one shape, below which the shape costs more than it saves
_FIRST_REACH, _LAST_REACH = 64, 4096  # rows compared at once: more and more, so that work stays linear
_FIRST_SINGLES, _LAST_SINGLES = 4, 256  # rows then read cell by cell, before the next shape is tried
_MOST_DESCRIPTION: Final = 1024  # octets of a description that is looked for in a broken compact array


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows as columns, raw: null-data is None, differences are `Delta`, clocks are octets."""

    first: int  #: number of the first row in its answer, from 0
    count: int
    columns: list[Cells]  #: those asked for
    locate: Callable[[int, int], bytes]  #: octets of a cell, by row from 0 and column, for messages


def pieces(octets: bytes, layout: Layout) -> Iterator[Piece]:
    """Yield the rows of one answer.

    Errors: `ProtocolFault` (DECODE) after the last good row, with row, column and octets.
    """
    tag = octets[0] if octets else None
    if tag == Tag.NULL_DATA:  # some meters have it for no rows
        return
    if tag == Tag.ARRAY:
        claimed, at = decode_bit_length(octets, 1)
        yield from _Rows(octets, layout, len(octets), None).read(at, claimed)
    elif tag == Tag.COMPACT_ARRAY:
        yield from _compact_rows(octets, layout)
    else:
        raise expected(0, "an array or compact-array", "nothing" if tag is None else tag_words(tag))


def _compact_rows(octets: bytes, layout: Layout) -> Iterator[Piece]:
    description, begin, end = _open(octets)
    parts = description.parts if description.tag is Tag.STRUCTURE else (description,)
    if len(parts) not in layout.widths:
        odd = expected(1, layout.widths_words, f"{len(parts)}")
        raise placed(odd, 0, None, (), octets[1 : 1 + SHOWN])
    if description.least:
        yield from _Rows(octets, layout, min(end, len(octets)), parts).read(begin, None)
    if end > len(octets):
        raise expected(begin, f"{end - begin} octets in the compact-array", f"{len(octets) - begin}")


def _open(octets: bytes) -> tuple[TypeDescription, int, int]:
    """Return a compact array's description, where its contents begin, and where they are said to end."""
    try:
        return open_compact_array(octets, 1, 0)
    except ProtocolFault as odd:
        # Its contents may be cut short: the description ends where it leads an array of nothing.
        for at in range(2, min(len(octets), _MOST_DESCRIPTION)):
            try:
                description, _, _ = open_compact_array(octets[:at] + b"\0", 1, 0)
                length, begin = decode_bit_length(octets, at)
            except ProtocolFault:
                continue
            if length <= len(octets) - begin:  # it is whole, so something else is wrong with it
                break
            return description, begin, begin + length
        raise odd from None


@dataclass(frozen=True, slots=True)
class _Rows:
    """Reads rows, many at once where it can."""

    octets: bytes
    layout: Layout
    end: int
    parts: Parts

    def read(self, at: int, claimed: int | None) -> Iterator[Piece]:
        """Yield the rows from `at`: as many as are claimed or, in a compact array, as there are."""
        row = 0
        reach, singles = _FIRST_REACH, _FIRST_SINGLES
        while at < self.end if claimed is None else row < claimed:
            left = self.end if claimed is None else claimed - row
            shape = shape_at(self.octets, at, self.parts)
            most = min(left, reach)
            run = shape.run(self.octets, at, self.end, most) if shape and self._fits(shape) else 0
            if shape and run >= _WORTH_IT:
                yield self._run(shape, at, row, run)
                at, row = at + run * shape.size, row + run
                reach = min(reach * 4, _LAST_REACH) if run == reach else _FIRST_REACH
                singles = _FIRST_SINGLES
                continue
            piece, at, failed = self._singles(at, row, min(left, singles))
            if piece is not None:
                yield piece
                row += piece.count
            if failed is not None:
                raise failed
            if at >= self.end and claimed is not None and row < claimed:
                odd = expected(at, f"row {row + 1} of {claimed}", "nothing")
                raise placed(odd, row, None, (), b"")
            singles = min(singles * 2, _LAST_SINGLES)

    def _fits(self, shape: Shape) -> bool:
        """Tell whether rows of this shape agree with the capture objects."""
        width = len(shape.places)
        if width not in self.layout.widths:
            return False
        columns = self.layout.named(width)
        clock = clock_place(columns)
        if clock is None or shape.places[clock].tag is Tag.NULL_DATA:
            return True
        place = shape.places[clock]
        if columns[clock].kind is ColumnKind.UNIX_CLOCK:
            return place.tag is Tag.DOUBLE_LONG_UNSIGNED
        return place.tag in (Tag.OCTET_STRING, Tag.DATE_TIME) and place.size == DATE_TIME_SIZE

    def _run(self, shape: Shape, at: int, row: int, count: int) -> Piece:
        octets, places = self.octets, shape.places
        sources = [self.layout.source(number, len(places)) for number in range(len(self.layout.places))]

        def locate(number: int, column: int) -> bytes:
            place = places[sources[column]]
            contents = at + number * shape.size + place.offset
            begin = contents - (place.tag in COUNTED) - (self.parts is None)  # its length, its tag
            return octets[begin : contents + place.size][:SHOWN]

        return Piece(row, count, shape.columns(octets, at, count, sources), locate)

    def _singles(self, at: int, row: int, most: int) -> tuple[Piece | None, int, ProtocolFault | None]:
        """Return at most `most` rows as a piece, where they end, and what is wrong with the next one."""
        octets = self.octets
        rows: list[list[Any]] = []
        spans: list[list[slice]] = []
        failed: ProtocolFault | None = None
        while at < self.end and len(rows) < most:
            try:
                cells, found, at = read_row(octets, at, self.end, row + len(rows), self.layout, self.parts)
            except ProtocolFault as odd:
                failed = odd
                break
            rows.append(cells)
            spans.append(found)

        def locate(number: int, column: int) -> bytes:
            return octets[spans[number][column]][:SHOWN]

        columns: list[Cells] = [list(column) for column in zip(*rows, strict=True)]
        return Piece(row, len(rows), columns, locate) if rows else None, at, failed
