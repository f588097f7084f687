"""Which readings a file that only grows holds already: an index beside it, in SQLite.

    readings.jsonl        ...lines...          .place = (part, octets) up to where the index knows the file
    readings.jsonl.keys   (meter, channel, time) -> digest of what the reading says

The memory it takes is SQLite's page cache, however long the file.  The index may be behind its file, after a
crash, and may be lost: it is made up from the file.  It is never ahead of it, for it is committed last.
"""

from __future__ import annotations

import sqlite3
from hashlib import blake2b
from pathlib import Path
from typing import Final

from meterkit.fleet.readings import SinkFault

__all__ = ["KeyIndex", "digest"]

CACHE: Final = 16 * 1024  # KiB of pages in memory

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (
    meter TEXT NOT NULL, channel TEXT NOT NULL, time INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (meter, channel, time)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (part INTEGER NOT NULL, octets INTEGER NOT NULL);
"""
_NOTE: Final = (
    "INSERT INTO keys VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest "
    "WHERE digest <> excluded.digest"
)


def digest(content: bytes) -> bytes:
    """Return eight octets that tell one content of a reading from another."""
    return blake2b(content, digest_size=8).digest()


class KeyIndex:
    """The keys in one file, or in the numbered parts of a folder; one program at a time may have it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: (part, octets): everything in earlier parts and so many octets of this one are known
        self.place = (0, 0)
        self._database: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the index; a damaged one is begun anew.  Errors: SinkFault another program has it open."""
        try:
            self._connect()
        except sqlite3.DatabaseError as broken:
            self.close()
            if isinstance(broken, sqlite3.OperationalError):
                if "locked" in str(broken):
                    raise SinkFault(f"{self.path.name}: another program is writing to this sink") from None
                raise
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
            self._connect()

    def _connect(self) -> None:
        self._database = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=16
        )
        for pragma in (
            "locking_mode = EXCLUSIVE",
            "journal_mode = WAL",
            "synchronous = NORMAL",  # a commit lost with the power is made up from the file
            f"cache_size = -{CACHE}",
        ):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        row = self._database.execute("SELECT part, octets FROM place").fetchone()
        self.place = (0, 0) if row is None else (int(row[0]), int(row[1]))

    def close(self) -> None:
        """Let go of the index."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def begin(self) -> None:
        """Begin to note keys; `commit` or `rollback` ends it."""
        self._opened.execute("BEGIN")

    def is_news(self, meter: str, channel: str, time: int, content: bytes) -> bool:
        """Note a reading; tell whether its key is new, or says something else than before."""
        return self._opened.execute(_NOTE, (meter, channel, time, digest(content))).rowcount > 0

    def commit(self, part: int, octets: int) -> None:
        """Keep what was noted, now that the file holds it up to this place."""
        database = self._opened
        if not database.in_transaction:
            database.execute("BEGIN")
        database.execute("DELETE FROM place")
        database.execute("INSERT INTO place VALUES (?, ?)", (part, octets))
        database.execute("COMMIT")
        self.place = (part, octets)

    def rollback(self) -> None:
        """Forget what was noted: the file doesn't hold it."""
        if self._database is not None and self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def clear(self) -> None:
        """Know of nothing: the file is another one."""
        self._opened.execute("DELETE FROM keys")
        self.commit(0, 0)

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise RuntimeError(f"{self.path.name} isn't open")
        return self._database
