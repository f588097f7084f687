"""The present values of the emulated meter: W, var, VA, mA, mV, 1/1000, mHz, hundredths of a degree.

Source: OSGP guide, BT28, for what stands where; number 65 is apparent power Q3 of L2 (doubt D08).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from meterkit.emulator.household import Household

_SHARES = (0.5, 0.3, 0.2)  # of the three phases
_POWER_FACTOR, _SINE = 955, 296  # thousandths, of the house's reactive share
_PERIOD = timedelta(minutes=15)  # of averages
_FIRST_GROUPS = 41  # values before firmware 3.70
_ANGLE = 12000  # hundredths of a degree between phases

Phases = list[int]


def present_values(
    household: Household, time: datetime, count: int, *, ct_ratio: int = 1, ratio: int = 1
) -> list[int]:
    """Return at least the first `count` of 84 present values.  `ratio`: of both transformers together."""
    values = _first(household, time, ct_ratio, ratio)
    return values + _later(household, time) if count > _FIRST_GROUPS else values


def _first(household: Household, time: datetime, ct_ratio: int, ratio: int) -> list[int]:
    """Return 0 to 40: what meters before firmware 3.70 measure."""
    forward, reverse = (int(value) for value in household.power(time))
    volts = [household.voltage(time, phase) for phase in range(3)]
    current = _currents(forward - reverse, volts)
    reactive = [forward * 31 // 100, reverse * 12 // 100]
    powers = [forward, reverse, *reactive]
    head = [*powers, *current, *_thousandths(volts), _POWER_FACTOR, int(household.frequency(time) * 1000)]
    head += [int(forward * 1.05) + int(reverse * 1.01), _POWER_FACTOR, _POWER_FACTOR, _SINE, _SINE, _SINE]
    head += [power * ratio for power in powers]
    head += [reactive[0], 0, reactive[1], 0]  # quadrants 1 to 4
    phases = _split(forward) + _split(reverse)
    return head + phases + [power * ratio for power in phases] + [one * ct_ratio for one in current]


def _later(household: Household, time: datetime) -> list[int]:
    """Return 41 to 83: what came with firmware 3.70, 4.0, 4.10 and 4.30."""
    forward, reverse = (int(value) for value in household.power(time))
    volts = [household.voltage(time, phase) for phase in range(3)]
    before = [household.voltage(time - timedelta(minutes=1), phase) for phase in range(3)]
    steady = [(now + then) / 2 for now, then in zip(volts, before, strict=True)]
    means = _mean_powers(household, time)
    values = _thousandths(volts) + _thousandths(steady) + means + _split(means[0]) + _split(means[1])
    first, third = _split(int(forward * 1.05)), _split(int(reverse * 1.01))
    values += [int(forward * 1.05), 0, int(reverse * 1.01), 0]
    for phase in range(3):
        values += [first[phase], 0, third[phase], 0]
    current = _currents(forward - reverse, volts)
    values += [abs(current[0] - (current[1] + current[2]) // 2)]  # in the neutral
    values += _currents(means[0] - means[1], steady)
    lean = int(60 * (household.noise("angle", int(time.timestamp() // 60)) - 0.5))
    values += [_ANGLE + lean, _ANGLE - lean, _ANGLE]
    return values + _split(forward * 31 // 100) + _split(reverse * 12 // 100)


def _mean_powers(household: Household, time: datetime) -> list[int]:
    now, before = household.energy(time), household.energy(time - _PERIOD)
    hours = _PERIOD / timedelta(hours=1)
    return [int((end - begin) / hours) for end, begin in zip(now, before, strict=True)]


def _split(power: int) -> Phases:
    """Return what each phase has of a power; together they are the whole."""
    first, second = int(power * _SHARES[0]), int(power * _SHARES[1])
    return [first, second, power - first - second]


def _currents(power: int, volts: list[float]) -> Phases:
    return [int(abs(power) * share / volt * 1000) for share, volt in zip(_SHARES, volts, strict=True)]


def _thousandths(values: list[float]) -> list[int]:
    return [int(value * 1000) for value in values]
