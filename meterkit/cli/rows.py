"""Load profile rows on their way out: JSON lines, CSV, Parquet.

Every sink keeps what it was given: after an error in mid-stream the file holds the rows so far.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from meterkit.cli.output import csv_text, flag_names, iso, json_line
from meterkit.cli.usage import UsageMistake

if TYPE_CHECKING:
    from meterkit.psem.tables.load_profile import LoadProfileRow

#: Rows of one Parquet row group.
GROUP = 4096
#: Rows after which what stands in a file's buffer is handed to the operating system.
FLUSH_EVERY = 256


class Sink(Protocol):
    """Takes rows one by one."""

    def write(self, row: LoadProfileRow) -> None:
        """Take one row."""
        ...

    def close(self) -> None:
        """Finish the output; called once, also after an error."""
        ...


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


class JsonLines:
    """One JSON object a line on standard output."""

    def __init__(self) -> None:
        self._out = sys.stdout

    def write(self, row: LoadProfileRow) -> None:
        """Print one row."""
        self._out.write(json_line(row_document(row)) + "\n")

    def close(self) -> None:
        """Hand what is left to the reader."""
        self._out.flush()


class CsvFile:
    """A CSV file (RFC 4180, UTF-8) with a header line; one column a channel value and status."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._count = 0

    def write(self, row: LoadProfileRow) -> None:
        """Write one row, and the header in front of the first."""
        if not self._count:
            self._writer.writerow(column_names(len(row.values)))
        self._count += 1
        self._writer.writerow(
            [
                iso(row.end_time),
                int(row.is_valid),
                *("" if value is None else value for value in row.values),
                *(csv_text(status_text(status)) for status in row.status),
                csv_text(" ".join(flag_names(row.common))),
                row.block,
                row.interval,
                row.sequence,
            ]
        )
        if self._count % FLUSH_EVERY == 0:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ParquetFile:
    """A Parquet file with the columns of the CSV.  Extra: meterkit[arrow]."""

    def __init__(self, path: Path) -> None:
        self._parquet: Any = import_module("pyarrow.parquet")
        self._path = path
        self._rows: list[LoadProfileRow] = []
        self._writer: Any = None  #: pyarrow's ParquetWriter, once the first group has shown the schema

    def write(self, row: LoadProfileRow) -> None:
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
        table = to_arrow(self._rows, schema)
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
    if path.suffix.lower() not in _SINKS:
        raise UsageMistake(f"--out {path.name}: the name must end in .csv or .parquet")
    if path.suffix.lower() == ".parquet" and find_spec("pyarrow") is None:
        raise UsageMistake("Parquet needs the arrow extra: pip install 'meterkit[arrow]'")


def open_file(path: Path) -> Sink:
    """Return the sink that `path` asks for by its ending: .csv or .parquet."""
    return _SINKS[path.suffix.lower()](path)


_SINKS: dict[str, Callable[[Path], Sink]] = {".csv": CsvFile, ".parquet": ParquetFile}
