"""ST10 to ST16 from hand-built octets, and what they make of a meter's numbers."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nan
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.constants import Constants
from meterkit.psem.tables.engineering import SOURCE_TABLES, Source, SourceTables, engineering_value
from meterkit.psem.tables.registers import ActRegs, CurrentRegData, DataSelection
from meterkit.psem.tables.sources import (
    ActSourcesLim,
    DataControl,
    DemandControl,
    DimSourcesLim,
    Sources,
    UomEntry,
    UomEntryTbl,
)
from meterkit.psem.tables.units import unit_of


def config(order: int = 0, ni_format1: int = 8, std_version: int = 1) -> GenConfig:
    controls = bytes([order | 2, 2, ni_format1 | 8 << 4])
    return GenConfig.resolve().decode(controls + bytes(4) + bytes([2, 0, 0, 0, std_version]) + bytes(7))


# A meter for current and voltage transformers, by hand, least significant octet first:
# flags: power failure and reset exclusion, block demand, first set of ratios; 4 units, 2 demand entries,
# 3 octets of data control for 2 sources, 3 electric constants, 6 sources.
ST11 = bytes([0b0010_0111, 4, 2, 3, 2, 3, 2, 6])
ST16 = bytes(
    [
        0b11_1001,  # 0: unit, constants to apply, engineering units
        0b11_1011,  # 1: unit, demand, constants to apply
        0b01_0001,  # 2: unit only
        0b01_0000,  # 3: nothing
        0b10_1001,  # 4: unit, constants to apply: in pulses
        0b01_0010,  # 5: demand only
    ]
)
ST12 = bytes.fromhex(
    "00 50 02 00"  # W, dial reading, 10^3, Q1 and Q4: delivered
    "00 54 02 00"  # W, block demand, 10^3, Q1 and Q4
    "08 31 28 00"  # V, now, 10^-3, phase A
    "01 c0 00 00"  # var, dial reading, 1, Q1 and Q2
)
ST13 = bytes([5, 60, 10, 15]) + (15).to_bytes(2, "little") + (30).to_bytes(2, "little")
ST14 = bytes.fromhex("010203 0a0b0c")
FOUR = 10_000  # NI_FORMAT 4: INT32 with four decimals


def number(value: float) -> bytes:
    return round(value * FOUR).to_bytes(4, "little", signed=True)


ST15 = (
    number(0.001) + number(0) + bytes([0]) + number(200) + number(60)  # source 0: CT 200, VT 60, not applied
    + number(0.01) + number(2) + bytes([0]) + number(200) + number(60)  # source 1: offset 2
    + number(1.8) + number(0) + bytes([1]) + number(200) + number(60)  # source 4: ratios already applied
)  # fmt: skip


def context() -> Context:
    known = context_for([config(ni_format1=4)])
    for table, octets in (
        (ActSourcesLim, ST11),
        (Sources, ST16),
        (UomEntryTbl, ST12),
        (DemandControl, ST13),
        (DataControl, ST14),
        (Constants, ST15),
    ):
        layout = table.resolve(known)
        assert layout.size == len(octets)
        record = layout.decode(octets)
        assert layout.encode(record) == octets
        known = known.with_(record)
    return known


def entry(code: int, time_base: int = 1, multiplier: int = 0, rest: int = 0) -> UomEntry:
    return UomEntry(uom_entry=code | time_base << 8 | multiplier << 11 | rest)


def test_st11_counts_what_the_others_hold() -> None:
    act = ActSourcesLim.resolve(context_for([config()])).decode(ST11)
    assert (act.nbr_uom_entries, act.nbr_demand_ctrl_entries, act.nbr_constants_entries) == (4, 2, 3)
    assert (act.data_ctrl_length, act.nbr_data_ctrl_entries, act.nbr_sources) == (3, 2, 6)
    assert (act.pf_exclude_flag, act.sliding_demand_flag, act.set1_present_flag) == (True, False, True)
    assert act.set2_present_flag is act.no_offset_flag is False


def test_st10_stands_in_for_st11() -> None:
    dimension = DimSourcesLim.resolve().decode(ST11)
    act = ActSourcesLim.from_dimension(dimension)
    assert act == ActSourcesLim.resolve().decode(ST11)
    assert ActSourcesLim in UomEntryTbl.needs()
    assert DimSourcesLim not in UomEntryTbl.needs()


def test_a_unit_entry_is_a_bit_field_in_the_meters_octet_order() -> None:
    known = context_for([config(order=1)]).with_(ActSourcesLim.resolve().decode(ST11))
    record = UomEntryTbl.resolve(known).decode(bytes.fromhex("80280a08") + bytes(12))
    one = record.uom_entry[0]
    assert (one.id_code, one.time_base, one.multiplier, one.segmentation) == (8, 2, 1, 5)
    assert one.nfs is True


def test_sliding_demand_has_sub_intervals() -> None:
    act = ActSourcesLim.resolve().decode(bytes([0b1000, 0, 2, 0, 0, 0, 2, 2]))
    record = DemandControl.resolve(context_for([config()]).with_(act)).decode(bytes([5, 3, 15, 2]))
    assert [(one.sub_int, one.int_multiplier, one.int_length) for one in record.interval_value] == [
        (5, 3, None),
        (15, 2, None),
    ]
    assert record.reset_exclusion is record.cold_load_pickup is None
    links = Sources.resolve(Context().with_(act)).decode(bytes([0b01_0010, 0b01_0010]))
    tables = SourceTables(sources=links, demand_control=record)
    assert [tables.source(n).interval for n in range(2)] == [15, 30]


def test_an_offset_is_missing_only_where_the_first_edition_says_so() -> None:
    no_offset = ActSourcesLim.resolve().decode(bytes([0x80, 0, 0, 0, 0, 1, 2, 1]))
    sizes = {
        version: Constants.resolve(context_for([config(std_version=version)]).with_(no_offset)).size
        for version in (1, 2)
    }
    assert sizes == {1: 4, 2: 8}


@pytest.mark.parametrize(("selector", "size", "name"), [(0, 73, "gas_aga3"), (1, 40, "gas_aga7"), (3, 0, "")])
def test_a_gas_meters_constants_have_other_records(selector: int, size: int, name: str) -> None:
    act = ActSourcesLim.resolve().decode(bytes([0, 1, 0, 0, 0, 1, selector, 1]))
    known = context_for([config()]).with_(act)
    record = Constants.resolve(known).decode(bytes(100))
    assert Constants.resolve(known).size == size
    assert [one for one in ("gas_aga3", "gas_aga7", "electric") if getattr(record, one) is not None] == (
        [name] if name else []
    )
    sources = Sources.resolve(known).decode(bytes([0b11_1001]))
    uom = UomEntryTbl(uom_entry=(entry(68, 0),))
    value = SourceTables(sources, uom, record).value(0, 123)
    assert (value.value, value.unit) == (123, "ft3")
    assert value.problem == "ST15 holds no electric constants: none are applied"


# ---------------------------------------------------------------- engineering values
EXPECTED = [
    # (raw * multiplier + offset) * CT * VT * 10^n
    (0, 123456, "active energy, delivered", "Wh", Decimal(123456) * 12 * 1000, None),
    (1, 1500, "active demand, delivered", "W", (Decimal(15) + 2) * 12000 * 1000, 15),
    (2, 230123, "voltage, phase A", "V", Decimal("230.123"), None),
    (3, 7, "source 3", "", Decimal(7), None),
    (4, 1000, "reactive energy, delivered", "varh", Decimal(1800), None),
    (5, 9, "source 5", "", Decimal(9), 30),
]


@pytest.mark.parametrize(("source", "raw", "name", "unit", "value", "interval"), EXPECTED)
def test_a_typical_meter_ends_in_engineering_values(
    source: int, raw: int, name: str, unit: str, value: Decimal, interval: int | None
) -> None:
    tables = SourceTables.of(context())
    found = tables.value(source, raw)
    assert (found.name, found.unit, found.value, found.raw) == (name, unit, value, raw)
    assert tables.source(source).interval == interval


def test_registers_selected_by_st22_read_in_engineering_units() -> None:
    known = context()
    act = ActRegs.resolve(known).decode(bytes([0, 0, 0, 2, 1, 0, 1, 0, 0, 0]))
    known = known.with_(act)
    selection = DataSelection.resolve(known).decode(bytes([0, 4, 1, 1]))
    octets = number(123456) + number(1000) + (1500).to_bytes(4, "little")
    block = CurrentRegData.resolve(known).decode(octets).tot_data_block
    tables = SourceTables.of(known)
    read = [
        tables.value(source, raw)
        for sources, values in (
            (selection.summation_select, block.summations),
            (selection.demand_select, block.demands[0].demand),
        )
        for source, raw in zip(sources, values, strict=True)
    ]
    assert [f"{one.name}: {one.value} {one.unit}" for one in read] == [
        "active energy, delivered: 1481472000 Wh",
        "reactive energy, delivered: 1800.0 varh",
        "active demand, delivered: 204000000 W",
    ]


def test_values_are_exact_and_written_out() -> None:
    tables = SourceTables.of(context())
    assert str(tables.value(0, 2**63 - 1).value) == "110680464442257309684000"
    assert str(tables.value(2, 1).value) == "0.001"
    assert tables.value(2, 0.1).value == Decimal("0.0001")
    fine = Source(0, "x", "", multiplier=Decimal("0.1234567890123456789"), offset=Decimal("1e-30"))
    assert str(engineering_value(fine, 10**18).value) == "123456789012345678.900000000000000000000000000001"


@pytest.mark.parametrize("raw", [None, nan, inf])
def test_what_is_no_number_has_no_value(raw: float | None) -> None:
    assert SourceTables.of(context()).value(0, raw).value is None


@pytest.mark.parametrize("number", [6, 255, -1])
def test_a_source_past_the_end_says_so(number: int) -> None:
    source = SourceTables.of(context()).source(number)
    assert source.problem == f"ST16 has 6 sources, no source {number}"
    assert (source.unit, source.multiplier) == ("", 1)


def test_missing_tables_leave_numbers_as_they_are() -> None:
    known = context()
    nothing = SourceTables().value(3, 5)
    assert (nothing.name, nothing.unit, nothing.value) == ("source 3", "", 5)
    assert nothing.problem == "ST12 is not known"
    uom = known.records[UomEntryTbl]
    assert isinstance(uom, UomEntryTbl)
    assert SourceTables(uom=uom).value(1, 5).unit == "W"
    assert SourceTables(uom=uom).value(4, 5).problem == "ST12 has 4 entries, no entry 4"
    links = known.records[Sources]
    assert isinstance(links, Sources)
    without_constants = SourceTables(links, uom)
    assert without_constants.value(0, 5).problem == "ST15 is not known"
    pulses = without_constants.value(4, 5)
    assert (pulses.value, pulses.unit) == (5, "pulses")


def test_a_float32_multiplier_is_the_decimal_that_was_meant() -> None:
    known = context_for([config(ni_format1=1)])
    known = known.with_(ActSourcesLim.resolve(known).decode(bytes([0x80, 1, 0, 0, 0, 1, 2, 1])))
    constants = Constants.resolve(known).decode(pack("<f", 0.1))  # no offset, no ratios
    units = UomEntryTbl.resolve(known).decode(ST12[:4])
    links = Sources.resolve(known).decode(ST16[:1])
    value = SourceTables.of(known.with_(constants, units, links)).value(0, 123_456_789)
    assert (str(value.value), value.unit) == ("12345678900", "Wh")


def test_constants_that_are_no_numbers_are_not_applied() -> None:
    known = context()
    constants = known.records[Constants]
    assert isinstance(constants, Constants)
    assert constants.electric is not None
    broken = constants.replace(electric=tuple(one.replace(multiplier=nan) for one in constants.electric))
    value = SourceTables.of(known.with_(broken)).value(0, 5)
    assert (value.value, value.problem) == (5000, "ST15 holds something else than numbers: not applied")


@pytest.mark.parametrize(
    ("one", "name", "unit", "scale"),
    [
        (entry(0, 0), "active energy", "Wh", "1"),
        (entry(0, 5, 3), "active energy", "Wh", "1E+6"),
        (entry(0, 1, 5), "active power", "W", "0.01"),
        (entry(0, 3), "active sub-block demand", "W", "1"),
        (entry(0, 6), "active thermal demand", "W", "1"),
        (entry(0, 4, 0, 0xF << 14 | 1 << 18), "active demand, net", "W", "1"),
        (entry(0, 0, 0, 0xF << 14), "active energy, both ways", "Wh", "1"),
        (entry(0, 0, 0, 0b0110 << 14), "active energy, received", "Wh", "1"),
        (entry(1, 0, 0, 0b1100 << 14), "reactive energy, received", "varh", "1"),
        (entry(1, 0, 0, 0b1001 << 14), "reactive energy, Q1 + Q4", "varh", "1"),
        (entry(1, 0, 0, 0b1001 << 14 | 1 << 18), "reactive energy, Q1 - Q4", "varh", "1"),
        (entry(2, 0, 0, 0b0001 << 14), "apparent energy, Q1", "VAh", "1"),
        (entry(10, 0), "voltage squared", "V2h", "1"),
        (entry(8, 4), "voltage, block average", "V", "1"),
        (entry(12, 2, 6, 7 << 19 | 1 << 22), "current, phase C, one harmonic", "A", "0.001"),
        (entry(13, 1), "average current", "A", "1"),
        (entry(25, 2), "phasor power factor", "", "1"),
        (entry(33, 2), "frequency", "Hz", "1"),
        (entry(42, 7), "power outage events", "count", "1"),
        (entry(50, 7), "power outages", "count", "1"),
        (entry(77, 0), "heat", "therm", "1"),
        (entry(77, 1), "heat", "therm/h", "1"),
        (entry(130, 0), "liquid", "US gal", "1"),
    ],
)
def test_a_unit_entry_has_a_name_a_unit_and_a_scale(one: UomEntry, name: str, unit: str, scale: str) -> None:
    found = unit_of(one)
    assert (found.name, found.unit, str(found.scale), found.is_known) == (name, unit, scale, True)


@pytest.mark.parametrize(
    ("one", "name"), [(entry(200), "quantity 200"), (entry(0, rest=1 << 31), "manufacturer's")]
)
def test_a_unit_that_is_not_the_standards_is_left_open(one: UomEntry, name: str) -> None:
    found = unit_of(one)
    assert found.name.startswith(name)
    assert (found.unit, found.is_known) == ("", False)
    value = SourceTables(uom=UomEntryTbl(uom_entry=(one,))).value(0, 5)
    assert value.problem.endswith("is not C12.19's")


@given(st.integers(0, 0xFFFFFFFF))
def test_every_unit_entry_has_a_meaning(bits: int) -> None:
    assert unit_of(UomEntry(uom_entry=bits)).name


@given(
    act=st.binary(min_size=8, max_size=8),
    octets=st.lists(st.binary(max_size=300), min_size=4, max_size=4),
    ni_format=st.sampled_from([0, 1, 2, 3, 4, 5, 8, 11]),
    source=st.integers(0, 255),
    raw=st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats()),
)
def test_any_octets_of_any_meter_give_a_value(
    act: bytes, octets: list[bytes], ni_format: int, source: int, raw: float
) -> None:
    known = context_for([config(ni_format1=ni_format)])
    known = known.with_(ActSourcesLim.resolve(known).decode(act))
    for table, data in zip(SOURCE_TABLES, octets, strict=True):
        try:
            known = known.with_(table.resolve(known).decode(data))
        except ProtocolFault:
            continue
    value = SourceTables.of(known).value(source, raw)
    assert value.name
    assert value.value is None or value.value.is_finite()
