"""Checkpoints in a table of PostgreSQL, for workers on several machines; see `meterkit.fleet.checkpoints`.

(meter, channel_group) -> time      forward only; committed before `advance` returns
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from meterkit.fleet.sinks.postgresql_connection import (
    TABLES_LOCK,
    WORK_TIMEOUT,
    Connection,
    PostgresqlConnection,
    check_version,
    nothing,
)

__all__ = ["PostgresqlCheckpoints"]

VERSION: Final = 1
_TABLE: Final = """
CREATE TABLE meterkit_checkpoints (
    meter text NOT NULL, channel_group text NOT NULL, time timestamptz NOT NULL,
    PRIMARY KEY (meter, channel_group)
) WITH (fillfactor = 70)
"""  # room in each page: every row changes with every reading, and its key never does
# In the order of keys, so that two programs never lock each other up.
_ADVANCE: Final = """
INSERT INTO meterkit_checkpoints
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS moved (meter, channel_group, time)
ORDER BY meter, channel_group
ON CONFLICT (meter, channel_group) DO UPDATE SET time = excluded.time
WHERE excluded.time > meterkit_checkpoints.time
"""


class PostgresqlCheckpoints:
    """Checkpoints in the database `url` names; any number of programs may share them.

    Errors: ValueError the URL is none, or holds a password.
    """

    def __init__(self, url: str, *, timeout: float = WORK_TIMEOUT) -> None:
        self._line = PostgresqlConnection(url, self._make_table, timeout=timeout)
        self.name = f"checkpoints in {self._line.name}"

    def __repr__(self) -> str:
        return f"<PostgresqlCheckpoints {self._line.name}>"

    async def open(self) -> None:
        """Connect, and make the table if there is none.  Errors: SinkFault."""
        await self._line.use(nothing)

    async def load(self, meter: str) -> Mapping[str, datetime]:
        """Return the checkpoints of `meter`; see `Checkpoints`."""

        async def find(connection: Connection) -> list[tuple[str, datetime]]:
            cursor = await connection.execute(
                "SELECT channel_group, time FROM meterkit_checkpoints WHERE meter = %s", (meter,)
            )
            return [(str(row[0]), row[1]) for row in await cursor.fetchall()]

        return {group: time.astimezone(UTC) for group, time in await self._line.use(find)}

    async def advance(self, meter: str, checkpoints: Mapping[str, datetime]) -> None:
        """Move one meter's checkpoints forward; see `Checkpoints`."""
        await self.advance_all({meter: checkpoints})

    async def advance_all(self, checkpoints: Mapping[str, Mapping[str, datetime]]) -> None:
        """Move those of many meters in one transaction; see `Checkpoints`."""
        rows = [(meter, group, time) for meter, times in checkpoints.items() for group, time in times.items()]
        if not rows:
            return

        async def move(connection: Connection) -> None:
            await connection.execute(_ADVANCE, tuple(list(column) for column in zip(*rows, strict=True)))

        await self._line.use(move)

    async def close(self) -> None:
        """Close the connection; may be called twice."""
        await self._line.close()

    async def _make_table(self, connection: Connection) -> None:
        async with connection.transaction(), connection.cursor() as cursor:
            await cursor.execute("SET LOCAL client_min_messages = warning")
            await cursor.execute("SELECT pg_advisory_xact_lock(%s)", (TABLES_LOCK,))
            await cursor.execute("SELECT to_regclass('meterkit_checkpoints') IS NULL")
            row = await cursor.fetchone()
            is_new = row is not None and bool(row[0])
            if is_new:
                await cursor.execute(_TABLE)
            await check_version(cursor, self._line.name, "checkpoints", VERSION, is_new=is_new)
