"""A load profile end to end: every row of every set, in order, while the meter goes on recording."""

from datetime import UTC, datetime, timedelta

import anyio
import pytest

import meterkit
from meterkit.emulator import (
    DEMO_MASTER_KEY,
    DEMO_READ_KEY,
    EmulatorConfiguration,
    LoadProfileSetConfiguration,
    MeterEmulator,
)
from meterkit.errors import ErrorKind, MeterFailure
from meterkit.psem.client import PsemClient
from meterkit.psem.services import ServiceCode
from meterkit.psem.tables import ActLp, LpInternalConfig
from meterkit.psem.tables.load_profile import ChannelStatus, CommonStatus
from meterkit.result import Err
from tests.psem.rig import NOON, connected, held, line, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

SMALL = LoadProfileSetConfiguration(interval_minutes=15, intervals=8, blocks=6, sources=(0, 1))


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def small_meter(*, blocks=6, history=None, **configuration):
    small = LoadProfileSetConfiguration(
        interval_minutes=15, intervals=8, blocks=blocks, sources=(0, 1), history=history
    )
    return meter(load_profile=(small,), **configuration)


def seen(rows):
    return [(row.end_time, row.values, row.extended_status) for row in rows if row.is_valid]


@pytest.mark.parametrize("data_set", [1, 2, 3, 4])
@pytest.mark.parametrize("key", [DEMO_MASTER_KEY, DEMO_READ_KEY])
async def test_every_row_of_every_data_set_comes_as_the_meter_holds_it_oldest_first(data_set, key):
    emulator = meter()
    async with connected(emulator, key=key) as (client, _):
        rows = (await client.load_profile(data_set).collect()).unwrap()
    assert seen(rows) == held(emulator, data_set)
    assert [row.end_time for row in rows] == sorted(row.end_time for row in rows)
    assert all(row.end_time.tzinfo is UTC for row in rows)


async def test_sequence_and_interval_numbers_rise_without_a_gap():
    async with connected() as (client, _):
        stream = client.load_profile(1)
        rows = (await stream.collect()).unwrap()
    numbers = [row.sequence * 96 + row.interval for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows)))
    assert stream.blocks_done == stream.blocks_total == 14
    assert {row.block for row in rows} == set(range(14))


async def test_statuses_are_told_by_name():
    summer = MeterEmulator(EmulatorConfiguration(), clock=lambda: datetime(2026, 11, 10, 9, tzinfo=UTC))
    async with connected(summer) as (client, _):
        rows = (await client.load_profile(2).collect()).unwrap()
    switched = datetime(2026, 10, 25, 1, tzinfo=UTC)
    assert {row.end_time < switched for row in rows} == {True, False}
    for row in rows:
        assert (CommonStatus.DAYLIGHT_SAVING in row.common) == (row.end_time <= switched)
    assert all(len(row.status) == 6 and isinstance(row.status[0], ChannelStatus) for row in rows)


async def test_the_stream_reads_bt61_and_bt62_once_a_session_and_bt63_and_et21_before_each_stream():
    async with connected() as (client, transport):
        for _ in range(2):
            async for row in client.load_profile(1):
                row.unwrap()
                break
        full = [request[1:3] for _, request in transport.requests if request[0] == ServiceCode.READ_FULL]
    assert full.count(bytes((0, 61))) == 1
    assert full.count(bytes((0, 62))) == 1
    assert full.count(bytes((0, 63))) >= 2
    assert full.count(bytes.fromhex("0815")) == 2


async def test_where_et21_is_refused_the_sizes_follow_from_bt61():
    async with connected(key=DEMO_READ_KEY) as (client, _):
        refused = await client.read(LpInternalConfig)
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.SECURITY
        assert (await client.load_profile(1).collect()).is_success


async def test_old_firmware_has_one_data_set_and_says_so_of_the_second():
    emulator = meter(firmware_version=(3, 10, 21))
    async with connected(emulator) as (client, _):
        assert seen((await client.load_profile(1).collect()).unwrap()) == held(emulator)
        missing = await client.load_profile(2).collect()
    assert isinstance(missing, Err)
    assert missing.error.kind is ErrorKind.DECODE
    assert "1 load profile data set" in missing.error.message


@pytest.mark.parametrize(
    ("packet_size", "max_packets"), [(64, 1), (64, 4), (256, 1), (1024, 16), (8192, 255)]
)
async def test_any_packet_size_brings_the_same_rows(packet_size, max_packets):
    emulator = meter(packet_size=8192, max_packets=255)
    async with connected(emulator, packet_size=packet_size, max_packets=max_packets) as (client, _):
        rows = (await client.load_profile(2).collect()).unwrap()
    assert seen(rows) == held(emulator, 2)


async def test_since_and_until_bring_the_intervals_between_them_and_read_only_their_blocks():
    emulator = meter()
    since, until = datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC)
    async with connected(emulator) as (client, transport):
        stream = client.load_profile(1, since=since, until=until)
        rows = (await stream.collect()).unwrap()
        whole_blocks = [
            request
            for _, request in transport.requests
            if request[:3] == b"\x3f\x00\x40" and int.from_bytes(request[6:8], "big") > 100
        ]
    assert seen(rows) == [row for row in held(emulator) if since < row[0] <= until]
    assert rows[0].end_time == since + timedelta(minutes=15)
    assert rows[-1].end_time == until
    assert len(whole_blocks) == 1


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (None, datetime(2020, 1, 1, tzinfo=UTC)),
        (datetime(2030, 1, 1, tzinfo=UTC), None),
        (datetime(2020, 1, 1, tzinfo=UTC), None),
        (NOON - timedelta(hours=1), None),
        (None, NOON - timedelta(days=12)),
        (datetime(2026, 3, 4, 23, 59, tzinfo=UTC), datetime(2026, 3, 7, 0, 1, tzinfo=UTC)),
    ],
)
async def test_any_window_brings_exactly_its_rows(since, until):
    emulator = meter()
    async with connected(emulator) as (client, _):
        rows = (await client.load_profile(1, since, until).collect()).unwrap()
    wanted = [
        row
        for row in held(emulator)
        if (since is None or row[0] > since) and (until is None or row[0] <= until)
    ]
    assert seen(rows) == wanted


async def test_a_stream_goes_on_from_its_position():
    emulator = meter()
    async with connected(emulator) as (client, _):
        first = client.load_profile(1)
        head = [(await anext(first)).unwrap() for _ in range(150)]
        assert first.position == head[-1].end_time
        rest = (await client.load_profile(1, since=first.position).collect()).unwrap()
    assert seen(head + rest) == held(emulator)


async def test_a_consumer_that_takes_a_minute_a_row_keeps_its_session():
    emulator = small_meter(blocks=2, follow_clock=False)
    async with connected(emulator) as (client, transport):
        begin = anyio.current_time()
        count = 0
        async for row in client.load_profile(1):
            row.unwrap()
            count += 1
            await anyio.sleep(60)
        assert count == len(held(emulator))
        assert anyio.current_time() - begin >= 60 * count
        assert transport.count(ServiceCode.WAIT) <= count + 3


async def test_leaving_early_is_free_and_other_calls_slip_in_between():
    async with connected() as (client, _):
        async for row in client.load_profile(1):
            row.unwrap()
            assert (await client.read(ActLp)).is_success
            break
        assert (await client.read_table(1)).is_success


async def test_two_streams_at_once_on_one_session():
    emulator = meter()
    async with connected(emulator) as (client, _):
        results = {}

        async def collect(data_set):
            results[data_set] = (await client.load_profile(data_set).collect()).unwrap()

        async with anyio.create_task_group() as tasks:
            for data_set in (1, 2, 3, 4):
                tasks.start_soon(collect, data_set)
    for data_set, rows in results.items():
        assert seen(rows) == held(emulator, data_set)


async def test_a_meter_that_records_while_it_is_read_loses_nothing_that_was_there():
    emulator = small_meter(blocks=20, history=100, follow_clock=False, grow_intervals=1, grow_exchanges=3)
    before = held(emulator)
    async with connected(emulator) as (client, _):
        rows = (await client.load_profile(1).collect()).unwrap()
    assert seen(rows)[: len(before)] == before
    assert seen(rows) == held(emulator)[: len(seen(rows))]


async def test_a_block_overwritten_while_it_is_read_is_reported_and_not_mixed():
    emulator = small_meter(follow_clock=False)
    before = held(emulator)
    async with connected(emulator) as (client, _):
        stream = client.load_profile(1)
        good = [(await anext(stream)).unwrap() for _ in range(8)]
        assert seen(good) == before[:8]
        emulator.grow(17)  # two blocks and one: the next one to read is gone
        item = await anext(stream)
        assert isinstance(item, Err)
        assert item.error.kind is ErrorKind.STATE
        assert not meterkit.ends_session(item.error)
        assert "overwritten" in item.error.message
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert client.is_connected
        rest = (await client.load_profile(1, since=stream.position).collect()).unwrap()
    assert seen(rest) == [row for row in held(emulator) if row[0] > good[-1].end_time]


async def test_a_block_overwritten_before_any_row_came_is_left_out_as_if_one_had_asked_later():
    emulator = small_meter(follow_clock=False)
    async with connected(emulator, packet_size=64, max_packets=1) as (client, transport):
        serve = transport.session.services.process

        def grow_once(request):
            if request[:3] == b"\x3f\x00\x40" and not grow_once.has_grown:
                grow_once.has_grown = True
                emulator.grow(9)
            return serve(request)

        grow_once.has_grown = False
        transport.session.services.process = grow_once
        stream = client.load_profile(1)
        rows = (await stream.collect()).unwrap()
    assert seen(rows) == held(emulator)[: len(seen(rows))]
    assert stream.blocks_done == stream.blocks_total


async def test_a_meter_that_overwrites_faster_than_it_is_read_never_gives_a_mixed_row():
    for step in range(1, 12):
        emulator = small_meter(follow_clock=False, grow_intervals=step, grow_exchanges=1)
        async with connected(emulator, packet_size=64, max_packets=1) as (client, _):
            ever = {row[0]: row for row in held(emulator)}
            async for item in client.load_profile(1):
                ever.update({row[0]: row for row in held(emulator)})
                if item.is_failure:
                    assert "overwritten" in item.error.message
                    break
                row = item.value
                if row.is_valid and row.end_time in ever:
                    assert (row.end_time, row.values, row.extended_status) == ever[row.end_time]


async def test_an_empty_profile_is_an_empty_stream():
    emulator = small_meter(history=0, follow_clock=False)
    async with connected(emulator) as (client, _):
        assert (await client.load_profile(1).collect()).unwrap() == []


async def test_a_meter_without_load_profile_refuses_table_61():
    async with connected(meter(mode="demand_only")) as (client, _):
        refused = await client.load_profile(1).collect()
    assert isinstance(refused, Err)
    assert refused.error.kind is ErrorKind.REFUSED
    assert "ST61" in refused.error.where


async def test_values_raises_the_error_a_stream_ends_with():
    async with connected(meter(mode="demand_only")) as (client, _):
        with pytest.raises(MeterFailure, match="ST61"):
            async for _ in client.load_profile(1).values():
                pass


@pytest.mark.parametrize(
    ("offset", "octets", "words"),
    [
        (9, b"\x00\x00", "nbr_blk_ints is 0"),
        (7, b"\x00\x00", "0 load profile data sets"),
        (12, b"\x47", "71"),
    ],
)
async def test_dimensions_that_make_no_sense_are_a_decode_error_that_names_them(offset, octets, words):
    emulator = small_meter()
    table = bytearray(emulator.tables[61])
    table[offset : offset + len(octets)] = octets
    emulator.tables.write_table(61, bytes(table))
    async with connected(emulator) as (client, _):
        odd = await client.load_profile(1).collect()
        assert client.is_connected
    assert isinstance(odd, Err)
    assert odd.error.kind is ErrorKind.DECODE
    assert words in str(odd.error)


async def test_a_table_shorter_than_its_dimensions_is_a_decode_error_with_both_sizes():
    emulator = small_meter(read_past_end="onp", follow_clock=False)
    emulator.tables.write_table(64, emulator.tables[64][:100])
    async with connected(emulator, packet_size=64, max_packets=1) as (client, _):
        odd = await client.load_profile(1).collect()
    assert isinstance(odd, Err)
    assert odd.error.kind in (ErrorKind.DECODE, ErrorKind.REFUSED)
    assert "BT64" in str(odd.error) or "ST64" in str(odd.error)


async def test_limits_without_a_time_zone_and_data_sets_outside_1_to_4_are_mistakes_in_the_program():
    async with connected() as (client, _):
        with pytest.raises(ValueError, match="aware"):
            client.load_profile(1, since=datetime(2026, 1, 1))
        for number in (0, 5):
            with pytest.raises(ValueError, match="1 to 4"):
                client.load_profile(number)


async def test_a_line_that_dies_in_the_middle_ends_the_stream_with_one_error():
    emulator = MeterEmulator(EmulatorConfiguration(), clock=lambda: NOON)
    transport = line(emulator)
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        stream = client.load_profile(1)
        for _ in range(96):
            (await anext(stream)).unwrap()
        emulator.faults.silent = True
        items = [item async for item in stream]
        assert items[-1].is_failure
        assert all(item.is_success for item in items[:-1])
        assert stream.position is not None
        emulator.faults.silent = False
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        rest = (await client.load_profile(1, since=stream.position).collect()).unwrap()
    assert rest[-1].end_time == held(emulator)[-1][0]
