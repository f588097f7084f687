"""CSV: one reading a line (RFC 4180, UTF-8), under a header line.

    time,meter,channel,value,unit,flags,kind,type,interval,read_at
    2026-03-01T00:15:00Z,m1,1-0:1.8.0,12.50,Wh,,register,decimal,,2026-03-01T00:15:09Z

A text that a spreadsheet would run as a formula gets a quote in front, as the command's CSV does; so does one
that begins with a quote, which lets the way back be exact.  Numbers are left alone: -5 is no formula.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from meterkit.fleet.readings import Reading
from meterkit.fleet.sinks.flat import iso, join_value, read_interval, read_time, split_value, stored_reading
from meterkit.fleet.sinks.lines import LineSink

__all__ = ["CsvLines", "CsvSink"]

_HEADER: Final = ("time", "meter", "channel", "value", "unit", "flags", "kind", "type", "interval", "read_at")
#: A cell that begins with one of these is run as a formula by a spreadsheet.  Source: OWASP, "CSV injection".
_FORMULA_STARTS: Final = ("=", "+", "-", "@")
_NUMBERS: Final = frozenset({"decimal", "integer", "float"})


def guarded(text: str) -> str:
    """Return `text` as a spreadsheet may see it; `unguarded` is the way back."""
    return f"'{text}" if text.startswith("'") or text.lstrip().startswith(_FORMULA_STARTS) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` made a cell of."""
    return cell.removeprefix("'")


class CsvLines:
    """Readings as lines of CSV.  No field holds a line end: `Reading` lets none in."""

    header: bytes = (",".join(_HEADER) + "\n").encode()

    def encode(self, reading: Reading) -> bytes:
        """Return a reading as one line."""
        type_name, text = split_value(reading.value)
        shown = "" if text is None else text if type_name in _NUMBERS else guarded(text)
        return ",".join(
            (
                iso(reading.time),
                _cell(guarded(reading.meter)),
                _cell(guarded(reading.channel)),
                _cell(shown),
                _cell(guarded(reading.unit)),
                _cell(guarded(" ".join(reading.flags))),
                reading.kind.value,
                type_name,
                "" if reading.interval is None else str(reading.interval),
                "" if reading.read_at is None else iso(reading.read_at),
            )
        ).encode()

    def decode(self, line: bytes) -> Reading:
        """Return the reading of a line.  Errors: ValueError it holds none."""
        try:
            (row,) = csv.reader(io.StringIO(line.decode(), newline=""), strict=True)
        except csv.Error as wrong:
            raise ValueError(str(wrong)) from None
        if len(row) != len(_HEADER):
            raise ValueError(f"{len(_HEADER)} fields expected, {len(row)} came")
        time, meter, channel, shown, unit, flags, kind, type_name, interval, read_at = row
        text = None if type_name == "none" else shown if type_name in _NUMBERS else unguarded(shown)
        return stored_reading(
            unguarded(meter),
            unguarded(channel),
            read_time(time),
            join_value(type_name, text),
            unit=unguarded(unit),
            flags=tuple(unguarded(flags).split()),
            kind=kind,
            interval=read_interval(interval) if interval else None,
            read_at=read_time(read_at) if read_at else None,
        )


def _cell(text: str) -> str:
    if '"' in text or "," in text:
        return '"' + text.replace('"', '""') + '"'
    return text


class CsvSink(LineSink):
    """A sink that appends CSV to the file `path`; if that has no suffix it is a folder for readings.csv."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"csv:{path}", path if path.suffix else path / "readings.csv", CsvLines())
