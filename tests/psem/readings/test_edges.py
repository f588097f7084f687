"""Where readings end: since when, empty lists, numbers that wrap, calendars with a gap."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from meterkit.psem.tables.log_events import sequence_place
from tests.psem.readings.meters import american_meter, osgp_meter
from tests.psem.readings.test_events import bt74
from tests.psem.rig import connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

ONE_LOG = "2.10"
LAST = 0xFFFF_FFFF


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


async def events_of(*logs, since=None):
    meter = osgp_meter("3.70" if len(logs) == 2 else ONE_LOG)
    for number, log in zip((74, 2127), logs, strict=False):
        meter.tables.write_table(number, log)
    async with connected(meter) as (client, _):
        return (await client.events(since)).unwrap()


# ---------------------------------------------------------------- since
async def test_since_takes_in_the_very_moment_in_any_zone():
    log = bt74((1, 0, 1), (2, 1, 2), (3, 2, 1))
    at = datetime(2026, 3, 9, 6, 1, tzinfo=UTC)
    assert [event.sequence for event in (await events_of(log, since=at)).events] == [2, 3]
    elsewhere = at.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert [event.sequence for event in (await events_of(log, since=elsewhere)).events] == [2, 3]
    after = at + timedelta(microseconds=1)
    assert [event.sequence for event in (await events_of(log, since=after)).events] == [3]


async def test_since_the_ends_of_the_calendar_is_all_or_nothing():
    log = bt74((1, 0, 1), (2, 1, 2))
    assert len((await events_of(log, since=datetime.min.replace(tzinfo=UTC))).events) == 2
    assert (await events_of(log, since=datetime.max.replace(tzinfo=UTC))).events == ()
    far_east = timezone(timedelta(hours=14))
    assert len((await events_of(log, since=datetime.min.replace(tzinfo=far_east))).events) == 2
    async with connected(american_meter()) as (client, _):
        assert len((await client.self_reads(datetime.min)).unwrap()) == 2
        assert (await client.self_reads(datetime.max)).unwrap() == ()


async def test_self_reads_since_takes_in_the_very_moment():
    async with connected(american_meter()) as (client, _):
        first, second = (await client.self_reads()).unwrap()
        assert (await client.self_reads(second.time)).unwrap() == (second,)
        assert (await client.self_reads(first.time)).unwrap() == (first, second)
        assert (await client.self_reads(second.time + timedelta(minutes=1))).unwrap() == ()


# ---------------------------------------------------------------- nothing there
async def test_logs_without_a_valid_entry_are_empty_whatever_else_they_say():
    empty = bt74((1, 0, 1), valid=0, element=99)
    reading = await events_of(empty, empty)
    assert reading.events == reading.gaps == ()
    assert [log.is_full for log in reading.logs] == [False, False]


async def test_a_meter_whose_logs_and_self_reads_have_no_room_has_none():
    meter = american_meter(
        st71="06 00 00 00 00 0000 0000",
        st74="04 0000 0000 00000000 0000",
        st76="04 0000 0000 00000000 0000",
        st21="16 02 00 02 01 01 01 01 01 02",
        st26="04 00 00 0000 00",
    )
    async with connected(meter) as (client, _):
        assert (await client.events()).unwrap().events == ()
        assert (await client.self_reads()).unwrap() == ()


async def test_a_meter_without_registers_has_none():
    meter = american_meter(st21="00" * 10, st22="", st23="", st26="00" * 6, st27="", st28="")
    async with connected(meter) as (client, _):
        assert (await client.registers()).unwrap().values == ()
        assert (await client.instantaneous()).unwrap() == ()
        assert (await client.self_reads()).unwrap() == ()


# ---------------------------------------------------------------- sequence numbers
async def test_16_bits_that_wrap_go_on_in_the_next_65536():
    log = bt74((0x1_FFFE, 0, 1), (0x1_FFFF, 1, 2), (0x2_0000, 2, 1), (0x2_0001, 3, 2))
    reading = await events_of(log)
    assert [event.sequence for event in reading.events] == [0x1_FFFE, 0x1_FFFF, 0x2_0000, 0x2_0001]
    assert reading.gaps == ()


async def test_32_bits_that_wrap_keep_both_logs_in_order():
    first = bt74((LAST - 2, 0, 1), (LAST, 2, 1), (1, 4, 1))
    second = bt74((LAST - 1, 1, 20), (0, 3, 20))
    reading = await events_of(first, second)
    assert [event.sequence for event in reading.events] == [LAST - 2, LAST - 1, LAST, 0, 1]
    assert [event.time.minute for event in reading.events] == [0, 1, 2, 3, 4]
    assert reading.gaps == ()


async def test_a_gap_across_the_wrap_is_counted_and_dropped_like_any_other():
    log = bt74((LAST - 4, 0, 1), (LAST - 2, 1, 2), (2, 3, 1))
    gaps = (await events_of(log)).gaps
    assert [(gap.first, gap.last, len(gap)) for gap in gaps] == [(LAST - 3, LAST - 3, 1), (LAST - 1, 1, 4)]
    later = await events_of(log, since=datetime(2026, 3, 9, 6, 2, tzinfo=UTC))
    assert [event.sequence for event in later.events] == [2]
    assert [(gap.first, gap.last) for gap in later.gaps] == [(LAST - 1, 1)]


async def test_a_meter_that_tells_only_16_bits_of_its_newest_number_keeps_its_order():
    log = bt74((0xFFFE, 0, 1), (0xFFFF, 1, 2), (0, 2, 1), (1, 3, 2), last=1)
    assert [event.time.minute for event in (await events_of(log)).events] == [0, 1, 2, 3]


async def test_entries_that_contradict_their_header_keep_the_headers_order():
    log = bt74((9, 0, 1), (9, 1, 2), (9, 2, 1), last=5)
    reading = await events_of(log)
    assert [event.time.minute for event in reading.events] == [0, 1, 2]
    assert all(0 <= event.sequence <= LAST for event in reading.events)


async def test_self_read_numbers_wrap_at_16_bits():
    meter = osgp_meter("2.10")
    table = bytearray(meter.tables[26])
    table[3:5] = b"\1\0"
    meter.tables.write_table(26, bytes(table))
    async with connected(meter) as (client, _):
        numbers = [one.sequence for one in (await client.self_reads()).unwrap()]
    assert numbers[-3:] == [0xFFFF, 0, 1]


def test_a_place_is_how_far_a_number_is_from_another():
    assert [sequence_place(n, 1) for n in (LAST, 0, 1, 2)] == [-2, -1, 0, 1]
