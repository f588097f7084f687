"""Up to where each channel group of each meter was read and kept: in an SQLite file, or in memory for tests.

    (meter, channel group) -> time      forward only; on disk before `advance` returns

10,000 meters are one write to disk if they come in one `advance_all`, as the pipeline sends them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from anyio import Lock, to_thread

from meterkit.fleet.readings import Checkpoints, SinkFault
from meterkit.fleet.sinks.blocking import told_fault
from meterkit.fleet.sinks.flat import from_micros, micros

__all__ = ["Checkpoints", "MemoryCheckpoints", "SqliteCheckpoints"]

BUSY_TIMEOUT: Final = 10.0  # s to wait for another program that writes

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS checkpoints (
    meter TEXT NOT NULL, channel_group TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (meter, channel_group)
) WITHOUT ROWID
"""
_COLUMNS: Final = ("meter", "channel_group", "time")
_ADVANCE: Final = (
    "INSERT INTO checkpoints VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET time = excluded.time "
    "WHERE excluded.time > time"
)

T = TypeVar("T")


class MemoryCheckpoints:
    """Checkpoints that last as long as the program: for tests."""

    def __init__(self) -> None:
        self._times: dict[str, dict[str, datetime]] = {}

    async def open(self) -> None:
        """Be ready, as it always is."""

    async def load(self, meter: str) -> Mapping[str, datetime]:
        """Return the checkpoints of `meter`; see `Checkpoints`."""
        return dict(self._times.get(meter, {}))

    async def advance(self, meter: str, checkpoints: Mapping[str, datetime]) -> None:
        """Move checkpoints forward; see `Checkpoints`."""
        kept = self._times.setdefault(meter, {})
        for group, time in checkpoints.items():
            kept[group] = max(time, kept.get(group, time))

    async def advance_all(self, checkpoints: Mapping[str, Mapping[str, datetime]]) -> None:
        """Move those of many meters; see `Checkpoints`."""
        for meter, times in checkpoints.items():
            await self.advance(meter, times)

    async def close(self) -> None:
        """Keep everything: there is nothing to let go of."""


class SqliteCheckpoints:
    """Checkpoints in the file `path`, which is made if there is none; several programs may share it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.name = f"checkpoints in {self.path}"
        self._database: sqlite3.Connection | None = None
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"SqliteCheckpoints({os.fspath(self.path)!r})"

    async def open(self) -> None:
        """Open the file.  Errors: SinkFault it can't be, or holds something else."""
        async with self._lock:
            if self._database is None:
                self._database = await self._in_thread(self._connect)

    async def load(self, meter: str) -> Mapping[str, datetime]:
        """Return the checkpoints of `meter`; see `Checkpoints`."""
        query = "SELECT channel_group, time FROM checkpoints WHERE meter = ?"
        async with self._lock:
            database = self._opened
            rows = await self._in_thread(lambda: database.execute(query, (meter,)).fetchall())
        return {str(group): from_micros(time) for group, time in rows}

    async def advance(self, meter: str, checkpoints: Mapping[str, datetime]) -> None:
        """Move one meter's checkpoints forward; see `Checkpoints`."""
        await self.advance_all({meter: checkpoints})

    async def advance_all(self, checkpoints: Mapping[str, Mapping[str, datetime]]) -> None:
        """Move those of many meters with one write to disk; see `Checkpoints`."""
        rows = [
            (meter, group, micros(time))
            for meter, times in checkpoints.items()
            for group, time in times.items()
        ]
        if rows:
            async with self._lock:
                await self._in_thread(partial(_advance, self._opened, rows))

    async def close(self) -> None:
        """Close the file; may be called twice."""
        async with self._lock:
            database, self._database = self._database, None
            if database is not None:
                await self._in_thread(database.close)

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise RuntimeError(f"{self.name}: not open; await open() first")
        return self._database

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await to_thread.run_sync(work)
        except (OSError, sqlite3.Error) as broken:
            raise told_fault(self.name, broken) from None

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")  # a commit returns once it is on the disk
            database.execute(_TABLE)
            self._check(database)
        except BaseException:
            database.close()
            raise
        return database

    def _check(self, database: sqlite3.Connection) -> None:
        found = tuple(str(row[1]) for row in database.execute("PRAGMA table_info(checkpoints)"))
        if found != _COLUMNS:
            raise SinkFault(
                f"{self.name}: the table has another shape: columns {', '.join(_COLUMNS)} expected, "
                f"{', '.join(found)} found"
            )


def _advance(database: sqlite3.Connection, rows: list[tuple[str, str, int]]) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        database.executemany(_ADVANCE, rows)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
