"""One channel of a load profile as a series to draw, and the numbers of its axes.

Meters that log snapshots record a register's reading at the end of each interval.  A register that only
counts up says little as a picture, so its increase per interval is drawn instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Point:
    """A value and the interval it belongs to."""

    start: datetime  #: begin of the interval, UTC
    value: float | None  #: None: the meter marked the interval invalid, or it is missing


@dataclass(frozen=True, slots=True)
class Series:
    """Points in order of time, one for each interval that was read."""

    points: tuple[Point, ...]
    interval: timedelta
    name: str  #: what is drawn, such as "channel 0, increase per 15 min"
    is_increase: bool = False  #: of a counter: what was used, which is drawn from zero

    @property
    def values(self) -> list[float]:
        """The values that are there."""
        return [point.value for point in self.points if point.value is not None]

    def days(self) -> dict[date, list[Point]]:
        """The points by the UTC day in which their interval begins, in order."""
        days: dict[date, list[Point]] = {}
        for point in self.points:
            days.setdefault(point.start.date(), []).append(point)
        return days

    def slots(self, points: Iterable[Point], count: int) -> list[float | None]:
        """Return the mean value in each of `count` equal parts of the day."""
        sums = [0.0] * count
        sizes = [0] * count
        for point in points:
            if point.value is not None:
                at = slot_of(point.start, count)
                sums[at] += point.value
                sizes[at] += 1
        return [total / size if size else None for total, size in zip(sums, sizes, strict=True)]


def slot_of(moment: datetime, count: int) -> int:
    """Return in which of `count` equal parts of the UTC day `moment` lies, 0 to count - 1."""
    midnight = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return int((moment - midnight) * count / DAY)


def is_counter(values: Sequence[float | None]) -> bool:
    """Tell whether the values only ever count up, as snapshots of an energy register do."""
    known = [value for value in values if value is not None]
    return len(known) > 2 and known[-1] > known[0] and all(a <= b for a, b in pairwise(known))


def make_series(
    ends: Sequence[datetime], values: Sequence[float | None], interval: timedelta, name: str
) -> Series:
    """Return the series of one channel; `ends` are the ends of the intervals, `values` what was logged.

    A counter becomes its increase per interval: the first row and rows after a gap have none.
    Values that are not finite count as missing.
    """
    values = [value if value is not None and math.isfinite(value) else None for value in values]
    if not is_counter(values):
        logged = (Point(end - interval, value) for end, value in zip(ends, values, strict=True))
        return Series(tuple(logged), interval, name)
    points: list[Point] = []
    rows = list(zip(ends, values, strict=True))
    for (last_end, last), (end, value) in pairwise(rows):
        if last is None or value is None or end - last_end != interval:
            points.append(Point(end - interval, None))
        else:
            points.append(Point(end - interval, value - last))
    name = f"{name}, increase per {duration_text(interval)}"
    return Series(tuple(points), interval, name, is_increase=True)


def duration_text(duration: timedelta) -> str:
    """Return a duration as people say it: "15 min", "1 h", "1 day"."""
    seconds = int(duration.total_seconds())
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def number_text(value: float) -> str:
    """Return a number short enough for an axis: five digits, thousands as k, M, G."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            scale = 1e3 if unit == "k" else size
            return f"{value / scale:.4g}{unit}"
    return f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values with round ends."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Sequence[float], *, from_zero: bool = False) -> Axis:
        """Return the axis for `values`: from zero, unless all of them lie far from it as voltages do.

        `from_zero`: in any case, for what was used: a load that hardly changes is no hills and valleys.
        """
        low, high = min(values), max(values)
        if low > 0 and (from_zero or high - low > 0.1 * high):
            low = 0.0
        elif high < 0 and (from_zero or high - low > -0.1 * low):
            high = 0.0
        if low == high:
            low, high = (0.0, high) if high > 0 else (low, 0.0) if low < 0 else (0.0, 1.0)
        step = _round_step((high - low) / 4)
        return cls(math.floor(low / step) * step, math.ceil(high / step) * step)

    @property
    def has_zero(self) -> bool:
        """Whether the length of a bar on this axis is in proportion to its value."""
        return self.low <= 0 <= self.high

    def part(self, value: float) -> float:
        """Return where `value` lies on the axis, 0 to 1."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))


def _round_step(width: float) -> float:
    """Return 1, 2 or 5 times a power of ten, the first that is not under `width`."""
    power = 10.0 ** math.floor(math.log10(width))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width * 0.999)
