"""Counters: no number twice, whoever dies, forks or shares the file."""

from __future__ import annotations

import logging
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from meterkit.dlms.secured.counter_store import CounterStore, MemoryCounterStore, SqliteCounterStore
from meterkit.dlms.security import CounterBlock, CounterName, KeyKind
from meterkit.dlms.security.counters import ALARM, STOP
from meterkit.errors import ErrorKind, ProtocolFault

NAME = CounterName(b"SERVER01", b"METERKIT")
OTHERS = [
    CounterName(b"SERVER02", b"METERKIT"),
    CounterName(b"SERVER01", b"OTHER001"),
    CounterName(b"SERVER01", b"METERKIT", KeyKind.GLOBAL_BROADCAST_ENCRYPTION),
]
PROGRAM = Path(__file__).parent / "counter_process.py"


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path):
    if request.param == "memory":
        yield MemoryCounterStore()
        return
    made = SqliteCounterStore(tmp_path / "counters.db", block_size=10)
    yield made
    made.close()


def run(path: Path, what: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(path), what, str(count)], stdout=subprocess.PIPE, text=True
    )


def numbers(*processes: subprocess.Popen[str]) -> list[list[int]]:
    """Return what each process told, once all are done."""
    told = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [[int(line) for line in lines.split()] for lines in told]


# ---------------------------------------------------------------- blocks
def test_a_block_hands_out_each_number_once_and_then_none() -> None:
    block = CounterBlock(5, 8)
    assert [block.take() for _ in range(3)] == [5, 6, 7]
    with pytest.raises(ProtocolFault, match="nothing was sent") as refused:
        block.take()
    assert refused.value.error.kind is ErrorKind.SECURITY
    assert repr(block) == "CounterBlock(next 8, 0 left)"


def test_a_block_goes_on_with_others_that_are_higher() -> None:
    block, more = CounterBlock(1, 3), CounterBlock(10, 12)
    block.add(more)
    assert (block.left, more.left) == (4, 0)
    block.add(CounterBlock(12, 13))
    assert [block.take() for _ in range(5)] == [1, 2, 10, 11, 12]
    with pytest.raises(ValueError, match="counters from 13 on expected, not from 4"):
        block.add(CounterBlock(4, 6))


def test_a_block_without_numbers_adds_none() -> None:
    block = CounterBlock(1, 3)
    block.add(CounterBlock(20, 20))
    block.add(CounterBlock(10, 11))  # it left no mark: lower numbers than 20 are still higher than 3
    assert block.left == 3
    assert [block.take() for _ in range(3)] == [1, 2, 10]


def test_a_block_skips_and_never_goes_back() -> None:
    block = CounterBlock(1, 5)
    block.add(CounterBlock(10, 20))
    block.skip_to(3)
    assert block.take() == 3
    block.skip_to(1)
    assert block.take() == 4
    block.skip_to(15)
    assert (block.take(), block.left) == (15, 4)
    block.skip_to(100)
    assert block.left == 0


def test_a_block_counts_what_it_skips_of_itself_and_of_those_behind() -> None:
    block = CounterBlock(1, 5)
    block.add(CounterBlock(10, 20))
    block.add(CounterBlock(30, 40))
    with pytest.raises(ValueError, match="counters from 40 on expected, not from 35"):
        block.add(CounterBlock(35, 50))
    block.skip_to(5)
    assert repr(block) == "CounterBlock(next 10, 20 left)"
    block.skip_to(32)
    assert repr(block) == "CounterBlock(next 32, 8 left)"


def test_a_block_ends_before_the_last_counter() -> None:
    assert CounterBlock(STOP - 1, STOP).take() == STOP - 1
    for first, end in ((-1, 1), (0, STOP + 1), (5, 4)):
        with pytest.raises(ValueError, match="in order"):
            CounterBlock(first, end)


# ---------------------------------------------------------------- any store
def test_numbers_rise_and_names_do_not_touch(store: CounterStore) -> None:
    taken = [store.reserve(NAME, count).take() for count in (1, 3, 25, 1)]
    assert taken == sorted(set(taken))
    assert taken[0] == 1
    assert [store.reserve(other, 1).take() for other in OTHERS] == [1, 1, 1]


def test_blocks_of_one_name_never_overlap(store: CounterStore) -> None:
    blocks = [store.reserve(NAME, count) for count in (1, 9, 10, 11, 2, 100, 3)]
    taken = [block.take() for block in blocks for _ in range(block.left)]
    assert len(set(taken)) == len(taken) == 136


def test_a_counter_is_raised_and_never_lowered(store: CounterStore) -> None:
    store.reserve(NAME, 5)
    for number, expected in ((3, 6), (100, 100), (50, 101), (0, 102), (103, 103)):
        store.raise_to(NAME, number)
        assert store.reserve(NAME, 1).take() == expected


def test_what_is_told_without_proof_cannot_use_the_counter_up(store: CounterStore) -> None:
    store.raise_to(NAME, ALARM)
    for number in (ALARM + 1, STOP):
        with pytest.raises(ProtocolFault, match="tells without proof") as refused:
            store.raise_to(NAME, number)
        assert refused.value.error.kind is ErrorKind.SECURITY
    with pytest.raises(ProtocolFault, match=f"0 to {STOP} expected"):
        store.raise_to(NAME, STOP + 1)
    store.raise_to(NAME, ALARM + 5, is_trusted=True)
    assert store.reserve(NAME, 1).take() == ALARM + 5


def test_an_alarm_sounds_at_two_thousand_million(
    store: CounterStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.raise_to(NAME, ALARM - 1)
    with caplog.at_level(logging.WARNING, "meterkit.service"):
        store.reserve(NAME, 1)
        assert not caplog.records
        store.reserve(NAME, 1)
    assert "is at 2000000000" in caplog.text
    assert "change the key" in caplog.text


def test_at_the_end_nothing_is_handed_out_any_more(store: CounterStore) -> None:
    store.raise_to(NAME, STOP - 3, is_trusted=True)
    assert [store.reserve(NAME, 1).take() for _ in range(3)] == [STOP - 3, STOP - 2, STOP - 1]
    for _ in range(2):
        with pytest.raises(ProtocolFault, match=r"no counter left .* before it is changed") as refused:
            store.reserve(NAME, 1)
        assert refused.value.error.kind is ErrorKind.SECURITY


def test_received_counters_are_kept_and_only_rise(store: CounterStore) -> None:
    assert store.received(NAME) is None
    for number, expected in ((0, 0), (7, 7), (3, 7), (8, 8)):
        store.note_received(NAME, number)
        assert store.received(NAME) == expected
    store.reserve(NAME, 100)
    store.raise_to(NAME, 1000)
    assert store.received(NAME) == 8
    assert [store.received(other) for other in OTHERS] == [None] * 3


def test_no_number_at_all_is_a_mistake(store: CounterStore) -> None:
    with pytest.raises(ValueError, match="count 0: 1 or more expected"):
        store.reserve(NAME, 0)


def test_threads_share_a_store(store: CounterStore) -> None:
    taken: list[int] = []

    def work() -> None:
        for _ in range(50):
            block = store.reserve(NAME, 2)
            taken.extend((block.take(), block.take()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(taken)) == len(taken) == 400


# ---------------------------------------------------------------- the file
def test_a_program_that_begins_again_goes_on_behind_what_was_reserved(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    first = SqliteCounterStore(path, block_size=100)
    assert first.reserve(NAME, 1).take() == 1
    second = SqliteCounterStore(path, block_size=100)
    assert second.reserve(NAME, 1).take() == 101
    # The first has 99 numbers in hand that the second went past: the meter would refuse them.
    assert first.reserve(NAME, 1).take() == 201
    first.close()
    assert first.reserve(NAME, 1).take() == 301
    first.close()
    second.close()


def test_a_counter_raised_by_one_program_is_raised_for_all(tmp_path: Path) -> None:
    one, other = (SqliteCounterStore(tmp_path / "counters.db") for _ in range(2))
    one.reserve(NAME, 1)
    other.raise_to(NAME, 5000)
    assert one.reserve(NAME, 1).take() == 5000
    one.close()
    other.close()


def test_a_killed_program_never_leads_to_a_number_used_twice(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    (told,) = numbers(run(path, "die", 60))
    (after,) = numbers(run(path, "take", 5))
    assert len(told) > 200
    assert told + after == sorted(set(told + after))


def test_programs_at_once_never_share_a_number(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    told = numbers(*(run(path, "take", 150) for _ in range(3)))
    everything = [number for one in told for number in one]
    assert len(set(everything)) == len(everything) == 450
    assert all(one == sorted(one) for one in told)


def test_a_forked_child_has_numbers_of_its_own(tmp_path: Path) -> None:
    (told,) = numbers(run(tmp_path / "counters.db", "fork", 50))
    assert -1 not in told
    assert len(set(told)) == len(told) == 102


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    store = SqliteCounterStore(path)
    store.reserve(NAME, 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store.close()


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    store = SqliteCounterStore(tmp_path / "counters.db")
    store.reserve(NAME, 1)
    assert store._connection is not None
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (3,)  # EXTRA
    store.close()


@pytest.mark.parametrize("broken", ["folder", "text", "locked"])
def test_without_its_file_a_store_refuses(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "counters.db"
    other = None
    match broken:
        case "folder":
            path.mkdir()
        case "text":
            path.write_bytes(b"this is no database, but some text of a page's length" * 100)
        case _:
            monkeypatch.setattr("meterkit.dlms.secured.counter_store.BUSY_TIMEOUT", 0.01)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
    store = SqliteCounterStore(path)
    for act in (
        lambda: store.reserve(NAME, 1),
        lambda: store.raise_to(NAME, 9),
        lambda: store.received(NAME),
        lambda: store.note_received(NAME, 9),
    ):
        with pytest.raises(ProtocolFault, match=r"counters\.db: .* nothing is sent ciphered") as refused:
            act()
        assert refused.value.error.kind is ErrorKind.SECURITY
    if other is not None:
        other.execute("ROLLBACK")
        other.close()
        assert store.reserve(NAME, 1).take() == 1  # and goes on once it can
        store.close()


def test_a_full_disk_hands_out_nothing(tmp_path: Path) -> None:
    store = SqliteCounterStore(tmp_path / "counters.db", block_size=1)
    store.reserve(NAME, 1)
    assert store._connection is not None
    store._connection.execute("PRAGMA query_only = ON")  # as a disk that takes no more
    with pytest.raises(ProtocolFault, match="nothing is sent ciphered"):
        store.reserve(NAME, 1)
    assert store.reserve(NAME, 1).take() == 2
    store.close()


def test_a_block_size_out_of_bounds_is_a_mistake(tmp_path: Path) -> None:
    for size in (0, STOP + 1):
        with pytest.raises(ValueError, match="block_size"):
            SqliteCounterStore(tmp_path / "counters.db", block_size=size)
    assert repr(SqliteCounterStore("counters.db")) == "SqliteCounterStore('counters.db')"
