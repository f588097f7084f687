"""The extension tables of value information: VIF 0xFD, 0xFD 0xFD and 0xFB.

The M-Bus documentation 4.8 and the later editions of EN 13757-3 agree but where one of them has nothing:
its American units (0xFB 0x22 to 0x26, 0x58 to 0x67, 0x70 to 0x73) were taken out again, codes for
electricity were put in.  Both are read here.
Source: "The M-Bus: A Documentation" 4.8, 8.4.4; EN 13757-3, main and alternate VIFE code extension tables.
"""

from __future__ import annotations

from meterkit.mbus.units import PRIMARY, Form, Meaning, each_unit, one, scale, table

_LONG_DURATIONS = ("h", "d", "month", "year")  # pp = 0 to 3

#: True VIF in the VIFE after 0xFD.
MAIN = table(
    scale(0x00, 4, "credit", "currency", -3),
    scale(0x04, 4, "debit", "currency", -3),
    one(0x08, "transmission count", form=Form.FLAGS),
    one(0x09, "medium", form=Form.MEDIUM),
    one(0x0A, "manufacturer", form=Form.MANUFACTURER),
    one(0x0B, "parameter set identification"),
    one(0x0C, "model version"),
    one(0x0D, "hardware version"),
    one(0x0E, "firmware version"),
    one(0x0F, "software version"),
    one(0x10, "customer location"),
    one(0x11, "customer"),
    one(0x12, "access code user"),
    one(0x13, "access code operator"),
    one(0x14, "access code system operator"),
    one(0x15, "access code developer"),
    one(0x16, "password"),
    one(0x17, "error flags", form=Form.FLAGS),
    one(0x18, "error mask", form=Form.FLAGS),
    one(0x19, "security key", form=Form.OCTETS),
    one(0x1A, "digital output", form=Form.FLAGS),
    one(0x1B, "digital input", form=Form.FLAGS),
    one(0x1C, "baud rate", "baud"),
    one(0x1D, "response delay", "bit times"),
    one(0x1E, "retry"),
    one(0x1F, "remote control", form=Form.FLAGS),
    one(0x20, "first storage number"),
    one(0x21, "last storage number"),
    one(0x22, "size of storage block"),
    one(0x23, "tariff and subunit descriptor"),
    each_unit(0x24, "storage interval", ("s", "min", "h", "d", "month", "year")),
    one(0x2A, "operator specific data"),
    one(0x2B, "time point second", "s"),
    each_unit(0x2C, "duration since last readout"),
    one(0x30, "start of tariff", form=Form.TIME),
    each_unit(0x31, "duration of tariff", ("min", "h", "d")),
    each_unit(0x34, "period of tariff", ("s", "min", "h", "d", "month", "year")),
    one(0x3A, "dimensionless"),
    one(0x3B, "wireless data container", form=Form.OCTETS),
    each_unit(0x3C, "transmission period"),
    scale(0x40, 16, "voltage", "V", -9),
    scale(0x50, 16, "current", "A", -12),
    one(0x60, "reset counter"),
    one(0x61, "cumulation counter"),
    one(0x62, "control signal"),
    one(0x63, "day of week"),
    one(0x64, "week number"),
    one(0x65, "time point of day change", form=Form.TIME),
    one(0x66, "state of parameter activation"),
    one(0x67, "special supplier information"),
    each_unit(0x68, "duration since last cumulation", _LONG_DURATIONS),
    each_unit(0x6C, "battery operating time", _LONG_DURATIONS),
    one(0x70, "battery change", form=Form.TIME),
    one(0x71, "RF level", "dBm"),
    one(0x72, "daylight saving", form=Form.OCTETS),  # type K
    one(0x73, "listening window", form=Form.OCTETS),  # type L
    one(0x74, "remaining battery life", "d"),
    one(0x75, "times the meter was stopped"),
    one(0x76, "manufacturer data container", form=Form.OCTETS),
)

#: True VIF in the second VIFE after 0xFD 0xFD.
MAIN_SECOND = table(
    one(0x00, "selected application"),
    each_unit(0x02, "remaining battery life", ("month", "year")),
)

#: True VIF in the VIFE after 0xFB.  MWh, GJ, t and the like are told in Wh, J, kg.
ALTERNATE = table(
    scale(0x00, 2, "energy", "Wh", 5),
    scale(0x02, 2, "reactive energy", "varh", 3),
    scale(0x04, 2, "apparent energy", "VAh", 3),
    scale(0x08, 2, "energy", "J", 8),
    scale(0x0C, 4, "energy", "cal", 5),
    scale(0x10, 2, "volume", "m3", 2),
    scale(0x14, 4, "reactive power", "var", 0),
    scale(0x18, 2, "mass", "kg", 5),
    scale(0x1A, 2, "relative humidity", "%", -1),
    one(0x20, "volume", "ft3"),
    one(0x21, "volume", "ft3", -1),
    one(0x22, "volume", "US gal", -1),
    one(0x23, "volume", "US gal"),
    one(0x24, "volume flow", "US gal/min", -3),
    one(0x25, "volume flow", "US gal/min"),
    one(0x26, "volume flow", "US gal/h"),
    scale(0x28, 2, "power", "W", 5),
    one(0x2A, "phase angle voltage to voltage", "°", -1),
    one(0x2B, "phase angle voltage to current", "°", -1),
    scale(0x2C, 4, "frequency", "Hz", -3),
    scale(0x30, 2, "power", "J/h", 8),
    scale(0x34, 4, "apparent power", "VA", 0),
    scale(0x58, 4, "flow temperature", "°F", -3),
    scale(0x5C, 4, "return temperature", "°F", -3),
    scale(0x60, 4, "temperature difference", "°F", -3),
    scale(0x64, 4, "external temperature", "°F", -3),
    scale(0x70, 4, "cold and warm temperature limit", "°F", -3),
    scale(0x74, 4, "cold and warm temperature limit", "°C", -3),
    scale(0x78, 8, "cumulated maximum power", "W", -3),
)

PLAIN_TEXT = 0x7C  # the unit follows the VIF as text
MANUFACTURER_SPECIFIC = 0x7F
_TO_ALTERNATE, _TO_MAIN, _TO_SECOND = 0xFB, 0xFD, 0xFD


def meaning_of(codes: bytes) -> tuple[Meaning, int]:
    """Return what a VIF with its VIFEs means, and how many of `codes` it takes; the rest qualify it."""
    tables = ((bytes([_TO_MAIN, _TO_SECOND]), MAIN_SECOND), (bytes([_TO_MAIN]), MAIN))
    for prefix, known in (*tables, (bytes([_TO_ALTERNATE]), ALTERNATE), (b"", PRIMARY)):
        if codes.startswith(prefix) and len(codes) > len(prefix):
            taken = len(prefix) + 1
            return known.get(codes[len(prefix)] & 0x7F) or _reserved(codes[:taken]), taken
    return _reserved(codes[:1]), 1


def _reserved(codes: bytes) -> Meaning:
    return Meaning(f"reserved VIF {codes.hex(' ')}", is_reserved=True)


def vif_for(quantity: str, unit: str, exponent: int = 0) -> bytes:
    """Return the VIF of a quantity in `unit` times ten to the `exponent`; extension bits are not set.

    Errors: ValueError when no table has it.
    """
    places = ((b"", PRIMARY), (b"\xfd", MAIN), (b"\xfd\xfd", MAIN_SECOND), (b"\xfb", ALTERNATE))
    for prefix, known in places:
        for code, meaning in known.items():
            if (meaning.quantity, meaning.unit, meaning.exponent) == (quantity, unit, exponent):
                return prefix + bytes([code])
    raise ValueError(f"no VIF stands for {quantity!r} in {unit!r} times 10^{exponent}")
