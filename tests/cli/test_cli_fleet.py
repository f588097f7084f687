"""fleet run, coverage, backfill, check: against a farm in a process of its own."""

import json
import os
import re
import signal
import sqlite3
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import anyio
import pytest

from meterkit.cli.app import app
from meterkit.fleet.readings import ReadingKind
from meterkit.fleet.sinks import open_sink
from meterkit.fleet.sinks.flat import from_micros
from tests.cli.conftest import COMMAND, PATIENCE, environment

READER = "METERKIT-DEMO-READER"


class FarmProcess:
    """`emulate fleet` with a fleet file in a folder."""

    def __init__(self, folder, *words):
        self.file = folder / "fleet.json"
        self.process = subprocess.Popen(
            [*COMMAND, "emulate", "fleet", *words, "--fleet-file", str(self.file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        assert self.process.stdout.readline().strip() == str(self.file)

    def copy(self, folder, **changes):
        """Put the fleet file into another folder, with changes; return where it is."""
        content = json.loads(self.file.read_text()) | changes
        path = folder / "fleet.json"
        path.write_text(json.dumps(content, indent=1))
        return str(path)

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    farm = FarmProcess(tmp_path_factory.mktemp("farm"), "--psem", "3", "--dlms", "3", "--seed", "5")
    yield farm
    farm.stop()


@pytest.fixture
def file(farm, tmp_path):
    return farm.copy(tmp_path)


def lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def stored(path, where="kind = 'interval'"):
    with sqlite3.connect(path) as database:
        found = database.execute(f"SELECT meter, channel, time, value FROM readings WHERE {where}").fetchall()
    database.close()
    return {tuple(row[:3]): row[3] for row in found}


async def intervals(url):
    now = datetime.now(UTC)
    window = open_sink(url).scan(now - timedelta(days=2), now + timedelta(days=1))
    return {one.key: one.value async for chunk in window for one in chunk if one.kind is ReadingKind.INTERVAL}


def test_a_run_ends_with_a_summary_and_the_next_reads_on(meterkit, file, tmp_path):
    done = meterkit("fleet", "run", file, password=READER)
    assert done.returncode == 0, done.stderr
    assert "6 of 6 meters read in" in done.stdout
    assert "coverage" in done.stdout
    assert "100.0 %" in done.stdout
    held = stored(tmp_path / "fleet.data" / "readings.db")
    assert {meter for meter, _, _ in held} == {
        f"{kind}-0000{n}" for kind in ("psem", "dlms") for n in (1, 2, 3)
    }
    again = lines(meterkit("fleet", "run", file, "--json", password=READER))
    assert [line["outcome"] for line in again[:-1]] == ["read"] * 6
    sections = [one for line in again[:-1] for one in line["sections"]]
    assert all(one["readings"] <= 8 for one in sections if one["name"] in ("LP1", "profile/1-0:99.1.0"))
    assert again[-1]["summary"]["outcomes"]["read"] == 6


def test_meters_that_fail_are_told_by_reason_and_the_status_is_1(meterkit, farm, tmp_path):
    meters = json.loads(farm.file.read_text())["meters"]
    meters += [{"id": f"gone-{n}", "url": f"psem+tcp://127.0.0.1:{n}"} for n in (1, 2)]
    file = farm.copy(tmp_path, meters=meters, retries={"attempts": 1})
    done = meterkit("fleet", "run", file, password=READER)
    assert done.returncode == 1
    assert "6 of 8 meters read" in done.stdout
    assert re.search(r"2 +transport +gone-1, gone-2", done.stdout)
    assert "gone-1: failed: connect: tcp 127.0.0.1:1" in done.stderr
    summary = lines(meterkit("fleet", "run", file, "--json", password=READER))[-1]["summary"]
    assert summary["failures"][0]["kind"] == "transport"
    assert sorted(summary["failures"][0]["meters"]) == ["gone-1", "gone-2"]
    assert sorted(summary["coverage"]["below"]) == ["gone-1", "gone-2"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_and_names_what_was_not_read(spawn, farm, tmp_path, how):
    limits = {"sessions": 1, "connections_per_second": 0.2, "connection_burst": 2}
    file = farm.copy(tmp_path, limits=limits)
    process = spawn(
        "fleet",
        "run",
        file,
        "--json",
        changes={"METERKIT_PASSWORD": READER},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    first = json.loads(process.stdout.readline())
    assert first["outcome"] == "read"
    process.send_signal(how)
    out, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert b"logged off first" in told
    summary = json.loads(out.splitlines()[-1])["summary"]
    assert summary["stopped"] == "the run was interrupted"
    assert len(summary["not_reached"]) >= 3
    assert summary["outcomes"]["not reached"] == len(summary["not_reached"])


def test_a_run_killed_again_and_again_leaves_neither_holes_nor_doubles(meterkit, spawn, farm, tmp_path):
    limits = {"sessions": 2, "connections_per_second": 1000, "connection_burst": 1000}
    file = farm.copy(tmp_path, limits=limits)
    whole, killed = tmp_path / "whole", f"jsonl:{tmp_path / 'killed.jsonl'}"
    assert meterkit("fleet", "run", file, "--out", str(whole), password=READER).returncode == 0
    random = Random(7)
    for _ in range(4):
        process = spawn(
            *("fleet", "run", file, "--out", killed, "--json", "--no-coverage"),
            changes={"METERKIT_PASSWORD": READER},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(random.randint(1, 5)):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
    done = meterkit("fleet", "run", file, "--out", killed, "--json", password=READER)
    assert done.returncode == 0
    found = [json.loads(line) for line in (tmp_path / "killed.jsonl").read_text().splitlines()]
    assert max(Counter((one["meter"], one["channel"], one["time"]) for one in found).values()) == 1
    wanted = anyio.run(intervals, f"sqlite:{whole / 'readings.db'}")
    came = anyio.run(intervals, killed)
    first = min(time for _, _, time in came)  # a later run begins later, by the quarter of an hour
    assert len(wanted) > 1000
    assert {key: came.get(key) for key in wanted if key[2] >= first} == {
        key: value for key, value in wanted.items() if key[2] >= first
    }
    assert lines(done)[-1]["summary"]["coverage"]["total"]["missing"] == 0


def test_coverage_and_backfill_find_and_fill_what_is_missing(meterkit, file, tmp_path):
    assert meterkit("fleet", "run", file, password=READER).returncode == 0
    path = tmp_path / "fleet.data" / "readings.db"
    before = stored(path)
    times = sorted({time for _, _, time in before})
    hole, gone = times[20:26], ("psem-00002", "dlms-00002")
    with sqlite3.connect(path) as database:
        for meter in gone:
            for time in hole:
                database.execute("DELETE FROM readings WHERE meter = ? AND time = ?", (meter, time))
        database.execute("DELETE FROM readings WHERE meter = 'dlms-00003' AND kind = 'interval'")
    database.close()
    window = ("--since", _iso(times[0] - 900_000_000), "--until", _iso(times[-1]))
    told = meterkit("fleet", "coverage", file, *window, "--json")
    assert told.returncode == 1
    coverage = json.loads(told.stdout)
    assert {meter: tally["missing"] for meter, tally in coverage["meters"].items() if tally["missing"]} == {
        "psem-00002": 6 * 2,
        "dlms-00002": 6 * 7,
        "dlms-00003": len(times) * 7,
    }
    assert coverage["below"] == ["dlms-00003", "dlms-00002", "psem-00002"]
    shown = meterkit("fleet", "coverage", file, *window)
    assert re.search(r"dlms-00003 +0.0 %.*never", shown.stdout)
    dry = json.loads(meterkit("fleet", "backfill", file, *window, "--dry-run", "--json").stdout)
    assert [one["meter"] for one in dry["stretches"]] == ["dlms-00002", "dlms-00003", "psem-00002"]
    filled = meterkit("fleet", "backfill", file, *window, password=READER)
    assert filled.returncode == 0, filled.stderr
    assert "3 of 3 meters read" in filled.stdout
    after = stored(path)
    assert {key: after[key] for key in before} == before
    assert "nothing is missing" in meterkit("fleet", "backfill", file, *window).stdout


def _iso(micros):
    return from_micros(micros).isoformat()


def test_coverage_of_a_sink_counts_what_is_in_it(meterkit, file, tmp_path):
    out = f"jsonl:{tmp_path / 'all.jsonl'}"
    assert meterkit("fleet", "run", file, "--out", out, "--meter", "dlms-00001").returncode == 0
    assert (tmp_path / "all.jsonl.checkpoints.db").exists()
    told = json.loads(meterkit("fleet", "coverage", out, "--since", "2020-01-01", "--json").stdout)
    assert list(told["meters"]) == ["dlms-00001"]


def test_a_sink_that_cannot_be_used_is_one_line_and_status_1(meterkit, file, tmp_path):
    (tmp_path / "readings.db").write_text("this is no database, whatever it is called " * 50)
    done = meterkit("fleet", "run", file, "--out", f"sqlite:{tmp_path / 'readings.db'}", password=READER)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "readings.db" in done.stderr


def test_check_tells_what_a_file_has_and_what_is_wrong_without_connecting(meterkit, farm, tmp_path):
    file = farm.copy(tmp_path)
    done = meterkit("fleet", "check", file, password=READER)
    assert done.returncode == 0
    assert "3 PSEM and 3 DLMS meters behind 6 addresses" in done.stdout
    done = meterkit("fleet", "check", file)
    assert done.returncode == 2
    assert re.search(r"psem-00001 +secrets: env:METERKIT_PASSWORD: there is nothing", done.stdout)
    told = json.loads(meterkit("fleet", "check", file, "--json", password=READER).stdout)
    assert told["mistakes"] == []
    assert told["sections"]["psem"] == ["clock", "registers", "LP1"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("run", "no.json"), "cannot read no.json: No such file or directory"),
        (("run", "FILE", "--sessions", "0"), "--sessions"),
        (("run", "FILE", "--rate", "fast"), "'fast' came, a number is allowed"),
        (("run", "FILE", "--out", "tape:9"), "a sink 'tape' isn't known"),
        (("run", "FILE", "--out", "FILE"), "is a file: name a folder"),
        (("run", "FILE", "--meter", "m9"), "--meter m9: there is no such meter"),
        (("coverage", "FILE", "--zone", "Mars"), "--zone Mars: no time zone"),
        (("coverage", "FILE", "--since", "2026-02-02", "--until", "2026-02-01"), "is not before"),
        (("coverage", "FILE", "--duty", "101"), "--duty 101: per cent expected"),
        (("coverage", "sqlite:x.db", "--meter", "m"), "go with a fleet file"),
        (("backfill", "FILE", "--since", "soon"), "'soon' is no time"),
    ],
)
def test_wrong_usage_is_one_line(meterkit, file, words, told):
    done = meterkit("fleet", *(file if word == "FILE" else word for word in words))
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_file_with_an_unknown_field_is_told_by_its_line(meterkit, farm, tmp_path):
    file = farm.copy(tmp_path, plan={"dlms": {"registrs": ["1-0:1.8.0"]}})
    done = meterkit("fleet", "check", file, "--json")
    assert done.returncode == 2
    assert "plan.dlms.registrs: there is no such setting" in json.loads(done.stdout)["error"]["message"]


def test_every_verb_of_the_fleet_teaches_by_example():
    fleet = app["fleet"]
    for name in ("run", "coverage", "backfill", "check"):
        assert f"meterkit fleet {name} fleet.json" in fleet[name].help
