"""ST27 and ST28, and registers with names, units, sources and times."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Context as Arithmetic
from decimal import Decimal, Inexact, Rounded, localcontext

import pytest

from meterkit.codec.layout import Context
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.osgp.present_values import present_value_names, present_values
from meterkit.psem.tables.osgp.summations import summation_names, summation_values
from meterkit.psem.tables.registers import ActRegs, CurrentRegData, DataSelection
from meterkit.psem.tables.registers_entries import TOTAL, RegisterKind, register_entries
from meterkit.psem.tables.registers_present import (
    PresentRegisterData,
    PresentRegisterSelection,
    present_demands,
)


def meter(octets: bytes) -> Context:
    config = GenConfig.resolve().decode(bytes.fromhex("022a88") + b"NES " + bytes(12))
    return context_for([config, ActRegs.resolve(context_for([config])).decode(octets)])


def present_meter(demands: int, values: int, flags: int = 3) -> Context:
    return meter(bytes([flags, 0, 0, 0, 0, 0, 1, 0, demands, values]))


def int32s(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "little", signed=True) for value in values)


def present(*values: int) -> PresentRegisterData:
    return PresentRegisterData.resolve(present_meter(0, len(values))).decode(int32s(*values))


def registers(summations: int, *values: int, tiers: int = 0) -> CurrentRegData:
    context = meter(bytes([3, 0, 0, summations, 0, 0, 1, tiers, 0, 0]))
    return CurrentRegData.resolve(context).decode(int32s(*values))


# ---------------------------------------------------------------- BT27, BT28
@pytest.mark.parametrize(("flags", "a"), [(0x03, 0), (0x43, 3)])
@pytest.mark.parametrize("demands", [0, 2])
def test_bt28_lies_where_the_guide_says(flags: int, a: int, demands: int) -> None:
    layout = PresentRegisterData.resolve(present_meter(demands, 84, flags))
    for number in range(84):
        assert layout.offset_of(f"present_value[{number}]") == (a + 4) * demands + 4 * number
    if demands:
        assert layout.offset_of("present_demand[0].demand_value") == a
    assert layout.size == (a + 4) * demands + 4 * 84


def test_present_demands_have_their_source_and_the_time_that_is_left() -> None:
    context = present_meter(2, 0, 0x43)
    octets = bytes([0, 7, 30]) + int32s(1500) + bytes([0, 7, 60]) + int32s(-2)
    record = PresentRegisterData.resolve(context).decode(octets)
    assert PresentRegisterData.resolve(context).encode(record) == octets
    selection = PresentRegisterSelection.resolve(context).decode(b"\x0a\x0b")
    first, second = present_demands(record, selection)
    assert (first.source, first.value, first.time_remaining) == (10, 1500, time(0, 7, 30))
    assert (second.source, second.value, bool(second.time_remaining)) == (11, -2, False)
    assert [one.source for one in present_demands(record)] == [None, None]


def test_bt27_has_the_demands_first() -> None:
    layout = PresentRegisterSelection.resolve(present_meter(2, 18))
    assert layout.offset_of(PresentRegisterSelection.present_value_select) == 2
    assert layout.size == 20


@pytest.mark.parametrize(
    ("firmware", "count"),
    [
        ((2, 0, 0), 18),
        ((2, 10, 4), 18),
        ((2, 12, 0), 22),
        ((3, 0, 0), 22),
        ((3, 10, 21), 26),
        ((3, 49, 31), 26),
        ((3, 50, 0), 41),
        ((3, 70, 0), 55),
        ((3, 82, 0), 55),
        ((4, 0, 0), 72),
        ((4, 9, 0), 72),
        ((4, 10, 0), 75),
        ((4, 30, 0), 84),
        (None, 84),
    ],
)
def test_each_firmware_has_the_guides_present_values(firmware: tuple[int, ...] | None, count: int) -> None:
    names = present_value_names(firmware)
    assert [one.number for one in names] == list(range(count))


@pytest.mark.parametrize(
    ("number", "name", "unit", "raw", "value"),
    [
        (0, "Fwd Active W L1L2L3", "W", 1234, "1234"),
        (2, "Import Reactive VAr L1L2L3", "var", -5, "-5"),
        (4, "RMS Current L1", "A", 5123, "5.123"),
        (9, "RMS Voltage L3", "V", 230456, "230.456"),
        (10, "Power Factor L1", "", 987, "0.987"),
        (11, "Frequency", "Hz", 49998, "49.998"),
        (12, "VA L1L2L3", "VA", 300, "300"),
        (14, "Power Factor L3", "", -1000, "-1.000"),
        (17, "Sin(PA) L3", "", 500, "0.500"),
        (25, "Q4 Reactive Var L1L2L3", "var", 7, "7"),
        (46, "RMS Voltage L3 - Average", "V", 1, "0.001"),
        (64, "Apparent Power Q2 VA L2", "VA", 1, "1"),
        (65, "Apparent Power Q3 VA L2", "VA", 1, "1"),
        (66, "Apparent Power Q4 VA L2", "VA", 1, "1"),
        (67, "Apparent Power Q1 VA L3", "VA", 1, "1"),
        (71, "Neutral Current", "A", 15, "0.015"),
        (74, "Average RMS Current L3", "A", 15, "0.015"),
        (75, "Voltage Angle A to B", "deg", 12340, "123.40"),
        (83, "Exp Reactive VAr C", "var", 3, "3"),
    ],
)
def test_a_present_value_has_the_guides_name_and_scale(
    number: int, name: str, unit: str, raw: int, value: str
) -> None:
    octets = [0] * 84
    octets[number] = raw
    one = present_values(present(*octets), (4, 30, 0))[number]
    assert (one.number, one.name, one.unit, one.raw) == (number, name, unit, raw)
    assert one.value == Decimal(value)
    assert str(one.value) == value


def test_every_number_has_a_name_of_its_own() -> None:
    names = [one.name for one in present_value_names()]
    assert len(names) == len(set(names)) == 84
    assert {one.unit for one in present_value_names()} == {"W", "var", "VA", "A", "V", "Hz", "deg", ""}


def test_values_with_transformer_ratios_in_them_say_so() -> None:
    ratios = {one.number: one.ratios for one in present_value_names() if one.ratios}
    assert {number for number, ratio in ratios.items() if ratio == "CT/VT"} == {
        *range(18, 22),
        *range(32, 38),
    }
    assert {number for number, ratio in ratios.items() if ratio == "CT"} == {38, 39, 40}


def test_values_past_the_firmwares_list_come_without_a_name() -> None:
    values = present_values(present(*range(41)), (2, 10, 0))  # BT20 says 41, this firmware has 18 (D09)
    assert len(values) == 41
    assert values[17].name == "Sin(PA) L3"
    assert (values[18].name, values[18].unit, values[18].value) == ("", "", 18)
    assert len(present_values(present(*range(90)))) == 90


def test_fewer_values_than_the_firmwares_list_are_as_many_as_were_read() -> None:
    assert len(present_values(present(1, 2, 3), (4, 30, 0))) == 3


def test_present_values_have_their_sources_when_bt27_is_known() -> None:
    selection = PresentRegisterSelection.resolve(present_meter(0, 2)).decode(b"\x13\x14")
    assert [one.source for one in present_values(present(1, 2, 3), None, selection)] == [0x13, 0x14, None]


def test_floats_and_numbers_that_are_none_are_scaled_too() -> None:
    record = present(0).replace(present_value=(0.5, float("nan"), 2.0, float("inf"), 230.1, 7.25))
    values = [str(one.value) for one in present_values(record)]
    assert values == ["0.5", "NaN", "2", "Infinity", "0.2301", "0.00725"]


# ---------------------------------------------------------------- summations
@pytest.mark.parametrize(
    ("firmware", "count"), [((2, 0, 0), 15), ((3, 70, 0), 15), ((4, 0, 0), 19), ((4, 30, 0), 19), (None, 19)]
)
def test_each_firmware_has_the_guides_summations(firmware: tuple[int, ...] | None, count: int) -> None:
    assert [one.number for one in summation_names(firmware)] == list(range(count))


def test_the_summations_have_the_guides_units() -> None:
    energies, counters = ["Wh", "Wh", "varh", "varh"], ["count", "count", "count"]
    units = [*energies, "s", "count", "Wh", "Wh", *counters, *["varh"] * 4, *["VAh"] * 4]
    assert [one.unit for one in summation_names()] == units


def test_outages_are_in_minutes_on_version_2_0_meters_which_the_guide_also_calls_2_01() -> None:
    # BT23: "in minutes for version 2.0 meters"; BT20 serves "2.0 and 2.10 meters", elsewhere "2.01 and 2.10".
    assert {summation_names(version)[4].unit for version in [(2, 0, 0), (2, 1, 0), (2, 1, 31)]} == {"min"}
    assert {summation_names(version)[4].unit for version in [(2, 10, 0), (2, 12, 0), (3, 0, 0)]} == {"s"}


def test_totals_and_tiers_have_names_units_and_obis_codes() -> None:
    values = summation_values(registers(11, *range(100, 122), tiers=1), (3, 10, 0))
    totals = [one for one in values if one.tier == 0]
    assert [one.value for one in totals] == list(range(100, 111))
    assert (totals[0].name, totals[0].unit, totals[0].obis) == ("Fwd Active Wh L1L2L3", "Wh", "1-0:1.8.0")
    assert (totals[10].name, totals[10].unit, totals[10].obis) == ("Error Counter", "count", None)
    tier = [one for one in values if one.tier == 1]
    assert [one.number for one in tier] == [0, 1, 2, 3, 6, 7]  # the guide leaves the others empty in tiers
    assert (tier[0].raw, tier[0].obis, tier[-1].obis) == (111, "1-0:1.8.1", "1-0:16.8.1")


@pytest.mark.parametrize("unit", [1, 10, 100])
def test_the_energy_register_unit_holds_for_wh_and_varh_only(unit: int) -> None:
    values = summation_values(registers(19, *[7] * 19), (4, 0, 0), energy_register_unit=unit)
    assert {one.value for one in values if one.unit in ("Wh", "varh")} == {7 * unit}
    assert {one.value for one in values if one.unit not in ("Wh", "varh")} == {7}
    assert {one.raw for one in values} == {7}


@pytest.mark.parametrize(("unit", "firmware"), [(2, None), (0, (4, 0, 0)), (10, (3, 60, 0))])
def test_an_energy_register_unit_that_no_meter_has_is_refused(
    unit: int, firmware: tuple[int, ...] | None
) -> None:
    with pytest.raises(ValueError, match="energy register unit"):
        summation_values(registers(1, 5), firmware, energy_register_unit=unit)


def test_values_are_exact_whatever_the_callers_decimal_context() -> None:
    measured = present(*[-123_456_789] * 84)
    with localcontext(Arithmetic(prec=3, traps=[Inexact, Rounded])):
        (energy,) = summation_values(registers(1, 123_456_789), energy_register_unit=100)
        angle, current = present_values(measured)[75], present_values(measured)[4]
    assert (str(energy.value), str(angle.value), str(current.value)) == (
        "12345678900",
        "-1234567.89",
        "-123456.789",
    )


def test_more_summations_than_the_firmwares_list_come_without_a_name() -> None:
    values = summation_values(registers(20, *range(20)), (3, 10, 0))
    assert [one.name for one in values[15:]] == [""] * 5
    assert [one.value for one in values[15:]] == [15, 16, 17, 18, 19]


# ---------------------------------------------------------------- any C12.19 meter
def with_demands() -> tuple[CurrentRegData, DataSelection]:
    context = meter(bytes([0x37, 0, 0, 1, 2, 1, 2, 1, 0, 0]))
    when = bytes([24, 3, 1, 15, 30])
    demand = when + bytes(5) + int32s(20, 21, 22, 23)
    block = int32s(9) + demand + demand + int32s(40, 41)
    record = CurrentRegData.resolve(context).decode(b"\x03" + block * 2)
    return record, DataSelection.resolve(context).decode(bytes([3, 5, 6, 0b01, 8, 1]))


def test_registers_laid_out_flat_keep_tier_source_and_time() -> None:
    entries = register_entries(*with_demands())
    assert len(entries) == 2 * (1 + 2 * 4 + 2)
    first = entries[0]
    assert (first.kind, first.tier, first.value, first.source) == (RegisterKind.SUMMATION, TOTAL, 9, 3)
    demands = [one for one in entries if one.kind is RegisterKind.DEMAND and one.tier == 1]
    assert [(one.index, one.occurrence, one.value, one.source) for one in demands] == [
        (0, 0, 22, 5),
        (0, 1, 23, 5),
        (1, 0, 22, 6),
        (1, 1, 23, 6),
    ]
    assert [one.is_maximum for one in demands] == [True, True, False, False]
    assert demands[0].time == datetime(2024, 3, 1, 15, 30)
    assert not demands[1].time


def test_cumulated_demands_and_coincidents_are_entries_of_their_own() -> None:
    entries = register_entries(*with_demands())
    kinds = [one.kind for one in entries if one.tier == 0]
    assert kinds.count(RegisterKind.CUMULATIVE_DEMAND) == 2
    assert kinds.count(RegisterKind.CONTINUOUS_CUMULATIVE_DEMAND) == 2
    coincidents = [one for one in entries if one.kind is RegisterKind.COINCIDENT and one.tier == 0]
    assert [(one.occurrence, one.value, one.source, one.demand) for one in coincidents] == [
        (0, 40, 8, 1),
        (1, 41, 8, 1),
    ]


def test_without_st22_there_are_values_and_no_sources() -> None:
    record, _ = with_demands()
    assert {(one.source, one.is_maximum, one.demand) for one in register_entries(record)} == {
        (None, None, None)
    }


def test_a_coincident_of_a_demand_that_is_not_there_belongs_to_none() -> None:
    record, selection = with_demands()
    entries = register_entries(record, selection.replace(coin_demand_assoc=(2,), summation_select=()))
    assert {one.demand for one in entries} == {None}
    assert entries[0].source is None
