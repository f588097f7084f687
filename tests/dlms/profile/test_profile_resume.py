"""Streams that go on where a line broke, and rows in order across clocks that are set."""

import json
from datetime import UTC, datetime, timedelta

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit import DlmsClient, ErrorKind
from meterkit.codec import axdr
from meterkit.dlms.profile.info import ProfileCache
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.emulator.dlms.profile_oddities import ProfileOddity as Odd
from meterkit.errors import MeterError
from meterkit.result import Ok
from tests.dlms.profile.rig import SUMMER, WINTER, ScriptedMeter, collected, odd_meter, row, stream_of
from tests.dlms.rig import connected, line, options
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio
QUARTER = timedelta(minutes=15)
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)
CUT = MeterError(ErrorKind.TIMEOUT, "cut", has_ended_session=True)
MONTH_13 = bytes.fromhex("07ea0d010700000000ffc400")
NOW_LATER = datetime(2026, 11, 20, tzinfo=WINTER)
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
    assert numbers(found) == [number for number in range(300) if number != 150]
    before = (BEGIN + 149 * QUARTER).isoformat(" ")
    assert error.where == f"profile 1-0:99.1.0*255: row 151, after {before}"
    assert "2 columns, as the capture objects say expected, 1 came; 02 01 00" in error.message
    assert error.message.endswith("; 1 row was left out")
    assert stream.rows_left_out == 1
    assert stream.is_read
    assert stream.position.time == found[-1].time
    async for _ in stream:
        pytest.fail("nothing follows an error")


async def test_columns_collected_before_an_error_are_there():
    rows = simple(300)
    rows[150] = (rows[150][0], b"\x02\x01\x00")
    stream = stream_of(ScriptedMeter(rows), page_octets=1 << 20)
    failed = await stream.collect_columns()
    assert failed.error.kind is ErrorKind.DECODE
    assert list(stream.collected["1-0:1.8.0"].values) == [*range(150), *range(151, 300)]
    assert stream.position.time == rows[299][0]


def with_bad_rows(rows, *places):
    """Return rows of which some have a clock that none can tell, and are found all the same."""
    rows = list(rows)
    for place in places:
        rows[place] = (rows[place][0], row(MONTH_13, place))
    return rows


@pytest.mark.parametrize("way", ["range", "entry", "whole"])
async def test_bad_rows_on_many_pages_are_counted_once_and_told_at_the_end(way):
    bad = (3, 4, 100, 101, 102, 350, 699)
    rows = with_bad_rows(simple(700), *bad)
    scripted = ScriptedMeter(
        rows, attribute_4=b"\0" if way == "entry" else b"\x06\0\0\x03\x84", now=rows[-1][0]
    )
    stream = stream_of(scripted, page_octets=1 << 10, can_select=way != "whole")
    found, error = await collected(stream)
    assert numbers(found) == [number for number in range(700) if number not in bad]
    assert stream.rows_left_out == len(bad)
    assert "column 1 (0-0:1.0.0), after 2026-10-20 00:30:00+00:00" in error.where
    assert "month 13 came; 09 0c 07 ea 0d 01" in error.message
    assert error.message.endswith("7 rows were left out")


@pytest.mark.parametrize("way", ["range", "entry"])
async def test_a_line_that_breaks_among_bad_rows_costs_no_good_one(way):
    bad = (0, 3, 30, 31, 32, 33, 34, 35, *range(60, 110), 299)
    rows = with_bad_rows(simple(300), *bad)
    period = None if way == "entry" else b"\x06\0\0\x03\x84"
    scripted = ScriptedMeter(rows, attribute_4=period, now=rows[-1][0])
    found, came, position, error, attempts = [], [], None, CUT, 0
    while error.kind is ErrorKind.TIMEOUT:
        begun, allowed = len(scripted.asked), 2 + attempts % 3 if came or not attempts else 1000
        scripted.fails = lambda count, last=begun + allowed: CUT if count > last else None
        stream = stream_of(scripted, position=position, page_octets=1 << 9)
        came, error = await collected(stream)
        found += came
        position, attempts = through_json(stream.position), attempts + 1
        assert attempts < 100
    assert numbers(found) == [number for number in range(300) if number not in bad]
    assert attempts > 1


@pytest.mark.parametrize("way", ["range", "entry", "whole"])
async def test_a_position_behind_bad_rows_gives_what_comes_later(way):
    rows = with_bad_rows(simple(60), 10, 20)
    period = None if way == "entry" else b"\x06\0\0\x03\x84"
    scripted = ScriptedMeter(rows, attribute_4=period, now=rows[-1][0])
    cache_of = {"can_select": way != "whole"}
    stream = stream_of(scripted, **cache_of)
    assert (await stream.collect()).error.kind is ErrorKind.DECODE
    scripted.rows += [at(BEGIN + number * QUARTER, number) for number in range(60, 70)]
    scripted.now = scripted.rows[-1][0]
    found, error = await collected(stream_of(scripted, position=through_json(stream.position), **cache_of))
    assert numbers(found) == list(range(60, 70))
    assert error is None


async def test_an_error_that_ends_a_reading_tells_of_rows_left_out_before():
    scripted = ScriptedMeter(with_bad_rows(simple(300), 2), attribute_4=None, now=NOW_LATER)
    scripted.fails = lambda count: CUT if count > 3 else None
    stream = stream_of(scripted, page_octets=1 << 9)
    _, error = await collected(stream)
    assert error.kind is ErrorKind.TIMEOUT
    assert error.message.startswith("cut; before it 1 row was left out, the first: row 3, column 1")
    assert not stream.is_read


@pytest.mark.parametrize("scaler", [31, 127, -31, -128])
async def test_a_scaler_that_no_unit_has_leaves_values_raw_and_is_told_once(scaler):
    class Odd127(ScriptedMeter):
        def _attribute(self, attribute):
            if attribute.class_id != 3:
                return super()._attribute(attribute)
            return Ok(axdr.encode_structure([axdr.encode_integer(scaler), axdr.encode_enum(30)]))

    scripted = Odd127(simple(300), now=NOW_LATER)
    stream = stream_of(scripted, page_octets=1 << 10)
    found, error = await collected(stream)
    assert [one.values[1] for one in found] == list(range(300))
    assert stream.columns[1].scaler is None
    assert stream.rows_left_out == 0
    assert error.where == "profile 1-0:99.1.0*255: column 2 (1-0:1.8.0)"
    octets = f"02 02 0f {scaler & 0xFF:02x} 16 1e"
    assert error.message == f"a scaler of -30 to 30 expected, {scaler} came; {octets}; its values are raw"
    times_only, error = await collected(stream_of(scripted, columns=("0-0:1.0.0",)))
    assert (len(times_only), error) == (300, None)


async def test_rows_and_a_scaler_that_are_none_are_one_error():
    class Odd127(ScriptedMeter):
        def _attribute(self, attribute):
            if attribute.class_id != 3:
                return super()._attribute(attribute)
            return Ok(axdr.encode_structure([axdr.encode_integer(127), axdr.encode_enum(30)]))

    _, error = await collected(stream_of(Odd127(with_bad_rows(simple(30), 7), now=NOW_LATER)))
    assert "1 row was left out; besides, column 2 (1-0:1.8.0): a scaler" in error.message


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


@pytest.mark.parametrize(
    "span",
    [
        {"since": datetime.min.replace(tzinfo=UTC)},
        {"since": datetime.min},
        {"until": datetime.max.replace(tzinfo=UTC)},
        {"since": datetime.min, "until": datetime.max},
    ],
    ids=str,
)
async def test_a_span_as_long_as_python_tells_has_every_row(span):
    found, error = await collected(stream_of(ScriptedMeter(simple(300)), **span))
    assert error is None
    assert numbers(found) == list(range(300))


async def test_years_before_the_oldest_row_cost_no_requests():
    scripted = ScriptedMeter(simple(300), period=1, now=simple(300)[-1][0])
    cache = ProfileCache()
    for _ in range(2):  # the second stream knows from the first one where the rows begin
        scripted.asked.clear()
        since = datetime(2000, 1, 1, tzinfo=UTC)
        found, _ = await collected(stream_of(scripted, cache, since=since, page_octets=1 << 16))
        assert numbers(found) == list(range(300))
        assert len(scripted.asked) < 400


async def test_a_since_before_all_meters_costs_no_requests_where_the_oldest_row_has_no_time():
    rows = [at(b"\xff" * 12, 0), *simple(300)[1:]]
    scripted = ScriptedMeter(rows, now=simple(300)[-1][0])
    found, _ = await collected(stream_of(scripted, since=datetime.min, page_octets=1 << 13))
    assert numbers(found)[-299:] == list(range(1, 300))
    assert len(scripted.asked) < 60


async def test_an_empty_profile_is_asked_once_whatever_its_period():
    scripted = ScriptedMeter([], attribute_4=b"\x06\0\0\0\x01")  # s
    assert await collected(stream_of(scripted)) == ([], None)
    assert len(scripted.asked) == 2  # its oldest row, and all


class Miscounting(ScriptedMeter):
    """A meter that says it has as many rows as there is room for."""

    def __init__(self, count, *, is_newest_first):
        rows = simple(count)
        method = axdr.encode_enum(2 if is_newest_first else 1)
        ordered = rows[::-1] if is_newest_first else rows
        super().__init__(ordered, now=rows[-1][0], attribute_5=method, attribute_7=b"\x06\0\0\x03\xe8")


@pytest.mark.parametrize("is_newest_first", [False, True], ids=["fifo", "lifo"])
@pytest.mark.parametrize(
    ("entries", "expected"), [((1, 10), range(10)), ((-10, 0), range(40, 50)), ((1, 0), range(50))]
)
async def test_a_meter_that_counts_rows_it_has_not_gives_those_it_has(is_newest_first, entries, expected):
    scripted = Miscounting(50, is_newest_first=is_newest_first)
    found, error = await collected(stream_of(scripted, entries=entries))
    assert error is None
    assert numbers(found) == list(expected)
