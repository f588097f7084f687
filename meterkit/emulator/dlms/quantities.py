"""What the meter measures, by OBIS code: where it comes from, in which type, scaler and unit.

Everything follows from the household, so that registers, demands and load profile agree.
Units: Blue Book, table of physical units (27 W, 30 Wh, 32 varh, 33 A, 35 V, 44 Hz); general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from struct import Struct

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.household import Household

WATT, WATT_HOUR, VAR_HOUR, AMPERE, VOLT, HERTZ = 27, 30, 32, 33, 35, 44
_LAGGING, _LEADING = 0.31, 0.12  # reactive energy by active energy, taken and given
_PHASE_SHARES = (0.5, 0.3, 0.2)
_UINT32 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured quantity.  `at` gives its value at a time, in units of 10**scaler."""

    obis: ObisCode
    at: Callable[[datetime], int]
    encode: Callable[[int], bytes]
    scaler: int
    unit: int

    def octets(self, time: datetime) -> bytes:
        """Return the value at `time` as A-XDR."""
        return self.encode(self.at(time))


def quantities(household: Household) -> dict[ObisCode, Quantity]:
    """Return everything that is measured of a household."""
    # A row of the load profile asks for the same moment column by column.
    energy_at = lru_cache(maxsize=4)(household.energy)
    power_at = lru_cache(maxsize=4)(household.power)

    def energy(direction: int, share: float, time: datetime) -> int:
        return int(energy_at(time)[direction] * share) & _UINT32

    def power(direction: int, time: datetime) -> int:
        return int(power_at(time)[direction])

    def voltage(phase: int, time: datetime) -> int:
        return round(household.voltage(time, phase) * 10)

    def current(phase: int, time: datetime) -> int:
        forward, reverse = household.power(time)
        apparent = max(forward, reverse) * _PHASE_SHARES[phase]
        return round(apparent / household.voltage(time, phase) * 100)

    def frequency(time: datetime) -> int:
        return round(household.frequency(time) * 100)

    # Long profiles are made of these: a tag and a number, packed at once.
    wide = partial(Struct(">BI").pack, axdr.Tag.DOUBLE_LONG_UNSIGNED)
    narrow = partial(Struct(">BH").pack, axdr.Tag.LONG_UNSIGNED)
    found = [
        Quantity(ObisCode(1, 0, 1, 8, 0), partial(energy, 0, 1.0), wide, 0, WATT_HOUR),
        Quantity(ObisCode(1, 0, 2, 8, 0), partial(energy, 1, 1.0), wide, 0, WATT_HOUR),
        Quantity(ObisCode(1, 0, 3, 8, 0), partial(energy, 0, _LAGGING), wide, 0, VAR_HOUR),
        Quantity(ObisCode(1, 0, 4, 8, 0), partial(energy, 1, _LEADING), wide, 0, VAR_HOUR),
        Quantity(ObisCode(1, 0, 1, 7, 0), partial(power, 0), wide, 0, WATT),
        Quantity(ObisCode(1, 0, 2, 7, 0), partial(power, 1), wide, 0, WATT),
        Quantity(ObisCode(1, 0, 14, 7, 0), frequency, narrow, -2, HERTZ),
    ]
    for phase in range(3):
        c = 31 + 20 * phase
        found.append(Quantity(ObisCode(1, 0, c, 7, 0), partial(current, phase), narrow, -2, AMPERE))
        found.append(Quantity(ObisCode(1, 0, c + 1, 7, 0), partial(voltage, phase), narrow, -1, VOLT))
    return {quantity.obis: quantity for quantity in found}
