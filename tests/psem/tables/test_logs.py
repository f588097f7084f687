"""Decade 70 against the offsets that the OSGP guide prints, and logs as events in order."""

from __future__ import annotations

import struct
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.layout import Context, InvalidTime, plain
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.tables import GenConfig, Table, context_for
from meterkit.psem.tables.event_names import event_name, user_name
from meterkit.psem.tables.log_events import (
    EventLog,
    LogEvent,
    SequenceGap,
    event_log,
    events_since,
    log_events,
    merged,
    sequence_gaps,
)
from meterkit.psem.tables.logs import (
    ActLog,
    AlternateHistoryLogData,
    DimLog,
    EventLogData,
    EventsId,
    HistoryLogCtrl,
    HistoryLogData,
)

OSGP = bytes.fromhex("06 08 13 02 02 0400 0000")  # BT71 as printed: 8 and 19 octets, but 4 entries


def gen_config(*, tm_format: int = 2, order: int = 0, version: int = 1) -> GenConfig:
    octets = bytes([2 | order, 8 | tm_format, 0x88]) + b"NES\0"
    return GenConfig.resolve().decode(octets + bytes([2, 0, 255, 12, version, 0, 10, 13, 2, 12, 4, 2]))


def context(act: bytes = OSGP, **config: int) -> Context:
    known = context_for([gen_config(**config)])
    return known.with_(ActLog.resolve(known).decode(act))


def entry(second: int, sequence: int, user: int = 2, code: int = 20, argument: str = "0000") -> bytes:
    time = bytes([26, 5, 1, 12, second // 60, second % 60])
    return time + struct.pack("<HHH", sequence & 0xFFFF, user, code) + bytes.fromhex(argument)


def log(
    *entries: bytes, valid: int = 4, last: int = 3, sequence: int = 0, flags: int = 4, unread: int = 0
) -> bytes:
    return struct.pack("<BHHIH", flags, valid, last, sequence, unread) + b"".join(entries)


def bt74(octets: bytes) -> HistoryLogData:
    return HistoryLogData.resolve(context()).decode(octets)


# ---------------------------------------------------------------- offsets
def test_bt70_and_bt71_lie_where_the_guide_says() -> None:
    printed = {
        "log_flags": 0,
        "nbr_std_events": 1,
        "nbr_mfg_events": 2,
        "hist_data_length": 3,
        "event_data_length": 4,
        "nbr_history_entries": 5,
        "nbr_event_entries": 7,
    }
    for table in (DimLog, ActLog):
        layout = table.resolve(context_for([gen_config()]))
        assert {name: layout.offset_of(name) for name in printed} == printed
        assert layout.size == 9


def test_the_printed_values_of_bt71_read_as_printed() -> None:
    actual = ActLog.resolve(context_for([gen_config()])).decode(OSGP)
    assert (actual.event_number_flag, actual.hist_date_time_flag, actual.hist_seq_nbr_flag) == (
        False,
        True,
        True,
    )
    assert (actual.hist_inhibit_ovf_flag, actual.event_inhibit_ovf_flag) == (False, False)
    assert (actual.nbr_std_events * 8, actual.nbr_mfg_events * 8) == (64, 152)
    assert (actual.hist_data_length, actual.nbr_history_entries, actual.nbr_event_entries) == (2, 4, 0)


def test_a_meter_without_bt71_is_read_by_bt70() -> None:
    dimension = DimLog.resolve(context_for([gen_config()])).decode(OSGP)
    actual = ActLog.from_dimension(dimension)
    assert actual == ActLog.resolve(context_for([gen_config()])).decode(OSGP)
    layout = HistoryLogData.resolve(context_for([gen_config(), actual]))
    assert layout.size == 11 + 4 * 14


def test_c12_19_2008_adds_fields_that_its_version_tells() -> None:
    known = context_for([gen_config(version=2)])
    newer = ActLog.resolve(known).decode(OSGP + bytes.fromhex("01 0300"))
    assert (newer.ext_log_flags, newer.nbr_program_tables) == (1, 3)
    assert ActLog.resolve(known).decode(OSGP).ext_log_flags is None
    assert ActLog.resolve(context_for([gen_config()])).decode(OSGP + b"\1\3\0").extra == b"\1\3\0"


@pytest.mark.parametrize("table", [HistoryLogData, AlternateHistoryLogData])
def test_bt74_and_et79_lie_where_the_guide_says(
    table: type[HistoryLogData | AlternateHistoryLogData],
) -> None:
    layout = table.resolve(context())
    printed = {
        "list_status_flags": 0,
        "nbr_valid_entries": 1,
        "last_entry_element": 3,
        "last_entry_seq_nbr": 5,
        "nbr_unread_entries": 9,
        "entries[0].history_time": 11,
        "entries[0].history_seq_nbr": 17,
        "entries[0].user_id": 19,
        "entries[0].history_code": 21,
        "entries[0].history_argument": 23,
        "entries[1]": 11 + 12 + 2,
    }
    assert {name: layout.offset_of(name) for name in printed} == printed


def test_the_optional_parts_of_an_entry_take_room_only_where_the_meter_has_them() -> None:
    bare = HistoryLogData.resolve(context(bytes.fromhex("00 08 13 00 02 0300 0000")))
    assert bare.size == 11 + 3 * 4
    numbered = HistoryLogData.resolve(context(bytes.fromhex("07 08 13 02 02 0100 0000")))
    assert numbered.offset_of("entries[0].event_number") == 17
    assert numbered.offset_of("entries[0].history_seq_nbr") == 19


def test_st72_st73_and_st76_take_their_sizes_from_st71_and_st0() -> None:
    known = context(bytes.fromhex("06 08 13 02 03 0400 0200"))
    assert EventsId.resolve(known).size == 8 + 19
    assert HistoryLogCtrl.resolve(known).size == 8 + 19 + 10 + 13 + 2 + 12
    assert EventLogData.resolve(known).size == 11 + 2 * (6 + 2 + 2 + 2 + 3)
    events = EventsId.resolve(known).decode(b"\x06" + bytes(26))
    assert list(events.std_events_supported) == [1, 2]


# ---------------------------------------------------------------- events in order
def test_a_log_that_came_round_is_read_oldest_first() -> None:
    octets = log(
        entry(5, 105), entry(2, 102), entry(3, 103), entry(4, 104), last=0, sequence=0x10069, unread=2
    )
    found = event_log(bt74(octets), osgp=True)
    assert [event.sequence for event in found.events] == [0x10066, 0x10067, 0x10068, 0x10069]
    assert [event.time.second for event in found.events if isinstance(event.time, datetime)] == [2, 3, 4, 5]
    assert (found.is_full, found.capacity, found.nbr_unread, found.has_overflowed) == (True, 4, 2, False)
    assert found.table_id == 74


def test_a_log_that_is_not_full_leaves_its_empty_entries_out() -> None:
    octets = log(entry(1, 1), entry(2, 2), bytes(14), bytes(14), valid=2, last=1, sequence=2)
    found = event_log(bt74(octets))
    assert [event.sequence for event in found.events] == [1, 2]
    assert not found.is_full


def test_a_descending_log_is_read_oldest_first() -> None:
    octets = log(entry(4, 4), entry(3, 3), entry(2, 2), bytes(14), valid=3, last=0, sequence=4, flags=5)
    assert [event.sequence for event in log_events(bt74(octets))] == [2, 3, 4]


def test_a_fifo_is_read_like_a_ring_that_never_came_round() -> None:
    octets = log(entry(1, 1), entry(2, 2), entry(3, 3), bytes(14), valid=3, last=2, sequence=3, flags=2)
    found = event_log(bt74(octets))
    assert [event.sequence for event in found.events] == [1, 2, 3]
    assert found.has_overflowed


def test_an_empty_log_has_no_events_whatever_its_index() -> None:
    assert log_events(bt74(log(bytes(56), valid=0, last=0xFFFF))) == ()


def test_an_index_or_a_count_past_the_log_is_a_fault() -> None:
    for valid, last, text in ((4, 4, "last entry element 4"), (5, 0, "5 valid entries")):
        with pytest.raises(ProtocolFault, match=f"BT74: {text}") as caught:
            log_events(bt74(log(bytes(56), valid=valid, last=last)))
        assert caught.value.error.kind is ErrorKind.DECODE


def test_sequence_numbers_keep_their_high_half_over_gaps_and_turns() -> None:
    octets = log(entry(1, 0xFFF0), entry(2, 0xFFFF), entry(3, 2), entry(4, 9), last=3, sequence=0x30009)
    assert [event.sequence for event in log_events(bt74(octets))] == [0x2FFF0, 0x2FFFF, 0x30002, 0x30009]


def test_entries_without_sequence_numbers_count_back_from_the_header() -> None:
    layout = HistoryLogData.resolve(context(bytes.fromhex("00 08 13 00 02 0300 0000")))
    octets = struct.pack("<BHHIH", 4, 3, 2, 7, 0) + struct.pack("<HH", 1, 20) * 3
    found = log_events(layout.decode(octets))
    assert [(event.sequence, event.time) for event in found] == [(5, None), (6, None), (7, None)]


def test_an_event_tells_who_what_and_when() -> None:
    octets = log(
        entry(1, 1, 0xFFFF, 1),
        entry(2, 2, 0xFFFE, 2048 + 5, "beef"),
        entry(3, 3, 0xFFFD, 49),
        entry(4, 4, 7, 0xF014),
        sequence=4,
    )
    power, own, backup, reset = log_events(bt74(octets), osgp=True)
    assert power == LogEvent(
        time=datetime(2026, 5, 1, 12, 0, 1, tzinfo=UTC),
        sequence=1,
        code=1,
        is_manufacturer=False,
        name="Primary power down",
        user_id=0xFFFF,
        user="nobody logged in",
        argument=bytes(2),
        table_id=74,
    )
    assert (own.code, own.is_manufacturer, own.event_id, own.name) == (5, True, 2053, "manufacturer event 5")
    assert (own.user, own.argument) == ("PLC, G3 or P2P message", b"\xbe\xef")
    assert (backup.name, backup.user) == ("Data backup incomplete detected", "MEP device")
    assert (reset.code, reset.name, reset.user) == (20, "Demand reset occurred", "user 7")


def test_elsewhere_times_are_the_meters_own_and_names_are_c12_19s() -> None:
    octets = log(entry(1, 1, 0, 49), entry(2, 2, 1, 200), bytes(14), bytes(14), valid=2, last=1, sequence=2)
    first, second = log_events(bt74(octets))
    assert first.time == datetime(2026, 5, 1, 12, 0, 1)
    assert (first.name, first.user) == ("Control point changed by a command", "end device")
    assert (second.name, second.user) == ("standard event 200", "manual")


def test_a_time_that_is_none_stays_marked() -> None:
    octets = log(b"\x1a\x0d" + bytes(12), valid=1, last=0)
    (event,) = log_events(bt74(octets + bytes(42)), osgp=True)
    assert event.time == InvalidTime(bytes.fromhex("1a0d00000000"))
    assert events_since([event], datetime(2026, 1, 1, tzinfo=UTC)) == (event,)


def test_events_can_be_taken_from_a_time_on() -> None:
    octets = log(entry(1, 1), entry(2, 2), entry(3, 3), entry(4, 4), sequence=4)
    found = events_since(log_events(bt74(octets), osgp=True), datetime(2026, 5, 1, 12, 0, 3, tzinfo=UTC))
    assert [event.sequence for event in found] == [3, 4]


def test_st76_is_read_as_st74_is() -> None:
    known = context(bytes.fromhex("07 08 13 02 03 0400 0100"))
    octets = struct.pack("<BHHIH", 4, 1, 0, 9, 0) + bytes.fromhex("1a050c000000 0700 0900 0200 1400 010203")
    record = EventLogData.resolve(known).decode(octets)
    (event,) = log_events(record)
    assert (event.event_number, event.sequence, event.argument, event.table_id) == (7, 9, b"\1\2\3", 76)
    assert EventLogData.resolve(known).encode(record) == octets


# ---------------------------------------------------------------- one sequence over two logs
def of_numbers(table_id: int, capacity: int, *numbers: int) -> EventLog:
    events = [LogEvent(None, number, 1, False, "", 0, "", b"", table_id) for number in numbers]
    return EventLog(tuple(events), table_id, capacity, 0, False)


def test_the_guides_example_has_no_gap_once_both_logs_are_read() -> None:
    primary = of_numbers(74, 100, *range(1, 11), *range(16, 21))
    alternate = of_numbers(2127, 100, *range(11, 16))
    assert sequence_gaps(primary) == (SequenceGap(11, 15, may_be_overwritten=False),)
    assert sequence_gaps(primary, alternate) == ()
    assert [event.sequence for event in merged(primary, alternate)] == list(range(1, 21))
    assert [event.table_id for event in merged(alternate, primary)][9:12] == [74, 2127, 2127]


def test_a_gap_before_a_full_log_begins_may_have_been_overwritten_there() -> None:
    primary = of_numbers(74, 100, 1, 2, 10, 11, 20)
    alternate = of_numbers(2127, 2, 12, 15)
    gaps = sequence_gaps(primary, alternate)
    assert [(gap.first, gap.last, gap.may_be_overwritten) for gap in gaps] == [
        (3, 9, True),
        (13, 14, False),
        (16, 19, False),
    ]
    assert len(gaps[0]) == 7


def test_logs_without_events_have_no_gaps() -> None:
    assert sequence_gaps() == sequence_gaps(of_numbers(74, 0)) == merged() == ()


def test_unknown_codes_and_users_keep_their_numbers() -> None:
    assert event_name(63, osgp=True) == "standard event 63"
    assert event_name(38, osgp=True) == "System reset detected"
    assert event_name(38) == "Self-check error detected"
    assert event_name(38, is_manufacturer=True, osgp=True) == "manufacturer event 38"
    assert (user_name(3), user_name(0xFFFF), user_name(0, osgp=True)) == ("user 3", "user 65535", "user 0")


# ---------------------------------------------------------------- any octets
TABLES: list[type[Table]] = [
    ActLog,
    DimLog,
    EventsId,
    HistoryLogCtrl,
    HistoryLogData,
    AlternateHistoryLogData,
    EventLogData,
]
dimensions = st.builds(
    lambda flags, sizes, entries: bytes([flags, *sizes]) + struct.pack("<HH", *entries),
    st.integers(0, 31),
    st.tuples(*[st.integers(0, 5)] * 4),
    st.tuples(*[st.integers(0, 4)] * 2),
)
contexts = st.builds(
    context, dimensions, tm_format=st.integers(0, 4), order=st.just(0), version=st.integers(0, 3)
)


def check_cut(caught: ProtocolFault, table: type[Table]) -> None:
    assert caught.error.kind is ErrorKind.DECODE
    assert caught.error.where.startswith(table.label())


@given(contexts, st.sampled_from(TABLES), st.data())
def test_whole_tables_write_back_to_the_very_octets(
    known: Context, table: type[Table], data: st.DataObject
) -> None:
    layout = table.resolve(known)
    size = layout.size or 0
    octets = data.draw(st.binary(min_size=size, max_size=size))
    assert layout.encode(layout.decode(octets)) == octets


@given(contexts, st.sampled_from(TABLES), st.binary(max_size=200), st.booleans())
@settings(max_examples=300)
def test_any_octets_give_events_or_a_fault(
    known: Context, table: type[Table], octets: bytes, osgp: bool
) -> None:
    try:
        record = table.resolve(known).decode(octets)
        plain(record)
        if isinstance(record, (HistoryLogData, AlternateHistoryLogData, EventLogData)):
            found = event_log(record, osgp=osgp)
            assert len(found.events) == record.nbr_valid_entries
            assert len(merged(found, found)) == 2 * len(found.events)
            sequence_gaps(found)
    except ProtocolFault as caught:
        check_cut(caught, table)


@pytest.mark.parametrize("table", TABLES)
def test_every_prefix_is_a_record_or_names_the_value_that_is_cut(table: type[Table]) -> None:
    layout = table.resolve(context())
    whole = bytes(range(1, 256))[: layout.size or 0]
    for held in range(len(whole)):
        with pytest.raises(ProtocolFault, match=f"octets expected, {held} read"):
            layout.decode(whole[:held])


def test_a_log_that_claims_65535_entries_takes_no_memory_for_them() -> None:
    with pytest.raises(ProtocolFault, match="BT74 entries: its dimensions claim 17497845 octets"):
        HistoryLogData.resolve(context(bytes.fromhex("06 08 13 ff 02 ffff 0000")))
    layout = HistoryLogData.resolve(context(bytes.fromhex("06 08 13 02 02 ffff 0000")))
    tracemalloc.start()
    try:
        with pytest.raises(
            ProtocolFault, match=r"entries\[0\].history_time: 917501 octets expected, 12 read"
        ):
            layout.decode(bytes(12))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


# ---------------------------------------------------------------- an independent program
class Tables:
    """What termineter's log reader asks of a connection."""

    c1219_endian = "<"

    def __init__(self, tables: dict[int, bytes]) -> None:
        self.tables = tables

    def get_table_data(self, table_id: int) -> bytes:
        return self.tables[table_id]


@pytest.mark.parametrize("act", [OSGP, bytes.fromhex("07 08 13 03 02 0400 0000")])
def test_termineter_finds_the_same_in_every_entry(act: bytes) -> None:
    from c1219.access import log as log_access  # termineter

    known = context(act)
    layout = HistoryLogData.resolve(known)
    size = ((layout.size or 0) - 11) // 4
    entries = [
        bytes([26, 5, 1, 12, 0, n]) + bytes((n * 37 + k * 11) % 256 for k in range(size - 6))
        for n in range(4)
    ]
    octets = log(*entries)
    st0 = GenConfig.resolve().encode(gen_config())
    theirs = log_access.C1219LogAccess(Tables({0: st0, 71: act, 74: octets})).logs
    for ours, other in zip(layout.decode(octets).entries, theirs, strict=True):
        assert isinstance(ours.history_time, datetime)
        assert other["Time"] == f"MAY 1 2026 12:0:{ours.history_time.second}"
        assert other.get("Event Number") == ours.event_number
        assert other["History Sequence Number"] == ours.history_seq_nbr
        assert other["User ID"] == ours.user_id
        assert (other["Procedure Number"], other["Std vs Mfg"]) == (ours.event_code, ours.mfg_flag)
        assert other["Arguments"] == ours.history_argument
