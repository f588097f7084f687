r"""A file that only grows, one reading a line: appended, put on disk, mended after a crash.

    {...}\n{...}\n{...}\n{..        the torn line at the end was never acknowledged: it is cut off
                         ^ end of the last whole line

A batch is put on disk, then its keys are, then it is acknowledged.  Killed in between, the next `open` reads
the lines that the index doesn't know.  What a reading says is its line up to the last comma: `read_at` stands
last and doesn't count, so the same value read again is no news.  A value that changed is appended again, and
the last line of a key counts.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from meterkit.fleet.readings import Reading, SinkFault
from meterkit.fleet.sinks.blocking import CHUNK, BlockingSink, sync_folder
from meterkit.fleet.sinks.flat import micros
from meterkit.fleet.sinks.key_index import KeyIndex

__all__ = ["LineFile", "LineFormat", "LineSink"]

#: No line is longer: what has no end within this many octets isn't ours.
LONGEST: Final = 1 << 24


class LineFormat(Protocol):
    """How one reading stands in one line."""

    @property
    def header(self) -> bytes:
        """The first line with its end, or nothing."""
        ...

    def encode(self, reading: Reading) -> bytes:
        """Return a line without its end."""
        ...

    def decode(self, line: bytes) -> Reading:
        """Return the reading of a line without its end.  Errors: ValueError it holds none."""
        ...


class LineFile:
    """One file of lines whose keys stand in `index` as part `part`."""

    def __init__(self, path: Path, line_format: LineFormat, index: KeyIndex, part: int = 0) -> None:
        self.path = path
        self.part = part
        self._format = line_format
        self._index = index
        self._file: BinaryIO | None = None
        self.size = 0  #: octets of whole lines
        self._is_torn = False  # there are more octets, of a batch that failed

    def open(self) -> None:
        """Cut off a torn line, and tell the index what it missed.  Errors: SinkFault the file isn't ours."""
        is_new = not self.path.exists()
        self._file = self.path.open("ab", buffering=0)
        if is_new:
            sync_folder(self.path.parent)
        self.size = _mended(self.path, self._format)
        if self.size == 0 and self._format.header:
            self._append(self._format.header)
        self._catch_up()

    def append(self, batch: Sequence[Reading]) -> int:
        """Put what is news of a batch on disk; return how many readings that was."""
        index, encode = self._index, self._format.encode
        lines: list[bytes] = []
        before = self.size
        index.begin()
        try:
            for reading in batch:
                line = encode(reading)
                content = line[: line.rindex(b",")]
                if index.is_news(reading.meter, reading.channel, micros(reading.time), content):
                    lines.append(line)
            if lines:
                lines.append(b"")
                self._append(b"\n".join(lines))
            index.commit(self.part, self.size)
        except BaseException:
            index.rollback()
            self._cut(before)  # lines whose keys aren't known would come again
            raise
        return max(len(lines) - 1, 0)

    def close(self) -> None:
        """Let go of the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _append(self, octets: bytes) -> None:
        if self._file is None:
            raise RuntimeError(f"{self.path.name} isn't open")
        handle = self._file.fileno()
        try:
            if self._is_torn:
                os.ftruncate(handle, self.size)
            self._is_torn = True
            view = memoryview(octets)
            while view:
                view = view[self._file.write(view) :]
            os.fsync(handle)
        except OSError:
            self._cut(self.size)  # half a batch on a full disk
            raise
        self._is_torn = False
        self.size += len(octets)

    def _cut(self, size: int) -> None:
        """Make it as if nothing beyond `size` had been written; at the latest the next batch does it."""
        self._is_torn = self._is_torn or size < self.size
        self.size = size
        if self._is_torn and self._file is not None:
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), size)
                self._is_torn = False

    def _catch_up(self) -> None:
        part, known = self._index.place
        if part != self.part or known > self.size:
            if known and part == self.part:
                self._index.clear()  # the file was replaced by a shorter one
            known = 0
        if known == self.size:
            return
        self._index.begin()
        try:
            for line, reading in read_lines(self.path, self._format, known, self.size):
                content = line[: line.rindex(b",")]
                self._index.is_news(reading.meter, reading.channel, micros(reading.time), content)
            self._index.commit(self.part, self.size)
        except BaseException:
            self._index.rollback()
            raise


def read_lines(
    path: Path, line_format: LineFormat, begin: int = 0, end: int | None = None
) -> Iterator[tuple[bytes, Reading]]:
    """Yield the whole lines between two places in a file, with their readings.

    Errors: SinkFault a line that holds no reading.
    """
    header = line_format.header
    with path.open("rb") as file:
        file.seek(begin)
        place = begin
        while end is None or place < end:
            line = file.readline(LONGEST)
            if not line.endswith(b"\n"):
                if len(line) == LONGEST:
                    raise SinkFault(f"{path.name}: no line end within {LONGEST} octets from octet {place} on")
                return
            if not (place == 0 and line == header):
                yield line[:-1], _decoded(path, line_format, line[:-1], place)
            place += len(line)


def _decoded(path: Path, line_format: LineFormat, line: bytes, place: int) -> Reading:
    try:
        return line_format.decode(line)
    except ValueError as wrong:
        shown = line[:60].decode("utf-8", "replace")
        raise SinkFault(f"{path.name}: the line at octet {place} is no reading ({wrong}): {shown}") from None


def _mended(path: Path, line_format: LineFormat) -> int:
    """Cut off a torn last line, or end a whole one; return the file's size."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        end = _last_line_end(file, size)
        if end == size:
            return size
        file.seek(end)
        tail = file.read(LONGEST)
        if _is_whole(tail, line_format):
            file.write(b"\n")
            size += 1
        else:
            file.truncate(end)
            size = end
        file.flush()
        os.fsync(file.fileno())
        return size


def _is_whole(line: bytes, line_format: LineFormat) -> bool:
    """Tell whether a line lacks nothing but its end; one that breaks off after a comma may lack `read_at`."""
    if line.endswith(b","):
        return False
    try:
        line_format.decode(line)
    except ValueError:
        return False
    return True


def _last_line_end(file: BinaryIO, size: int) -> int:
    place = size
    while place > 0:
        begin = max(0, place - 65536)
        file.seek(begin)
        found = file.read(place - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        place = begin
    return 0


class LineSink(BlockingSink):
    """A sink of one file of lines, with its index beside it as `<file>.keys`."""

    def __init__(self, name: str, path: Path, line_format: LineFormat) -> None:
        super().__init__(name)
        self.path = path
        self._format = line_format
        self._index = KeyIndex(path.with_name(f"{path.name}.keys"))
        self._lines = LineFile(path, line_format, self._index)

    def open_now(self) -> None:
        """Open file and index, and mend both."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._index.open()
            self._lines.open()
        except BaseException:
            self.close_now()
            raise

    def write_now(self, batch: Sequence[Reading]) -> None:
        """Append what is news."""
        self._lines.append(batch)

    def close_now(self) -> None:
        """Let go of both."""
        self._lines.close()
        self._index.close()

    def scan_now(
        self, since: datetime, until: datetime, meters: Collection[str] | None
    ) -> Iterator[list[Reading]]:
        """Yield the lines of a window; a torn one at the end isn't there."""
        yield from in_chunks(
            (reading for _, reading in read_lines(self.path, self._format)), since, until, meters
        )


def in_chunks(
    readings: Iterator[Reading], since: datetime, until: datetime, meters: Collection[str] | None
) -> Iterator[list[Reading]]:
    """Yield those of `readings` that are asked for, `CHUNK` at a time."""
    wanted = None if meters is None else frozenset(meters)
    chunk: list[Reading] = []
    for reading in readings:
        if since < reading.time <= until and (wanted is None or reading.meter in wanted):
            chunk.append(reading)
            if len(chunk) == CHUNK:
                yield chunk
                chunk = []
    if chunk:
        yield chunk
