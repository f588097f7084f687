"""`meterkit dlms profile` on lines that are slow, cut or serial, and with rows that are none."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from meterkit.cli.dlms.emulate import quirk_flags
from meterkit.cli.usage import UsageMistake
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsQuirk, ProfileOddity
from tests.cli.test_cli_dlms import DlmsEmulator
from tests.cli.test_cli_interruption import PATIENCE, Relay

ROWS = 3000  # many pages


class DlmsRelay(Relay):
    """A gateway that tells when the meter was asked for the second page of a profile."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = self.url.replace("psem+", "dlms+")

    def _copy(self, source, target, keep) -> None:
        while octets := self._receive(source):
            if keep is not None:
                keep += octets
                if keep.count(BUFFER_BY_RANGE) > 1:
                    self.has_read_twice.set()
            target.sendall(octets)
        source.close()


#: class 7, 1-0:99.1.0*255, attribute 2, selected by range
BUFFER_BY_RANGE = bytes.fromhex("0007 0100630100ff 02 01 01")


def emulator(tmp_path: Path, *words: str, **configuration: object) -> DlmsEmulator:
    config = tmp_path / "meter.json"
    config.write_text(json.dumps({"follow_clock": False, "profile": {"rows": ROWS}} | configuration))
    return DlmsEmulator(*words, "--config", str(config))


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[DlmsRelay]:
    """A slow meter behind a gateway that listens in."""
    meter = emulator(tmp_path, "--listen", "tcp://127.0.0.1:0", faults={"response_delay": 0.1})
    gateway = DlmsRelay(meter.url)
    yield gateway
    meter.stop()
    gateway.close()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_ctrl_c_leaves_the_rows_so_far_and_where_to_go_on(
    spawn: Callable, slow: DlmsRelay, tmp_path: Path, form: str
) -> None:
    out, position = tmp_path / "rows.csv", tmp_path / "position.json"
    words = ["dlms", "profile", slow.url, "--resume", str(position)]
    words += ["--out", str(out)] if form == "csv" else ["--json"]
    shown = tmp_path / "shown.txt"
    with shown.open("wb") as screen:
        process = spawn(*words, changes={}, stdout=screen, stderr=subprocess.PIPE)
        assert slow.has_read_twice.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"Traceback" not in told
    lines = out.read_text().splitlines()[1:] if form == "csv" else shown.read_text().splitlines()
    assert 0 < len(lines) < ROWS
    last = lines[-1].split(",")[0] if form == "csv" else json.loads(lines[-1])["time"]
    kept = json.loads(position.read_text())
    assert kept["obis"] == "1-0:99.1.0*255"
    assert kept["time"].replace("+00:00", "Z") == last
    assert f"interrupted: {len(lines)} rows" in told.decode()
    assert f"go on with --resume {position}" in told.decode()


def test_a_profile_is_paged_over_a_pseudo_terminal(meterkit: Callable, tmp_path: Path) -> None:
    meter = emulator(tmp_path, "--pty", "--interface", "hdlc", profile={"rows": 1500})
    try:
        done = meterkit("dlms", "profile", meter.url, "--json")
        newest = meterkit("dlms", "profile", meter.url, "--json", "--last", "5")
    finally:
        meter.stop()
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.splitlines()
    assert len(rows) == 1500
    times = [json.loads(row)["time"] for row in rows]
    assert times == sorted(set(times))
    assert newest.stdout.splitlines() == rows[-5:]


def test_good_rows_come_and_the_bad_ones_are_told(meterkit: Callable, tmp_path: Path) -> None:
    meter = emulator(
        tmp_path, "--listen", "tcp://127.0.0.1:0", "--quirk", "clock_impossible", profile={"rows": 100}
    )
    try:
        done = meterkit("dlms", "profile", meter.url, "--json")
        shown = meterkit("dlms", "profile", meter.url)
    finally:
        meter.stop()
    *rows, error = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert len(rows) == 90
    assert error["error"]["kind"] == "decode"
    assert "month 13 came" in error["error"]["message"]
    assert error["error"]["message"].endswith("10 rows were left out")
    assert "90 of 100 rows" in shown.stdout
    assert "go on with" not in shown.stderr


def test_an_oddity_is_named_as_quirks_are_and_not_for_a_cloned_meter(meterkit: Callable) -> None:
    done = meterkit("emulate", "dlms", "--quirk", "newest-frist")
    assert done.returncode == 2
    assert "did you mean newest_first?" in done.stderr
    flags = quirk_flags(DlmsEmulatorConfiguration(), ["Newest-First", "junk_after_value"], has_objects=False)
    assert flags["quirks"] == {DlmsQuirk.JUNK_AFTER_VALUE}
    assert flags["profile"].oddities == {ProfileOddity.NEWEST_FIRST}
    with pytest.raises(UsageMistake, match="has its own load profile"):
        quirk_flags(DlmsEmulatorConfiguration(), ["newest_first"], has_objects=True)
