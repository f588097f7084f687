"""The present values of an OSGP meter by number: name, unit, scale, firmware.  Source: OSGP guide, BT28.

The values are as measured, without the ratios of current and voltage transformers, but for those whose
`ratios` say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from meterkit.psem.tables.numbers import Number, scaled
from meterkit.psem.tables.registers_present import PresentRegisterData, PresentRegisterSelection, source_at

Firmware = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PresentValueName:
    """What one present value measures."""

    number: int
    name: str  #: as the guide prints it, without the unit in brackets
    unit: str  #: "W", "var", "VA", "A", "V", "Hz", "deg", or "" for a plain ratio
    exponent: int  #: the meter's number times ten to this power is in `unit`
    since: Firmware  #: firmware version
    ratios: str = ""  #: transformer ratios in the value: "CT/VT", "CT" or none


@dataclass(frozen=True, slots=True)
class PresentValue:
    """One present value."""

    number: int
    name: str  #: "" for a number that the firmware's list does not have
    unit: str
    value: Decimal  #: in `unit`
    raw: Number  #: as the meter gives it
    source: int | None = None  #: as BT27 has it; None without BT27
    ratios: str = ""  #: transformer ratios in the value: "CT/VT", "CT" or none


@dataclass(frozen=True, slots=True)
class _Quantity:
    unit: str
    exponent: int = 0


_W, _VAR, _VA = _Quantity("W"), _Quantity("var"), _Quantity("VA")
_MA, _MV, _MHZ = _Quantity("A", -3), _Quantity("V", -3), _Quantity("Hz", -3)
_THOUSANDTH, _DEGREE = _Quantity("", -3), _Quantity("deg", -2)

# "4.1" is 4.10, as "3.1" is 3.10 (D28).
_GROUPS: dict[Firmware, tuple[tuple[int, str, _Quantity], ...]] = {
    (): (
        (0, "Fwd Active W L1L2L3", _W),
        (1, "Rev Active W L1L2L3", _W),
        (2, "Import Reactive VAr L1L2L3", _VAR),
        (3, "Export Reactive VAr L1L2L3", _VAR),
        (4, "RMS Current L1", _MA),
        (5, "RMS Current L2", _MA),
        (6, "RMS Current L3", _MA),
        (7, "RMS Voltage L1", _MV),
        (8, "RMS Voltage L2", _MV),
        (9, "RMS Voltage L3", _MV),
        (10, "Power Factor L1", _THOUSANDTH),
        (11, "Frequency", _MHZ),
        (12, "VA L1L2L3", _VA),
        (13, "Power Factor L2", _THOUSANDTH),
        (14, "Power Factor L3", _THOUSANDTH),
        (15, "Sin(PA) L1", _THOUSANDTH),
        (16, "Sin(PA) L2", _THOUSANDTH),
        (17, "Sin(PA) L3", _THOUSANDTH),
    ),
    (2, 12): (
        (18, "Fwd Active W L1L2L3 multiplied by CT/VT ratio if enabled", _W),
        (19, "Rev Active W L1L2L3 multiplied by CT/VT ratio if enabled", _W),
        (20, "Import Reactive VAr L1L2L3 multiplied by CT/VT ratio if enabled", _VAR),
        (21, "Export Reactive VAr L1L2L3 multiplied by CT/VT ratio if enabled", _VAR),
    ),
    (3, 10): (
        (22, "Q1 Reactive Var L1L2L3", _VAR),
        (23, "Q2 Reactive Var L1L2L3", _VAR),
        (24, "Q3 Reactive Var L1L2L3", _VAR),
        (25, "Q4 Reactive Var L1L2L3", _VAR),
    ),
    (3, 50): (
        (26, "Fwd Active W L1", _W),
        (27, "Fwd Active W L2", _W),
        (28, "Fwd Active W L3", _W),
        (29, "Rev Active W L1", _W),
        (30, "Rev Active W L2", _W),
        (31, "Rev Active W L3", _W),
        (32, "Fwd Active W L1 Post CT/VT Ratio", _W),
        (33, "Fwd Active W L2 Post CT/VT Ratio", _W),
        (34, "Fwd Active W L3 Post CT/VT Ratio", _W),
        (35, "Rev Active W L1 Post CT/VT Ratio", _W),
        (36, "Rev Active W L2 Post CT/VT Ratio", _W),
        (37, "Rev Active W L3 Post CT/VT Ratio", _W),
        (38, "RMS Current L1 Post CT Ratio", _MA),
        (39, "RMS Current L2 Post CT Ratio", _MA),
        (40, "RMS Current L3 Post CT Ratio", _MA),
    ),
    (3, 70): (
        (41, "RMS Voltage L1 - Continuous", _MV),
        (42, "RMS Voltage L2 - Continuous", _MV),
        (43, "RMS Voltage L3 - Continuous", _MV),
        (44, "RMS Voltage L1 - Average", _MV),
        (45, "RMS Voltage L2 - Average", _MV),
        (46, "RMS Voltage L3 - Average", _MV),
        (47, "Average Fwd Active W L1L2L3", _W),
        (48, "Average Rev Active W L1L2L3", _W),
        (49, "Average Fwd Active W L1", _W),
        (50, "Average Fwd Active W L2", _W),
        (51, "Average Fwd Active W L3", _W),
        (52, "Average Rev Active W L1", _W),
        (53, "Average Rev Active W L2", _W),
        (54, "Average Rev Active W L3", _W),
    ),
    (4, 0): (
        (55, "Apparent Power Q1 VA L1L2L3", _VA),
        (56, "Apparent Power Q2 VA L1L2L3", _VA),
        (57, "Apparent Power Q3 VA L1L2L3", _VA),
        (58, "Apparent Power Q4 VA L1L2L3", _VA),
        (59, "Apparent Power Q1 VA L1", _VA),
        (60, "Apparent Power Q2 VA L1", _VA),
        (61, "Apparent Power Q3 VA L1", _VA),
        (62, "Apparent Power Q4 VA L1", _VA),
        (63, "Apparent Power Q1 VA L2", _VA),
        (64, "Apparent Power Q2 VA L2", _VA),
        # 65 is missing and 66 printed twice: by the sequence, Q3 of L2 is 65 (D08).
        (65, "Apparent Power Q3 VA L2", _VA),
        (66, "Apparent Power Q4 VA L2", _VA),
        (67, "Apparent Power Q1 VA L3", _VA),
        (68, "Apparent Power Q2 VA L3", _VA),
        (69, "Apparent Power Q3 VA L3", _VA),
        (70, "Apparent Power Q4 VA L3", _VA),
        (71, "Neutral Current", _MA),
    ),
    (4, 10): (
        (72, "Average RMS Current L1", _MA),
        (73, "Average RMS Current L2", _MA),
        (74, "Average RMS Current L3", _MA),
    ),
    (4, 30): (
        (75, "Voltage Angle A to B", _DEGREE),
        (76, "Voltage Angle B to C", _DEGREE),
        (77, "Voltage Angle C to A", _DEGREE),
        (78, "Imp Reactive VAr A", _VAR),
        (79, "Imp Reactive VAr B", _VAR),
        (80, "Imp Reactive VAr C", _VAR),
        (81, "Exp Reactive VAr A", _VAR),
        (82, "Exp Reactive VAr B", _VAR),
        (83, "Exp Reactive VAr C", _VAR),
    ),
}


def _ratios(name: str) -> str:
    return "CT/VT" if "CT/VT" in name else "CT" if "Post CT" in name else ""


_PRESENT_VALUES = tuple(
    PresentValueName(number, name, quantity.unit, quantity.exponent, since, _ratios(name))
    for since, group in _GROUPS.items()
    for number, name, quantity in group
)


def present_value_names(firmware: Firmware | None = None) -> tuple[PresentValueName, ...]:
    """Return the present values that a firmware version has, by number; None: those of the newest.

    The firmware's list and BT21.9 need not agree (D09): the meter has the first BT21.9, named or not.
    """
    if firmware is None:
        return _PRESENT_VALUES
    return tuple(one for one in _PRESENT_VALUES if one.since <= firmware)


def present_values(
    table: PresentRegisterData,
    firmware: Firmware | None = None,
    selection: PresentRegisterSelection | None = None,
) -> tuple[PresentValue, ...]:
    """Return every present value of BT28 with name and unit, by number.

    Numbers past the firmware's list come without name and unit: BT20 says 41 on old meters that have
    18 (D09).  `selection`: BT27, which adds the sources.
    """
    names = present_value_names(firmware)
    sources = selection.present_value_select if selection else ()
    return tuple(
        _value(names[number] if number < len(names) else None, number, raw, source_at(sources, number))
        for number, raw in enumerate(table.present_value)
    )


def _value(one: PresentValueName | None, number: int, raw: Number, source: int | None) -> PresentValue:
    if one is None:
        return PresentValue(number, "", "", scaled(raw), raw, source)
    return PresentValue(number, one.name, one.unit, scaled(raw, one.exponent), raw, source, one.ratios)
