"""Cuts and the crew: when attempts are cut, who waits for whom, and where a mistake of ours ends up."""

import asyncio
from math import inf

import anyio
import pytest

from meterkit.fleet.crew import Crew
from meterkit.fleet.cuts import Cuts
from meterkit.fleet.run import Run
from tests.fleet.fleet_rig import ONE_TABLE, QUICK, Site, outcomes, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def now():
    return asyncio.get_running_loop().time()


async def test_each_attempt_is_cut_at_its_own_end_whatever_the_order_they_began_in():
    cuts, ends = Cuts(), {}

    async def attempt(name, begin, end, length=100.0):
        await anyio.sleep(begin)
        with anyio.CancelScope() as scope:
            cuts.begin(scope, end)
            await anyio.sleep(length)
        cuts.end(scope)
        ends[name] = (now(), scope.cancelled_caught)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(attempt, "late", 0.0, 50.0)
        tasks.start_soon(attempt, "sooner", 1.0, 20.0)  # begun later, to end before
        tasks.start_soon(attempt, "done", 2.0, 10.0, 3.0)
        tasks.start_soon(attempt, "last", 21.0, 60.0)
        tasks.start_soon(attempt, "endless", 3.0, inf)
    cuts.close()
    assert ends == {
        "done": (pytest.approx(5.0), False),
        "sooner": (pytest.approx(20.0), True),
        "late": (pytest.approx(50.0), True),
        "last": (pytest.approx(60.0), True),
        "endless": (pytest.approx(103.0), False),
    }


async def test_an_end_that_has_passed_cuts_at_once_and_close_leaves_no_timer():
    cuts = Cuts()
    with anyio.CancelScope() as scope:
        cuts.begin(scope, now() - 1.0)
        await anyio.sleep(5.0)
    cuts.end(scope)
    assert scope.cancelled_caught
    assert now() == pytest.approx(0.0)
    with anyio.CancelScope() as scope:
        cuts.begin(scope, 10.0)
        cuts.close()
        await anyio.sleep(20.0)
    assert not scope.cancelled_caught


async def test_a_cancelled_crew_is_cut_and_its_farewells_are_left_alone():
    seen = []
    with anyio.CancelScope() as outer:
        async with anyio.create_task_group() as tasks:
            scopes = []

            def cut():
                seen.append("cut")
                for scope in scopes:
                    scope.cancel()

            async def work(name):
                with anyio.CancelScope() as scope:
                    scopes.append(scope)
                    await anyio.sleep(100.0)
                await anyio.sleep(1.0)  # a farewell, without a shield
                seen.append(name)

            crew = Crew(tasks, cut)
            crew.start(work("one"))
            crew.start(work("two"))
            await anyio.sleep(2.0)
            tasks.start_soon(crew.see_off)
            outer.cancel()
    assert seen == ["cut", "one", "two"]
    assert now() == pytest.approx(3.0)


async def test_seeing_off_a_crew_that_ends_by_itself_cuts_nothing():
    ended = []

    async def work():
        await anyio.sleep(4.0)
        ended.append(now())

    async with anyio.create_task_group() as tasks:
        crew = Crew(tasks, lambda: ended.append("cut"))
        crew.start(work())
        await crew.see_off()
    assert ended == [pytest.approx(4.0)]


async def test_cancelling_again_within_the_grace_cuts_at_once():
    site = Site()
    site.add_psem("p", faults={"response_delay": 500.0})
    slow = psem("p", options={"answer_timeout": 1000, "exchange_timeout": 1000})
    limits = QUICK.model_copy(update={"stop_grace": 60.0})
    with anyio.CancelScope() as scope:
        asyncio.get_running_loop().call_at(12.0, scope.cancel)
        async with site.fleet(limits=limits) as fleet:
            run = fleet.run(ONE_TABLE, [slow])
            await anyio.sleep(2.0)
            assert fleet.open_sessions == 1
    assert now() < 25.0, "it waited for the grace"
    assert not site.open_lines
    (report,) = await run.collect()
    assert outcomes([report]) == {"p": "failed"}


async def test_a_mistake_of_the_machine_ends_the_fleet_and_nothing_stays_open(monkeypatch):
    def wrong(self, turn):
        raise LookupError("a mistake")

    monkeypatch.setattr(Run, "_settle", wrong)
    site = Site()
    site.add_psem("p")
    tasks = asyncio.all_tasks()
    with pytest.raises(BaseExceptionGroup) as raised:
        async with site.fleet() as fleet:
            await fleet.run(ONE_TABLE, [psem("p")]).collect()
    assert raised.group_contains(LookupError, match="a mistake")
    assert not site.open_lines
    assert asyncio.all_tasks() == tasks
