"""Cases that once went wrong, or nearly: each is a way for data to be lost, misdated or doubled."""

import asyncio
from datetime import UTC, datetime, timedelta

import anyio
import pytest

import meterkit
from meterkit.emulator import DEMO_MASTER_KEY, LoadProfileSetConfiguration, ProcedureOutcome
from meterkit.errors import ErrorKind
from meterkit.options import PsemClientOptions
from meterkit.psem.client import PsemClient
from meterkit.psem.procedures import ProcedureResult
from meterkit.psem.services import ResponseCode, ServiceCode
from meterkit.psem.tables import ActLp
from meterkit.result import Err, Ok
from tests.psem.rig import RecordingTransport, connected, held, line, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

SMALL = LoadProfileSetConfiguration(interval_minutes=15, intervals=8, blocks=6, sources=(0, 1))
CALENDAR = 54  # the emulator's table that can be pending
PENDING_CALENDAR = 4096 + CALENDAR
PED = bytes((0, 26, 12, 24, 0, 0))


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def small_meter(**configuration):
    return meter(load_profile=(SMALL,), follow_clock=False, **configuration)


def seen(rows):
    return [(row.end_time, row.values, row.extended_status) for row in rows if row.is_valid]


async def test_a_big_endian_meter_is_big_endian_from_its_first_table_on():
    emulator = meter(byte_order="big")
    async with connected(emulator) as (client, _):
        assert (await client.read(ActLp)).unwrap().sets[0].nbr_blks == 14
        for data_set in (1, 2, 3, 4):
            assert seen((await client.load_profile(data_set).collect()).unwrap()) == held(emulator, data_set)


async def test_a_meter_that_refuses_table_0_is_told_by_name():
    emulator = small_meter()
    emulator.tables.remove(0)
    async with connected(emulator) as (client, _):
        refused = await client.load_profile(1).collect()
        assert isinstance(refused, Err)
        assert "read ST0" in str(refused.error)
        assert (await client.read(ActLp)).is_success  # little-endian, as OSGP meters are


async def test_a_read_of_a_stream_cancelled_at_any_turn_loses_no_row():
    for turns in range(1, 60):
        emulator = small_meter()
        async with connected(emulator) as (client, _):
            stream = client.load_profile(1)
            rows, cancelled = [], 0
            while True:
                with anyio.CancelScope() as scope:
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(_cancel_after, turns, scope)
                        try:
                            item = await anext(stream)
                        except StopAsyncIteration:
                            item = None
                        tasks.cancel_scope.cancel()
                if scope.cancelled_caught:
                    cancelled += 1
                    if not client.is_connected or cancelled > 3:
                        break
                elif item is None:
                    break
                else:
                    rows.append(item.unwrap())
            if not client.is_connected:  # cut in mid-exchange: the stream says so, once
                rest = await stream.collect()
                assert isinstance(rest, Err)
            elif not cancelled:
                assert seen(rows) == held(emulator)
            else:
                rows += (await stream.collect()).unwrap()
                assert seen(rows) == held(emulator)


async def _cancel_after(turns, scope):
    for _ in range(turns):
        await asyncio.sleep(0)
    scope.cancel()


async def _hold(lock):
    async with lock:
        await anyio.sleep(3)


async def test_waiting_for_the_line_can_be_cancelled_without_losing_a_block():
    emulator = small_meter()
    async with connected(emulator) as (client, transport):
        stream = client.load_profile(1)
        rows = [(await anext(stream)).unwrap() for _ in range(8)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_hold, transport.lock)
            await asyncio.sleep(0)
            with anyio.move_on_after(1) as scope:
                await anext(stream)
        assert scope.cancelled_caught
        rows += (await stream.collect()).unwrap()
    assert seen(rows) == held(emulator)


async def test_a_line_that_takes_no_more_octets_is_a_timeout():
    class Stuck(RecordingTransport):
        is_stuck = False

        @property
        def is_full(self):
            return self.is_stuck

        async def send(self, octets):
            if self.is_stuck:
                await asyncio.sleep(10**9)
            await super().send(octets)

    transport = Stuck(meter())
    async with PsemClient(transport, PsemClientOptions(exchange_timeout=10, keep_alive=False)) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        transport.is_stuck = True
        begin = anyio.current_time()
        lost = await client.write_table_offset(2099, 1, b"\x3c\x00")
        assert isinstance(lost, Err)
        assert lost.error.kind is ErrorKind.TIMEOUT
        assert "takes no octets" in lost.error.message
        assert meterkit.ends_session(lost.error)
        assert anyio.current_time() - begin == pytest.approx(10)


@pytest.mark.parametrize("exchanges", range(2, 14))
async def test_a_newest_block_that_grows_while_its_header_is_read_is_dated_right(exchanges):
    minutes = LoadProfileSetConfiguration(
        interval_minutes=1, intervals=720, blocks=2, sources=(0,), history=30
    )
    emulator = meter(load_profile=(minutes,), follow_clock=False, grow_intervals=1, grow_exchanges=exchanges)
    async with connected(emulator, packet_size=64, max_packets=1) as (client, _):
        async for item in client.load_profile(1):
            if isinstance(item, Err):
                assert "too slow" in item.error.message
            elif item.value.is_valid:
                row = item.value
                assert (
                    emulator.profiles[0]
                    .witness[row.end_time]
                    .endswith(row.values[0].to_bytes(4, "little", signed=True))
                )


@pytest.mark.parametrize(("packet_size", "max_packets"), [(64, 1), (1024, 16)])
async def test_a_pending_table_comes_with_its_event_description_however_it_is_read(packet_size, max_packets):
    emulator = meter()
    emulator.tables.set_pending(CALENDAR, PED, bytes(range(200)))
    async with connected(emulator, packet_size=packet_size, max_packets=max_packets) as (client, _):
        table = (await client.read_table(PENDING_CALENDAR)).unwrap()
        assert table.is_pending
        assert table.data[:206] == PED + bytes(range(200))
        assert not any(table.data[206:])
        assert (await client.read_table_offset(PENDING_CALENDAR, 3, 100)).unwrap() == bytes(range(3, 103))
        chunks = (await client.stream_table(PENDING_CALENDAR, total_size=200).collect()).unwrap()
        assert b"".join(chunks) == bytes(range(200))


async def test_a_split_write_of_a_pending_table_carries_the_event_description_in_every_piece():
    emulator = meter()
    size = len(emulator.tables[CALENDAR])
    data = bytes(index % 251 for index in range(size))
    async with connected(emulator, packet_size=64, max_packets=1) as (client, _):
        assert (await client.write_table(PENDING_CALENDAR, PED + data)).is_success
        read = (await client.read_table(PENDING_CALENDAR)).unwrap().data
        assert read[: len(PED) + size] == PED + data
        with pytest.raises(ValueError, match="event description"):
            await client.write_table_offset(PENDING_CALENDAR, 0, b"short")
    assert emulator.tables[CALENDAR] != data


@pytest.mark.parametrize("odd", [(0, 1, 1, 0, 0), (90, 1, 1, 0, 0)])
async def test_a_block_dated_by_a_clock_gone_wrong_hides_no_other_block(odd):
    emulator = small_meter()
    memory = emulator.profiles[0]
    oldest = (memory.last_block + 1) % 6
    for place in range(1, 5):
        before = bytes(memory.table)
        base = (oldest + place) % 6 * memory.block_size
        memory.table[base : base + 5] = bytes(odd)
        rows = held(emulator)
        first, last = rows[0][0] - timedelta(minutes=15), rows[-1][0]
        async with connected(emulator) as (client, _):
            for since, until in ((first, None), (None, last), (first, last)):
                found = seen((await client.load_profile(1, since, until).collect()).unwrap())
                wanted = [row for row in rows if row not in rows[8 * place : 8 * place + 8]]
                assert [row for row in found if first < row[0] <= last] == wanted
        memory.table[:] = before


async def test_a_speed_without_a_code_is_kept_by_offering_none():
    class OddSpeed(RecordingTransport):
        @property
        def baud_rate(self):
            return 250_000

    transport = OddSpeed(meter())
    async with PsemClient(transport) as client:
        assert (await client.connect(DEMO_MASTER_KEY)).is_success
    assert transport.count(ServiceCode.NEGOTIATE) == 1


async def test_a_stream_of_unknown_length_on_a_meter_that_pads_ends_at_the_cap():
    emulator = meter()
    emulator.tables.write_table(2200, bytes(100))
    async with connected(emulator, unknown_table_cap=3000) as (client, _):
        chunks = (await client.stream_table(2200, chunk_size=500).collect()).unwrap()
    assert sum(map(len, chunks)) == 3000


async def test_a_stream_of_a_known_table_ends_with_it():
    emulator = meter()
    async with connected(emulator) as (client, _):
        for table_id in (1, 23, 64):
            chunks = (await client.stream_table(table_id, chunk_size=100).collect()).unwrap()
            assert b"".join(chunks) == emulator.tables[table_id]


async def test_disconnecting_twice_at_once_logs_off_once():
    async with connected() as (client, transport):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.disconnect)
            tasks.start_soon(client.disconnect)
        assert transport.count(ServiceCode.LOGOFF) == transport.count(ServiceCode.TERMINATE) == 1
        assert not client.is_connected


async def test_leaving_while_another_task_connects_leaves_nothing_open():
    emulator = meter()
    transport = line(emulator)
    outcome = []

    async def connect(client):
        try:
            outcome.append(await client.connect(DEMO_MASTER_KEY))
        except RuntimeError as refused:
            outcome.append(refused)

    for turns in range(30):
        async with anyio.create_task_group() as tasks:
            async with PsemClient(transport) as client:
                tasks.start_soon(connect, client)
                for _ in range(turns):
                    await asyncio.sleep(0)
            assert not client.is_connected
            assert not transport.is_open
    assert len(outcome) == 30


async def test_leaving_does_not_wait_for_ever_for_another_tasks_connect():
    class NeverOpens(RecordingTransport):
        async def open(self):
            await asyncio.sleep(10**6)

    transport = NeverOpens(meter())
    async with anyio.create_task_group() as tasks:
        async with PsemClient(transport) as client:
            tasks.start_soon(client.connect)
            await anyio.sleep(1)
        assert anyio.current_time() == pytest.approx(31)
        tasks.cancel_scope.cancel()


async def test_system_exit_leaves_as_it_came_and_the_meter_is_logged_off():
    transport = line(meter())

    async def leave():
        async with PsemClient(transport) as client:
            (await client.connect(DEMO_MASTER_KEY)).unwrap()
            raise SystemExit(3)

    with pytest.raises(SystemExit):
        await leave()
    assert transport.count(ServiceCode.TERMINATE) == 1


async def test_disconnecting_during_a_beat_lets_it_finish_and_says_goodbye():
    class Slow(RecordingTransport):
        async def receive(self, timeout):
            octets = await super().receive(timeout)
            await asyncio.sleep(1.0)
            return octets

    transport = Slow(meter())
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        await anyio.sleep(4.5)  # the Wait went out at 4, its answer comes at 5
        assert transport.count(ServiceCode.WAIT) == 1
        await client.disconnect()
    assert [request[0] for _, request in transport.requests][-2:] == [
        ServiceCode.LOGOFF,
        ServiceCode.TERMINATE,
    ]


async def test_a_users_own_wait_is_not_undone_by_the_keep_alive():
    async with connected() as (client, transport):
        (await client.wait(200)).unwrap()
        await anyio.sleep(150)
        assert transport.count(ServiceCode.WAIT) == 1
        assert (await client.read_table(1)).is_success


async def test_a_busy_wait_does_not_end_the_cheap_keep_alive():
    emulator = meter()
    async with connected(emulator) as (_, transport):
        emulator.faults.refused_services = {"WAIT": "DEVICE_BUSY"}
        await anyio.sleep(10)
        emulator.faults.refused_services = {}
        before = len(transport.requests)
        await anyio.sleep(600)
        assert len(transport.requests) - before <= 13


async def test_clients_begin_their_procedures_with_numbers_of_their_own():
    numbers = set()
    for _ in range(20):
        async with connected(small_meter()) as (client, transport):
            (await client.execute_standard_procedure(16)).unwrap()
            numbers.update(request[7] for _, request in transport.requests if request[:3] == b"\x40\x00\x07")
    assert len(numbers) > 1


async def test_a_procedures_long_answer_is_read_in_pieces():
    emulator = small_meter()
    answer = bytes(range(100))
    emulator.procedures[True, 9] = lambda meter, octets: ProcedureOutcome(ProcedureResult.COMPLETED, answer)
    config = bytearray(emulator.tables[0])
    config[10] = 100  # MAX_RESP_DATA_LEN
    emulator.tables.write_table(0, bytes(config))
    async with connected(emulator, packet_size=64, max_packets=1) as (client, _):
        assert (await client.execute_manufacturer_procedure(9)).unwrap().data == answer


async def test_another_makers_table_2069_does_not_stand_in_the_way():
    emulator = small_meter()
    config = bytearray(emulator.tables[0])
    config[3:7] = b"GE  "
    emulator.tables.write_table(0, bytes(config))
    emulator.tables.write_table(2069, bytes(17))
    async with connected(emulator) as (client, _):
        assert seen((await client.load_profile(1).collect()).unwrap()) == held(emulator)


async def test_a_busy_et21_is_an_error_and_not_a_meter_without_one():
    emulator = small_meter()
    async with connected(emulator) as (client, transport):
        serve = transport.session.services.process
        transport.session.services.process = lambda request: (
            bytes([ResponseCode.DEVICE_BUSY]) if request == b"\x30\x08\x15" else serve(request)
        )
        busy = await client.load_profile(1).collect()
        assert isinstance(busy, Err)
        assert busy.error.code == ResponseCode.DEVICE_BUSY


async def test_connecting_again_at_an_unchanged_speed_waits_for_nothing():
    emulator = meter()
    async with connected(emulator) as (client, _):
        emulator.faults.silent = True
        assert isinstance(await client.read_table(1), Err)
        emulator.faults.silent = False
        begin = anyio.current_time()
        assert (await client.connect(DEMO_MASTER_KEY)).is_success
        assert anyio.current_time() - begin < 1


async def test_a_meter_that_gives_less_than_asked_is_asked_on():
    emulator = small_meter(truncate_reads=True, packet_size=64, max_packets=1)
    emulator.tables.write_table(2200, bytes(range(200)))
    async with connected(emulator) as (client, _):
        assert (await client.read_table_offset(2200, 0, 200)).unwrap() == bytes(range(200))
        chunks = (await client.stream_table(2200, total_size=200).collect()).unwrap()
        assert b"".join(chunks) == bytes(range(200))


async def test_what_costs_no_exchange_still_needs_a_session():
    transport = line(meter())
    async with PsemClient(transport) as client:
        assert isinstance(await client.read_table_offset(1, 0, 0), Err)
        assert isinstance(await client.write_table_offset(2099, 0, b""), Err)
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        assert await client.read_table_offset(1, 0, 0) == Ok(b"")


@pytest.mark.parametrize("seconds", [0, 256, -1])
async def test_a_wait_of_no_time_or_too_much_is_a_mistake_in_the_program(seconds):
    async with connected() as (client, _):
        with pytest.raises(ValueError, match="1 to 255"):
            await client.wait(seconds)


async def test_a_limit_whose_time_zone_tells_no_offset_is_a_mistake_in_the_program():
    class Nowhere(datetime):
        def utcoffset(self):
            return None

    async with connected() as (client, _):
        with pytest.raises(ValueError, match="aware"):
            client.load_profile(1, since=Nowhere(2026, 1, 1, tzinfo=UTC))
