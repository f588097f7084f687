"""Checkpoints go forward only, outlast the program, and cost one write for a whole fleet."""

import sqlite3
from datetime import timedelta

import pytest

from meterkit.fleet.checkpoints import MemoryCheckpoints, SqliteCheckpoints
from meterkit.fleet.readings import SinkFault
from tests.fleet.samples import START

pytestmark = pytest.mark.anyio
HOUR = timedelta(hours=1)


@pytest.fixture(params=["memory", "sqlite"])
async def kept(request, tmp_path):
    store = MemoryCheckpoints() if request.param == "memory" else SqliteCheckpoints(tmp_path / "c.db")
    await store.open()
    yield store
    await store.close()
    await store.close()


async def test_a_checkpoint_goes_forward_and_never_back(kept):
    assert await kept.load("m1") == {}
    await kept.advance("m1", {"LP1": START + HOUR})
    await kept.advance("m1", {"LP1": START, "events": START})
    assert await kept.load("m1") == {"LP1": START + HOUR, "events": START}


async def test_meters_do_not_mix(kept):
    await kept.advance_all({"m1": {"LP1": START}, "m2": {"LP1": START + HOUR}, "m3": {}})
    assert await kept.load("m1") == {"LP1": START}
    assert await kept.load("m2") == {"LP1": START + HOUR}
    assert await kept.load("m3") == {}


async def test_checkpoints_are_there_for_the_next_program(tmp_path):
    for number in range(3):
        store = SqliteCheckpoints(tmp_path / "folder" / "c.db")
        await store.open()
        assert await store.load("m1") == ({"LP1": START + (number - 1) * HOUR} if number else {})
        await store.advance("m1", {"LP1": START + number * HOUR})
        await store.close()


async def test_ten_thousand_meters_are_one_transaction(tmp_path):
    store = SqliteCheckpoints(tmp_path / "c.db")
    await store.open()
    statements = []
    store._database.set_trace_callback(statements.append)
    await store.advance_all({f"m{number}": {"LP1": START} for number in range(10_000)})
    assert statements.count("COMMIT") == 1
    assert await store.load("m9999") == {"LP1": START}
    await store.close()


async def test_two_programs_share_a_file(tmp_path):
    one, other = SqliteCheckpoints(tmp_path / "c.db"), SqliteCheckpoints(tmp_path / "c.db")
    await one.open()
    await other.open()
    await one.advance("m1", {"LP1": START + HOUR})
    await other.advance("m1", {"LP1": START})
    assert await other.load("m1") == {"LP1": START + HOUR}
    await one.close()
    await other.close()


async def test_a_file_of_another_kind_is_told(tmp_path):
    (tmp_path / "c.db").write_text("notes" * 500)
    with pytest.raises(SinkFault, match="no SQLite database"):
        await SqliteCheckpoints(tmp_path / "c.db").open()


async def test_a_table_of_another_shape_is_told(tmp_path):
    other = sqlite3.connect(tmp_path / "c.db")
    other.execute("CREATE TABLE checkpoints (id INTEGER)")
    other.close()
    with pytest.raises(SinkFault, match="meter, channel_group, time expected, id found"):
        await SqliteCheckpoints(tmp_path / "c.db").open()


async def test_a_store_that_is_not_open_is_a_mistake(tmp_path):
    with pytest.raises(RuntimeError, match="open"):
        await SqliteCheckpoints(tmp_path / "c.db").load("m1")
