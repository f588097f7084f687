"""The pull protocol, fed by hand over an asyncio transport that only takes notes."""

import asyncio

import pytest

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.transport.holding import HOLD_TIME
from meterkit.transport.octets import INBOX_LIMIT, OctetProtocol
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class NotedTransport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.writes = []
        self.paused = 0
        self.resumed = 0

    def write(self, data):
        self.writes.append(bytes(data))

    def pause_reading(self):
        self.paused += 1

    def resume_reading(self):
        self.resumed += 1


def words(error):
    return f"broke: {error}" if error else "closed by the meter"


async def connected(*, echo=False):
    protocol, transport = OctetProtocol("line 1", words, echo=echo), NotedTransport()
    protocol.connection_made(transport)
    return protocol, transport


def timers():
    return [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]


async def turn():
    await asyncio.sleep(0)


async def test_octets_that_came_before_are_returned_at_once():
    protocol, _ = await connected()
    protocol.data_received(b"ab")
    protocol.data_received(b"c")
    assert await protocol.receive(2.0) == b"abc"


async def test_a_waiting_receive_wakes_with_what_comes():
    protocol, _ = await connected()
    waiting = asyncio.create_task(protocol.receive(2.0))
    await turn()
    protocol.data_received(b"\x06")
    assert await waiting == b"\x06"


async def test_silence_gives_no_octets_after_exactly_the_timeout():
    protocol, _ = await connected()
    loop = asyncio.get_running_loop()
    for timeout in (2.0, 6.0, 0.5, 0.5, 7.25, 0.001):
        began = loop.time()
        assert await protocol.receive(timeout) == b""
        assert loop.time() - began == pytest.approx(timeout, abs=1e-5)


async def test_a_timeout_of_nothing_only_looks():
    protocol, _ = await connected()
    assert await protocol.receive(0) == b""
    assert await protocol.receive(-1) == b""
    protocol.data_received(b"x")
    assert await protocol.receive(0) == b"x"


async def test_an_endless_timeout_waits_without_a_timer():
    protocol, _ = await connected()
    waiting = asyncio.create_task(protocol.receive(float("inf")))
    await turn()
    assert timers() == []
    protocol.data_received(b"x")
    assert await waiting == b"x"


async def test_a_thousand_answered_receives_share_one_timer():
    protocol, _ = await connected()
    for index in range(1000):
        waiting = asyncio.create_task(protocol.receive((2.0, 6.0, 0.5)[index % 3]))
        await turn()
        assert len(timers()) <= 1
        protocol.data_received(b"x")
        await waiting
    assert len(timers()) <= 1


async def test_a_timer_left_from_an_earlier_wait_does_not_end_a_later_one():
    protocol, _ = await connected()
    loop = asyncio.get_running_loop()
    loop.call_later(0.9, protocol.data_received, b"x")
    assert await protocol.receive(1.0) == b"x"
    began = loop.time()
    assert await protocol.receive(5.0) == b""
    assert loop.time() - began == pytest.approx(5.0, abs=1e-5)


async def test_the_end_of_the_connection_leaves_no_timer():
    protocol, _ = await connected()
    waiting = asyncio.create_task(protocol.receive(60.0))
    await turn()
    protocol.connection_lost(None)
    with pytest.raises(ProtocolFault):
        await waiting
    assert timers() == []


async def test_a_cancelled_receive_loses_nothing():
    protocol, _ = await connected()
    waiting = asyncio.create_task(protocol.receive(2.0))
    await turn()
    protocol.data_received(b"abc")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await protocol.receive(2.0) == b"abc"


async def test_two_receivers_at_once_are_a_mistake():
    protocol, _ = await connected()
    waiting = asyncio.create_task(protocol.receive(2.0))
    await turn()
    with pytest.raises(RuntimeError, match=r"transport\.lock"):
        await protocol.receive(2.0)
    protocol.data_received(b"x")
    assert await waiting == b"x"


@pytest.mark.parametrize("error", [None, ConnectionResetError("reset")])
async def test_octets_that_came_before_the_end_are_returned_before_its_error(error):
    protocol, _ = await connected()
    protocol.data_received(b"last")
    if error is None:
        protocol.eof_received()
    protocol.connection_lost(error)
    assert not protocol.is_alive
    assert await protocol.receive(2.0) == b"last"
    for _ in range(2):
        with pytest.raises(ProtocolFault) as caught:
            await protocol.receive(2.0)
        assert caught.value.error.kind is ErrorKind.TRANSPORT
        assert caught.value.error.message == f"line 1: {words(error)}"


async def test_what_is_sent_is_written_at_once():
    protocol, transport = await connected()
    await protocol.send(b"\xee\x00")
    assert transport.writes == [b"\xee\x00"]


async def test_what_is_held_leaves_in_one_write_with_what_is_sent_next():
    protocol, transport = await connected()
    protocol.hold(b"\x06")
    assert transport.writes == []
    await protocol.send(b"\xee\x00")
    assert transport.writes == [b"\x06\xee\x00"]


async def test_what_is_held_leaves_before_receive_waits():
    protocol, transport = await connected()
    protocol.hold(b"\x06")
    waiting = asyncio.create_task(protocol.receive(1.0))
    await turn()
    assert transport.writes == [b"\x06"]
    protocol.data_received(b"x")
    await waiting


async def test_what_is_held_leaves_even_when_octets_are_already_there():
    protocol, transport = await connected()
    protocol.data_received(b"x")
    protocol.hold(b"\x06")
    assert await protocol.receive(1.0) == b"x"
    assert transport.writes == [b"\x06"]


async def test_what_is_held_leaves_by_itself_after_twice_the_hold_time_at_most():
    protocol, transport = await connected()
    protocol.hold(b"\x06")
    await asyncio.sleep(2 * HOLD_TIME)
    await turn()
    assert transport.writes == [b"\x06"]
    assert timers() == []


async def test_one_timer_serves_all_that_is_held_while_exchanges_follow_each_other():
    protocol, transport = await connected()
    for _ in range(10):
        protocol.hold(b"\x06")
        assert len(timers()) == 1
        await protocol.send(b"\xee")
    await asyncio.sleep(2 * HOLD_TIME)
    assert transport.writes == [b"\x06\xee"] * 10
    assert timers() == []


async def test_a_full_line_holds_senders_back_and_a_cancelled_one_queued_nothing():
    protocol, transport = await connected()
    protocol.pause_writing()
    first, second = asyncio.create_task(protocol.send(b"1")), asyncio.create_task(protocol.send(b"2"))
    await turn()
    first.cancel()
    await turn()
    assert transport.writes == []
    protocol.resume_writing()
    await second
    await turn()
    assert transport.writes == [b"2"]


async def test_the_end_of_the_line_wakes_whoever_is_held_back():
    protocol, _ = await connected()
    protocol.pause_writing()
    sending = asyncio.create_task(protocol.send(b"1"))
    await turn()
    protocol.connection_lost(BrokenPipeError("pipe"))
    with pytest.raises(ProtocolFault, match="broke: pipe"):
        await sending


async def test_reading_pauses_when_too_much_is_unread_and_goes_on_when_it_is_taken():
    protocol, transport = await connected()
    protocol.data_received(bytes(INBOX_LIMIT))
    assert transport.paused == 0
    protocol.data_received(b"x")
    protocol.data_received(b"y")
    assert (transport.paused, transport.resumed) == (1, 0)
    assert len(await protocol.receive(1.0)) == INBOX_LIMIT + 2
    assert (transport.paused, transport.resumed) == (1, 1)


async def test_the_echo_is_dropped_and_the_answer_kept():
    protocol, _ = await connected(echo=True)
    await protocol.send(b"\xee\x01")
    waiting = asyncio.create_task(protocol.receive(1.0))
    await turn()
    protocol.data_received(b"\xee")
    await turn()
    assert not waiting.done()
    protocol.data_received(b"\x01\x06")
    assert await waiting == b"\x06"
