"""profile: tables, pictures, JSON lines, CSV, Parquet, and what happens when the line breaks."""

import csv
import itertools
import json
import os
import pty
import select
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as parquet
import pytest

READER = "METERKIT-DEMO-READER"
PATIENCE = 60  # s


def rows_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_profile_is_a_table_a_curve_and_a_heat_map(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "profile", url, password=READER)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("load profile 1: ")
    assert "rows in between not shown (--all shows them)" in done.stdout
    assert "load curve, channel 0, increase per 15 min" in done.stdout
    assert "heat map, channel 0, increase per 15 min" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 120


@pytest.mark.parametrize(("data_set", "interval"), [(1, 900), (2, 3600), (3, 86400), (4, 300)])
def test_every_data_set_streams_as_json_lines(
    meterkit: Callable, url: str, data_set: int, interval: int
) -> None:
    done = meterkit("psem", "profile", url, "--data-set", str(data_set), "--json", password=READER)
    assert done.returncode == 0
    rows = rows_of(done.stdout)
    assert len(rows) > 10
    for row in rows:
        assert list(row) == [
            "end_time",
            "is_valid",
            "values",
            "status",
            "common",
            "block",
            "interval",
            "sequence",
        ]
    ends = [datetime.fromisoformat(row["end_time"]) for row in rows]
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(ends)} == {interval}
    assert all(row["end_time"].endswith("Z") for row in rows)
    assert len({len(row["values"]) for row in rows}) == 1
    assert all(len(row["status"]) == len(row["values"]) for row in rows)


def test_since_and_until_bound_the_rows(meterkit: Callable, url: str) -> None:
    whole = rows_of(meterkit("psem", "profile", url, "--json", password=READER).stdout)
    since, until = whole[100]["end_time"], whole[110]["end_time"]
    words = ("psem", "profile", url, "--since", since, "--until", until)
    part = rows_of(meterkit(*words, "--json", password=READER).stdout)
    assert part == whole[101:111]
    naive = rows_of(meterkit(*words[:4], since.rstrip("Z"), *words[5:], "--json", password=READER).stdout)
    assert naive == part


def test_no_row_in_the_span_is_told(meterkit: Callable, url: str) -> None:
    words = ("psem", "profile", url, "--until", "2020-01-01")
    done = meterkit(*words, password=READER)
    assert done.returncode == 0
    assert "no interval in this span of time" in done.stdout
    empty = meterkit(*words, "--json", password=READER)
    assert (empty.returncode, empty.stdout) == (0, "")


def test_all_shows_every_row(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "profile", url, "--data-set", "3", "--all", password=READER)
    rows = rows_of(meterkit("psem", "profile", url, "--data-set", "3", "--json", password=READER).stdout)
    assert all(f"{row['end_time'][:10]} 00:00" in done.stdout for row in rows)
    assert "not shown" not in done.stdout


def test_another_channel_is_drawn(meterkit: Callable, url: str) -> None:
    done = meterkit("psem", "profile", url, "--data-set", "2", "--channel", "2", password=READER)
    assert "load curve, channel 2\n" in done.stdout
    missing = meterkit("psem", "profile", url, "--channel", "9", password=READER)
    assert missing.returncode == 2
    assert "channels 0 to 3" in missing.stderr


def test_csv_holds_every_row(meterkit: Callable, url: str, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    words = ("psem", "profile", url, "--data-set", "2", "--out", str(out))
    done = meterkit(*words, "--json", password=READER)
    assert done.returncode == 0
    seen = rows_of(done.stdout)
    with out.open(newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == len(seen)
    assert list(written[0]) == [
        "end_time",
        "is_valid",
        *(f"channel_{n}" for n in range(6)),
        *(f"status_{n}" for n in range(6)),
        "common",
        "block",
        "interval",
        "sequence",
    ]
    assert [row["end_time"] for row in written] == [row["end_time"] for row in seen]
    assert [int(row["channel_0"]) for row in written] == [row["values"][0] for row in seen]


def test_parquet_holds_every_row(meterkit: Callable, url: str, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    done = meterkit("psem", "profile", url, "--out", str(out), "--json", password=READER)
    seen = rows_of(done.stdout)
    table = parquet.read_table(out)
    assert table.num_rows == len(seen)
    assert str(table.schema.field("end_time").type) == "timestamp[ms, tz=UTC]"
    assert table["channel_1"].to_pylist() == [row["values"][1] for row in seen]
    assert table["common"].to_pylist() == [row["common"] for row in seen]


def test_a_picture_is_saved(meterkit: Callable, url: str, tmp_path: Path) -> None:
    svg = tmp_path / "profile.svg"
    done = meterkit("psem", "profile", url, "--svg", str(svg), password=READER)
    assert done.returncode == 0
    assert "profile.svg" in done.stdout
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--data-set", "5"), "1 to 4"),
        (("--since", "2026-03-02", "--until", "2026-03-01"), "--until"),
        (("--since", "soon"), "--since"),
        (("--out", "rows.xlsx"), ".parquet"),
        (("--channel", "-1"), "channel"),
    ],
)
def test_profile_refuses_wrong_usage_before_calling_the_meter(
    meterkit: Callable, words: tuple[str, ...], told: str
) -> None:
    done = meterkit("psem", "profile", "psem+tcp://127.0.0.1:1", *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_rows_before_an_error_are_kept_and_the_message_tells_how_to_go_on(
    meterkit: Callable, configured: Callable, tmp_path: Path
) -> None:
    emulator = configured(faults={"hang_up_after": 24})
    out = tmp_path / "rows.csv"
    done = meterkit("psem", "profile", emulator.url, "--json", "--out", str(out), password=READER)
    assert done.returncode == 1
    lines = rows_of(done.stdout)
    *rows, last = lines
    assert len(rows) > 96
    assert last["error"]["kind"] == "transport"
    assert f"so far: {len(rows)} rows are kept in {out}; go on with --since " in done.stderr
    position = done.stderr.rpartition("--since ")[2].split()[0]
    assert position == rows[-1]["end_time"]
    assert len(out.read_text().splitlines()) == 1 + len(rows)
    rest = rows_of(
        meterkit("psem", "profile", emulator.url, "--json", "--since", position, password=READER).stdout
    )
    assert rest[0]["end_time"] > position
    ends = [datetime.fromisoformat(row["end_time"]) for row in rows + rest]
    assert {(b - a).total_seconds() for a, b in itertools.pairwise(ends)} == {900}


def test_rows_before_an_error_are_shown(meterkit: Callable, configured: Callable) -> None:
    done = meterkit("psem", "profile", configured(faults={"hang_up_after": 24}).url, password=READER)
    assert done.returncode == 1
    assert "heat map" in done.stdout
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("how", [("--json",), ("--all",), ("--help",)])
def test_a_reader_that_has_seen_enough_ends_it_quietly(
    spawn: Callable, url: str, how: tuple[str, ...]
) -> None:
    words = ("psem", "profile", url, *how)
    changes = {"METERKIT_PASSWORD": READER}
    process = spawn(*words, changes=changes, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(PATIENCE) == 0
    assert process.stderr.read() == b""


def until(fd: int, wanted: bytes) -> bytes:
    """Read a terminal until `wanted` has come."""
    seen = b""
    while wanted not in seen:
        assert select.select([fd], [], [], PATIENCE)[0], seen
        try:
            seen += os.read(fd, 65536)
        except OSError:  # the other end is gone
            return seen
    return seen


def test_a_terminal_shows_colours_and_a_progress_bar(spawn: Callable, configured: Callable) -> None:
    emulator = configured(faults={"response_delay": 0.02})
    master, slave = pty.openpty()
    changes = {"METERKIT_PASSWORD": READER, "TERM": "xterm-256color"}
    words = ("psem", "profile", emulator.url)
    process = spawn(*words, changes=changes, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = until(master, b"days and hours in UTC")
    until(master, b"never comes")
    os.close(master)
    assert process.wait(PATIENCE) == 0
    assert b"blocks" in seen
    assert b"data set 1" in seen
    assert b"\x1b[48;5;" in seen
