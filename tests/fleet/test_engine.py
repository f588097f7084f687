"""A fleet on a real PostgreSQL: rounds, locks, refused duplicates, retries of the failed alone, reports."""

import pytest

pytest.importorskip("procrastinate", reason="needs-postgresql-server", exc_type=ImportError)

import anyio

from meterkit.fleet.engine import EngineFault, defer, initialize, status
from tests.fleet.engine_rig import engine_file, held, query, read_once, worker
from tests.fleet.fleet_rig import Site, dlms, psem
from tests.fleet.postgres import database, postgres  # noqa: F401
from tests.fleet.samples import START

pytestmark = pytest.mark.anyio


@pytest.fixture
def site():
    return Site()


async def test_a_round_reads_all_meters_into_the_sink(site, database):  # noqa: F811
    meters = []
    for number in range(4):
        site.add_psem(f"p{number}")
        site.add_dlms(f"d{number}")
        meters += [psem(f"p{number}"), dlms(f"d{number}")]
    reports = await read_once(site, database, engine_file(meters))
    assert {reading.meter for reading in await held(database)} == {meter.id for meter in meters}
    assert sorted(report.order.group for report in reports) == sorted(
        f"tcp {meter.id}:{1153 if meter.id[0] == 'p' else 4059}" for meter in meters
    )
    told = await status(database)
    (last,) = told.rounds
    assert (last.meters, last.jobs, last.read, last.open, last.given_up) == (8, 8, 8, 0, ())
    assert (told.waiting, told.running, told.failed, told.meters, told.groups) == (0, 0, 0, 8, 8)
    assert last.readings == len(await held(database))


async def test_meters_of_one_line_are_one_job_and_dialled_once(site, database):  # noqa: F811
    site.add_dlms("gateway")
    meters = [dlms(f"m{number}", "gateway") for number in range(3)]
    reports = await read_once(site, database, engine_file(meters))
    assert [report.read for report in reports] == [3]
    assert len(site.dialled) == 1


async def test_a_duplicate_is_refused_while_the_first_waits(site, database):  # noqa: F811
    for name in ("m1", "m2"):
        site.add_psem(name)
    await initialize(database, engine_file([psem("m1"), psem("m2")]))
    first, second = await defer(database, "plan"), await defer(database, "plan")
    assert (first.jobs, first.refused, first.meters) == (2, 0, 2)
    assert (second.jobs, second.refused, second.meters) == (0, 2, 0)
    reports = []
    await worker(site, database, reported=reports.append).run(drain=True)
    assert len(reports) == 2


async def test_two_workers_and_two_schedules_never_have_one_line_at_once(site, database):  # noqa: F811
    meters = []
    for host in range(3):
        site.add_dlms(f"g{host}")
        meters += [dlms(f"m{host}.{number}", f"g{host}") for number in range(4)]
    plans = [{"name": f"s{number}"} for number in range(4)]
    await initialize(database, engine_file(meters, schedules=plans))
    for schedule in plans:
        await defer(database, schedule["name"])
    reports = []
    most = dict.fromkeys(site.meters, 0)

    class Watched(type(site.dial(meters[0].address))):
        async def open(self):
            await super().open()
            now = sum(line.host == self.host for line in site.open_lines)
            most[self.host] = max(most[self.host], now)

    site.dial = lambda address: Watched(site, address.line.host)
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            one = worker(site, database, reported=reports.append)
            tasks.start_soon(lambda one=one: one.run(drain=True))
    assert len(reports) == 12
    assert sum(report.read for report in reports) == 48
    assert set(most.values()) == {1}


async def test_only_failed_meters_are_tried_again(site, database):  # noqa: F811
    site.add_psem("good")
    bad = site.add_psem("bad")
    file = engine_file(
        [psem("good"), psem("bad", options={"response_timeout": 0.1, "retries": 0})],
        meters_per_job=10,
        retries={"attempts": 3, "backoff": 0.2, "jitter": 0},
    )
    lost = iter([True, True, False])

    def dial(address, dial=site.dial):
        line = dial(address)
        if address.line.host == "bad" and next(lost):
            line.open = _refuse
        return line

    site.dial = dial
    reports = await read_once(site, database, file)
    assert bad is site.meters["bad"]
    assert [(one.order.attempt, one.order.meters, one.read, sorted(one.again)) for one in reports] == [
        (1, None, 1, ["bad"]),
        (2, ("bad",), 0, ["bad"]),
        (3, ("bad",), 1, []),
    ]
    (last,) = (await status(database)).rounds
    assert (last.read, last.again, last.open, last.failures) == (2, 2, 0, {"transport": 2})


async def _refuse():
    from meterkit.errors import ErrorKind, fault

    raise fault(ErrorKind.TRANSPORT, "nobody answers")


async def test_attempts_are_bounded_and_the_given_up_are_named(site, database):  # noqa: F811
    site.add_psem("bad")
    site.dial = lambda address, dial=site.dial: _broken(dial(address))
    retries = {"attempts": 2, "backoff": 0.1, "jitter": 0}
    reports = await read_once(site, database, engine_file([psem("bad")], retries=retries))
    assert [report.order.attempt for report in reports] == [1, 2]
    (last,) = (await status(database)).rounds
    assert last.given_up == ("bad",)
    assert last.examples == {"bad": "connect: nobody answers [transport]"}


def _broken(line):
    line.open = _refuse
    return line


async def test_a_wrong_password_is_not_tried_again(site, database):  # noqa: F811
    site.add_psem("m1", read_key=b"ANOTHER PASSWORD....")
    retries = {"attempts": 5, "backoff": 0.1}
    reports = await read_once(
        site, database, engine_file([psem("m1")], plan={"psem": {"registers": True}}, retries=retries)
    )
    assert len(reports) == 1
    assert list(reports[0].failures) == ["security"] or list(reports[0].failures) == ["refused"]


async def test_what_is_due_no_more_is_told_and_not_read(site, database):  # noqa: F811
    site.add_psem("m1")
    await initialize(database, engine_file([psem("m1")], schedules=[{"name": "quarters", "deadline": 0.05}]))
    await defer(database, "quarters")
    reports = []
    one = worker(site, database, reported=reports.append, clock=lambda: START.replace(year=2100))
    await one.run(drain=True)
    assert not site.dialled
    assert str(reports[0].given_up["m1"]) == "the schedule's deadline passed before its turn came [state]"


async def test_no_secret_and_no_entry_is_in_a_job(site, database):  # noqa: F811
    meter = psem("m1", password="env:METERKIT_PASSWORD")
    await initialize(database, engine_file([meter]))
    await defer(database, "plan")
    ((arguments,),) = await query(database, "SELECT args FROM procrastinate_jobs")
    assert set(arguments) == {"schedule", "group", "due", "meters", "attempt"}
    assert arguments["group"] == "tcp m1:1153"


async def test_a_stopped_worker_leaves_the_rest_to_another_at_once(site, database):  # noqa: F811
    meters = []
    for number in range(6):
        site.add_psem(f"m{number}")
        meters.append(psem(f"m{number}"))
    file = engine_file(meters, meters_per_job=10, limits={"sessions": 1})
    await initialize(database, file)
    await defer(database, "plan")
    reports = []
    dial = site.dial
    site.dial = lambda address: (site.dialled and first.stop()) or dial(address)
    first = worker(site, database, reported=reports.append)
    with anyio.fail_after(30):
        await first.run()
    (report,) = reports
    assert report.read == 1
    assert len(report.again) == 5
    assert not report.given_up
    site.dial = dial
    await worker(site, database, reported=reports.append).run(drain=True)
    assert [one.order.attempt for one in reports] == [1, 1]
    assert len({reading.meter for reading in await held(database)}) == 6


async def test_an_empty_database_and_an_unknown_schedule_are_told(site, database):  # noqa: F811
    with pytest.raises(EngineFault, match="no fleet is in it yet"):
        await defer(database, "plan")
    with pytest.raises(EngineFault, match="no fleet is in it yet"):
        await worker(site, database).run(drain=True)
    await initialize(database, engine_file([psem("m1")], schedules=[{"name": "quarters"}]))
    with pytest.raises(EngineFault, match="no schedule 'nights' in the database; there are: quarters, plan"):
        await defer(database, "nights")


async def test_a_plan_for_one_protocol_reads_those_meters_alone(site, database):  # noqa: F811
    site.add_psem("p")
    site.add_dlms("d")
    file = engine_file([psem("p"), dlms("d")], plan={"dlms": {"registers": ["1-0:1.8.0"]}}, meters_per_job=9)
    (report,) = await read_once(site, database, file)
    assert report.read == 1
    assert {reading.meter for reading in await held(database)} == {"d"}


async def test_a_changed_file_takes_meters_out_and_leaves_lines_in_their_groups(database):  # noqa: F811
    file = engine_file([psem(f"m{number}") for number in range(5)], meters_per_job=2)
    assert await initialize(database, file) == type(await initialize(database, file))(5, 3, 0)
    groups = "SELECT meter, line_group FROM meterkit_engine_meters"
    before = dict(await query(database, groups))
    changed = engine_file([psem(f"m{number}") for number in (1, 2, 3, 4, 7, 8)], meters_per_job=2)
    saved = await initialize(database, changed)
    assert (saved.meters, saved.removed) == (6, 1)
    after = dict(await query(database, groups))
    assert {meter: after[meter] for meter in ("m1", "m2", "m3", "m4")} == {
        meter: before[meter] for meter in ("m1", "m2", "m3", "m4")
    }
