"""Events: two logs of one sequence, logs apart, what is missing, and since when."""

from datetime import UTC, datetime

import pytest

from meterkit.codec.layout import InvalidTime
from meterkit.errors import ErrorKind
from meterkit.result import Err
from tests.psem.readings.meters import american_meter, osgp_meter
from tests.psem.readings.test_registers import tables_read
from tests.psem.rig import connected
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def bt74(*entries, last=None, valid=None, element=None, capacity=100):
    """Build a log by the guide: (sequence, minute, code) each, six octets of time, two of argument."""
    octets = b"".join(
        bytes([26, 3, 9, 6, minute, 0])
        + (sequence & 0xFFFF).to_bytes(2, "little")
        + b"\xff\xff"
        + code.to_bytes(2, "little")
        + b"\0\0"
        for sequence, minute, code in entries
    )
    count = len(entries) if valid is None else valid
    head = bytes([4]) + count.to_bytes(2, "little")
    head += (max(len(entries) - 1, 0) if element is None else element).to_bytes(2, "little")
    head += (last if last is not None else entries[-1][0]).to_bytes(4, "little") + b"\1\0"
    return head + octets.ljust(14 * capacity, b"\0")


async def test_two_logs_are_one_list_in_the_order_of_their_sequence():
    meter = osgp_meter("3.70")
    meter.tables.write_table(74, bt74((7, 0, 1), (9, 2, 2), (0x1000B, 4, 21)))
    meter.tables.write_table(2127, bt74((8, 1, 20), (0x1000A, 3, 24)))
    async with connected(meter) as (client, _):
        reading = (await client.events()).unwrap()
    # 16 bits of a sequence number are in an entry, the rest follows from the newest
    assert [event.sequence & 0xFFFF for event in reading.events] == [7, 8, 9, 10, 11]
    assert [event.table_id for event in reading.events] == [74, 2127, 74, 2127, 74]
    assert reading.events[0].time == datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
    assert reading.events[0].user == "nobody logged in"
    assert reading.gaps == ()


async def test_a_number_in_neither_log_is_a_gap():
    meter = osgp_meter("3.70")
    meter.tables.write_table(74, bt74((7, 0, 1), (12, 4, 2)))
    meter.tables.write_table(2127, bt74((9, 1, 20)))
    async with connected(meter) as (client, _):
        reading = (await client.events()).unwrap()
        later = (await client.events(datetime(2026, 3, 9, 6, 1, tzinfo=UTC))).unwrap()
        latest = (await client.events(datetime(2026, 3, 9, 6, 4, tzinfo=UTC))).unwrap()
        never = (await client.events(datetime(2027, 1, 1, tzinfo=UTC))).unwrap()
    assert [(gap.first, gap.last) for gap in reading.gaps] == [(8, 8), (10, 11)]
    assert [event.sequence for event in later.events] == [9, 12]
    assert [(gap.first, gap.last) for gap in later.gaps] == [(8, 8), (10, 11)]  # 8 lies just before
    assert [(gap.first, gap.last) for gap in latest.gaps] == [(10, 11)]
    assert never.events == never.gaps == ()
    assert len(never.logs) == 2


@pytest.mark.parametrize("firmware", ["2.10", "3.70", "4.30"])
async def test_an_emulated_meters_log_that_wrapped_is_in_order(firmware):
    async with connected(osgp_meter(firmware)) as (client, transport):
        reading = (await client.events()).unwrap()
        read = tables_read(transport)
    sequences = [event.sequence for event in reading.events]
    assert sequences == sorted(set(sequences))
    times = [event.time for event in reading.events]
    assert times == sorted(times)
    assert {time.tzinfo for time in times} == {UTC}
    assert len(reading.logs) == (1 if firmware == "2.10" else 2)
    assert 2127 not in read if firmware == "2.10" else 2127 in read
    assert (70 in read, 71 in read) == ((True, True) if firmware == "2.10" else (False, True))


async def test_logs_are_read_anew_each_time_and_dimensions_once():
    async with connected(osgp_meter("3.70")) as (client, transport):
        (await client.events()).unwrap()
        transport.requests.clear()
        (await client.events()).unwrap()
        assert set(tables_read(transport)) == {74, 2127}


async def test_a_meter_of_3_70_without_et79_has_one_log():
    meter = osgp_meter("3.70")
    meter.tables.remove(2127)
    async with connected(meter) as (client, _):
        assert len((await client.events()).unwrap().logs) == 1


async def test_a_generic_meters_logs_are_joined_by_time_and_counted_apart():
    async with connected(american_meter()) as (client, _):
        reading = (await client.events()).unwrap()
    assert [(event.table_id, event.sequence) for event in reading.events] == [
        (74, 255),
        (76, 7),
        (74, 257),
        (74, 258),
    ]
    assert [(gap.first, gap.last) for gap in reading.gaps] == [(256, 256)]
    down, _, up, strange = reading.events
    assert (down.name, up.name) == ("Primary power down", "Primary power up")
    assert down.time == datetime(2026, 3, 9, 6, 0)
    assert (strange.name, strange.is_manufacturer) == ("manufacturer event 3", True)
    assert isinstance(strange.time, InvalidTime)


async def test_events_without_a_valid_time_are_kept_whatever_since_says():
    async with connected(american_meter()) as (client, _):
        reading = (await client.events(datetime(2026, 3, 9, 6, 3))).unwrap()
    assert [event.sequence for event in reading.events] == [257, 258]


async def test_a_generic_meter_may_have_either_log():
    async with connected(american_meter(st76=None)) as (client, _):
        assert [log.table_id for log in (await client.events()).unwrap().logs] == [74]
    async with connected(american_meter(st74=None)) as (client, _):
        assert [log.table_id for log in (await client.events()).unwrap().logs] == [76]
    async with connected(american_meter(st74=None, st76=None)) as (client, _):
        missing = await client.events()
        assert isinstance(missing, Err)
        assert missing.error.kind is ErrorKind.REFUSED


@pytest.mark.parametrize(
    ("meter", "since", "told"),
    [
        (osgp_meter("2.10"), datetime(2026, 1, 1), "with a time zone"),
        (american_meter(), datetime(2026, 1, 1, tzinfo=UTC), "without a zone"),
    ],
)
async def test_since_must_be_of_the_kind_that_the_meters_times_are(meter, since, told):
    async with connected(meter) as (client, _):
        wrong = await client.events(since)
    assert isinstance(wrong, Err)
    assert wrong.error.kind is ErrorKind.STATE
    assert told in wrong.error.message


@pytest.mark.parametrize(("valid", "element"), [(101, 0), (2, 100)])
async def test_a_header_that_counts_or_points_past_the_entries_is_an_error(valid, element):
    meter = osgp_meter("2.10")
    meter.tables.write_table(74, bt74((1, 0, 1), valid=valid, element=element))
    async with connected(meter) as (client, _):
        wrong = await client.events()
    assert isinstance(wrong, Err)
    assert wrong.error.kind is ErrorKind.DECODE
    assert wrong.error.where == "BT74"
