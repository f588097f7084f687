"""A bad line around a good one, on a clock that jumps."""

import asyncio

import pytest

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.testing import (
    Bandwidth,
    Drop,
    FaultTransport,
    Flip,
    Latency,
    LimitData,
    ResetPeer,
    Timeout,
    Way,
)
from meterkit.testing.virtual_clock import VIRTUAL_CLOCK
from meterkit.transport.loopback import LoopbackTransport

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def lines(*faults, seed=0):
    """Return a bad line and its other end, both open."""
    a, b = LoopbackTransport.create_pair(is_noisy=True, baud_rate=300)
    line = FaultTransport(a, faults, seed=seed)
    await line.open()
    await b.open()
    return line, b


async def test_a_line_without_faults_is_its_inner_one():
    line, end = await lines()
    await line.send(b"there")
    assert await end.receive(1.0) == b"there"
    await end.send(b"back")
    assert await line.receive(1.0) == b"back"
    assert (line.name, line.is_noisy, line.baud_rate) == ("loopback a", True, 300)
    assert line.lock is line.inner.lock
    began = asyncio.get_running_loop().time()
    assert await line.receive(2.0) == b""
    assert asyncio.get_running_loop().time() - began == pytest.approx(2.0)


async def test_each_way_has_its_own_faults():
    line, end = await lines(Drop(at=0, way=Way.TO_METER), Flip(at=0, bit=0, way=Way.FROM_METER))
    await line.send(b"there")
    await end.send(b"back")
    assert await end.receive(1.0) == b"here"
    assert await line.receive(1.0) == b"cack"


async def test_what_is_late_comes_while_somebody_waits():
    line, end = await lines(Latency(1.0))
    loop = asyncio.get_running_loop()
    await line.send(b"ask")
    assert await end.receive(0.0) == b""
    assert await line.receive(1.5) == b""
    assert await end.receive(0.0) == b"ask"
    await end.send(b"answer")
    assert await line.receive(0.2) == b""
    assert await line.receive(5.0) == b"answer"
    assert loop.time() == pytest.approx(2.5)


async def test_a_line_that_broke_says_why_and_with_which_seed_until_it_is_opened_again():
    line, end = await lines(ResetPeer(at=3, way=Way.TO_METER), seed=42)
    await line.send(b"abcdef")
    assert await end.receive(0.0) == b"abc"
    with pytest.raises(ProtocolFault) as broken:
        await line.receive(1.0)
    assert broken.value.error.kind is ErrorKind.TRANSPORT
    assert "ResetPeer" in str(broken.value)
    assert "seed 42" in str(broken.value)
    assert not line.is_open
    assert not line.inner.is_open
    with pytest.raises(ProtocolFault):
        await line.send(b"x")
    await line.open()
    assert line.is_open


async def test_what_came_before_the_break_still_arrives():
    line, end = await lines(LimitData(4, way=Way.FROM_METER))
    await end.send(b"abcdef")
    assert await line.receive(1.0) == b"abcd"
    with pytest.raises(ProtocolFault):
        await line.receive(1.0)


async def test_a_line_that_stalls_breaks_when_its_time_has_come():
    line, end = await lines(Timeout(3.0, at=2, way=Way.FROM_METER))
    await end.send(b"abcdef")
    assert await line.receive(1.0) == b"ab"
    assert await line.receive(1.0) == b""
    with pytest.raises(ProtocolFault):
        await line.receive(10.0)
    assert asyncio.get_running_loop().time() == pytest.approx(3.0)


async def test_the_other_end_closing_is_heard_behind_what_is_still_coming():
    line, end = await lines(Latency(1.0, way=Way.FROM_METER))
    await end.send(b"last words")
    await end.close()
    assert await line.receive(5.0) == b"last words"
    with pytest.raises(ProtocolFault):
        await line.receive(5.0)
    assert not line.is_open


async def test_discard_takes_what_has_come_through_and_leaves_what_is_late():
    line, end = await lines(Latency(1.0, at=3, way=Way.FROM_METER))
    await end.send(b"abcdef")
    assert line.discard() == b"abc"
    assert await line.receive(2.0) == b"def"


async def test_the_speed_changes_once_what_was_sent_has_left():
    line, end = await lines(Bandwidth(10, way=Way.TO_METER))
    await line.send(bytes(20))
    await line.set_baud_rate(9600)
    assert asyncio.get_running_loop().time() == pytest.approx(2.0)
    assert line.baud_rate == 9600
    assert await end.receive(0.0) == bytes(20)


async def test_it_tells_what_it_is():
    line, _ = await lines(Drop(at=3), seed=9)
    assert "Drop" in repr(line)
    assert "seed=9" in repr(line)


async def test_a_cancelled_receive_loses_nothing():
    line, end = await lines(Latency(1.0))
    waiting = asyncio.create_task(line.receive(10.0))
    await asyncio.sleep(0.5)
    await end.send(b"octets")
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await line.receive(5.0) == b"octets"


async def test_a_line_is_given_other_faults_and_none():
    line, end = await lines(Drop(at=0, way=Way.TO_METER))
    line.use([Flip(at=1, bit=0, way=Way.TO_METER)])
    await line.send(b"ab")
    assert await end.receive(0.0) == b"ac"
    line.use([])
    await line.send(b"ab")
    assert await end.receive(0.0) == b"ab"
    assert line.faults == ()
