"""Sections: the parts of a plan, each read by itself, so that one that fails leaves the others alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from meterkit.errors import MeterError
from meterkit.fleet.desk import Desk
from meterkit.fleet.readings import Reading, ReadingKind

__all__ = ["Numbering", "Section", "clock_reading", "identity_readings"]

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Section(Generic[C]):
    """One part of a plan, such as "registers" or "LP1", read with a client of type `C`."""

    name: str
    #: Reads it and hands over what it has; returns what went wrong, or None.
    read: Callable[[C, Desk], Awaitable[MeterError | None]]
    group: str | None = None  #: the channel group, where it has one


def identity_readings(desk: Desk, fields: Iterable[tuple[str, object]]) -> list[Reading]:
    """Return what a meter tells of itself, without what it keeps to itself."""
    return [
        desk.reading(f"identity/{name}", value, ReadingKind.IDENTITY)
        for name, value in fields
        if isinstance(value, str | bool)
    ]


def clock_reading(
    desk: Desk, drift: float | None, tolerance: float, problem: str, flags: tuple[str, ...] = ()
) -> Reading:
    """Return how far a meter's clock is ahead of ours, in seconds; without a value where it does not tell."""
    if drift is None:
        flags = ("clock_unknown", *flags)
    elif abs(drift) > tolerance:
        flags = ("clock_off", *flags)
    value = None if drift is None else round(drift, 3)
    unit = "" if drift is None else "s"
    if problem and drift is not None:
        flags = (*flags, "clock_doubtful")
    return desk.reading("clock/drift", value, ReadingKind.CLOCK, unit=unit, flags=flags)


class Numbering:
    """Tells channels of events apart that happened at the same moment: "events/17", then "events/17#2"."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._counts: dict[str, int] = {}

    def __call__(self, channel: str, time: datetime) -> str:
        """Return the channel, with a number where it was there at that moment already."""
        if time != self._at:
            self._at, self._counts = time, {}
        count = self._counts[channel] = self._counts.get(channel, 0) + 1
        return channel if count == 1 else f"{channel}#{count}"
