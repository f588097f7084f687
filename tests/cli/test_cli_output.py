import json
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum, IntFlag

from meterkit.cli.output import csv_text, error_document, hex_dump, json_line, jsonable, safe_text
from meterkit.errors import ErrorKind, MeterError


class Colour(IntEnum):
    DARK_RED = 1


class Marks(IntFlag):
    POWER_FAIL = 1
    CLOCK_BACKWARD = 2


def test_escape_sequences_from_a_meter_do_not_reach_the_terminal() -> None:
    assert safe_text("\x1b[2Jmeter\x07") == "\ufffd[2Jmeter\ufffd"
    assert safe_text("one\ntwo\r\x9b1m") == "one\ufffdtwo\ufffd\ufffd1m"


def test_direction_marks_and_invisible_characters_are_replaced() -> None:
    assert safe_text("a\u202eb\u200bc\u2028d\ue000") == "a\ufffdb\ufffdc\ufffdd\ufffd"


def test_padding_is_dropped_and_plain_text_kept() -> None:
    assert safe_text("NES \0\0") == "NES"
    assert safe_text("Zähler 1") == "Zähler 1"


def test_a_spreadsheet_runs_no_formula_from_a_meter() -> None:
    for start in "=+-@":
        assert csv_text(f"{start}cmd|' /C calc'!A0").startswith("'" + start)
    assert csv_text("  =1+1").startswith("'")
    assert csv_text("\t=1+1") == "\ufffd=1+1"
    assert csv_text("meter = 1") == "meter = 1"


def test_json_knows_every_kind_of_value() -> None:
    value = {
        "octets": b"\x01\xff",
        "when": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "naive": datetime(2026, 3, 1, 12),
        "day": date(2026, 3, 1),
        "time": time(1, 2),
        "interval": timedelta(minutes=15),
        "enum": Colour.DARK_RED,
        "flags": Marks.POWER_FAIL | Marks.CLOCK_BACKWARD,
        "no flags": Marks(0),
        "numbers": (1, 2.5, float("nan"), float("inf"), None, True),
        "text": "a\x1bb",
        "other": ErrorKind,
    }
    seen = json.loads(json_line(value))
    assert seen.pop("other")
    assert seen == {
        "octets": "01ff",
        "when": "2026-03-01T12:00:00Z",
        "naive": "2026-03-01T12:00:00",
        "day": "2026-03-01",
        "time": "01:02:00",
        "interval": 900.0,
        "enum": "dark_red",
        "flags": ["power_fail", "clock_backward"],
        "no flags": [],
        "numbers": [1, 2.5, None, None, None, True],
        "text": "a\ufffdb",
    }


def test_unnamed_flags_show_as_hex() -> None:
    assert jsonable(Marks(0x41)) == ["power_fail", "0x40"]


def test_an_error_is_a_document_with_four_fields() -> None:
    error = MeterError(ErrorKind.REFUSED, "no such table", 5, "read ST99")
    assert error_document(error) == {
        "error": {"kind": "refused", "message": "no such table", "code": 5, "where": "read ST99"}
    }


def test_a_hex_dump_counts_from_its_start() -> None:
    lines = list(hex_dump(bytes(range(0x30, 0x42)), start=0x10))
    assert lines[0] == "000010  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  0123456789:;<=>?"
    assert lines[1].startswith("000020  40 41")
    assert lines[1].endswith("  @A")
    assert list(hex_dump(b"")) == []
