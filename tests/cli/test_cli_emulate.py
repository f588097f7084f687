"""emulate and demo: an address first, a meter behind it, and a clean end."""

import json
import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

MASTER = "METERKIT-DEMO-MASTER"
READER = "METERKIT-DEMO-READER"


def test_the_first_line_is_an_address_that_works(meterkit: Callable, start_emulator: Callable) -> None:
    emulator = start_emulator("--listen", "tcp://127.0.0.1:0")
    assert emulator.first_line.startswith("psem+tcp://127.0.0.1:")
    assert meterkit("psem", "info", emulator.url).returncode == 0


def test_json_wraps_the_address(start_emulator: Callable) -> None:
    emulator = start_emulator("--listen", "tcp://127.0.0.1:0", "--json")
    assert json.loads(emulator.first_line)["url"].startswith("psem+tcp://127.0.0.1:")


def test_a_pseudo_terminal_is_a_serial_port_that_works(meterkit: Callable, start_emulator: Callable) -> None:
    emulator = start_emulator("--pty")
    device = emulator.url.removeprefix("psem+serial://")
    assert stat.S_ISCHR(os.stat(device).st_mode)
    for _ in range(2):  # a second client finds the meter ready
        done = meterkit("psem", "info", emulator.url, "--json", password=READER)
        assert done.returncode == 0
    assert json.loads(done.stdout)["withheld"] == []
    rows = meterkit("psem", "profile", emulator.url, "--data-set", "3", "--json", password=READER)
    assert rows.returncode == 0
    assert len(rows.stdout.splitlines()) > 100


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("line", [("--listen", "tcp://127.0.0.1:0"), ("--pty",)])
def test_a_signal_ends_it_cleanly(start_emulator: Callable, how: int, line: tuple[str, ...]) -> None:
    emulator = start_emulator(*line)
    emulator.process.send_signal(how)
    _, told = emulator.process.communicate(timeout=60)
    assert emulator.process.returncode == 0
    assert "Traceback" not in told
    assert told.startswith("try: meterkit psem info psem+")


def test_a_seed_is_a_household(meterkit: Callable, start_emulator: Callable) -> None:
    def rows(seed: int) -> list[str]:
        emulator = start_emulator("--listen", "tcp://127.0.0.1:0", "--seed", str(seed))
        done = meterkit("psem", "profile", emulator.url, "--data-set", "3", "--json", password=READER)
        return done.stdout.splitlines()

    assert rows(5) == rows(5)
    assert rows(5) != rows(6)


def test_a_growing_meter_records_while_it_is_read(
    meterkit: Callable, start_emulator: Callable, tmp_path: Path
) -> None:
    file = tmp_path / "emulator.json"
    profile = {"interval_minutes": 60, "intervals": 24, "blocks": 30, "sources": [0], "history": 100}
    file.write_text(json.dumps({"load_profile": [profile]}))
    emulator = start_emulator("--listen", "tcp://127.0.0.1:0", "--config", str(file), "--grow")
    words = ("psem", "profile", emulator.url, "--json")
    first, second = (meterkit(*words, password=READER).stdout.splitlines() for _ in range(2))
    assert len(first) >= 100
    assert json.loads(second[-1])["end_time"] > json.loads(first[-1])["end_time"]


def test_a_configuration_file_makes_the_meter(meterkit: Callable, configured: Callable) -> None:
    emulator = configured(serial_number="2026000000000042", firmware_version=[2, 1, 0], read_key="another")
    document = json.loads(meterkit("psem", "info", emulator.url, "--json", password="another").stdout)
    assert document["serial_number"] == "2026000000000042"
    assert document["firmware"] == "2.01.00"
    assert [one["data_set"] for one in document["load_profiles"]] == [1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"serial_nr": "1"}', "serial_nr"),
        ('{"packet_size": 1}', "packet_size"),
        ("{", "JSON"),
        ('{"read_key": "hidden-hidden-hidden-hidden"}', "read_key"),
        (None, "cannot read"),
    ],
)
def test_a_wrong_configuration_is_wrong_usage(
    meterkit: Callable, tmp_path: Path, content: str | None, told: str
) -> None:
    file = tmp_path / "emulator.json"
    if content is not None:
        file.write_text(content)
    done = meterkit("emulate", "psem", "--config", str(file))
    assert done.returncode == 2
    assert told in done.stderr
    assert "hidden" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--listen", "127.0.0.1:1153"),
        ("--listen", "tcp://127.0.0.1"),
        ("--listen", "udp://127.0.0.1:1"),
        ("--listen", "tcp://127.0.0.1:99999"),
        ("--pty", "--listen", "tcp://127.0.0.1:0"),
    ],
)
def test_emulate_refuses_wrong_usage(meterkit: Callable, words: tuple[str, ...]) -> None:
    done = meterkit("emulate", "psem", *words)
    assert done.returncode == 2
    assert "--listen" in done.stderr


def test_a_port_that_is_taken_is_a_clear_error(meterkit: Callable) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = meterkit("emulate", "psem", "--listen", f"tcp://127.0.0.1:{port}", "--json")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "in use" in done.stderr.lower()
    assert json.loads(done.stdout)["error"]["kind"] == "system"


def test_the_demo_reads_a_meter_over_every_line(meterkit: Callable, tmp_path: Path) -> None:
    svg = tmp_path / "demo.svg"
    done = meterkit("demo", "--svg", str(svg))
    assert done.returncode == 0
    assert done.stderr == ""
    assert "psem+tcp://127.0.0.1:" in done.stdout
    assert "psem+serial:///dev/" in done.stdout
    assert "load curve, channel 0" in done.stdout
    assert "heat map, channel 0" in done.stdout
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")


def test_the_demo_speaks_json(meterkit: Callable) -> None:
    document = json.loads(meterkit("demo", "--json", "--seed", "9").stdout)
    assert list(document) == ["identity", "data_set", "lines"]
    assert document["identity"]["manufacturer"] == "NES"
    assert [line["url"].partition(":")[0] for line in document["lines"]] == ["psem+tcp", "psem+serial"]
    assert all(line["intervals"] > 1000 for line in document["lines"])
    assert list(document["lines"][0]) == ["url", "intervals", "first_end_time", "last_end_time", "seconds"]
