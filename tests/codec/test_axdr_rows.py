"""Rows of a profile's buffer: the fast way gives what the plain way gives."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.codec.axdr import CompactArray, Data, Tag, TypeDescription, decode
from meterkit.codec.axdr_rows import decode_rows
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.errors import ProtocolFault
from tests.codec.axdr_trees import SIMPLE, compact_array, compact_arrays, simple, trees

BEGIN = datetime(2024, 3, 1, tzinfo=timezone(timedelta(hours=1)))
QUARTER = timedelta(minutes=15)


def clock(number: int) -> bytes:
    return CosemDateTime.from_datetime(BEGIN + number * QUARTER).encode()


def row(number: int, *, has_clock: bool = True) -> bytes:
    begin = b"\x09\x0c" + clock(number) if has_clock else b"\x00"
    return b"\x02\x04" + begin + struct.pack(">BIBHBB", 6, number * 7, 0x12, number % 60000, 0x11, number % 5)


def array(rows: list[bytes]) -> bytes:
    return b"\x01" + axdr.encode_length(len(rows)) + b"".join(rows)


def same(octets: bytes) -> None:
    assert repr(decode_rows(octets)) == repr(decode(octets))


def test_a_buffer_becomes_rows_with_datetimes() -> None:
    rows = decode_rows(array([row(number) for number in range(500)]), [0])
    assert len(rows) == 500
    assert rows[0] == (BEGIN, 0, 0, 0)
    assert rows[499] == (BEGIN + 499 * QUARTER, 499 * 7, 499, 4)


def test_without_moments_times_are_left_octets() -> None:
    octets = array([row(number) for number in range(10)])
    assert decode_rows(octets)[9][0] == clock(9)
    same(octets)


@pytest.mark.parametrize("period", [1, 2, 3, 5, 24, 96, 1000])
def test_null_data_is_left_for_who_knows_the_capture_period(period: int) -> None:
    octets = array([row(number, has_clock=number % period == 0) for number in range(1000)])
    same(octets)
    rows = decode_rows(octets, [0])
    told = [BEGIN + number * QUARTER if number % period == 0 else None for number in range(1000)]
    assert [row[0] for row in rows] == told


def test_a_moment_that_is_a_pattern_stays_a_cosem_date_time() -> None:
    pattern = bytes.fromhex("ffff03fe0703000000ffc400")
    for count in (1, 10):
        rows = decode_rows(array([b"\x02\x02\x09\x0c" + pattern + b"\x11\x05"] * count), [0, 1, 7])
        assert rows == [(CosemDateTime.from_octets(pattern), 5)] * count
        rows = decode_rows(array([b"\x02\x02\x19" + pattern + b"\x11\x05"] * count), [0])
        assert rows == [(CosemDateTime.from_octets(pattern), 5)] * count


def test_a_date_time_of_its_own_type_is_a_moment_too() -> None:
    for count in (1, 10):
        rows = decode_rows(array([b"\x02\x02\x19" + clock(3) + b"\x0a\x0c" + b"a" * 12] * count), [0, 1])
        assert rows == [(BEGIN + 3 * QUARTER, "a" * 12)] * count


def test_a_column_below_none_is_the_programmers_mistake() -> None:
    with pytest.raises(ValueError, match="counted from 0, not -1"):
        decode_rows(array([]), [-1])


@given(
    st.lists(st.lists(st.sampled_from(SIMPLE).flatmap(simple), max_size=4), max_size=6), st.integers(1, 30)
)
def test_rows_of_any_types_are_as_decoded(rows: list[list[Data]], times: int) -> None:
    encoded = [Data(Tag.STRUCTURE, tuple(row)).encode() for row in rows]
    same(array(encoded * times))
    same(array([row for row in encoded for _ in range(times)]))


@given(st.lists(st.lists(trees, max_size=3), min_size=1, max_size=4))
def test_rows_with_arrays_in_them_are_as_decoded(rows: list[list[Data]]) -> None:
    same(array([Data(Tag.STRUCTURE, tuple(row)).encode() for row in rows for _ in range(5)]))


@given(st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=5), st.data())
def test_rows_of_a_compact_array_are_as_decoded(tags: list[Tag], data: st.DataObject) -> None:
    description = TypeDescription(Tag.STRUCTURE, tuple(map(TypeDescription, tags)))
    if description.least:
        drawn = data.draw(compact_array(description)).value
        assert isinstance(drawn, CompactArray)
        same(Data(Tag.COMPACT_ARRAY, CompactArray(description, drawn.items * 9)).encode())


@given(compact_arrays)
def test_compact_arrays_of_structures_are_rows(data: Data) -> None:
    assert isinstance(data.value, CompactArray)
    if data.value.element.tag is Tag.STRUCTURE:
        same(data.encode())


def test_a_compact_array_becomes_rows_with_datetimes() -> None:
    contents = b"".join(b"\x0c" + clock(number) + struct.pack(">I", number) for number in range(300))
    octets = bytes.fromhex("1302020906") + axdr.encode_length(len(contents)) + contents
    assert decode_rows(octets, [0]) == [(BEGIN + number * QUARTER, number) for number in range(300)]
    same(octets)


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("", "at 0: an array or compact-array expected, nothing came"),
        ("0200", r"at 0: an array or compact-array expected, structure \(02\) came"),
        ("0101 1105", r"at 2: a row: structure \(02\) expected, unsigned \(11\) came"),
        ("1311 00", r"at 1: the description of a row: structure \(02\) expected, unsigned \(11\) came"),
        ("0102 02011105", "at 6: row 2 of 2 expected, nothing came"),
        ("0102 02011105 0201", "at 7: a length of at most the 0 octets left expected, 1 came"),
        ("0100 00", "at 2: the end of the array expected, 1 octets more came"),
    ],
)
def test_octets_that_are_no_rows_are_a_fault(octets: str, message: str) -> None:
    with pytest.raises(ProtocolFault, match=message):
        decode_rows(bytes.fromhex(octets))


def test_octets_after_the_rows_are_left_if_one_says_so() -> None:
    assert decode_rows(array([row(1)]) + b"\0\0", strict=False) == decode_rows(array([row(1)]))


def test_a_long_buffer_cut_short_or_spoilt_is_a_fault_at_its_place() -> None:
    whole = array([row(number) for number in range(200)])
    for size in range(len(whole) - 2 * len(row(0)), len(whole)):
        with pytest.raises(ProtocolFault, match="expected"):
            decode_rows(whole[:size])
    spoilt = bytearray(whole)
    at = 3 + 150 * len(row(0)) + 2
    spoilt[at] = 0x42
    with pytest.raises(ProtocolFault, match=rf"at {at}: a type expected, no type \(42\) came"):
        decode_rows(bytes(spoilt))


def test_rows_lie_one_deep_in_the_array() -> None:
    deepest = b"\x02\x01" * 15 + b"\x00"
    same(array([deepest] * 5))
    with pytest.raises(ProtocolFault, match="at most 16"):
        decode_rows(array([b"\x02\x01" + deepest] * 5))
