"""Which meters one job reads: what shares a line or a permit is together, and stays where it is."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

pytest.importorskip("procrastinate", reason="needs-postgresql-server", exc_type=ImportError)

from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet import FleetLimits, RetryPolicy
from meterkit.fleet.engine import EngineFile, Worker
from meterkit.fleet.engine.group_job import follow_ups
from meterkit.fleet.engine.group_report import GroupReport, Order
from meterkit.fleet.engine.lines import assign, lines_of
from tests.fleet.fleet_rig import BEGIN, psem
from tests.fleet.samples import QUARTER
from tests.virtual_clock import VirtualClockLoop


def ids(lines):
    return sorted(sorted(meter.id for meter in meters) for meters in lines.values())


def test_what_hangs_together_by_sockets_and_permits_is_one_line():
    meters = [
        psem("a", "h1"),
        psem("b", "h1", groups={"gateway": "g"}),
        psem("c", "h2", groups={"gateway": "g", "cell": "north"}),
        psem("d", "h3", groups={"cell": "north"}),
    ]
    assert ids(lines_of(meters, {"gateway"})) == [["a", "b", "c"], ["d"]]
    assert ids(lines_of(meters, {"gateway", "cell"})) == [["a", "b", "c", "d"]]
    assert ids(lines_of(meters, ())) == [["a", "b"], ["c"], ["d"]]


def test_the_names_of_lines_do_not_depend_on_the_order():
    meters = [psem("a", "h2"), psem("b", "h1", groups={"line": "x"}), psem("c", "h2", groups={"line": "x"})]
    assert set(lines_of(meters, {"line"})) == set(lines_of(meters[::-1], {"line"}))


def test_groups_are_filled_up_and_known_meters_stay():
    lines = lines_of([psem(f"m{number}") for number in range(5)], ())
    first = assign(lines, {}, 2)
    assert sorted(list(first.values()).count(group) for group in set(first.values())) == [1, 2, 2]
    known = {meter.id: first[line] for line, meters in lines.items() for meter in meters}
    more = lines_of([psem(f"m{number}") for number in range(9)], ())
    second = assign(more, known, 2)
    assert {line: second[line] for line in first} == first
    assert max(list(second.values()).count(group) for group in second.values()) == 2


def test_a_line_is_never_parted_however_small_a_job_should_be():
    lines = lines_of([psem(f"m{number}", "one") for number in range(5)], ())
    assert set(assign(lines, {}, 2).values()) == {"tcp one:1153"}


def failed(**errors):
    report = GroupReport(1, Order("s", "g", BEGIN), BEGIN, BEGIN)
    for meter, kind in errors.items():
        report.fail(meter, MeterError(kind, "so it was"))
    return report


RETRIES = RetryPolicy(attempts=3, backoff=60.0, jitter=0.0)


def test_only_errors_of_the_line_are_followed_up():
    report = failed(m1=ErrorKind.TIMEOUT, m2=ErrorKind.SECURITY)
    (one,) = follow_ups(report, RETRIES, None, is_stopping=False)
    assert (one.order.meters, one.order.attempt, one.delay) == (("m1",), 2, 60.0)
    assert (set(report.again), set(report.given_up)) == ({"m1"}, {"m2"})


def test_no_follow_up_begins_after_the_deadline():
    report = failed(m1=ErrorKind.TIMEOUT)
    assert follow_ups(report, RETRIES, BEGIN + QUARTER / 20, is_stopping=False) == []
    assert set(report.given_up) == {"m1"}


def test_what_a_stopped_worker_did_not_reach_is_for_another_at_once():
    report = failed(m1=ErrorKind.STATE, m2=ErrorKind.TIMEOUT)
    now, later = follow_ups(report, RETRIES, None, is_stopping=True)
    assert (now.order.meters, now.order.attempt, now.delay) == (("m1",), 1, 0.0)
    assert (later.order.meters, later.order.attempt, later.delay) == (("m2",), 2, 60.0)


def test_an_order_comes_back_from_a_jobs_arguments():
    order = Order("quarters", "tcp h:1153", BEGIN, ("m1", "m2"), 2)
    assert Order.from_json(order.to_json()) == order


@pytest.mark.parametrize(
    ("schedules", "told"),
    [
        ([{"name": "a"}, {"name": "a"}], "a is there twice"),
        ([{"name": "a", "cron": "every day"}], "no cron expression"),
        ([{"name": "a", "crn": "* * * * *"}], "crn"),
        ([{"name": "a b"}], "name"),
    ],
)
def test_mistakes_in_schedules_are_told(schedules, told):
    content = {
        "plan": {"psem": {"registers": True}},
        "schedules": schedules,
        "meters": [{"id": "m1", "url": "psem+tcp://h:1153"}],
    }
    with pytest.raises(ValueError, match=told):
        EngineFile.model_validate(content)


@pytest.mark.parametrize("has_jobs", [True, False])
def test_a_cancellation_that_was_lost_is_said_again(has_jobs):
    heard = []

    async def deaf(name, times):
        for _ in range(times):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        heard.append((name, asyncio.get_running_loop().time()))

    async def main():
        worker = Worker("postgresql://nobody@localhost/nothing")
        engine = SimpleNamespace(
            stop=lambda reason: None, settings=SimpleNamespace(limits=FleetLimits(stop_grace=10))
        )
        runner = asyncio.create_task(deaf("runner", 2))
        watchers = [asyncio.create_task(deaf("watcher", 3))]
        await asyncio.sleep(0)
        await worker._end(engine, runner, watchers, has_jobs=has_jobs)

    with asyncio.Runner(loop_factory=VirtualClockLoop) as loop:
        loop.run(main())
    (watcher, first), (runner, last) = sorted(heard, key=lambda one: one[0] == "runner")
    assert (watcher, runner) == ("watcher", "runner")
    assert first == pytest.approx(2.0)
    assert last == pytest.approx(40.0 if has_jobs else 1.0)  # jobs get their grace, and time to report


@pytest.mark.parametrize("drain", [False, True])
def test_a_worker_ends_although_the_cancellation_of_its_stop_was_lost(drain):
    async def deaf_once(**_):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def idle(engine):
        await asyncio.Event().wait()

    async def main():
        worker = Worker("postgresql://nobody@localhost/nothing")
        worker._watch = worker._drain = idle
        engine = SimpleNamespace(
            app=SimpleNamespace(run_worker_async=deaf_once),
            stop=lambda reason: None,
            settings=SimpleNamespace(limits=FleetLimits(stop_grace=10)),
        )
        loop = asyncio.get_running_loop()
        loop.call_later(1, worker.stop)
        async with asyncio.timeout(1000):
            await worker._work(engine, drain=drain)
        return loop.time()

    with asyncio.Runner(loop_factory=VirtualClockLoop) as loop:
        assert loop.run(main()) == pytest.approx(41.0, abs=1.5)  # jobs in hand have had their grace
