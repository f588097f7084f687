"""The intervals of a window: when each of them ends, in UTC, by the days of a time zone.

    a day in March, Europe/Berlin       23:00Z                                   22:00Z
                                        |--|--|--|--| ...  23 h, 92 quarters ... |
    a slot is named by its end          every day begins anew at local midnight

Quarter hours are the same in every zone of whole quarters; hours in India and days anywhere are not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

__all__ = ["DAY", "Slots"]

DAY: Final = 86400  # s


@dataclass(frozen=True, slots=True)
class Slots:
    """All intervals of one length that lie whole in a window; begins and ends in s since 1970, ascending."""

    interval: int  #: s
    begins: tuple[int, ...]
    ends: tuple[int, ...]
    days: tuple[tuple[date, range], ...]  #: local days, each with the numbers of its slots

    @classmethod
    def of(cls, since: datetime, until: datetime, interval: int, zone: tzinfo = UTC) -> Slots:
        """Return the slots between two times.

        An interval is a part of a day, or whole days: those are counted from the first day of 1970.
        Errors: ValueError times without zones or out of order; an interval that no day is made of.
        """
        if since.utcoffset() is None or until.utcoffset() is None or since >= until:
            raise ValueError(f"two aware times in order expected, not {since}, {until}")
        if interval < 1 or (DAY % interval and interval % DAY):
            raise ValueError(f"an interval of {interval} s: no day is made of such")
        opens, closes = since.timestamp(), until.timestamp()
        step = max(1, interval // DAY)
        found: list[tuple[int, int]] = []
        days: list[tuple[date, range]] = []
        for day in _days(since.astimezone(zone).date(), until.astimezone(zone).date(), step):
            first = len(found)
            slots = _slots_of(_midnight(day, zone), _midnight(day + timedelta(days=step), zone), interval)
            found.extend(slot for slot in slots if opens <= slot[0] and slot[1] <= closes)
            if len(found) > first:
                days.append((day, range(first, len(found))))
        return cls(interval, tuple(begin for begin, _ in found), tuple(end for _, end in found), tuple(days))

    def __len__(self) -> int:
        return len(self.ends)

    def spans(self, end: float) -> bool:
        """Tell whether a time lies between the first slot's end and the last one's."""
        return bool(self.ends) and self.ends[0] <= end <= self.ends[-1]

    def number(self, end: float) -> int | None:
        """Return which slot ends then, in seconds since 1970; None: no slot does."""
        place = bisect_left(self.ends, end)
        return place if place < len(self.ends) and self.ends[place] == end else None


def _slots_of(opens: int, closes: int, interval: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the slots of a day, or of several that are one slot."""
    if interval >= DAY:
        yield opens, closes  # 23 hours on the day that clocks go forward
    else:
        yield from ((end - interval, end) for end in range(opens + interval, closes + 1, interval))


def _days(first: date, last: date, step: int) -> Iterator[date]:
    """Yield every day, or every `step`th since 1970, whose slots may lie in the window."""
    number = (first - date(1970, 1, 1)).days
    number -= number % step
    while (day := date(1970, 1, 1) + timedelta(days=number)) <= last:
        yield day
        number += step


def _midnight(day: date, zone: tzinfo) -> int:
    """Return when a local day begins: where clocks skip midnight, at the first moment there is."""
    return int(datetime.combine(day, time(), zone).timestamp())
