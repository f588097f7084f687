"""Two ends in memory, on a clock that jumps."""

import asyncio

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.octets import INBOX_LIMIT
from tests.virtual_clock import VIRTUAL_CLOCK, VirtualClockLoop

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def opened(**settings):
    a, b = LoopbackTransport.create_pair(**settings)
    await a.open()
    await b.open()
    return a, b


async def test_what_one_end_sends_the_other_receives_in_order():
    a, b = await opened()
    await a.send(b"one")
    await a.send(b"two")
    await b.send(b"three")
    assert await b.receive(1.0) == b"onetwo"
    assert await a.receive(1.0) == b"three"


async def test_silence_takes_virtual_time_only():
    a, _ = await opened()
    assert await a.receive(86400.0) == b""
    assert asyncio.get_running_loop().time() == pytest.approx(86400.0)


async def test_ends_have_names_and_say_what_they_are():
    a, b = LoopbackTransport.create_pair("bench", is_noisy=True, baud_rate=300)
    assert (a.name, b.name) == ("bench a", "bench b")
    assert a.is_noisy
    assert a.baud_rate == 300
    assert LoopbackTransport.create_pair()[0].baud_rate is None


async def test_the_speed_is_remembered_and_falls_back_on_opening():
    a, b = await opened(baud_rate=9600)
    await a.set_baud_rate(19200)
    assert (a.baud_rate, b.baud_rate) == (19200, 9600)
    await a.close()
    await a.open()
    assert a.baud_rate == 9600


async def test_setting_a_speed_on_a_line_without_one_does_nothing():
    a, _ = await opened()
    await a.set_baud_rate(19200)
    assert a.baud_rate is None


async def test_closing_lets_the_other_end_receive_what_is_left_and_then_tells():
    a, b = await opened()
    await a.send(b"last")
    await a.close()
    assert not b.is_open
    assert await b.receive(1.0) == b"last"
    with pytest.raises(ProtocolFault, match="loopback b: the other end closed") as caught:
        await b.receive(1.0)
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    with pytest.raises(ProtocolFault, match="the other end closed"):
        await b.send(b"x")


async def test_closing_wakes_whoever_receives_on_either_end():
    a, b = await opened()
    waits = [asyncio.create_task(end.receive(60.0)) for end in (a, b)]
    await asyncio.sleep(0)
    await a.close()
    for wait in waits:
        with pytest.raises(ProtocolFault, match="closed"):
            await wait


async def test_a_line_can_be_opened_again_and_starts_empty():
    a, b = await opened()
    await b.send(b"stale")
    await a.close()
    await a.close()
    await b.close()
    await a.open()
    await b.open()
    assert await a.receive(0.1) == b""
    await a.send(b"new")
    assert await b.receive(0.1) == b"new"


async def test_an_end_not_yet_open_finds_what_was_sent_to_it():
    a, b = LoopbackTransport.create_pair()
    await a.open()
    await a.send(b"early")
    await b.open()
    assert await b.receive(1.0) == b"early"


@pytest.mark.parametrize("verb", ["send", "receive", "set_baud_rate"])
async def test_every_verb_refuses_while_not_open(verb):
    a, _ = LoopbackTransport.create_pair(baud_rate=9600)
    argument = {"send": b"x", "receive": 1.0, "set_baud_rate": 1200}[verb]
    for _ in range(2):
        with pytest.raises(ProtocolFault, match="not open"):
            await getattr(a, verb)(argument)
        await a.open()
        await a.close()


async def test_a_full_inbox_holds_the_sender_back_until_it_is_received():
    a, b = await opened()
    await a.send(bytes(INBOX_LIMIT))
    sending = asyncio.create_task(a.send(b"more"))
    await asyncio.sleep(0)
    assert not sending.done()
    assert len(await b.receive(1.0)) == INBOX_LIMIT
    await sending
    assert b.discard() == b"more"


async def test_a_cancelled_receive_loses_nothing():
    a, b = await opened()
    with anyio.move_on_after(1.0):
        await b.receive(10.0)
    await a.send(b"x")
    assert await b.receive(1.0) == b"x"


async def test_discard_returns_what_it_throws_away():
    a, b = await opened()
    await a.send(b"stale")
    assert b.discard() == b"stale"
    assert b.discard() == b""


async def test_no_task_is_ever_made():
    a, b = await opened()
    before = asyncio.all_tasks()
    await a.send(b"x")
    await b.receive(1.0)
    await a.receive(1.0)
    await a.close()
    assert asyncio.all_tasks() == before


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=20)), max_size=30))
def test_any_talk_arrives_whole_and_in_order(talk):
    async def run():
        a, b = await opened()
        for from_a, octets in talk:
            await (a if from_a else b).send(octets)
        assert b.discard() == b"".join(octets for from_a, octets in talk if from_a)
        assert a.discard() == b"".join(octets for from_a, octets in talk if not from_a)

    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        runner.run(run())


async def test_an_end_that_broke_does_not_break_the_other_again_when_it_closes():
    a, b = await opened()
    await a.close()
    await a.open()
    await b.close()
    await b.open()
    await a.send(b"x")
    assert await b.receive(1.0) == b"x"
