"""BT61 to BT67 and ET21 against the offsets that the OSGP guide prints."""

from __future__ import annotations

import pytest

from meterkit.codec.layout import Context
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import (
    ActLp,
    GenConfig,
    LpCtrl,
    LpDataSet1,
    LpDataSet2,
    LpInternalConfig,
    LpStatus,
    context_for,
)
from meterkit.psem.tables.load_profile import LpSourceSel

ST0 = bytes.fromhex("022a88") + bytes(16)
ONE_SET = bytes.fromhex("00000100 000c 20 1e00 6000 04 0f")  # 30 blocks of 96 intervals, 4 channels, 15 min
THREE_SETS = ONE_SET + bytes.fromhex("0000 0000 00 00 0500 0100 02 54")


def config(octets: bytes = ST0) -> GenConfig:
    return GenConfig.resolve().decode(octets)


def actual(octets: bytes = ONE_SET) -> ActLp:
    return ActLp.resolve(context_for([config()])).decode(octets)


def control(act: ActLp) -> LpCtrl:
    octets = b"".join(
        b"".join(bytes([0, 16 * n + channel, 0]) for channel in range(one.nbr_chns)) + b"\x20"
        for n, one in enumerate(act.data_sets)
    )
    return LpCtrl.resolve(context_for([config(), act])).decode(octets)


def context(act: ActLp) -> Context:
    return context_for([config(), act, control(act)])


def test_bt61_lies_where_the_guide_says() -> None:
    layout = ActLp.resolve(context_for([config()]))
    assert (layout.minimum_size, layout.size) == (13, 31)
    assert (
        layout.offset_of("lp_memory_len"),
        layout.offset_of("lp_flags"),
        layout.offset_of("lp_fmats"),
    ) == (0, 4, 6)
    assert layout.offset_of(ActLp.extended_int_status_flag) == 4


def test_bt61_of_one_set() -> None:
    act = actual()
    assert act.lp_memory_len == 65536
    assert (act.extended_int_status_flag, act.simple_int_status_flag) == (True, True)
    assert (act.blk_end_read_flag, act.blk_end_pulse_flag, act.scalar_divisor_flags) == (False, False, 0)
    assert act.lp_fmats == 32
    one = act.data_set(1)
    assert (one.nbr_blks, one.nbr_blk_ints, one.nbr_chns, one.max_int_time) == (30, 96, 4, 15)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_octets_of_bt61_tell_how_many_sets_there_are(count: int) -> None:
    octets = ONE_SET + ONE_SET[7:] * (count - 1)
    act = actual(octets)
    assert len(octets) == 7 + 6 * count
    assert len(act.sets) == len(act.data_sets) == count
    assert ActLp.resolve(context_for([config()])).encode(act) == octets


def test_sets_without_blocks_at_the_end_are_absent() -> None:
    act = actual(ONE_SET + bytes(18))  # what an OSGP meter answers to 31 octets of its 13: zeroes
    assert len(act.sets) == 4
    assert len(act.data_sets) == 1
    with pytest.raises(ProtocolFault, match="BT61: the meter has 1 load profile data sets, no data set 2"):
        act.data_set(2)
    with pytest.raises(ValueError, match="data sets 1 to 4, not 0"):
        act.data_set(0)
    assert LpStatus.resolve(context_for([config(), act])).size == 13


def test_a_set_without_blocks_in_front_of_another_keeps_its_place() -> None:
    act = actual(THREE_SETS)
    assert [one.nbr_blks for one in act.data_sets] == [30, 0, 5]
    assert LpStatus.resolve(context_for([config(), act])).size == 39
    layout = LpCtrl.resolve(context_for([config(), act]))
    assert layout.size == (3 * 4 + 1) + 1 + (3 * 2 + 1)
    assert layout.offset_of("sets[2].int_fmt_cde") == 20
    assert control(act).data_set(3).lp_sel[1] == LpSourceSel(
        chnl_flags=0, lp_source_select=33, end_blk_rdg_source_select=0
    )


def test_bt61_shorter_than_one_set_is_refused() -> None:
    with pytest.raises(ProtocolFault, match=r"BT61 sets\[0\].nbr_chns: 13 octets expected, 11 read"):
        actual(ONE_SET[:11])


def test_bt62_lies_where_the_guide_says() -> None:
    act = actual(bytes.fromhex("00000100 400c 20 1e00 6000 04 0f"))
    layout = LpCtrl.resolve(context_for([config(), act]))
    assert layout.offset_of("sets[0].lp_sel[1].lp_source_select") == 4
    assert layout.offset_of("sets[0].int_fmt_cde") == 12
    assert layout.offset_of("sets[0].scalars") == 13
    assert layout.offset_of("sets[0].divisors") == 13 + 8
    assert layout.size == 29


def test_scalars_and_divisors_are_there_by_the_sets_own_flag() -> None:
    act = actual(bytes.fromhex("00000100 800c 20") + ONE_SET[7:] * 2)
    layout = LpCtrl.resolve(context_for([config(), act]))
    assert (layout.size_of("sets[0]"), layout.size_of("sets[1]")) == (13, 29)
    record = layout.decode(bytes(42))
    assert record.sets[0].scalars is None
    assert record.sets[1].divisors == (0, 0, 0, 0)


def test_bt63_lies_where_the_guide_says() -> None:
    act = actual(ONE_SET + ONE_SET[7:])
    layout = LpStatus.resolve(context_for([config(), act]))
    printed = {
        "nbr_valid_blocks": 1,
        "last_block_element": 3,
        "last_block_seq_nbr": 5,
        "nbr_unread_blocks": 9,
        "nbr_valid_int": 11,
    }
    assert {name: layout.offset_of(f"sets[0].{name}") for name in printed} == printed
    assert layout.offset_of("sets[1]") == 13
    status = layout.decode(bytes.fromhex("26 1e00 0300 29000000 0200 1100" * 2)).data_set(2)
    assert (status.overflow_flag, status.list_type, status.active_mode_flag) == (True, 1, True)
    assert (status.block_order, status.interval_order, status.test_mode) == (0, 0, False)
    assert (status.nbr_valid_blocks, status.last_block_element, status.last_block_seq_nbr) == (30, 3, 41)
    assert (status.nbr_unread_blocks, status.nbr_valid_int) == (2, 17)


def test_bt64_lies_where_the_guide_says() -> None:
    layout = LpDataSet1.resolve(context(actual()))
    simple_status, interval = (96 + 7) // 8, 4 // 2 + 1 + 4 * 4
    assert layout.offset_of("blocks[0].blk_end_time") == 0
    assert layout.offset_of("blocks[0].simple_int_status") == 5  # end readings are not supported (D03)
    assert layout.offset_of("blocks[0].lp_int[0].extended_int_status") == 5 + simple_status
    assert layout.offset_of("blocks[0].lp_int[1].int_data[2]") == 5 + simple_status + interval + 3 + 8
    assert layout.offset_of("blocks[7]") == 7 * (5 + simple_status + 96 * interval)
    assert layout.size == 30 * (5 + simple_status + 96 * interval) == 55230


def test_bt64_with_end_readings() -> None:
    act = actual(bytes.fromhex("00000100 300c 20 1e00 6000 04 0f"))
    layout = LpDataSet1.resolve(context(act))
    assert layout.offset_of("blocks[0].end_readings[1].block_end_pulse") == 5 + 8 + 4
    assert layout.offset_of("blocks[0].simple_int_status") == 5 + 4 * 8


def test_each_data_set_has_its_own_shape() -> None:
    act = actual(ONE_SET + bytes.fromhex("0500 0100 02 54"))
    layout = LpDataSet2.resolve(context(act))
    assert layout.size == 5 * (5 + 1 + 2 + 8)
    with pytest.raises(ProtocolFault, match=r"no ActLp.sets"):
        LpDataSet2.resolve(context(actual()))


@pytest.mark.parametrize(
    ("code", "size"), [(1, 1), (2, 2), (4, 4), (8, 1), (16, 2), (32, 4), (64, 8), (128, 3)]
)
def test_interval_data_by_int_fmt_cde(code: int, size: int) -> None:
    act = actual()
    cfg = config(bytes.fromhex("022a70") + bytes(16))  # NI_FMAT1 FLOAT64, NI_FMAT2 INT24
    ctrl = LpCtrl.resolve(context_for([cfg, act])).decode(bytes(12) + bytes([code]))
    layout = LpDataSet1.resolve(context_for([cfg, act, ctrl]))
    assert layout.size_of("blocks[0].lp_int[0].int_data") == 4 * size


def test_an_unknown_int_fmt_cde_is_a_fault() -> None:
    act = actual()
    ctrl = LpCtrl.resolve(context_for([config(), act])).decode(bytes(12) + b"\x03")
    with pytest.raises(ProtocolFault, match="INT_FMT_CDE has no format 3"):
        LpDataSet1.resolve(context_for([config(), act, ctrl]))


ET21_PRINTED = {
    "current_block_address": 0,
    "current_interval_address": 4,
    "block_size": 8,
    "block_header_size": 12,
    "nbr_valid_blocks": 14,
    "nbr_valid_intervals": 16,
    "last_block_index": 18,
    "last_interval_number": 20,
    "simple_status_offset": 22,
    "simple_status_size": 23,
    "interval_0_offset": 24,
    "interval_size": 25,
    "channel_0_offset": 26,
    "extended_status_common": 27,
    "nbr_channels": 28,
    "interval_time": 29,
    "sources": 30,
    "placeholders": 38,
    "sources_expansion": 70,
    "lp_config_id": 78,
    "mep_billing_start_channel": 82,
    "block_start_time": 83,
    "block_start_hour": 89,
    "block_start_minute": 90,
    "interval_in_progress": 91,
    "lp_options": 93,
    "interval_end_time_utc": 94,
    "interval_end_time_local": 101,
    "max_memory_len": 107,
    "lp_status_flags": 111,
    "reserved": 112,
}


def test_et21_lies_where_the_guide_says() -> None:
    layout = LpInternalConfig.resolve(context(actual(ONE_SET + ONE_SET[7:])))
    assert {name: layout.offset_of(f"sets[0].{name}") for name in ET21_PRINTED} == ET21_PRINTED
    assert layout.offset_of("sets[1].block_size") == 131 + 8
    assert layout.size == 262


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("size", [38, 70, 83, 94, 107, 131])
def test_the_octets_of_et21_tell_its_edition(size: int, count: int) -> None:
    layout = LpInternalConfig.resolve(context(actual(ONE_SET + ONE_SET[7:] * (count - 1))))
    octets = bytes(range(1, size + 1)) * count
    record = layout.decode(octets)
    last = record.data_set(count)
    assert last.current_block_address == 0x04030201
    assert (last.placeholders is not None, last.lp_config_id is not None) == (size >= 70, size >= 83)
    assert (last.lp_options is not None, last.undescribed_100 is not None) == (size >= 94, size >= 107)
    assert (last.max_memory_len is not None, last.nvmf_occurred is not None) == (size == 131, size == 131)
    assert record.extra == b""
    assert layout.encode(record) == octets


@pytest.mark.parametrize(
    ("firmware", "size"),
    [((2, 0, 0), 38), ((3, 10, 21), 94), ((3, 30, 0), 107), ((3, 50, 0), 131), ((4, 30, 1), 131)],
)
def test_a_known_firmware_rules_out_newer_fields(firmware: tuple[int, int, int], size: int) -> None:
    known = context(actual())
    layout = LpInternalConfig.resolve(Context(known.records, byte_order="<", firmware=firmware))
    assert layout.size == size
    record = layout.decode(bytes(131))  # the guide: octets past the end of a table read as zeroes
    assert len(record.extra) == 131 - size


def test_et21_has_no_element_for_a_set_it_lacks() -> None:
    record = LpInternalConfig.resolve(context(actual())).decode(bytes(131))
    with pytest.raises(ProtocolFault, match="ET21: 1 elements read, none for data set 2"):
        record.data_set(2)


def test_tables_name_what_they_need() -> None:
    assert ActLp.needs() == frozenset()
    assert LpCtrl.needs() == {ActLp}
    assert LpStatus.needs() == {ActLp}
    assert LpDataSet1.needs() == {GenConfig, ActLp, LpCtrl}
    assert LpInternalConfig.needs() == {GenConfig, ActLp}
