"""Readings to disk: every sink in batches of 2000, on disk when it returns; pipeline, checkpoints, coverage.

The floors take the same readings to the same disk and know no keys: json.dumps and csv.writer with one fsync
a batch, sqlite3's executemany into a table without an index, pyarrow's writer.  So a floor would write every
reading twice if it came twice.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from time import perf_counter

from benchmarks.harness import Job, main
from meterkit.fleet.checkpoints import SqliteCheckpoints
from meterkit.fleet.coverage import Coverage
from meterkit.fleet.pipeline import Pipeline
from meterkit.fleet.readings import Reading, ReadingKind
from meterkit.fleet.sinks import open_sink

BATCH = 2000  # readings
BATCHES = 20
COUNT = BATCH * BATCHES
METERS = 10_000
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@cache
def batches() -> list[list[Reading]]:
    """Return a day of quarter hours of meter after meter."""
    readings = [
        Reading(
            f"meter{number // 96:05}",
            "profile/1-0:99.1.0/1-0:1.8.0",
            START + timedelta(minutes=15 * (number % 96 + 1)),
            Decimal(number) / 100,
            "Wh",
            (),
            ReadingKind.INTERVAL,
            900,
            START + DAY,
        )
        for number in range(COUNT)
    ]
    return [readings[begin : begin + BATCH] for begin in range(0, COUNT, BATCH)]


def plain() -> Iterator[list[tuple[object, ...]]]:
    """Yield the batches as tuples of what every file takes."""
    for batch in batches():
        yield [
            (r.meter, r.channel, r.time.isoformat(), str(r.value), r.unit, r.kind.value, r.interval)
            for r in batch
        ]


def timed(work: Callable[[Path], Awaitable[None]], count: int = COUNT) -> float:
    """Return microseconds of wall time a reading, for what matters is the disk."""
    batches()
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        asyncio.run(work(Path(folder)))
        return (perf_counter() - begin) * 1e6 / count


# ---------------------------------------------------------------- sinks
def our_sink(url: str) -> float:
    async def write(folder: Path) -> None:
        scheme, _, name = url.partition(":")
        sink = open_sink(f"{scheme}:{folder / name}")
        await sink.open()
        for batch in batches():
            await sink.write(batch)
        await sink.close()

    return timed(write)


def floor_jsonl() -> float:
    async def write(folder: Path) -> None:
        with (folder / "out").open("w") as file:
            for batch in plain():
                file.writelines(json.dumps(row) + "\n" for row in batch)
                file.flush()
                os.fsync(file.fileno())

    return timed(write)


def floor_csv() -> float:
    async def write(folder: Path) -> None:
        with (folder / "out").open("w", newline="") as file:
            writer = csv.writer(file)
            for batch in plain():
                writer.writerows(batch)
                file.flush()
                os.fsync(file.fileno())

    return timed(write)


def floor_sqlite() -> float:
    async def write(folder: Path) -> None:
        database = sqlite3.connect(folder / "out", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE readings (meter, channel, time, value, unit, kind, interval)")
        for batch in plain():
            database.execute("BEGIN")
            database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?)", batch)
            database.execute("COMMIT")
        database.close()

    return timed(write)


def floor_parquet() -> float:
    import pyarrow
    from pyarrow import parquet

    async def write(folder: Path) -> None:
        names = ["meter", "channel", "time", "value", "unit", "kind", "interval"]
        rows = [row for batch in plain() for row in batch]
        columns = [pyarrow.array(column) for column in zip(*rows, strict=True)]
        parquet.write_table(pyarrow.table(columns, names=names), folder / "out")

    return timed(write)


# ---------------------------------------------------------------- around them
class Nowhere:
    """A sink that keeps nothing."""

    name = "nowhere"

    async def open(self) -> None: ...
    async def write(self, batch: object) -> None: ...
    async def close(self) -> None: ...


def our_pipeline() -> float:
    async def put(_: Path) -> None:
        async with Pipeline(Nowhere()) as pipeline:
            for batch in batches():
                for begin in range(0, BATCH, 96):
                    await pipeline.put(batch[begin : begin + 96])

    return timed(put)


def floor_pipeline() -> float:
    async def put(_: Path) -> None:
        queue: asyncio.Queue[list[Reading] | None] = asyncio.Queue(200)

        async def take() -> None:
            while await queue.get() is not None:
                pass

        taking = asyncio.create_task(take())
        for batch in batches():
            for begin in range(0, BATCH, 96):
                await queue.put(batch[begin : begin + 96])
        await queue.put(None)
        await taking

    return timed(put)


def our_checkpoints() -> float:
    async def advance(folder: Path) -> None:
        kept = SqliteCheckpoints(folder / "checkpoints.db")
        await kept.open()
        await kept.advance_all({f"meter{number:05}": {"LP1": START} for number in range(METERS)})
        await kept.close()

    return timed(advance, METERS)


def floor_checkpoints() -> float:
    async def advance(folder: Path) -> None:
        database = sqlite3.connect(folder / "out", isolation_level=None)
        database.execute("CREATE TABLE checkpoints (meter, channel_group, time)")
        database.execute("BEGIN")
        database.executemany(
            "INSERT INTO checkpoints VALUES (?, ?, ?)",
            [(f"meter{number:05}", "LP1", 0) for number in range(METERS)],
        )
        database.execute("COMMIT")
        database.close()

    return timed(advance, METERS)


def our_coverage() -> float:
    async def cover(folder: Path) -> float:
        sink = open_sink(f"sqlite:{folder / 'readings.db'}")
        await sink.open()
        for batch in batches():
            await sink.write(batch)
        await sink.close()
        begin = perf_counter()
        coverage = await Coverage.of(sink, START, START + DAY)
        assert coverage.total.received == COUNT
        return (perf_counter() - begin) * 1e6 / COUNT

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(cover(Path(folder)))


JOBS = (
    Job("JSON lines", "us/reading", lambda: our_sink("jsonl:out.jsonl"), floor_jsonl),
    Job("CSV", "us/reading", lambda: our_sink("csv:out.csv"), floor_csv),
    Job("Parquet, by way of its journal", "us/reading", lambda: our_sink("parquet:parts"), floor_parquet),
    Job("SQLite", "us/reading", lambda: our_sink("sqlite:readings.db"), floor_sqlite),
    Job("pipeline, its sink left out", "us/reading", our_pipeline, floor_pipeline),
    Job("checkpoints of 10,000 meters", "us/meter", our_checkpoints, floor_checkpoints),
    Job("coverage out of SQLite", "us/reading", our_coverage),
)


def jobs() -> Iterator[dict[str, object]]:
    for job in JOBS:
        line = job.run()
        if job.unit == "us/reading":
            line["note"] = f"{1e6 / float(str(line['ours'])):,.0f} readings/s"
        yield line


if __name__ == "__main__":
    main(jobs, __doc__ or "")
