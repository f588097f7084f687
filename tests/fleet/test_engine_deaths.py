"""What dies under the engine, a worker or the database in mid-job; and what wakes it, the schedules."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("procrastinate", reason="needs-postgresql-server", exc_type=ImportError)

import anyio
from procrastinate.periodic import PeriodicDeferrer

from meterkit.emulator.farm import Farm, FarmConfiguration
from meterkit.fleet.engine import EngineFile, EngineSchedule, Worker, defer, initialize, make_app, status
from tests.fleet.engine_rig import QUICK, engine_file, held, query, read_once, worker
from tests.fleet.fleet_rig import Site, psem
from tests.fleet.postgres import database, postgres  # noqa: F401

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
PASSWORD = "METERKIT-DEMO-READER"  # the emulated meters' own
SLOWLY = {"connections_per_second": 4, "connection_burst": 1}
PROFILE = {"load_profile": [{"first_days": 2}]}


@pytest.fixture
def site():
    return Site()


def begin_worker(database):  # noqa: F811
    words = ["fleet", "engine", "worker", database, "--heartbeat", "0.2", "--stalled-after", "1", "--json"]
    return subprocess.Popen(
        [sys.executable, "-m", "meterkit.cli", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "METERKIT_PASSWORD": PASSWORD},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def test_a_worker_killed_in_mid_job_leaves_neither_holes_nor_doubles(database, monkeypatch):  # noqa: F811
    monkeypatch.setenv("METERKIT_PASSWORD", PASSWORD)
    clock = datetime.now(UTC)  # one time for all meters: what they hold doesn't grow between two runs
    async with Farm(FarmConfiguration(psem=6, dlms=6), clock=lambda: clock) as farm:
        plan = {"psem": PROFILE, "dlms": PROFILE}
        settings = {**farm.fleet_file(), "plan": plan, "limits": SLOWLY, "meters_per_job": 100}
        file = EngineFile.model_validate(settings)
        await initialize(database, file)
        await defer(database, "plan")
        with begin_worker(database) as program:
            try:
                with anyio.fail_after(20):
                    while not await query(database, "SELECT 1 FROM readings LIMIT 1"):  # noqa: ASYNC110
                        await anyio.sleep(0.02)
            finally:
                program.send_signal(signal.SIGKILL)
        assert await query(database, "SELECT status FROM procrastinate_jobs") == [("doing",)]
        partly = len(await held(database))
        await Worker(database, settings=QUICK).run(drain=True)
        killed = await held(database)
        expected = await _expected(file)
    (last,) = (await status(database)).rounds
    assert (last.read, last.open, last.given_up) == (12, 0, ())
    assert [key for key, count in Counter(reading.key for reading in killed).items() if count > 1] == []
    assert {reading.key: reading.value for reading in killed} == expected
    assert 0 < partly < len(expected)


async def _expected(file):
    """Return what a fleet without any engine reads of the same meters."""
    from meterkit.fleet import Fleet

    async with Fleet(limits=file.limits) as fleet:
        reports = await fleet.run(file.plan, file.meters).collect()
    return {reading.key: reading.value for report in reports for reading in report.data}


async def test_a_dead_workers_job_gives_way_to_a_newer_one_that_reads_the_same(site, database):  # noqa: F811
    site.add_psem("m1")
    await initialize(database, engine_file([psem("m1")]))
    await defer(database, "plan")
    await query(
        database,
        "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour') "
        "RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead)",
    )
    again = await defer(database, "plan")
    assert (again.jobs, again.refused) == (1, 0)
    reports = []
    with anyio.fail_after(30):
        await worker(site, database, reported=reports.append).run(drain=True)
    assert [report.read for report in reports] == [1]
    assert (await status(database)).failed == 1


async def test_a_job_that_takes_every_worker_with_it_is_given_up(site, database):  # noqa: F811
    site.add_psem("m1")
    await initialize(database, engine_file([psem("m1")]))
    await defer(database, "plan")
    await query(database, "UPDATE procrastinate_jobs SET status = 'doing', attempts = 4")
    with anyio.fail_after(30):
        await worker(site, database).run(drain=True)
    assert not site.dialled
    assert (await status(database)).failed == 1


async def test_a_database_that_dies_in_mid_run_is_waited_for_and_nothing_is_lost(
    site,
    postgres,  # noqa: F811
    database,  # noqa: F811
):
    meters = []
    for number in range(4):
        site.add_psem(f"m{number}")
        meters.append(psem(f"m{number}"))
    await initialize(database, engine_file(meters, meters_per_job=10, limits={"sessions": 1}))
    await defer(database, "plan")
    troubles = []
    dial = site.dial

    def dial_and_break(address):
        if len(site.dialled) == 2 and not troubles:
            troubles.append("stopped here")
            postgres.stop()
        return dial(address)

    site.dial = dial_and_break
    reports = []
    one = worker(site, database, reported=reports.append, troubled=troubles.append)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: one.run(drain=True))
        try:
            with anyio.fail_after(60):
                while len(troubles) < 2:  # noqa: ASYNC110
                    await anyio.sleep(0.05)
            assert not reports
        finally:
            await anyio.to_thread.run_sync(postgres.start)
        with anyio.fail_after(60):
            while not reports:  # noqa: ASYNC110
                await anyio.sleep(0.05)
    assert [report.read for report in reports] == [4]
    assert {reading.meter for reading in await held(database)} == {meter.id for meter in meters}


async def test_schedules_begin_their_rounds_once_however_many_workers_there_are(database):  # noqa: F811
    schedules = [
        EngineSchedule(name="quarters", cron="*/15 * * * *"),
        EngineSchedule(name="nights", cron="10 0 * * *"),
        EngineSchedule(name="by-hand"),
    ]
    noon = datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC).timestamp()
    await read_nothing(database)
    apps = [make_app(database, schedules) for _ in range(2)]
    async with apps[0].open_async() as one, apps[1].open_async() as two:
        deferrers = [PeriodicDeferrer(app.periodic_registry) for app in (one, two)]
        for at in (noon, noon + 60, noon + 900, noon + 1800):
            for deferrer in deferrers:
                await deferrer.defer_jobs(deferrer.get_previous_tasks(at=at))
                await query(
                    database, "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE status = 'todo'"
                )
    rows = await query(database, "SELECT args, lock FROM procrastinate_jobs ORDER BY id")
    due = [datetime.fromtimestamp(args["timestamp"], UTC).strftime("%H:%M") for args, _ in rows]
    assert due == ["12:00", "12:15", "12:30"]
    assert {lock for _, lock in rows} == {"round quarters"}


async def read_nothing(database):  # noqa: F811
    await initialize(database, engine_file([psem("m1")]))


async def test_a_round_that_a_schedule_begins_is_read(site, database):  # noqa: F811
    site.add_psem("m1")
    await initialize(
        database, engine_file([psem("m1")], schedules=[{"name": "quick", "cron": "* * * * * *"}])
    )
    reports = []
    one = worker(site, database, reported=lambda report: (reports.append(report), one.stop()))
    with anyio.fail_after(30):
        await one.run()
    assert reports[0].order.schedule == "quick"
    assert reports[0].read == 1


async def test_a_sink_of_its_own_gets_the_readings(site, database, postgres):  # noqa: F811
    site.add_psem("m1")
    other = postgres.create()
    await initialize(database, engine_file([psem("m1")]))
    await defer(database, "plan")
    await worker(site, database, sink=other).run(drain=True)
    assert len(await held(other)) == 1
    assert not await held(database)


async def test_a_checkpoint_moves_forward_only_whoever_moves_it(site, database):  # noqa: F811
    from meterkit.fleet.engine import PostgresqlCheckpoints
    from tests.fleet.samples import QUARTER, START

    one, other = PostgresqlCheckpoints(database), PostgresqlCheckpoints(database)
    await one.open()
    await other.open()
    await one.advance("m1", {"LP1": START + QUARTER, "events": START})
    await other.advance("m1", {"LP1": START})
    assert await other.load("m1") == {"LP1": START + QUARTER, "events": START}
    assert await one.load("m2") == {}
    await one.close()
    await other.close()


async def test_readings_may_be_partitioned_by_time(site, database):  # noqa: F811
    site.add_psem("m1")
    await query(database, PARTITIONED)
    await query(database, "CREATE TABLE readings_all PARTITION OF readings DEFAULT")
    await read_once(site, database, engine_file([psem("m1")]))
    assert await query(database, "SELECT count(*) FROM readings_all") == [(1,)]


PARTITIONED = """
CREATE TABLE meterkit_schema (name text PRIMARY KEY, version integer NOT NULL);
INSERT INTO meterkit_schema VALUES ('readings', 1);
CREATE TABLE readings (
    meter text NOT NULL, channel text NOT NULL, time timestamptz NOT NULL,
    number numeric, text text, type text NOT NULL, unit text NOT NULL, flags text[] NOT NULL,
    kind text NOT NULL, "interval" bigint, read_at timestamptz,
    PRIMARY KEY (meter, channel, time)) PARTITION BY RANGE (time)
"""
