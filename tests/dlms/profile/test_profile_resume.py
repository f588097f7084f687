"""Streams that go on where a line broke, and rows in order across clocks that are set."""

import json
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit import DlmsClient, ErrorKind
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.emulator.dlms.profile_oddities import ProfileOddity as Odd
from meterkit.errors import MeterError
from tests.dlms.profile.rig import SUMMER, WINTER, ScriptedMeter, collected, odd_meter, row, stream_of
from tests.dlms.rig import connected, line, options
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio
QUARTER = timedelta(minutes=15)
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)
CUT = MeterError(ErrorKind.TIMEOUT, "cut", has_ended_session=True)
REFUSED = MeterError(ErrorKind.REFUSED, "other-reason (250)", 250)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def at(time, number):
    return time, row(time, number)


def simple(count=1200):
    return [at((BEGIN + number * QUARTER).astimezone(WINTER), number) for number in range(count)]


def autumn(zone_of=lambda time: time):
    """Return rows around the end of summer time, 2026-10-25 01:00 UTC; `zone_of` makes a row's own time."""
    change = datetime(2026, 10, 25, 1, tzinfo=UTC)
    rows = []
    for number in range(-480, 480):
        time = change + number * QUARTER
        local = time.astimezone(SUMMER if time < change else WINTER)
        rows.append(at(zone_of(local), number + 480))
    return rows


def numbers(rows):
    return [one.raw[1] for one in rows]


def through_json(position):
    return None if position is None else ProfilePosition.from_json(json.loads(json.dumps(position.to_json())))


async def in_pieces(scripted, **wish):
    """Read with a cut at every read of the buffer, in a new session each time; return all rows."""
    rows, came, position, attempts = [], [], None, 0
    while True:
        begun = len(scripted.asked)
        # Reads until the line breaks, the look at the oldest row included; well again when nothing is left.
        allowed = 2 + attempts % 3 if came or not attempts else 1000
        scripted.fails = lambda count, last=begun + allowed: CUT if count > last else None
        stream = stream_of(scripted, **wish, position=position)
        came, error = await collected(stream)
        rows += came
        position, attempts = through_json(stream.position), attempts + 1
        if error is None:
            return rows
        assert error.kind is ErrorKind.TIMEOUT
        assert attempts < 300


@pytest.mark.parametrize("compares", ["utc", "local"])
@pytest.mark.parametrize("kind", ["aware", "open"])
async def test_the_hour_that_comes_twice_comes_whole_and_in_order(compares, kind):
    rows = autumn((lambda time: time.replace(tzinfo=None)) if kind == "open" else (lambda time: time))
    scripted = ScriptedMeter(rows, compares=compares, now=datetime(2026, 11, 20, tzinfo=WINTER))
    for page in (1 << 9, 1 << 11, 1 << 14):
        found, error = await collected(stream_of(scripted, page_octets=page))
        assert error is None
        assert numbers(found) == list(range(960))


@pytest.mark.parametrize("compares", ["utc", "local"])
async def test_a_span_of_summer_is_whole_when_it_is_read_in_winter(compares):
    scripted = ScriptedMeter(autumn(), compares=compares, now=datetime(2026, 12, 20, tzinfo=WINTER))
    since, until = datetime(2026, 10, 21, 6, tzinfo=SUMMER), datetime(2026, 10, 27, 6, tzinfo=WINTER)
    found, _ = await collected(stream_of(scripted, since=since, until=until, page_octets=1 << 10))
    expected = [number for number, (time, _) in enumerate(autumn()) if since <= time <= until]
    assert numbers(found) == expected


async def test_a_meter_that_is_an_hour_off_loses_no_rows_between_pages():
    class HourOff(ScriptedMeter):
        def _key(self, time):
            shift = timedelta(hours=1) if isinstance(time, datetime) else timedelta()
            return super()._key(time) - shift

    scripted = HourOff(simple(), now=datetime(2026, 11, 20, tzinfo=WINTER))
    found, _ = await collected(stream_of(scripted, page_octets=1 << 10))
    assert numbers(found) == list(range(1200))


@pytest.mark.parametrize("doubled", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("way", ["range", "entry"])
async def test_a_line_that_breaks_at_every_page_costs_no_row(doubled, way):
    rows = simple(700)
    if doubled:
        rows = [one for one in rows for _ in range(2)]
    period = None if way == "entry" else b"\x06\0\0\x03\x84"  # s; without one it is read by number
    scripted = ScriptedMeter(rows, attribute_4=period, now=rows[-1][0])
    found = await in_pieces(scripted, page_octets=1 << 10)
    assert numbers(found) == [number for number in range(700) for _ in range(1 + doubled)]


@pytest.mark.parametrize("kind", ["aware", "open"])
async def test_a_line_that_breaks_in_the_hour_that_comes_twice_costs_no_row(kind):
    rows = autumn((lambda time: time.replace(tzinfo=None)) if kind == "open" else (lambda time: time))
    scripted = ScriptedMeter(rows, now=autumn()[-1][0])
    found = await in_pieces(scripted, page_octets=1 << 9)
    assert numbers(found) == list(range(960))


@pytest.mark.parametrize("stop", [1, 2, 50, 113, 299])
@pytest.mark.parametrize(
    "oddities",
    [
        (),
        (Odd.RANGE_REFUSED,),
        (Odd.RANGE_IGNORED,),
        (Odd.NEWEST_FIRST, Odd.RANGE_REFUSED),
        (Odd.DIFFERENCES,),
    ],
)
async def test_a_new_client_goes_on_behind_the_last_row(stop, oddities):
    emulator = odd_meter(*oddities)
    async with connected(emulator) as (client, _):
        whole = (await client.load_profile().collect()).unwrap()
        stream = client.load_profile()
        first = [(await anext(stream)).unwrap() for _ in range(stop)]
    position = stream.position.to_json()
    assert json.loads(json.dumps(position)) == position
    async with DlmsClient(line(emulator), options(emulator)) as client:
        (await client.connect()).unwrap()
        rest = (await client.load_profile(position=position).collect()).unwrap()
        columns = (await client.load_profile(position=position).collect_columns()).unwrap()
    assert first + rest == whole
    assert list(columns.to_rows()) == rest


async def test_rows_that_are_recorded_meanwhile_do_not_move_others_away():
    scripted = ScriptedMeter(simple(600), attribute_4=None)  # at events: read by number

    def record(count):
        if count % 2 == 0:  # the profile is full: the oldest row goes
            scripted.rows = [
                *scripted.rows[3:],
                *[at(BEGIN + timedelta(days=30, minutes=count), 10_000 + count)] * 3,
            ]

    scripted.fails = record
    found, error = await collected(stream_of(scripted, page_octets=1 << 11))
    assert error is None
    known = [number for number in numbers(found) if number < 10_000]
    assert known == list(range(known[0], 600))


async def test_a_profile_that_was_cleared_meanwhile_is_told():
    scripted = ScriptedMeter(simple(600), attribute_4=None)

    def clear(count):
        if count == 3:
            scripted.rows = [at(BEGIN + timedelta(days=30), 77)]

    scripted.fails = clear
    found, error = await collected(stream_of(scripted, page_octets=1 << 11))
    assert numbers(found) == list(range(len(found)))
    assert error.kind is ErrorKind.STATE
    assert "the last row read is gone" in error.message


async def test_a_way_that_is_refused_in_the_middle_is_left_for_the_next():
    scripted = ScriptedMeter(simple(700), now=datetime(2026, 11, 20, tzinfo=WINTER))
    plain = scripted.read

    async def read(attribute, selection=None):
        if selection is not None and selection.selector == 1 and len(scripted.asked) > 3:
            scripted.fails = lambda _: REFUSED
        else:
            scripted.fails = None
        return await plain(attribute, selection)

    scripted.read = read
    found, error = await collected(stream_of(scripted, page_octets=1 << 12))
    assert error is None
    assert numbers(found) == list(range(700))


async def test_good_rows_of_a_page_come_before_its_error():
    rows = simple(300)
    rows[150] = (rows[150][0], b"\x02\x01\x00")
    scripted = ScriptedMeter(rows, now=datetime(2026, 11, 20, tzinfo=WINTER))
    stream = stream_of(scripted, page_octets=1 << 20)
    found, error = await collected(stream)
    assert numbers(found) == list(range(150))
    assert error.where == "profile 1-0:99.1.0*255: row 151"
    assert stream.position.time == found[-1].time
    async for _ in stream:
        pytest.fail("nothing follows an error")


async def test_columns_collected_before_an_error_are_there():
    rows = simple(300)
    rows[150] = (rows[150][0], b"\x02\x01\x00")
    stream = stream_of(ScriptedMeter(rows), page_octets=1 << 20)
    failed = await stream.collect_columns()
    assert failed.error.kind is ErrorKind.DECODE
    assert list(stream.collected["1-0:1.8.0"].values) == list(range(150))
    assert stream.position.time == rows[149][0]


async def test_a_clock_that_was_set_back_leaves_every_row():
    first = simple(200)
    second = [
        at(time - timedelta(days=1), number + 200)
        for (time, _), number in zip(first, range(200), strict=True)
    ]
    for way in (None, b"\x06\0\0\x03\x84"):
        scripted = ScriptedMeter(first + second, attribute_4=way, now=datetime(2026, 11, 20, tzinfo=WINTER))
        found, error = await collected(stream_of(scripted))
        assert error is None
        assert set(numbers(found)) == set(range(400))


async def test_a_gap_of_years_is_crossed_in_a_few_steps():
    rows = [at(datetime(2000, 1, 1, tzinfo=UTC), 0), *simple(100)]
    scripted = ScriptedMeter(rows, now=datetime(2026, 11, 20, tzinfo=WINTER))
    found, _ = await collected(stream_of(scripted, page_octets=1 << 14))
    assert len(found) == 101
    assert len(scripted.asked) < 60


async def test_a_cancelled_read_changes_nothing():
    emulator = odd_meter(rows=2000)
    async with connected(emulator) as (client, _):
        whole = (await client.load_profile().collect()).unwrap()
    scripted = ScriptedMeter(simple(500), now=datetime(2026, 11, 20, tzinfo=WINTER))
    plain = scripted.read
    waits = True

    async def slow(attribute, selection=None):
        if waits:
            await anyio.sleep(10)
        return await plain(attribute, selection)

    scripted.read = slow
    stream, found = stream_of(scripted, page_octets=1 << 11), []
    while True:
        with anyio.move_on_after(1) as patience:
            item = await anext(stream, None)
        if patience.cancelled_caught:
            waits = False
            continue
        waits = True
        if item is None:
            break
        found.append(item.unwrap())
    assert numbers(found) == list(range(500))
    assert len(whole) == 2000


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.integers(6, 12),
    st.sampled_from(["utc", "local"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_rows_however_far_apart_come_once_and_in_order(gaps, page, compares, by_number):
    time, rows = BEGIN, []
    for number, gap in enumerate(gaps):
        time += gap * QUARTER
        rows.append(at(time.astimezone(WINTER), number))
    now = (time + timedelta(hours=3)).astimezone(WINTER)
    scripted = ScriptedMeter(
        rows, compares=compares, now=now, attribute_4=None if by_number else b"\x06\0\0\x03\x84"
    )

    async def read():
        return await in_pieces(scripted, page_octets=1 << page)

    assert numbers(anyio.run(read)) == list(range(len(rows)))


async def test_a_clock_that_ran_ahead_leaves_every_row():
    rows = [*simple(100), at(datetime(2089, 1, 1, tzinfo=UTC), 100)]
    scripted = ScriptedMeter(rows, now=datetime(2026, 11, 20, tzinfo=WINTER))
    assert numbers((await collected(stream_of(scripted)))[0]) == list(range(101))


async def test_a_span_that_has_not_come_or_is_turned_round_has_no_rows():
    scripted = ScriptedMeter(simple(100), now=datetime(2026, 11, 20, tzinfo=WINTER))
    later, much_later = datetime(2030, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    for since, until in ((later, None), (later, much_later), (much_later, later), (None, BEGIN - QUARTER)):
        found, error = await collected(stream_of(scripted, since=since, until=until))
        assert (found, error) == ([], None)
