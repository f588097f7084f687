"""VIFEs that qualify a value: per unit of time, limits, corrections, phases, and record errors.

Source: "The M-Bus: A Documentation" 4.8, 8.4.5 and 8.4.6; EN 13757-3, combinable VIFE codes.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.mbus.units import DURATIONS, Form


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What one VIFE adds."""

    name: str = ""
    suffix: str = ""  #: of the unit
    exponent: int = 0  #: the value times ten to this
    form: Form | None = None  #: the value is of this form and of `unit`, whatever the VIF says
    unit: str = ""
    problem: str = ""  #: the device says it has no such value, or the value cannot be understood


def _counted(name: str) -> Qualifier:
    return Qualifier(name, form=Form.NUMBER)


def _timed(name: str) -> Qualifier:
    return Qualifier(name, form=Form.TIME)


_ERRORS = {
    0x01: "too many DIFEs",
    0x02: "storage number not implemented",
    0x03: "subunit not implemented",
    0x04: "tariff not implemented",
    0x05: "function not implemented",
    0x06: "data class not implemented",
    0x07: "data size not implemented",
    0x0B: "too many VIFEs",
    0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent",
    0x0E: "VIF and DIF do not match",
    0x0F: "action not implemented",
    0x15: "no data available",
    0x16: "data overflow",
    0x17: "data underflow",
    0x18: "data error",
    0x1C: "premature end of record",
}
_SUFFIXES = {
    0x20: "/s",
    0x21: "/min",
    0x22: "/h",
    0x23: "/d",
    0x24: "/week",
    0x25: "/month",
    0x26: "/year",
    0x27: "/revolution",
    0x2C: "/l",
    0x2D: "/m3",
    0x2E: "/kg",
    0x2F: "/K",
    0x30: "/kWh",
    0x31: "/GJ",
    0x32: "/kW",
    0x33: "/(K*l)",
    0x34: "/V",
    0x35: "/A",
    0x36: "*s",
    0x37: "*s/V",
    0x38: "*s/A",
}
_NAMES = {
    0x00: "",  # the device says: no error
    0x12: "average",
    0x14: "relative deviation",
    0x1D: "standard conform data content",
    0x3A: "uncorrected",
    0x3B: "positive contributions only",
    0x3C: "negative contributions only",
    0x3E: "at base conditions",
    0x3F: "OBIS declaration",
    0x40: "lower limit",
    0x48: "upper limit",
    0x68: "during lower limit exceed",
    0x69: "leakage",
    0x6C: "during upper limit exceed",
    0x6D: "overflow",
    0x7E: "future value",
}


def _combinable() -> dict[int, Qualifier]:
    found = {code: Qualifier(name) for code, name in _NAMES.items()}
    found |= {code: Qualifier(problem=f"the device says: {error}") for code, error in _ERRORS.items()}
    found |= {code: Qualifier(suffix=suffix) for code, suffix in _SUFFIXES.items()}
    for code, name in ((0x13, "inverse compact profile"), (0x1E, "compact profile with registers")):
        found[code] = Qualifier(name, form=Form.OCTETS)
    found[0x1F] = Qualifier("compact profile", form=Form.OCTETS)
    for channel in (0, 1):
        found[0x28 + channel] = Qualifier(f"input pulse channel {channel}", suffix="/pulse")
        found[0x2A + channel] = Qualifier(f"output pulse channel {channel}", suffix="/pulse")
    found[0x39] = _timed("start")
    # Annex C of EN 13757-3 gives other units and powers of ten then: better no value than a wrong one.
    found[0x3D] = Qualifier("non-metric", problem="in a non-metric unit, which is not decoded")
    found |= _limits()
    for n in range(8):
        found[0x70 + n] = Qualifier(exponent=n - 6)
    for n in range(4):
        # An offset nobody is known to send; whether the value holds it already is not said, so it is told.
        found[0x78 + n] = Qualifier(f"additive correction constant 10^{n - 3}")
    found[0x7D] = Qualifier(exponent=3)
    return found


def _limits() -> dict[int, Qualifier]:
    """Return the codes of limits exceeded: E100 u001, E100 uf1b, E101 ufnn, E110 0fnn, E110 1f1b."""
    found: dict[int, Qualifier] = {}
    for u, limit in ((0, "lower limit exceed"), (8, "upper limit exceed")):
        found[0x41 | u] = _counted(f"number of {limit}s")
        for f, which in ((0, "first"), (4, "last")):
            for b, end in ((0, "begin"), (1, "end")):
                found[0x42 | u | f | b] = _timed(f"{end} of {which} {limit}")
            for n, unit in enumerate(DURATIONS):
                name = f"duration of {which} {limit}"
                found[0x50 | u | f | n] = Qualifier(name, form=Form.NUMBER, unit=unit)
    for f, which in ((0, "first"), (4, "last")):
        for n, unit in enumerate(DURATIONS):
            found[0x60 | f | n] = Qualifier(f"duration of {which}", form=Form.NUMBER, unit=unit)
        for b, end in ((0, "begin"), (1, "end")):
            found[0x6A | f | b] = _timed(f"{end} of {which}")
    return found


COMBINABLE = _combinable()

#: In the VIFE after 0xFC: phases, quadrants, directions.
SECOND = {
    0x01: Qualifier("L1"),
    0x02: Qualifier("L2"),
    0x03: Qualifier("L3"),
    0x04: Qualifier("N"),
    0x05: Qualifier("L1 to L2"),
    0x06: Qualifier("L2 to L3"),
    0x07: Qualifier("L3 to L1"),
    0x08: Qualifier("Q1"),
    0x09: Qualifier("Q2"),
    0x0A: Qualifier("Q3"),
    0x0B: Qualifier("Q4"),
    0x0C: Qualifier("import minus export"),
    0x10: Qualifier("absolute count"),
    0x11: Qualifier("unsigned"),  # type C: `record` takes the sign off
    0x12: Qualifier("bits"),  # type D, likewise
    0x14: Qualifier("to the meter"),
    0x15: Qualifier("from the meter"),
}
UNSIGNED = frozenset({"unsigned", "bits"})
_TO_SECOND, _MANUFACTURER_SPECIFIC = 0xFC, 0x7F


def qualifiers_of(codes: bytes) -> list[Qualifier]:
    """Return what the VIFEs after the true VIF add, in order."""
    found: list[Qualifier] = []
    at = 0
    while at < len(codes):
        code = codes[at] & 0x7F
        if code == _MANUFACTURER_SPECIFIC:
            rest = codes[at + 1 :].hex(" ")
            return [*found, Qualifier(f"manufacturer specific {rest}".rstrip())]
        known, where = COMBINABLE, f"reserved VIFE {code:02x}"
        if codes[at] == _TO_SECOND and at + 1 < len(codes):
            at += 1
            code = codes[at] & 0x7F
            known, where = SECOND, f"reserved VIFE fc {code:02x}"
        found.append(known.get(code) or Qualifier(where))
        at += 1
    return found
