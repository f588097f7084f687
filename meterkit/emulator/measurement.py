"""What the meter makes of the house: summations, tier by tier, and the sources of its load profile.

Summations count what flows on the primary side of the transformers; present values are those of the
secondary side but for the ones that say otherwise.  Source: OSGP guide, BT23, BT28.

    tier   1 on weekdays, 2 on Saturdays, 3 on Sundays; of eight tiers, 5 to 7 in the summer season
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.household import INSTALLED, Household
from meterkit.emulator.present_values import present_values

NBR_SUMMATIONS = 19  #: firmware 4.0 and later; 15 before

#: Sources: 0..18 are the summations of BT23, 19 + n the present value n of BT28, 100 to 103 the four M-Bus
#: devices, 104 and up the present values from 81 on.  The guide leaves source numbers to the head end;
#: these are the emulator's own.
FIRST_PRESENT_VALUE_SOURCE = 19
GAS_SOURCE = 100
_NBR_MBUS_SOURCES = 4
_FIRST_BEHIND_MBUS = GAS_SOURCE - FIRST_PRESENT_VALUE_SOURCE  # present value

SUMMER, WINTER = 1, 0  #: seasons; summer is April to September
_ONLY_IN_TOTALS = frozenset({4, 5, 8, 9, 10})  # OSGP guide, BT23, "not populated in tier groups"
_SUM, _DIFFERENCE = 6, 7  # forward and reverse energy, together and one less the other
_SECONDS_OF_OUTAGE = (2, 10)  # the firmware that counts seconds where 2.0 and 2.01 count minutes

Registers = tuple[int, ...]


def season_of(time: datetime) -> int:
    """Return the season that a UTC time lies in: SUMMER or WINTER."""
    return SUMMER if 4 <= time.month <= 9 else WINTER


def present_value_source(number: int) -> int:
    """Return the source of present value `number`."""
    return number + FIRST_PRESENT_VALUE_SOURCE + _NBR_MBUS_SOURCES * (number >= _FIRST_BEHIND_MBUS)


def _present_value_of(source: int) -> int | None:
    """Return the present value that a source stands for; None for an M-Bus device the house has not."""
    number = source - FIRST_PRESENT_VALUE_SOURCE
    if number < _FIRST_BEHIND_MBUS:
        return number
    number -= _NBR_MBUS_SOURCES
    return number if number >= _FIRST_BEHIND_MBUS else None


class Measurement:
    """The registers of one meter, as functions of time.  `household` is what flows through it."""

    def __init__(self, household: Household, configuration: EmulatorConfiguration) -> None:
        self.household = household
        self.nbr_tiers = configuration.nbr_tiers
        # A C12.19 meter leaves the ratios to the reader: ST15 has them.
        is_applied = configuration.dialect == "osgp"
        self.transformer_ratio = configuration.ct_ratio * configuration.vt_ratio if is_applied else 1
        self._ct_ratio = configuration.ct_ratio if is_applied else 1
        self._unit = configuration.energy_register_unit
        self._outage_unit = 60 if is_applied and configuration.firmware_version < _SECONDS_OF_OUTAGE else 1
        nothing = (0,) * NBR_SUMMATIONS
        self._at_midnight: list[tuple[Registers, ...]] = [(nothing,) * self.nbr_tiers]
        self._zero = nothing
        self._tiers_zero = self._at_midnight[0]

    # ---------------------------------------------------------------- registers
    def clear(self, time: datetime) -> None:
        """Let the registers begin at zero at `time`."""
        self._zero, self._tiers_zero = self._ever(time), self._tiers_ever(time)

    def summations(self, time: datetime) -> Registers:
        """Return the 19 summations of BT23 since they were cleared: Wh, varh, VAh, seconds, counts."""
        return _since(self._ever(time), self._zero)

    def tier_summations(self, time: datetime) -> tuple[Registers, ...]:
        """Return the summations of every tier.  They add up to the totals, but for 7, which is clamped."""
        return tuple(map(_since, self._tiers_ever(time), self._tiers_zero))

    def tier_of(self, day: int) -> int:
        """Return the tier, from 0, of a day counted since INSTALLED."""
        date = INSTALLED + timedelta(days=day)
        place = max(date.weekday() - 4, 0)
        return place + 4 if self.nbr_tiers == 8 and season_of(date) == SUMMER else place

    def _tiers_ever(self, time: datetime) -> tuple[Registers, ...]:
        day, second = self.household.place(time)
        while len(self._at_midnight) <= day:
            number = len(self._at_midnight)
            midnight = INSTALLED + timedelta(days=number)
            self._at_midnight.append(self._with_day(number - 1, midnight))
        return self._with_day(day, time) if second else self._at_midnight[day]

    def _with_day(self, day: int, time: datetime) -> tuple[Registers, ...]:
        """Return the tiers as they were when `day` began, with what came since until `time`."""
        tiers, place = list(self._at_midnight[day]), self.tier_of(day)
        before, now = self._ever(INSTALLED + timedelta(days=day)), self._ever(time)
        tiers[place] = tuple(
            0 if i in _ONLY_IN_TOTALS else old + now[i] - before[i] for i, old in enumerate(tiers[place])
        )
        return tuple(tiers)

    def _ever(self, time: datetime) -> Registers:
        """Return the summations since INSTALLED; those that follow from others are left at 0."""
        imported, exported = (int(value * self.transformer_ratio) for value in self.household.energy(time))
        outage_time, outages = self.household.outages_until(time)
        # What the house takes is inductive, what its roof gives a little capacitive: quadrants 1 and 3.
        lagging, leading = imported * 31 // 100, exported * 12 // 100
        unit = self._unit
        lagging_units, leading_units = lagging // unit, leading // unit
        return (
            imported // unit,
            exported // unit,
            lagging_units,
            leading_units,
            int(outage_time) // self._outage_unit,
            outages,
            0,
            0,
            imported // 1000,
            0,
            0,
            lagging_units,
            0,
            leading_units,
            0,
            int(imported * 1.05),  # the energy register unit is of Wh and varh alone
            0,
            int(exported * 1.01),
            0,
        )

    # ---------------------------------------------------------------- now
    def present_values(self, time: datetime, count: int) -> list[int]:
        """Return the present values of BT28, at least the first `count`."""
        return present_values(
            self.household, time, count, ct_ratio=self._ct_ratio, ratio=self.transformer_ratio
        )

    def sources(self, numbers: Sequence[int], time: datetime) -> list[int]:
        """Return the values of load profile sources; 0 for a source the meter does not have."""
        energies = self.household.energy(time)
        summations: Registers = ()
        present: list[int] = []
        values: list[int] = []
        for number in numbers:
            if number <= 1:
                energy = int(energies[number] * self.transformer_ratio)
                values.append(energy // self._unit - self._zero[number])
            elif number < NBR_SUMMATIONS:
                summations = summations or self.summations(time)
                values.append(summations[number])
            elif number == GAS_SOURCE:
                values.append(self.household.gas(time))
            else:
                place = _present_value_of(number)
                if place is not None and place >= len(present):
                    present = self.present_values(time, place + 1)
                values.append(present[place] if place is not None and place < len(present) else 0)
        return values


def _since(ever: Registers, zero: Registers) -> Registers:
    values = [now - then for now, then in zip(ever, zero, strict=True)]
    values[_SUM] = values[0] + values[1]
    values[_DIFFERENCE] = max(values[0] - values[1], 0)  # clamped, OSGP guide, BT23
    return tuple(values)
