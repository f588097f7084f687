"""The sweeps find what they are for: wrong data, hangs, things left behind, swallowed cancellations."""

import asyncio

import anyio
import pytest

from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.result import Err, Ok
from meterkit.testing import (
    CancelBy,
    CancelSweepFailure,
    FaultTransport,
    Latency,
    Outcome,
    OutcomeTable,
    Scenario,
    cancel_sweep,
    octet_sweep,
)
from meterkit.transport.loopback import LoopbackTransport

MESSAGE = b"\x05hello"


class Echoing(LoopbackTransport):
    """Gives back what it is sent, and counts."""

    def __init__(self):
        super().__init__()
        self._peer = self
        self.taken = []

    async def send(self, octets):
        self.taken.append(octets)
        await super().send(octets)


class Talk(Scenario):
    """A client with a checksum, whose mistakes are switched on one by one."""

    name = "talk"
    delay = 3.0
    mistake = ""

    def line(self):
        self.echoing = Echoing()
        return self.echoing

    def performed(self):
        return [octets for octets in self.echoing.taken if octets == MESSAGE]

    async def use(self, line):
        await line.open()
        try:
            return [await self.exchange(line)]
        except ProtocolFault as broken:
            return [Err(broken.error)]
        finally:
            if self.mistake != "leaves the line open":
                await line.close()

    async def exchange(self, line):
        await line.send(MESSAGE)
        came = b""
        while len(came) < len(MESSAGE) and (octets := await line.receive(2.0)):
            came += octets
        if came == MESSAGE:
            return Ok(came)
        match self.mistake:
            case "believes anything":
                return Ok(came)
            case "repeats":
                await line.send(MESSAGE)
                return Ok(MESSAGE)
            case "hangs":
                await anyio.sleep_forever()
            case "leaves a task":
                self.task = asyncio.create_task(asyncio.sleep(1000))
            case "raises":
                raise KeyError("an answer")
            case "tells a string":
                return "no answer"
        raise fault(ErrorKind.FRAMING, "no echo")


def talk(mistake):
    return type("Talk", (Talk,), {"mistake": mistake})


def test_a_client_without_mistakes_passes_and_its_outcomes_are_counted():
    table = octet_sweep(talk(""))
    table.check()
    assert table.nbr_runs == 7 * 2 * len(MESSAGE)
    assert table.count(Outcome.WRONG) == table.count(Outcome.UNSEEN) == 0
    assert table.count(Outcome.ERR) > 30
    assert "framing" in table.markdown()


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("believes anything", "on a good line Ok"),
        ("hangs", "TimeoutError"),
        ("leaves a task", "a task is left"),
        ("leaves the line open", "the line was left open"),
        ("raises", "KeyError"),
        ("tells a string", "is no Result"),
    ],
)
def test_a_mistake_is_found_and_told_with_fault_and_seed(mistake, told):
    with pytest.raises(AssertionError, match=told):
        octet_sweep(talk(mistake), seed=4, kinds=["flip", "reset"]).check()


def test_what_is_sent_twice_is_found():
    table = octet_sweep(talk("repeats"), kinds=["truncate"], seed=3)
    assert table.failures
    assert "performed more often" in table.failures[0].what
    assert "Truncate(" in table.failures[0].fault
    assert "seed=3" in table.failures[0].fault


def test_what_a_protocol_cannot_see_is_counted_apart():
    class Careless(Talk):
        mistake = "believes anything"
        unseen = frozenset({"flip"})

    table = octet_sweep(Careless, kinds=["flip"])
    table.check()
    assert table.count(Outcome.UNSEEN) > 0


def test_one_of_so_many_octets_is_tried_the_same_for_the_same_seed():
    few = [octet_sweep(talk(""), every=3, seed=seed).rows() for seed in (1, 1)]
    assert few[0] == few[1]
    assert octet_sweep(talk(""), every=3).nbr_runs == 7 * 2 * 2


def test_tables_are_merged():
    table = OutcomeTable()
    for _ in range(2):
        table.merge(octet_sweep(talk(""), kinds=["drop"]))
    assert table.nbr_runs == 2 * 2 * len(MESSAGE)


# ---------------------------------------------------------------- cancellation
def line():
    return FaultTransport(Echoing(), [Latency(0.1)])


@pytest.mark.parametrize("by", CancelBy)
def test_every_place_is_cancelled_once(by):
    async def scenario(cut):
        wire = line()

        async def call():
            try:
                await wire.open()
                await wire.send(MESSAGE)
                return await wire.receive(1.0)
            finally:
                await wire.close()

        assert await cut(call()) in (None, MESSAGE)
        assert not wire.is_open

    assert cancel_sweep(scenario, by=by).nbr_places >= 2


async def swallow(cut):
    async def call():
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            return "never mind"

    await cut(call())


async def leave_a_task(cut):
    async def call():
        task = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(1)
        task.cancel()

    await cut(call())


async def leave_a_timer(cut):
    async def call():
        handle = asyncio.get_running_loop().call_later(1000, print)
        await asyncio.sleep(1)
        handle.cancel()

    await cut(call())


async def leave_the_line_open(cut):
    wire = line()

    async def call():
        await wire.open()
        await asyncio.sleep(1)
        await wire.close()

    await cut(call())
    assert not wire.is_open, "the line is open"


async def hang_when_cancelled(cut):
    async def call():
        try:
            await asyncio.sleep(1)
        finally:
            await asyncio.sleep(1e9)

    await cut(call())


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        (swallow, "place 1 .*swallowed: it returned 'never mind'"),
        (leave_a_task, "a task is left"),
        (leave_a_timer, "a timer is left"),
        (leave_the_line_open, "the line is open"),
        (hang_when_cancelled, "it hangs"),
    ],
)
def test_what_a_cancellation_leaves_behind_is_told_with_its_place(scenario, told):
    with pytest.raises(CancelSweepFailure, match=told):
        cancel_sweep(scenario)
