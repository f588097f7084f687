"""The engine over emulated meters in memory: a fleet put into a database, and workers that drain it."""

import json

from meterkit.fleet.engine import EngineFile, Worker, WorkerSettings, defer, initialize
from meterkit.fleet.sinks import open_sink
from tests.fleet.fleet_rig import PASSWORDS
from tests.fleet.samples import START

EVER = (START.replace(year=2000), START.replace(year=2100))
QUICK = WorkerSettings(heartbeat=0.2, stalled_after=1.0, poll=0.3, timeout=0.5)
LIMITS = {"connections_per_second": 10_000, "connection_burst": 10_000}
ONE_TABLE = {"psem": {"tables": ["ST1"]}, "dlms": {"registers": ["1-0:1.8.0"]}}


def engine_file(meters, **settings):
    """Return an engine's file: meters by `fleet_rig.psem` and the like, all their limits out of the way."""
    settings.setdefault("plan", ONE_TABLE)
    settings.setdefault("limits", LIMITS)
    settings.setdefault("retries", {"attempts": 1})
    settings.setdefault("meters_per_job", 1)
    entries = [meter.model_dump(mode="json", exclude_defaults=True) for meter in meters]
    return EngineFile.parse(json.dumps({**settings, "meters": entries}))


def worker(site, database, **settings):
    settings.setdefault("settings", QUICK)
    return Worker(database, dial=site.dial, passwords=PASSWORDS, **settings)


async def read_once(site, database, file, schedule="plan"):
    """Put a file into the database, begin a round, drain it; return what the jobs reported."""
    await initialize(database, file)
    await defer(database, schedule)
    reports = []
    await worker(site, database, reported=reports.append).run(drain=True)
    return reports


async def held(database):
    return [reading async for chunk in open_sink(database).scan(*EVER) for reading in chunk]


async def query(database, text, *arguments):
    import psycopg

    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        cursor = await connection.execute(text, arguments)
        return await cursor.fetchall() if cursor.description else []
