"""The summations of an OSGP meter by number: name, unit, OBIS code.  Source: OSGP guide, BT23.

BT23's values already have the ratios of current and voltage transformers (BT15) in them.  A meter with
transformers of firmware 3.70 or later may count Wh and varh in steps of 1, 10 or 100 (ET55, "Energy
Register Unit"), which the table does not tell: `energy_register_unit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from meterkit.psem.tables.numbers import EXACT, Number, scaled
from meterkit.psem.tables.registers import RegisterData

Firmware = tuple[int, ...]

ENERGY_REGISTER_UNITS = (1, 10, 100)
# "Version 2.0 meters" count outages in minutes (D39); the guide calls the same meters 2.0 and 2.01 (D28).
_SECONDS = (2, 10)
_APPARENT_ENERGY = (4, 0)  # before, there are 15 summations
_REGISTER_UNITS = (3, 70)


@dataclass(frozen=True, slots=True)
class Summation:
    """What one summation counts.  `obis` is of the totals: group E is 0, and the tier's number in tiers.

    The OBIS codes are IEC 62056-61's of the same quantity, where it has one; the guide knows no OBIS.
    """

    number: int
    name: str  #: as the guide prints it; "" for a number that the guide does not have
    unit: str  #: "Wh", "varh", "VAh", "s", "min" or "count"; "" when not known
    obis: str | None = None
    is_in_tiers: bool = True  #: else the tier groups have the number, but never a value


@dataclass(frozen=True, slots=True)
class SummationValue:
    """One summation of the totals or of a tier."""

    number: int
    name: str
    unit: str
    tier: int  #: 0 for the totals, else 1 and up
    value: Decimal  #: in `unit`
    raw: Number  #: as the meter gives it
    obis: str | None  #: with the tier in group E


_NAMED = (
    ("Fwd Active Wh L1L2L3", "Wh", "1-0:1.8.0"),
    ("Rev Active Wh L1L2L3", "Wh", "1-0:2.8.0"),
    ("Import Reactive VArh L1L2L3", "varh", "1-0:3.8.0"),
    ("Export Reactive VArh L1L2L3", "varh", "1-0:4.8.0"),
    ("Power Outage Duration", "s", None),
    ("Power Outage Qty", "count", None),
    ("Fwd+Rev Active Wh L1L2L3", "Wh", "1-0:15.8.0"),
    ("Fwd-Rev Active Wh L1L2L3", "Wh", "1-0:16.8.0"),  # clamped at 0, the guide says
    ("Pulse Input 1", "count", None),
    ("Pulse Input 2", "count", None),
    ("Error Counter", "count", None),
    ("Reactive VArh Q1", "varh", "1-0:5.8.0"),
    ("Reactive VArh Q2", "varh", "1-0:6.8.0"),
    ("Reactive VArh Q3", "varh", "1-0:7.8.0"),
    ("Reactive VArh Q4", "varh", "1-0:8.8.0"),
    ("Apparent Energy Q1", "VAh", None),  # the guide prints no unit (D39)
    ("Apparent Energy Q2", "VAh", None),
    ("Apparent Energy Q3", "VAh", None),
    ("Apparent Energy Q4", "VAh", None),
)
_ONLY_IN_TOTALS = (4, 5, 8, 9, 10)
_SUMMATIONS = tuple(
    Summation(number, name, unit, obis, number not in _ONLY_IN_TOTALS)
    for number, (name, unit, obis) in enumerate(_NAMED)
)


def summation_names(firmware: Firmware | None = None) -> tuple[Summation, ...]:
    """Return the summations that a firmware version can have, by number; None: those of the newest.

    The meter has the first BT21.3 of them: 11 or 15 before firmware 4.0, 19 from then on.
    """
    if firmware is None:
        return _SUMMATIONS
    known = _SUMMATIONS if firmware >= _APPARENT_ENERGY else _SUMMATIONS[:15]
    if firmware < _SECONDS:
        return tuple(replace(one, unit="min") if one.unit == "s" else one for one in known)
    return known


def summation_values(
    registers: RegisterData, firmware: Firmware | None = None, *, energy_register_unit: int = 1
) -> tuple[SummationValue, ...]:
    """Return the summations of the totals, then of each tier, with name and unit.

    A tier's summations that the guide says are never populated are left out.  Numbers that the
    firmware's list does not have come without name and unit.
    `energy_register_unit`: ET55's; Wh and varh are multiplied by it, VAh, which it does not name, not.
    Errors: ValueError for a unit other than 1, 10, 100, or other than 1 before firmware 3.70.
    """
    if energy_register_unit not in ENERGY_REGISTER_UNITS:
        raise ValueError(f"the energy register unit is 1, 10 or 100, not {energy_register_unit}")
    if energy_register_unit != 1 and firmware is not None and firmware < _REGISTER_UNITS:
        raise ValueError(f"energy register unit {energy_register_unit}: only firmware 3.70 and later has one")
    names = summation_names(firmware)
    blocks = (registers.tot_data_block, *registers.tier_data_block)
    return tuple(
        value
        for tier, block in enumerate(blocks)
        for value in _values(block.summations, names, tier, energy_register_unit)
    )


def _values(
    summations: tuple[Number, ...], names: tuple[Summation, ...], tier: int, energy_register_unit: int
) -> Iterator[SummationValue]:
    for number, raw in enumerate(summations):
        one = names[number] if number < len(names) else Summation(number, "", "")
        if tier and not one.is_in_tiers:
            continue
        value = scaled(raw)
        if one.unit in ("Wh", "varh"):
            value = EXACT.multiply(value, energy_register_unit)
        obis = f"{one.obis[:-1]}{tier}" if one.obis else None
        yield SummationValue(number, one.name, one.unit, tier, value, raw, obis)
