"""What a unit-of-measure entry of ST12 means: name, unit, power of ten.  Source: C12.19 Table 12.

The codes are general knowledge of C12.19, unconfirmed.  One that is not here has no unit: the value
stays raw.

    time base   0 dial reading, 5 its difference   the unit times an hour: W -> Wh, m3/h -> m3
                1 now, 2 over a period             the unit
                3 sub-block, 4 block, 6 thermal    the unit: a demand
                7 event                            a count
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from meterkit.psem.tables.sources import UomEntry

_BULK, _EVENT = (0, 5), 7  # TIME_BASE: dial reading and its difference; an event
_DEMANDS = {3: "sub-block demand", 4: "demand", 6: "thermal demand"}
_AVERAGES = {3: "sub-block average", 4: "block average", 6: "thermal average"}
_EXPONENTS = (0, 2, 3, 6, 9, -2, -3, -6)  # by MULTIPLIER
_PHASES = ("", "phase A-B", "phase B-C", "phase C-A", "neutral", "phase A", "phase B", "phase C")


class _Kind(NamedTuple):
    """One ID_CODE.  `bulk` is the unit once integrated over hours, "" when nobody does that."""

    name: str
    unit: str
    bulk: str = ""


def _power(name: str, unit: str) -> _Kind:
    return _Kind(name, unit, f"{unit}h")


def _flow(name: str, unit: str) -> _Kind:
    return _Kind(name, f"{unit}/h", unit)


_KINDS: dict[int, _Kind] = {
    0: _power("active", "W"),
    1: _power("reactive", "var"),
    2: _power("apparent", "VA"),
    3: _power("phasor", "VA"),  # square root of W2 + var2
    4: _power("Q(60)", "var"),
    5: _power("Q(45)", "var"),
    8: _power("voltage", "V"),
    9: _power("average voltage", "V"),
    10: _power("voltage squared", "V2"),
    11: _power("instantaneous voltage", "V"),
    12: _power("current", "A"),
    13: _power("average current", "A"),
    14: _power("current squared", "A2"),
    15: _power("instantaneous current", "A"),
    16: _Kind("voltage THD (IEEE)", "%"),
    17: _Kind("current THD (IEEE)", "%"),
    18: _Kind("voltage THD (IC)", "%"),
    19: _Kind("current THD (IC)", "%"),
    20: _Kind("voltage angle to phase A", "deg"),
    21: _Kind("voltage angle", "deg"),
    22: _Kind("current angle to voltage of phase A", "deg"),
    23: _Kind("current angle", "deg"),
    24: _Kind("power factor", ""),
    25: _Kind("phasor power factor", ""),
    29: _Kind("time of day", ""),
    30: _Kind("date", ""),
    31: _Kind("date and time", ""),
    32: _Kind("timer", ""),
    33: _Kind("frequency", "Hz"),
    34: _Kind("counter", "count"),
    35: _Kind("sense input", ""),
    40: _Kind("voltage sags", "count"),
    41: _Kind("voltage swells", "count"),
    42: _Kind("power outage", ""),
    43: _Kind("low voltage excursions", "count"),
    44: _Kind("high voltage excursions", "count"),
    45: _Kind("normal voltage", "V"),
    46: _Kind("voltage unbalance", ""),
    47: _Kind("voltage THD excess", ""),
    48: _Kind("current THD excess", ""),
    50: _Kind("power outages", "count"),
    51: _Kind("demand resets", "count"),
    52: _Kind("times programmed", "count"),
    53: _Kind("time on battery", "min"),
    64: _flow("gas, uncorrected", "m3"),
    65: _flow("gas, corrected", "m3"),
    66: _flow("gas, corrected without supercompressibility", "m3"),
    67: _flow("gas, uncorrected", "ft3"),
    68: _flow("gas, corrected", "ft3"),
    69: _flow("gas, corrected without supercompressibility", "ft3"),
    70: _Kind("dry bulb temperature", "Cel"),
    71: _Kind("wet bulb temperature", "Cel"),
    72: _Kind("dry bulb temperature", "degF"),
    73: _Kind("wet bulb temperature", "degF"),
    74: _Kind("dry bulb temperature", "K"),
    75: _Kind("wet bulb temperature", "K"),
    76: _flow("heat", "J"),
    77: _flow("heat", "therm"),
    78: _Kind("static pressure", "Pa"),
    79: _Kind("differential pressure", "Pa"),
    80: _Kind("static pressure", "psi"),
    81: _Kind("differential pressure", "psi"),
    86: _Kind("pressure", "bar"),
    87: _Kind("relative humidity", "%"),
    128: _flow("liquid", "m3"),
    129: _flow("liquid", "ft3"),
    130: _flow("liquid", "US gal"),
    131: _flow("liquid", "imp gal"),
    132: _flow("liquid", "acre ft"),
}
_POWERS = range(8)  # ID_CODEs whose name is one word of "... energy", "... power" or "... demand"


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number is: its name, its unit, and the power of ten that brings it to that unit."""

    name: str
    unit: str  #: such as "Wh", "W", "V"; "" for plain numbers, and when not known
    scale: Decimal  #: 10 to the power of ST12's MULTIPLIER
    is_known: bool = True  #: else the code is none of C12.19's, or the entry says it does not follow it


def unit_of(entry: UomEntry) -> Unit:
    """Return the meaning of one entry of ST12.  Total."""
    scale = Decimal(1).scaleb(_EXPONENTS[entry.multiplier])
    kind = None if entry.nfs else _KINDS.get(entry.id_code)
    if kind is None:
        whose = "manufacturer's quantity" if entry.nfs else "quantity"
        return Unit(f"{whose} {entry.id_code}", "", scale, is_known=False)
    name = ", ".join(part for part in (_named(kind, entry), *_qualified(entry)) if part)
    return Unit(name, _measured(kind, entry), scale)


def _measured(kind: _Kind, entry: UomEntry) -> str:
    if entry.time_base == _EVENT:
        return "count"
    return kind.bulk if entry.time_base in _BULK and kind.bulk else kind.unit


def _named(kind: _Kind, entry: UomEntry) -> str:
    if entry.time_base == _EVENT:
        return kind.name if kind.unit == "count" else f"{kind.name} events"
    if entry.id_code in _POWERS:
        what = "energy" if entry.time_base in _BULK else _DEMANDS.get(entry.time_base, "power")
        return f"{kind.name} {what}"
    average = _AVERAGES.get(entry.time_base)
    return f"{kind.name}, {average}" if average and kind.bulk else kind.name


def _qualified(entry: UomEntry) -> tuple[str, str, str]:
    harmonic = "one harmonic" if entry.harmonic else ""
    return _direction(entry), _PHASES[entry.segmentation], harmonic


def _direction(entry: UomEntry) -> str:
    """Return where the energy flows, by the quadrants that count."""
    quadrants = "".join(
        number
        for number, counts in (
            ("1", entry.q1_accountability),
            ("2", entry.q2_accountability),
            ("3", entry.q3_accountability),
            ("4", entry.q4_accountability),
        )
        if counts
    )
    if not quadrants or entry.id_code not in _POWERS:
        return ""
    if quadrants == "1234":
        return "net" if entry.net_flow_accountability else "both ways"
    delivered = "12" if entry.id_code in (1, 6) else "14"  # reactive energy of quadrants 1 and 2 is positive
    received = "34" if entry.id_code in (1, 6) else "23"
    if quadrants in (delivered, received):
        return "delivered" if quadrants == delivered else "received"
    joint = " - " if entry.net_flow_accountability else " + "
    return joint.join(f"Q{number}" for number in quadrants)
