"""A buffer that is a compact array: rows without tags, and good ones before one exact error."""

import struct
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.errors import ErrorKind
from tests.dlms.profile.rig import STATUS, WINTER, clock, good, layout, rows_of

BEGIN = datetime(2026, 3, 1, tzinfo=WINTER)
QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize("count", [1, 2, 500])
def test_a_compact_array_is_rows_without_tags(count):
    contents = b"".join(
        b"\x0c" + clock(BEGIN + number * QUARTER) + struct.pack(">I", number) for number in range(count)
    )
    octets = bytes.fromhex("1302020906") + axdr.encode_length(len(contents)) + contents
    rows = good(octets, layout())
    assert [one.raw[1] for one in rows] == list(range(count))
    assert rows[-1].time == BEGIN + (count - 1) * QUARTER


def test_a_compact_array_of_strings_is_read_one_by_one():
    column = ProfileColumn(ObisCode(0, 0, 96, 13, 0), 1, 2)
    words = [b"a", b"", b"four", b"x" * 200]
    contents = b"".join(axdr.encode_length(len(word)) + word + b"\x07" for word in words)
    octets = bytes.fromhex("1302020911") + axdr.encode_length(len(contents)) + contents
    assert [one.raw for one in good(octets, layout(column, STATUS))] == [(word, 7) for word in words]


def test_a_compact_array_may_have_structures_arrays_and_bits_in_its_rows():
    columns = tuple(ProfileColumn(ObisCode(0, 0, 96, 1, e), 1, 2) for e in range(3))
    # Of structure { unsigned, unsigned }, array of 2 long-unsigned, bit-string.
    description = bytes.fromhex("0203 0202 1111 01 0002 12 04")
    contents = bytes.fromhex("0506 0001 0002 03a0") + bytes.fromhex("0708 0003 0004 0980 80")
    octets = b"\x13" + description + axdr.encode_length(len(contents)) + contents
    assert [one.raw for one in good(octets, layout(*columns))] == [
        ((5, 6), [1, 2], axdr.BitString.from_text("101")),
        ((7, 8), [3, 4], axdr.BitString.from_text("100000001")),
    ]


@pytest.mark.parametrize(
    ("contents", "column", "told"),
    [
        ("05", 1, "unsigned of 1 octets expected, 0 came"),
        ("0506 0001", 2, "long-unsigned of 2 octets expected, 0 came"),
        ("0506 0001 0002 11a0", 3, "bit-string of 4 octets expected, 2 came"),
    ],
)
def test_a_row_of_a_compact_array_that_is_cut_within_a_part_is_told(contents, column, told):
    columns = tuple(ProfileColumn(ObisCode(0, 0, 96, 1, e), 1, 2) for e in range(3))
    whole = bytes.fromhex("0506 0001 0002 03a0")
    contents = whole + bytes.fromhex(contents)
    octets = bytes.fromhex("13 0203 0202 1111 01 0002 12 04") + bytes((len(contents),)) + contents
    rows, error = rows_of(octets, layout(*columns))
    assert len(rows) == 1
    assert error.where == f"row 2, column {column} (0-0:96.1.{column - 1})"
    assert told in error.message


def test_a_compact_array_of_rows_of_another_width_is_told_once():
    contents = bytes.fromhex("00000001 00000002 00000003")
    rows, error = rows_of(bytes.fromhex("13 0203 060606 0c") + contents, layout())
    assert rows == []
    assert error.where == "row 1"
    told = "at 1: 2 columns, as the capture objects say expected, 3 came; 02 03 06 06 06 0c 00 00"
    assert error.message.startswith(told)


@pytest.mark.parametrize("octets", ["13 0202 0000 00", "13 0202 0906 00"], ids=["nothing", "no rows"])
def test_a_compact_array_without_contents_has_no_rows(octets):
    assert good(bytes.fromhex(octets), layout()) == []


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        ("13 0202 0606 03 aabbcc", "at 6: elements of at least 8 octets expected, 3 octets for all came"),
        ("13 0202 0000 02 aabb", "at 6: elements of at least 0 octets expected, 2 octets for all came"),
    ],
)
def test_a_whole_compact_array_that_holds_no_row_says_so(octets, told):
    rows, error = rows_of(bytes.fromhex(octets), layout())
    assert (rows, error.kind, error.message) == ([], ErrorKind.DECODE, told)


@pytest.mark.parametrize("cut", [1, 5, 17, 18, 19, 100])
def test_a_compact_array_cut_short_gives_its_good_rows(cut):
    contents = b"".join(
        b"\x0c" + clock(BEGIN + number * QUARTER) + struct.pack(">I", number) for number in range(50)
    )
    octets = bytes.fromhex("1302020906") + axdr.encode_length(len(contents)) + contents
    rows, error = rows_of(octets[:-cut], layout())
    assert [one.raw[1] for one in rows] == list(range((len(contents) - cut) // 17))
    assert error.kind is ErrorKind.DECODE


@given(st.binary(max_size=120), st.sampled_from(["130206091206", "13020206", "1302020911", "13020906", "13"]))
@settings(max_examples=300, deadline=None)
def test_any_compact_array_gives_rows_and_then_at_most_one_error(octets, head):
    rows, error = rows_of(bytes.fromhex(head) + octets, layout())
    assert len(rows) <= len(octets)
    assert error is None or error.kind is ErrorKind.DECODE
