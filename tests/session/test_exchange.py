"""The exchange drives a link over a transport; both are played by small scripts here."""

import anyio
import pytest

from meterkit.errors import ErrorKind, MeterError, fault
from meterkit.link import Advanced, Broken, Failed, Message, Notice, Transmit
from meterkit.result import Err, Ok
from meterkit.session.exchange import Exchange
from meterkit.session.keepalive import KeepAlive
from meterkit.session.opening import open_line
from meterkit.transport.base import Transport
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class EchoLink:
    """Sends a message as it is and takes whatever comes back as the answer."""

    timeout = 2.0

    def __init__(self, retries=0):
        self.retries = retries
        self.message = b""

    def send(self, message):
        self.message = message
        return [Transmit(message)]

    def receive(self, octets):
        return [Transmit(b"\x06"), Message(octets)] if not octets.startswith(b"?") else []

    def timed_out(self):
        if self.retries:
            self.retries -= 1
            return [Transmit(self.message)]
        return [Broken(MeterError(ErrorKind.TIMEOUT, "silence"))]


class ScriptedTransport(Transport):
    """Answers each send with the next of `answers`: octets, or None for silence."""

    name = "scripted line"
    is_noisy = True

    def __init__(self, *answers, delay=0.01):
        super().__init__()
        self.answers = list(answers)
        self.delay = delay
        self.sent = []
        self.pending = []
        self.opened = 0
        self.closed = 0
        self.failures = 0

    @property
    def is_open(self):
        return self.opened > self.closed

    async def open(self):
        if self.failures:
            self.failures -= 1
            raise fault(ErrorKind.TRANSPORT, "no such line")
        self.opened += 1

    async def close(self):
        self.closed += 1

    async def send(self, octets):
        self.sent.append((round(anyio.current_time(), 6), octets))
        if octets != b"\x06" and self.answers and (answer := self.answers.pop(0)) is not None:
            self.pending.append(answer)

    async def receive(self, timeout):
        if self.pending:
            await anyio.sleep(self.delay)
            return self.pending.pop(0)
        await anyio.sleep(timeout)
        return b""

    def discard(self):
        return b""


async def exchange_over(transport, link=None, **options):
    exchange = Exchange(link or EchoLink(), transport, **{"timeout": 120.0, **options})
    await exchange.begin()
    return exchange


async def test_an_answer_comes_back_and_is_acknowledged():
    transport = ScriptedTransport(b"answer")
    exchange = await exchange_over(transport)
    assert await exchange(b"request") == Ok(b"answer")
    assert [octets for _, octets in transport.sent] == [b"request", b"\x06"]
    assert exchange.last_activity == pytest.approx(0.01)


async def test_silence_is_told_to_the_link_which_retransmits():
    transport = ScriptedTransport(None, b"answer")
    exchange = await exchange_over(transport, EchoLink(retries=1))
    assert await exchange(b"request") == Ok(b"answer")
    assert transport.sent[:2] == [(0.0, b"request"), (2.0, b"request")]


async def test_a_broken_link_loses_the_session_and_closes_the_line():
    transport = ScriptedTransport(None)
    exchange = await exchange_over(transport)
    lost = await exchange(b"request")
    assert isinstance(lost, Err)
    assert lost.error.kind is ErrorKind.TIMEOUT
    assert transport.closed == 1
    assert await exchange(b"another") == lost
    assert len(transport.sent) == 1


async def test_octets_that_drip_for_ever_end_at_the_exchange_timeout():
    transport = ScriptedTransport(b"?" * 3)
    transport.pending = [b"?"] * 10_000
    transport.delay = 0.4
    exchange = await exchange_over(transport, timeout=20.0)
    lost = await exchange(b"request")
    assert isinstance(lost, Err)
    assert lost.error.kind is ErrorKind.TIMEOUT
    assert "20 s" in lost.error.message
    assert anyio.current_time() == pytest.approx(20.0, abs=0.5)


async def test_the_turnaround_delay_passes_before_an_acknowledgement_and_not_before_a_request():
    transport = ScriptedTransport(b"answer")
    exchange = await exchange_over(transport, turnaround_delay=0.05)
    await exchange(b"request")
    assert transport.sent == [(0.0, b"request"), (0.06, b"\x06")]


async def test_cancelling_in_mid_exchange_loses_the_session_closes_the_line_and_stays_a_cancellation():
    transport = ScriptedTransport(None)
    exchange = await exchange_over(transport)
    with anyio.move_on_after(1.0) as scope:
        await exchange(b"request")
    assert scope.cancelled_caught
    assert transport.closed == 1
    assert exchange.lost is not None
    assert exchange.lost.kind is ErrorKind.STATE
    assert not transport.lock.locked()


async def test_cancelling_before_the_first_octet_is_harmless():
    transport = ScriptedTransport(b"answer")
    exchange = await exchange_over(transport)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await exchange(b"request")
    assert transport.sent == []
    assert exchange.lost is None
    assert await exchange(b"request") == Ok(b"answer")


async def test_two_callers_take_turns():
    transport = ScriptedTransport(b"first", b"second")
    exchange = await exchange_over(transport)
    answers = {}

    async def ask(request):
        answers[request] = await exchange(request)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, b"1")
        tasks.start_soon(ask, b"2")
    assert answers == {b"1": Ok(b"first"), b"2": Ok(b"second")}
    assert [octets for _, octets in transport.sent] == [b"1", b"\x06", b"2", b"\x06"]


async def test_opening_tries_again_with_growing_pauses():
    transport = ScriptedTransport()
    transport.failures = 3
    assert (await open_line(transport, attempts=4)).is_success
    assert anyio.current_time() == pytest.approx(7.0)


async def test_opening_in_vain_says_how_often_it_was_tried():
    transport = ScriptedTransport()
    transport.failures = 9
    failed = await open_line(transport, attempts=2)
    assert isinstance(failed, Err)
    assert str(failed.error) == "2 attempts to open the line failed; the last: no such line [transport]"


class Beats:
    """A meter that bears 4 s of silence, and 60 s after a Wait."""

    def __init__(self, exchange):
        self.exchange, self.times, self.was_wait = exchange, [], False

    async def __call__(self):
        self.times.append(round(anyio.current_time(), 3))
        await self.exchange(b"wait")
        self.was_wait = True

    async def other(self):
        self.was_wait = False
        return await self.exchange(b"read")

    def keep_alive(self):
        return KeepAlive(self.exchange, self, lambda: 60.0 if self.was_wait else 4.0, 4.0)


async def test_an_idle_session_beats_once_after_the_interval_and_then_once_a_minute():
    exchange = await exchange_over(ScriptedTransport(*[b"ok"] * 99, delay=0))
    beats = Beats(exchange)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beats.keep_alive().run)
        await anyio.sleep(300)
        tasks.cancel_scope.cancel()
    assert beats.times == [4.0, 64.0, 124.0, 184.0, 244.0]


async def test_other_traffic_pushes_the_beat_back_and_ends_the_long_safety_of_the_last_one():
    exchange = await exchange_over(ScriptedTransport(*[b"ok"] * 99, delay=0))
    beats = Beats(exchange)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beats.keep_alive().run)
        for _ in range(5):
            await anyio.sleep(3)
            await beats.other()
        assert beats.times == []
        await anyio.sleep(10)  # a beat at 19; safe until 79
        await beats.other()  # at 25: the meter counts its 6 s from here again
        await anyio.sleep(10)
        tasks.cancel_scope.cancel()
    assert beats.times == [19.0, 29.0]


async def test_no_beat_queues_behind_a_long_exchange():
    exchange = await exchange_over(ScriptedTransport(b"slow", delay=30.0))
    beats = Beats(exchange)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(beats.keep_alive().run)
        assert await beats.other() == Ok(b"slow")
        tasks.cancel_scope.cancel()
    assert beats.times == []


async def test_a_failing_beat_never_raises_and_the_next_call_returns_its_error():
    exchange = await exchange_over(ScriptedTransport(None))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Beats(exchange).keep_alive().run)
    result = await exchange(b"read")
    assert isinstance(result, Err)
    assert result.error.kind is ErrorKind.TIMEOUT


class TellingLink(EchoLink):
    """Reads what comes by its first octet: a notice, a part, a failure, or the answer."""

    timeout = 100.0

    def receive(self, octets):
        kinds = {b"n": Notice(octets), b"+": Advanced(), b"-": Failed(MeterError(ErrorKind.REFUSED, "no"))}
        return [kinds.get(octets[:1], Message(octets))]


async def telling(transport, **options):
    return await exchange_over(transport, TellingLink(), **options)


async def test_a_failed_exchange_is_an_err_and_the_session_goes_on():
    exchange = await telling(ScriptedTransport(b"-", b"answer"))

    refused = await exchange(b"first")

    assert refused == Err(MeterError(ErrorKind.REFUSED, "no"))
    assert exchange.lost is None
    assert await exchange(b"second") == Ok(b"answer")


async def test_each_part_of_a_long_answer_starts_the_time_anew():
    line = ScriptedTransport(delay=4.0)
    line.pending = [b"+", b"+", b"+", b"done"]
    exchange = await telling(line, timeout=10.0)

    assert await exchange(b"request") == Ok(b"done")
    assert anyio.current_time() > 10.0


async def test_a_notice_in_the_middle_of_an_exchange_waits_for_the_listener():
    line = ScriptedTransport()
    exchange = await telling(line)
    line.pending = [b"n1", b"answer"]

    assert await exchange(b"request") == Ok(b"answer")
    assert await exchange.listen() == Ok(b"n1")


async def test_listening_hears_what_comes_between_exchanges_and_lets_exchanges_through():
    line = ScriptedTransport()
    exchange = await telling(line)
    heard = []

    async with anyio.create_task_group() as tasks:

        async def listen():
            heard.append((await exchange.listen()).unwrap())
            heard.append((await exchange.listen()).unwrap())

        tasks.start_soon(listen)
        await anyio.sleep(5)
        line.pending.append(b"n1")
        await anyio.sleep(5)
        assert heard == [b"n1"]
        before = anyio.current_time()
        line.answers = [b"answer"]
        assert await exchange(b"request") == Ok(b"answer")
        assert anyio.current_time() - before < 0.5  # the listener gave way at once
        line.pending.append(b"n2")
    assert heard == [b"n1", b"n2"]


async def test_listening_ends_with_the_session():
    exchange = await telling(ScriptedTransport())
    error = await exchange.lose(MeterError(ErrorKind.TRANSPORT, "gone"))

    assert await exchange.listen() == Err(error)


class BareLink(EchoLink):
    """One that spares an exchange its events."""

    def send_bare(self, message):
        self.message = message
        return b"<" + message

    def receive_bare(self, octets):
        return self.receive(octets) if octets.startswith(b"?") else b">" + octets


async def test_a_link_may_spare_an_exchange_its_events_where_the_line_has_no_lane_too():
    transport = ScriptedTransport(b"answer")
    exchange = await exchange_over(transport, BareLink())
    assert await exchange(b"request") == Ok(b"answer")  # taken as events, behind the first octets that left
    assert [octets for _, octets in transport.sent] == [b"<request", b"\x06"]


async def test_another_link_may_take_the_place_of_the_first_between_two_exchanges():
    transport = ScriptedTransport(b"one", b"two")
    exchange = await exchange_over(transport)
    assert await exchange(b"request") == Ok(b"one")
    exchange.link = BareLink()
    assert await exchange(b"request") == Ok(b"two")
    assert [octets for _, octets in transport.sent] == [b"request", b"\x06", b"<request", b"\x06"]
