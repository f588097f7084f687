"""What sinks on a disk have in common: their work blocks, so it is done in threads, and its faults are told.

open, write, close ---> a thread: open_now, write_now, close_now ---> OSError, sqlite3.Error ---> SinkFault
"""

from __future__ import annotations

import errno
import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from anyio import Lock, to_thread

from meterkit.fleet.readings import Reading, SinkFault

__all__ = ["CHUNK", "BlockingSink", "Scan", "told_fault"]

#: Readings that a scan hands out at once.
CHUNK: Final = 1000

_WORDS: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk can only be read",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
    errno.ENOENT: "there is no such file or folder",
    errno.EISDIR: "that is a folder, a file was expected",
    errno.ENOTDIR: "part of its path is a file, a folder was expected",
    errno.EEXIST: "part of its path is a file, a folder was expected",
    errno.EIO: "the disk failed",
}

T = TypeVar("T")


def told_fault(name: str, error: OSError | sqlite3.Error) -> SinkFault:
    """Return what went wrong with the disk, in words."""
    if isinstance(error, OSError):
        code = error.errno or 0
        return SinkFault(f"{name}: {_WORDS.get(code, os.strerror(code) if code else str(error))}")
    text = str(error)
    if "full" in text:
        return SinkFault(f"{name}: the disk is full")
    if "locked" in text:
        return SinkFault(f"{name}: another program is writing to it")
    if "unable to open" in text:
        return SinkFault(f"{name}: it can't be opened; is its folder there, and may this user write in it?")
    if "not a database" in text:
        return SinkFault(f"{name}: the file is no SQLite database")
    if "readonly" in text:
        return SinkFault(f"{name}: it can only be read by this user")
    return SinkFault(f"{name}: {text}")


def sync_folder(path: Path) -> None:
    """Put the names in a folder on disk; where folders can't be opened, the system sees to it itself."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Scan:
    """What a store holds, in lists of at most `CHUNK` readings; read in a thread, list by list."""

    def __init__(self, name: str, chunks: Iterator[list[Reading]]) -> None:
        self._name = name
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[list[Reading]]:
        return self

    async def __anext__(self) -> list[Reading]:
        chunk = await to_thread.run_sync(self._next)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    def _next(self) -> list[Reading] | None:
        try:
            return next(self._chunks, None)
        except (OSError, sqlite3.Error) as broken:
            raise told_fault(self._name, broken) from None


class BlockingSink(ABC):
    """A sink whose work is done in threads, one piece at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = Lock()
        self._is_open = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    async def open(self) -> None:
        """Be ready to write.  Errors: SinkFault."""
        async with self._lock:
            if not self._is_open:
                await self._in_thread(self.open_now)
                self._is_open = True

    async def write(self, batch: Sequence[Reading]) -> None:
        """Keep a batch; on disk when this returns.  Errors: SinkFault; RuntimeError the sink isn't open."""
        async with self._lock:
            if not self._is_open:
                raise RuntimeError(f"{self.name} isn't open: await its open() first")
            await self._in_thread(partial(self.write_now, batch))

    async def close(self) -> None:
        """Let go of the files; may be called twice.  Errors: SinkFault."""
        async with self._lock:
            if self._is_open:
                self._is_open = False
                await self._in_thread(self.close_now)

    def scan(self, since: datetime, until: datetime, *, meters: Collection[str] | None = None) -> Scan:
        """Return what is stored with `since < time <= until`, of some meters or all.

        The sink needn't be open.  Of a key that was stored again with another value, the last one counts.
        Errors: SinkFault.
        """
        return Scan(self.name, self.scan_now(since, until, meters))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await to_thread.run_sync(work)
        except (OSError, sqlite3.Error) as broken:
            raise told_fault(self.name, broken) from None

    @abstractmethod
    def open_now(self) -> None:
        """Open, and mend what a killed run left."""

    @abstractmethod
    def write_now(self, batch: Sequence[Reading]) -> None:
        """Put a batch on disk."""

    @abstractmethod
    def close_now(self) -> None:
        """Let go."""

    @abstractmethod
    def scan_now(
        self, since: datetime, until: datetime, meters: Collection[str] | None
    ) -> Iterator[list[Reading]]:
        """Yield what is stored, chunk by chunk; opens what it needs itself."""
