"""Configuration of the emulator: from JSON, checked, and silent about its keys."""

import json

import pytest
from pydantic import ValidationError

from meterkit.emulator import (
    EmulatorConfiguration,
    EmulatorFaults,
    LoadProfileSetConfiguration,
    MeterEmulator,
)


def test_a_configuration_is_read_from_json(tmp_path):
    path = tmp_path / "meter.json"
    path.write_text(
        json.dumps(
            {
                "serial_number": "42",
                "firmware_version": [3, 10, 21],
                "master_key": "hex:000102",
                "read_key": "READ",
                "provisioning_key": None,
                "load_profile": [{"interval_minutes": 30, "intervals": 48, "blocks": 3, "sources": [0]}],
                "faults": {"busy": 2, "noise": "U"},
            }
        )
    )
    configuration = EmulatorConfiguration.load(path)
    assert configuration.master_key.get_secret_value() == b"\x00\x01\x02"
    assert configuration.load_profile[0].interval_minutes == 30
    meter = MeterEmulator(configuration)
    assert meter.tables[1][12:].hex() == "3155" * 2 + "0000000000000042"
    assert meter.faults.busy == 2


def test_ordering_a_fault_does_not_change_the_configuration():
    configuration = EmulatorConfiguration()
    MeterEmulator(configuration).faults.busy = 3
    assert configuration.faults.busy == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"misspelt": 1},
        {"firmware_version": (3, 60, 32)},
        {"firmware_version": (10, 0, 0)},
        {"serial_number": "AB"},
        {"serial_number": "Ä", "id_form": "char"},
        {"packet_size": 63},
        {"baud_rates": (9601,)},
        {"load_profile": ()},
        {"load_profile": (LoadProfileSetConfiguration(),) * 5},
        {"authentication_key": b"short"},
        {"authentication_ticket": b"short"},
    ],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValidationError):
        EmulatorConfiguration(**wrong)


@pytest.mark.parametrize("minutes", [0, 61, 84, 120])
def test_an_interval_length_without_a_code_is_refused(minutes):
    with pytest.raises(ValidationError, match="BT61 has codes"):
        LoadProfileSetConfiguration(interval_minutes=minutes)


@pytest.mark.parametrize("wrong", [{"master_key": "hex:SECRET"}, {"master_key": "SECRET" * 4}])
def test_a_wrong_key_is_not_quoted_in_the_error(wrong):
    with pytest.raises(ValidationError) as caught:
        EmulatorConfiguration(**wrong)
    assert "SECRET" not in str(caught.value)


def test_fault_counters_cannot_be_negative():
    faults = EmulatorFaults()
    with pytest.raises(ValidationError):
        faults.busy = -1
