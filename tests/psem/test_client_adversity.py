"""Octets nobody sent, and cancellation at every turn: a value or a typed Err, and nothing left behind."""

import asyncio
import random

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterkit.emulator import DEMO_MASTER_KEY, LoadProfileSetConfiguration
from meterkit.errors import ErrorKind, MeterError
from meterkit.options import PsemClientOptions
from meterkit.psem.client import PsemClient
from meterkit.psem.packet import encode_packet
from meterkit.psem.services import ServiceCode, checksum
from meterkit.result import Err, Ok
from meterkit.transport.base import Transport
from tests.psem.rig import line, meter
from tests.virtual_clock import VIRTUAL_CLOCK, VirtualClockLoop

SMALL = (LoadProfileSetConfiguration(interval_minutes=15, intervals=8, blocks=4, sources=(0, 1)),)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class MadMeter(Transport):
    """Opens a session properly, then answers table reads with whatever `answer` makes of them."""

    name = "mad meter"
    is_open = True

    def __init__(self, answer, *, noisy=True):
        super().__init__()
        self.answer, self.noisy = answer, noisy
        self.pending = b""
        self.toggle = 0x20
        self.closed = 0

    @property
    def is_noisy(self):
        return self.noisy

    async def open(self):
        self.toggle = 0x20

    async def close(self):
        self.closed += 1
        self.pending = b""

    async def send(self, octets):
        start = octets.find(0xEE)
        if start < 0:
            return
        code = octets[start + 6]
        greetings = {0x20: b"\0\0\1\0\0", 0x61: b"\0\x04\x00\x10\x06"}
        if code in (0x30, 0x3F):
            self.pending += self.answer(self, octets[start + 6 : -2])
        else:
            self.pending += self.packet(greetings.get(code, b"\0"))

    def packet(self, body):
        self.toggle ^= 0x20
        return b"\x06" + encode_packet(0, self.toggle, 0, body)

    async def receive(self, timeout):
        await asyncio.sleep(0 if self.pending else timeout)
        octets, self.pending = self.pending, b""
        return octets

    def discard(self):
        octets, self.pending = self.pending, b""
        return octets


def table(octets):
    return b"\0" + len(octets).to_bytes(2, "big") + octets + bytes([checksum(octets)])


async def use(transport):
    """Do what a user would, and insist that everything comes back as a Result in bounded time."""
    async with PsemClient(transport, PsemClientOptions(unknown_table_cap=5000)) as client:
        with anyio.fail_after(3600):
            greeted = await client.connect(b"key")
            results = [greeted, await client.read_table(1), await client.read_table(2200)]
            count = 0
            async for item in client.load_profile(1):
                results.append(item)
                count += 1
                if count > 50:
                    break
        for result in results:
            assert isinstance(result, Ok | Err)
            if isinstance(result, Err):
                assert isinstance(result.error, MeterError)
                assert result.error.message
                assert b"key".hex() not in str(result.error)
    assert transport.closed
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


def run(transport):
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(use(transport))


MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(st.binary(max_size=200), st.booleans())
def test_any_octets_in_place_of_an_answer(octets, noisy):
    run(MadMeter(lambda meter, request: octets, noisy=noisy))


@MANY
@given(st.binary(min_size=1, max_size=200))
def test_any_response_in_a_good_packet(body):
    run(MadMeter(lambda meter, request: meter.packet(body)))


@MANY
@given(st.lists(st.binary(max_size=120), min_size=1, max_size=12))
def test_any_tables_with_good_checksums(tables):
    turn = iter(range(10**9))
    run(MadMeter(lambda meter, request: meter.packet(table(tables[next(turn) % len(tables)]))))


@MANY
@given(st.integers(0, 2**64), st.integers(1, 40))
def test_a_real_meters_tables_with_some_octets_changed(seed, changes):
    luck = random.Random(seed)
    emulator = meter(load_profile=SMALL, max_packets=255)

    def answer(mad, request):
        emulator.process_request(b"\x20")
        emulator.process_request(b"\x50\x00\x02somebody  ")
        emulator.process_request(b"\x51" + DEMO_MASTER_KEY)
        response = bytearray(emulator.process_request(request))
        if response[0] == 0 and len(response) > 4:
            for _ in range(luck.randint(0, changes)):
                response[luck.randrange(3, len(response) - 1)] = luck.randrange(256)
            response[-1] = checksum(bytes(response[3:-1]))
        return mad.packet(bytes(response[:1016]))

    run(MadMeter(answer))


@pytest.mark.anyio
async def test_octets_that_drip_one_by_one_are_bounded_by_the_exchange_timeout():
    class Dripping(MadMeter):
        async def receive(self, timeout):
            if not self.pending:
                await asyncio.sleep(timeout)
                return b""
            await asyncio.sleep(0.4)
            octet, self.pending = self.pending[:1], self.pending[1:]
            return octet

    transport = Dripping(lambda meter, request: meter.packet(table(bytes(1000))))
    async with PsemClient(transport, PsemClientOptions(exchange_timeout=60.0, keep_alive=False)) as client:
        (await client.connect()).unwrap()
        begin = anyio.current_time()
        lost = await client.read_table(1)
        assert isinstance(lost, Err)
        assert lost.error.kind is ErrorKind.TIMEOUT
        assert anyio.current_time() - begin <= 61


class CancelAt:
    """Counts the loop turns of a call and cancels its scope at the n-th."""

    def __init__(self, turns):
        self.turns = turns
        self.scope = anyio.CancelScope()

    async def watch(self):
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.scope.cancel()


CALLS = {
    "connect": None,
    "read_table": lambda client: client.read_table(64),
    "write_table": lambda client: client.write_table_offset(2099, 1, b"\x3c\x00"),
    "procedure": lambda client: client.execute_standard_procedure(16),
    "profile": lambda client: client.load_profile(1).collect(),
    "disconnect": lambda client: client.disconnect(),
}


@pytest.mark.anyio
@pytest.mark.parametrize("call", CALLS)
async def test_cancelling_at_any_turn_leaves_a_session_that_is_whole_or_lost(call):
    finished = False
    runner = asyncio.all_tasks()
    for turns in range(1, 400):
        emulator = meter(load_profile=SMALL)
        transport = line(emulator)
        async with PsemClient(transport, PsemClientOptions(packet_size=64, max_packets=2)) as client:
            cancel = CancelAt(turns)
            if CALLS[call] is not None:
                (await client.connect(DEMO_MASTER_KEY)).unwrap()
            writes = transport.count(ServiceCode.WRITE_OFFSET)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancel.watch)
                with cancel.scope:
                    await (CALLS[call](client) if CALLS[call] else client.connect(DEMO_MASTER_KEY))
                    finished = True
                tasks.cancel_scope.cancel()
            assert transport.count(ServiceCode.WRITE_OFFSET) - writes <= 1
            assert not transport.lock.locked()
            if client.is_connected:
                assert (await client.read_table(1)).is_success
            else:
                assert isinstance(await client.read_table(1), Err)
                if call != "disconnect":
                    assert (await client.connect(DEMO_MASTER_KEY)).is_success
        assert not transport.is_open
        assert asyncio.all_tasks() == runner
        if finished:
            break
    assert finished
    print(f"{call}: cancelled at {turns - 1} turns")
