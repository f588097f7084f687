"""Coverage: of the intervals that a window has, how many were received, late, flagged or are missing.

    slots     |-----|-----|-----|-----|-----|        expected 5
    readings     x     x!          x  .   x~         received 4: one flagged, one late; missing 1

One octet a slot and channel, so a day of 10,000 meters with four channels of quarter hours is 4 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from meterkit.fleet.clock_watch import is_ahead
from meterkit.fleet.readings import Reading, ReadingKind, Store
from meterkit.fleet.sinks.flat import iso
from meterkit.fleet.slots import Slots

__all__ = ["LATE_AFTER", "Coverage", "Expected", "Series", "Tally"]

#: A reading that came later than this after its interval is late; utilities report by the day.
LATE_AFTER: Final = timedelta(days=1)
_MISSING, _RECEIVED, _LATE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Expected:
    """One channel that a meter should deliver; `interval` in seconds."""

    meter: str
    channel: str
    interval: int


@dataclass(slots=True)
class Tally:
    """Counts of intervals; `late` ones are among those received, `flagged` are readings with a flag."""

    expected: int = 0
    received: int = 0
    late: int = 0
    flagged: int = 0

    @property
    def missing(self) -> int:
        """Intervals without a reading."""
        return self.expected - self.received

    @property
    def percent(self) -> float:
        """Received of expected; 100 where nothing is expected."""
        return 100.0 * self.received / self.expected if self.expected else 100.0

    @property
    def percent_in_time(self) -> float:
        """Received and not late, of expected: what a duty such as Ontario's 98 % a day asks for."""
        return 100.0 * (self.received - self.late) / self.expected if self.expected else 100.0

    def add(self, other: Tally) -> None:
        """Count another tally in."""
        self.expected += other.expected
        self.received += other.received
        self.late += other.late
        self.flagged += other.flagged

    def to_json(self) -> dict[str, int | float]:
        """Return it as JSON knows it; percents with two digits, cut and not rounded up to 100."""
        return {
            "expected": self.expected,
            "received": self.received,
            "late": self.late,
            "missing": self.missing,
            "flagged": self.flagged,
            "percent": _cut(self.percent),
            "percent_in_time": _cut(self.percent_in_time),
        }


def _cut(percent: float) -> float:
    return int(percent * 100 + 1e-6) / 100


@dataclass(slots=True)
class Series:
    """One channel of one meter within the window."""

    meter: str
    channel: str
    slots: Slots
    marks: bytearray  #: one octet a slot: missing, received, late
    flags: dict[int, int] = field(default_factory=dict[int, int])  #: slot -> flagged readings; -1: in no slot
    newest: datetime | None = None  #: end of the newest interval that isn't from the future

    def take(self, reading: Reading, late_after: timedelta, now: datetime) -> None:
        """Count a reading in.  What comes from the future or ends where no interval does fills no slot."""
        ahead = is_ahead(reading.time, reading.read_at or now)
        end = reading.time.timestamp()
        number = None if ahead else self.slots.number(end)
        if number is None and not ahead and not self.slots.spans(end):
            return  # of an interval that lies half outside the window
        if reading.flags or number is None:
            place = -1 if number is None else number
            self.flags[place] = self.flags.get(place, 0) + 1
        if not ahead and (self.newest is None or reading.time > self.newest):
            self.newest = reading.time
        if number is not None and self.marks[number] != _RECEIVED:
            is_late = reading.read_at is not None and reading.read_at - reading.time > late_after
            self.marks[number] = _LATE if is_late else _RECEIVED

    def missing(self) -> Iterator[int]:
        """Yield the numbers of the slots without a reading."""
        number = self.marks.find(_MISSING)
        while number >= 0:
            yield number
            number = self.marks.find(_MISSING, number + 1)

    def tally(self, numbers: range | None = None) -> Tally:
        """Return the counts of all slots, or of some."""
        if numbers is None:
            marks, flagged = self.marks, sum(self.flags.values())
        else:
            marks = self.marks[numbers.start : numbers.stop]
            flagged = sum(count for number, count in self.flags.items() if number in numbers)
        late = marks.count(_LATE)
        return Tally(len(marks), marks.count(_RECEIVED) + late, late, flagged)


class Coverage:
    """What a window holds of what it should hold, by meter, channel and local day."""

    def __init__(self, since: datetime, until: datetime, now: datetime, series: Iterable[Series]) -> None:
        self.since = since
        self.until = until
        self.now = now  #: when it was computed
        self.series = tuple(sorted(series, key=lambda one: (one.meter, one.channel)))

    @classmethod
    async def of(
        cls,
        store: Store,
        since: datetime,
        until: datetime,
        expected: Iterable[Expected] | None = None,
        *,
        zone: tzinfo = UTC,
        late_after: timedelta = LATE_AFTER,
        now: datetime | None = None,
    ) -> Coverage:
        """Return the coverage of the intervals between two times.

        Without `expected`, a channel counts if the window holds at least one of its intervals: meters that
        never answered are not seen then.  Days begin at midnight of `zone`.
        Errors: SinkFault the store can't be read; ValueError see `Slots`.
        """
        book = _Book(since, until, zone)
        for one in expected or ():
            book.expect(one)
        moment = datetime.now(UTC) if now is None else now
        meters = None if expected is None else {meter for meter, _ in book.series}
        async for chunk in store.scan(since, until, meters=meters):
            for reading in chunk:
                if reading.kind is ReadingKind.INTERVAL:
                    series = book.series_of(reading, is_open=expected is None)
                    if series is not None:
                        series.take(reading, late_after, moment)
        return cls(since, until, moment, book.series.values())

    @property
    def total(self) -> Tally:
        """The counts of everything."""
        return _sum(one.tally() for one in self.series)

    def by_meter(self) -> dict[str, Tally]:
        """Return the counts of each meter."""
        return self._by(lambda one: one.meter)

    def by_channel(self) -> dict[str, Tally]:
        """Return the counts of each channel, over all meters."""
        return self._by(lambda one: one.channel)

    def by_day(self) -> dict[date, Tally]:
        """Return the counts of each local day, over all meters."""
        days: dict[date, Tally] = {}
        for one in self.series:
            for day, numbers in one.slots.days:
                days.setdefault(day, Tally()).add(one.tally(numbers))
        return dict(sorted(days.items()))

    def newest(self) -> dict[str, datetime | None]:
        """Return the end of each meter's newest interval in the window; None: it has none."""
        newest: dict[str, datetime | None] = {}
        for one in self.series:
            before = newest.setdefault(one.meter, one.newest)
            if before is not None and one.newest is not None:
                newest[one.meter] = max(before, one.newest)
            else:
                newest[one.meter] = before or one.newest
        return newest

    def stale(self, older_than: timedelta) -> list[str]:
        """Return the meters whose newest interval is older than this, or that have none."""
        return [
            meter
            for meter, newest in self.newest().items()
            if newest is None or self.now - newest > older_than
        ]

    def below(self, percent: float) -> list[str]:
        """Return the meters of which less than `percent` was received in time."""
        return [meter for meter, tally in self.by_meter().items() if tally.percent_in_time < percent]

    def to_json(self) -> dict[str, object]:
        """Return it as JSON knows it; `stale` is the age of a meter's newest interval in seconds."""
        newest = self.newest()
        return {
            "since": iso(self.since.astimezone(UTC)),
            "until": iso(self.until.astimezone(UTC)),
            "total": self.total.to_json(),
            "meters": {
                meter: {**tally.to_json(), **self._age(newest[meter])}
                for meter, tally in self.by_meter().items()
            },
            "channels": {channel: tally.to_json() for channel, tally in self.by_channel().items()},
            "days": {day.isoformat(): tally.to_json() for day, tally in self.by_day().items()},
        }

    def _age(self, newest: datetime | None) -> dict[str, object]:
        if newest is None:
            return {"newest": None, "stale": None}
        return {"newest": iso(newest), "stale": max(0.0, (self.now - newest).total_seconds())}

    def _by(self, name: Callable[[Series], str]) -> dict[str, Tally]:
        tallies: dict[str, Tally] = {}
        for one in self.series:
            tallies.setdefault(name(one), Tally()).add(one.tally())
        return dict(sorted(tallies.items()))


class _Book:
    """The series of a window while readings come in; series of one interval share their slots."""

    def __init__(self, since: datetime, until: datetime, zone: tzinfo) -> None:
        self.series: dict[tuple[str, str], Series] = {}
        self._window = (since, until, zone)
        self._slots: dict[int, Slots] = {}

    def expect(self, one: Expected) -> Series:
        """Return the series of a channel, which is there from now on."""
        slots = self._slots.get(one.interval)
        if slots is None:
            since, until, zone = self._window
            slots = self._slots[one.interval] = Slots.of(since, until, one.interval, zone)
        key = (one.meter, one.channel)
        if key not in self.series:
            self.series[key] = Series(one.meter, one.channel, slots, bytearray(len(slots)))
        return self.series[key]

    def series_of(self, reading: Reading, *, is_open: bool) -> Series | None:
        """Return the series a reading belongs to; None: nobody expects it."""
        series = self.series.get((reading.meter, reading.channel))
        if series is None and is_open and reading.interval:
            series = self.expect(Expected(reading.meter, reading.channel, reading.interval))
        return series


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total
