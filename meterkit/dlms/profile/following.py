"""What rows leave out, filled in: null-data, differences, the clock of rows a period apart.

    row 1   09 0C 07 E8 .. | 06 00 00 30 39 | 11 00       12:00   12345   0
    row 2   00             | 1C 05          | 00          12:15   12350   0

null-data stands for the value of the row before, in the clock's column for its time and one period more; a
delta type (28 to 33) for the difference from it.  What stands for a cell that is none, is none.
Each answer begins with rows of its own.
Source: Blue Book 4.3.6 (Profile generic, buffer); general knowledge for the delta types.
"""

from __future__ import annotations

from array import array
from typing import Any, Final

from meterkit.codec.axdr_values import Delta
from meterkit.dlms.profile.buffer import Piece
from meterkit.dlms.profile.cells import Flaw, placed
from meterkit.dlms.profile.clock import impossible, later
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.shape import Cells
from meterkit.errors import ErrorKind, fault

_NOT_PLAIN: Final = frozenset((type(None), Delta, Flaw))


class Follower:
    """Goes along the rows of one answer, remembering the one before."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._last: list[Any] = [None] * len(layout.places)

    def follow(self, piece: Piece) -> tuple[list[Cells], dict[int, Flaw]]:
        """Return the columns with everything in, and the rows, from 0, that have a cell that is none."""
        columns: list[Cells] = []
        flaws: dict[int, Flaw] = {}
        for number, cells in enumerate(piece.columns):
            if isinstance(cells, array) or _NOT_PLAIN.isdisjoint(map(type, cells)):
                columns.append(cells)
            else:
                columns.append(self._filled(number, cells, piece, flaws))
        self._last = [cells[-1] for cells in columns]
        return columns, flaws

    def _filled(self, number: int, cells: Cells, piece: Piece, flaws: dict[int, Flaw]) -> list[Any]:
        """Return a column filled in."""
        is_clock = number == self._layout.clock
        last, filled = self._last[number], list[Any]()
        for row, cell in enumerate(cells):
            if type(last) is Flaw and (cell is None or type(cell) is Delta):
                pass  # no more is known of this cell than of the one before
            elif cell is None:
                last = self._next_clock(last) if is_clock else last
            elif type(cell) is not Delta:
                last = cell
            elif isinstance(last, int):
                last = int(last) + int(cell)
            else:
                last = self._baseless(piece, row, number)
            if type(last) is Flaw:
                flaws.setdefault(row, last)
            filled.append(last)
        return filled

    def _next_clock(self, last: Any) -> Any:
        layout = self._layout
        if last is None:
            return None
        if layout.clock is not None and layout.asked[layout.clock].kind is ColumnKind.UNIX_CLOCK:
            return last + layout.period
        clock = later(last, layout.period)
        return last if clock is None and impossible(last) else clock

    def _baseless(self, piece: Piece, row: int, column: int) -> Flaw:
        message = "a number in the row before, to which to add, expected; a difference from none came"
        odd = fault(ErrorKind.DECODE, message)
        octets = piece.locate(row, column)
        return Flaw(placed(odd, piece.first + row, column, self._layout.asked, octets).error)
