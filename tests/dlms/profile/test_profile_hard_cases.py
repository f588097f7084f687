"""Profiles of meters that tell little or odd things of themselves: UNIX clocks, hidden counts, odd orders."""

from datetime import UTC, datetime, timedelta

import pytest

from meterkit import ErrorKind
from meterkit.codec import axdr
from meterkit.dlms.apdu.selective_access import EntryDescriptor, RangeDescriptor
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.errors import MeterError
from meterkit.result import Err
from tests.dlms.profile.rig import CLOCK, ENERGY, STATUS, WINTER, ScriptedMeter, collected, row, stream_of
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio
QUARTER = timedelta(minutes=15)
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)
CUT = MeterError(ErrorKind.TIMEOUT, "cut", has_ended_session=True)
REFUSED = MeterError(ErrorKind.REFUSED, "other-reason (250)", 250)
RANGE, ENTRY = 1, 2  # access selectors
MONTH_13 = bytes.fromhex("07ea0d010700000000ffc400")
LIFO, LARGEST = axdr.encode_enum(2), axdr.encode_enum(3)


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def at(place, number=None):
    """Return the row that is `place` quarters of an hour behind the first one."""
    time = (BEGIN + place * QUARTER).astimezone(WINTER)
    return time, row(time, place if number is None else number)


def simple(count):
    return [at(number) for number in range(count)]


def numbers(rows):
    return [one.raw[1] for one in rows]


class Reluctant(ScriptedMeter):
    """A meter that refuses some ways of selecting and, of entries, those that reach past its last row."""

    def __init__(self, rows, *, refuses=(RANGE,), is_strict=False, **settings):
        super().__init__(rows, **{"now": rows[-1][0]} | settings)
        self.refuses, self.is_strict = refuses, is_strict

    async def read(self, attribute, selection=None):
        if selection is not None and (selection.selector in self.refuses or self._is_past_the_end(selection)):
            self.asked.append(selection)
            return Err(REFUSED)
        return await super().read(attribute, selection)

    def _is_past_the_end(self, selection):
        is_entry = self.is_strict and selection.selector == ENTRY
        return is_entry and EntryDescriptor.decode(selection.parameters).to_entry > len(self.rows)


# ---------------------------------------------------------------- by number
async def test_pages_before_the_span_are_passed_over_where_the_meter_hides_how_many_rows_it_has():
    scripted = Reluctant(simple(600), attribute_7=None)
    stream = stream_of(scripted, since=at(500)[0], page_octets=1 << 10)
    found, error = await collected(stream)
    assert error is None
    assert numbers(found) == list(range(500, 600))
    assert stream.rows_expected is None


@pytest.mark.parametrize("count", [1, 40, 41, 300, 600])
@pytest.mark.parametrize("since", [0, 100])
async def test_a_meter_that_hides_its_count_and_refuses_entries_past_its_end_gives_every_row(count, since):
    scripted = Reluctant(simple(count), is_strict=True, attribute_7=None)
    found, error = await collected(stream_of(scripted, since=at(since)[0], page_octets=1 << 10))
    assert error is None
    assert numbers(found) == list(range(since, count))


async def test_entries_that_a_meter_refuses_from_some_page_on_are_read_whole():
    scripted = Reluctant(simple(600), attribute_7=None)
    scripted.fails = lambda count: REFUSED if count > 4 and scripted.asked[-1] is not None else None
    found, error = await collected(stream_of(scripted, page_octets=1 << 10))
    assert error is None
    assert numbers(found) == list(range(600))
    assert scripted.asked[-1] is None


@pytest.mark.parametrize("entries", [(-5, 0), (-5, -1)])
async def test_numbers_from_the_newest_need_a_meter_that_tells_how_many_rows_it_has(entries):
    found, error = await collected(stream_of(Reluctant(simple(20), attribute_7=None), entries=entries))
    assert found == []
    assert error.kind is ErrorKind.STATE
    assert error.where == "profile 1-0:99.1.0*255: entries_in_use"
    assert error.message == "the meter does not tell how many rows it has: count them from the oldest"


@pytest.mark.parametrize("period", [b"\x06\0\0\x03\x84", None], ids=["period", "events"])
@pytest.mark.parametrize("since", [-3, 0, 1, 150, 380, 381, 700, 999, 1000, 1001])
async def test_a_time_is_found_by_number_with_rows_missing_or_without_a_period(period, since):
    kept = [number for number in range(1001) if not 150 < number < 380 and number % 7]
    scripted = Reluctant([at(number) for number in kept], attribute_4=period)
    found, error = await collected(stream_of(scripted, since=at(since, 0)[0], page_octets=1 << 15))
    assert error is None
    assert numbers(found) == [number for number in kept if number >= since]
    assert len(scripted.asked) < 20  # of 700 rows, by halves


# ---------------------------------------------------------------- what a profile is
async def test_a_line_that_breaks_while_the_profile_is_asked_what_it_is_ends_it():
    class Gone(ScriptedMeter):
        async def read_list(self, attributes):
            return [Err(CUT)] * len(attributes)

    failed = await stream_of(Gone(simple(3))).prepare()
    assert failed.error == CUT.at("profile 1-0:99.1.0*255")


async def test_a_line_that_breaks_at_the_look_at_the_oldest_row_ends_it():
    scripted = ScriptedMeter(simple(30))
    scripted.fails = lambda _: CUT
    found, error = await collected(stream_of(scripted))
    assert (found, error.kind) == ([], ErrorKind.TIMEOUT)
    assert len(scripted.asked) == 1


async def test_a_capture_object_that_is_none_is_told_by_its_number():
    odd = axdr.encode_structure([axdr.encode_long_unsigned(3), axdr.encode_octet_string(b"\x01\0\x01")])
    captured = axdr.encode_array([CLOCK.capture_object.encode(), odd])
    failed = await stream_of(ScriptedMeter(simple(3), attribute_3=captured)).prepare()
    assert failed.error.kind is ErrorKind.DECODE
    assert failed.error.where == "profile 1-0:99.1.0*255: capture_objects 2"
    told = r"class, logical name, attribute and element expected, (3, b'\x01\x00\x01') came"
    assert failed.error.message == told


async def test_capture_objects_of_class_version_0_have_no_element():
    # Two structures of 3: class 8 and class 3, logical name, attribute 2.
    captured = bytes.fromhex("0102 0203 120008 09060000010000ff 0f02 0203 120003 09060100010800ff 0f02")
    stream = stream_of(ScriptedMeter(simple(3), attribute_3=captured))
    found, error = await collected(stream)
    assert error is None
    assert [(one.name, one.data_index) for one in stream.columns] == [("0-0:1.0.0", 0), ("1-0:1.8.0", 0)]
    assert numbers(found) == [0, 1, 2]


async def test_a_period_whose_octets_are_no_value_is_not_known():
    stream = stream_of(ScriptedMeter(simple(3), attribute_4=b"\x06\0"))
    found, error = await collected(stream)
    assert (stream.info.period, numbers(found), error) == (0, [0, 1, 2], None)


async def test_how_many_rows_there_may_be_is_known_with_the_first_page():
    stream = stream_of(ScriptedMeter(simple(300), attribute_4=None), entries=(11, 110))
    assert stream.rows_expected is None
    first = (await anext(stream)).unwrap()
    assert (first.raw[1], stream.rows_expected) == (10, 100)


# ---------------------------------------------------------------- UNIX clocks
UNIX = ProfileColumn(ObisCode(0, 0, 1, 1, 0), 1, 2)


class UnixMeter(ScriptedMeter):
    """A meter whose rows have the seconds since 1970 for a clock."""

    def __init__(self, count):
        rows = [self.row(number) for number in range(count)]
        super().__init__(rows, columns=(UNIX, ENERGY))

    @staticmethod
    def row(number):
        seconds = int((BEGIN + number * QUARTER).timestamp())
        cells = [axdr.encode_double_long_unsigned(seconds), axdr.encode_double_long_unsigned(number)]
        return seconds, axdr.encode_structure(cells)

    def limits(self, selection):
        """Return the limits of a range, each as the octets of its Data."""
        limits = RangeDescriptor.decode(selection.parameters)
        return limits.from_value, limits.to_value

    def _selected(self, selection):
        if selection is None or selection.selector == ENTRY:
            return super()._selected(selection)
        first, last = map(axdr.decode, self.limits(selection))
        return [one for one in self.rows if first <= one[0] <= last]


async def test_a_profile_with_a_unix_clock_is_read_by_seconds():
    scripted = UnixMeter(300)
    since, until = BEGIN + 100 * QUARTER, BEGIN + 120 * QUARTER
    found, error = await collected(stream_of(scripted, since=since, until=until))
    assert error is None
    assert numbers(found) == list(range(100, 121))
    assert [one.time for one in found] == [BEGIN + number * QUARTER for number in range(100, 121)]
    hour = timedelta(hours=1)  # by which the outermost limits are moved out
    limits = [axdr.encode_double_long_unsigned(int(one.timestamp())) for one in (since - hour, until + hour)]
    assert scripted.limits(scripted.asked[-1]) == tuple(limits)


async def test_a_unix_clock_begins_in_1970_whatever_is_asked_for():
    scripted = UnixMeter(30)
    found, _ = await collected(stream_of(scripted, since=datetime.min.replace(tzinfo=UTC)))
    assert numbers(found) == list(range(30))
    assert scripted.limits(scripted.asked[-1])[0] == axdr.encode_double_long_unsigned(0)


# ---------------------------------------------------------------- orders
async def test_rows_in_order_of_a_value_are_read_whole_and_given_in_order_of_time():
    values = [(number * 37) % 101 for number in range(100)]
    rows = [at(place, value) for place, value in enumerate(values)]
    largest_first = sorted(rows, key=lambda one: one[1][-5:], reverse=True)
    scripted = ScriptedMeter(
        largest_first, attribute_5=LARGEST, attribute_6=ENERGY.capture_object.encode(), now=rows[-1][0]
    )
    found, error = await collected(stream_of(scripted))
    assert error is None
    assert numbers(found) == values
    assert scripted.asked == [None]


async def test_rows_without_a_clock_that_come_newest_first_are_turned_round():
    rows = [
        (None, axdr.encode_structure([axdr.encode_double_long_unsigned(number), axdr.encode_unsigned(0)]))
        for number in range(20, 0, -1)
    ]
    scripted = ScriptedMeter(rows, columns=(ENERGY, STATUS), attribute_5=LIFO)
    for can_select in (False, True):
        found, error = await collected(stream_of(scripted, can_select=can_select))
        assert error is None
        assert [one.raw[0] for one in found] == list(range(1, 21))


@pytest.mark.parametrize("way", ["entry", "whole"])
async def test_a_profile_that_comes_newest_first_with_no_good_row_tells_of_its_oldest(way):
    rows = [(at(place)[0], row(MONTH_13, place)) for place in (2, 1, 0)]
    scripted = Reluctant(rows, attribute_5=LIFO, now=rows[0][0])
    stream = stream_of(scripted, can_select=way == "entry")
    found, error = await collected(stream)
    assert (found, stream.rows_left_out) == ([], 3)
    assert error.where == "profile 1-0:99.1.0*255: row 3, column 1 (0-0:1.0.0)"
    assert error.message.endswith(
        "month 13 came; 09 0c 07 ea 0d 01 07 00 00 00 00 ff c4 00; 3 rows were left out"
    )


# ---------------------------------------------------------------- going on
async def test_a_row_that_is_not_found_again_costs_none_that_is_as_late():
    rows = [(time, row(time, number, 7)) for number, (time, _) in enumerate(simple(300))]
    other = ProfileColumn(ObisCode(1, 0, 2, 8, 0), 3, 2)
    scripted = ScriptedMeter(rows, columns=(CLOCK, ENERGY, other), now=rows[-1][0])
    stream = stream_of(scripted)
    for _ in range(101):
        (await anext(stream)).unwrap()
    assert stream.position.moment == int(at(100)[0].timestamp()) * 100
    # Of other columns its row looks otherwise.
    found, error = await collected(stream_of(scripted, columns=("1-0:1.8.0",), position=stream.position))
    assert error is None
    assert [one.raw for one in found] == [(number,) for number in range(100, 300)]


async def test_a_position_without_a_time_whose_row_is_not_found_is_before_all_rows():
    rows = simple(300)
    scripted = ScriptedMeter(rows, now=rows[-1][0])
    position = ProfilePosition("1-0:99.1.0*255", mark="00ff00ff00ff00ff")
    found, error = await collected(stream_of(scripted, position=position))
    assert error is None
    assert numbers(found) == list(range(300))


@pytest.mark.parametrize("alike", [1, 2, 5])
async def test_columns_that_end_with_rows_all_alike_are_gone_on_behind_the_last_of_them(alike):
    rows = [*simple(50), *[at(50)] * alike]
    scripted = ScriptedMeter(rows, now=at(60)[0])
    stream = stream_of(scripted)
    columns = (await stream.collect_columns()).unwrap()
    assert list(columns["1-0:1.8.0"].values) == [*range(50), *[50] * alike]
    assert stream.position.repeats == alike
    scripted.rows += [at(50), at(51)]
    found, error = await collected(stream_of(scripted, position=stream.position))
    assert error is None
    assert numbers(found) == [50, 51]
