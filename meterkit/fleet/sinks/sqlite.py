"""One SQLite file: a table of readings by key, and a view of it for people.

    readings       meter, channel, time (us since 1970) -> value, type, unit, flags, kind, interval, read_at
    readings_utc   the same with times as text, for whoever asks by hand

A batch is one transaction, on disk when it returns (WAL, synchronous FULL); the same key again replaces.
Decimals stand as text with every digit, which SQLite's sum() takes for numbers; `type` tells them from text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from meterkit.fleet.readings import Reading, SinkFault
from meterkit.fleet.sinks.blocking import CHUNK, BlockingSink
from meterkit.fleet.sinks.flat import COLUMNS, from_micros, join_value, micros, split_value, stored_reading

__all__ = ["SqliteSink"]

VERSION: Final = 1  # of the table's shape, in the file's user_version
BUSY_TIMEOUT: Final = 10.0  # s to wait for another program that writes
_LARGEST: Final = 1 << 63  # SQLite's integers end here

_SCHEMA: Final = f"""
BEGIN IMMEDIATE;
CREATE TABLE readings (
    meter TEXT NOT NULL, channel TEXT NOT NULL, time INTEGER NOT NULL,
    value, type TEXT NOT NULL, unit TEXT NOT NULL, flags TEXT NOT NULL, kind TEXT NOT NULL,
    interval INTEGER, read_at INTEGER,
    PRIMARY KEY (meter, channel, time)
) WITHOUT ROWID;
CREATE VIEW readings_utc AS
SELECT meter, channel, strftime('%Y-%m-%dT%H:%M:%SZ', time / 1000000, 'unixepoch') AS time,
    value, unit, flags, kind, interval,
    strftime('%Y-%m-%dT%H:%M:%SZ', read_at / 1000000, 'unixepoch') AS read_at
FROM readings;
PRAGMA user_version = {VERSION};
COMMIT;
"""
#: What a reading says; when it was read doesn't count, so the same read again keeps its first `read_at`.
_SAYS: Final = COLUMNS[3:-1]
_UPSERT: Final = (
    f"INSERT INTO readings VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[3:])
    + f" WHERE ({', '.join(_SAYS)}) IS NOT ({', '.join(f'excluded.{name}' for name in _SAYS)})"
)
#: The next (meter, channel) there is: a leap over the primary key instead of a walk over every row.
_NEXT_SERIES: Final = (
    "SELECT meter, channel FROM readings WHERE (meter, channel) > (?, ?) ORDER BY meter, channel LIMIT 1"
)
_WINDOW: Final = (
    "SELECT * FROM readings WHERE meter = ? AND channel = ? AND time > ? AND time <= ? ORDER BY time"
)


class SqliteSink(BlockingSink):
    """A sink in the SQLite file `path`, which other programs may read meanwhile."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:{path}")
        self.path = path
        self._database: sqlite3.Connection | None = None

    def open_now(self) -> None:
        """Open the file, and make its table if there is none.  Errors: SinkFault another shape."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            if not _columns(database):
                _create(database)
            self._check(database)
        except BaseException:
            database.close()
            raise
        self._database = database

    def write_now(self, batch: Sequence[Reading]) -> None:
        """Put a batch on disk in one transaction."""
        database = self._database
        if database is None:
            raise RuntimeError(f"{self.name} isn't open")
        database.execute("BEGIN IMMEDIATE")
        try:
            database.executemany(_UPSERT, map(_row, batch))
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise

    def close_now(self) -> None:
        """Let go of the file."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def scan_now(
        self, since: datetime, until: datetime, meters: Collection[str] | None
    ) -> Iterator[list[Reading]]:
        """Yield a window, ordered by meter, channel and time."""
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, check_same_thread=False)) as database:
            self._check(database)
            wanted = None if meters is None else frozenset(meters)
            window = (micros(since), micros(until))
            series = ("", "")
            while series := database.execute(_NEXT_SERIES, series).fetchone():
                if wanted is None or series[0] in wanted:
                    cursor = database.execute(_WINDOW, (*series, *window))
                    while rows := cursor.fetchmany(CHUNK):
                        yield [_reading(row) for row in rows]

    def _check(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        found = _columns(database)
        if found != COLUMNS:
            raise SinkFault(
                f"{self.name}: the table readings has another shape: columns {', '.join(COLUMNS)} expected, "
                f"{', '.join(found) or 'none'} found"
            )
        if version != VERSION:
            raise SinkFault(f"{self.name}: readings of version {VERSION} expected, {version} found")


def _create(database: sqlite3.Connection) -> None:
    try:
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        if database.in_transaction:
            database.execute("ROLLBACK")
        if not _columns(database):  # made by another program just now
            raise


def _columns(database: sqlite3.Connection) -> tuple[str, ...]:
    return tuple(str(row[1]) for row in database.execute("PRAGMA table_info(readings)"))


def _row(reading: Reading) -> tuple[object, ...]:
    value = reading.value
    type_name, text = split_value(value)
    stored: object = text
    if type_name == "boolean" or (isinstance(value, int) and -_LARGEST <= value < _LARGEST):
        stored = int(value)  # type: ignore[arg-type]
    elif isinstance(value, float) and value == value:  # SQLite takes NaN for NULL
        stored = value
    read_at = None if reading.read_at is None else micros(reading.read_at)
    return (
        reading.meter,
        reading.channel,
        micros(reading.time),
        stored,
        type_name,
        reading.unit,
        " ".join(reading.flags),
        reading.kind.value,
        reading.interval,
        read_at,
    )


def _reading(row: tuple[Any, ...]) -> Reading:
    meter, channel, time, stored, type_name, unit, flags, kind, interval, read_at = row
    if type_name == "boolean":
        stored = "true" if stored else "false"
    elif isinstance(stored, float):
        stored = repr(stored)
    try:
        return stored_reading(
            meter,
            channel,
            from_micros(time),
            join_value(type_name, None if stored is None else str(stored)),
            unit=unit,
            flags=tuple(flags.split()),
            kind=kind,
            interval=interval,
            read_at=None if read_at is None else from_micros(read_at),
        )
    except (ValueError, TypeError, OverflowError) as wrong:
        raise SinkFault(f"the row {meter}, {channel}, {time} is no reading: {wrong}") from None
