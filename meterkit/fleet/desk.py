"""Desk: where the sections of one meter's turn get what they need, and hand over what they read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet.plan import Window
from meterkit.fleet.readings import Reading, ReadingKind, Value

__all__ = ["Desk", "Intake", "Span"]

BATCH: Final = 256  # readings handed over at once, at least
STOPPED: Final = MeterError(ErrorKind.STATE, "the run was stopped before all of this was read")
#: Flag of a time that the meter gave without its zone, and that nobody else knows: it was taken for UTC.
ZONE_UNKNOWN: Final = "zone_unknown"


class Intake(Protocol):
    """Where readings go: a `Pipeline`, or a `Collector`."""

    async def begin(self, meter: str) -> Mapping[str, datetime]:
        """Return where to read `meter` on: the checkpoint of each of its channel groups."""
        ...

    def keep(self, reading: Reading) -> bool:
        """Take one reading at once; False: this one has to be `put`."""
        ...

    async def put(
        self, readings: Sequence[Reading], advance: Mapping[str, datetime] | None = None, *, meter: str
    ) -> None:
        """Take readings, and the checkpoints to move once they are kept; waits while there is no room."""
        ...

    async def flush(self) -> None:
        """Wait until everything put so far has been kept, or given up."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a group is read: after `since`, up to `until`; None: all there is."""

    since: datetime | None
    until: datetime | None
    moves_checkpoint: bool


class Groups(Protocol):
    """What of a plan has a channel group and a time to begin at."""

    @property
    def group(self) -> str:
        """The channel group's name."""
        ...

    @property
    def until(self) -> datetime | None:
        """Up to when; None: all there is."""
        ...

    @property
    def is_from_checkpoint(self) -> bool:
        """Whether it goes on where the last reading ended, and moves the checkpoint."""
        ...

    def begin(self, checkpoint: datetime | None, now: datetime) -> datetime | None:
        """Return the time to read on from; None for all there is."""
        ...


class Desk:
    """One meter's turn as its sections see it; it outlives attempts: the next goes on where one broke off."""

    def __init__(
        self,
        meter: str,
        intake: Intake,
        *,
        clock: Callable[[], datetime],
        time_zone: str | None = None,
        windows: Sequence[Window] | None = None,
    ) -> None:
        self.meter = meter
        self.clock = clock
        self.zone = None if time_zone is None else ZoneInfo(time_zone)
        #: Whether to come to an end: after what is at hand, before what would be next.  Whoever stops the run
        #: says so to each desk: sections ask again and again.
        self.is_stopping = False
        self.readings = 0  #: handed over so far
        self.checkpoints: Mapping[str, datetime] = {}  #: by channel group, once `begin` was awaited
        self._intake = intake
        self._windows = windows
        self._positions: dict[Span | str, datetime] = {}

    async def begin(self) -> None:
        """Look up how far the meter has been read.  Errors: SinkFault."""
        self.checkpoints = await self._intake.begin(self.meter)

    def spans(self, asked: Groups) -> list[Span]:
        """Return the stretches of a group that are left to read, where an attempt before has read some."""
        if self._windows is not None:
            wanted = [
                Span(window.since, window.until, False)
                for window in self._windows
                if window.group == asked.group
            ]
        else:
            begin = asked.begin(self.checkpoints.get(asked.group), self.clock())
            wanted = [Span(begin, asked.until, asked.is_from_checkpoint)]
        return wanted

    def since(self, group: str, span: Span) -> datetime | None:
        """Return where to begin in a stretch: where the last attempt ended, or at its begin."""
        position = self._positions.get(group)
        if position is None:
            return span.since
        return position if span.since is None else max(position, span.since)

    def keep(self, reading: Reading) -> bool:
        """Hand one reading over where that needs no waiting; False: `hand_over` has to."""
        if not self._intake.keep(reading):
            return False
        self.readings += 1
        return True

    async def hand_over(
        self,
        readings: Sequence[Reading],
        *,
        group: str = "",
        span: Span | None = None,
        position: datetime | None = None,
    ) -> None:
        """Hand readings over; `position` is the time up to which their group has been read now.

        A meter whose clock is ahead does not move its checkpoint into the future: what it records once its
        clock is set right would be passed over.
        """
        advance: dict[str, datetime] | None = None
        if position is not None:
            position = min(position, self.clock())
            if span is not None and span.moves_checkpoint:
                advance = {group: position}
        if readings or advance:
            await self._intake.put(readings, advance, meter=self.meter)
            self.readings += len(readings)
        if position is not None:
            self._positions[group] = position

    def aware(self, time: datetime) -> tuple[datetime, tuple[str, ...]]:
        """Return a meter's time in UTC, and the flags that say how sure that is."""
        if time.utcoffset() is not None:
            return time.astimezone(UTC), ()
        if self.zone is None:
            return time.replace(tzinfo=UTC), (ZONE_UNKNOWN,)
        return time.replace(tzinfo=self.zone).astimezone(UTC), ()

    def reading(
        self,
        channel: str,
        value: Value,
        kind: ReadingKind,
        *,
        unit: str = "",
        flags: tuple[str, ...] = (),
        time: datetime | None = None,
    ) -> Reading:
        """Return a reading of now, or of `time`."""
        now = self.clock()
        return Reading(self.meter, channel, time or now, value, unit, flags, kind, None, now)
