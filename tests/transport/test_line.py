"""Several meters on one pair of wires: who speaks, at what speed, and what others left behind."""

import asyncio

import anyio
import pytest

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.transport.base import Transport
from meterkit.transport.line import CLOSE_LIMIT, SETTLE_LIMIT, Line
from meterkit.transport.loopback import LoopbackTransport
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


class NotedWire(LoopbackTransport):
    """A wire in memory that notes what is done to it."""

    def __init__(self, name="wire", **settings):
        super().__init__(name, **settings)
        self.notes = []
        self.failing = False

    async def open(self):
        if self.failing:
            raise ProtocolFault(ErrorKind.TRANSPORT)
        if not self.is_open:
            self.notes.append("open")
        await super().open()

    async def close(self):
        if self._is_open:
            self.notes.append("close")
        await super().close()

    async def send(self, octets):
        self.notes.append((octets, self.baud_rate))
        await super().send(octets)

    async def set_baud_rate(self, baud_rate):
        self.notes.append(baud_rate)
        await super().set_baud_rate(baud_rate)


async def wired(baud_rate=9600, **settings):
    wire, far = NotedWire.create_pair("wire", baud_rate=baud_rate, is_noisy=True)
    await LoopbackTransport.open(far)
    return Line(wire, **settings), wire, far


async def exchange(meter, far, request=b"?", answer=b"!"):
    async with meter.lock:
        await meter.send(request)
        assert await far.receive(1.0) == request
        await LoopbackTransport.send(far, answer)
        return await meter.receive(1.0)


def now():
    return asyncio.get_running_loop().time()


async def test_meters_are_transports_that_share_lock_and_name():
    line, wire, _ = await wired()
    a, b = line.meter(), line.meter()
    assert isinstance(a, Transport)
    assert a.lock is b.lock is wire.lock is line.lock
    assert a.name == wire.name
    assert a.is_noisy
    assert a.baud_rate == 9600


async def test_the_wire_opens_with_the_first_meter_and_closes_with_the_last():
    line, wire, _ = await wired()
    a, b = line.meter(), line.meter()
    assert not a.is_open
    await a.open()
    await a.open()
    await b.open()
    assert wire.notes == ["open"]
    await a.close()
    await a.close()
    assert not a.is_open
    assert b.is_open
    await b.close()
    assert wire.notes == ["open", "close"]


async def test_two_meters_opening_at_once_open_the_wire_once():
    line, wire, _ = await wired()
    a, b = line.meter(), line.meter()
    async with anyio.create_task_group() as group:
        group.start_soon(a.open)
        group.start_soon(b.open)
    assert wire.notes == ["open"]
    assert a.is_open
    assert b.is_open


async def test_a_wire_that_does_not_open_leaves_no_member():
    line, wire, _ = await wired()
    a, b = line.meter(), line.meter()
    wire.failing = True
    with pytest.raises(ProtocolFault):
        await a.open()
    assert not a.is_open
    wire.failing = False
    await b.open()
    await b.close()
    assert wire.notes == ["open", "close"]


async def test_exchanges_with_two_meters_reach_the_wire():
    line, _, far = await wired()
    async with line.meter() as a, line.meter() as b:
        for meter in (a, b, a):
            assert await exchange(meter, far) == b"!"


async def test_each_meter_is_spoken_to_at_its_own_speed():
    line, wire, far = await wired()
    async with line.meter() as a, line.meter() as b:
        await exchange(a, far, b"a")
        await a.set_baud_rate(19200)
        assert wire.baud_rate == 19200
        await exchange(a, far, b"a")
        await exchange(b, far, b"b")
        await exchange(a, far, b"a")
        assert (a.baud_rate, b.baud_rate) == (19200, 9600)
        assert wire.notes == [
            "open", (b"a", 9600), 19200, (b"a", 19200), 9600, (b"b", 9600), 19200, (b"a", 19200)
        ]  # fmt: skip


async def test_a_speed_set_while_another_meter_has_the_wire_waits_for_the_next_send():
    line, wire, far = await wired()
    async with line.meter() as a, line.meter() as b:
        await exchange(b, far)
        await a.set_baud_rate(1200)
        assert wire.baud_rate == b.baud_rate == 9600
        await exchange(b, far)
        await exchange(a, far, b"a")
        assert wire.notes[-2:] == [1200, (b"a", 1200)]


async def test_a_meter_opened_again_starts_at_the_first_speed():
    line, wire, far = await wired()
    async with line.meter() as other:
        meter = line.meter()
        await meter.open()
        await exchange(meter, far)
        await meter.set_baud_rate(300)
        await meter.close()
        await meter.open()
        assert meter.baud_rate == 9600
        await exchange(meter, far, b"a")
        assert wire.notes[-2:] == [9600, (b"a", 9600)]
        assert other.is_open


async def test_a_line_without_a_speed_has_none():
    line, wire, far = await wired(baud_rate=None)
    async with line.meter() as a:
        await a.set_baud_rate(19200)
        await exchange(a, far, b"a")
        assert a.baud_rate is None
        assert wire.notes == ["open", (b"a", None)]


async def test_stale_octets_of_one_meter_are_not_the_next_ones():
    line, _, far = await wired()
    async with line.meter() as a, line.meter() as b:
        await exchange(a, far)
        await LoopbackTransport.send(far, b"late")
        assert await exchange(b, far) == b"!"


async def test_a_meter_discards_its_own_octets_and_nobody_elses():
    line, _, far = await wired()
    async with line.meter() as a, line.meter() as b:
        await exchange(a, far)
        await LoopbackTransport.send(far, b"stale")
        assert b.discard() == b""
        assert a.discard() == b"stale"
    assert a.discard() == b""


async def test_the_late_answer_of_a_meter_left_in_mid_exchange_is_not_the_next_ones():
    line, _, far = await wired(settle_time=2.5)
    a, b = line.meter(), line.meter()
    await a.open()
    await b.open()
    with anyio.move_on_after(1.0):
        async with a.lock:
            await a.send(b"a?")
            await a.receive(6.0)
    await a.close()
    assert await far.receive(1.0) == b"a?"
    loop = asyncio.get_running_loop()
    for delay in (1.0, 3.0):  # the answer, and once more because nobody acknowledged it
        loop.call_later(delay, lambda: asyncio.ensure_future(LoopbackTransport.send(far, b"late")))
    began = now()
    assert await exchange_soon(b, far) == b"!"
    assert now() - began == pytest.approx(3.0 + 2.5, abs=0.01)
    await b.close()


async def exchange_soon(meter, far):
    """One exchange whose far end answers whenever the request comes."""

    async def answer():
        while await far.receive(60.0) != b"b?":
            pass
        await LoopbackTransport.send(far, b"!")

    async with anyio.create_task_group() as group, meter.lock:
        group.start_soon(answer)
        await meter.send(b"b?")
        return await meter.receive(1.0)


async def leave_by_timeout(meter):
    await meter.send(b"a?")
    assert await meter.receive(2.0) == b""
    await meter.close()


async def leave_holding_the_lock(meter):
    async with meter.lock:
        await meter.send(b"a?")
        await meter.close()


async def leave_while_receiving(meter):
    await meter.send(b"a?")
    receiving = asyncio.create_task(meter.receive(60.0))
    await asyncio.sleep(0)
    await meter.close()
    receiving.cancel()
    await asyncio.wait({receiving})


@pytest.mark.parametrize("leave", [leave_by_timeout, leave_holding_the_lock, leave_while_receiving])
async def test_however_a_meter_is_left_in_mid_exchange_the_next_waits_for_silence(leave):
    line, _, far = await wired(settle_time=2.5)
    a, b = line.meter(), line.meter()
    await b.open()
    await a.open()
    await leave(a)
    assert await far.receive(1.0) == b"a?"
    began = now()
    assert await exchange_soon(b, far) == b"!"
    assert now() - began == pytest.approx(2.5, abs=0.01)


async def test_the_silence_counts_from_when_the_meter_was_left():
    line, _, far = await wired(settle_time=2.5)
    a, b = line.meter(), line.meter()
    await b.open()
    await a.open()
    await leave_by_timeout(a)
    await far.receive(1.0)
    await asyncio.sleep(10.0)
    began = now()
    assert await exchange_soon(b, far) == b"!"
    assert now() == began


async def test_a_meter_left_in_good_order_costs_the_next_no_time():
    line, _, far = await wired()
    a, b = line.meter(), line.meter()
    await a.open()
    await b.open()
    await exchange(a, far)
    await a.send(b"\x06")  # the last acknowledgement, which nobody answers
    assert await far.receive(1.0) == b"\x06"
    await a.close()
    began = now()
    assert await exchange(b, far) == b"!"
    assert now() == began


async def test_the_silence_is_kept_even_when_the_wire_was_closed_in_between():
    line, wire, far = await wired(settle_time=2.5)
    a, b = line.meter(), line.meter()
    await a.open()
    await leave_by_timeout(a)
    assert wire.notes[-1] == "close"
    await LoopbackTransport.close(far)
    await LoopbackTransport.open(far)
    await b.open()
    began = now()
    assert await exchange_soon(b, far) == b"!"
    assert now() - began == pytest.approx(2.5, abs=0.01)


async def test_a_line_that_never_falls_silent_is_used_after_a_while():
    line, _, far = await wired(settle_time=2.5)
    a, b = line.meter(), line.meter()
    await b.open()
    await a.open()
    await leave_by_timeout(a)

    async def babble():
        while True:
            await LoopbackTransport.send(far, b"\xff")
            await asyncio.sleep(0.7)

    babbling = asyncio.create_task(babble())
    began = now()
    await b.send(b"b?")
    assert now() - began == pytest.approx(SETTLE_LIMIT, abs=0.01)
    babbling.cancel()
    await asyncio.wait({babbling})


async def test_a_hand_over_cancelled_while_waiting_for_silence_is_done_by_the_next():
    line, wire, far = await wired(settle_time=2.5)
    a, b = line.meter(), line.meter()
    await b.open()
    await a.open()
    await leave_by_timeout(a)
    await far.receive(1.0)
    with anyio.move_on_after(1.0):
        await b.send(b"b?")
    assert (b"b?", 9600) not in wire.notes
    began = now()
    assert await exchange_soon(b, far) == b"!"
    assert now() - began == pytest.approx(1.5, abs=0.01)


async def test_a_wire_that_broke_is_broken_for_all_and_each_has_to_open_again():
    line, wire, far = await wired()
    a, b = line.meter(), line.meter()
    await a.open()
    await b.open()
    await LoopbackTransport.close(far)
    assert not a.is_open
    assert not b.is_open
    with pytest.raises(ProtocolFault, match="the other end closed"):
        await a.send(b"x")
    await LoopbackTransport.open(far)
    await b.open()
    assert b.is_open
    assert not a.is_open
    with pytest.raises(ProtocolFault, match="connect to this one again") as caught:
        await a.receive(1.0)
    assert caught.value.error.kind is ErrorKind.TRANSPORT
    await a.close()
    assert b.is_open
    assert await exchange(b, far) == b"!"
    await a.open()
    await b.close()
    assert a.is_open
    assert await exchange(a, far) == b"!"
    await a.close()
    assert wire.notes.count("open") == wire.notes.count("close") == 2


@pytest.mark.parametrize("verb", ["send", "receive", "set_baud_rate"])
async def test_every_verb_refuses_while_not_open(verb):
    line, _, _ = await wired()
    meter = line.meter()
    argument = {"send": b"x", "receive": 1.0, "set_baud_rate": 1200}[verb]
    with pytest.raises(ProtocolFault, match="not open"):
        await getattr(meter, verb)(argument)


async def test_a_closing_cancelled_from_outside_still_closes_the_wire():
    line, wire, _ = await wired()
    meter = line.meter()
    await meter.open()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await meter.close()
    assert not wire.is_open


async def test_a_wire_that_does_not_close_holds_nobody_for_long():
    line, wire, _ = await wired()
    meter = line.meter()
    await meter.open()
    wire.close = anyio.sleep_forever
    began = anyio.current_time()
    with anyio.CancelScope() as scope:
        scope.cancel()
        with anyio.fail_after(60, shield=True):
            await meter.close()
    assert anyio.current_time() - began == pytest.approx(CLOSE_LIMIT)
