"""What is missing, as stretches of time to read again.

LP1/ch1   |xxxxx|.....|.....|xxxxx|.....|xxxxx|
LP1/ch2   |xxxxx|.....|xxxxx|xxxxx|xxxxx|xxxxx|        one gap of LP1 a stretch: its channels are read as one
LP1             [-----------]     [-----]
backfill        [-----------------------]              near ones in one reading
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from meterkit.fleet.coverage import Coverage
from meterkit.fleet.plan import Window
from meterkit.fleet.readings import channel_group

__all__ = ["Gap", "find_gaps", "plan_backfill", "windows_of"]

#: Gaps no farther apart are read as one: a few intervals more cost less than another request.
NEAR: Final = timedelta(hours=2)
#: The longest stretch that is read at once.
LONGEST: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing intervals of one channel group: those that end after `since`, up to `until`, both UTC."""

    meter: str
    channel_group: str
    since: datetime
    until: datetime


def find_gaps(coverage: Coverage) -> list[Gap]:
    """Return the gaps of a coverage, by meter, channel group and time; touching ones are one."""
    missing = [
        Gap(
            one.meter,
            channel_group(one.channel),
            datetime.fromtimestamp(one.slots.begins[first], UTC),
            datetime.fromtimestamp(one.slots.ends[last], UTC),
        )
        for one in coverage.series
        for first, last in _runs(one.missing())
    ]
    return list(_merged(missing, timedelta()))


def plan_backfill(gaps: Iterable[Gap], *, near: timedelta = NEAR, longest: timedelta = LONGEST) -> list[Gap]:
    """Return the stretches to read so that all gaps are filled: few, none longer than `longest`, in order.

    Errors: ValueError `longest` isn't positive, `near` is negative.
    """
    if near < timedelta() or longest <= timedelta():
        raise ValueError(f"near {near}, longest {longest}: 0 or more, and more than 0, expected")
    return [piece for gap in _merged(gaps, near) for piece in _pieces(gap, longest)]


def windows_of(gaps: Iterable[Gap]) -> dict[str, list[Window]]:
    """Return stretches by meter, as `Fleet.run` takes them."""
    windows: dict[str, list[Window]] = {}
    for gap in gaps:
        windows.setdefault(gap.meter, []).append(Window(gap.channel_group, gap.since, gap.until))
    return windows


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each run of numbers that follow one another."""
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        found = [number for _, number in run]
        yield found[0], found[-1]


def _merged(gaps: Iterable[Gap], near: timedelta) -> Iterator[Gap]:
    """Yield gaps in order, those of one meter and group that are `near` each other as one."""
    current: Gap | None = None
    for gap in sorted(gaps, key=lambda one: (one.meter, one.channel_group, one.since)):
        if current is not None and _is_same(current, gap) and gap.since - current.until <= near:
            current = replace(current, until=max(current.until, gap.until))
            continue
        if current is not None:
            yield current
        current = gap
    if current is not None:
        yield current


def _is_same(one: Gap, other: Gap) -> bool:
    return (one.meter, one.channel_group) == (other.meter, other.channel_group)


def _pieces(gap: Gap, longest: timedelta) -> Iterator[Gap]:
    since = gap.since
    while gap.until - since > longest:
        yield replace(gap, since=since, until=since + longest)
        since += longest
    yield replace(gap, since=since)
