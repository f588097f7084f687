"""What a programmer gave, checked at the door: mistakes are told with name, value and what was expected.

Errors: TypeError and ValueError, never a MeterError: no meter can mend a program.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import index
from typing import TypeVar, cast

T = TypeVar("T")


def whole(name: str, value: object, lowest: int, highest: int) -> int:
    """Return `value` as a whole number from `lowest` to `highest`.

    Errors: TypeError for anything that is no whole number; ValueError outside.
    """
    try:
        number = index(value)  # type: ignore[arg-type]  # which is to be found out
    except TypeError:
        raise TypeError(f"{name} {value!r}: a whole number expected, not {_kind(value)}") from None
    if not lowest <= number <= highest:
        raise ValueError(f"{name} {number}: {lowest} to {highest} expected")
    return number


def octets(name: str, value: object) -> bytes:
    """Return `value` as bytes; a bytearray or a memoryview is copied.

    Errors: TypeError, which does not show the value: it may be a password.
    """
    if isinstance(value, memoryview):
        return value.tobytes()
    if not isinstance(value, bytes | bytearray):
        raise TypeError(f"{name}: bytes expected, not {_kind(value)}")
    return bytes(value)


def moment(name: str, value: object) -> datetime:
    """Return `value` if it is a datetime.  Errors: TypeError."""
    if not isinstance(value, datetime):
        raise TypeError(f"{name} {value!r}: a datetime expected, not {_kind(value)}")
    return value


def duration(name: str, value: object) -> timedelta:
    """Return `value` if it is a timedelta.  Errors: TypeError."""
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} {value!r}: a timedelta expected, not {_kind(value)}")
    return value


def instance(name: str, value: object, kind: type[T]) -> T:
    """Return `value` if it is a `kind`.  Errors: TypeError."""
    if not isinstance(value, kind):
        raise TypeError(f"{name}: a {kind.__name__} expected, not {value!r}")
    return value


def optional(name: str, value: object, kind: Callable[[], T]) -> T:
    """Return `value` if it is a `kind`, and a new one for None.  Errors: TypeError."""
    return kind() if value is None else instance(name, value, cast("type[T]", kind))


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
