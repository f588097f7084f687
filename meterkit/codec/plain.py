"""Records as dicts, lists, strings and numbers: the way to JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from math import isfinite
from typing import Any

from meterkit.codec.record import Record
from meterkit.codec.values import BitSet, InvalidTime


def plain(value: Any) -> Any:
    """Return a record, or any value of one, as dicts, lists, strings and numbers fit for JSON.

    A record's views of bits stand beside its fields.  Octets become hex; times ISO 8601; a SET its
    numbers; a blank time None; NaN and infinities strings.
    """
    match value:
        case Record():
            named = {view.name: getattr(value, view.name) for view in value.views if view.is_shown}
            return {name: plain(part) for name, part in {**value.__dict__, **named}.items()}
        case Enum():
            return value.name
        case BitSet():
            return list(value)
        case bytes():
            return value.hex()
        case InvalidTime():
            return None if value.is_blank else str(value)
        case date() | time():
            return value.isoformat()
        case float():
            return value if isfinite(value) else str(value)
        case None | bool() | int() | str():
            return value
        case list():
            return [plain(part) for part in _each(value)]
        case _ if type(value) is tuple:
            return [plain(part) for part in _each(value)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
        case _:
            return str(value)


def _each(values: Any) -> Iterator[Any]:
    return iter(values)
