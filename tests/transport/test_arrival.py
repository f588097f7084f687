"""What a task waits for on a line: it goes on within the callback, and no octet is lost to a cancellation."""

import asyncio
from asyncio import tasks as asyncio_tasks
from contextvars import ContextVar, copy_context

import anyio
import pytest

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.transport.arrival import Arrival
from meterkit.transport.octets import Inbox
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def from_the_loop(call, *arguments):
    """Call as the event loop calls a protocol: outside all tasks, in its next turn."""
    asyncio.get_running_loop().call_soon(call, *arguments)


async def waiting(inbox, *, turns=1):
    """Return a task that receives, once it waits."""
    task = asyncio.create_task(inbox.receive(30.0))
    for _ in range(turns):
        await asyncio.sleep(0)
    return task


async def test_the_task_goes_on_within_the_callback():
    inbox, seen = Inbox(), []

    async def receive():
        seen.append(await inbox.receive(30.0))

    def bring():
        inbox.put(b"octets")
        seen.append("the callback returns")

    task = asyncio.create_task(receive())
    await asyncio.sleep(0)
    from_the_loop(bring)
    await task
    assert seen == [b"octets", "the callback returns"]


async def test_while_another_task_runs_it_goes_on_in_the_next_turn():
    inbox = Inbox()
    task = await waiting(inbox)
    inbox.put(b"from a task")
    assert not task.done()
    assert await task == b"from a task"


async def test_pythons_own_task_is_woken_as_well():
    inbox, loop = Inbox(), asyncio.get_running_loop()
    plain = asyncio_tasks._PyTask  # what asyncio runs where its C code is missing
    done = asyncio.Event()

    async def receive():
        try:
            return await inbox.receive(30.0)
        finally:
            done.set()

    task = plain(receive(), loop=loop)
    await asyncio.sleep(0)
    loop.call_later(1.0, inbox.put, b"octets")
    await done.wait()
    await asyncio.sleep(0)
    assert task.result() == b"octets"


async def test_the_task_keeps_its_own_context():
    inbox, variable = Inbox(), ContextVar("whose")
    variable.set("the callback's")

    async def receive():
        variable.set("the task's")
        await inbox.receive(30.0)
        return variable.get()

    task = asyncio.create_task(receive())
    await asyncio.sleep(0)
    from_the_loop(inbox.put, b"octets")
    assert await task == "the task's"
    assert variable.get() == "the callback's"


async def test_a_callback_in_the_tasks_own_context_wakes_it_in_the_next_turn():
    inbox, loop, own = Inbox(), asyncio.get_running_loop(), copy_context()
    task = loop.create_task(inbox.receive(30.0), context=own)
    await asyncio.sleep(0)
    loop.call_soon(inbox.put, b"octets", context=own)
    assert await task == b"octets"


async def test_an_error_of_the_task_is_the_tasks_alone():
    inbox = Inbox()

    async def stumble():
        await inbox.receive(30.0)
        raise ValueError("of the task")

    task = asyncio.create_task(stumble())
    await asyncio.sleep(0)
    told = []
    from_the_loop(lambda: told.append(inbox.put(b"octets")))
    with pytest.raises(ValueError, match="of the task"):
        await task
    assert told == [None]


async def test_a_cancelled_wait_leaves_what_comes_for_the_next():
    inbox = Inbox()
    task = await waiting(inbox)
    task.cancel("by somebody")
    inbox.put(b"too late")
    with pytest.raises(asyncio.CancelledError, match="by somebody"):
        await task
    assert await inbox.receive(30.0) == b"too late"


async def test_a_cancellation_behind_the_octets_leaves_them_too():
    inbox = Inbox()
    task = await waiting(inbox)
    inbox.put(b"in time")  # the task goes on in the next turn
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await inbox.receive(30.0) == b"in time"


async def test_a_scope_ends_a_wait_and_the_next_one_works():
    inbox = Inbox()
    with anyio.move_on_after(1.0) as scope:
        await inbox.receive(30.0)
    assert scope.cancelled_caught
    task = await waiting(inbox)
    from_the_loop(inbox.put, b"octets")
    assert await task == b"octets"


async def test_only_one_task_waits_even_while_it_is_about_to_go_on():
    inbox = Inbox()
    first = await waiting(inbox)
    with pytest.raises(RuntimeError, match="two tasks receive"):
        await inbox.receive(30.0)
    first.cancel()
    with pytest.raises(RuntimeError, match="two tasks receive"):
        await inbox.receive(30.0)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await inbox.receive(0.0) == b""


async def test_silence_ends_a_wait_in_time():
    inbox, loop = Inbox(), asyncio.get_running_loop()
    began = loop.time()
    assert await inbox.receive(3.0) == b""
    assert loop.time() - began == pytest.approx(3.0)


async def test_a_line_that_fails_wakes_its_task_only_once_the_failing_is_over():
    inbox, seen = Inbox(), []
    gone = MeterError(ErrorKind.TRANSPORT, "unplugged")

    async def receive():
        try:
            await inbox.receive(30.0)
        except ProtocolFault as fault:
            seen.append(fault.error)

    def fail():
        inbox.fail(gone)
        seen.append("failed")

    task = asyncio.create_task(receive())
    await asyncio.sleep(0)
    from_the_loop(fail)
    await task
    assert seen == ["failed", gone]


async def test_nobody_waits_for_what_nobody_awaits():
    arrival = Arrival(asyncio.get_running_loop())
    arrival.happen()
    arrival.happen_soon()
    assert not arrival.is_awaited
    assert not arrival.cancel()
