"""Tables over a session: whole and in pieces, typed, written, streamed; procedures."""

import anyio
import pytest

from meterkit.emulator import DEMO_MASTER_KEY, DEMO_READ_KEY, EmulatorFaults, ProcedureOutcome
from meterkit.errors import ErrorKind, MeterFailure
from meterkit.psem.client import PsemClient
from meterkit.psem.procedures import ProcedureResult
from meterkit.psem.services import ResponseCode, ServiceCode
from meterkit.psem.tables import ActLp, GenConfig, GeneralMfgId, LpDataSet1, LpStatus, TableData
from meterkit.result import Err, Ok
from tests.psem.rig import connected, line, meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

LARGE = 2200  # MT152: a number the emulator leaves free
OCTETS = bytes(range(256)) * 24


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def meter_with_large_table(size=None, **configuration):
    emulator = meter(**configuration)
    emulator.tables.write_table(LARGE, OCTETS[:size])
    return emulator


async def test_a_table_that_fits_costs_one_exchange():
    async with connected(meter_with_large_table()) as (client, transport):
        before = len(transport.requests)
        table = (await client.read_table(LARGE)).unwrap()
        assert table == TableData(LARGE, OCTETS)
        assert table.display_name == "MT152"
        assert len(transport.requests) - before == 1


@pytest.mark.parametrize("past_the_end", ["zeros", "onp"])
async def test_a_refused_full_read_falls_back_to_offsets_and_the_layout_tells_the_size(past_the_end):
    emulator = meter(read_past_end=past_the_end)
    whole = emulator.tables[64]
    async with connected(emulator, packet_size=64, max_packets=1) as (client, transport):
        read = (await client.read_table(64)).unwrap()
        assert read.data == whole
        assert transport.count(ServiceCode.READ_FULL) >= 1
        seen = []
        again = (
            await client.read_table(64, progress=lambda done, total: seen.append((done, total)))
        ).unwrap()
        assert again.data == whole
        assert seen[-1] == (len(whole), len(whole))
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)


async def test_a_table_known_to_be_too_large_is_not_asked_for_whole():
    emulator = meter(packet_size=256, max_packets=2)
    async with connected(emulator) as (client, transport):
        (await client.read_table(64)).unwrap()
        before = transport.count(ServiceCode.READ_FULL)
        (await client.read_table(64)).unwrap()
        assert transport.count(ServiceCode.READ_FULL) == before


async def test_a_table_of_unknown_size_is_read_until_the_meter_refuses():
    emulator = meter_with_large_table(
        packet_size=128, max_packets=1, read_past_end="onp", truncate_reads=True
    )
    async with connected(emulator) as (client, _):
        assert (await client.read_table(LARGE)).unwrap().data == OCTETS


async def test_a_table_of_unknown_size_on_a_meter_that_pads_with_zeros_ends_at_the_cap():
    emulator = meter_with_large_table(300, packet_size=128, max_packets=1)
    async with connected(emulator, unknown_table_cap=1000) as (client, _):
        assert (await client.read_table(LARGE)).unwrap().data == OCTETS[:300] + bytes(700)


async def test_a_missing_table_is_a_refusal_that_says_so_whatever_way_it_was_asked_for():
    async with connected() as (client, _):
        refused = await client.read_table(999)
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.REFUSED
        assert refused.error.code == ResponseCode.INAPPROPRIATE_ACTION_REQUESTED
        assert str(refused.error) == (
            "read ST999: the meter refused: inappropriate action requested (IAR, 0x05); "
            "no such table in this meter [refused]"
        )


async def test_offset_reads_are_split_to_what_was_negotiated_and_joined():
    emulator = meter_with_large_table(packet_size=64, max_packets=1)
    async with connected(emulator) as (client, transport):
        before = transport.count(ServiceCode.READ_OFFSET)
        assert (await client.read_table_offset(LARGE, offset=7, count=200)).unwrap() == OCTETS[7:207]
        assert transport.count(ServiceCode.READ_OFFSET) - before == 4  # 52 octets a piece


async def test_an_offset_read_that_ends_with_the_table_brings_what_there_is():
    emulator = meter_with_large_table(100, packet_size=64, max_packets=1, read_past_end="onp")
    async with connected(emulator) as (client, _):
        assert (await client.read_table_offset(LARGE, offset=0, count=500)).unwrap() == OCTETS[:100]


@pytest.mark.parametrize(("offset", "count"), [(-1, 4), (0, -1), (0xFFFFFF, 2)])
async def test_offsets_outside_24_bits_are_a_mistake_in_the_program(offset, count):
    async with connected() as (client, _):
        with pytest.raises(ValueError, match=r"offset|count"):
            await client.read_table_offset(1, offset, count)


async def test_a_typed_read_fetches_the_tables_it_needs_once_a_session():
    async with connected() as (client, transport):
        first = (await client.read(LpStatus)).unwrap()
        reads = transport.count(ServiceCode.READ_FULL)
        assert (await client.read(LpStatus)).unwrap() == first
        assert transport.count(ServiceCode.READ_FULL) == reads + 1
        assert (await client.read(GeneralMfgId)).unwrap().manufacturer == "NES"
        await client.disconnect()
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        before = transport.count(ServiceCode.READ_FULL)
        (await client.read(LpStatus)).unwrap()
        assert transport.count(ServiceCode.READ_FULL) - before == 3  # ST0, ST61, ST63


async def test_a_whole_load_profile_table_can_be_read_typed():
    async with connected() as (client, _):
        data = (await client.read(LpDataSet1)).unwrap()
        actual = (await client.read(ActLp)).unwrap()
        assert len(data.blocks) == actual.sets[0].nbr_blks
        assert len(data.blocks[0].lp_int) == actual.sets[0].nbr_blk_ints


async def test_a_table_shorter_than_its_declaration_is_a_decode_error_with_its_field():
    emulator = meter()
    emulator.tables.write_table(1, b"NES EMULATOR\x31")
    async with connected(emulator) as (client, _):
        misfit = await client.read(GeneralMfgId)
        assert isinstance(misfit, Err)
        assert misfit.error.kind is ErrorKind.DECODE
        assert "13 " in misfit.error.message
        assert "hw_revision_number" in str(misfit.error)
        assert client.is_connected


async def test_a_big_endian_meter_is_read_in_its_own_order():
    async with connected(meter(byte_order="big")) as (client, _):
        config = (await client.read(GenConfig)).unwrap()
        assert config.is_big_endian
        assert (await client.read(ActLp)).unwrap().sets[0].nbr_blk_ints == 96
        assert (await client.execute_standard_procedure(16)).unwrap().result is ProcedureResult.COMPLETED


async def test_busy_is_an_error_at_once_unless_patience_was_asked_for():
    emulator = meter()
    async with connected(emulator) as (client, _):
        emulator.faults.busy = 1
        refused = await client.read_table(1)
        assert isinstance(refused, Err)
        assert refused.error.code == ResponseCode.DEVICE_BUSY
        assert (await client.read_table(1)).is_success
    async with connected(emulator, retry_busy=5, retry_busy_delay=3.0) as (client, _):
        emulator.faults.busy, emulator.faults.not_ready = 2, 1
        begin = anyio.current_time()
        assert (await client.read_table(1)).is_success
        assert anyio.current_time() - begin == pytest.approx(9.0)


async def test_a_busy_meter_is_never_written_to_twice():
    emulator = meter_with_large_table(4)
    async with connected(emulator, retry_busy=5) as (client, transport):
        emulator.faults.busy = 1
        refused = await client.write_table(LARGE, b"1234")
        assert isinstance(refused, Err)
        assert refused.error.code == ResponseCode.DEVICE_BUSY
        assert transport.count(ServiceCode.WRITE_FULL) == 1


async def test_a_write_whose_answer_never_comes_is_not_repeated():
    emulator = meter_with_large_table(4)
    async with connected(emulator) as (client, transport):
        emulator.faults.unanswered = 1
        lost = await client.write_table(LARGE, b"once")
        assert isinstance(lost, Err)
        assert lost.error.kind is ErrorKind.TIMEOUT
        assert "acknowledged" in lost.error.message
        assert transport.count(ServiceCode.WRITE_FULL) == 1
        assert emulator.tables[LARGE] == b"once"


async def test_a_table_is_written_whole_and_by_offset():
    emulator = meter_with_large_table(64)
    async with connected(emulator) as (client, _):
        assert await client.write_table(LARGE, bytes(64)) == Ok(None)
        assert await client.write_table_offset(LARGE, offset=4, data=b"\xaa\xbb") == Ok(None)
        assert emulator.tables[LARGE] == bytes(4) + b"\xaa\xbb" + bytes(58)


async def test_a_long_write_is_split_to_fit_and_a_failure_says_how_far_it_came():
    emulator = meter_with_large_table(200, packet_size=64, max_packets=1)
    async with connected(emulator) as (client, transport):
        assert (await client.write_table(LARGE, OCTETS[56:256])).is_success
        assert emulator.tables[LARGE] == OCTETS[56:256]
        assert transport.count(ServiceCode.WRITE_OFFSET) == 5  # 47 octets a piece
        transport.session.services.process = _refuse_the_second_write(transport.session.services.process)
        failed = await client.write_table(LARGE, bytes(200))
        assert isinstance(failed, Err)
        assert str(failed.error).startswith("after 47 of 200 octets were written: write MT152 offset 47")


def _refuse_the_second_write(serve):
    writes = []

    def process(request):
        if request[0] == ServiceCode.WRITE_OFFSET:
            writes.append(request)
            if len(writes) == 2:
                return bytes([ResponseCode.DATA_LOCKED])
        return serve(request)

    return process


async def test_table_7_is_never_written_in_part():
    async with connected(packet_size=64, max_packets=1) as (client, transport):
        part = await client.write_table_offset(7, 0, b"\0")
        assert isinstance(part, Err)
        assert part.error.kind is ErrorKind.STATE
        long = await client.execute_standard_procedure(3, bytes(100))
        assert isinstance(long, Err)
        assert "never split" in long.error.message
        assert not transport.count(ServiceCode.WRITE_OFFSET) + transport.count(ServiceCode.WRITE_FULL)


async def test_the_read_only_key_may_not_write():
    async with connected(key=DEMO_READ_KEY) as (client, _):
        refused = await client.write_table(2099, bytes(8))
        assert isinstance(refused, Err)
        assert refused.error.kind is ErrorKind.SECURITY


async def test_streaming_a_table_brings_its_chunks_in_order_and_ends():
    async with connected(meter_with_large_table(1000)) as (client, _):
        stream = client.stream_table(LARGE, chunk_size=64, total_size=1000)
        chunks = [chunk.unwrap() async for chunk in stream]
        assert [len(chunk) for chunk in chunks] == [64] * 15 + [40]
        assert b"".join(chunks) == OCTETS[:1000]
        assert stream.position == 1000
        values = [chunk async for chunk in client.stream_table(LARGE, 500, 1000).values()]
        assert b"".join(values) == OCTETS[:1000]


async def test_a_stream_without_a_total_ends_where_the_meter_refuses():
    emulator = meter_with_large_table(1000, read_past_end="onp")
    async with connected(emulator) as (client, _):
        for chunk_size in (100, 77, 999):
            collected = (await client.stream_table(LARGE, chunk_size).collect()).unwrap()
            assert b"".join(collected) == OCTETS[:1000]


async def test_a_stream_ends_with_its_first_error_and_its_values_raise_it():
    async with connected() as (client, _):
        items = [item async for item in client.stream_table(999, 64, 640)]
        assert len(items) == 1
        assert isinstance(items[0], Err)
        with pytest.raises(MeterFailure, match="no such table"):
            async for _ in client.stream_table(999, 64, 640).values():
                pass
        assert isinstance(await client.stream_table(999, 64, 640).collect(), Err)


async def test_leaving_a_stream_leaves_the_session_usable():
    async with connected(meter_with_large_table(1000)) as (client, _):
        async for chunk in client.stream_table(LARGE, 64, 1000):
            assert chunk.is_success
            break
        assert (await client.read_table(1)).is_success


async def test_a_wrong_checksum_ends_the_session_with_both_checksums_named():
    emulator = meter()
    async with connected(emulator) as (client, _):
        emulator.faults.wrong_checksums = 1
        wrong = await client.read_table(1)
        assert isinstance(wrong, Err)
        assert wrong.error.kind is ErrorKind.PROTOCOL
        assert "checksum" in wrong.error.message
        assert not client.is_connected


async def test_a_procedure_is_polled_until_it_is_done_and_its_sequence_number_changes():
    emulator = meter(procedure_polls=2)
    async with connected(emulator) as (client, transport):
        begin = anyio.current_time()
        done = (await client.execute_standard_procedure(11)).unwrap()
        assert done.result is ProcedureResult.COMPLETED
        assert anyio.current_time() - begin == pytest.approx(1.0)
        (await client.execute_standard_procedure(11)).unwrap()
        started = [request[7:8] for _, request in transport.requests if request[:3] == b"\x40\x00\x07"]
        assert len(set(started)) == 2


async def test_a_procedure_that_fails_is_a_success_with_its_result():
    async with connected() as (client, _):
        unknown = (await client.execute_standard_procedure(31)).unwrap()
        assert unknown.result is ProcedureResult.UNRECOGNIZED


async def test_a_procedure_that_never_finishes_is_an_error_that_says_what_table_8_held():
    async with connected(meter(procedure_polls=1000), procedure_polls=5) as (client, _):
        waiting = await client.execute_standard_procedure(11)
        assert isinstance(waiting, Err)
        assert waiting.error.kind is ErrorKind.PROCEDURE
        assert waiting.error.code == ProcedureResult.ACCEPTED_NOT_COMPLETE
        assert "after 5 reads" in waiting.error.message


async def test_a_manufacturer_procedure_is_sent_with_its_bit_in_the_meters_octet_order():
    emulator = meter()
    emulator.procedures[True, 67] = lambda meter, octets: ProcedureOutcome(ProcedureResult.COMPLETED, b"\x07")
    async with connected(emulator) as (client, transport):
        done = (await client.execute_manufacturer_procedure(67, b"\x01\x00")).unwrap()
        assert (done.result, done.data) == (ProcedureResult.COMPLETED, b"\x07")
        start = next(request for _, request in transport.requests if request[:3] == b"\x40\x00\x07")
        assert start[5:7] == b"\x43\x08"


async def test_two_procedures_at_once_take_turns():
    async with connected(meter(procedure_polls=2)) as (client, _):
        results = []

        async def run(number):
            results.append((await client.execute_standard_procedure(number)).unwrap())

        async with anyio.create_task_group() as tasks:
            for number in (11, 16, 11):
                tasks.start_soon(run, number)
        assert [done.result for done in results] == [ProcedureResult.COMPLETED] * 3


async def test_many_tasks_may_share_one_client():
    async with connected(meter_with_large_table(1000)) as (client, _):

        async def read(offset):
            octets = (await client.read_table_offset(LARGE, offset, 50)).unwrap()
            assert octets == OCTETS[offset : offset + 50]

        async with anyio.create_task_group() as tasks:
            for offset in range(0, 950, 50):
                tasks.start_soon(read, offset)


@pytest.mark.parametrize(
    "faults",
    [
        {"nak_packets": 3},
        {"ignore_packets": 2},
        {"corrupt_packets": 3},
        {"drop_packets": 3},
        {"duplicate_packets": 3},
        {"noise": b"\x00\x55\xff"},
    ],
)
async def test_a_bad_line_is_no_obstacle_as_long_as_one_try_comes_through(faults):
    emulator = meter()
    transport = line(emulator, is_noisy=True)
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        for name, value in faults.items():
            setattr(emulator.faults, name, value)
        assert (await client.read_table(1)).is_success
        assert (await client.read_table(1)).is_success


async def test_a_line_that_stays_bad_is_told_with_the_reason_of_every_try():
    emulator = meter(faults=EmulatorFaults())
    transport = line(emulator, is_noisy=True)
    async with PsemClient(transport) as client:
        (await client.connect(DEMO_MASTER_KEY)).unwrap()
        emulator.faults.corrupt_packets = 99
        bad = await client.read_table(1)
        assert isinstance(bad, Err)
        assert bad.error.kind is ErrorKind.CRC
        assert "crc" in bad.error.message.lower()
        assert transport.closed == 1
