"""A reading taken apart into what files and databases know, and put together again without loss.

Decimal("12.50")  <->  ("decimal", "12.50")        2026-03-01T00:15:00Z  <->  1772324100000000 us
12.5                   ("float", "12.5")
12                     ("integer", "12")
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Final

from meterkit.fleet.readings import Reading, ReadingKind, Value

__all__ = [
    "COLUMNS",
    "EPOCH",
    "from_micros",
    "iso",
    "join_value",
    "micros",
    "read_interval",
    "read_time",
    "split_value",
    "stored_reading",
]

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: The columns of a stored reading, in the order of `Reading`; type tells which of Python's types value was.
COLUMNS: Final = ("meter", "channel", "time", "value", "type", "unit", "flags", "kind", "interval", "read_at")

_KINDS: Final = {kind.value: kind for kind in ReadingKind}


def micros(time: datetime) -> int:
    """Return microseconds since 1970, exact for any year."""
    since = time - EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(count: int) -> datetime:
    """Return the time, UTC, `count` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=count)


def iso(time: datetime) -> str:
    """Return a UTC time as ISO 8601 with Z."""
    return time.isoformat()[:-6] + "Z"


def read_time(text: str) -> datetime:
    """Return the time that `iso` wrote, UTC.  Errors: ValueError it is none, or has no zone."""
    time = datetime.fromisoformat(text)
    if time.utcoffset() is None:
        raise ValueError(f"a time with its zone expected, {text} came")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text} is no time in UTC") from None


def read_interval(text: str) -> int:
    """Return an interval's length, s.  Errors: ValueError it is no whole number of at most ten digits."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise ValueError(f"an interval in seconds expected, {text[:20]} came")
    return int(text)


def split_value(value: Value) -> tuple[str, str | None]:
    """Return a value's type and its text, which is exact."""
    match value:
        case None:
            return "none", None
        case bool():
            return "boolean", "true" if value else "false"
        case int():
            return "integer", str(value)
        case Decimal():
            return "decimal", str(value)
        case float():
            return "float", repr(value)
        case str():
            return "text", value


def join_value(type_name: str, text: str | None) -> Value:
    """Return the value that `split_value` took apart.  Errors: ValueError no such value."""
    if type_name == "none":
        return None
    if text is None:
        raise ValueError(f"a {type_name} expected, nothing came")
    try:
        match type_name:
            case "decimal":
                return Decimal(text)
            case "integer":
                return int(text)
            case "float":
                return float(text)
            case "text":
                return text
            case "boolean" if text in ("true", "false"):
                return text == "true"
            case _:
                raise ValueError(f"no value of type {type_name!r}: {text!r}")
    except InvalidOperation:
        raise ValueError(f"a decimal expected, {text!r} came") from None


def is_number(value: Value) -> bool:
    """Tell whether a value is a number that databases and JSON readers take: finite, no boolean."""
    match value:
        case bool() | str() | None:
            return False
        case Decimal():
            return value.is_finite()
        case _:
            return isfinite(value)


def stored_reading(
    meter: str,
    channel: str,
    time: datetime,
    value: Value,
    *,
    unit: str,
    flags: tuple[str, ...],
    kind: str,
    interval: int | None,
    read_at: datetime | None,
) -> Reading:
    """Return a reading that was stored.  Errors: ValueError it is none."""
    if kind not in _KINDS:
        raise ValueError(f"kind {kind!r}: {', '.join(_KINDS)} expected")
    return Reading(meter, channel, time, value, unit, flags, _KINDS[kind], interval, read_at)
