"""Physical units by the standard's codes, with symbol and quantity; scaling without loss.

    scal_unit_type = structure { scaler: integer, unit: enum }      02 02 | 0f fd | 16 1e   10^-3 Wh

Source: Blue Book 4.3.2 (Register, attribute scaler_unit: the list of units); general knowledge.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from meterkit.dlms.codes import LARGEST_CODE, Code


class Unit(Code):
    """A unit: `NAME = code, symbol, quantity`.  Codes that the standard keeps free are members without."""

    symbol: str  #: as it is written behind a number; empty for a number without unit
    quantity: str  #: what is measured in it; empty where the unit is of none in particular

    def __new__(cls, value: int, symbol: str = "", quantity: str = "") -> Self:
        """Make a member of one line of the list."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.symbol, member.quantity = symbol, quantity
        member.meaning = quantity or symbol
        return member

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= LARGEST_CODE:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        member.symbol, member.quantity = f"unit {value}", ""
        member.meaning = "a unit that the standard does not name"
        cls._value2member_map_[value] = member
        return member

    def __str__(self) -> str:
        return self.symbol

    YEAR = 1, "a", "time"
    MONTH = 2, "mo", "time"
    WEEK = 3, "wk", "time"
    DAY = 4, "d", "time"
    HOUR = 5, "h", "time"
    MINUTE = 6, "min", "time"
    SECOND = 7, "s", "time"
    DEGREE = 8, "°", "phase angle"
    DEGREE_CELSIUS = 9, "°C", "temperature"
    CURRENCY = 10, "currency", "money, in the local currency"
    METRE = 11, "m", "length"
    METRE_PER_SECOND = 12, "m/s", "speed"
    CUBIC_METRE = 13, "m³", "volume"
    CORRECTED_CUBIC_METRE = 14, "m³", "corrected volume"
    CUBIC_METRE_PER_HOUR = 15, "m³/h", "volume flux"
    CORRECTED_CUBIC_METRE_PER_HOUR = 16, "m³/h", "corrected volume flux"
    CUBIC_METRE_PER_DAY = 17, "m³/d", "volume flux"
    CORRECTED_CUBIC_METRE_PER_DAY = 18, "m³/d", "corrected volume flux"
    LITRE = 19, "l", "volume"
    KILOGRAM = 20, "kg", "mass"
    NEWTON = 21, "N", "force"
    NEWTON_METRE = 22, "Nm", "energy"
    PASCAL = 23, "Pa", "pressure"
    BAR = 24, "bar", "pressure"
    JOULE = 25, "J", "energy"
    JOULE_PER_HOUR = 26, "J/h", "thermal power"
    WATT = 27, "W", "active power"
    VOLT_AMPERE = 28, "VA", "apparent power"
    VAR = 29, "var", "reactive power"
    WATT_HOUR = 30, "Wh", "active energy"
    VOLT_AMPERE_HOUR = 31, "VAh", "apparent energy"
    VAR_HOUR = 32, "varh", "reactive energy"
    AMPERE = 33, "A", "current"
    COULOMB = 34, "C", "electrical charge"
    VOLT = 35, "V", "voltage"
    VOLT_PER_METRE = 36, "V/m", "electric field strength"
    FARAD = 37, "F", "capacitance"
    OHM = 38, "Ω", "resistance"
    OHM_SQUARE_METRE_PER_METRE = 39, "Ωm²/m", "resistivity"
    WEBER = 40, "Wb", "magnetic flux"
    TESLA = 41, "T", "magnetic flux density"
    AMPERE_PER_METRE = 42, "A/m", "magnetic field strength"
    HENRY = 43, "H", "inductance"
    HERTZ = 44, "Hz", "frequency"
    PULSES_PER_WATT_HOUR = 45, "1/Wh", "active energy meter constant"
    PULSES_PER_VAR_HOUR = 46, "1/varh", "reactive energy meter constant"
    PULSES_PER_VOLT_AMPERE_HOUR = 47, "1/VAh", "apparent energy meter constant"
    VOLT_SQUARED_HOUR = 48, "V²h", "volt-squared hours"
    AMPERE_SQUARED_HOUR = 49, "A²h", "ampere-squared hours"
    KILOGRAM_PER_SECOND = 50, "kg/s", "mass flux"
    SIEMENS = 51, "S", "conductance"
    KELVIN = 52, "K", "temperature"
    PULSES_PER_VOLT_SQUARED_HOUR = 53, "1/(V²h)", "volt-squared hour meter constant"
    PULSES_PER_AMPERE_SQUARED_HOUR = 54, "1/(A²h)", "ampere-squared hour meter constant"
    PULSES_PER_CUBIC_METRE = 55, "1/m³", "volume meter constant"
    PERCENT = 56, "%", "percentage"
    AMPERE_HOUR = 57, "Ah", "ampere-hours"
    WATT_HOUR_PER_CUBIC_METRE = 60, "Wh/m³", "energy per volume"
    JOULE_PER_CUBIC_METRE = 61, "J/m³", "calorific value, wobbe"
    MOLE_PERCENT = 62, "mol%", "molar fraction of gas composition"
    GRAM_PER_CUBIC_METRE = 63, "g/m³", "mass density, quantity of material"
    PASCAL_SECOND = 64, "Pa s", "dynamic viscosity"
    JOULE_PER_KILOGRAM = 65, "J/kg", "specific energy"
    GRAM_PER_SQUARE_CENTIMETRE = 66, "g/cm²", "pressure"
    ATMOSPHERE = 67, "atm", "pressure"
    DBM = 70, "dBm", "signal strength, decibels to a milliwatt"
    DB_MICROVOLT = 71, "dBµV", "signal strength, decibels to a microvolt"
    DECIBEL = 72, "dB", "ratio"
    INCH = 128, "in", "length"
    FOOT = 129, "ft", "length"
    POUND = 130, "lb", "mass"
    DEGREE_FAHRENHEIT = 131, "°F", "temperature"
    DEGREE_RANKINE = 132, "°R", "temperature"
    SQUARE_INCH = 133, "in²", "area"
    SQUARE_FOOT = 134, "ft²", "area"
    ACRE = 135, "ac", "area"
    CUBIC_INCH = 136, "in³", "volume"
    CUBIC_FOOT = 137, "ft³", "volume"
    ACRE_FOOT = 138, "ac ft", "volume"
    GALLON_IMPERIAL = 139, "gal (imp)", "volume"
    GALLON_US = 140, "gal (US)", "volume"
    POUND_FORCE = 141, "lbf", "force"
    POUND_FORCE_PER_SQUARE_INCH = 142, "psi", "pressure"
    POUND_PER_CUBIC_FOOT = 143, "lb/ft³", "density"
    POUND_PER_FOOT_SECOND = 144, "lb/(ft s)", "dynamic viscosity"
    SQUARE_FOOT_PER_SECOND = 145, "ft²/s", "kinematic viscosity"
    BRITISH_THERMAL_UNIT = 146, "Btu", "energy"
    THERM_EU = 147, "thm (EU)", "energy"
    THERM_US = 148, "thm (US)", "energy"
    BRITISH_THERMAL_UNIT_PER_POUND = 149, "Btu/lb", "calorific value of mass"
    BRITISH_THERMAL_UNIT_PER_CUBIC_FOOT = 150, "Btu/ft³", "calorific value of volume"
    CUBIC_FEET_VOLUME = 151, "ft³", "volume"
    FOOT_PER_SECOND = 152, "ft/s", "speed"
    CUBIC_FOOT_PER_SECOND = 153, "ft³/s", "volume flux"
    CUBIC_FOOT_PER_MINUTE = 154, "ft³/min", "volume flux"
    CUBIC_FOOT_PER_HOUR = 155, "ft³/h", "volume flux"
    CUBIC_FOOT_PER_DAY = 156, "ft³/d", "volume flux"
    ACRE_FOOT_PER_SECOND = 157, "ac ft/s", "volume flux"
    ACRE_FOOT_PER_MINUTE = 158, "ac ft/min", "volume flux"
    ACRE_FOOT_PER_HOUR = 159, "ac ft/h", "volume flux"
    ACRE_FOOT_PER_DAY = 160, "ac ft/d", "volume flux"
    IMPERIAL_GALLON_VOLUME = 161, "gal (imp)", "volume"
    IMPERIAL_GALLON_PER_SECOND = 162, "gal (imp)/s", "volume flux"
    IMPERIAL_GALLON_PER_MINUTE = 163, "gal (imp)/min", "volume flux"
    IMPERIAL_GALLON_PER_HOUR = 164, "gal (imp)/h", "volume flux"
    IMPERIAL_GALLON_PER_DAY = 165, "gal (imp)/d", "volume flux"
    US_GALLON_VOLUME = 166, "gal (US)", "volume"
    US_GALLON_PER_SECOND = 167, "gal (US)/s", "volume flux"
    US_GALLON_PER_MINUTE = 168, "gal (US)/min", "volume flux"
    US_GALLON_PER_HOUR = 169, "gal (US)/h", "volume flux"
    US_GALLON_PER_DAY = 170, "gal (US)/d", "volume flux"
    BRITISH_THERMAL_UNIT_PER_SECOND = 171, "Btu/s", "power"
    BRITISH_THERMAL_UNIT_PER_MINUTE = 172, "Btu/min", "power"
    BRITISH_THERMAL_UNIT_PER_HOUR = 173, "Btu/h", "power"
    BRITISH_THERMAL_UNIT_PER_DAY = 174, "Btu/d", "power"
    OTHER = 254, "other unit", ""
    COUNT = 255, "", "count, or no unit"


def scaled(raw: int | float, scaler: int) -> Decimal:
    """Return `raw` times 10 to the power `scaler`, every digit kept: 12345 and -3 make 12.345.

    `scaler` is -128 to 127.  A float is taken as it prints.  Raises: TypeError for no number.
    """
    if isinstance(raw, bool):
        raise TypeError(f"{raw!r} is no number to scale")
    number = Decimal(raw) if isinstance(raw, int) else Decimal(repr(raw))
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):  # infinite, or none at all
        return number
    return Decimal((sign, digits, exponent + scaler))
