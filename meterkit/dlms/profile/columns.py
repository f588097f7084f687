"""ProfileColumns: many rows as packed columns that others can use without copying.

    times     q q q q ...      seconds since 1970, in UTC or local          valid  1 1 0 1
    1-0:1.8.0 I I I I ...      raw numbers in the type that they came in    valid  None: all are

A column whose type changes on the way is widened; what is no number stays a list of Python's own.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from meterkit.dlms.profile.batch import Batch
from meterkit.dlms.profile.clock import HUNDREDTHS, UNKNOWN
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.row import ProfileRow, RowMaker
from meterkit.dlms.profile.shape import Cells

_WIDEST: Final = "q"
_LIMIT: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class ColumnData:
    """The values of one column."""

    column: ProfileColumn
    values: array[Any] | list[Any]  #: raw; an array where all are numbers of one kind, 0 in place of none
    valid: bytes | None = None  #: 1 for each row that has a value; None: all have

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class ProfileColumns:
    """Rows as columns, oldest first."""

    columns: tuple[ColumnData, ...]  #: in the order of the stream's columns
    times: array[int]  #: when each row was captured: seconds since 1970, 0 where it is not known
    hundredths: array[int] | None  #: of a second, behind `times`; None: whole seconds all
    valid: bytes | None  #: 1 for each row whose time is known; None: all are
    is_local: bool  #: times are local, because the meter leaves its deviation open
    rows_source: tuple[Layout, tuple[int, ...], tuple[Batch, ...]]  #: what `to_rows` makes rows of

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, name: str) -> ColumnData:
        """Return a column by its name, such as "1-0:1.8.0".  Raises: KeyError."""
        for one in self.columns:
            if name in (one.column.name, str(one.column), str(one.column.obis)):
                return one
        raise KeyError(name)

    def to_rows(self) -> Iterator[ProfileRow]:
        """Yield the rows, as the stream would have."""
        layout, order, batches = self.rows_source
        maker = RowMaker(layout, order)
        for batch in batches:
            yield from maker.rows(batch)

    def to_arrow(self) -> Any:
        """Return a pyarrow Table: `time`, then one field a column, scaled.  Extra: meterkit[arrow].

        Numbers with a negative scaler are decimals, with a positive one floats; fields have the metadata
        obis, class_id, attribute_index, scaler and unit.
        """
        from meterkit.dlms.profile.arrow import to_arrow

        return to_arrow(self)


class ColumnBuilder:
    """Collects batches as columns."""

    def __init__(self, layout: Layout, order: Sequence[int]) -> None:
        self._layout, self._order = layout, tuple(order)
        self._batches: list[Batch] = []

    def add(self, layout: Layout, batch: Batch) -> None:
        """Take the rows of a batch, which are laid out as those before."""
        self._layout = layout
        self._batches.append(batch)

    def built(self) -> ProfileColumns:
        """Return the columns of all rows so far."""
        batches = self._batches
        columns: list[ColumnData] = []
        for place in self._order:
            values, valid = _strung([batch.columns[place] for batch in batches])
            columns.append(ColumnData(self._layout.asked[place], values, valid))
        moments = array("q")
        for batch in batches:
            moments.extend(batch.moments)
        is_local = any(batch.local is not None for batch in batches)
        valid = bytes(one != UNKNOWN for one in moments) if UNKNOWN in moments else None
        shift = self._layout.deviation * 60 * HUNDREDTHS if is_local else 0
        known = moments if valid is None else [0 if one == UNKNOWN else one for one in moments]
        times = array("q", [(one - shift) // HUNDREDTHS for one in known])
        rests = array("B", [one % HUNDREDTHS for one in known])
        hundredths = rests if any(rests) else None
        source = self._layout, self._order, tuple(batches)
        return ProfileColumns(tuple(columns), times, hundredths, valid, is_local, source)


def _strung(pieces: Sequence[Cells]) -> tuple[array[Any] | list[Any], bytes | None]:
    """Return the cells of all batches as one, packed if they are numbers of one kind."""
    codes = {piece.typecode for piece in pieces if isinstance(piece, array)}
    if pieces and all(isinstance(piece, array) for piece in pieces) and len(codes) == 1:
        whole: array[Any] = array(codes.pop())
        for piece in pieces:
            whole.extend(piece)
        return whole, None
    cells = [cell for piece in pieces for cell in piece]
    return _packed(cells)


def _packed(cells: list[Any]) -> tuple[array[Any] | list[Any], bytes | None]:
    kinds: set[type[Any]] = {type(cell) for cell in cells}
    valid = bytes(cell is not None for cell in cells) if type(None) in kinds else None
    kinds.discard(type(None))
    if kinds == {int}:
        least = min(cell for cell in cells if cell is not None)
        most = max(cell for cell in cells if cell is not None)
        code = _WIDEST if least >= -_LIMIT and most < _LIMIT else "Q" if least >= 0 else ""
        if code and most < 2 * _LIMIT:
            return array(code, [cell or 0 for cell in cells]), valid
    if kinds and kinds <= {int, float}:
        return array("d", [cell or 0.0 for cell in cells]), valid
    return cells, valid
