"""What is done without a worker: a fleet is put into the database, rounds are begun, their state is told."""

from __future__ import annotations

from meterkit.fleet.engine.app import make_app
from meterkit.fleet.engine.checkpoints import PostgresqlCheckpoints
from meterkit.fleet.engine.engine import TROUBLES, EngineFault, pool_of, why
from meterkit.fleet.engine.engine_file import EngineFile, EngineSchedule
from meterkit.fleet.engine.rounds import Deferred, defer_plan
from meterkit.fleet.engine.status import EngineStatus, status_of
from meterkit.fleet.engine.store import Saved, Settings, Store
from meterkit.fleet.engine.tables import make_tables
from meterkit.fleet.sinks.postgresql import PostgresqlSink
from meterkit.fleet.sinks.postgresql_connection import connected, shown_url

__all__ = ["defer", "initialize", "status", "stored"]


async def initialize(dsn: str, file: EngineFile) -> Saved:
    """Make all tables that are not there yet, and put a file's meters and schedules into them.

    Again after each change of the file: what it no longer has is taken out, readings and checkpoints stay.
    Errors: EngineFault the database cannot be used; ValueError the URL is none, or holds a password.
    """
    try:
        await make_tables(dsn)
        for keeper in (PostgresqlSink(dsn), PostgresqlCheckpoints(dsn)):
            try:
                await keeper.open()
            finally:
                await keeper.close()
        async with make_app(dsn).open_async() as app:
            return await Store(pool_of(app)).save(file)
    except TROUBLES as trouble:
        raise _told(dsn, trouble) from None


async def stored(dsn: str) -> tuple[Settings, list[EngineSchedule]]:
    """Return what all jobs have in common, and the schedules.

    Errors: EngineFault no fleet was ever put there; of `TROUBLES` the database cannot be used.
    """
    await _check(dsn)
    async with make_app(dsn).open_async() as app:
        store = Store(pool_of(app))
        settings = await store.settings()
        schedules = list((await store.schedules()).values())
    if settings is None:
        raise _empty(dsn)
    return settings, schedules


async def defer(dsn: str, schedule: str) -> Deferred:
    """Begin a round of a schedule now.  Errors: EngineFault there is none, or the database is away."""
    try:
        await _check(dsn)
        async with make_app(dsn).open_async() as app:
            return await defer_plan(app, schedule)
    except TROUBLES as trouble:
        raise _told(dsn, trouble) from None


async def status(dsn: str) -> EngineStatus:
    """Return what waits, who works, and what came of the last rounds.  Errors: EngineFault."""
    try:
        await _check(dsn)
        async with make_app(dsn).open_async() as app:
            return await status_of(app)
    except TROUBLES as trouble:
        raise _told(dsn, trouble) from None


async def _check(dsn: str) -> None:
    """See whether the tables are there; a plain connection tells more than a pool, which only waits."""
    connection = await connected(dsn)
    try:
        cursor = await connection.execute("SELECT to_regclass('meterkit_engine_settings') IS NULL")
        row = await cursor.fetchone()
    finally:
        await connection.close()
    if row is None or row[0]:
        raise _empty(dsn)


def _empty(dsn: str) -> EngineFault:
    return EngineFault(
        f"{shown_url(dsn)}: no fleet is in it yet: `meterkit fleet engine init` puts one there"
    )


def _told(dsn: str, trouble: BaseException) -> EngineFault:
    place, text = shown_url(dsn), why(trouble)
    return EngineFault(text if text.startswith(place) else f"{place}: {text}")
