"""Units by code, and scaling without loss."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.cosem.classes import Register
from meterkit.dlms.cosem.definitions import ScalerUnit
from meterkit.dlms.cosem.units import Unit, scaled


@pytest.mark.parametrize(
    ("code", "symbol", "quantity"),
    [
        (1, "a", "time"),
        (9, "°C", "temperature"),
        (13, "m³", "volume"),
        (27, "W", "active power"),
        (28, "VA", "apparent power"),
        (29, "var", "reactive power"),
        (30, "Wh", "active energy"),
        (31, "VAh", "apparent energy"),
        (32, "varh", "reactive energy"),
        (33, "A", "current"),
        (35, "V", "voltage"),
        (44, "Hz", "frequency"),
        (56, "%", "percentage"),
        (70, "dBm", "signal strength, decibels to a milliwatt"),
        (255, "", "count, or no unit"),
    ],
)
def test_a_code_has_symbol_and_quantity(code, symbol, quantity):
    assert (Unit(code).symbol, Unit(code).quantity) == (symbol, quantity)
    assert str(Unit(code)) == symbol


def test_every_code_of_an_octet_is_a_unit():
    assert [int(Unit(code)) for code in range(256)] == list(range(256))
    assert Unit(200).name == "UNKNOWN_200"
    assert Unit(200).symbol == "unit 200"
    with pytest.raises(ValueError, match="256"):
        Unit(256)


def test_a_register_is_scaled_exactly():
    unit = Register("1.8.0").scaler_unit.decode(bytes.fromhex("02020ffd161e"))

    assert unit == ScalerUnit(-3, Unit.WATT_HOUR)
    assert unit.scale(12345) == Decimal("12.345")
    assert str(unit.scale(12300)) == "12.300"
    assert f"{unit.scale(12345)} {unit.unit}" == "12.345 Wh"


def test_a_scaler_of_127_neither_overflows_nor_takes_memory():
    assert scaled(7, 127) == Decimal("7E+127")
    assert scaled(2**64 - 1, -128).as_tuple().exponent == -128


def test_a_float_is_taken_as_it_prints():
    assert scaled(230.1, 0) == Decimal("230.1")
    assert scaled(float("inf"), 3) == Decimal("Infinity")
    with pytest.raises(TypeError, match="True is no number"):
        scaled(True, 0)


@given(st.integers(-(2**63), 2**64 - 1), st.integers(-128, 127))
def test_scaling_keeps_every_digit(raw, scaler):
    assert scaled(raw, scaler).as_tuple().digits == Decimal(raw).as_tuple().digits
    assert scaled(raw, 0) == raw
