"""Polls on virtual time: rounds, sessions that stay open, meters that are late, a day of many meters."""

import asyncio
import gc
from datetime import timedelta

import anyio
import pytest

from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet import FleetLimits, MeterEntry, MeterState, Observer, Outcome, ReadPlan, RetryPolicy
from meterkit.fleet.checkpoints import MemoryCheckpoints
from tests.fleet.fleet_rig import BEGIN, ONE_TABLE, QUICK, Counted, Site, dlms, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture
def site():
    return Site()


def now():
    return asyncio.get_running_loop().time()


async def test_every_round_begins_on_time_whatever_the_one_before_took(site):
    site.add_psem("p", faults={"response_delay": 1.0})
    async with site.fleet() as fleet:
        reports = [r async for r in fleet.poll(ONE_TABLE, [psem("p")], every=60, rounds=4)]
    assert [report.round for report in reports] == [0, 1, 2, 3]
    begun = [(report.began_at - BEGIN).total_seconds() for report in reports]
    assert begun == pytest.approx([0, 60, 120, 180], abs=0.1)


async def test_a_poll_goes_on_until_it_is_stopped(site):
    site.add_psem("p")
    count = 0
    async with site.fleet() as fleet:
        run = fleet.poll(ONE_TABLE, [psem("p")], every=900)
        async for report in run:
            assert report.outcome is Outcome.READ
            count += 1
            if count == 10:
                run.stop("enough")
    assert count == 10
    assert now() == pytest.approx(9 * 900, abs=5)


@pytest.mark.parametrize("make", ["add_psem", "add_dlms"])
async def test_sessions_can_stay_open_between_rounds(site, make):
    getattr(site, make)("m")
    entry = (psem if make == "add_psem" else dlms)("m")
    async with site.fleet() as fleet:
        run = fleet.poll(ONE_TABLE, [entry], every=300, rounds=5, keep_open=True)
        reports = []
        async for report in run:
            reports.append(report)
            await anyio.sleep(1)
            assert fleet.open_sessions == (1 if len(reports) < 5 else 0)
    assert [report.outcome for report in reports] == [Outcome.READ] * 5
    assert len(site.dialled) == 1
    assert not site.open_lines


async def test_an_idle_meter_has_no_task_but_its_keep_alive(site):
    names = [f"m{n}" for n in range(20)]
    for name in names:
        site.add_psem(name)
        site.add_dlms(f"d{name}")
    meters = [psem(name) for name in names] + [dlms(f"d{name}") for name in names]
    tasks = len(asyncio.all_tasks())
    async with site.fleet() as fleet:
        run = fleet.poll(ONE_TABLE, meters, every=900, rounds=2, keep_open=True)
        await anyio.sleep(100)
        assert fleet.open_sessions == 40
        assert len(asyncio.all_tasks()) - tasks <= 20  # PSEM's; DLMS over TCP needs none
        assert len(await run.collect()) == 80


async def test_a_session_that_dies_while_it_is_idle_is_opened_anew(site):
    meter = site.add_psem("m")
    async with site.fleet() as fleet:
        reports = []
        async for report in fleet.poll(ONE_TABLE, [psem("m")], every=300, rounds=3, keep_open=True):
            reports.append(report.outcome)
            if len(reports) == 1:
                meter.faults.silent = True
                await anyio.sleep(200)
                meter.faults.silent = False
        assert fleet.open_sessions == 0
    assert reports == [Outcome.READ] * 3
    assert len(site.dialled) == 2


@pytest.mark.parametrize("make", ["add_psem", "add_dlms"])
async def test_a_meter_that_forgot_a_kept_session_is_called_anew_at_once(site, make):
    getattr(site, make)("m")
    entry = (psem if make == "add_psem" else dlms)("m")
    async with site.fleet() as fleet:
        reports = []
        async for report in fleet.poll(ONE_TABLE, [entry], every=300, rounds=3, keep_open=True):
            reports.append(report)
            if len(reports) == 1:
                (line,) = site.open_lines
                line.restart_meter()
    assert [report.outcome for report in reports] == [Outcome.READ] * 3
    assert len(site.dialled) == 2


async def test_what_a_meter_refuses_on_a_fresh_session_as_well_is_refused(site):
    site.add_dlms("m")
    plan = ReadPlan.model_validate({"dlms": {"registers": ["1-0:99.99.99"]}})
    async with site.fleet(retries=RetryPolicy(attempts=3)) as fleet:
        reports = await fleet.poll(plan, [dlms("m")], every=300, rounds=3, keep_open=True).collect()
    assert [report.outcome for report in reports] == [Outcome.FAILED] * 3
    assert [report.attempts for report in reports] == [1, 2, 2]


async def test_idle_sessions_make_room_for_meters_that_wait(site):
    names = [f"m{n}" for n in range(6)]
    for name in names:
        site.add_psem(name)
    limits = QUICK.model_copy(update={"sessions": 2})
    async with site.fleet(limits=limits) as fleet:
        run = fleet.poll(ONE_TABLE, [psem(name) for name in names], every=300, rounds=3, keep_open=True)
        reports = await run.collect()
    assert len(reports) == 18
    assert {report.outcome for report in reports} == {Outcome.READ}
    assert site.most_lines == 2


async def test_a_meter_that_is_still_being_read_misses_its_round_and_says_so(site):
    site.add_psem("slow", faults={"response_delay": 5.0})
    async with site.fleet(retries=RetryPolicy(attempts=1)) as fleet:
        reports = await fleet.poll(ONE_TABLE, [psem("slow")], every=10, rounds=3).collect()
    assert len(reports) == 3
    refused = [report for report in reports if report.outcome is Outcome.REFUSED]
    assert refused
    assert "its last poll is still under way" in str(refused[0].error)


async def test_meters_of_a_round_can_be_spread(site):
    names = [f"m{n}" for n in range(4)]
    for name in names:
        site.add_psem(name)
    async with site.fleet() as fleet:
        run = fleet.poll(ONE_TABLE, [psem(name) for name in names], every=900, rounds=1, spread=400)
        await run.collect()
    assert [time for time, _ in site.dialled] == pytest.approx([0, 100, 200, 300], abs=0.1)


async def test_a_profile_is_read_on_from_where_the_last_round_ended(site):
    site.add_dlms("d")
    plan = ReadPlan.model_validate({"dlms": {"load_profile": [{"first_days": 0.25}]}})
    store = MemoryCheckpoints()
    async with site.fleet(checkpoints=store) as fleet:
        reports = await fleet.poll(plan, [dlms("d")], every=3600, rounds=4).collect()
    times = [[r.time for r in report.data if r.channel.endswith("1-0:1.8.0")] for report in reports]
    assert [len(each) for each in times] == [24, 4, 4, 4]
    together = [time for each in times for time in each]
    assert together == [together[0] + n * timedelta(minutes=15) for n in range(36)]
    assert (await store.load("d")) == {"profile/1-0:99.1.0": together[-1]}


async def test_a_day_of_polls_leaves_nothing_behind(site):
    site.add_psem("all")
    site.dial = lambda _: Counted(site, "all")
    meters = [MeterEntry(id=f"m{n}", url=f"psem+tcp://10.0.0.{n + 1}:1153") for n in range(20)]
    tasks = len(asyncio.all_tasks())
    kept = []
    async with site.fleet() as fleet:
        count = 0
        async for report in fleet.poll(ONE_TABLE, meters, every=900, rounds=96):
            assert report.outcome is Outcome.READ
            count += 1
            if count in (200, 1900):
                gc.collect()
                kept.append(len(gc.get_objects()))
                assert len(asyncio.all_tasks()) - tasks <= 21  # the others are being read
    assert count == 20 * 96
    assert kept[1] - kept[0] < 500
    assert now() == pytest.approx(95 * 900, abs=10)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"every": 60, "spread": 61}, {"every": 60, "rounds": 0}])
async def test_a_schedule_that_makes_no_sense_is_a_mistake_of_the_program(site, wrong):
    async with site.fleet() as fleet:
        with pytest.raises(ValueError, match="0 < every, 0 <= spread <= every"):
            fleet.poll(ONE_TABLE, [], **wrong)


@pytest.mark.parametrize("way", ["cancelled", "stopped", "left"])
async def test_idle_sessions_are_closed_however_the_poll_ends(site, way):
    names = [f"m{n}" for n in range(5)]
    for name in names:
        site.add_psem(name)
    with anyio.CancelScope() as scope:
        async with site.fleet() as fleet:
            run = fleet.poll(ONE_TABLE, [psem(name) for name in names], every=900, keep_open=True)
            await anyio.sleep(10)
            assert fleet.open_sessions == len(site.open_lines) == 5
            if way == "cancelled":
                scope.cancel()
                await anyio.sleep(1)
            elif way == "stopped":
                run.stop()
                assert len(await run.collect()) == 5
                assert fleet.open_sessions == 0
    assert not site.open_lines
    assert now() < 30


async def test_a_session_that_waits_for_a_permit_is_closed_when_the_poll_is_stopped(site):
    for name in ("a", "b"):
        site.add_psem(name)
    limits = QUICK.model_copy(update={"permits": {"cell": 1}})
    meters = [psem(name, groups={"cell": "c"}) for name in ("a", "b")]
    async with site.fleet(limits=limits) as fleet:
        run = fleet.poll(ONE_TABLE, meters, every=100, keep_open=True)
        await anyio.sleep(50)
        assert fleet.open_sessions == 2
        site.meters["a"].faults.response_delay = 1.0
        await anyio.sleep(50.5)  # "a" is being read, "b" waits for the cell
        run.stop()
        reports = await run.collect()
        assert fleet.open_sessions == 0
    assert [report.outcome for report in reports[:3]] == [Outcome.READ, Outcome.READ, Outcome.NOT_REACHED]
    assert not site.open_lines


async def test_rounds_wait_for_somebody_to_take_the_reports(site):
    names = [f"m{n}" for n in range(4)]
    for name in names:
        site.add_psem(name)
    limits = QUICK.model_copy(update={"waiting_reports": 3})
    async with site.fleet(limits=limits) as fleet:
        run = fleet.poll(ONE_TABLE, [psem(name) for name in names], every=60, rounds=20)
        await anyio.sleep(60 * 10 + 1)
        assert run.skipped_rounds == 10
        reports = await run.collect()
    assert len(reports) == 4 * 10
    assert reports[-1].round == 19


async def test_a_poll_whose_last_round_is_skipped_ends_all_the_same(site):
    names = [f"m{n}" for n in range(2)]
    for name in names:
        site.add_psem(name)
    limits = QUICK.model_copy(update={"waiting_reports": 2})
    async with site.fleet(limits=limits) as fleet:
        run = fleet.poll(ONE_TABLE, [psem(name) for name in names], every=60, rounds=3, keep_open=True)
        await anyio.sleep(200)
        assert len(await run.collect()) == 2
        assert (run.skipped_rounds, fleet.open_sessions) == (2, 0)
    assert not site.open_lines


class Breaker(Observer):
    """Loses a meter's idle session after the gate let its second poll in, and before that begins."""

    def __init__(self):
        self.queued, self.fleet = 0, None

    def state(self, meter, state):
        self.queued += state is MeterState.QUEUED
        if self.queued == 2 and state is MeterState.QUEUED:
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self.lose)

    def lose(self):
        (run,) = self.fleet._runs
        run._turns[0].client._session.exchange.lost = MeterError(ErrorKind.TRANSPORT, "the gateway went away")


async def test_a_session_that_breaks_as_its_poll_begins_is_dialled_under_the_limits(site):
    site.add_dlms("m")
    breaker = Breaker()
    limits = FleetLimits(connections_per_second=0.1, connection_burst=1)
    async with site.fleet(observer=breaker, limits=limits) as fleet:
        breaker.fleet = fleet
        reports = await fleet.poll(ONE_TABLE, [dlms("m")], every=5, rounds=2, keep_open=True).collect()
    assert [report.outcome for report in reports] == [Outcome.READ, Outcome.READ]
    assert [report.attempts for report in reports] == [1, 1]
    first, second = (time for time, _ in site.dialled)
    assert second - first == pytest.approx(10, abs=0.01)
