"""read: tables of one's own, M-Bus data, pending tables, and nothing cut off."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from meterkit.cli.grid import make_grid
from tests.cli.conftest import Emulator

MASTER = "METERKIT-DEMO-MASTER"
READER = "METERKIT-DEMO-READER"
OWN_TABLE = {
    "name": "OwnNameplate",
    "number": 1,
    "description": "A nameplate as we read it.",
    "fields": [
        {"name": "maker", "type": "CHAR", "size": 4},
        {"name": "rest", "type": "UINT16", "count": 10},
    ],
}


@pytest.fixture(scope="module")
def meter() -> Iterator[str]:
    """The address of an emulated meter of firmware 3.70."""
    emulator = Emulator("--listen", "tcp://127.0.0.1:0", "--firmware", "3.70")
    yield emulator.url
    emulator.stop()


def test_the_mbus_table_is_decoded_by_its_number(meterkit: Callable, meter: str) -> None:
    document = json.loads(meterkit("psem", "read", meter, "2064", "--json", password=READER).stdout)
    assert document["title"] == "MEP Device Data"
    water = document["fields"]["mbus_devices"][0]["telegrams"][0]
    assert water["header"]["medium"] == "water"
    assert [record["unit"] for record in water["records"]][:1] == ["m3"]


def test_a_table_of_ones_own_is_decoded_by_its_definition(
    meterkit: Callable, meter: str, tmp_path: Path
) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps(OWN_TABLE))
    words = ("psem", "read", meter, "ST1", "--definition", str(file))
    document = json.loads(meterkit(*words, "--json").stdout)
    assert document["fields"]["maker"].rstrip() == "NES"
    assert len(document["fields"]["rest"]) == 10
    assert "A nameplate as we read it." in meterkit(*words).stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot read"),
        ("[", "no JSON"),
        (json.dumps(OWN_TABLE | {"number": 70000}), "number: a table number 0 to 65535"),
        (json.dumps(OWN_TABLE | {"fields": [{"name": "x", "type": "UINT7"}]}), "UINT7"),
    ],
)
def test_a_wrong_definition_is_wrong_usage_before_the_meter_is_called(
    meterkit: Callable, tmp_path: Path, content: str | None, told: str
) -> None:
    file = tmp_path / "own.json"
    if content is not None:
        file.write_text(content)
    done = meterkit("psem", "read", "psem+tcp://127.0.0.1:1", "ST1", "--definition", str(file))
    assert done.returncode == 2
    assert told in done.stderr
    assert "own.json" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_pending_table_is_read_by_its_name(meterkit: Callable, start_emulator: Callable) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0", "--firmware", "3.70").url
    calendar = json.loads(meterkit("psem", "read", url, "ST54", "--json", password=READER).stdout)["hex"]
    event = "00500c010000"  # at a time, far off, 2080-12-01: selector and storage
    words = ("psem", "write", url, "ST54-pending", "--hex", event + calendar, "--yes")
    written = meterkit(*words, password=MASTER)
    assert "ST54 pending" in written.stdout
    document = json.loads(meterkit("psem", "read", url, "ST54-pending", "--json", password=MASTER).stdout)
    assert (document["table"], document["name"]) == (4150, "ST54 pending")
    assert document["fields"]["event"]["event_storage"]["time"] == "2080-12-01T00:00:00"


@pytest.mark.parametrize("columns", ["", "80", "30"])
def test_nothing_of_a_decoded_table_is_cut_off(
    meterkit: Callable, meter: str, tmp_path: Path, columns: str
) -> None:
    file = tmp_path / "calendar.json"
    octets = {"name": "all_of_it", "type": "OCTETS", "size": 200}
    file.write_text(json.dumps({"name": "Octets", "number": 54, "fields": [octets]}))
    words = ("psem", "read", meter, "ST54", "--definition", str(file))
    known = json.loads(meterkit(*words, "--json", password=READER).stdout)["hex"]
    done = meterkit(*words, password=READER, COLUMNS=columns)
    parts = [line.split()[-1] for line in done.stdout.splitlines() if line.split()]
    assert len(known) == 400
    assert known in "".join(parts)


def test_in_a_pipe_no_line_is_broken_and_none_ends_in_blanks(meterkit: Callable, meter: str) -> None:
    for verb in ("info", "registers", "now", "events", "mbus"):
        shown = meterkit("psem", verb, meter, password=READER, COLUMNS="").stdout
        assert not any(line.endswith(" ") for line in shown.splitlines())
    assert (
        "Fwd Active Wh L1L2L3, maximum demand  "
        in meterkit("psem", "registers", meter, password=READER, COLUMNS="").stdout
    )


@pytest.mark.parametrize("width", [200, 80, 40])
def test_on_a_narrow_screen_names_are_broken_and_numbers_and_times_are_not(width: int) -> None:
    row = (
        "total",
        "Fwd Active Wh L1L2L3, continuous cumulative demand",
        "420502933",
        "Wh",
        "2026-11-20 19:15:00",
    )
    out = io.StringIO()
    grid = make_grid(("tier", "~register", ">value", "unit", "time"), [row] * 3)
    Console(file=out, width=width).print(grid, crop=False)
    shown = out.getvalue()
    assert shown.count("420502933") == shown.count("2026-11-20 19:15:00") == shown.count("Wh  ") == 3
    assert (row[1] in shown) == (width == 200)
    assert width == 40 or all(shown.count(word) == 3 for word in ("Active", "L1L2L3", "demand"))


def test_no_event_in_the_span_is_told(meterkit: Callable, meter: str) -> None:
    done = meterkit("psem", "events", meter, "--since", "2099-01-01", password=READER)
    assert done.returncode == 0
    assert done.stdout.startswith("no event in this span of time\n")


def test_a_file_to_write_that_is_not_there_is_wrong_usage(meterkit: Callable, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    done = meterkit("psem", "write", "psem+tcp://127.0.0.1:1", "ET3", "--file", missing, "--yes")
    assert done.returncode == 2
    assert f"cannot read {missing}" in done.stderr
