"""JSON taken apart: each part as the type it has to be, or an error that says where, what and why.

    members(document, "object 3")   {"obis": ...}     whole(found, "object 3.version", 0, 255)

Errors: every function raises ValueError with the place, what was expected there and what came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

Members: TypeAlias = Mapping[str, object]
_SHOWN: Final = 60  # letters of what came


def wrong(where: str, expected: str, came: object) -> ValueError:
    """Return the error that tells what was expected at a place and what came."""
    text = "nothing" if came is None else repr(came)
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return ValueError(f"{where}: {expected} expected, {cut} came")


def members(value: object, where: str, example: str = "an object") -> Members:
    """Return a JSON object."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    raise wrong(where, example, value)


def items(value: object, where: str) -> list[object]:
    """Return a JSON array."""
    if isinstance(value, list):
        return cast("list[object]", value)
    raise wrong(where, "a list", value)


def whole(value: object, where: str, least: int, most: int) -> int:
    """Return a whole number from `least` to `most`."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise wrong(where, f"a whole number, {least} to {most},", value)


def boolean(value: object, where: str) -> bool:
    """Return true or false."""
    if isinstance(value, bool):
        return value
    raise wrong(where, "true or false", value)


def text(value: object, where: str) -> str:
    """Return a text."""
    if isinstance(value, str):
        return value
    raise wrong(where, "a text", value)


def octets(value: object, where: str) -> bytes:
    """Return octets written in hex."""
    try:
        return bytes.fromhex(text(value, where))
    except ValueError:
        raise wrong(where, "octets in hex", value) from None


def only(told: Members, where: str, *known: str) -> None:
    """Refuse members that nobody reads: mostly a word misspelt."""
    for name in told:
        if name not in known:
            raise wrong(where, " or ".join(f'"{one}"' for one in known), name)
