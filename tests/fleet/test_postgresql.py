"""The PostgreSQL sink against a real server: its death, its shapes, several programs at once."""

from dataclasses import replace
from decimal import Decimal

import anyio
import pytest

from meterkit.fleet.checkpoints import MemoryCheckpoints
from meterkit.fleet.pipeline import Pipeline
from meterkit.fleet.readings import SinkFault
from meterkit.fleet.sinks import open_sink
from tests.fleet.postgres import database, postgres  # noqa: F401
from tests.fleet.samples import START, day, interval

pytestmark = pytest.mark.anyio
EVER = (START, START.replace(year=2030))


@pytest.fixture
async def ask(database):  # noqa: F811
    import psycopg

    connection = await psycopg.AsyncConnection.connect(database, autocommit=True)

    async def ask(query):
        cursor = await connection.execute(query)
        return await cursor.fetchall() if cursor.description else None

    yield ask
    await connection.close()


async def held(url):
    return [reading async for chunk in open_sink(url).scan(*EVER) for reading in chunk]


@pytest.fixture
async def sink(database):  # noqa: F811
    sink = open_sink(database)
    await sink.open()
    yield sink
    await sink.close()


async def test_numbers_are_numeric_and_times_are_times(sink, ask):
    await sink.write([replace(interval("m1", n), value=Decimal("0.10")) for n in (1, 2, 3)])
    rows = await ask(
        "SELECT sum(number)::text, min(time)::timestamptz = '2026-03-01T00:15:00Z' FROM readings"
    )
    assert rows == [("0.30", True)]
    assert await ask("SELECT version FROM meterkit_schema WHERE name = 'readings'") == [(1,)]


async def test_what_did_not_change_is_not_written_again(sink, ask):
    await sink.write(day("m1"))
    before = await ask("SELECT xmin, ctid FROM readings ORDER BY time")
    await sink.write(day("m1"))
    assert await ask("SELECT xmin, ctid FROM readings ORDER BY time") == before


async def test_a_lost_connection_is_made_anew(sink, ask, database):  # noqa: F811
    await sink.write(day("m1"))
    await ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'meterkit'")
    with pytest.raises(SinkFault):
        await sink.write(day("m2"))
    await sink.write(day("m2"))
    assert len(await held(database)) == 192


async def test_a_dead_database_is_told_and_loses_nothing_that_was_acknowledged(postgres, database):  # noqa: F811
    kept = MemoryCheckpoints()
    async with Pipeline(open_sink(database), kept, retry_after=(0.0,)) as pipeline:
        await pipeline.put(day("m1"), {"LP1": START})
        await pipeline.flush()
        postgres.stop()
        try:
            await pipeline.put(day("m2"), {"LP1": START})
            await pipeline.flush()
            assert set(pipeline.held) == {"m2"}
            assert pipeline.counts.given_up == 96
            with pytest.raises(SinkFault, match="connection"):
                await open_sink(database).open()
        finally:
            postgres.start()
        assert await pipeline.begin("m2") == {}
        await pipeline.put(day("m2"), {"LP1": START})
    assert {reading.meter for reading in await held(database)} == {"m1", "m2"}
    assert await kept.load("m2") == {"LP1": START}


async def test_a_value_that_the_database_refuses_harms_no_other_meter(database):  # noqa: F811
    async with Pipeline(open_sink(database), retry_after=(0.0,)) as pipeline:
        await pipeline.put(day("m1"))
        await pipeline.put([interval("m2", 1, value=Decimal("1E+200000"))])
        await pipeline.put(day("m3"))
    assert set(pipeline.held) == {"m2"}
    assert {reading.meter for reading in await held(database)} == {"m1", "m3"}


async def test_programs_that_write_the_same_keys_do_not_lock_up(database):  # noqa: F811
    batch = [reading for number in range(20) for reading in day(f"m{number}")]
    sinks = [open_sink(database) for _ in range(4)]

    async def write(sink, order):
        await sink.open()
        for _ in range(3):
            await sink.write(order)
        await sink.close()

    async with anyio.create_task_group() as tasks:
        for number, sink in enumerate(sinks):
            tasks.start_soon(write, sink, batch if number % 2 else batch[::-1])
    assert len(await held(database)) == len(batch)


async def test_a_cancelled_write_leaves_nothing_and_the_sink_goes_on(sink, ask, database):  # noqa: F811
    await sink.write(day("m0"))
    await ask("BEGIN")
    await ask("LOCK TABLE readings IN EXCLUSIVE MODE")
    with anyio.move_on_after(0.3) as scope:
        await sink.write(day("m1"))
    assert scope.cancelled_caught
    await ask("COMMIT")
    assert {reading.meter for reading in await held(database)} == {"m0"}
    await sink.write(day("m1"))
    assert len(await held(database)) == 192


async def test_a_database_that_is_silent_counts_as_dead(database, ask):  # noqa: F811
    from meterkit.fleet.sinks.postgresql import PostgresqlSink

    sink = PostgresqlSink(database, write_timeout=0.3)
    await sink.open()
    await ask("BEGIN")
    await ask("LOCK TABLE readings IN EXCLUSIVE MODE")
    with pytest.raises(SinkFault, match=r"no answer within 0.3 s"):
        await sink.write(day("m1"))
    await ask("COMMIT")
    await sink.write(day("m1"))
    await sink.close()
    assert len(await held(database)) == 96


async def test_a_table_of_another_shape_is_told(database, ask):  # noqa: F811
    await ask("CREATE TABLE readings (id int, kwh float)")
    with pytest.raises(SinkFault, match=r"columns meter, channel, .* expected, id, kwh found"):
        await open_sink(database).open()


async def test_another_version_is_told(sink, ask, database):  # noqa: F811
    await ask("UPDATE meterkit_schema SET version = 7")
    with pytest.raises(SinkFault, match="version 1 expected, 7 found"):
        await open_sink(database).open()


async def test_a_database_where_nothing_was_written_is_told(database):  # noqa: F811
    with pytest.raises(SinkFault, match="nothing was ever written here"):
        await held(database)


def test_a_sink_names_no_secret():
    name = open_sink("postgresql://reader@db.example:5433/meters").name
    assert name == "postgresql://db.example:5433/meters"
