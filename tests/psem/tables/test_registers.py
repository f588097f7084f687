"""ST20 to ST25 against the offsets that the OSGP guide prints, and the fallback from BT21 to BT20."""

from __future__ import annotations

from datetime import datetime

import pytest

from meterkit.codec.layout import Context, Record, bits, derived, item
from meterkit.codec.wire import UINT8
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import GenConfig, Table, context_for
from meterkit.psem.tables.registers import (
    ActRegs,
    CurrentRegData,
    DataSelection,
    DimRegs,
    PreviousDemandResetData,
    PreviousSeasonData,
    RegisterDimensions,
)

ST0 = bytes.fromhex("022a88") + b"NES " + bytes(12)  # what the guide's BT00 says
DATES, RESETS, CUMULATIVE, CONTINUOUS, REMAINING = 0x03, 0x04, 0x10, 0x20, 0x40


def registers(
    flags: int = DATES,
    summations: int = 19,
    demands: int = 0,
    coincidents: int = 0,
    occurrences: int = 1,
    tiers: int = 4,
    *,
    self_reads: int = 0,
) -> bytes:
    return bytes([flags, 0x0C, self_reads, summations, demands, coincidents, occurrences, tiers, 0, 0])


def meter(octets: bytes, st0: bytes = ST0) -> Context:
    config = GenConfig.resolve().decode(st0)
    return context_for([config, ActRegs.resolve(context_for([config])).decode(octets)])


@pytest.mark.parametrize("table", [DimRegs, ActRegs])
def test_bt20_and_bt21_lie_where_the_guide_says(table: type[RegisterDimensions]) -> None:
    layout = table.resolve(context_for([GenConfig.resolve().decode(ST0)]))
    assert layout.size == layout.minimum_size == 10
    record = layout.decode(bytes.fromhex("7f3f 18 13 08 10 01 04 02 54"))
    assert [layout.offset_of(f) for f in table.fields] == list(range(10))
    assert layout.offset_of(table.cum_demand_flag) == 0
    assert layout.offset_of(table.self_read_demand_reset) == 1
    assert (record.nbr_self_reads, record.nbr_summations, record.nbr_demands) == (24, 19, 8)
    assert (record.nbr_coin_values, record.nbr_occur, record.nbr_tiers) == (16, 1, 4)
    assert (record.nbr_present_demands, record.nbr_present_values) == (2, 84)
    assert record.self_read_demand_reset == 3


@pytest.mark.parametrize(
    ("octet", "bit", "name"),
    [
        (0, 0, "season_info_field_flag"),
        (0, 1, "date_time_field_flag"),
        (0, 2, "demand_reset_ctr_flag"),
        (0, 3, "demand_reset_lock_flag"),
        (0, 4, "cum_demand_flag"),
        (0, 5, "cont_cum_demand_flag"),
        (0, 6, "time_remaining_flag"),
        (1, 0, "self_read_inhibit_overflow_flag"),
        (1, 1, "self_read_seq_nbr_flag"),
        (1, 2, "daily_self_read_flag"),
        (1, 3, "weekly_self_read_flag"),
    ],
)
def test_each_flag_of_bt21_is_the_guides_bit(octet: int, bit: int, name: str) -> None:
    octets = bytearray(10)
    octets[octet] = 1 << bit
    record = ActRegs.resolve().decode(bytes(octets))
    flags = {
        view.name for view in ActRegs.views if view.name.endswith("_flag") and getattr(record, view.name)
    }
    assert flags == {name}


def test_dimension_and_actual_have_one_shape_and_are_two_tables() -> None:
    assert [f.name for f in DimRegs.fields] == [f.name for f in ActRegs.fields]
    assert (ActRegs.nbr_tiers.owner, DimRegs.nbr_tiers.owner) == (ActRegs, DimRegs)
    assert ActRegs in CurrentRegData.needs()
    assert DimRegs not in CurrentRegData.needs()
    assert (DimRegs.label(), ActRegs.label()) == ("BT20", "BT21")


def test_a_meter_without_bt21_is_read_by_its_bt20() -> None:
    config = GenConfig.resolve().decode(ST0)
    dimension = DimRegs.resolve(context_for([config])).decode(registers(summations=15))
    actual = ActRegs.from_dimension(dimension)
    assert actual == ActRegs.resolve(context_for([config])).decode(registers(summations=15))
    layout = CurrentRegData.resolve(context_for([config, dimension, actual]))
    assert layout.size == 5 * 15 * 4
    with pytest.raises(ValueError, match=r"read ActRegs first"):
        CurrentRegData.resolve(context_for([config, dimension]))


def test_a_field_that_a_table_inherits_keeps_its_place_when_declared_again() -> None:
    class Shape(Record):
        first = item(UINT8)
        low = bits(first, 0, 3)
        second = item(UINT8)
        both = derived(lambda record: record.first + record.second)

    class Copy(Shape, Table, number=2100):
        first = item(UINT8)

    assert [f.name for f in Copy.fields] == ["first", "second"]
    assert [f.name for f in Copy.views] == ["low", "both"]
    assert {f.owner for f in (*Copy.fields, *Copy.views)} == {Copy}
    assert Shape.second.owner is Shape
    record = Copy.resolve().decode(b"\x21\x02")
    assert (record.low, record.both) == (1, 0x23)


def test_bt22_lies_where_the_guide_says() -> None:
    layout = DataSelection.resolve(meter(registers(summations=11, demands=9, coincidents=4)))
    summations, demands, coincidents = 11, 9, 4
    flags = (demands + 7) // 8
    assert layout.offset_of(DataSelection.demand_select) == summations
    assert layout.offset_of(DataSelection.min_or_max_flags) == summations + demands
    assert layout.offset_of(DataSelection.coincident_select) == summations + demands + flags
    assert layout.offset_of(DataSelection.coin_demand_assoc) == summations + demands + flags + coincidents
    assert layout.size == summations + demands + flags + 2 * coincidents
    record = layout.decode(bytes(range(summations + demands)) + b"\x05\x01" + bytes(8))
    assert record.demand_select == tuple(range(11, 20))
    assert list(record.min_or_max_flags) == [0, 2, 8]


@pytest.mark.parametrize("flags", [DATES, DATES | RESETS, DATES | RESETS | CUMULATIVE | CONTINUOUS])
@pytest.mark.parametrize("occurrences", [1, 3])
def test_bt23_lies_where_the_guide_says(flags: int, occurrences: int) -> None:
    context = meter(registers(flags, 19, 8, 16, occurrences))
    layout = CurrentRegData.resolve(context)
    a = 1 if flags & RESETS else 0
    b = a + 4 * 19
    cumulated = 8 if flags & CUMULATIVE else 0
    demand_record = 5 * occurrences + cumulated + 4 * occurrences
    c = b + 8 * demand_record
    d = c + 16 * 4 * occurrences
    if a:
        assert layout.offset_of("nbr_demand_resets") == 0
    for number in range(19):
        assert layout.offset_of(f"tot_data_block.summations[{number}]") == a + 4 * number
    assert layout.offset_of("tot_data_block.demands[0].event_time") == b
    if cumulated:
        assert layout.offset_of("tot_data_block.demands[0].cum_demand") == b + 5 * occurrences
        assert layout.offset_of("tot_data_block.demands[0].cont_cum_demand") == b + 5 * occurrences + 4
    assert layout.offset_of("tot_data_block.demands[0].demand") == b + 5 * occurrences + cumulated
    assert layout.offset_of("tot_data_block.demands[1]") == b + demand_record
    assert layout.offset_of("tot_data_block.coincidents[0].coincident_values") == c
    assert layout.offset_of("tier_data_block") == d
    assert layout.offset_of("tier_data_block[1]") == d + (d - a)
    assert layout.size == d + 4 * (d - a)


def test_bt23_of_a_residential_meter() -> None:
    layout = CurrentRegData.resolve(meter(registers(summations=11)))
    octets = b"".join((1000 * block + n).to_bytes(4, "little") for block in range(5) for n in range(11))
    record = layout.decode(octets)
    assert record.nbr_demand_resets is None
    assert record.tot_data_block.summations == tuple(range(11))
    assert record.tier_data_block[3].summations[10] == 4010
    assert record.tot_data_block.demands == record.tot_data_block.coincidents == ()
    assert layout.encode(record) == octets


def test_bt23_with_demands_and_their_times() -> None:
    layout = CurrentRegData.resolve(meter(registers(DATES | RESETS | CUMULATIVE | CONTINUOUS, 1, 1, 1, 2, 0)))
    octets = bytes.fromhex(
        "07 01000000 180301 0f1e 0000000000 02000000 03000000 ffffffff 05000000 0600000007000000"
    )
    record = layout.decode(octets)
    assert record.nbr_demand_resets == 7
    demand = record.tot_data_block.demands[0]
    assert demand.event_time is not None
    assert demand.event_time[0] == datetime(2024, 3, 1, 15, 30)
    assert not demand.event_time[1]
    assert (demand.cum_demand, demand.cont_cum_demand, demand.demand) == (2, 3, (-1, 5))
    assert record.tot_data_block.coincidents[0].coincident_values == (6, 7)
    assert layout.encode(record) == octets


def test_a_month_13_is_a_time_marked_invalid() -> None:
    layout = CurrentRegData.resolve(meter(registers(DATES, 0, 1, 0, 1, 0)))
    octets = bytes.fromhex("18 0d 01 0f 1e 05000000")
    (demand,) = layout.decode(octets).tot_data_block.demands
    assert demand.event_time is not None
    assert "18 0d 01 0f 1e" in str(demand.event_time[0])
    assert layout.encode(layout.decode(octets)) == octets


@pytest.mark.parametrize(
    ("flags", "start"), [(0, 0), (1, 1), (2, 5), (3, 6)], ids=["neither", "season", "date", "both"]
)
@pytest.mark.parametrize(
    ("table", "name"),
    [(PreviousSeasonData, "prev_season_reg_data"), (PreviousDemandResetData, "prev_demand_reset_data")],
)
def test_stored_registers_stand_behind_their_date_and_season(
    table: type[PreviousSeasonData | PreviousDemandResetData], name: str, flags: int, start: int
) -> None:
    layout = table.resolve(meter(registers(flags, 2, tiers=1)))
    assert layout.offset_of(name) == start
    assert layout.size == start + 16
    info = (bytes([24, 2, 3, 4, 5]) if flags & 2 else b"") + (b"\x02" if flags & 1 else b"")
    record = layout.decode(info + bytes(16))
    assert record.register_info.end_date_time == (datetime(2024, 2, 3, 4, 5) if flags & 2 else None)
    assert record.register_info.season == (2 if flags & 1 else None)
    assert layout.encode(record) == info + bytes(16)


def test_bt23_cut_short_names_the_value_the_octets_expected_and_read() -> None:
    layout = CurrentRegData.resolve(meter(registers(DATES, 11, 2, 0)))
    with pytest.raises(ProtocolFault) as caught:
        layout.decode(bytes(layout.size or 0)[:-2])
    assert caught.value.error.kind is ErrorKind.DECODE
    assert caught.value.error.where == "BT23 tier_data_block[3].demands[1].demand[0]"
    assert caught.value.error.message == "310 octets expected, 308 read"


def test_what_a_newer_meter_adds_is_kept() -> None:
    layout = CurrentRegData.resolve(meter(registers(summations=1, tiers=0)))
    assert layout.decode(b"\x01\0\0\0\xaa\xbb").extra == b"\xaa\xbb"


def test_the_octet_order_and_the_formats_of_st0_hold_for_registers() -> None:
    st0 = bytes([0x03, 0x2C, 0x50]) + bytes(16)  # most significant octet first, seconds, FLOAT64, BCD6
    layout = CurrentRegData.resolve(meter(registers(DATES, 1, 1, 0, 1, 0), st0))
    octets = bytes.fromhex("3ff8000000000000 00000e10 000000123456")
    record = layout.decode(octets).tot_data_block
    assert record.summations == (1.5,)
    assert record.demands[0].demand == (123456,)
    assert record.demands[0].event_time == (datetime(1970, 1, 1, 1),)
    assert layout.encode(layout.decode(octets)) == octets
