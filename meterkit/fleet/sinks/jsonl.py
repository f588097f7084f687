r"""JSON lines: one reading a line, one object each.

    {"meter":"m1","channel":"1-0:1.8.0","time":"2026-03-01T00:15:00Z","value":12.50,"type":"decimal",
     "unit":"Wh","flags":[],"kind":"register","interval":null,"read_at":"2026-03-01T00:15:09Z"}\n

Numbers stand as they are, with every digit; those that JSON lacks (NaN, infinity) as text.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from meterkit.fleet.readings import Reading
from meterkit.fleet.sinks.flat import (
    COLUMNS,
    is_number,
    iso,
    join_value,
    read_interval,
    read_time,
    split_value,
    stored_reading,
)
from meterkit.fleet.sinks.lines import LineSink

__all__ = ["JsonLines", "JsonLinesSink"]

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode
#: Every number becomes a Decimal, which loses no digit.
_parsed: Final = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal).decode


class JsonLines:
    """Readings as JSON objects."""

    header: bytes = b""

    def encode(self, reading: Reading) -> bytes:
        """Return a reading as one line."""
        type_name, text = split_value(reading.value)
        if text is None:
            shown = "null"
        elif type_name == "boolean" or is_number(reading.value):
            shown = text
        else:
            shown = _quoted(text)
        flags = ",".join(map(_quoted, reading.flags))
        interval = "null" if reading.interval is None else reading.interval
        read_at = "null" if reading.read_at is None else f'"{iso(reading.read_at)}"'
        return (
            f'{{"meter":{_quoted(reading.meter)},"channel":{_quoted(reading.channel)},'
            f'"time":"{iso(reading.time)}","value":{shown},"type":"{type_name}",'
            f'"unit":{_quoted(reading.unit)},"flags":[{flags}],"kind":"{reading.kind.value}",'
            f'"interval":{interval},"read_at":{read_at}}}'
        ).encode()

    def decode(self, line: bytes) -> Reading:
        """Return the reading of a line.  Errors: ValueError it holds none."""
        try:
            found: Any = _parsed(line.decode())
        except RecursionError:
            raise ValueError("an object without others in it expected") from None
        match found:
            case {
                "meter": str(meter),
                "channel": str(channel),
                "time": str(time),
                "value": None | bool() | Decimal() | str() as value,
                "type": str(type_name),
                "unit": str(unit),
                "flags": [*flags],
                "kind": str(kind),
                "interval": None | Decimal() as interval,
                "read_at": None | str() as read_at,
            } if len(found) == len(COLUMNS) and all(isinstance(flag, str) for flag in flags):
                return stored_reading(
                    meter,
                    channel,
                    read_time(time),
                    join_value(type_name, _text(value)),
                    unit=unit,
                    flags=tuple(flags),
                    kind=kind,
                    interval=None if interval is None else read_interval(str(interval)),
                    read_at=None if read_at is None else read_time(read_at),
                )
            case _:
                raise ValueError(f"an object with {', '.join(COLUMNS)} expected")


def _text(value: Decimal | str | bool | None) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


class JsonLinesSink(LineSink):
    """A sink that appends JSON lines to the file `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"jsonl:{path}", path, JsonLines())
