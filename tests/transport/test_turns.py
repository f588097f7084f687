"""Turns on a line: first come, first served; cancellation leaves them whole; who is cancelled gets none."""

import asyncio

import anyio
import pytest

from meterkit.transport import cancellation
from meterkit.transport.turns import Turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["as anyio keeps it", "as anyio tells it"])
def either_way(request, monkeypatch):
    """Have scopes looked up directly, or as another version of anyio has it."""
    if request.param == "as anyio tells it":
        monkeypatch.setattr(cancellation, "_scopes", None)


async def test_a_free_line_is_taken_at_once():
    turns = Turns()
    assert turns.take()
    assert turns.locked()
    assert turns.holder is asyncio.current_task()
    assert not turns.take()
    turns.release()
    assert not turns.locked()
    assert turns.holder is None


async def test_first_come_first_served():
    turns, order = Turns(), []

    async def speak(number):
        async with turns:
            order.append(number)
            await asyncio.sleep(0)

    async with anyio.create_task_group() as tasks, turns:
        for number in range(5):
            tasks.start_soon(speak, number)
            await asyncio.sleep(0)
        assert turns.is_wanted
    assert order == [0, 1, 2, 3, 4]
    assert not turns.locked()


async def test_whoever_gives_a_turn_up_does_not_overtake_those_who_wait():
    turns, order = Turns(), []

    async def speak():
        async with turns:
            order.append("waited")

    async with anyio.create_task_group() as tasks:
        async with turns:
            tasks.start_soon(speak)
            await asyncio.sleep(0)
        async with turns:
            order.append("came again")
    assert order == ["waited", "came again"]


@pytest.mark.parametrize("steps", range(4))
async def test_a_cancelled_wait_passes_its_turn_on(steps):
    turns, order = Turns(), []

    async def speak(name):
        async with turns:
            order.append(name)

    assert turns.take()
    first = asyncio.create_task(speak("first"))
    second = asyncio.create_task(speak("second"))
    await asyncio.sleep(0)
    for step in range(4):
        if step == steps:
            first.cancel()
        if step == 1:
            turns.release()
        await asyncio.sleep(0)
    await asyncio.wait({first, second})
    assert order in (["second"], ["first", "second"])
    assert not turns.locked()


async def test_a_cancellation_and_a_handover_at_once_lose_no_turn():
    turns = Turns()
    assert turns.take()
    waiting = asyncio.create_task(turns.wait())
    await asyncio.sleep(0)
    turns.release()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert not turns.locked()
    waiting = None
    assert turns.take()
    other = asyncio.create_task(turns.wait())
    await asyncio.sleep(0)
    other.cancel()
    turns.release()
    await asyncio.wait({other})
    assert not turns.locked()


async def test_a_turn_that_is_ones_own_cannot_be_waited_for():
    turns = Turns()
    async with turns:
        with pytest.raises(RuntimeError, match="it would wait for itself"):
            await turns.wait()


async def test_whoever_is_being_cancelled_gets_no_turn(either_way):
    turns = Turns()
    with anyio.CancelScope() as scope:
        scope.cancel()
        assert not turns.take()
        async with turns:
            pytest.fail("it got a turn")
    assert scope.cancelled_caught
    assert turns.take()


async def test_a_time_that_is_over_before_it_begins_gives_no_turn(either_way):
    turns = Turns()
    with anyio.move_on_after(-1):
        async with turns:
            pytest.fail("it got a turn")
    assert not turns.locked()


async def test_a_shield_keeps_a_cancellation_outside(either_way):
    turns = Turns()
    with anyio.CancelScope() as scope:
        scope.cancel()
        with anyio.CancelScope(shield=True):
            async with turns:
                assert turns.locked()
