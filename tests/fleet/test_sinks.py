"""Every sink takes a key once: in one run, across runs, after a crash; what it holds is what it was given."""

import os
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from meterkit.fleet.readings import Reading, ReadingKind, SinkFault
from meterkit.fleet.sinks import ParquetSink, SqliteSink, open_sink
from meterkit.fleet.sinks.key_index import KeyIndex
from tests.fleet.postgres import database, postgres  # noqa: F401
from tests.fleet.samples import EVERY_KIND, START, day, interval

pytestmark = pytest.mark.anyio

FILES = ("jsonl:out.jsonl", "csv:out.csv", "csv:folder", "parquet:parts", "sqlite:readings.db")
LINES = ("jsonl:out.jsonl", "csv:out.csv")
EVER = (START - timedelta(days=1), START + timedelta(days=400))


@pytest.fixture(params=[*FILES, "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("database")
    scheme, _, path = request.param.partition(":")
    return f"{scheme}:{tmp_path / path}"


@pytest.fixture(params=LINES)
def line_url(request, tmp_path):
    scheme, _, path = request.param.partition(":")
    return f"{scheme}:{tmp_path / path}"


async def write(url, *batches):
    sink = open_sink(url)
    await sink.open()
    try:
        for batch in batches:
            await sink.write(batch)
    finally:
        await sink.close()


async def held(url, since=EVER[0], until=EVER[1], meters=None):
    found = []
    async for chunk in open_sink(url).scan(since, until, meters=meters):
        found.extend(chunk)
    return found


def by_key(readings):
    return sorted(readings, key=lambda reading: reading.key)


async def test_readings_of_every_kind_come_back_as_they_went(url):
    await write(url, EVERY_KIND)
    found = by_key(await held(url))
    for before, after in zip(by_key(EVERY_KIND), found, strict=True):
        assert type(before.value) is type(after.value)
        if before.value == before.value:
            assert before == after
        else:  # NaN
            assert replace(before, value=0) == replace(after, value=0)


async def test_the_same_batch_again_adds_nothing(url):
    batch = day("m1")
    await write(url, batch, batch)
    await write(url, batch[40:], [*batch[:50], *batch[:50]])
    assert by_key(await held(url)) == batch


async def test_the_same_value_read_later_keeps_its_first_read_at(url):
    early, late = interval("m1", 1), interval("m1", 1, delay=timedelta(days=3))
    await write(url, [early], [late])
    assert await held(url) == [early]


async def test_of_a_value_that_changed_the_last_counts(url):
    first, second = interval("m1", 1, value=Decimal(1)), interval("m1", 1, value=Decimal(2))
    await write(url, [first])
    await write(url, [second])
    assert (await held(url))[-1] == second


async def test_of_a_key_twice_in_one_batch_the_last_counts(url):
    first, second = interval("m1", 1, value=Decimal(1)), interval("m1", 1, value=Decimal(2))
    await write(url, [first, second])
    assert (await held(url))[-1] == second


async def test_a_window_and_meters_are_scanned_alone(url):
    await write(url, day("m1"), day("m2"), day("m3"))
    found = await held(url, START + timedelta(hours=1), START + timedelta(hours=2), meters=["m2", "m3", "m4"])
    assert by_key(found) == [interval(m, n) for m in ("m2", "m3") for n in (5, 6, 7, 8)]


async def test_an_empty_batch_is_nothing(url):
    await write(url, [], day("m1"), [])
    assert len(await held(url)) == 96


async def test_a_sink_is_closed_twice_and_opened_again(url):
    sink = open_sink(url)
    await sink.open()
    await sink.open()
    await sink.write(day("m1"))
    await sink.close()
    await sink.close()
    await sink.open()
    await sink.write(day("m2"))
    await sink.close()
    assert len(await held(url)) == 192


async def test_writing_to_a_sink_that_is_not_open_is_a_mistake(url):
    with pytest.raises(RuntimeError, match="open"):
        await open_sink(url).write(day("m1"))


# ---------------------------------------------------------------- files that grow
@pytest.mark.parametrize("torn", [b"{", b'{"meter":"m1","chan', b"\x00" * 5000, b"2026-03-01T00:"])
async def test_a_torn_last_line_is_cut_off(line_url, torn):
    await write(line_url, day("m1"))
    path = open_sink(line_url).path
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert by_key(await held(line_url)) == day("m1")
    await write(line_url, [])
    assert path.read_bytes() == whole


async def test_every_place_to_be_cut_off_at_is_mended(line_url):
    batch = day("m1", count=3)
    await write(line_url, batch)
    path = open_sink(line_url).path
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        await write(line_url, batch)
        assert path.read_bytes() == whole


async def test_a_whole_last_line_without_its_end_is_kept(line_url):
    await write(line_url, day("m1"))
    path = open_sink(line_url).path
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    await write(line_url, [])
    assert path.read_bytes() == whole


async def test_lines_that_the_index_missed_are_no_news(line_url):
    """As after a crash between the lines and their keys."""
    await write(line_url, day("m1"))
    path = open_sink(line_url).path
    keys = path.with_name(f"{path.name}.keys")
    before = keys.read_bytes()
    await write(line_url, day("m2"))
    whole = path.read_bytes()
    keys.write_bytes(before)
    await write(line_url, day("m2"))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("harm", ["lost", "damaged"])
async def test_an_index_is_made_up_from_its_file(line_url, harm):
    await write(line_url, day("m1"))
    path = open_sink(line_url).path
    whole = path.read_bytes()
    keys = path.with_name(f"{path.name}.keys")
    if harm == "lost":
        keys.unlink()
    else:
        keys.write_bytes(b"no database at all" * 300)
    await write(line_url, day("m1"))
    assert path.read_bytes() == whole


async def test_a_file_that_was_replaced_by_a_shorter_one_is_learnt_anew(line_url):
    await write(line_url, day("m1"), day("m2"))
    path = open_sink(line_url).path
    path.unlink()
    await write(line_url, day("m1"))
    assert by_key(await held(line_url)) == day("m1")


async def test_a_line_that_is_no_reading_is_told_by_its_place(line_url):
    path = open_sink(line_url).path
    path.write_bytes(b"date,kWh\n2026-03-01,5\n")
    with pytest.raises(SinkFault, match="the line at octet 0 is no reading"):
        await write(line_url, day("m1"))
    assert path.read_bytes() == b"date,kWh\n2026-03-01,5\n"


async def test_two_runs_do_not_write_one_file(line_url):
    sink = open_sink(line_url)
    await sink.open()
    with pytest.raises(SinkFault, match="another program is writing to this sink"):
        await open_sink(line_url).open()
    await sink.close()


async def test_a_spreadsheet_sees_no_formula(tmp_path):
    hostile = ["=cmd()", "+1", "-x", "@sum", " =1", "\t=1", "\n=1"]
    url = f"csv:{tmp_path / 'out.csv'}"
    await write(url, [Reading("m1", f"c{n}", START, text) for n, text in enumerate(hostile)])
    for line in (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1:]:
        assert not line.split(",")[3].lstrip().startswith(("=", "+", "-", "@"))


# ---------------------------------------------------------------- Parquet
async def test_parts_are_whole_and_read_by_anybody(tmp_path):
    dataset = pytest.importorskip("pyarrow.dataset")
    sink = ParquetSink(tmp_path / "parts", part_size=100)
    await sink.open()
    for meter in ("m1", "m2", "m3"):
        await sink.write(day(meter))
    parts = sorted(path.name for path in (tmp_path / "parts").glob("*.parquet"))
    assert parts == ["part-00000001.parquet"]  # 192 readings, and 96 wait in the journal
    await sink.close()
    table = dataset.dataset(sorted((tmp_path / "parts").glob("*.parquet"))).to_table()
    assert table.num_rows == 288
    assert sum(table["number"].to_pylist()) == pytest.approx(
        float(sum(r.value for m in "123" for r in day(f"m{m}")))
    )


async def test_a_part_whose_journal_is_still_there_counts_once(tmp_path):
    """As after a crash between the rename and the deletion."""
    folder = tmp_path / "parts"
    sink = ParquetSink(folder)
    await sink.open()
    await sink.write(day("m1"))
    journal = folder / "journal-00000001.jsonl"
    lines = journal.read_bytes()
    await sink.close()
    journal.write_bytes(lines)
    (folder / "part-00000002.parquet.tmp").write_bytes(b"half")
    url = f"parquet:{folder}"
    assert by_key(await held(url)) == day("m1")
    await write(url, day("m1"), day("m2"))
    assert by_key(await held(url)) == [*day("m1"), *day("m2")]
    assert not journal.exists()
    assert not list(folder.glob("*.tmp"))


async def test_parts_without_their_index_are_learnt_anew(tmp_path):
    url = f"parquet:{tmp_path}"
    await write(url, day("m1"))
    (tmp_path / "keys.db").unlink()
    await write(url, day("m1"))
    assert by_key(await held(url)) == day("m1")


async def test_a_foreign_file_among_the_parts_is_told(tmp_path):
    (tmp_path / "part-00000001.parquet").write_bytes(b"PAR1 or so")
    with pytest.raises(SinkFault, match=r"part-00000001.parquet is no whole Parquet file"):
        await write(f"parquet:{tmp_path}", day("m1"))


# ---------------------------------------------------------------- faults of the disk
@pytest.mark.parametrize("scheme", ["jsonl", "csv"])
async def test_a_full_disk_is_told_and_leaves_no_half_batch(tmp_path, monkeypatch, scheme):
    url = f"{scheme}:{tmp_path / 'out.txt'}"
    sink = open_sink(url)
    await sink.open()
    await sink.write(day("m1"))
    whole = sink.path.read_bytes()

    def full(handle):
        os.lseek(handle, 0, os.SEEK_CUR)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SinkFault, match="the disk is full"):
        await sink.write(day("m2"))
    monkeypatch.undo()
    assert sink.path.read_bytes() == whole
    await sink.write(day("m2"))
    await sink.close()
    assert by_key(await held(url)) == [*day("m1"), *day("m2")]


async def test_a_full_disk_under_sqlite_is_told(tmp_path):
    sink = SqliteSink(tmp_path / "readings.db")
    await sink.open()
    await sink.write(day("m1"))
    sink._database.execute("PRAGMA max_page_count = 4")
    with pytest.raises(SinkFault, match="the disk is full"):
        await sink.write([reading for n in range(50) for reading in day(f"n{n}")])
    sink._database.execute("PRAGMA max_page_count = 1000000")
    await sink.write(day("m2"))
    await sink.close()
    assert by_key(await held(sink.name)) == [*day("m1"), *day("m2")]


@pytest.mark.parametrize("step", ["sync_folder", "KeyIndex.commit", "LineFile.open"])
async def test_a_sink_goes_on_after_a_fault_behind_a_finished_part(tmp_path, monkeypatch, step):
    sink = ParquetSink(tmp_path, part_size=90)
    await sink.open()
    calls = []

    def full(*_, **__):
        calls.append(step)
        raise OSError(28, "")

    original = KeyIndex.commit
    if step == "KeyIndex.commit":  # the second: the first is of the journal
        monkeypatch.setattr(KeyIndex, "commit", lambda *a: original(*a) if a[2] else full())
    else:
        monkeypatch.setattr(f"meterkit.fleet.sinks.parquet.{step}", full)
    with pytest.raises(SinkFault, match="the disk is full"):
        await sink.write(day("m1"))
    monkeypatch.undo()
    assert calls == [step]
    await sink.write(day("m1"))
    await sink.write(day("m2"))
    await sink.close()
    assert by_key(await held(sink.name)) == [*day("m1"), *day("m2")]


async def test_a_batch_whose_keys_could_not_be_kept_is_not_written_twice(line_url, monkeypatch):
    sink = open_sink(line_url)
    await sink.open()
    await sink.write(day("m1"))

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(KeyIndex, "commit", full)
    for _ in range(2):
        with pytest.raises(SinkFault, match="the disk is full"):
            await sink.write(day("m2"))
    monkeypatch.undo()
    assert by_key(await held(line_url)) == day("m1")
    await sink.write(day("m2"))
    await sink.close()
    assert by_key(await held(line_url)) == [*day("m1"), *day("m2")]


async def test_half_a_batch_that_could_not_be_cut_off_is_cut_off_later(line_url, monkeypatch):
    sink = open_sink(line_url)
    await sink.open()
    await sink.write(day("m1"))

    def fails(*_):
        raise OSError(5, "")

    monkeypatch.setattr(os, "fsync", fails)
    monkeypatch.setattr(os, "ftruncate", fails)
    with pytest.raises(SinkFault, match="the disk failed"):
        await sink.write(day("m2"))
    monkeypatch.undo()
    await sink.write(day("m3"))
    await sink.close()
    assert by_key(await held(line_url)) == [*day("m1"), *day("m3")]


async def test_a_failing_part_loses_nothing(tmp_path, monkeypatch):
    sink = ParquetSink(tmp_path, part_size=90)
    await sink.open()
    monkeypatch.setattr(
        "meterkit.fleet.sinks.parquet._write_part", lambda *_: (_ for _ in ()).throw(OSError(28, ""))
    )
    with pytest.raises(SinkFault, match="the disk is full"):
        await sink.write(day("m1"))
    monkeypatch.undo()
    await sink.write(day("m1"))
    await sink.write(day("m2"))
    await sink.close()
    assert by_key(await held(sink.name)) == [*day("m1"), *day("m2")]


@pytest.mark.parametrize(("url", "words"), [
    ("jsonl:{}/file/out.jsonl", "part of its path is a file"),
    ("csv:{}/file/out.csv", "part of its path is a file"),
    ("parquet:{}/file", "part of its path is a file"),
    ("sqlite:{}/file/r.db", "part of its path is a file"),
    ("sqlite:{}/file", "the file is no SQLite database"),
])  # fmt: skip
async def test_a_place_where_nothing_can_be_written_is_told(tmp_path, url, words):
    (tmp_path / "file").write_text("something else" * 300)
    with pytest.raises(SinkFault, match=words):
        await open_sink(url.format(tmp_path)).open()


@pytest.mark.parametrize("url", FILES)
async def test_scanning_what_is_not_there_is_told(tmp_path, url):
    scheme, _, path = url.partition(":")
    with pytest.raises(SinkFault):
        await held(f"{scheme}:{tmp_path / path}")
    assert list(tmp_path.iterdir()) == []


async def test_a_table_of_another_shape_is_told(tmp_path):
    path = tmp_path / "readings.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE readings (id INTEGER, kwh REAL)")
    other.close()
    with pytest.raises(SinkFault, match=r"columns meter, channel, .* expected, id, kwh found"):
        await open_sink(f"sqlite:{path}").open()


async def test_another_version_of_the_table_is_told(tmp_path):
    url = f"sqlite:{tmp_path / 'readings.db'}"
    await write(url, day("m1"))
    other = sqlite3.connect(tmp_path / "readings.db")
    other.execute("PRAGMA user_version = 9")
    other.close()
    with pytest.raises(SinkFault, match="version 1 expected, 9 found"):
        await open_sink(url).open()


async def test_sqlite_shows_times_to_people_and_sums(tmp_path):
    await write(f"sqlite:{tmp_path / 'r.db'}", day("m1"))
    by_hand = sqlite3.connect(tmp_path / "r.db")
    (count, first) = by_hand.execute("SELECT count(*), min(time) FROM readings_utc").fetchone()
    (total,) = by_hand.execute("SELECT sum(value) FROM readings").fetchone()
    by_hand.close()
    assert (count, first) == (96, "2026-03-01T00:15:00Z")
    assert total == pytest.approx(float(sum(r.value for r in day("m1"))))


@pytest.mark.parametrize(("url", "words"), [
    ("", "names no sink"),
    ("readings.db", "names no sink"),
    ("jsonl:", "names no sink"),
    ("mysql:x", "a sink 'mysql' isn't known: jsonl:FILE"),
    ("sqlite://readings.db", "a path without //"),
    ("sqlite::memory:", "memory ends with the program"),
    ("postgresql://u:secret@host/db", "holds a password"),
    ("postgresql://host/db?nonsense=1", "no PostgreSQL URL"),
])  # fmt: skip
def test_a_url_that_names_no_sink_is_told(url, words):
    with pytest.raises(ValueError, match=words) as told:
        open_sink(url)
    assert "secret" not in str(told.value)


def test_readings_are_checked_and_made_printable():
    for wrong in ({"meter": ""}, {"channel": "a\nb"}, {"time": datetime(2026, 3, 1)}):
        with pytest.raises(ValueError, match=r"expected"):
            replace(interval("m1", 1), **wrong)
    odd = Reading("m", "c", START, "a\x1b[2J\x00\ud800", "V\n", ("power down", "", "x\ty"), ReadingKind.EVENT)
    assert (odd.value, odd.unit) == ("a\ufffd[2J\ufffd\ufffd", "V\ufffd")
    assert odd.flags == ("power_down", "x\ufffdy")
    berlin = Reading("m", "c", datetime.fromisoformat("2026-03-01T01:00:00+01:00"), 1)
    assert berlin.time.isoformat() == "2026-03-01T00:00:00+00:00"
