"""The engine's tables beside Procrastinate's: meters, schedules, settings, rounds and reports.

    meterkit_engine_meters      which meters, and which of them one job reads
    meterkit_engine_schedules   plans, and when they are read
    meterkit_engine_settings    limits and retries; one row
    meterkit_engine_rounds      what was begun, when
    meterkit_engine_reports     what came of it, job by job

A job names its group; entries and plans are looked up here when it runs.  No secret is in any of it: entries
name the places of secrets, and each worker looks there itself.
"""

from __future__ import annotations

from typing import Final

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

from meterkit.fleet.readings import SinkFault
from meterkit.fleet.sinks.postgresql_connection import (
    TABLES_LOCK,
    Connection,
    check_version,
    connected,
    shown_url,
    told,
)

__all__ = ["make_tables"]

VERSION: Final = 1
_NAME: Final = "engine"
_PROCRASTINATE: Final = (
    "SELECT to_regclass('procrastinate_jobs') IS NOT NULL, to_regprocedure"
    "('procrastinate_fetch_job_v2(character varying[], bigint)') IS NOT NULL, "
    "to_regclass('meterkit_engine_meters') IS NOT NULL"
)
_TABLES: Final = (
    """CREATE TABLE meterkit_engine_meters (
        meter text PRIMARY KEY, line_group text NOT NULL, protocol text NOT NULL,
        priority integer NOT NULL, entry jsonb NOT NULL)""",
    "CREATE INDEX meterkit_engine_groups ON meterkit_engine_meters (line_group)",
    """CREATE TABLE meterkit_engine_schedules (
        name text PRIMARY KEY, position integer NOT NULL, schedule jsonb NOT NULL)""",
    """CREATE TABLE meterkit_engine_settings (
        one boolean PRIMARY KEY DEFAULT true CHECK (one), limits jsonb NOT NULL, retries jsonb NOT NULL)""",
    """CREATE TABLE meterkit_engine_rounds (
        schedule text NOT NULL, due timestamptz NOT NULL, meters integer NOT NULL, jobs integer NOT NULL,
        refused integer NOT NULL, PRIMARY KEY (schedule, due))""",
    """CREATE TABLE meterkit_engine_reports (
        job bigint PRIMARY KEY, schedule text NOT NULL, due timestamptz NOT NULL, line_group text NOT NULL,
        attempt integer NOT NULL, began_at timestamptz NOT NULL, ended_at timestamptz NOT NULL,
        report jsonb NOT NULL)""",
    "CREATE INDEX meterkit_engine_reports_round ON meterkit_engine_reports (schedule, due)",
)


async def make_tables(url: str) -> None:
    """Make Procrastinate's tables and the engine's, where they are not there yet.

    Errors: SinkFault the database cannot be used, or has tables of another version; ValueError the URL.
    """
    place = shown_url(url)
    try:
        connection = await connected(url)
        try:
            await _make(connection, place)
        finally:
            await connection.close()
    except psycopg.Error as broken:
        raise told(place, broken) from None


async def _make(connection: Connection, place: str) -> None:
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("SET LOCAL client_min_messages = warning")
        await cursor.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
        await cursor.execute(_PROCRASTINATE)
        row = await cursor.fetchone()
        assert row is not None  # a SELECT without FROM has one
        has_queue, is_current, has_engine = row
        if not has_queue:
            await cursor.execute(sql.SQL(SchemaManager.get_schema()))
        elif not is_current:
            raise SinkFault(
                f"{place}: the tables of an older Procrastinate are there: apply its migrations first "
                "(procrastinate schema --migrations-path says where they are)"
            )
        if not has_engine:
            for statement in _TABLES:
                await cursor.execute(statement.encode())
        await check_version(cursor, place, _NAME, VERSION, is_new=not has_engine)
