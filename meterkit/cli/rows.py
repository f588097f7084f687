"""Load profile rows on their way out: JSON lines, CSV, Parquet.

Every sink keeps what it was given: after an error in mid-stream the file holds the rows so far.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from meterkit.cli.output import csv_text, flag_names, iso, json_line
from meterkit.cli.usage import UsageMistake

if TYPE_CHECKING:
    from meterkit.psem.tables.load_profile import LoadProfileRow

#: Rows of one Parquet row group.
GROUP = 4096
#: Rows after which what stands in a file's buffer is handed to the operating system.
FLUSH_EVERY = 256


R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)


class Sink(Protocol[R_contra]):
    """Takes rows one by one."""

    def write(self, row: R_contra) -> None:
        """Take one row."""
        ...

    def close(self) -> None:
        """Finish the output; called once, also after an error."""
        ...


class RowForm(Protocol[R_contra]):
    """How rows of one kind are written."""

    def document(self, row: R_contra) -> dict[str, object]:
        """Return a row as one line of JSON."""
        ...

    def names(self, row: R_contra) -> list[str]:
        """Return the CSV's header; `row` is the first one."""
        ...

    def cells(self, row: R_contra) -> list[object]:
        """Return a row's cells; texts have passed `csv_text`."""
        ...

    def table(self, rows: Sequence[R_contra], schema: Any) -> Any:
        """Return rows as a pyarrow Table, of the `schema` that the first ones had, None for those."""
        ...


class IntervalForm:
    """How the intervals of a PSEM load profile are written."""

    def document(self, row: LoadProfileRow) -> dict[str, object]:
        """Return a row as one line of JSON."""
        return row_document(row)

    def names(self, row: LoadProfileRow) -> list[str]:
        """Return the CSV's header."""
        return column_names(len(row.values))

    def cells(self, row: LoadProfileRow) -> list[object]:
        """Return a row's cells."""
        return [
            iso(row.end_time),
            int(row.is_valid),
            *("" if value is None else value for value in row.values),
            *(csv_text(status_text(status)) for status in row.status),
            csv_text(" ".join(flag_names(row.common))),
            row.block,
            row.interval,
            row.sequence,
        ]

    def table(self, rows: Sequence[LoadProfileRow], schema: Any) -> Any:
        """Return rows as a pyarrow Table."""
        return to_arrow(rows, schema)


def row_document(row: LoadProfileRow) -> dict[str, object]:
    """Return a row as one line of `meterkit psem profile --json`."""
    return {
        "end_time": iso(row.end_time),
        "is_valid": row.is_valid,
        "values": list(row.values),
        "status": [status_text(status) for status in row.status],
        "common": flag_names(row.common),
        "block": row.block,
        "interval": row.interval,
        "sequence": row.sequence,
    }


def status_text(status: object) -> str:
    """Return a channel status by its name in lower case, or its number if the guide has none."""
    name = getattr(status, "name", None)
    return str(name).lower() if name else str(status)


class JsonLines(Generic[R]):
    """One JSON object a line on standard output."""

    def __init__(self, form: RowForm[R]) -> None:
        self._form = form
        self._out = sys.stdout

    def write(self, row: R) -> None:
        """Print one row."""
        self._out.write(json_line(self._form.document(row)) + "\n")

    def close(self) -> None:
        """Hand what is left to the reader."""
        self._out.flush()


class CsvFile(Generic[R]):
    """A CSV file (RFC 4180, UTF-8) with a header line; one column a value and status."""

    def __init__(self, path: Path, form: RowForm[R]) -> None:
        self._form = form
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._count = 0

    def write(self, row: R) -> None:
        """Write one row, and the header in front of the first."""
        if not self._count:
            self._writer.writerow(self._form.names(row))
        self._count += 1
        self._writer.writerow(self._form.cells(row))
        if self._count % FLUSH_EVERY == 0:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetFile(Generic[R]):
    """A Parquet file with the columns of the CSV.  Extra: meterkit[arrow]."""

    def __init__(self, path: Path, form: RowForm[R]) -> None:
        self._form = form
        self._parquet: Any = import_module("pyarrow.parquet")
        self._path = path
        self._rows: list[R] = []
        self._writer: Any = None  #: pyarrow's ParquetWriter, once the first group has shown the schema

    def write(self, row: R) -> None:
        """Take one row; every `GROUP` rows are written."""
        self._rows.append(row)
        if len(self._rows) == GROUP:
            self._write_group()

    def close(self) -> None:
        """Write what is left and finish the file, which may hold no row."""
        if self._rows or self._writer is None:
            self._write_group()
        writer: Any = self._writer
        writer.close()

    def _write_group(self) -> None:
        schema = None if self._writer is None else self._writer.schema
        table = self._form.table(self._rows, schema)
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)
        self._rows.clear()


def to_arrow(rows: Sequence[LoadProfileRow], schema: Any = None) -> Any:
    """Return `rows` as a pyarrow Table; a channel is int64 if all its values here are whole, else float64."""
    arrow: Any = import_module("pyarrow")
    width = len(rows[0].values) if rows else 0
    columns: dict[str, Any] = {
        "end_time": arrow.array([row.end_time for row in rows], arrow.timestamp("ms", tz="UTC")),
        "is_valid": arrow.array([row.is_valid for row in rows], arrow.bool_()),
    }
    for channel in range(width):
        values = [row.values[channel] for row in rows]
        whole = all(value is None or isinstance(value, int) for value in values)
        kind = schema.field(f"channel_{channel}").type if schema is not None else _kind(arrow, whole)
        columns[f"channel_{channel}"] = arrow.array(values, kind)
    for channel in range(width):
        texts = [status_text(row.status[channel]) for row in rows]
        columns[f"status_{channel}"] = arrow.array(texts, arrow.string())
    columns["common"] = arrow.array([flag_names(row.common) for row in rows], arrow.list_(arrow.string()))
    for name in ("block", "interval", "sequence"):
        columns[name] = arrow.array([getattr(row, name) for row in rows], arrow.int64())
    return arrow.table(columns)


def _kind(arrow: Any, whole: bool) -> Any:
    return arrow.int64() if whole else arrow.float64()


def column_names(channels: int) -> list[str]:
    """Return the CSV's header for a number of channels."""
    return [
        "end_time",
        "is_valid",
        *(f"channel_{channel}" for channel in range(channels)),
        *(f"status_{channel}" for channel in range(channels)),
        "common",
        "block",
        "interval",
        "sequence",
    ]


def check_file(path: Path) -> None:
    """Refuse, before the meter is called, a file that `open_file` could not write.  Errors: UsageMistake."""
    if path.suffix.lower() not in _ENDINGS:
        raise UsageMistake(f"--out {path.name}: the name must end in .csv or .parquet")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise UsageMistake("Parquet needs the arrow extra: pip install 'meterkit[arrow]'")


def open_file(path: Path, form: RowForm[R]) -> Sink[R]:
    """Return the sink that `path` asks for by its ending: .csv or .parquet."""
    return ParquetFile(path, form) if path.suffix.lower() == ".parquet" else CsvFile(path, form)


_ENDINGS = (".csv", ".parquet")
