"""A PostgreSQL table of readings: batches come by COPY into a temporary table and are merged by key.

    COPY incoming  --->  INSERT INTO readings SELECT ... FROM incoming
                         ON CONFLICT (meter, channel, time) DO UPDATE, if something changed
    COMMIT                                                              now the batch is on disk

Numbers stand in `number` (numeric, every digit), texts in `text`; `type` tells which of Python's types it
was.  psycopg 3, not asyncpg: the job queue Procrastinate stands on it as well, so that a head-end needs one
driver, and COPY brings more readings a second than a fleet has.  Extra: meterkit[postgresql].
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import psycopg

from meterkit.fleet.readings import Key, Reading, SinkFault
from meterkit.fleet.sinks.blocking import CHUNK
from meterkit.fleet.sinks.flat import join_value, split_value, stored_reading
from meterkit.fleet.sinks.postgresql_connection import (
    TABLES_LOCK,
    WORK_TIMEOUT,
    Connection,
    PostgresqlConnection,
    check_version,
    connected,
    nothing,
    told,
)

__all__ = ["PostgresqlSink"]

VERSION: Final = 1  # of the table's shape, in meterkit_schema

_COLUMNS: Final = (
    "meter", "channel", "time", "number", "text", "type", "unit", "flags", "kind", "interval", "read_at"
)  # fmt: skip
_TYPES: Final = (
    "text", "text", "timestamptz", "numeric", "text", "text", "text", "text[]", "text", "int8", "timestamptz"
)  # fmt: skip
_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS readings (
        meter text NOT NULL, channel text NOT NULL, time timestamptz NOT NULL,
        number numeric, text text, type text NOT NULL, unit text NOT NULL, flags text[] NOT NULL,
        kind text NOT NULL, "interval" bigint, read_at timestamptz,
        PRIMARY KEY (meter, channel, time))""",
    # Rows arrive about in the order of time: a few pages of ranges instead of a second index of every row.
    "CREATE INDEX IF NOT EXISTS readings_time ON readings USING brin (time)",
)
_NAMES: Final = ", ".join(f'"{name}"' for name in _COLUMNS)
_INCOMING: Final = "CREATE TEMP TABLE IF NOT EXISTS incoming (LIKE readings) ON COMMIT DELETE ROWS"
_COPY: Final = f"COPY incoming ({_NAMES}) FROM STDIN (FORMAT BINARY)"
# In the order of keys, so that two programs that write the same ones wait for each other and never lock up.
_MERGE: Final = (
    f"INSERT INTO readings ({_NAMES}) SELECT {_NAMES} FROM incoming ORDER BY meter, channel, time "
    "ON CONFLICT (meter, channel, time) DO UPDATE SET "
    + ", ".join(f'"{name}" = excluded."{name}"' for name in _COLUMNS[3:])
    + " WHERE ("
    + ", ".join(f'readings."{name}"' for name in _COLUMNS[3:-1])
    + ") IS DISTINCT FROM ("
    + ", ".join(f'excluded."{name}"' for name in _COLUMNS[3:-1])
    + ")"
)
_FOUND: Final = (
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('readings') AND attnum > 0 "
    "AND NOT attisdropped ORDER BY attnum"
)
_WINDOW: Final = f"SELECT {_NAMES} FROM readings WHERE time > %s AND time <= %s"


class PostgresqlSink:
    """A sink in the table `readings` of the database `url` names.

    A lost connection is made anew by the next write.
    """

    def __init__(self, url: str, *, write_timeout: float = WORK_TIMEOUT) -> None:
        self._url = url
        self._line = PostgresqlConnection(url, self._make_tables, timeout=write_timeout)
        self.name = self._line.name
        self._is_open = False

    def __repr__(self) -> str:
        return f"<PostgresqlSink {self.name}>"

    async def open(self) -> None:
        """Connect, and make the table if there is none.  Errors: SinkFault, also for another shape."""
        await self._line.use(nothing)
        self._is_open = True

    async def write(self, batch: Sequence[Reading]) -> None:
        """Merge a batch in one transaction.  Errors: SinkFault; RuntimeError the sink isn't open."""
        if not self._is_open:
            raise RuntimeError(f"{self.name} isn't open: await its open() first")
        rows = _rows(batch)

        async def merge(connection: Connection) -> None:
            async with connection.transaction(), connection.cursor() as cursor:
                await cursor.execute(_INCOMING)
                async with cursor.copy(_COPY) as copy:
                    copy.set_types(_TYPES)
                    for row in rows:
                        await copy.write_row(row)
                await cursor.execute(_MERGE)

        await self._line.use(merge)

    async def close(self) -> None:
        """Close the connection; may be called twice."""
        self._is_open = False
        await self._line.close()

    async def scan(
        self, since: datetime, until: datetime, *, meters: Collection[str] | None = None
    ) -> AsyncIterator[list[Reading]]:
        """Yield what is stored with `since < time <= until`, through a connection of its own.

        Errors: SinkFault.
        """
        query = _WINDOW
        arguments: list[datetime | list[str]] = [since, until]
        if meters is not None:
            query += " AND meter = ANY(%s)"
            arguments = [since, until, sorted(meters)]
        try:
            async with (
                await connected(self._url) as connection,
                connection.transaction(),
                connection.cursor("scan") as cursor,  # of the server: the window needn't fit into memory
            ):
                await cursor.execute(query.encode(), arguments)
                while rows := await cursor.fetchmany(CHUNK):
                    yield [_reading(row) for row in rows]
        except psycopg.Error as broken:
            raise told(self.name, broken) from None

    async def _make_tables(self, connection: Connection) -> None:
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.execute("SET LOCAL client_min_messages = warning")
            await cursor.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
            await cursor.execute(_FOUND)
            found = tuple(str(row[0]) for row in await cursor.fetchall())
            if not found:
                for statement in _SCHEMA:
                    await cursor.execute(statement.encode())
            elif found != _COLUMNS:
                raise SinkFault(
                    f"{self.name}: the table readings has another shape: columns {', '.join(_COLUMNS)} "
                    f"expected, {', '.join(found)} found"
                )
            await check_version(cursor, self.name, "readings", VERSION, is_new=not found)


def _rows(batch: Sequence[Reading]) -> list[tuple[object, ...]]:
    """Return the rows of a batch; of a key that comes twice the last, for a merge takes each once."""
    rows: dict[Key, tuple[object, ...]] = {}
    for reading in batch:
        value = reading.value
        type_name, text = split_value(value)
        number: object = None
        if isinstance(value, Decimal | int | float):
            number = Decimal(int(value)) if isinstance(value, bool) else Decimal(text or "0")
            text = None
        rows[reading.key] = (
            reading.meter,
            reading.channel,
            reading.time,
            number,
            text,
            type_name,
            reading.unit,
            list(reading.flags),
            reading.kind.value,
            reading.interval,
            reading.read_at,
        )
    return list(rows.values())


def _reading(row: tuple[Any, ...]) -> Reading:
    meter, channel, time, number, text, type_name, unit, flags, kind, interval, read_at = row
    shown = text if number is None else str(number)
    if type_name == "boolean":
        shown = "true" if number else "false"
    elif type_name == "integer" and number is not None:
        shown = str(int(number))
    try:
        value = join_value(type_name, shown)
        return stored_reading(
            meter,
            channel,
            time,
            value,
            unit=unit,
            flags=tuple(flags),
            kind=kind,
            interval=interval,
            read_at=read_at,
        )
    except (ValueError, TypeError) as wrong:
        raise SinkFault(f"the row {meter}, {channel}, {time} is no reading: {wrong}") from None
