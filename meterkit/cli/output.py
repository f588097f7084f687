"""What leaves the program: JSON, hex dumps, and texts from a meter made harmless.

A meter's strings are untrusted.  They pass `safe_text` before a terminal or a file sees them, and
`csv_text` before a spreadsheet does.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from math import isfinite
from typing import TypeAlias, cast

from meterkit.codec.values import InvalidTime
from meterkit.errors import MeterError

#: A cell that begins with one of these is run as a formula by a spreadsheet.  Source: OWASP, "CSV injection".
_FORMULA_STARTS = ("=", "+", "-", "@")


def safe_text(text: str) -> str:
    """Return `text` without what could steer a terminal: controls, escapes, direction marks.

    Each such character becomes U+FFFD; padding NULs and blanks at the end are dropped.
    """
    kept = text.rstrip("\0 ")
    return "".join("\ufffd" if unicodedata.category(c) in _UNSAFE else c for c in kept)


#: Unicode categories: control, format (direction overrides), surrogate, private, line, paragraph.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def csv_text(text: str) -> str:
    """Return `text` safe for a spreadsheet: `safe_text`, and a quote in front of a would-be formula."""
    kept = safe_text(text)
    return f"'{kept}" if kept.lstrip().startswith(_FORMULA_STARTS) else kept


def iso(moment: datetime) -> str:
    """Return `moment` (aware) as ISO 8601 in UTC: `2026-03-01T00:15:00Z`."""
    return moment.isoformat().replace("+00:00", "Z")


Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"  #: what JSON knows


def jsonable(value: object) -> Json:
    """Return `value` as JSON knows it.

    Octets become hex, times ISO 8601 (aware ones in UTC with Z), durations seconds, enums their names
    in lower case, flags a list of names, decimals numbers; numbers that are not finite and blank times
    become null.
    """
    match value:
        case Decimal():
            return _number(value)
        case InvalidTime():
            return None if value.is_blank else str(value)
        case Flag():
            return [*flag_names(value)]
        case Enum():
            return value.name.lower()
        case float() if not isfinite(value):
            return None
        case None | bool() | int() | float():
            return value
        case str():
            return safe_text(value)
        case bytes() | bytearray():
            return value.hex()
        case datetime():
            return iso(value)
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            pairs = cast(Mapping[object, object], value)
            return {str(key): jsonable(item) for key, item in pairs.items()}
        case list() | tuple() | set() | frozenset():
            return [jsonable(item) for item in cast(Iterable[object], value)]
        case _:
            return safe_text(str(value))


def _number(value: Decimal) -> int | float | None:
    """Return a decimal as a number whose shortest form has the same digits, up to 17 of them."""
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def decimal_text(value: Decimal | None) -> str:
    """Return a decimal written out, without an exponent; "-" for None."""
    return "-" if value is None else f"{value:f}"


def time_text(value: datetime | InvalidTime | None) -> str:
    """Return a meter's time as a person reads it: with a Z in UTC, without a zone by the meter's clock."""
    match value:
        case None:
            return "-"
        case InvalidTime():
            return "-" if value.is_blank else str(value)
        case _:
            return value.isoformat(sep=" ").replace("+00:00", "Z")


def flag_names(flags: Flag) -> list[str]:
    """Return the names of the bits that are set, in lower case; unnamed ones as hex."""
    named = list(type(flags))
    names = [(bit.name or "").lower() for bit in named if bit in flags]
    rest = flags.value & ~sum(bit.value for bit in named)
    return [*names, f"0x{rest:02x}"] if rest else names


def json_line(value: object) -> str:
    """Return `value` as one line of JSON, keys in the order given."""
    return json.dumps(jsonable(value), ensure_ascii=False, allow_nan=False)


def print_json(value: object) -> None:
    """Print one JSON document, indented, on standard output."""
    sys.stdout.write(json.dumps(jsonable(value), ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    sys.stdout.flush()


def error_document(error: MeterError) -> dict[str, object]:
    """Return the document that `--json` prints when a verb fails."""
    code = None if error.code is None else int(error.code)
    return {"error": {"kind": error.kind.value, "message": error.message, "code": code, "where": error.where}}


def hex_dump(octets: bytes, start: int = 0) -> Iterator[str]:
    """Yield lines of 16 octets: offset, hex, printable ASCII."""
    for at in range(0, len(octets), 16):
        line = octets[at : at + 16]
        left, right = line[:8].hex(" "), line[8:].hex(" ")
        shown = "".join(chr(octet) if 32 <= octet < 127 else "." for octet in line)
        yield f"{start + at:06x}  {left:<23}  {right:<23}  {shown}"
