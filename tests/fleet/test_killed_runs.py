"""A run killed with SIGKILL at any moment, and begun again, has no holes and no doubles."""

import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from meterkit.fleet.checkpoints import SqliteCheckpoints
from meterkit.fleet.sinks import ParquetSink, open_sink
from tests.fleet.killed_run import CHANNELS
from tests.fleet.postgres import database, postgres  # noqa: F401
from tests.fleet.samples import START, interval

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
METERS, DAYS = 12, 3
LIMIT = 60.0  # s for one run
KILLS = 6
EXPECTED = [
    interval(f"m{meter}", number, channel)
    for meter in range(METERS)
    for channel in CHANNELS
    for number in range(1, 96 * DAYS + 1)
]


@pytest.fixture(params=["jsonl:o.jsonl", "csv:o.csv", "parquet:parts", "sqlite:r.db", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("database")
    scheme, _, path = request.param.partition(":")
    return f"{scheme}:{tmp_path / path}"


def begin(url, checkpoints):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fleet.killed_run", url, str(checkpoints), str(METERS), str(DAYS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_killed_after(url, checkpoints, wait):
    """Kill a run so long after it began to read; return whether it was done before that."""
    with begin(url, checkpoints) as program:
        ready, _, _ = select.select([program.stdout], [], [], LIMIT)
        assert ready
        line = program.stdout.readline()
        assert line == "reading\n", program.communicate()[1]
        try:
            program.wait(wait)
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGKILL)
            program.wait(LIMIT)
            return False
        assert program.returncode == 0, program.communicate()[1]
        return True


async def held(url):
    found = []
    async for chunk in open_sink(url).scan(START, START + timedelta(days=DAYS + 1)):
        found.extend(chunk)
    return found


async def check_acknowledged(url, checkpoints):
    """Everything before a checkpoint is there."""
    keys = {reading.key for reading in await held(url)}
    kept = SqliteCheckpoints(checkpoints)
    await kept.open()
    for meter in {reading.meter for reading in EXPECTED}:
        until = (await kept.load(meter)).get("LP1", START)
        lost = [r for r in EXPECTED if r.meter == meter and r.time <= until and r.key not in keys]
        assert not lost
    await kept.close()


async def test_killed_runs_leave_neither_holes_nor_doubles(url, tmp_path):
    checkpoints = tmp_path / "checkpoints.db"
    moments = random.Random(url.partition(":")[0])
    kills = 0
    while kills < KILLS and not run_killed_after(url, checkpoints, moments.uniform(0.0, 0.12)):
        kills += 1
        await check_acknowledged(url, checkpoints)
    assert kills
    assert run_killed_after(url, checkpoints, LIMIT)
    found = await held(url)
    assert [key for key, count in Counter(reading.key for reading in found).items() if count > 1] == []
    assert sorted(found, key=lambda one: one.key) == sorted(EXPECTED, key=lambda one: one.key)


class Killed(BaseException):
    """What no code catches."""


STEPS = {
    "writing the part": "meterkit.fleet.sinks.parquet._write_part",
    "after the rename": "meterkit.fleet.sinks.parquet.sync_folder",
    "after the index": "meterkit.fleet.sinks.parquet.ParquetSink._mend",
    "deleting the journal": "pathlib.Path.unlink",
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_part_broken_off_at_any_step_leaves_neither_holes_nor_doubles(tmp_path, monkeypatch, step):

    def broken_off(*_, **__):
        raise Killed

    batch = [interval("m1", number) for number in range(1, 97)]
    sink = ParquetSink(tmp_path, part_size=90)
    await sink.open()
    monkeypatch.setattr(STEPS[step], broken_off)
    with pytest.raises(Killed):
        sink.write_now(batch)
    monkeypatch.undo()
    sink.close_files()
    assert await held(sink.name) == batch
    again = ParquetSink(tmp_path, part_size=90)
    await again.open()
    await again.write(batch)
    await again.close()
    assert await held(again.name) == batch
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".parquet"] == ["keys.db"]
