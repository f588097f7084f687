"""Values that move by themselves, so that a cloned meter lives: no scripts, a few kinds.

    {"kind": "counting", "per_hour": 120}                      goes up (or down) from the saved value
    {"kind": "random", "least": 2250, "most": 2350, "every": 60}    another value every so many seconds
    {"kind": "household", "quantity": "1-0:1.8.0"}             what the emulated household shows
    {"kind": "clock"}                                          the meter's time, as 12 octets

A value keeps its type, and wraps where a register would.  The same file gives the same values at one time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final, Protocol

from meterkit.codec import axdr, json_parts
from meterkit.codec.axdr_data import Data, parse
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.quantities import Quantity, quantities
from meterkit.emulator.household import Household
from meterkit.errors import ProtocolFault

_SIGNED: Final = {axdr.Tag.INTEGER: 8, axdr.Tag.LONG: 16, axdr.Tag.DOUBLE_LONG: 32, axdr.Tag.LONG64: 64}
_UNSIGNED: Final = {
    axdr.Tag.UNSIGNED: 8,
    axdr.Tag.LONG_UNSIGNED: 16,
    axdr.Tag.DOUBLE_LONG_UNSIGNED: 32,
    axdr.Tag.LONG64_UNSIGNED: 64,
}
_FLOATS: Final = (axdr.Tag.FLOAT32, axdr.Tag.FLOAT64)
_HOUR: Final = 3600.0  # s
_EVERY: Final = 60  # s
_MOST: Final = 1 << 63
_KINDS: Final = ("counting", "random", "household", "clock")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a meter's generators may look at."""

    local: LocalTime
    quantities: dict[ObisCode, Quantity]
    seed: int


class Generator(Protocol):
    """Makes a value for a time."""

    def at(self, time: datetime, value: bytes, since: datetime, around: Surroundings) -> bytes:
        """Return Data for `time`; `value` was saved or written at `since`."""
        ...


@dataclass(frozen=True, slots=True)
class Counting:
    """Goes on from the saved value at a steady pace."""

    per_hour: float

    def at(self, time: datetime, value: bytes, since: datetime, around: Surroundings) -> bytes:
        """Return the value so many hours on."""
        data = parse(value)
        assert isinstance(data.value, int | float)
        gone = self.per_hour * (time - since).total_seconds() / _HOUR
        return number(data.tag, data.value + gone)


@dataclass(frozen=True, slots=True)
class Chance:
    """Another value every so many seconds, between two."""

    least: float
    most: float
    every: int  #: s

    def at(self, time: datetime, value: bytes, since: datetime, around: Surroundings) -> bytes:
        """Return the value of that moment."""
        step = int(time.timestamp()) // self.every
        drawn = Random(f"{around.seed} {self.least} {self.most} {step}").uniform(self.least, self.most)
        return number(parse(value).tag, drawn)


@dataclass(frozen=True, slots=True)
class OfHousehold:
    """What the household behind the emulator shows, in the value's own type."""

    quantity: ObisCode

    def at(self, time: datetime, value: bytes, since: datetime, around: Surroundings) -> bytes:
        """Return the quantity at that time."""
        return number(parse(value).tag, around.quantities[self.quantity].at(time))


@dataclass(frozen=True, slots=True)
class Clock:
    """The meter's time."""

    def at(self, time: datetime, value: bytes, since: datetime, around: Surroundings) -> bytes:
        """Return the time as an octet-string."""
        return axdr.encode_octet_string(around.local.octets(time))


def number(tag: axdr.Tag, value: float) -> bytes:
    """Return a number of type `tag`; integers wrap."""
    if tag in _FLOATS:
        return Data(tag, float(value)).encode()
    bits = _UNSIGNED.get(tag) or _SIGNED[tag]
    whole = int(value) % (1 << bits)
    if tag in _SIGNED and whole >= 1 << bits - 1:
        whole -= 1 << bits
    return Data(tag, whole).encode()


def parse_generator(document: object, value: bytes | None, where: str) -> Generator:
    """Return the generator that JSON describes; `value` is the one it begins with.

    Errors: ValueError naming the place, what was expected and what came.
    """
    told = json_parts.members(document, where, 'a generator such as {"kind": "counting", "per_hour": 120}')
    kind = told.get("kind")
    if kind not in _KINDS:
        raise json_parts.wrong(f"{where}.kind", f"one of {', '.join(_KINDS)}", kind)
    if kind == "clock":
        json_parts.only(told, where, "kind")
        return Clock()
    _check_number(value, where)
    if kind == "counting":
        json_parts.only(told, where, "kind", "per_hour")
        return Counting(_real(told.get("per_hour"), f"{where}.per_hour"))
    if kind == "household":
        json_parts.only(told, where, "kind", "quantity")
        return OfHousehold(_quantity(told.get("quantity"), f"{where}.quantity"))
    json_parts.only(told, where, "kind", "least", "most", "every")
    least, most = (_real(told.get(name), f"{where}.{name}") for name in ("least", "most"))
    if least > most:
        raise json_parts.wrong(f"{where}.most", f"at least {least}", most)
    return Chance(least, most, json_parts.whole(told.get("every", _EVERY), f"{where}.every", 1, 86400))


def _check_number(value: bytes | None, where: str) -> None:
    try:
        tag = None if value is None else parse(value).tag
    except ProtocolFault:
        tag = None
    if tag not in (*_SIGNED, *_UNSIGNED, *_FLOATS):
        came = "no value" if tag is None else tag.words
        raise ValueError(f"{where}: it needs a number beside it to begin with, {came} came")


def _real(told: object, where: str) -> float:
    if isinstance(told, int | float) and not isinstance(told, bool) and abs(told) < _MOST:
        return float(told)
    raise json_parts.wrong(where, "a number", told)


def _quantity(told: object, where: str) -> ObisCode:
    known = quantities(Household(0))
    try:
        code = ObisCode.parse(json_parts.text(told, where))
    except ValueError:
        code = None
    if code is None or code not in known:
        raise json_parts.wrong(where, f"one of {', '.join(map(str, known))}", told)
    return code
