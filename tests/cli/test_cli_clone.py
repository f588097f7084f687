"""dlms clone and emulate dlms --objects, as a person runs them: a meter to a file, the file as a meter."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from meterkit.cli import main
from tests.cli.conftest import COMMAND, PATIENCE, environment
from tests.cli.test_cli_dlms import PASSWORD, DlmsEmulator

CONFIGURATION = {"profile": {"rows": 12}}


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DlmsEmulator]:
    config = tmp_path_factory.mktemp("meter") / "config.json"
    config.write_text(json.dumps(CONFIGURATION))
    emulator = DlmsEmulator("--listen", "tcp://127.0.0.1:0", "--config", str(config))
    yield emulator
    emulator.stop()


def test_a_cloned_meter_is_served_with_its_view_and_takes_writes(
    meter: DlmsEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METERKIT_PASSWORD", PASSWORD)
    file = tmp_path / "meter.json"
    assert main(["dlms", "clone", meter.as_client(1), str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["objects"] > 20
    assert told["file"] == str(file)
    assert main(["dlms", "clone", meter.as_client(1), str(file)]) == 2  # never overwritten unasked
    assert main(["dlms", "objects", meter.as_client(1), "--json"]) == 0
    view = json.loads(capsys.readouterr().out)
    clone = DlmsEmulator("--listen", "tcp://127.0.0.1:0", "--objects", str(file))
    try:
        assert main(["dlms", "objects", clone.as_client(1), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == view
        note = "1/0-0:96.13.0/2"
        assert main(["dlms", "set", clone.as_client(1), note, "octet-string:text=loft", "--yes"]) == 0
        capsys.readouterr()
        assert main(["dlms", "get", clone.as_client(1), note, "--json"]) == 0
        assert b"loft".hex() in capsys.readouterr().out
    finally:
        clone.stop()


def test_the_file_has_a_line_for_each_attribute(
    meter: DlmsEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "meter.json"
    assert main(["dlms", "clone", meter.url, str(file), "--rows", "2"]) == 0
    assert "objects with" in " ".join(capsys.readouterr().out.split())
    lines = file.read_text(encoding="utf-8").splitlines()
    (line,) = [one for one in lines if '"type": "double-long-unsigned"' in one and '"2": ' in one][:1]
    assert json.loads("{" + line.strip().rstrip(",") + "}")["2"]["access"] == ["read"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("no json", "line 1: no JSON: Expecting value"),
        (
            '{"schema": "meterkit.meter/1", "objects": [{"class_id": 3}]}',
            "objects[0].obis: an OBIS code such as",
        ),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_broken_file_is_wrong_usage(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "meter.json"
    file.write_text(content)
    done = subprocess.run(
        [*COMMAND, "emulate", "dlms", "--objects", str(file)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(),
        check=False,
    )
    assert done.returncode == 2
    assert told in " ".join(done.stderr.split())
    assert str(file.name) in done.stderr


def test_rows_are_counted_from_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "meter.json")
    assert main(["dlms", "clone", "dlms+tcp://127.0.0.1:1", file, "--rows", "0"]) == 2
    assert "at least one row" in " ".join(capsys.readouterr().err.split())
