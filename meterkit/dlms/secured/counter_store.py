"""Where invocation counters outlast the program: in memory for tests, in an SQLite file for meters.

    reserve 1000 --- commit, fsync --- hand out 1, 2, 3 ...      killed at 3: the next program begins at 1001

Numbers are on disk before the first of them is used, so no crash hands one out twice; several programs may
share a file.  Lost numbers don't matter, repeated ones would.  Never put an old copy of the file back.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeVar

from meterkit.dlms.security.counters import ALARM, STOP, CounterBlock, CounterName, CounterStore
from meterkit.errors import ErrorKind, ProtocolFault, fault

__all__ = ["CounterStore", "MemoryCounterStore", "SqliteCounterStore"]

BLOCK_SIZE: Final = 1000  # numbers; one write to disk each
BUSY_TIMEOUT: Final = 10.0  # s to wait for another program that writes
FIRST: Final = 1  # some meters refuse 0: they take only more than what they begin with, 0

T = TypeVar("T")
_service = logging.getLogger("meterkit.service")
_WHERE: Final = "invocation counters"
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS invocation_counters (
    meter BLOB NOT NULL, client BLOB NOT NULL, kind TEXT NOT NULL,
    next INTEGER NOT NULL, received INTEGER,
    PRIMARY KEY (meter, client, kind)
) WITHOUT ROWID
"""
_ROW: Final = "WHERE meter = ? AND client = ? AND kind = ?"
_UPSERT: Final = (
    "INSERT INTO invocation_counters (meter, client, kind, next, received) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET next = max(next, excluded.next), "
    "received = max(coalesce(received, -1), coalesce(excluded.received, received, -1))"
)


class _Forks:
    """What a forked child may not go on with: blocks, kept numbers and the file are its parent's."""

    def __init__(self) -> None:
        self._blocks: weakref.WeakSet[CounterBlock] = weakref.WeakSet()
        self._stores: weakref.WeakSet[SqliteCounterStore] = weakref.WeakSet()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def block(self, first: int, end: int) -> CounterBlock:
        """Return a block that is empty in every child."""
        block = CounterBlock(first, end)
        self._blocks.add(block)
        return block

    def watch(self, store: SqliteCounterStore) -> None:
        """Let `store` begin anew in every child."""
        self._stores.add(store)

    def _forget(self) -> None:
        for block in self._blocks:
            block.void()
        for store in self._stores:
            store.begin_anew()


_inherited: list[sqlite3.Connection] = []  # a child must not even close its parent's
_forks = _Forks()


def _checked_end(name: CounterName, first: int, count: int) -> int:
    """Return where `count` numbers from `first` on end.

    Errors: `ProtocolFault` SECURITY the counter is used up.
    """
    if first + count > STOP:
        raise fault(
            ErrorKind.SECURITY,
            f"the {name.words} has no counter left at {first}: nothing is sent before it is changed",
            where=_WHERE,
        )
    return first + count


def _warn(name: CounterName, first: int) -> None:
    if first >= ALARM:
        _service.warning(
            "the invocation counter of the %s is at %d, %d are left: change the key",
            name.words,
            first,
            STOP - first,
        )


def _check_told(name: CounterName, number: int, is_trusted: bool) -> None:
    if not 0 <= number <= STOP:
        raise fault(ErrorKind.SECURITY, f"a counter of 0 to {STOP} expected, {number} came", where=_WHERE)
    if number > ALARM and not is_trusted:
        raise fault(
            ErrorKind.SECURITY,
            f"the meter tells without proof that the counter of the {name.words} is at {number}; beyond "
            f"{ALARM} that isn't believed, for it would use the counter up: if it is true, change the key",
            where=_WHERE,
        )


def _check_count(count: int) -> None:
    if count < 1:
        raise ValueError(f"count {count}: 1 or more expected")


class MemoryCounterStore:
    """Counters that last as long as the program: for tests and emulated meters, never for real keys."""

    def __init__(self) -> None:
        self._next: dict[CounterName, int] = {}
        self._received: dict[CounterName, int] = {}
        self._lock = threading.Lock()

    def reserve(self, name: CounterName, count: int) -> CounterBlock:
        """Return `count` numbers; see `CounterStore`."""
        _check_count(count)
        with self._lock:
            first = self._next.get(name, FIRST)
            end = _checked_end(name, first, count)
            self._next[name] = end
        _warn(name, first)
        return _forks.block(first, end)

    def raise_to(self, name: CounterName, number: int, *, is_trusted: bool = False) -> None:
        """Hand out no number below `number`; see `CounterStore`."""
        _check_told(name, number, is_trusted)
        with self._lock:
            self._next[name] = max(self._next.get(name, FIRST), number)

    def received(self, name: CounterName) -> int | None:
        """Return the highest counter received; see `CounterStore`."""
        return self._received.get(name)

    def note_received(self, name: CounterName, number: int) -> None:
        """Keep the highest counter received; see `CounterStore`."""
        _check_told(name, number, is_trusted=True)
        with self._lock:
            self._received[name] = max(self._received.get(name, -1), number)


class SqliteCounterStore:
    """Counters in the file `path`, which is made if there is none, readable for its owner alone.

    `block_size` numbers are reserved with one write to disk.  Threads and programs may share the file; a
    program that forks, too.  Methods block on the disk: call them off the event loop.
    """

    def __init__(self, path: str | os.PathLike[str], *, block_size: int = BLOCK_SIZE) -> None:
        if not 1 <= block_size <= STOP:
            raise ValueError(f"block_size {block_size}: 1 to {STOP} expected")
        self.path = os.fspath(path)
        self.block_size = block_size
        self._connection: sqlite3.Connection | None = None
        self.begin_anew()
        _forks.watch(self)

    def __repr__(self) -> str:
        return f"SqliteCounterStore({self.path!r})"

    def __del__(self) -> None:
        # A store let go of closes its file; in a forked child there is nothing to close (see `_forks`).
        connection: sqlite3.Connection | None = getattr(self, "_connection", None)
        if connection is not None:
            connection.close()

    # ---------------------------------------------------------------- counters
    def reserve(self, name: CounterName, count: int) -> CounterBlock:
        """Return `count` numbers, durable before this returns; see `CounterStore`."""
        _check_count(count)
        with self._lock:
            first, end = self._guarded(lambda database: self._reserve(database, name, count))
        _warn(name, first)
        return _forks.block(first, end)

    def _reserve(self, database: sqlite3.Connection, name: CounterName, count: int) -> tuple[int, int]:
        first, end = self._kept.get(name, (0, 0))
        if end - first < count or _next_of(database, name) != end:
            # None kept, or another program went on from them: its numbers are higher than ours now.
            with _transaction(database):
                first = _next_of(database, name)
                _checked_end(name, first, count)
                end = min(first + max(count, self.block_size), STOP)
                database.execute(_UPSERT, (*_key(name), end, None))
        self._kept[name] = (first + count, end)
        return first, first + count

    def raise_to(self, name: CounterName, number: int, *, is_trusted: bool = False) -> None:
        """Hand out no number below `number`, durable before this returns; see `CounterStore`."""
        _check_told(name, number, is_trusted)
        with self._lock:
            self._guarded(lambda database: self._raise(database, name, number))

    def _raise(self, database: sqlite3.Connection, name: CounterName, number: int) -> None:
        first, end = self._kept.get(name, (0, 0))
        if first >= number:
            return
        if number <= end:
            self._kept[name] = (number, end)
            return
        self._kept.pop(name, None)
        with _transaction(database):
            database.execute(_UPSERT, (*_key(name), number, None))

    def received(self, name: CounterName) -> int | None:
        """Return the highest counter received; see `CounterStore`."""
        with self._lock:
            row = self._guarded(
                lambda database: database.execute(
                    f"SELECT received FROM invocation_counters {_ROW}", _key(name)
                ).fetchone()
            )
        return None if row is None or row[0] is None or row[0] < 0 else int(row[0])

    def note_received(self, name: CounterName, number: int) -> None:
        """Keep the highest counter received; see `CounterStore`."""
        _check_told(name, number, is_trusted=True)

        def note(database: sqlite3.Connection) -> None:
            with _transaction(database):
                database.execute(_UPSERT, (*_key(name), FIRST, number))

        with self._lock:
            self._guarded(note)

    # ---------------------------------------------------------------- the file
    def begin_anew(self) -> None:
        """Know of nothing reserved, and of no open file: in a child after a fork."""
        self._lock = threading.Lock()
        self._kept: dict[CounterName, tuple[int, int]] = {}  # reserved on disk, not yet handed out
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None

    def close(self) -> None:
        """Close the file; numbers kept are given up.  The next call opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._kept.clear()
        if connection is not None:
            connection.close()

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` does with the file.  Errors: `ProtocolFault` SECURITY it can't be used."""
        try:
            if self._connection is None:
                self._connection = _connect(self.path)
            return work(self._connection)
        except (sqlite3.Error, OSError) as broken:
            self._close()
            raise self._down(broken) from None

    def _down(self, broken: Exception) -> ProtocolFault:
        return fault(
            ErrorKind.SECURITY,
            f"{self.path}: {broken}. Without a place to keep counters nothing is sent ciphered",
            where=_WHERE,
        )


def _connect(path: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    try:
        # A commit returns only once it is on the disk.  EXTRA is FULL, and the folder with it.
        connection.execute("PRAGMA synchronous = EXTRA")
        with _transaction(connection):
            connection.execute(_TABLE)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _transaction(database: sqlite3.Connection) -> Generator[None]:
    """One write, alone among all programs from its first read on."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _next_of(database: sqlite3.Connection, name: CounterName) -> int:
    row = database.execute(f"SELECT next FROM invocation_counters {_ROW}", _key(name)).fetchone()
    return FIRST if row is None else int(row[0])


def _key(name: CounterName) -> tuple[bytes, bytes, str]:
    return name.meter, name.client, name.kind.value
