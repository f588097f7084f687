"""The house behind the meter: what it used, when the sun shone, when the power failed.

Everything is a function of the seed and of time, so registers, load profile and instantaneous values
agree with each other and come out the same on every machine.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from math import cos, exp, pi, sin
from random import Random

INSTALLED = datetime(2024, 1, 1, tzinfo=UTC)  #: registers stood at zero then
_SLOT = 300.0  # s; the curves are straight lines of five minutes
_SLOTS = 288  # a day
_DAY = 86400.0  # s
_CACHED_DAYS = 400
_HOURS = tuple((slot + 0.5) * _SLOT / 3600 for slot in range(_SLOTS))
#: What the sun gives at most, and how much the house uses, slot by slot.
_SUNSHINE = tuple(max(0.0, sin(pi * (hour - 6.5) / 13)) ** 2 for hour in _HOURS)
_HABIT = tuple(
    0.3 + 1.2 * exp(-(((hour - 7.2) / 1.2) ** 2)) + 2.1 * exp(-(((hour - 19.2) / 2.3) ** 2))
    for hour in _HOURS
)


@dataclass(frozen=True, slots=True)
class _Totals:
    """What accumulated before a day began."""

    imported: float = 0.0  # Wh
    exported: float = 0.0  # Wh
    outage_time: float = 0.0  # s
    outages: int = 0


@dataclass(frozen=True, slots=True)
class DayCurve:
    """One day: energy since its midnight at the end of every slot of five minutes, Wh."""

    imported: list[float]
    exported: list[float]


class Household:
    """A seeded household: about 9 kWh a day, a solar roof, and a day without power now and then."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._totals = [_Totals()]
        self._outages: dict[int, tuple[float, float] | None] = {}
        self._days: OrderedDict[int, DayCurve] = OrderedDict()

    def noise(self, *key: object) -> float:
        """Return a number in [0, 1) that belongs to `key` and to this household."""
        text = repr((self._seed, key)).encode()
        return int.from_bytes(blake2b(text, digest_size=6).digest(), "big") / 2**48

    def outage(self, day: int) -> tuple[float, float] | None:
        """Return when power failed on a day since INSTALLED: (start, end) in s, or None."""
        if day not in self._outages:
            self._outages[day] = None
            if day >= 0 and self.noise("outage", day) <= 0.06:
                start = day * _DAY + 3600 * (1 + 20 * self.noise("outage start", day))
                self._outages[day] = start, start + 60 * (2 + 58 * self.noise("outage length", day) ** 2)
        return self._outages[day]

    def energy(self, time: datetime) -> tuple[float, float]:
        """Return (imported, exported) active energy in Wh since INSTALLED."""
        number, second = self.place(time)
        before = self._total(number)
        if not second:
            return before.imported, before.exported
        day = self.day(number)
        return before.imported + _at(day.imported, second), before.exported + _at(day.exported, second)

    def power(self, time: datetime) -> tuple[float, float]:
        """Return (forward, reverse) active power in W, the mean of the slot that `time` lies in."""
        number, second = self.place(time)
        day, slot = self.day(number), int(second // _SLOT)
        steps = [line[slot] - (line[slot - 1] if slot else 0.0) for line in (day.imported, day.exported)]
        return steps[0] * 3600 / _SLOT, steps[1] * 3600 / _SLOT

    def voltage(self, time: datetime, phase: int = 0) -> float:
        """Return the RMS voltage of a phase (0..2) in V."""
        forward, reverse = self.power(time)
        wobble = self.noise("voltage", phase, int(time.timestamp() // 60)) - 0.5
        return 231.5 - forward / 900 + reverse / 700 + 3.0 * wobble + phase * 0.4

    def frequency(self, time: datetime) -> float:
        """Return the mains frequency in Hz."""
        return 50.0 + 0.06 * (self.noise("frequency", int(time.timestamp() // 60)) - 0.5)

    def water(self, time: datetime) -> int:
        """Return the water meter's register in dm3."""
        number, second = self.place(time)
        begin, end = (310 * day + 90 * self.noise("water", day) for day in (number, number + 1))
        return int(begin + (end - begin) * second / _DAY)

    def gas(self, time: datetime) -> int:
        """Return the gas meter's register in dm3."""
        number, second = self.place(time)
        begin, end = (2400 * day + 300 * self.noise("gas", day) for day in (number, number + 1))
        return int(begin + (end - begin) * second / _DAY)

    def outages_until(self, time: datetime) -> tuple[float, int]:
        """Return (seconds without power, number of outages) since INSTALLED."""
        number, second = self.place(time)
        before, now = self._total(number), number * _DAY + second
        outage = self.outage(number)
        if outage is None or now < outage[0]:
            return before.outage_time, before.outages
        return before.outage_time + min(now, outage[1]) - outage[0], before.outages + 1

    def is_dark(self, start: datetime, end: datetime) -> tuple[bool, bool]:
        """Return (power failed at some moment, power was off throughout) between two times."""
        first = (start - INSTALLED).total_seconds()
        last = (end - INSTALLED).total_seconds()
        for day in range(int(first // _DAY), int(last // _DAY) + 1):
            outage = self.outage(day)
            if outage is not None and outage[0] < last and first < outage[1]:
                return True, outage[0] <= first and last <= outage[1]
        return False, False

    # ---------------------------------------------------------------- days
    @staticmethod
    def place(time: datetime) -> tuple[int, float]:
        """Return (days since INSTALLED, seconds of that day); the beginning for times before."""
        seconds = max((time - INSTALLED).total_seconds(), 0.0)
        return int(seconds // _DAY), seconds % _DAY

    def _total(self, day: int) -> _Totals:
        while len(self._totals) <= day:
            number = len(self._totals) - 1
            last, outage = self._totals[-1], self.outage(number)
            imported, exported = self._day_total(number)
            self._totals.append(
                _Totals(
                    last.imported + imported,
                    last.exported + exported,
                    last.outage_time + (outage[1] - outage[0] if outage else 0.0),
                    last.outages + (outage is not None),
                )
            )
        return self._totals[day]

    def _day_total(self, day: int) -> tuple[float, float]:
        """Return (imported, exported) Wh of a whole day: more in winter, sun in summer."""
        winter = 0.5 + 0.5 * cos(2 * pi * (day % 365.25 - 15) / 365.25)
        is_weekend = (INSTALLED + timedelta(days=day)).weekday() >= 5
        imported = 6500 + 4000 * winter + 900 * is_weekend + 2500 * self.noise("day", day)
        exported = (1 - 0.85 * winter) * 14000 * (0.15 + 0.85 * self.noise("sun", day))
        return imported, exported

    def day(self, number: int) -> DayCurve:
        """Return the curve of a day, counted since INSTALLED."""
        day = self._days.get(number)
        if day is None:
            day = self._days[number] = self._build_day(number)
            if len(self._days) > _CACHED_DAYS:
                self._days.popitem(last=False)
        return day

    def _build_day(self, number: int) -> DayCurve:
        random = Random(f"{self._seed}/{number}")
        outage = self.outage(number)
        used: list[float] = []
        sunny: list[float] = []
        for slot in range(_SLOTS):
            dark = (
                outage is not None
                and outage[0] < number * _DAY + (slot + 1) * _SLOT
                and (number * _DAY + slot * _SLOT < outage[1])
            )
            sun = 0.0 if dark else _SUNSHINE[slot] * (0.4 + 0.6 * random.random())
            use = 0.0 if dark else _HABIT[slot] * (0.5 + random.random()) * (1.0 - 0.7 * min(1.0, sun))
            used.append(use)
            sunny.append(sun)
        imported, exported = self._day_total(number)
        return DayCurve(_accumulate(used, imported), _accumulate(sunny, exported))


def _accumulate(weights: list[float], total: float) -> list[float]:
    scale = total / (sum(weights) or 1.0)
    line: list[float] = []
    so_far = 0.0
    for weight in weights:
        so_far += weight * scale
        line.append(so_far)
    return line


def _at(line: list[float], second: float) -> float:
    """Return the value of a day's line at a second of the day."""
    slot, rest = int(second // _SLOT), second % _SLOT / _SLOT
    before = line[slot - 1] if slot else 0.0
    return before + (line[slot] - before) * rest
