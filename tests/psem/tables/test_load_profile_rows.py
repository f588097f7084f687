"""Blocks of a load profile as rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from meterkit.codec.layout import BitSet, Context
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import ActLp, GenConfig, LpCtrl, LpInternalConfig, context_for
from meterkit.psem.tables.load_profile import (
    Channel,
    ChannelStatus,
    CommonStatus,
    LoadProfileGeometry,
    LoadProfileRow,
)

MIDNIGHT = datetime(2024, 3, 11, tzinfo=UTC)
END_TIME = bytes([24, 3, 11, 0, 0])


def known(
    flags: int = 0x0C00,
    blks: int = 3,
    ints: int = 8,
    chns: int = 3,
    code: int = 15,
    fmt: int = 32,
    order: str = "<",
) -> Context:
    endian: Any = "little" if order == "<" else "big"
    config = GenConfig.resolve().decode(bytes([0x02 | (order == ">"), 0x0A, 0x88]) + bytes(16))

    def u16(value: int) -> bytes:
        return value.to_bytes(2, endian)

    act_octets = bytes(4) + u16(flags) + b"\x20" + u16(blks) + u16(ints) + bytes([chns, code])
    act = ActLp.resolve(context_for([config])).decode(act_octets)
    scales = b"".join(u16(n) for n in (*range(1, chns + 1), *range(11, chns + 11))) if flags & 0x40 else b""
    ctrl_octets = b"".join(bytes([0, 20 + n, 0]) for n in range(chns)) + bytes([fmt]) + scales
    ctrl = LpCtrl.resolve(context_for([config, act])).decode(ctrl_octets)
    return context_for([config, act, ctrl])


def geometry(**changes: Any) -> LoadProfileGeometry:
    return LoadProfileGeometry.build(known(**changes), 1)


def interval(n: int, status: str = "0000") -> bytes:
    return bytes.fromhex(status) + b"".join((1000 * n + c).to_bytes(4, "little") for c in range(3))


def block(simple: int = 0xFF, intervals: int = 8, end_time: bytes = END_TIME) -> bytes:
    return end_time + bytes([simple]) + b"".join(interval(n) for n in range(intervals))


def test_sizes_and_offsets() -> None:
    geo = geometry()
    assert (geo.table_id, geo.nbr_chns, geo.nbr_blks, geo.nbr_blk_ints, geo.capacity) == (64, 3, 3, 8, 24)
    assert (geo.header_size, geo.interval_size, geo.block_size) == (6, 14, 118)
    assert (geo.interval_offset(2), geo.block_offset(2), geo.table_size) == (34, 236, 354)
    assert geo.interval == timedelta(minutes=15)
    assert geo.channels == (Channel(20), Channel(21), Channel(22))


def test_a_full_block_ends_at_its_end_time() -> None:
    rows = geometry().decode_rows(block(), block=2, sequence=41)
    assert len(rows) == 8
    assert rows[-1].end_time == MIDNIGHT
    assert rows[0].end_time == MIDNIGHT - 7 * timedelta(minutes=15)
    assert rows[3] == LoadProfileRow(
        end_time=MIDNIGHT - timedelta(hours=1),
        values=(3000, 3001, 3002),
        is_valid=True,
        block=2,
        interval=3,
        sequence=41,
        extended_status=b"\0\0",
    )


def test_a_partial_block_ends_at_its_newest_interval() -> None:
    rows = geometry().decode_rows(block(simple=0b0001_1111), block=0, sequence=1)
    assert [row.interval for row in rows] == [0, 1, 2, 3, 4]
    assert rows[4].end_time == MIDNIGHT
    assert rows[0].end_time == MIDNIGHT - timedelta(hours=1)


def test_an_interval_that_was_not_processed_has_no_values() -> None:
    rows = geometry().decode_rows(block(simple=0b0001_1011), block=0, sequence=1)
    assert [row.is_valid for row in rows] == [True, True, False, True, True]
    assert rows[2].values == (None, None, None)
    assert rows[2].end_time == MIDNIGHT - timedelta(minutes=30)


def test_a_block_without_intervals_has_no_rows_and_needs_no_time() -> None:
    assert geometry().decode_rows(block(simple=0, end_time=bytes(5)), block=0, sequence=1) == []


def test_bits_of_simple_status_beyond_the_block_mean_nothing() -> None:
    geo = geometry(ints=6)
    assert geo.decode_header(block(simple=0b1100_0111)).last_interval == 2
    assert len(geo.decode_rows(block(simple=0b1100_0111), block=0, sequence=1)) == 3


def test_the_header_says_when_and_how_far() -> None:
    header = geometry().decode_header(block(simple=0b0101)[:6])
    assert header.end_time == MIDNIGHT
    assert header.last_interval == 2
    assert header.simple_status == BitSet(b"\x05")
    empty = geometry().decode_header(bytes(6))
    assert (empty.end_time, empty.last_interval) == (None, -1)


def test_intervals_can_be_read_from_the_middle() -> None:
    whole = block()
    octets = whole[:6] + whole[6 + 5 * 14 :]
    rows = geometry().decode_rows(octets, block=0, sequence=1, first_interval=5)
    assert rows == geometry().decode_rows(whole, block=0, sequence=1)[5:]


def test_octets_beyond_the_newest_interval_are_ignored() -> None:
    short, long = block(simple=3, intervals=2), block(simple=3) + b"tail"
    assert geometry().decode_rows(short, block=0, sequence=1) == geometry().decode_rows(
        long, block=0, sequence=1
    )


def test_without_simple_status_bt63_or_the_octets_tell_how_many() -> None:
    geo = geometry(flags=0x0400)
    octets = END_TIME + b"".join(interval(n) for n in range(5))
    assert geo.decode_header(octets).last_interval is None
    rows = geo.decode_rows(octets, block=0, sequence=1)
    assert (len(rows), rows[-1].end_time) == (5, MIDNIGHT)
    rows = geo.decode_rows(octets, block=0, sequence=1, valid_intervals=2)
    assert (len(rows), rows[-1].end_time, rows[-1].values[0]) == (2, MIDNIGHT, 1000)


def test_without_extended_status_all_is_quiet() -> None:
    geo = geometry(flags=0x0800)
    octets = END_TIME + b"\xff" + bytes(8 * 12)
    row = geo.decode_rows(octets, block=0, sequence=1)[0]
    assert (row.extended_status, row.common) == (b"", CommonStatus(0))
    assert row.status == (ChannelStatus.NO_STATUS,) * 3


# Source: OSGP guide, "Extended Status Field Description"; D13: bit 0 is 0x10 of the first octet.
@pytest.mark.parametrize(
    ("octets", "common", "status"),
    [
        ("1000", CommonStatus.DAYLIGHT_SAVING, (0, 0, 0)),
        ("2000", CommonStatus.POWER_FAIL, (0, 0, 0)),
        ("4200", CommonStatus.CLOCK_FORWARD, (2, 0, 0)),
        ("8030", CommonStatus.CLOCK_BACKWARD, (0, 3, 0)),
        ("300f", CommonStatus.DAYLIGHT_SAVING | CommonStatus.POWER_FAIL, (0, 0, 15)),
        ("0a9d", CommonStatus(0), (10, 9, 13)),
    ],
)
def test_extended_status_is_a_nibble_for_all_and_one_for_each(
    octets: str, common: CommonStatus, status: tuple[int, ...]
) -> None:
    whole = END_TIME + b"\x01" + interval(0, octets)
    row = geometry().decode_rows(whole, block=0, sequence=1)[0]
    assert row.common == common
    assert row.status == status


def test_channel_statuses_have_the_guides_names() -> None:
    assert ChannelStatus(8) is ChannelStatus.DECRYPTION_FAILURE
    assert ChannelStatus(12) is ChannelStatus.OPTED_OUT
    assert len(ChannelStatus) == 16


@pytest.mark.parametrize(("code", "length"), [(1, 1), (60, 60), (84, 1440)])
def test_interval_codes(code: int, length: int) -> None:
    assert geometry(code=code).interval == timedelta(minutes=length)


@pytest.mark.parametrize("code", [0, 61, 83, 85, 255])
def test_undefined_interval_codes_are_refused(code: int) -> None:
    with pytest.raises(ProtocolFault, match=f"max_int_time is {code}; known are 1 to 60"):
        geometry(code=code)


@pytest.mark.parametrize(("change", "name"), [({"ints": 0}, "nbr_blk_ints"), ({"chns": 0}, "nbr_chns")])
def test_a_set_that_records_nothing_is_refused(change: dict[str, int], name: str) -> None:
    with pytest.raises(ProtocolFault, match=f"BT61 data set 1: {name} is 0"):
        geometry(**change)


def test_a_ring_that_no_offset_reaches_the_end_of_is_refused() -> None:
    # A block: 5 octets of time, 4 of simple status, 32 intervals of 2 + 3 * 4 octets.
    assert geometry(blks=36_000, ints=32).table_size == 36_000 * 457
    with pytest.raises(ProtocolFault) as caught:
        geometry(blks=0xFFFF, ints=32)
    told = "BT61 data set 1: 65535 blocks of 457 octets reach past 24 bit offsets [decode]"
    assert str(caught.value.error) == told


def test_a_set_that_is_not_there_is_refused() -> None:
    with pytest.raises(ProtocolFault, match="no data set 2"):
        LoadProfileGeometry.build(known(), 2)
    with pytest.raises(ProtocolFault, match="no data set 1"):
        geometry(blks=0)
    with pytest.raises(ValueError, match="data sets 1 to 4"):
        LoadProfileGeometry.build(known(), 5)
    with pytest.raises(ValueError, match="read ActLp first"):
        LoadProfileGeometry.build(Context(), 1)


def test_an_unknown_value_format_is_refused() -> None:
    with pytest.raises(ProtocolFault, match=r"BT62 data set 1: .*INT_FMT_CDE has no format 5"):
        geometry(fmt=5)


def test_too_few_octets_are_refused() -> None:
    with pytest.raises(ProtocolFault, match="118 octets expected up to interval 7, 117 read"):
        geometry().decode_rows(block()[:-1], block=0, sequence=1)
    with pytest.raises(ProtocolFault, match=r"BT64: .*6 octets expected, 5 read"):
        geometry().decode_rows(block()[:5], block=0, sequence=1)


def test_intervals_that_cannot_be_dated_are_refused() -> None:
    with pytest.raises(ProtocolFault, match=r"no valid end time \(18 0d 01 00 00\)") as caught:
        geometry().decode_rows(block(end_time=bytes([24, 13, 1, 0, 0])), block=1, sequence=1)
    assert caught.value.error.kind is ErrorKind.DECODE
    assert caught.value.error.where == "BT64 block 1"


def test_values_of_a_big_endian_meter_and_of_other_formats() -> None:
    geo = geometry(order=">", fmt=16, flags=0)
    rows = geo.decode_rows(END_TIME + bytes.fromhex("fffe00010002") * 2, block=0, sequence=1)
    assert rows[1].values == (-2, 1, 2)


def test_values_that_need_a_conversion() -> None:
    config = GenConfig.resolve().decode(bytes([0x02, 0x0A, 0x74]) + bytes(16))
    context = known(fmt=64, flags=0)
    geo = LoadProfileGeometry.build(context.with_(config), 1)
    rows = geo.decode_rows(END_TIME + (12345).to_bytes(4, "little") * 24, block=0, sequence=1)
    assert rows[0].values == (1.2345, 1.2345, 1.2345)


def test_scalars_and_divisors_are_told_and_not_applied() -> None:
    geo = geometry(flags=0x0C40)
    assert geo.channels == (Channel(20, 1, 11), Channel(21, 2, 12), Channel(22, 3, 13))
    assert geo.decode_rows(block(), block=0, sequence=1)[1].values == (1000, 1001, 1002)


def internal(**changes: int) -> LpInternalConfig:
    layout = LpInternalConfig.resolve(known())
    record = layout.decode(bytes(38))
    right = {
        "block_size": 118,
        "block_header_size": 6,
        "simple_status_offset": 5,
        "simple_status_size": 1,
        "interval_0_offset": 6,
        "interval_size": 14,
        "channel_0_offset": 2,
        "nbr_channels": 3,
        "interval_time": 15,
    }
    return record.replace(sets=(record.sets[0].replace(**{**right, **changes}),))


def test_et21_that_agrees_is_welcome() -> None:
    assert LoadProfileGeometry.build(known(), 1, internal()).block_size == 118


@pytest.mark.parametrize("name", ["nbr_channels", "interval_time"])
def test_et21_that_tells_of_another_configuration_is_refused(name: str) -> None:
    with pytest.raises(ProtocolFault, match=f"ET21: {name} is 99, by BT61"):
        LoadProfileGeometry.build(known(), 1, internal(**{name: 99}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block_size", 117),
        ("block_header_size", 5),
        ("simple_status_offset", 4),
        ("interval_size", 13),
        ("channel_0_offset", 1),
        ("interval_0_offset", 7),
    ],
)
def test_et21_that_leaves_too_little_room_is_refused(name: str, value: int) -> None:
    with pytest.raises(ProtocolFault, match=f"ET21 data set 1: .*{name}"):
        LoadProfileGeometry.build(known(), 1, internal(**{name: value}))


def test_et21_that_leaves_more_room_is_followed() -> None:
    wide = internal(
        block_header_size=18,
        simple_status_offset=17,
        interval_0_offset=18,
        channel_0_offset=3,
        interval_size=16,
        block_size=18 + 8 * 16 + 2,
    )
    geo = LoadProfileGeometry.build(known(), 1, wide)
    assert (geo.block_size, geo.header_size, geo.interval_size) == (148, 18, 16)
    assert geo.block_offset(2) == 296
    octets = END_TIME + b"\xee" * 12 + b"\xff"
    octets += b"".join(interval(n)[:2] + b"\xee" + interval(n)[2:] + b"\xee" for n in range(8))
    plain = geometry().decode_rows(block(), block=0, sequence=1)
    assert geo.decode_rows(octets, block=0, sequence=1) == plain
    assert geo.decode_header(octets).end_time == MIDNIGHT


def check_decode(caught: ProtocolFault) -> None:
    assert caught.error.kind is ErrorKind.DECODE


def test_any_octets_give_rows_or_a_fault() -> None:
    geo, whole = geometry(), block()
    for held in range(len(whole)):
        try:
            rows = geo.decode_rows(whole[:held], block=0, sequence=1)
        except ProtocolFault as caught:
            check_decode(caught)
        else:
            assert rows == []
    for position in range(len(whole)):
        for n in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << n
            try:
                rows = geo.decode_rows(bytes(damaged), block=0, sequence=1)
            except ProtocolFault as caught:
                check_decode(caught)
            else:
                assert all(len(row.status) == 3 and row.common in range(16) for row in rows)
