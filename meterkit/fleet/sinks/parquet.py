"""A folder of Parquet files, each complete: the newest readings wait in a journal until they fill one.

    part-00000001.parquet  part-00000002.parquet   journal-00000003.jsonl   keys.db
    renamed into place when whole                  becomes part 3           what all of them hold

A batch is on disk in the journal when it is acknowledged.  A full journal is written as the part of its
number under another name, put on disk, renamed, then deleted; whoever finds journal and part of one number
knows that only the deletion is missing.  So no crash leaves half a part, a hole or a double.  Idempotent
across runs by `keys.db`, which is made up from the parts if it is lost.  Extra: meterkit[arrow].
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, Final

from meterkit.fleet.readings import Reading, SinkFault
from meterkit.fleet.sinks.blocking import BlockingSink, sync_folder
from meterkit.fleet.sinks.flat import is_number, join_value, micros, split_value, stored_reading
from meterkit.fleet.sinks.jsonl import JsonLines
from meterkit.fleet.sinks.key_index import KeyIndex
from meterkit.fleet.sinks.lines import LineFile, in_chunks, read_lines

__all__ = ["ParquetSink"]

PART_SIZE: Final = 100_000  # readings that fill a part
GROUP: Final = 8192  # readings of one row group, and so of what is in memory at once


class ParquetSink(BlockingSink):
    """A sink in the folder `path`; a part is written once `part_size` readings wait, or at `close`.

    `pyarrow.dataset.dataset(path)` reads the parts; so does whatever reads Parquet.
    """

    def __init__(self, path: Path, *, part_size: int = PART_SIZE) -> None:
        super().__init__(f"parquet:{path}")
        if part_size < 1:
            raise ValueError(f"part_size {part_size}: 1 or more expected")
        self.path = path
        self.part_size = part_size
        self._index = KeyIndex(path / "keys.db")
        self._journal: LineFile | None = None
        self._waiting = 0  #: readings in the journal
        self._format = JsonLines()

    def open_now(self) -> None:
        """Open the folder and mend what a killed run left.  Errors: SinkFault pyarrow isn't there."""
        _arrow("pyarrow.parquet")
        self.path.mkdir(parents=True, exist_ok=True)
        self._index.open()
        try:
            self._mend()
        except BaseException:
            self.close_files()
            raise

    def write_now(self, batch: Sequence[Reading]) -> None:
        """Put a batch on disk in the journal, and the journal in a part if it is full."""
        journal = self._journal
        if journal is None:  # the part was written, and then something failed
            journal = self._mend()
        self._waiting += journal.append(batch)
        if self._waiting >= self.part_size:
            self._roll(journal)

    def close_now(self) -> None:
        """Write the journal's readings as the last part and let go."""
        try:
            if self._journal is not None and self._waiting:
                self._roll(self._journal)
            if self._journal is not None:
                self._journal.path.unlink(missing_ok=True)  # it is empty
        finally:
            self.close_files()

    def close_files(self) -> None:
        """Let go of journal and index as they are."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._index.close()

    def scan_now(
        self, since: datetime, until: datetime, meters: Collection[str] | None
    ) -> Iterator[list[Reading]]:
        """Yield the parts in their order, then the journals that are in no part yet."""
        if not self.path.is_dir():
            raise SinkFault(f"{self.name}: there is no such folder")
        parts = _numbered(self.path, "part-*.parquet")
        for number in sorted(parts):
            yield from in_chunks(_read_part(parts[number]), since, until, meters)
        for number, journal in sorted(_numbered(self.path, "journal-*.jsonl").items()):
            if number not in parts:
                lines = (reading for _, reading in read_lines(journal, self._format))
                yield from in_chunks(lines, since, until, meters)

    def _mend(self) -> LineFile:
        """Finish what was broken off, and open the journal there is, or the next."""
        for left in self.path.glob("part-*.parquet.tmp"):
            left.unlink()
        parts = _numbered(self.path, "part-*.parquet")
        newest = max(parts, default=0)
        for number, path in _numbered(self.path, "journal-*.jsonl").items():
            if number in parts:
                path.unlink()  # it is in its part
            newest = max(newest, number - 1)
        self._learn({number: path for number, path in parts.items() if number >= self._index.place[0]})
        path = self.path / f"journal-{newest + 1:08}.jsonl"
        journal = LineFile(path, self._format, self._index, part=newest + 1)
        try:
            journal.open()
            self._waiting = sum(1 for _ in read_lines(path, self._format))
        except BaseException:
            journal.close()
            raise
        self._journal = journal
        return journal

    def _learn(self, parts: dict[int, Path]) -> None:
        """Tell the index what is in parts that it may not know."""
        for number, path in sorted(parts.items()):
            self._index.begin()
            try:
                for reading in _read_part(path):
                    line = self._format.encode(reading)
                    content = line[: line.rindex(b",")]
                    self._index.is_news(reading.meter, reading.channel, micros(reading.time), content)
                self._index.commit(number + 1, 0)
            except BaseException:
                self._index.rollback()
                raise

    def _roll(self, journal: LineFile) -> None:
        """Make the journal a part, and begin another."""
        part = self.path / f"part-{journal.part:08}.parquet"
        unfinished = part.with_name(f"{part.name}.tmp")
        try:
            _write_part(unfinished, (reading for _, reading in read_lines(journal.path, self._format)))
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        unfinished.replace(part)
        self._journal, self._waiting = None, 0
        journal.close()
        sync_folder(self.path)
        self._index.commit(journal.part + 1, 0)
        self._mend()


def _numbered(folder: Path, pattern: str) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in folder.glob(pattern):
        digits = path.name.partition("-")[2].partition(".")[0]
        if digits.isdecimal():
            found[int(digits)] = path
    return found


def _arrow(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise SinkFault("Parquet needs the arrow extra: pip install 'meterkit[arrow]'") from None


def _schema() -> Any:
    arrow = _arrow("pyarrow")
    time = arrow.timestamp("us", tz="UTC")
    name = arrow.dictionary(arrow.int32(), arrow.string())
    return arrow.schema(
        [
            arrow.field("meter", name, nullable=False),
            arrow.field("channel", name, nullable=False),
            arrow.field("time", time, nullable=False),
            arrow.field("value", arrow.string()),  # every digit
            arrow.field("number", arrow.float64()),  # the same, to calculate with
            arrow.field("type", name, nullable=False),
            arrow.field("unit", name, nullable=False),
            arrow.field("flags", arrow.list_(arrow.string()), nullable=False),
            arrow.field("kind", name, nullable=False),
            arrow.field("interval", arrow.int64()),
            arrow.field("read_at", time),
        ]
    )


def _columns(readings: Sequence[Reading]) -> dict[str, list[Any]]:
    split = [split_value(reading.value) for reading in readings]
    return {
        "meter": [reading.meter for reading in readings],
        "channel": [reading.channel for reading in readings],
        "time": [reading.time for reading in readings],
        "value": [text for _, text in split],
        "number": [_as_float(reading) for reading in readings],
        "type": [type_name for type_name, _ in split],
        "unit": [reading.unit for reading in readings],
        "flags": [list(reading.flags) for reading in readings],
        "kind": [reading.kind.value for reading in readings],
        "interval": [reading.interval for reading in readings],
        "read_at": [reading.read_at for reading in readings],
    }


def _as_float(reading: Reading) -> float | None:
    value = reading.value
    if value is None or isinstance(value, str) or not is_number(value):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _write_part(path: Path, readings: Iterator[Reading]) -> None:
    arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    schema = _schema()
    with path.open("wb") as file:
        with parquet.ParquetWriter(file, schema) as writer:
            while group := list(islice(readings, GROUP)):
                writer.write_table(arrow.table(_columns(group), schema=schema))
        file.flush()
        os.fsync(file.fileno())


def _read_part(path: Path) -> Iterator[Reading]:
    """Yield a part's readings.  Errors: SinkFault another file has its name."""
    arrow, parquet = _arrow("pyarrow"), _arrow("pyarrow.parquet")
    try:
        with closing(parquet.ParquetFile(path)) as file:
            expected, found = _schema().names, file.schema_arrow.names
            if found != expected:
                raise SinkFault(
                    f"{path.name} has another shape: columns {', '.join(expected)} expected, "
                    f"{', '.join(found)} found"
                )
            for batch in file.iter_batches(GROUP):
                yield from map(_reading, batch.to_pylist())
    except arrow.ArrowInvalid as wrong:
        raise SinkFault(f"{path.name} is no whole Parquet file: {wrong}") from None


def _reading(row: dict[str, Any]) -> Reading:
    return stored_reading(
        row["meter"],
        row["channel"],
        row["time"],
        join_value(row["type"], row["value"]),
        unit=row["unit"],
        flags=tuple(row["flags"]),
        kind=row["kind"],
        interval=row["interval"],
        read_at=row["read_at"],
    )
