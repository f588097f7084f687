from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from meterkit.cli.usage import (
    UsageMistake,
    find_password,
    new_file,
    parse_number,
    parse_octets,
    parse_password,
    parse_table,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "table_id"),
    [
        ("64", 64),
        ("0", 0),
        ("0x815", 0x815),
        ("0X815", 0x815),
        ("ST64", 64),
        ("BT64", 64),
        ("bt01", 1),
        ("MT21", 2069),
        ("ET21", 2069),
        ("et 51", 2099),
        ("ST0x40", 64),
        ("6213", 6213),
        ("ST54 pending", 4150),
        ("BT54-pending", 4150),
        ("et47-pending", 6191),
        ("54-pending", 4150),
    ],
)
def test_a_table_is_known_by_number_and_by_every_name(text: str, table_id: int) -> None:
    assert parse_table(text) == table_id


@pytest.mark.parametrize("text", ["", "XT1", "ST", "ST2048", "MT2048", "70000", "-1", "6.4", "ST-1"])
def test_what_is_no_table_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(UsageMistake, match="table"):
        parse_table(text)


def test_a_time_without_an_offset_is_utc() -> None:
    assert parse_time("2026-03-01T12:00") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert parse_time("2026-03-01") == datetime(2026, 3, 1, tzinfo=UTC)


def test_a_time_with_an_offset_is_that_moment_in_utc() -> None:
    moment = parse_time("2026-03-01T12:00+02:00")
    assert moment == datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert moment.tzinfo is UTC
    assert parse_time("2026-03-01T12:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_is_no_time_is_refused_with_examples() -> None:
    with pytest.raises(UsageMistake, match="2026-03-01T12:00"):
        parse_time("yesterday")


@pytest.mark.parametrize("text", ["01 aA ff", "01:aa:ff", "01-AA-FF", "0x01aaff", "01aaff", " 01\naa ff "])
def test_octets_are_read_however_people_write_hex(text: str) -> None:
    assert parse_octets(text) == b"\x01\xaa\xff"


@pytest.mark.parametrize("text", ["1", "zz", "01 2"])
def test_what_is_no_hex_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake, match="two digits"):
        parse_octets(text)


def test_a_number_is_decimal_or_hex_and_bounded() -> None:
    assert parse_number("12", 100) == 12
    assert parse_number("0x0c", 100) == 12
    for text in ("-1", "101", "twelve"):
        with pytest.raises(UsageMistake):
            parse_number(text, 100)


def test_a_password_is_text_or_hex() -> None:
    assert parse_password("secret") == b"secret"
    assert parse_password("hex:00ff 10") == b"\x00\xff\x10"


@pytest.mark.parametrize(
    "text", ["correct horse battery staple", "hex:c0ffeez", "hex:" + "c0" * 21, "ünsafe-c0ffee"]
)
def test_a_wrong_password_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(UsageMistake) as refused:
        parse_password(text)
    assert not any(part in str(refused.value) for part in ("horse", "c0", "ünsafe"))
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERKIT_PASSWORD", "from-the-environment"[:20])
    assert find_password(None, ask=False) == b"from-the-environment"
    monkeypatch.setenv("METERKIT_PASSWORD", "")
    assert find_password(None, ask=False) is None


def test_a_password_file_wins_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"from the file\r\n")
    monkeypatch.setenv("METERKIT_PASSWORD", "from the environment")
    assert find_password(file, ask=False) == b"from the file"


def test_a_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageMistake, match="nowhere"):
        find_password(tmp_path / "nowhere", ask=False)


def test_asking_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(UsageMistake, match="terminal"):
        find_password(None, ask=True)


def test_a_file_is_only_written_over_when_told_so(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    new_file(file, overwrite=False)
    file.write_text("old")
    with pytest.raises(UsageMistake, match="--overwrite"):
        new_file(file, overwrite=False)
    new_file(file, overwrite=True)
    with pytest.raises(UsageMistake, match="folder"):
        new_file(tmp_path, overwrite=True)
    with pytest.raises(UsageMistake, match="no folder"):
        new_file(tmp_path / "nowhere" / "rows.csv", overwrite=False)
    new_file(None, overwrite=False)
