"""registers, now, events, alarms and mbus, as a person and as a program run them."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import Emulator

READER = "METERKIT-DEMO-READER"


@pytest.fixture(scope="module")
def meter() -> Iterator[str]:
    """The address of an emulated meter of firmware 3.70."""
    emulator = Emulator("--listen", "tcp://127.0.0.1:0", "--firmware", "3.70")
    yield emulator.url
    emulator.stop()


def lines(done) -> list[str]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [line.rstrip() for line in done.stdout.splitlines()]


def test_registers_are_a_table_of_names_values_and_units(meterkit: Callable, meter: str) -> None:
    head, first, *rest = lines(meterkit("psem", "registers", meter, password=READER))
    assert head.split() == ["tier", "register", "value", "unit", "time", "OBIS", "source"]
    tier, *name, value, unit, time, obis, source = first.split()
    assert (tier, " ".join(name), unit, obis, source) == (
        "total",
        "Fwd Active Wh L1L2L3",
        "Wh",
        "1-0:1.8.0",
        "0",
    )
    assert int(value) > 0
    assert time == "-"
    assert rest[-1].startswith("4 ") or rest[-1].endswith("demand resets")


def test_registers_json_has_a_stable_shape(meterkit: Callable, meter: str) -> None:
    document = json.loads(meterkit("psem", "registers", meter, "--json", password=READER).stdout)
    assert list(document) == ["demand_resets", "registers"]
    first = document["registers"][0]
    assert list(first) == [
        "name",
        "value",
        "unit",
        "kind",
        "tier",
        "index",
        "occurrence",
        "source",
        "time",
        "is_maximum",
        "demand",
        "obis",
        "raw",
        "problem",
    ]
    assert isinstance(first["value"], int)
    assert (first["kind"], first["tier"], first["time"], first["problem"]) == ("summation", 0, None, None)
    demand = next(one for one in document["registers"] if one["kind"] == "demand")
    assert len(demand["time"]) == len("2026-03-01T00:15:00")  # by the meter's clock: no zone


def test_self_reads_are_registers_with_a_time(meterkit: Callable, meter: str) -> None:
    document = json.loads(
        meterkit("psem", "registers", meter, "--self-reads", "--json", password=READER).stdout
    )
    reads = document["self_reads"]
    assert list(reads[0]) == ["time", "sequence", "season", "bidn", "demand_resets", "registers"]
    assert [one["time"] for one in reads] == sorted(one["time"] for one in reads)
    since = reads[-2]["time"]
    later = meterkit("psem", "registers", meter, "--self-reads", "--since", since, password=READER)
    assert sum(line.startswith("self read ") for line in lines(later)) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("registers", "--since", "2026-01-01"), "--self-reads"),
        (("registers", "--energy-register-unit", "7"), "1, 10 or 100"),
        (("events", "--since", "yesterday"), "--since"),
    ],
)
def test_wrong_usage_is_told(meterkit: Callable, meter: str, words: tuple[str, ...], told: str) -> None:
    verb, *options = words
    done = meterkit("psem", verb, meter, *options)
    assert done.returncode == 2
    assert told in done.stderr


def test_now_tells_scaled_values(meterkit: Callable, meter: str) -> None:
    shown = lines(meterkit("psem", "now", meter, password=READER))
    assert any(line.split()[1:3] == ["RMS", "Voltage"] and line.split()[5] == "V" for line in shown)
    values = json.loads(meterkit("psem", "now", meter, "--json", password=READER).stdout)["values"]
    voltage = values[7]
    assert list(voltage) == [
        "name",
        "value",
        "unit",
        "kind",
        "number",
        "source",
        "ratios",
        "time_remaining",
        "raw",
        "problem",
    ]
    assert voltage["value"] == voltage["raw"] / 1000
    assert voltage["unit"] == "V"


def test_events_are_one_list_of_both_logs(meterkit: Callable, meter: str) -> None:
    document = json.loads(meterkit("psem", "events", meter, "--json", password=READER).stdout)
    assert list(document) == ["events", "gaps", "logs"]
    events = document["events"]
    assert list(events[0]) == [
        "time",
        "sequence",
        "name",
        "code",
        "is_manufacturer",
        "event_number",
        "user_id",
        "user",
        "argument",
        "table",
    ]
    assert [one["sequence"] for one in events] == sorted(one["sequence"] for one in events)
    assert {one["table"] for one in events} == {74, 2127}
    assert [one["name"] for one in document["logs"]] == ["ST74", "MT79"]
    since = events[-3]["time"]
    later = json.loads(meterkit("psem", "events", meter, "--since", since, "--json", password=READER).stdout)
    assert later["events"][0]["time"] >= since
    shown = lines(meterkit("psem", "events", meter, "--since", since, password=READER))
    assert shown[0].split()[:3] == ["time", "sequence", "event"]
    assert shown[-1].startswith("MT79: ")


def test_alarms_shows_those_that_are_set_or_all(meterkit: Callable, meter: str) -> None:
    every = json.loads(meterkit("psem", "alarms", meter, "--json", password=READER).stdout)["alarms"]
    assert list(every[0]) == ["name", "is_set", "octet", "bit", "since"]
    few = lines(meterkit("psem", "alarms", meter, password=READER))
    many = lines(meterkit("psem", "alarms", meter, "--all", password=READER))
    count = sum(alarm["is_set"] for alarm in every)
    assert few[-1] == many[-1] == f"{count} of {len(every)} alarms are set"
    assert len(many) == len(every) + 2


def test_mbus_tells_devices_and_their_values(meterkit: Callable, meter: str) -> None:
    document = json.loads(meterkit("psem", "mbus", meter, "--json", password=READER).stdout)
    assert list(document) == ["devices", "meps"]
    water, gas = document["devices"][:2]
    assert (water["medium"], gas["medium"]) == ("water", "gas")
    volume = next(one for one in water["records"] if one["quantity"] == "volume")
    assert list(volume) == [
        "quantity",
        "value",
        "unit",
        "storage",
        "tariff",
        "subunit",
        "function",
        "qualifiers",
        "problem",
        "raw",
    ]
    assert (volume["unit"], volume["function"]) == ("m3", "instantaneous")
    assert any(device["is_encrypted"] for device in document["devices"])
    shown = lines(meterkit("psem", "mbus", meter, password=READER))
    assert shown[0].startswith("0: water ")
    assert any("has no key" in line for line in shown)


@pytest.mark.parametrize("verb", ["registers", "now", "events", "alarms", "mbus"])
def test_without_a_password_the_error_says_what_is_missing(meterkit: Callable, meter: str, verb: str) -> None:
    done = meterkit("psem", verb, meter, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "security"
    assert len(done.stderr.splitlines()) == 1


def test_a_meter_that_is_no_osgp_meter_gives_engineering_values(
    meterkit: Callable, start_emulator: Callable
) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0", "--firmware", "c12.19").url
    for verb in ("info", "registers", "now", "alarms"):
        lines(meterkit("psem", verb, url, password=READER))
    found = json.loads(meterkit("psem", "registers", url, "--json", password=READER).stdout)["registers"]
    energy = found[0]
    assert energy["unit"] == "Wh"
    assert energy["value"] > energy["raw"]
    assert energy["problem"] is None
    values = json.loads(meterkit("psem", "now", url, "--json", password=READER).stdout)["values"]
    assert {"V", "A"} <= {value["unit"] for value in values}


@pytest.mark.parametrize("firmware", ["2.10", "4.30"])
def test_ready_made_meters_of_other_firmware_are_read_alike(
    meterkit: Callable, start_emulator: Callable, firmware: str
) -> None:
    url = start_emulator("--listen", "tcp://127.0.0.1:0", "--firmware", firmware).url
    for verb in ("info", "registers", "now", "events", "alarms", "mbus"):
        lines(meterkit("psem", verb, url, password=READER))


def test_a_firmware_that_nobody_made_is_wrong_usage(meterkit: Callable) -> None:
    done = meterkit("emulate", "psem", "--firmware", "1.0")
    assert done.returncode == 2
    assert "2.10, 3.70, 4.30, c12.19" in done.stderr
    both = meterkit("emulate", "psem", "--firmware", "3.70", "--config", "x.json")
    assert both.returncode == 2
