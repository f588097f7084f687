"""`meterkit dlms profile` as a person runs it: table, pictures, JSON lines, files, going on."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as parquet
import pytest

from meterkit.cli import main
from meterkit.cli.dlms.profile_rows import ProfileForm, cell, text_of
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.row import ProfileRow
from tests.cli.test_cli_dlms import DlmsEmulator


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A meter whose profile does not grow while it is read."""
    config = tmp_path_factory.mktemp("meter") / "meter.json"
    config.write_text(json.dumps({"follow_clock": False, "seed": 3, "profile": {"rows": 400}}))
    emulator = DlmsEmulator("--listen", "tcp://127.0.0.1:0", "--config", str(config))
    yield emulator.url
    emulator.stop()


@pytest.fixture
def profile(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., SimpleNamespace]:
    """Run the verb in this process."""

    def run(*words: str) -> SimpleNamespace:
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.delenv("METERKIT_PASSWORD", raising=False)
        status = main(("dlms", "profile", url, *words))
        out, err = capsys.readouterr()
        return SimpleNamespace(status=status, out=out, err=err)

    return run


def rows_of(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_profile_is_a_table_with_units(profile: Callable) -> None:
    done = profile()
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("profile 1-0:99.1.0*255: 400 of 400 rows of 15 min, 8 columns")
    assert "390 rows in between not shown (--all shows them)" in done.out
    assert "varh" in done.out
    assert "load curve" not in done.out
    assert max(map(len, done.out.splitlines())) <= 120


def test_pictures_are_drawn_where_they_are_asked_for(profile: Callable, tmp_path: Path) -> None:
    svg = tmp_path / "profile.svg"
    done = profile("--last", "200", "--plot", "--heat-map", "--draw", "1-0:2.8.0", "--svg", str(svg))
    assert done.status == 0
    assert "load curve, 1-0:2.8.0 Wh, increase per 15 min" in done.out
    assert "heat map, 1-0:2.8.0 Wh, increase per 15 min" in done.out
    assert "<svg" in svg.read_text()


def test_rows_are_json_lines_by_column(profile: Callable) -> None:
    whole = rows_of(profile("--json").out)
    assert len(whole) == 400
    assert list(whole[0]) == ["time", "values"]
    assert list(whole[0]["values"])[:2] == ["0-0:96.10.1", "1-0:1.8.0"]
    since, until = whole[100]["time"], whole[199]["time"]
    assert rows_of(profile("--json", "--since", since, "--until", until).out) == whole[100:200]
    assert rows_of(profile("--json", "--entries", "11..20").out) == whole[10:20]
    assert rows_of(profile("--json", "--last", "7").out) == whole[-7:]
    chosen = rows_of(profile("--json", "--last", "1", "--columns", "1-0:2.7.0,3").out)
    assert list(chosen[0]["values"]) == ["1-0:2.7.0", "1-0:1.8.0"]


def test_files_hold_what_was_streamed(profile: Callable, tmp_path: Path) -> None:
    whole = rows_of(profile("--json").out)
    sheet, table = tmp_path / "rows.csv", tmp_path / "rows.parquet"
    assert "400 rows written to" in profile("--out", str(sheet)).out
    assert profile("--out", str(table)).status == 0
    with sheet.open(newline="") as file:
        head, *lines = csv.reader(file)
    assert head[:3] == ["time", "0-0:96.10.1", "1-0:1.8.0 Wh"]
    assert [line[0] for line in lines] == [row["time"] for row in whole]
    read = parquet.read_table(table)
    assert read["1-0:1.8.0"].to_pylist() == [row["values"]["1-0:1.8.0"] for row in whole]
    assert read["time"].to_pylist() == [datetime.fromisoformat(row["time"]) for row in whole]


def test_a_reading_goes_on_where_the_last_one_ended(profile: Callable, tmp_path: Path) -> None:
    position = tmp_path / "position.json"
    whole = rows_of(profile("--json").out)
    first = rows_of(profile("--json", "--until", whole[99]["time"], "--resume", str(position)).out)
    second = rows_of(profile("--json", "--resume", str(position)).out)
    assert first + second == whole
    assert profile("--json", "--resume", str(position)).out == ""
    assert json.loads(position.read_text())["obis"] == "1-0:99.1.0*255"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--last", "0"), "--last 0: give a number of rows"),
        (("--last", "5", "--entries", "1..2"), "not both"),
        (("--last", "5", "--since", "2026-01-01"), "not both"),
        (("--entries", "x"), "--entries x: write FIRST..LAST"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "is not before"),
        (("--out", "rows.xls"), "must end in .csv or .parquet"),
        (("x",), "is no OBIS code"),
    ],
)
def test_wrong_usage_is_told_before_the_meter_is_called(
    profile: Callable, words: tuple[str, ...], told: str
) -> None:
    done = profile(*words)
    assert done.status == 2
    assert told in done.err


def test_a_broken_position_is_wrong_usage(profile: Callable, tmp_path: Path) -> None:
    position = tmp_path / "position.json"
    for text in ("", "[]", '{"obis": "0-0:99.98.0"}'):
        position.write_text(text)
        assert profile("--resume", str(position)).status == 2


def test_a_column_that_there_is_not_is_told(profile: Callable) -> None:
    done = profile("--columns", "1-0:9.9.9")
    assert done.status == 1
    assert "the profile has no column 1-0:9.9.9" in done.err
    assert profile("--draw", "1-0:9.9.9", "--plot").status == 2


def test_columns_of_one_name_are_all_written() -> None:
    energy, clock = ObisCode.ACTIVE_ENERGY_IMPORT_TOTAL, ObisCode.CLOCK
    form = ProfileForm()
    form.columns = (
        ProfileColumn(clock, 8, 2),
        ProfileColumn(energy, 3, 2),
        ProfileColumn(energy, 4, 2),
        ProfileColumn(energy, 3, 2),
        ProfileColumn(ObisCode(0, 1, 1, 0, 0), 8, 2),
    )
    time = datetime(2026, 3, 1, tzinfo=UTC)
    row = ProfileRow(time, (time, 1, 2, 3, time), (time, 1, 2, 3, b""))
    values = form.document(row)["values"]
    assert isinstance(values, dict)
    names = ["1-0:1.8.0", "4/1-0:1.8.0*255/2", "3/1-0:1.8.0*255/2", "0-1:1.0.0"]
    assert list(values.items()) == list(zip(names, (1, 2, 3, time), strict=True))
    assert form.table([row], None).column_names == ["time", *names]
    assert form.cells(row)[1:] == [1, 2, 3, "2026-03-01T00:00:00Z"]


def test_texts_of_a_meter_steer_no_terminal_and_no_spreadsheet() -> None:
    assert cell("=cmd()") == "'=cmd()"
    assert "\x1b" not in str(cell("\x1b[2J"))
    form = ProfileForm()
    form.columns = (ProfileColumn(ObisCode(0, 0, 96, 1, 0), 1, 2),)
    row = ProfileRow(None, ("@SUM(1)",), ("@SUM(1)",))
    assert form.cells(row) == ["", "'@SUM(1)"]
    assert text_of(b"=1") == "3d31"
