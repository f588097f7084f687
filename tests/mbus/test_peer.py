"""The same records read by pyMeterBus, an independent decoder; where it differs, and why ours stands.

It is asked in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest

from meterkit.mbus import DataRecord, decode_records

HEADER = "785634122440010755000000"
PROGRAM = """
import json, sys, meterbus
def told(octets):
    user = b"\\x08\\x01\\x72" + octets
    frame = bytes([0x68, len(user), len(user), 0x68]) + user + bytes([sum(user) & 255, 0x16])
    try:
        return json.loads(meterbus.load(frame).to_JSON())["body"]["records"]
    except Exception as problem:
        return repr(problem)
print(json.dumps([told(bytes.fromhex(line)) for line in sys.stdin.read().split()]))
"""
UNITS = {
    "MeasureUnit.WH": "Wh",
    "MeasureUnit.J": "J",
    "MeasureUnit.M3": "m3",
    "MeasureUnit.KG": "kg",
    "MeasureUnit.SECONDS": "s",
    "MeasureUnit.W": "W",
    "MeasureUnit.J_H": "J/h",
    "MeasureUnit.M3_H": "m3/h",
    "MeasureUnit.M3_MIN": "m3/min",
    "MeasureUnit.M3_S": "m3/s",
    "MeasureUnit.KG_H": "kg/h",
    "MeasureUnit.C": "°C",
    "MeasureUnit.K": "K",
    "MeasureUnit.BAR": "bar",
    "MeasureUnit.V": "V",
    "MeasureUnit.A": "A",
    "degF": "°F",
}
SECONDS = {"min": 60, "h": 3600, "d": 86400}


def ask(records: list[str]) -> list[Any]:
    """Return what pyMeterBus makes of each telegram's records."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(HEADER + record.replace(" ", "") for record in records),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers: list[Any] = json.loads(done.stdout)
    return answers


def ours(record: str) -> DataRecord:
    (found,) = decode_records(bytes.fromhex(record))
    return found


def same(value: object, theirs: object) -> bool:
    """Compare with the double that pyMeterBus makes of a value."""
    return isinstance(value, Decimal) and float(value) == pytest.approx(float(str(theirs)), rel=1e-12)


def test_the_primary_table_gives_the_same_units_and_values() -> None:
    # 6C and 6D are times, 6F is reserved, 7B the extension it cannot look up without a VIFE.
    records = [f"04{vif:02x}39300000" for vif in range(0x7B) if vif not in (0x6C, 0x6D, 0x6F)]
    for record, (theirs,) in zip(records, ask(records), strict=True):
        mine = ours(record)
        factor = SECONDS.get(mine.unit, 1)  # durations: it tells all in seconds
        assert isinstance(mine.value, Decimal), record
        assert same(mine.value * factor, theirs["value"]), record
        unit = "s" if mine.unit in SECONDS else mine.unit
        assert UNITS.get(theirs["unit"], unit) == unit, record


# RF level (FD 71): it doubles the number and takes off 130, a rule of one maker's radios.
# FB 79: it says 10^-3 W, but E111 1nnn is 10^(nnn-3) W.
# Octets, manufacturers and times: it gives the plain number.
DIFFERENT = {"fd71", "fb79", "fd0a", "fd19", "fd30", "fd3b", "fd65", "fd70", "fd72", "fd73", "fd76"}
LONG = ("month", "year")  # it makes seconds of them, by an average month


@pytest.mark.parametrize("table", ["fd", "fb"])
def test_the_extension_tables_give_the_same_values(table: str) -> None:
    records = [f"04{table}{vif:02x}39300000" for vif in range(0x80)]
    compared = 0
    for record, (theirs,) in zip(records, ask(records), strict=True):
        mine = ours(record)
        if not mine.is_valid or record[2:6] in DIFFERENT or mine.unit in LONG:
            continue
        if "reserved" in str(theirs).lower():  # codes that came with later editions of EN 13757-3
            continue
        factor = SECONDS.get(mine.unit, 1)
        assert isinstance(mine.value, Decimal), record
        assert same(mine.value * factor, theirs["value"]), record
        unit = "s" if factor > 1 else mine.unit
        if mine.unit != "J/h":  # of FB 30 and 31: it leaves out "per hour"
            assert UNITS.get(theirs["unit"], unit) == unit, record
        compared += 1
    assert compared >= {"fd": 70, "fb": 48}[table]


def test_every_coding_gives_the_same_value() -> None:
    records = [
        "0113 85",
        "0213 8583",
        "0313 868584",
        "0413 85868788",
        "0513 0000c03f",
        "0613 868584838281",
        "0913 85",
        "0913 f5",
        "0a13 3412",
        "0b13 563412",
        "0c13 78563412",
        "0c13 785634f2",
        "0e13 563412907856",
        "02fc03485225 74 440d",
    ]
    for record, (theirs,) in zip(records, ask(records), strict=True):
        assert same(ours(record).value, theirs["value"]), record


def test_places_are_the_same() -> None:
    functions = {
        "INSTANTANEOUS": "INSTANTANEOUS_VALUE",
        "MAXIMUM": "MAXIMUM_VALUE",
        "MINIMUM": "MINIMUM_VALUE",
        "ERROR_STATE": "ERROR_STATE_VALUE",
    }
    records = ["c4c45113 39300000", "941013 39300000", "a44213 39300000", "b48073 13 39300000"]
    for record, (theirs,) in zip(records, ask(records), strict=True):
        mine = ours(record)
        told = (theirs["storage_number"], theirs["tariff"], theirs["device"])
        assert (mine.storage, mine.tariff, mine.subunit) == told, record
        assert theirs["function"] == f"FunctionType.{functions[mine.function.name]}"


def test_dates_and_texts_are_the_same() -> None:
    records = ["426c ff2c", "046d 1e2dff2c", "0dfd11 05 6f6c6c6548"]
    told = [answer["value"] for (answer,) in ask(records)]
    assert told == ["2023-12-31", "2023-12-31T13:30", "Hello"]
    date, moment, text = (ours(record).value for record in records)
    assert [str(date), str(moment), text] == ["2023-12-31", "2023-12-31 13:30:00", "Hello"]


def test_where_it_differs() -> None:
    records = {
        "04937d 39300000": 12.345,  # VIFE 7D, times 1000: it leaves it out; 12345 m3
        "0d13 c3 563412": "",  # BCD of variable length: it knows none; 123.456 m3
        "0d13 e3 563412": "56 34 12",  # binary of variable length: likewise; 1193.046 m3
        "066d 0f1e0dff2c00": "2043-12-31T13:15",  # type I: it reads type F and leaves octets; 13:30:15
    }
    answers = [answer[0]["value"] for answer in ask(list(records))]
    assert answers[:3] == list(records.values())[:3]
    assert [str(ours(record).value) for record in records] == [
        "12345",
        "123.456",
        "1193.046",
        "2023-12-31 13:30:15",
    ]
