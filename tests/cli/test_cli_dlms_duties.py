"""The DLMS verbs for what meters are asked and made to do, against an emulated meter in another process."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meterkit.cli import main
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ErrorKind, MeterError
from meterkit.result import Err
from tests.cli.conftest import Done
from tests.cli.test_cli_dlms import PASSWORD, DlmsEmulator


@pytest.fixture(scope="module")
def meter() -> Iterator[DlmsEmulator]:
    """A meter that all tests of this module share."""
    emulator = DlmsEmulator("--listen", "tcp://127.0.0.1:0", "--seed", "3")
    yield emulator
    emulator.stop()


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Run the command in this process, as the client that may write."""

    def run(*words: str, password: str = PASSWORD) -> Done:
        monkeypatch.setenv("METERKIT_PASSWORD", password)
        monkeypatch.setenv("COLUMNS", "120")
        status = main(words)
        out, err = capsys.readouterr()
        return Done(words, status, out, err)

    return run


def document(done: Done) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# ---------------------------------------------------------------- the clock
def test_the_clock_is_told_with_its_drift(here: Callable, meter: DlmsEmulator) -> None:
    told = here("dlms", "clock", meter.url)
    assert told.returncode == 0
    assert "this machine's clock" in told.stdout
    assert "status" in told.stdout
    clock = document(here("dlms", "clock", meter.url, "--json"))
    assert abs(clock["drift"]) < 30
    assert (clock["deviation"], clock["status"], clock["is_valid"], clock["problem"]) == (-60, [], True, None)


def test_the_clock_is_set_after_asking(here: Callable, meter: DlmsEmulator) -> None:
    url = meter.as_client(1)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    assert here("dlms", "clock", url, "--set", "now").returncode == 2  # nobody can be asked
    written = document(here("dlms", "clock", url, "--set", ahead.isoformat(), "--yes", "--json"))
    assert written["written"].endswith("+01:00")
    assert document(here("dlms", "clock", url, "--json"))["drift"] > 3 * 3600 - 60
    assert "set the clock to" in here("dlms", "clock", url, "--set", "now", "--yes").stdout
    assert abs(document(here("dlms", "clock", url, "--json"))["drift"]) < 30


# ---------------------------------------------------------------- the switch
def test_a_consumer_is_switched_off_and_on(here: Callable, meter: DlmsEmulator) -> None:
    url = meter.as_client(1)
    refused = here("dlms", "disconnect", url)
    assert (refused.returncode, "say --yes" in refused.stderr) == (2, True)
    assert here("dlms", "disconnect", url, "--yes").stdout == "disconnected; power is off\n"
    assert document(here("dlms", "reconnect", url, "--yes", "--json")) == {
        "obis_code": "0-0:96.3.10*255",
        "is_connected": True,
        "state": "connected",
        "mode": "mode_2",
        "needs_button": False,
    }
    events = document(here("dlms", "events", url, "--log", "0-0:99.98.2", "--json"))["events"]
    assert [one["name"] for one in events] == ["disconnected remotely", "connected remotely"]


def test_who_may_not_switch_is_told_so(here: Callable, meter: DlmsEmulator) -> None:
    refused = here("dlms", "disconnect", meter.url, "--yes", "--json", password="")
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] == 3
    missing = here("dlms", "disconnect", meter.as_client(1), "--obis", "0-1:96.3.10", "--yes")
    assert (missing.returncode, "object-undefined" in missing.stderr) == (1, True)


# ---------------------------------------------------------------- firmware
def test_firmware_goes_over_and_is_activated(here: Callable, meter: DlmsEmulator, tmp_path: Path) -> None:
    image, url = tmp_path / "image.bin", meter.as_client(1)
    image.write_bytes(bytes(1000))
    words = ("dlms", "firmware", url, str(image), "--identifier", "MKT-2.0", "--yes")
    assert "are there" not in here("dlms", "firmware", url).stdout  # none was begun
    assert here(*words).stdout == "verified, not activated: 8 blocks, 8 sent in this run\n"
    assert "MKT-2.0" in here("dlms", "firmware", url).stdout
    report = document(here(*words, "--resume", "--activate", "--json"))
    assert report["images"] == [{"identifier": "MKT-2.0", "size": 1000, "signature": ""}]
    assert (report["blocks_sent"], report["is_activated"]) == (0, True)
    status = document(here("dlms", "firmware", url, "--json"))
    assert (status["firmware"], status["status"]) == ("MKT-2.0", "activation_successful")
    assert (status["blocks"], status["blocks_there"]) == (8, 8)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--activate",), "name the image"),
        (("nowhere.bin", "--identifier", "x"), "cannot read nowhere.bin"),
        (("EMPTY", "--identifier", "x"), "is empty"),
        (("IMAGE", "--identifier", "x", "--patience", "nan"), "--patience nan: 0 or more is allowed"),
        (("IMAGE",), "--identifier is missing"),
        (("IMAGE", "--identifier", "hex:xy"), "is no hex"),
        (("IMAGE", "--identifier", "x"), "say --yes"),
    ],
)
def test_a_wrong_wish_is_told_before_the_meter_is_called(
    here: Callable, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    files = {"EMPTY": tmp_path / "empty.bin", "IMAGE": tmp_path / "image.bin"}
    files["EMPTY"].write_bytes(b"")
    files["IMAGE"].write_bytes(b"image")
    named = [str(files.get(word, word)) for word in words]
    done = here("dlms", "firmware", "dlms+tcp://192.0.2.1:4059", *named)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


# ---------------------------------------------------------------- logs, billing, calendar, objects
def test_all_logs_come_as_one_by_time(here: Callable, meter: DlmsEmulator) -> None:
    every = document(here("dlms", "events", meter.url, "--log", "all", "--json", password=""))
    assert [one["name"] for one in every["logs"]] == ["standard", "fraud detection", "disconnector control"]
    times = [one["time"] for one in every["events"]]
    assert times == sorted(times)
    told = here("dlms", "events", meter.url, "--since", "2026-01-01", password="").stdout
    assert "power down" in told
    none = here("dlms", "events", meter.url, "--since", "2099-01-01", password="")
    assert none.stdout == "no event in this span of time\n"


def test_a_log_that_is_refused_leaves_the_others(
    here: Callable, meter: DlmsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = Err(MeterError(ErrorKind.REFUSED, "read-write-denied (3)", 3))
    read = DlmsClient.events

    async def events(client: DlmsClient, log: ObisCode, since: datetime | None = None) -> object:
        return refusal if str(log) == "0-0:99.98.0*255" else await read(client, log, since)

    monkeypatch.setattr(DlmsClient, "events", events)
    every = here("dlms", "events", meter.url, "--log", "all", "--json", password="")
    assert every.returncode == 1
    assert "read-write-denied" in every.stderr
    told = json.loads(every.stdout)
    counts = {one["obis_code"]: one["events"] for one in told["logs"]}
    assert counts.pop("0-0:99.98.0*255") == 0
    assert sum(counts.values()) == len(told["events"]) > 0
    alone = here("dlms", "events", meter.url, "--json", password="")
    assert alone.returncode == 1
    assert "read-write-denied" in alone.stdout + alone.stderr


def test_billing_is_told_with_names_and_units(here: Callable, meter: DlmsEmulator) -> None:
    told = here("dlms", "billing", meter.url, password="").stdout
    assert "active energy import, total" in told
    snapshots = document(here("dlms", "billing", meter.url, "--json", password=""))["snapshots"]
    assert len(snapshots) == 13
    assert snapshots[0]["values"][0]["unit"] == "Wh"
    none = here("dlms", "billing", meter.url, "--since", "2099-01-01", password="")
    assert "no billing period" in none.stdout


def test_the_calendar_is_told_for_people_and_programs(here: Callable, meter: DlmsEmulator) -> None:
    told = here("dlms", "calendar", meter.url, password="").stdout
    assert "active calendar: MKT1" in told
    assert "day 1: 00:00:00 script 2, 06:00:00 script 1, 22:00:00 script 2" in told
    calendar = document(here("dlms", "calendar", meter.url, "--json", password=""))
    assert calendar["active"]["weeks"] == [{"name": "WEEK", "days": [1, 1, 1, 1, 1, 2, 2]}]
    assert calendar["active"]["problems"] == []
    assert calendar["special_days"][0] == {"index": 1, "date": "*-01-01", "day_id": 2}


def test_objects_are_explained_group_by_group(here: Callable, meter: DlmsEmulator) -> None:
    told = here("dlms", "objects", meter.url, "--class", "4", "--explain", password="").stdout
    assert "A medium: electricity; C quantity: active power import; D processing: maximum 1" in told
    assert "    5  r         capture_time" in told
    assert "    1  -         reset()" in told
    (energy, *_) = document(
        here("dlms", "objects", meter.url, "--class", "3", "--explain", "--json", password="")
    )["objects"]
    assert energy["explained"]["quantity"] == "active energy import"
    assert energy["attribute_names"] == {"1": "logical_name", "2": "value", "3": "scaler_unit"}


def test_the_view_is_kept_in_a_folder(here: Callable, meter: DlmsEmulator, tmp_path: Path) -> None:
    words = ("dlms", "objects", meter.url, "--cache", str(tmp_path / "views"), "--json")
    first = document(here(*words, password=""))
    assert len([*(tmp_path / "views").iterdir()]) == 1
    assert document(here(*words, password="")) == first


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("clock", "--set", "yesterday", "--yes"), "--set yesterday: write now"),
        (("events", "--log", "first"), "'first' is no OBIS code"),
        (("billing", "--profile", "first"), "'first' is no OBIS code"),
        (("disconnect", "--obis", "first"), "'first' is no OBIS code"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(here: Callable, words: tuple[str, ...], told: str) -> None:
    verb, *rest = words
    done = here("dlms", verb, "dlms+tcp://192.0.2.1:4059", *rest)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr
