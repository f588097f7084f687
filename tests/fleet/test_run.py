"""Runs on virtual time: reports, limits, retries, deadlines, stopping; one poisoned meter."""

import asyncio
import gc
import logging
from itertools import pairwise

import anyio
import pytest

from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet import FleetLimits, MeterEntry, Outcome, ReadPlan, RetryPolicy
from meterkit.fleet.desk import STOPPED
from tests.fleet.fleet_rig import BEGIN, ONE_TABLE, QUICK, SMALL, Counted, Site, dlms, outcomes, psem
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

EVERYTHING = ReadPlan.model_validate(
    {
        "psem": {
            "identity": True,
            "clock": {},
            "registers": True,
            "events": {"first_days": None},
            "load_profile": [{"data_set": 1, "first_days": None}],
            "tables": ["ST1"],
        },
        "dlms": {
            "identity": True,
            "clock": {},
            "registers": ["1-0:1.8.0"],
            "events": [{"first_days": None}],
            "load_profile": [{"first_days": 1}],
            "attributes": [{"class_id": 3, "obis": "1-0:1.8.0"}],
        },
    }
)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


@pytest.fixture
def site():
    return Site()


def now():
    return asyncio.get_running_loop().time()


async def test_a_mixed_fleet_is_read_section_by_section(site):
    site.add_psem("p", mode="demand_plus_load_profile", load_profile=SMALL, event_log_entries=10)
    site.add_dlms("d")
    async with site.fleet() as fleet:
        reports = {r.meter: r for r in await fleet.run(EVERYTHING, [psem("p"), dlms("d")]).collect()}
    assert outcomes(reports.values()) == {"p": "read", "d": "read"}
    assert [section.name for section in reports["p"].sections] == [
        "identity",
        "clock",
        "registers",
        "ST1",
        "events",
        "LP1",
    ]
    for report in reports.values():
        assert report.readings == len(report.data) == sum(section.readings for section in report.sections)
        assert all(section.readings for section in report.sections)
        assert len({reading.key for reading in report.data}) == len(report.data)
    intervals = [one for one in reports["p"].data if one.channel == "LP1/ch0"]
    assert [one.interval for one in intervals] == [900] * len(intervals)
    assert intervals[-1].time <= BEGIN
    (energy,) = (one for one in reports["d"].data if one.channel == "1-0:1.8.0")
    assert (energy.unit, energy.kind.value) == ("Wh", "register")
    columns = {one.channel for one in reports["d"].data if one.channel.startswith("profile/")}
    assert "profile/1-0:99.1.0/1-0:1.8.0" in columns
    assert reports["p"].to_json()["outcome"] == "read"


async def test_meters_that_gave_as_much_share_their_sections_and_others_have_their_own(site):
    for name, entries in (("few", 2), ("many", 7), ("same", 2)):
        site.add_psem(name, event_log_entries=entries)
    plan = ReadPlan.model_validate({"psem": {"tables": ["ST1"], "events": {"first_days": None}}})
    async with site.fleet() as fleet:
        reports = {r.meter: r for r in await fleet.run(plan, [psem(name) for name in site.meters]).collect()}
    counts = {name: [one.readings for one in report.sections] for name, report in reports.items()}
    assert counts == {"few": [1, 2], "many": [1, 7], "same": [1, 2]}
    assert {one.outcome for report in reports.values() for one in report.sections} == {Outcome.READ}
    assert reports["few"].sections is reports["same"].sections


async def test_a_section_that_is_refused_leaves_the_others_alone(site):
    site.add_psem("p")
    plan = ReadPlan.model_validate({"psem": {"tables": ["ST1", "ST99"], "registers": True}})
    async with site.fleet() as fleet:
        (report,) = await fleet.run(plan, [psem("p")]).collect()
    assert report.outcome is Outcome.PARTLY
    assert {section.name: section.outcome.value for section in report.sections} == {
        "registers": "read",
        "ST1": "read",
        "ST99": "failed",
    }
    assert report.error.kind is ErrorKind.REFUSED


async def test_one_poisoned_meter_disturbs_no_other(site, monkeypatch, caplog):
    for number in range(4):
        site.add_psem(f"p{number}")
    dial = site.dial

    def poisoned(address):
        if address.line.host == "p1":
            raise ZeroDivisionError
        return dial(address)

    site.dial = poisoned
    async with site.fleet() as fleet:
        with caplog.at_level(logging.CRITICAL):
            reports = await fleet.run(ONE_TABLE, [psem(f"p{n}") for n in range(4)]).collect()
    assert outcomes(reports) == {"p0": "read", "p1": "failed", "p2": "read", "p3": "read"}
    (error,) = (report.error for report in reports if report.error)
    assert "ZeroDivisionError" in str(error)


async def test_silent_wrong_and_dropping_meters_fail_and_the_others_are_read(site):
    site.add_psem("good")
    site.add_psem("silent", faults={"silent": True})
    site.add_psem("drops", faults={"hang_up_after": 4})
    site.add_psem("locked", read_key=b"ANOTHER", master_key=b"ANOTHER", provisioning_key=None)
    names = ["silent", "drops", "locked", "good"]
    plan = ReadPlan.model_validate({"psem": {"tables": ["ST1", "ST23"]}})
    async with site.fleet() as fleet:
        reports = {r.meter: r for r in await fleet.run(plan, [psem(name) for name in names]).collect()}
    assert reports["good"].outcome is Outcome.READ
    kinds = {name: reports[name].error.kind.name for name in names[:3]}
    assert kinds == {"silent": "TIMEOUT", "drops": "TRANSPORT", "locked": "SECURITY"}
    assert not site.open_lines


async def test_a_password_that_no_meter_takes_is_told_without_showing_it(site, monkeypatch):
    site.add_psem("p")
    monkeypatch.setenv("LONG_PASSWORD", "geheim" * 10)
    async with site.fleet() as fleet:
        (report,) = await fleet.run(ONE_TABLE, [psem("p", password="env:LONG_PASSWORD")]).collect()
    assert report.outcome is Outcome.FAILED
    assert "20" in str(report.error)
    assert "geheim" not in str(report.error)
    assert not site.dialled


async def test_reports_come_as_meters_finish(site):
    site.add_psem("slow", faults={"response_delay": 1.5})
    site.add_psem("quick")
    async with site.fleet() as fleet:
        names = [r.meter async for r in fleet.run(ONE_TABLE, [psem("slow"), psem("quick")])]
    assert names == ["quick", "slow"]


async def test_a_meter_of_a_protocol_that_the_plan_leaves_out_is_told(site):
    site.add_dlms("d")
    plan = ReadPlan.model_validate({"psem": {"registers": True}})
    async with site.fleet() as fleet:
        (report,) = await fleet.run(plan, [dlms("d")]).collect()
    assert report.outcome is Outcome.REFUSED
    assert "nothing to read of this meter" in str(report.error)
    assert not site.dialled


async def test_two_meters_with_one_id_are_a_mistake_of_the_program(site):
    async with site.fleet() as fleet:
        with pytest.raises(ValueError, match="'a' is there twice: as number 1 and as number 3"):
            fleet.run(ONE_TABLE, [psem("a"), psem("b"), psem("a", host="c")])


async def test_outside_async_with_nothing_is_read(site):
    from meterkit.fleet import Fleet

    with pytest.raises(RuntimeError, match="inside 'async with Fleet"):
        Fleet().run(ONE_TABLE, [])


async def test_a_fleet_of_nobody_is_read_at_once(site):
    async with site.fleet() as fleet:
        assert await fleet.run(ONE_TABLE, []).collect() == []


# ------------------------------------------------------------------------------------ limits
async def test_no_more_sessions_are_open_than_the_limit_says(site):
    names = [f"p{number}" for number in range(12)]
    for name in names:
        site.add_psem(name, faults={"response_delay": 0.5})
    limits = QUICK.model_copy(update={"sessions": 3})
    async with site.fleet(limits=limits) as fleet:
        reports = await fleet.run(ONE_TABLE, [psem(name) for name in names]).collect()
        assert fleet.open_sessions == 0
    assert set(outcomes(reports).values()) == {"read"}
    assert site.most_lines == 3


async def test_new_connections_are_no_faster_than_the_limit_says(site):
    names = [f"p{number}" for number in range(10)]
    for name in names:
        site.add_psem(name)
    limits = FleetLimits(connections_per_second=2, connection_burst=2)
    async with site.fleet(limits=limits) as fleet:
        await fleet.run(ONE_TABLE, [psem(name) for name in names]).collect()
    times = [time for time, _ in site.dialled]
    assert times[:2] == pytest.approx([0, 0], abs=0.01)
    assert [b - a for a, b in pairwise(times[1:])] == pytest.approx([0.5] * 8, abs=0.05)


async def test_a_crowded_cell_leaves_the_sessions_to_others(site):
    crowd = [psem(f"c{number}", groups={"cell": "north"}) for number in range(6)]
    others = [psem(f"o{number}") for number in range(3)]
    for entry in [*crowd, *others]:
        site.add_psem(entry.id, faults={"response_delay": 0.5})
    limits = QUICK.model_copy(update={"permits": {"cell": 1}})
    async with site.fleet(limits=limits) as fleet:
        order = [r.meter async for r in fleet.run(ONE_TABLE, [*crowd, *others])]
    assert set(order[:4]) == {"c0", "o0", "o1", "o2"}
    assert order[4:] == [f"c{number}" for number in range(1, 6)]


async def test_the_urgent_go_first_where_permits_are_few(site):
    meters = [psem(f"p{n}", groups={"gateway": "g"}, priority=n) for n in range(4)]
    for entry in meters:
        site.add_psem(entry.id)
    limits = QUICK.model_copy(update={"permits": {"gateway": 1}})
    async with site.fleet(limits=limits) as fleet:
        order = [r.meter async for r in fleet.run(ONE_TABLE, meters)]
    assert order == ["p3", "p2", "p1", "p0"]


async def test_nothing_new_begins_while_too_many_reports_wait(site):
    names = [f"p{number}" for number in range(20)]
    for name in names:
        site.add_psem(name)
    limits = QUICK.model_copy(update={"waiting_reports": 2, "sessions": 3})
    async with site.fleet(limits=limits) as fleet:
        run = fleet.run(ONE_TABLE, [psem(name) for name in names])
        await anyio.sleep(60)
        assert 20 - run.left <= 2 + 3
        assert len(await run.collect()) == 20


# ------------------------------------------------------------------------------------ retries
async def test_a_broken_line_is_tried_again_later_and_holds_nothing_meanwhile(site):
    site.add_psem("p", faults={"hang_up_after": 2})  # once
    site.add_psem("other")
    limits = QUICK.model_copy(update={"sessions": 1})
    policy = RetryPolicy(attempts=3, backoff=30, jitter=0)
    async with site.fleet(limits=limits, retries=policy) as fleet:
        reports = await fleet.run(ONE_TABLE, [psem("p"), psem("other")]).collect()
    assert [(r.meter, r.attempts, r.outcome.value) for r in reports] == [
        ("other", 1, "read"),
        ("p", 2, "read"),
    ]
    assert reports[1].duration == pytest.approx(30, abs=1)


async def test_a_retry_goes_on_where_the_attempt_before_broke_off(site):
    meter = site.add_psem(
        "p", mode="demand_plus_load_profile", load_profile=SMALL, faults={"hang_up_after": 14}
    )
    plan = ReadPlan.model_validate(
        {"psem": {"tables": ["ST1"], "load_profile": [{"data_set": 1, "first_days": None}]}}
    )
    async with site.fleet(retries=RetryPolicy(backoff=1)) as fleet:
        (report,) = await fleet.run(plan, [psem("p")]).collect()
    assert (report.outcome, report.attempts) == (Outcome.READ, 2)
    assert meter.faults.hang_up_after is None
    assert len({reading.key for reading in report.data}) == len(report.data) == report.readings
    assert [reading.channel for reading in report.data].count("ST1") == 1
    times = [reading.time for reading in report.data if reading.channel == "LP1/ch0"]
    assert times == sorted(times)


async def test_the_same_seed_waits_the_same_and_another_does_not(site):
    site.add_psem("p", faults={"silent": True})

    async def duration(seed):
        async with site.fleet(retries=RetryPolicy(attempts=2), seed=seed) as fleet:
            (report,) = await fleet.run(ONE_TABLE, [psem("p")]).collect()
        return report.duration

    assert await duration(1) == pytest.approx(await duration(1), abs=1e-6)
    assert abs(await duration(1) - await duration(2)) > 0.01


async def test_what_will_not_pass_is_not_tried_again(site):
    site.add_psem("p", read_key=b"ANOTHER", master_key=b"ANOTHER", provisioning_key=None)
    async with site.fleet(retries=RetryPolicy(attempts=5)) as fleet:
        (report,) = await fleet.run(ONE_TABLE, [psem("p")]).collect()
    assert (report.attempts, report.error.kind) == (1, ErrorKind.SECURITY)


# ------------------------------------------------------------------------------------ time
async def test_a_meter_has_so_much_time_and_then_the_next_one_has_it(site):
    site.add_psem("endless", faults={"response_delay": 5.0})
    site.add_psem("next")
    limits = QUICK.model_copy(update={"meter_deadline": 12.0, "sessions": 1})
    async with site.fleet(limits=limits, retries=RetryPolicy(attempts=9)) as fleet:
        reports = await fleet.run(ONE_TABLE, [psem("endless"), psem("next")]).collect()
    assert outcomes(reports) == {"endless": "failed", "next": "read"}
    assert "the meter's 12 s passed" in str(reports[0].error)
    assert reports[0].duration == pytest.approx(12, abs=5)
    assert not site.open_lines


async def test_a_run_that_has_no_time_left_says_what_was_not_reached(site):
    for name in ("a", "b", "c"):
        site.add_psem(name, faults={"response_delay": 1.9})
    limits = QUICK.model_copy(update={"sessions": 1, "run_deadline": 15.0})
    async with site.fleet(limits=limits) as fleet:
        reports = await fleet.run(ONE_TABLE, [psem(name) for name in "abc"]).collect()
    assert outcomes(reports)["a"] == "read"
    assert outcomes(reports)["c"] == "not reached"
    assert "the run's 15 s passed" in str(reports[-2].error) + str(reports[-1].error)


async def test_stopping_lets_what_is_open_log_off_and_reports_the_rest(site):
    for name in "abcd":
        site.add_psem(name, faults={"response_delay": 0.5})
    limits = QUICK.model_copy(update={"sessions": 2})
    async with site.fleet(limits=limits) as fleet:
        run = fleet.run(ONE_TABLE, [psem(name) for name in "abcd"])
        await anyio.sleep(1.0)
        fleet.stop("SIGTERM")
        began = now()
        reports = await run.collect()
        assert now() - began < 10
        assert fleet.open_sessions == 0
    assert outcomes(reports)["c"] == outcomes(reports)["d"] == "not reached"
    assert all(str(r.error).startswith("SIGTERM") for r in reports if r.outcome is Outcome.NOT_REACHED)
    assert not site.open_lines
    assert all(not meter.faults.silent for meter in site.meters.values())


async def test_a_meter_that_is_being_read_is_not_read_on_once_the_run_stops(site):
    site.add_psem("p", faults={"response_delay": 0.5})
    tables = [f"ST{number}" for number in (0, 1, 3, 20, 21, 22, 23)]
    async with site.fleet() as fleet:
        run = fleet.run(ReadPlan.model_validate({"psem": {"tables": tables}}), [psem("p")])
        await anyio.sleep(4.0)
        began = now()
        run.stop("enough")
        (report,) = await run.collect()
    states = [section.outcome.value for section in report.sections]
    assert states == sorted(states, reverse=True)  # read, then not reached
    assert set(states) == {"read", "not reached"}
    assert report.outcome is Outcome.PARTLY
    assert report.error is STOPPED
    assert now() - began < 3.0
    assert not site.open_lines


async def test_what_does_not_end_within_the_grace_is_cut(site):
    site.add_psem("p", faults={"response_delay": 500.0})
    limits = QUICK.model_copy(update={"stop_grace": 3.0})
    async with site.fleet(limits=limits) as fleet:
        run = fleet.run(ONE_TABLE, [psem("p", options={"answer_timeout": 1000, "exchange_timeout": 1000})])
        await anyio.sleep(1.0)
        run.stop()
        (report,) = await run.collect()
        assert now() < 10
    assert report.outcome is Outcome.FAILED
    assert "the run was stopped" in str(report.error)


async def test_break_stops_the_run_in_bounded_time(site):
    names = [f"p{number}" for number in range(50)]
    for name in names:
        site.add_psem(name, faults={"response_delay": 0.5})
    limits = QUICK.model_copy(update={"sessions": 5})
    async with site.fleet(limits=limits) as fleet:
        async for _ in fleet.run(ONE_TABLE, [psem(name) for name in names]):
            break
        gc.collect()
        began = now()
        while fleet.open_sessions:  # noqa: ASYNC110  # virtual time, and nobody tells
            await anyio.sleep(0.1)
        assert now() - began < 15
    assert len(site.dialled) <= 10
    assert not site.open_lines


async def test_an_error_of_the_user_leaves_as_it_came_and_everything_is_closed(site):
    for name in "ab":
        site.add_psem(name, faults={"response_delay": 0.5})

    async def mistaken():
        async with site.fleet() as fleet:
            async for _ in fleet.run(ONE_TABLE, [psem("a"), psem("b")]):
                raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await mistaken()
    assert not site.open_lines


async def test_a_cancelled_fleet_leaves_nothing_open(site):
    for number in range(5):
        site.add_psem(f"p{number}", faults={"response_delay": 3.0})
    tasks = asyncio.all_tasks()
    with anyio.move_on_after(2.0) as scope:
        async with site.fleet() as fleet:
            await fleet.run(ONE_TABLE, [psem(f"p{n}") for n in range(5)]).collect()
    assert scope.cancelled_caught
    assert now() < 5
    assert not site.open_lines
    assert asyncio.all_tasks() == tasks


async def test_a_thousand_meters_leave_no_task_and_no_line(site):
    site.add_psem("all")
    meters = [
        MeterEntry(id=f"m{n}", url=f"psem+tcp://10.0.{n // 250}.{n % 250 + 1}:1153") for n in range(1000)
    ]
    site.dial = lambda _: Counted(site, "all")
    async with site.fleet() as fleet:
        reports = await fleet.run(ONE_TABLE, meters).collect()
        assert len(asyncio.all_tasks()) < 5
    assert set(outcomes(reports).values()) == {"read"}
    assert len(reports) == 1000
    assert not site.open_lines


def test_an_error_is_a_value_that_json_takes():
    from meterkit.fleet.report import error_json

    error = MeterError(ErrorKind.REFUSED, "no", 3, "here")
    assert error_json(error) == {"kind": "refused", "message": "no", "code": 3, "where": "here"}
