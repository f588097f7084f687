"""Demand: the mean power of intervals, its highest or lowest value between two demand resets, and when.

Source: C12.19, demand registers; OSGP guide, BT23, "DmdRcd".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from meterkit.emulator.household import INSTALLED
from meterkit.emulator.measurement import Measurement

_DAY = 86400  # s
_SLOT = 300  # s, of a household's curve
_IMPORTED = (True, False, True, False)  # by demand source: taken from the line, or given
_SHARES = (1.0, 1.0, 0.31, 0.12)  # of active power, by demand source


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest, or lowest, mean power and the end of its interval."""

    power: int  #: W or var, on the primary side
    time: datetime  #: UTC


class DemandMeter:
    """Mean powers of one meter, interval by interval.  Demand sources: import, export, active, reactive."""

    def __init__(self, measurement: Measurement, interval_minutes: int) -> None:
        self._measurement = measurement
        self._interval = interval_minutes * 60
        self._peaks: dict[tuple[int, bool, int], Peak] = {}

    def mean(self, source: int, end: datetime) -> int:
        """Return the mean power of the interval that ends at `end`."""
        return self._power(source, end - timedelta(seconds=self._interval), end, self._interval)

    def present(self, source: int, now: datetime) -> int:
        """Return the demand of the interval that `now` lies in: what it has come to so far."""
        second = int((now - INSTALLED).total_seconds()) % self._interval
        return self._power(source, now - timedelta(seconds=second), now, self._interval)

    def peak(
        self, source: int, is_maximum: bool, start: datetime, end: datetime, tier: int | None = None
    ) -> Peak | None:
        """Return the extreme of the intervals that end after `start` and by `end`; None when none does.

        `tier`: only of days that have it, counted from 0.
        """
        best: Peak | None = None
        for day in self._days(start, end):
            if tier is not None and self._measurement.tier_of(day) != tier:
                continue
            peak = self._peak_of_day(source, is_maximum, day, start, end)
            if peak and (best is None or _exceeds(peak, best, is_maximum)):
                best = peak
        return best

    def _power(self, source: int, start: datetime, end: datetime, seconds: int) -> int:
        at = 0 if _IMPORTED[source] else 1
        household = self._measurement.household
        energy = household.energy(end)[at] - household.energy(start)[at]
        return self._scaled(source, energy, seconds)

    def _scaled(self, source: int, energy: float, seconds: int) -> int:
        return int(energy * self._measurement.transformer_ratio * 3600 / seconds * _SHARES[source])

    @staticmethod
    def _days(start: datetime, end: datetime) -> range:
        first, last = ((time - INSTALLED).total_seconds() for time in (start, end))
        return range(max(int(first // _DAY), 0), max(int((last - 1) // _DAY) + 1, 0))

    def _peak_of_day(
        self, source: int, is_maximum: bool, day: int, start: datetime, end: datetime
    ) -> Peak | None:
        midnight = INSTALLED + timedelta(days=day)
        first, last = (start - midnight).total_seconds(), (end - midnight).total_seconds()
        if first > 0 or last < _DAY:
            found = [one for one in self._intervals(source, day) if first < one[0] <= last]
            return self._extreme(found, is_maximum, midnight) if found else None
        key = (source, is_maximum, day)
        if key not in self._peaks:
            self._peaks[key] = self._extreme(list(self._intervals(source, day)), is_maximum, midnight)
        return self._peaks[key]

    def _extreme(self, found: list[tuple[int, int]], is_maximum: bool, midnight: datetime) -> Peak:
        choose = max if is_maximum else min
        second, power = choose(found, key=lambda one: one[1])
        return Peak(power, midnight + timedelta(seconds=second))

    def _intervals(self, source: int, day: int) -> Iterator[tuple[int, int]]:
        """Yield (end in seconds of the day, mean power) of a day's intervals."""
        curve = self._measurement.household.day(day)
        line = curve.imported if _IMPORTED[source] else curve.exported
        slots, before = self._interval // _SLOT, 0.0
        for slot in range(slots - 1, len(line), slots):
            yield (slot + 1) * _SLOT, self._scaled(source, line[slot] - before, self._interval)
            before = line[slot]


def _exceeds(peak: Peak, best: Peak, is_maximum: bool) -> bool:
    return peak.power > best.power if is_maximum else peak.power < best.power
