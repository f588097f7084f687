"""A buffer's octets to rows: vectors, what rows leave out, and good rows before one exact error."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.codec.axdr import Tag
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.units import Unit
from meterkit.dlms.profile.batch import read_answer
from meterkit.dlms.profile.clock import UNKNOWN
from meterkit.dlms.profile.column import ColumnKind, ProfileColumn
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.dlms.profile.status import ProfileStatus
from meterkit.errors import ErrorKind
from tests.dlms.profile.rig import CLOCK, ENERGY, STATUS, WINTER, clock, good, layout, row, rows_of
from tests.dlms.vectors import octets_of

BEGIN = datetime(2026, 3, 1, tzinfo=WINTER)
QUARTER = timedelta(minutes=15)
UNIX = ProfileColumn(ObisCode(0, 0, 1, 1, 0), 1, 2)


def buffer(count, begin=BEGIN):
    return axdr.encode_array([row(begin + number * QUARTER, number) for number in range(count)])


def test_null_data_of_a_vector_stands_for_the_row_before_and_an_hour_more():
    columns = (CLOCK, STATUS, ENERGY, ENERGY)
    rows = good(octets_of("axdr-profile-null-compressed"), layout(*columns, period=3600))
    assert [one.values[2:] for one in rows] == [(1517, 1620)] * 4
    first = datetime(2019, 12, 31, 22, tzinfo=UTC)
    assert [one.time for one in rows] == [first + timedelta(hours=hour) for hour in range(4)]
    assert [one.clock.to_datetime() for one in rows] == [one.time for one in rows]
    assert [one.raw[0][9:] for one in rows] == [bytes.fromhex("ffc400")] * 4  # as the first was written


@pytest.mark.parametrize("count", [0, 1, 3, 4, 127, 128, 5000])
def test_any_number_of_rows_comes_whole(count):
    rows = good(buffer(count), layout())
    assert [one.raw[1] for one in rows] == list(range(count))
    assert [one.time for one in rows] == [BEGIN + number * QUARTER for number in range(count)]


def test_no_rows_may_be_null_data():
    assert good(b"\0", layout()) == []


def test_differences_are_added_up_and_null_data_repeats():
    cells = [
        b"\x06\0\0\x30\x39",
        b"\x1c\x05",
        b"\x1c\xfb",
        b"\x00",
        b"\x1d\x01\x00",
        b"\x1f\xff",
        b"\x21\0\0\0\x01",
    ]
    rows = [axdr.encode_structure([b"\x09\x0c" + clock(BEGIN), cells[0]])]
    rows += [axdr.encode_structure([b"\0", cell]) for cell in cells[1:]]
    read = good(axdr.encode_array(rows), layout())
    assert [one.raw[1] for one in read] == [12345, 12350, 12345, 12345, 12601, 12856, 12857]
    assert [one.time for one in read] == [BEGIN + number * QUARTER for number in range(7)]


def test_a_long_run_of_differences_goes_on_over_pieces():
    rows = [row(BEGIN, 0)] + [axdr.encode_structure([b"\0", b"\x1c\x01"])] * 9999
    read = good(axdr.encode_array(rows), layout())
    assert [one.raw[1] for one in read] == list(range(10_000))
    assert read[-1].time == BEGIN + 9999 * QUARTER


def test_a_difference_from_nothing_is_an_error_with_its_octets():
    rows, error = rows_of(axdr.encode_array([axdr.encode_structure([b"\0", b"\x1c\x05"])]), layout())
    assert rows == []
    assert error.where == "row 1, column 2 (1-0:1.8.0)"
    assert "1c 05" in error.message


def test_what_stands_for_a_cell_that_is_none_is_none_until_the_next_value():
    odd = axdr.encode_structure([b"\x09\x02ab", b"\x1c\x01"])
    follows = axdr.encode_structure([b"\0", b"\x1c\x01"])
    octets = axdr.encode_array(
        [row(BEGIN, 10), follows, odd, follows, row(BEGIN + 4 * QUARTER, 20), follows, row(BEGIN, 30)]
    )
    answer = read_answer(octets, layout())
    rows, error = rows_of(octets, layout())
    assert [one.raw[1] for one in rows] == [10, 11, 20, 21, 30]
    assert rows[3].time == BEGIN + 5 * QUARTER
    assert [one.number for one in answer.left_out] == [2, 3]
    assert error.where == "row 3, column 1 (0-0:1.0.0), after 2026-02-28 23:15:00+00:00"


def test_a_good_cell_of_a_row_left_out_still_stands_for_the_next_ones():
    first = row(BEGIN, 10)
    odd = axdr.encode_structure([b"\x09\x02ab", b"\x1c\x05"])  # of its two cells the difference is good
    whole_clock = axdr.encode_structure([b"\x09\x0c" + clock(BEGIN), b"\x1c\x01"])
    read, _ = rows_of(axdr.encode_array([first, odd, whole_clock]), layout())
    assert [one.raw[1] for one in read] == [10, 16]


def test_a_row_of_another_width_leaves_nothing_to_add_to():
    wide = axdr.encode_structure([b"\0"] * 4)
    follows = axdr.encode_structure([b"\0", b"\x1c\x05"])
    read, error = rows_of(axdr.encode_array([row(BEGIN, 1), wide, follows, row(BEGIN, 2)]), layout())
    assert [one.raw[1] for one in read] == [1, 2]
    assert error.where == "row 2, after 2026-02-28 23:00:00+00:00"


def test_a_buffer_cut_anywhere_gives_the_rows_that_are_whole():
    octets = buffer(30)
    size = len(row(BEGIN, 0))
    for cut in range(2, len(octets)):
        rows, error = rows_of(octets[:cut], layout())
        assert len(rows) == (cut - 2) // size
        assert error.kind is ErrorKind.DECODE
        assert error.where.startswith(f"row {len(rows) + 1}")


def test_rows_of_another_width_are_told_with_row_and_octets():
    odd = axdr.encode_structure([axdr.encode_unsigned(1)] * 3)
    rows, error = rows_of(axdr.encode_array([row(BEGIN, 1), row(BEGIN, 2), odd]), layout())
    assert len(rows) == 2
    assert error.where == "row 3, after 2026-02-28 23:00:00+00:00"
    assert "2 columns, as the capture objects say expected, 3 came; 02 03 11 01" in error.message


def test_a_cell_that_is_none_is_told_with_row_column_and_octets():
    octets = buffer(9)[:-5] + bytes.fromhex("0bffffffff")
    rows, error = rows_of(octets, layout())
    assert len(rows) == 8
    assert error.where == "row 9, column 2 (1-0:1.8.0)"
    assert error.message.endswith("0b ff ff ff ff")


def test_a_clock_that_is_none_is_told_with_row_column_and_octets():
    odd = axdr.encode_structure([axdr.encode_double_long_unsigned(7), axdr.encode_double_long_unsigned(8)])
    rows, error = rows_of(axdr.encode_array([row(BEGIN, 1)] * 6 + [odd] * 6), layout())
    assert len(rows) == 6
    assert error.where == "row 7, column 1 (0-0:1.0.0), after 2026-02-28 23:00:00+00:00"
    assert (
        "a date-time of 12 octets expected, double-long-unsigned (06) came; 06 00 00 00 07" in error.message
    )


@pytest.mark.parametrize(
    "octets",
    [
        ("07ea0d010700000000ffc400", "month 13"),
        ("07ea0301ff180000ffffc400", "hour 24"),
        ("07ea0301ff00000000270f00", "deviation 9999"),
        ("07ea021eff000000ff800000", "day 30 of month 2"),
        ("000000000000000000000000", "year 0"),
        ("0001010101000000ffffc400", "year 1"),
        ("07ea0301ff003c0000800000", "minute 60"),
        ("07ea0301ff003bff64800000", "hundredths 100"),
    ],
    ids=lambda case: case[1],
)
@pytest.mark.parametrize("many", [1, 20])
def test_a_row_whose_clock_can_be_none_is_left_out_and_told(octets, many):
    odd, told = bytes.fromhex(octets[0]), octets[1]
    rows = [row(BEGIN, 1)] * many + [row(odd, 2)] * many + [row(BEGIN, 3)] * many
    read, error = rows_of(axdr.encode_array(rows), layout())
    assert [one.raw[1] for one in read] == [1] * many + [3] * many
    assert f"a date and time that can be expected, {told} came; 09 0c {odd[:4].hex(' ')}" in error.message
    assert error.where == f"row {many + 1}, column 1 (0-0:1.0.0), after 2026-02-28 23:00:00+00:00"


def test_the_clock_a_period_after_one_that_can_be_none_is_none():
    month_13 = bytes.fromhex("07ea0d010700000000ffc400")
    follows = axdr.encode_structure([b"\0", b"\x11\x02"])
    rows = [row(month_13, 1), follows, follows, row(BEGIN, 3), follows]
    read, error = rows_of(axdr.encode_array(rows), layout())
    assert [one.time for one in read] == [BEGIN, BEGIN + QUARTER]
    assert error.where == "row 1, column 1 (0-0:1.0.0), before 2026-02-28 23:00:00+00:00"


@pytest.mark.parametrize(
    "octets",
    [
        "ffffffffffffffffffffffff",
        "07eafe01ff00000000800000",
        "07ea03feff00000000800000",
        "07ea0301ff00ff00ffffc400",
    ],
    ids=["all open", "when summer time begins", "last day of the month", "some minute"],
)
def test_a_clock_that_tells_no_time_leaves_the_row_without_one(octets):
    odd = bytes.fromhex(octets)
    rows = good(axdr.encode_array([row(BEGIN, 1), row(odd, 2), row(BEGIN, 3)]), layout())
    assert [one.time for one in rows] == [BEGIN, None, BEGIN]
    assert rows[1].clock.encode() == odd == rows[1].raw[0]
    assert rows[1].values[0] == rows[1].clock
    assert read_answer(axdr.encode_array([row(odd, 2)]), layout()).batches[0].moments[0] == UNKNOWN


def test_a_clock_of_no_octets_tells_nothing():
    rows = good(axdr.encode_array([row(BEGIN, 1), row(b"", 2), row(BEGIN, 3)]), layout())
    assert [one.time for one in rows] == [BEGIN, None, BEGIN]
    assert rows[1].clock.encode() == b"\xff" * 12


def test_an_open_deviation_leaves_times_local():
    rows = good(
        axdr.encode_array([row(datetime(2026, 3, 1, 12), 1), row(BEGIN, 2)] * 3), layout(deviation=-60)
    )
    assert [one.time for one in rows[:2]] == [datetime(2026, 3, 1, 12), BEGIN]


def test_hundredths_are_kept_and_open_ones_are_none():
    told = good(axdr.encode_array([row(BEGIN.replace(microsecond=250_000), 1)]), layout())
    assert told[0].time == BEGIN.replace(microsecond=250_000)
    open_ = bytearray(clock(BEGIN))
    open_[8] = 0xFF
    assert good(axdr.encode_array([row(bytes(open_), 1)]), layout())[0].time == BEGIN


def test_a_unix_clock_is_a_clock():
    rows = [axdr.encode_structure([axdr.encode_double_long_unsigned(1_772_000_000), b"\x11\x01"])]
    rows += [axdr.encode_structure([b"\0", b"\x11\x02"])] * 5
    read = good(axdr.encode_array(rows), layout(UNIX, STATUS))
    assert read[0].time == datetime.fromtimestamp(1_772_000_000, UTC) == read[0].values[0]
    assert read[5].time == read[0].time + 5 * QUARTER
    assert read[0].clock is None


def test_a_date_time_of_its_own_type_is_a_clock():
    cell = bytes((Tag.DATE_TIME,)) + clock(BEGIN)
    rows = axdr.encode_array([axdr.encode_structure([cell, b"\x06\0\0\0\x07"])] * 3)
    assert [one.time for one in good(rows, layout())] == [BEGIN] * 3


@pytest.mark.parametrize(
    ("scaler", "raw", "text"),
    [(-3, 12345, "12.345"), (0, 5, "5"), (127, 2, "2E+127"), (-128, 1, "1E-128"), (2, 7, "7E+2")],
)
def test_scaled_values_are_exact(scaler, raw, text):
    energy = ProfileColumn(ENERGY.obis, 3, 2, 0, scaler, Unit.WATT_HOUR)
    (one,) = good(axdr.encode_array([row(BEGIN, raw)]), layout(CLOCK, energy))
    assert str(one.values[1]) == text
    assert one.raw[1] == raw


def test_only_numbers_are_scaled():
    energy = ProfileColumn(ENERGY.obis, 3, 2, 0, -1, Unit.WATT_HOUR)
    cells = [b"\0", axdr.encode_float64(12.5), b"\0", axdr.encode_visible_string("none"), b"\x11\x07"]
    octets = axdr.encode_array([axdr.encode_structure([cell]) for cell in cells])
    read = good(octets, layout(energy))
    assert [one.raw[0] for one in read] == [None, 12.5, 12.5, "none", 7]
    assert [one.values[0] for one in read] == [None, 1.25, 1.25, "none", Decimal("0.7")]


def test_a_capture_time_is_a_time_where_it_tells_one():
    capture_time = ProfileColumn(ENERGY.obis, 4, 5)  # of an extended register
    last_day = bytes.fromhex("07ea03feff00000000800000")
    cells = [b"\x09\x0c" + clock(BEGIN), b"\x19" + clock(BEGIN), b"\x09\x0c" + last_day, b"\x09\x02ab"]
    octets = axdr.encode_array([axdr.encode_structure([cell]) for cell in [*cells, b"\x11\x05"]])
    values = [one.values[0] for one in good(octets, layout(capture_time))]
    assert values == [BEGIN, BEGIN, CosemDateTime.from_octets(last_day), b"ab", 5]


def test_an_element_of_an_attribute_is_a_value_whatever_the_attribute_is():
    assert ProfileColumn(ObisCode.CLOCK, 8, 2).kind is ColumnKind.CLOCK
    element = ProfileColumn(ObisCode.CLOCK, 8, 2, 1)
    assert (element.kind, element.name) == (ColumnKind.VALUE, "0-0:1.0.0[1]")


def test_a_status_is_flags_where_its_object_says_so_and_raw_otherwise():
    other = ProfileColumn(ObisCode(0, 0, 96, 5, 0), 1, 2)
    cells = [axdr.encode_unsigned(0x84), axdr.encode_unsigned(0x84)]
    (one,) = good(axdr.encode_array([axdr.encode_structure(cells)]), layout(STATUS, other))
    assert one.values == (ProfileStatus.POWER_DOWN | ProfileStatus.DATA_NOT_VALID, 0x84)
    assert one.status == 0x84
    assert type(one.values[1]) is int


def test_other_types_come_as_plain_python():
    columns = tuple(ProfileColumn(ObisCode(0, 0, 96, 1, e), 1, 2) for e in range(5))
    cells = [
        axdr.encode_visible_string("\x1b[2J"),
        axdr.encode_boolean(True),
        axdr.encode_float64(1.5),
        axdr.encode_bit_string(axdr.BitString.from_text("101")),
        axdr.encode_structure([b"\x11\x05"]),
    ]
    for count in (1, 9):
        read = good(axdr.encode_array([axdr.encode_structure(cells)] * count), layout(*columns))
        assert [one.values for one in read] == [
            ("\x1b[2J", True, 1.5, axdr.BitString.from_text("101"), (5,))
        ] * count


@pytest.mark.parametrize("claimed", ["01840fffffff", "0184ffffffff", "01830fffff"])
def test_a_claimed_number_of_rows_is_not_believed(claimed):
    rows, error = rows_of(bytes.fromhex(claimed) + row(BEGIN, 1) * 20, layout())
    assert len(rows) == 20
    assert error.where == "row 21"


CELLS = st.one_of(
    st.just(b"\0"),
    st.binary(max_size=14),
    st.integers(0, 0xFFFFFFFF).map(axdr.encode_double_long_unsigned),
    st.integers(-128, 127).map(lambda number: bytes((Tag.DELTA_INTEGER, number & 0xFF))),
    st.binary(min_size=12, max_size=12).map(axdr.encode_octet_string),
    st.just(axdr.encode_octet_string(clock(BEGIN))),
)
ROWS = st.lists(CELLS, min_size=2, max_size=2).map(axdr.encode_structure)


@given(st.one_of(st.binary(max_size=200), st.lists(ROWS, max_size=40).map(axdr.encode_array)))
@settings(max_examples=300, deadline=None)
def test_any_octets_give_rows_and_then_at_most_one_error(octets):
    for shape in (layout(), layout(UNIX, STATUS), layout(ENERGY)):
        rows, error = rows_of(octets, shape)
        assert len(rows) <= len(octets)
        assert error is None or error.kind is ErrorKind.DECODE


@given(st.integers(0, 800), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_a_changed_octet_never_loses_the_rows_before_it(place, octet):
    octets = bytearray(buffer(30))
    place = 2 + place % (len(octets) - 2)
    octets[place] = octet
    rows, _ = rows_of(bytes(octets), layout())
    whole = (place - 2) // len(row(BEGIN, 0))
    assert [one.raw[1] for one in rows[:whole]] == list(range(whole))


def test_buffers_that_peers_wrote_are_read():
    script = Path(__file__).with_name("peer_buffers.py")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=120
    )
    for peer, told in json.loads(done.stdout).items():
        rows = good(bytes.fromhex(told), layout())
        assert [one.raw[1] for one in rows] == [100, 101, 102], peer
        assert [one.time for one in rows] == [BEGIN + number * QUARTER for number in range(3)], peer


def test_a_position_is_plain_json():
    position = ProfilePosition("1-0:99.1.0*255", BEGIN, 12, None, "00ff", 2)
    assert ProfilePosition.from_json(json.loads(json.dumps(position.to_json()))) == position
