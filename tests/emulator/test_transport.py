"""The emulator as a Transport in memory, on a clock that jumps."""

import asyncio
from datetime import UTC, datetime

import pytest

from meterkit.codec.crc import crc16_wire
from meterkit.emulator import (
    EmulatorConfiguration,
    EmulatorState,
    EmulatorTransport,
    LoadProfileSetConfiguration,
    MeterEmulator,
)
from meterkit.errors import ErrorKind, ProtocolFault
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

IDENTIFY = bytes.fromhex("ee0000000001201310")
IDENTIFIED = bytes.fromhex("ee00000000050000010000c6b5")
NEGOTIATE_115200 = bytes.fromhex("ee0020000005610200040c")  # without its CRC


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def make_transport(baud_rate=None, **changes):
    configuration = EmulatorConfiguration(
        load_profile=(LoadProfileSetConfiguration(intervals=8, blocks=2),), **changes
    )
    emulator = MeterEmulator(configuration, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))
    return EmulatorTransport(emulator, baud_rate=baud_rate)


async def test_the_answer_is_there_when_send_returns():
    async with make_transport() as line:
        await line.send(IDENTIFY)
        assert await line.receive(0.0) == b"\x06" + IDENTIFIED
        assert (line.sent, line.received) == (9, 14)


async def test_nothing_to_receive_takes_the_whole_timeout_and_no_real_time():
    async with make_transport() as line:
        begin = asyncio.get_running_loop().time()
        assert await line.receive(3600.0) == b""
        assert asyncio.get_running_loop().time() - begin == pytest.approx(3600.0)


async def test_the_meters_retransmission_ends_the_wait():
    async with make_transport() as line:
        await line.send(IDENTIFY)
        await line.receive(1.0)
        begin = asyncio.get_running_loop().time()
        assert await line.receive(10.0) == IDENTIFIED
        assert asyncio.get_running_loop().time() - begin == pytest.approx(2.0)


async def test_the_session_ends_while_nobody_looks():
    async with make_transport() as line:
        await line.send(IDENTIFY)
        await line.send(b"\x06")
        assert line.session.state is EmulatorState.IDENTIFIED
        await asyncio.sleep(60)
        line.discard()
        await line.send(b"\x06")
        assert line.session.state is EmulatorState.IDLE


async def test_a_waiting_receive_is_woken_by_a_send_of_another_task():
    async with make_transport() as line:
        waiting = asyncio.ensure_future(line.receive(100.0))
        await asyncio.sleep(1)
        await line.send(IDENTIFY)
        assert await waiting == b"\x06" + IDENTIFIED
        assert asyncio.get_running_loop().time() == pytest.approx(1.0)


async def test_a_cancelled_receive_loses_nothing():
    async with make_transport() as line:
        waiting = asyncio.ensure_future(line.receive(100.0))
        await asyncio.sleep(0)
        waiting.cancel()
        await line.send(IDENTIFY)
        assert await line.receive(0.0) == b"\x06" + IDENTIFIED


async def test_a_closed_line_says_so():
    line = make_transport()
    assert not line.is_open
    with pytest.raises(ProtocolFault, match="emulator 2026000000000001: the line is not open") as caught:
        await line.send(IDENTIFY)
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    await line.close()
    await line.open()
    await line.open()
    assert line.is_open
    await line.close()
    await line.close()
    with pytest.raises(ProtocolFault):
        await line.receive(1.0)


async def test_closing_wakes_a_waiting_receive():
    line = make_transport()
    await line.open()
    waiting = asyncio.ensure_future(line.receive(100.0))
    await asyncio.sleep(1)
    await line.close()
    with pytest.raises(ProtocolFault):
        await waiting


async def test_a_line_opened_again_begins_in_base():
    line = make_transport()
    await line.open()
    await line.send(IDENTIFY)
    await line.close()
    await line.open()
    assert line.session.state is EmulatorState.IDLE
    assert await line.receive(0.0) == b""
    await line.close()


async def test_a_meter_that_hangs_up_is_noticed_after_its_last_octets():
    async with make_transport() as line:
        line.emulator.faults.hang_up_after = 0
        await line.send(IDENTIFY)
        assert not line.is_open
        with pytest.raises(ProtocolFault, match="the meter hung up"):
            await line.receive(1.0)
        await line.open()
        assert line.is_open


async def test_two_lines_to_one_meter_have_their_own_sessions():
    first = make_transport()
    second = EmulatorTransport(first.emulator)
    async with first, second:
        await first.send(IDENTIFY)
        assert first.session.state is EmulatorState.IDENTIFIED
        assert second.session.state is EmulatorState.IDLE
        assert await second.receive(0.0) == b""


async def test_octets_at_another_speed_are_lost_both_ways():
    async with make_transport(baud_rate=9600) as line:
        assert line.baud_rate == 9600
        await line.send(IDENTIFY)
        await line.receive(0.0)
        await line.send(b"\x06" + NEGOTIATE_115200 + crc16_wire(NEGOTIATE_115200))
        assert (await line.receive(0.0))[7:12].hex() == "000200040c"
        await line.send(b"\x06")
        await line.send(IDENTIFY)  # the meter now listens at 115200
        assert await line.receive(1.0) == b""
        await line.set_baud_rate(115200)
        await line.send(IDENTIFY)
        assert await line.receive(0.0) == b"\x06" + bytes.fromhex("ee00000000050000010000c6b5")
        await line.set_baud_rate(9600)
        assert await line.receive(20.0) == b""  # the meter has given up and come back to 9600
        await line.send(IDENTIFY)
        assert (await line.receive(0.0))[:1] == b"\x06"


async def test_a_line_without_a_speed_has_none_to_set():
    async with make_transport() as line:
        await line.set_baud_rate(115200)
        assert line.baud_rate is None


async def test_no_task_is_left_behind():
    tasks = asyncio.all_tasks()
    async with make_transport() as line:
        await line.send(IDENTIFY)
        await line.receive(0.0)
        await line.receive(0.5)
    assert asyncio.all_tasks() == tasks
