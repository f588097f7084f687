"""emulate fleet: a farm, the fleet file for it, a clean end; and what cannot be asked of it."""

import json
import os
import signal
import subprocess
import sys

import pytest

from meterkit.fleet import FleetFile


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "meterkit.cli", "emulate", "fleet", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        **options,
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_farm_writes_its_fleet_file_and_ends_cleanly(tmp_path, how):
    path = tmp_path / "fleet.json"
    farm = start("--psem", "3", "--dlms", "4", "--broken", "30", "--fleet-file", str(path))
    try:
        assert farm.stdout.readline().strip() == str(path)
        fleet = FleetFile.load(path)
        assert [meter.id for meter in fleet.meters][:4] == [
            "psem-00001",
            "psem-00002",
            "psem-00003",
            "dlms-00001",
        ]
        farm.send_signal(how)
        _, told = farm.communicate(timeout=60)
    finally:
        farm.kill()
    assert farm.returncode == 0
    assert "7 meters on 7 ports" in told
    assert "2 of them slow or broken" in told
    assert "Traceback" not in told


def test_json_has_the_fleet_file_in_one_line():
    farm = start("--psem", "4", "--per-port", "2", "--json")
    try:
        told = json.loads(farm.stdout.readline())
    finally:
        farm.kill()
        farm.communicate()
    assert (told["meters"], told["ports"]) == (4, 2)
    assert len(FleetFile.model_validate(told["fleet"]).meters) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "a farm has psem meters, dlms meters or both"),
        (("--psem", "-1"), "--psem"),
        (("--psem", "1", "--slow", "60", "--broken", "60"), "are more than all of them"),
        (("--psem", "10", "--listen", "tcp://127.0.0.1:65530"), "need ports up to 65539"),
        (("--psem", "1", "--listen", "here"), "write tcp://HOST:PORT"),
    ],
)
def test_what_cannot_be_is_told(arguments, told):
    farm = start(*arguments)
    _, error = farm.communicate(timeout=60)
    assert farm.returncode == 2
    assert told in " ".join(error.split())
