"""Plans, entries and fleet files: what may be written, and how mistakes are told."""

import json
import stat
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.fleet import FleetFile, FleetFileError, MeterEntry, ReadPlan, RetryPolicy, Window
from meterkit.fleet.secrets import SecretReference
from meterkit.wording import flaw_text

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILE = """{"plan": {"psem": {"registers": true}},
 "meters": [
  {"id": "m1", "url": "psem+tcp://10.0.0.7:1153", "password": "env:METERKIT_PASSWORD"},
  {"id": "m2", "url": "psem+tcp://10.0.0.8:1153"}
 ]}"""


def mistakes(content):
    with pytest.raises(ValidationError) as invalid:
        ReadPlan.model_validate(content)
    return flaw_text(invalid.value)


def test_a_plan_survives_json():
    plan = ReadPlan.model_validate(
        {
            "psem": {"identity": True, "tables": ["ST23", "MT21", 5], "load_profile": [{"data_set": 2}]},
            "dlms": {"registers": ["1.0.1.8.0.255"], "events": [{}], "load_profile": [{"columns": None}]},
        }
    )
    assert ReadPlan.model_validate_json(plan.model_dump_json()) == plan
    assert plan.psem.tables == (23, 2069, 5)
    assert plan.dlms.registers == ("1-0:1.8.0",)
    assert plan.dlms.load_profile[0].group == "profile/1-0:99.1.0"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "nothing to read: a plan has psem, dlms or both"),
        ({"psem": {}}, "psem says nothing to read"),
        ({"psem": {"registrs": True}}, "psem.registrs: there is no such setting"),
        ({"psem": {"tables": ["XT3"]}}, "psem.tables.0: 'XT3' came, a table's number"),
        ({"psem": {"load_profile": [{}, {}]}}, "psem: LP1 is there twice"),
        ({"psem": {"events": {"since": "yesterday"}}}, '"checkpoint" or a time such as'),
        ({"psem": {"events": {"since": "2026-11-01T00:00:00"}}}, "a time with its time zone expected"),
        ({"dlms": {"registers": ["1-0:1.8"]}}, "dlms.registers.0: '1-0:1.8' came"),
        ({"dlms": {"registers": ["1-0:1.8.0", "1.0.1.8.0.255"]}}, "dlms: 1-0:1.8.0 is there twice"),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_by_field(content, told):
    assert told in mistakes(content)


def test_reading_begins_at_the_checkpoint_or_some_days_back():
    profile = ReadPlan.model_validate({"psem": {"load_profile": [{"first_days": 2}]}}).psem.load_profile[0]
    assert profile.begin(None, NOON) == NOON - timedelta(days=2)
    assert profile.begin(NOON, NOON + timedelta(days=9)) == NOON
    assert profile.is_from_checkpoint


def test_a_window_needs_aware_times_in_order():
    with pytest.raises(ValueError, match="two aware times in order"):
        Window("LP1", NOON, NOON)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"url": "modbus://x"}, "the address does not begin with"),
        ({"url": "em1000+tcp://10.0.0.7:1"}, "leads to a meter that a fleet cannot read"),
        ({"options": {"user_nme": "x"}}, "there is no setting 'user_nme'"),
        ({"keys": {"encryption": "env:K"}}, "keys are of DLMS meters"),
        ({"url": "dlms+tcp://h", "options": {"password": "12345678"}}, "password is a secret"),
        ({"url": "dlms+tcp://h", "keys": {"encription": "env:K"}}, "there is no key called 'encription'"),
        ({"password": "12345678"}, "env:NAME, file:PATH or keyring:SERVICE/USER expected"),
        ({"time_zone": "Europe/Atlantis"}, "is no time zone"),
        ({"groups": {"street": "x"}}, "groups.street"),
    ],
)
def test_an_entry_that_makes_no_sense_is_told(fields, told):
    with pytest.raises(ValidationError) as invalid:
        MeterEntry.model_validate({"id": "m", "url": "psem+tcp://h:1153", **fields})
    message = flaw_text(invalid.value, is_quoted=False)
    assert told in message
    assert "12345678" not in message


def test_options_of_an_entry_go_over_those_of_its_address():
    entry = MeterEntry(
        id="m",
        url="dlms+tcp://h?client=2",
        options={"authentication": "low_level_security", "response_timeout": 9},
    )
    options = entry.client_options(entry.address, {})
    assert (options.client_address, options.response_timeout) == (2, 9.0)
    assert options.authentication.name == "LOW_LEVEL_SECURITY"


def test_a_fleet_file_is_read_with_its_folder(tmp_path):
    path = tmp_path / "fleet.json"
    path.write_text(FILE)
    fleet = FleetFile.load(path)
    assert [meter.id for meter in fleet.meters] == ["m1", "m2"]
    assert fleet.folder == tmp_path


def test_the_same_fleet_may_be_written_in_toml(tmp_path):
    path = tmp_path / "fleet.toml"
    meters = "".join(
        f'[[meters]]\nid = "{entry["id"]}"\nurl = "{entry["url"]}"\n' for entry in json.loads(FILE)["meters"]
    )
    path.write_text(f"[plan.psem]\nregisters = true\n{meters}")
    assert [meter.id for meter in FleetFile.load(path).meters] == ["m1", "m2"]
    path.write_text(path.read_text().replace('"m2"', '"m1"'))
    with pytest.raises(FleetFileError, match=r"meter 'm1' is there twice: meters.0 \(line 3\) and meters.1"):
        FleetFile.load(path)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('"m2"', '"m1"', "meter 'm1' is there twice: meters.0 (line 3) and meters.1 (line 4)"),
        ('"registers"', '"registrs"', "plan.psem.registrs: there is no such setting"),
        ('"id": "m2"', '"ids": "m2"', "meters.1 (line 4): id: this setting is missing"),
        ("10.0.0.8:1153", "10.0.0.8:1153?password=geheim", "meters.1 (line 4), meter 'm2': url: an address"),
        ("env:METERKIT_PASSWORD", "geheim", "meters.0 (line 3), meter 'm1': password: env:NAME"),
        ("true}}", "true}", "the file is no JSON"),
    ],
)
def test_a_fleet_file_that_makes_no_sense_is_told_by_line_and_field(was, now, told):
    with pytest.raises(FleetFileError) as wrong:
        FleetFile.parse(FILE.replace(was, now))
    assert told in str(wrong.value)
    assert "geheim" not in str(wrong.value)


def test_a_secret_is_found_where_its_reference_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ONE_PASSWORD", "hex:0102")
    assert SecretReference.parse("env:ONE_PASSWORD").password() == b"\x01\x02"
    path = tmp_path / "key"
    path.write_text("000102030405060708090a0b0c0d0e0f\n")
    path.chmod(0o600)
    assert SecretReference.parse("file:key").key(tmp_path) == bytes(range(16))


def test_a_secret_that_cannot_be_had_is_told_without_showing_it(tmp_path):
    path = tmp_path / "key"
    path.write_text("geheim")
    path.chmod(0o600)
    for reference in ("env:NOBODY_SETS_THIS", "file:not-there", "file:key"):
        with pytest.raises(ProtocolFault) as refused:
            SecretReference.parse(reference).key(tmp_path)
        assert refused.value.error.kind is ErrorKind.SECURITY
        assert reference in str(refused.value)
        assert "geheim" not in str(refused.value)


def test_a_secret_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "key"
    path.write_text("00")
    path.chmod(stat.S_IRUSR | stat.S_IRGRP)
    with pytest.raises(ProtocolFault, match="others may read it"):
        SecretReference.parse("file:key").key(tmp_path)


def test_a_delay_grows_to_its_limit_and_varies_within_the_jitter():
    from random import Random

    policy = RetryPolicy(attempts=9, backoff=10, factor=2, max_backoff=50, jitter=0.1)
    error = MeterError(ErrorKind.TIMEOUT, "silence")
    delays = [policy.delay(attempt, error, Random(1)) for attempt in range(1, 10)]
    for delay, about in zip(delays, (10, 20, 40, 50, 50, 50, 50, 50), strict=False):
        assert 0.9 * about <= delay <= 1.1 * about
    assert delays[-1] is None


def test_a_wrong_password_is_never_tried_again():
    from random import Random

    error = MeterError(ErrorKind.SECURITY, "wrong")
    assert RetryPolicy().delay(1, error, Random(1)) is None
