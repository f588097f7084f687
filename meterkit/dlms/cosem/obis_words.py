"""What an OBIS code means, in words: medium, quantity, processing, tariff, billing period.

    1-0:1.8.1*255   active energy import, tariff 1
    1-0:32.7.0      voltage L1, instantaneous value
    0-0:1.0.0       clock

Source: IEC 62056-61 (OBIS): value groups A to F, Tables for electricity (C 1 to 99, D, E) and for abstract
objects; general knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from meterkit.dlms.cosem.obis import NO_BILLING_PERIOD, ObisCode

MEDIA: Final = MappingProxyType(
    {
        0: "abstract",
        1: "electricity",
        4: "heat cost allocator",
        5: "cooling",
        6: "heat",
        7: "gas",
        8: "cold water",
        9: "hot water",
        15: "other media",
        16: "oil",
        17: "compressed air",
        18: "nitrogen",
    }
)  #: value group A
_ABSTRACT: Final = 0
_ELECTRICITY: Final = 1

#: Quantities of a phase or of all of them: value group C modulo 20 within 1..20, 21..40, 41..60, 61..80.
_POWERS: Final = MappingProxyType(
    {
        1: "active {} import",
        2: "active {} export",
        3: "reactive {} import",
        4: "reactive {} export",
        5: "reactive {}, quadrant I",
        6: "reactive {}, quadrant II",
        7: "reactive {}, quadrant III",
        8: "reactive {}, quadrant IV",
        9: "apparent {} import",
        10: "apparent {} export",
        15: "active {}, import plus export",
        16: "active {}, import minus export",
        17: "active {}, quadrant I",
        18: "active {}, quadrant II",
        19: "active {}, quadrant III",
        20: "active {}, quadrant IV",
    }
)
_OTHERS: Final = MappingProxyType({11: "current", 12: "voltage", 13: "power factor", 14: "supply frequency"})
_PER_PHASE: Final = 20
_PHASES: Final = ("", " L1", " L2", " L3")
_SINGLE: Final = MappingProxyType(
    {
        0: "general purpose object",
        82: "unitless quantity (pulses or pieces)",
        83: "transformer and line losses",
        84: "power factor export",
        85: "power factor export L1",
        86: "power factor export L2",
        87: "power factor export L3",
        88: "ampere-squared hours",
        89: "volt-squared hours",
        90: "current, sum of all phases",
        91: "neutral current",
        92: "neutral voltage",
        93: "consortia specific quantity",
        94: "country specific quantity",
        96: "service entry",
        97: "error register",
        98: "list",
        99: "data profile",
    }
)  #: value group C of electricity outside the phases
_ANGLES: Final = 81  # value group C; E has two digits, 0 to 2 the voltages of L1 to L3, 4 to 6 the currents
_ENERGY: Final = range(8, 11)  # value group D: time integrals 1 to 3, of which energies are made
_PROCESSING: Final = MappingProxyType(
    {
        0: "billing period average",
        1: "cumulative minimum 1",
        2: "cumulative maximum 1",
        3: "minimum 1",
        4: "current average 1",
        5: "last average 1",
        6: "maximum 1",
        7: "instantaneous value",
        8: "",  # time integral 1: the register everybody means
        9: "since the billing period began",
        10: "surplus over the limit",
        11: "cumulative minimum 2",
        12: "cumulative maximum 2",
        13: "minimum 2",
        14: "current average 2",
        15: "last average 2",
        16: "maximum 2",
        21: "cumulative minimum 3",
        22: "cumulative maximum 3",
        23: "minimum 3",
        24: "current average 3",
        25: "last average 3",
        26: "maximum 3",
        27: "current average 5",
        28: "current average 6",
        29: "in the recording interval",
        30: "in the second recording interval",
        31: "under limit threshold",
        32: "under limit occurrences",
        33: "under limit duration",
        34: "under limit magnitude",
        35: "over limit threshold",
        36: "over limit occurrences",
        37: "over limit duration",
        38: "over limit magnitude",
        39: "missing threshold",
        40: "missing occurrences",
        41: "missing duration",
        42: "missing magnitude",
        55: "test average",
        58: "time integral 4",
    }
)  #: value group D of electricity
_HARMONICS: Final = (12, 11)  # C modulo 20, voltage and current: E is the harmonic's number with D 7 and 24
_INSTANTANEOUS: Final = (7, 24)

#: Whole codes that stand for one thing, by (A, C, D, E); None is any.
_KNOWN: Final = MappingProxyType(
    {
        (0, 0, 1, 0): "number of billing periods",
        (0, 0, 1, 2): "time of the last billing period",
        (0, 0, 9, 1): "local time",
        (0, 0, 9, 2): "local date",
        (0, 1, 0, None): "clock",
        (0, 2, 0, None): "modem configuration",
        (0, 2, 1, None): "auto connect",
        (0, 2, 2, None): "auto answer",
        (0, 10, 0, 0): "global meter reset script table",
        (0, 10, 0, 1): "MDI reset script table",
        (0, 10, 0, 100): "tariff script table",
        (0, 10, 0, 101): "test mode script table",
        (0, 10, 0, 103): "set output signals script table",
        (0, 10, 0, 106): "disconnect control script table",
        (0, 10, 0, 107): "image activation script table",
        (0, 10, 0, 108): "push script table",
        (0, 11, 0, None): "special days table",
        (0, 12, 0, None): "schedule",
        (0, 13, 0, None): "activity calendar",
        (0, 14, 0, None): "register activation",
        (0, 15, 0, None): "single action schedule",
        (0, 16, 0, None): "register monitor",
        (0, 16, 1, None): "alarm monitor",
        (0, 16, 2, None): "parameter monitor",
        (0, 17, 0, None): "limiter",
        (0, 19, None, None): "payment",
        (0, 20, 0, None): "IEC optical port setup",
        (0, 21, 0, None): "standard reading list",
        (0, 22, 0, 0): "IEC HDLC setup",
        (0, 24, 0, None): "M-Bus slave port setup",
        (0, 24, 1, None): "M-Bus client",
        (0, 24, 2, None): "M-Bus value",
        (0, 24, 3, None): "M-Bus profile",
        (0, 24, 4, None): "M-Bus disconnect control",
        (0, 24, 5, None): "M-Bus control log",
        (0, 24, 6, None): "M-Bus master port setup",
        (0, 25, 0, None): "TCP-UDP setup",
        (0, 25, 1, None): "IPv4 setup",
        (0, 25, 2, None): "MAC address setup",
        (0, 25, 3, None): "PPP setup",
        (0, 25, 4, None): "GPRS modem setup",
        (0, 25, 5, None): "SMTP setup",
        (0, 25, 6, None): "GSM diagnostic",
        (0, 25, 7, None): "IPv6 setup",
        (0, 25, 9, None): "push setup",
        (0, 25, 10, None): "NTP setup",
        (0, 40, 0, 0): "current association",
        (0, 40, 0, None): "association",
        (0, 41, 0, 0): "SAP assignment",
        (0, 42, 0, 0): "COSEM logical device name",
        (0, 43, 0, None): "security setup",
        (0, 43, 1, None): "invocation counter",
        (0, 43, 2, None): "data protection",
        (0, 44, 0, None): "image transfer",
        (0, 65, None, None): "utility tables",
        (0, 96, 1, None): "device ID",
        (0, 96, 2, 0): "number of configuration changes",
        (0, 96, 2, 1): "date of the last configuration change",
        (0, 96, 3, 0): "input and output control signals",
        (0, 96, 3, 1): "input control signals",
        (0, 96, 3, 2): "output control signals",
        (0, 96, 3, 10): "disconnect control",
        (0, 96, 4, None): "internal control signals",
        (0, 96, 5, None): "internal operating status",
        (0, 96, 6, 0): "battery use time",
        (0, 96, 6, 1): "battery charge",
        (0, 96, 6, 3): "battery voltage",
        (0, 96, 6, 6): "battery estimated remaining use time",
        (0, 96, 7, 0): "number of power failures, all three phases",
        (0, 96, 7, 1): "number of power failures, L1",
        (0, 96, 7, 2): "number of power failures, L2",
        (0, 96, 7, 3): "number of power failures, L3",
        (0, 96, 7, 9): "number of long power failures, any phase",
        (0, 96, 7, 19): "duration of the last long power failure, any phase",
        (0, 96, 7, 21): "number of power failures, any phase",
        (0, 96, 8, 0): "time of operation",
        (0, 96, 8, None): "time of registration",
        (0, 96, 9, 0): "ambient temperature",
        (0, 96, 10, None): "status",
        (0, 96, 11, None): "event code",
        (0, 96, 12, 5): "GSM field strength",
        (0, 96, 13, 0): "consumer message by the local port",
        (0, 96, 13, 1): "consumer message on the display",
        (0, 96, 14, None): "currently active tariff",
        (0, 96, 15, None): "event counter",
        (0, 96, 20, None): "meter tamper event",
        (0, 97, 97, None): "error register",
        (0, 97, 98, None): "alarm register or filter",
        (0, 98, 1, None): "billing profile",
        (0, 98, 2, None): "billing profile, second scheme",
        (0, 98, 10, None): "list of billing values",
        (0, 99, 97, None): "power failure event log",
        (0, 99, 98, None): "event log",
        (1, 0, 0, 0): "electricity ID 1",
        (1, 0, 0, None): "electricity ID",
        (1, 0, 1, 0): "number of billing periods",
        (1, 0, 2, 0): "active firmware identifier",
        (1, 0, 2, 8): "active firmware signature",
        (1, 0, 4, 2): "current transformer ratio, numerator",
        (1, 0, 4, 3): "voltage transformer ratio, numerator",
        (1, 0, 8, 0): "measurement period 1",
        (1, 0, 8, 4): "recording interval 1",
        (1, 0, 8, 5): "recording interval 2",
        (1, 0, 9, 1): "local time",
        (1, 0, 9, 2): "local date",
        (1, 96, 5, None): "internal operating status",
        (1, 98, 1, None): "billing profile",
        (1, 99, 1, None): "load profile 1",
        (1, 99, 2, None): "load profile 2",
        (1, 99, 3, None): "load profile during test",
        (1, 99, 10, None): "power quality profile",
        (1, 99, 97, None): "power failure event log",
        (1, 99, 98, None): "event log",
        (1, 97, 97, None): "error register",
    }
)


@dataclass(frozen=True, slots=True)
class ObisWords:
    """One code, group by group; empty where a group says nothing, or nothing that is known."""

    medium: str  #: A
    channel: str  #: B
    quantity: str  #: C: what it is
    processing: str  #: D: what is made of it
    tariff: str  #: E: "total", "tariff 1", "harmonic 3"
    billing_period: str  #: F

    def __str__(self) -> str:
        medium = (
            "" if self.medium in (MEDIA[_ABSTRACT], MEDIA[_ELECTRICITY]) and self.quantity else self.medium
        )
        told = (medium, self.quantity, self.processing, self.tariff, self.channel, self.billing_period)
        return ", ".join(word for word in told if word)


def explain(code: ObisCode | str) -> ObisWords:
    """Return what a code means.  Raises: ValueError for text that is no code."""
    obis = ObisCode.parse(code) if isinstance(code, str) else code
    medium = MEDIA.get(obis.a, f"medium {obis.a}")
    channel = f"channel {obis.b}" if obis.b else ""
    period = _billing_period(obis.f)
    known = _KNOWN.get((obis.a, obis.c, obis.d, obis.e)) or _KNOWN.get((obis.a, obis.c, obis.d, None))
    known = known or _KNOWN.get((obis.a, obis.c, None, None))
    if known is None and obis.a == _ELECTRICITY:
        return ObisWords(medium, channel, *_electricity(obis), period)
    if known is None and (obis.c >= 128 or obis.d >= 128):
        known = "manufacturer specific"
    return ObisWords(medium, channel, known or "", "", "", period)


def _electricity(obis: ObisCode) -> tuple[str, str, str]:
    """Return quantity, processing and tariff."""
    if obis.c >= 128 or obis.d >= 128:
        return "manufacturer specific", "", ""
    single = _SINGLE.get(obis.c)
    if obis.c == _ANGLES:
        return "angle", _PROCESSING.get(obis.d, ""), f"from {obis.e % 10} to {obis.e // 10}"
    if single is not None or obis.c > 4 * _PER_PHASE:
        return single or f"quantity {obis.c}", _PROCESSING.get(obis.d, f"processing {obis.d}"), _rate(obis.e)
    set_of_phases, place = divmod(obis.c - 1, _PER_PHASE)
    phase, number = _PHASES[set_of_phases], place + 1
    if number in _OTHERS:
        tariff = ""
        if number in _HARMONICS and obis.d in _INSTANTANEOUS and obis.e:
            tariff = f"harmonic {obis.e}"
        return _OTHERS[number] + phase, _PROCESSING.get(obis.d, f"processing {obis.d}"), tariff
    is_energy = obis.d in _ENERGY or obis.d in (29, 30, 58)
    quantity = _POWERS[number].format("energy" if is_energy else "power") + phase
    tariff = _rate(obis.e)
    if not obis.e:
        tariff = "total" if is_energy else ""
    return quantity, _PROCESSING.get(obis.d, f"processing {obis.d}"), tariff


def _rate(e: int) -> str:
    """Return value group E as a tariff; 0 is the total."""
    if e == 0:
        return ""
    return f"tariff {e}" if e < 64 else f"E {e}"


def _billing_period(f: int) -> str:
    """Return value group F: VZ, the billing period's number, or relative to it."""
    if f == NO_BILLING_PERIOD:
        return ""
    if f < 100:
        return f"billing period {f}"
    if f == 101:
        return "last billing period"
    if 102 <= f <= 125:
        return f"last {f - 100} billing periods"
    if f == 126:  # how many is left open
        return "last billing periods"
    return f"F {f}"
