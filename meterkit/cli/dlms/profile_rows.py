"""Rows of a DLMS profile on their way out: JSON, CSV, Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Flag
from importlib import import_module
from typing import Any

from meterkit.cli.output import csv_text, flag_names, iso
from meterkit.codec.axdr_values import Scalar
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.profile.column import ProfileColumn, unique_names
from meterkit.dlms.profile.layout import clock_place
from meterkit.dlms.profile.row import ProfileRow


class ProfileForm:
    """How the rows of one stream are written.  `columns`: filled in once the stream knows them."""

    def __init__(self) -> None:
        self.columns: tuple[ProfileColumn, ...] = ()
        self._named: tuple[tuple[ProfileColumn, ...], list[str]] = ((), [])

    def _unique_names(self) -> list[str]:
        if self._named[0] is not self.columns:
            self._named = self.columns, unique_names(self.columns)
        return self._named[1]

    @property
    def shown(self) -> list[int]:
        """The places of the columns beside the row's time."""
        clock = clock_place(self.columns)
        return [place for place in range(len(self.columns)) if place != clock]

    def document(self, row: ProfileRow) -> dict[str, object]:
        """Return a row as one line of `meterkit dlms profile --json`."""
        names = self._unique_names()
        values = {names[place]: plain(row.values[place]) for place in self.shown}
        return {"time": time_text(row), "values": values}

    def names(self, row: ProfileRow) -> list[str]:
        """Return the CSV's header: columns by OBIS code, with their units."""
        return ["time", *(csv_text(head(self.columns[place])) for place in self.shown)]

    def cells(self, row: ProfileRow) -> list[object]:
        """Return a row's cells."""
        return [time_text(row) or "", *(cell(row.values[place]) for place in self.shown)]

    def table(self, rows: Sequence[ProfileRow], schema: Any) -> Any:
        """Return rows as a pyarrow Table: times, numbers as they are scaled, anything else as text."""
        arrow: Any = import_module("pyarrow")
        local = any(row.time is not None and row.time.tzinfo is None for row in rows)
        times = [None if row.time is None else row.time.replace(tzinfo=None) for row in rows]
        named = self._unique_names()
        names = ["time", *(named[place] for place in self.shown)]
        kinds = [arrow.timestamp("ms", None if local else "UTC")]
        kinds += [self._kind(arrow, place, rows) for place in self.shown]
        if schema is not None:
            kinds = list(schema.types)
        columns = [arrow.array(times, arrow.timestamp("ms")).cast(kinds[0])]
        for place, kind in zip(self.shown, kinds[1:], strict=True):
            cells = [_arrow_cell(row.values[place], arrow.types.is_string(kind)) for row in rows]
            columns.append(arrow.array(cells, kind))
        return arrow.table(columns, names=names)

    def _kind(self, arrow: Any, place: int, rows: Sequence[ProfileRow]) -> Any:
        values = [row.values[place] for row in rows if row.values[place] is not None]
        if not values or not all(isinstance(value, int | float | Decimal) for value in values):
            return arrow.string()
        if all(isinstance(value, int) and abs(value) < 1 << 63 for value in values):
            return arrow.int64()
        return arrow.float64()


def head(column: ProfileColumn) -> str:
    """Return a column's head: its name, and its unit where it has one."""
    unit = "" if column.unit is None else column.unit.symbol
    return f"{column.name} {unit}".rstrip()


def time_text(row: ProfileRow) -> str | None:
    """Return when a row was captured, in ISO 8601, or what its clock tells instead; None without one."""
    if row.time is not None:
        return iso(row.time)
    return None if row.clock is None else str(row.clock)


def plain(value: Any) -> object:
    """Return a value as `jsonable` takes it; numbers with a scaler keep their digits as text does."""
    match value:
        case Flag():
            return flag_names(value)
        case CosemDateTime():
            return str(value)
        case _:
            return value


def text_of(value: Any) -> str:
    """Return a value in one cell of a table."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}" if abs(value.adjusted()) <= 20 else f"{value}"
        case Flag():
            return ", ".join(name.replace("_", " ") for name in flag_names(value))
        case datetime():
            return iso(value)
        case bytes():
            return value.hex()
        case _:
            return str(value)


def cell(value: Any) -> object:
    """Return a value in one cell of a CSV file: numbers as they are, texts made harmless."""
    if isinstance(value, int | float) and not isinstance(value, bool | Flag):
        return value
    return text_of(value) if isinstance(value, Decimal) else csv_text(text_of(value))


def _arrow_cell(value: Any, is_text: bool) -> Scalar:
    if value is None:
        return None
    if is_text:
        return text_of(value)
    return float(value) if isinstance(value, Decimal) else int(value) if isinstance(value, int) else value
