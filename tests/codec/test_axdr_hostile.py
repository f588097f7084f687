"""A-XDR on octets that are none: any octets give a value or a fault that says where, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meterkit.codec.axdr import Data, decode, measure, parse
from meterkit.codec.axdr_rows import decode_rows
from meterkit.errors import ErrorKind, ProtocolFault
from tests.codec.axdr_trees import trees

WHOLE = bytes.fromhex(
    "0104"
    "0209 090c07e30c1f0217000000ffc400 110606000005ed 0403a0 0c02c3a9 173fc00000 0d42 ff 00"
    "1302020911 07 03aabbcc01 0002" + "1301000212 08 0001000200030004"
    "19ffff03fe0703000000800000"
)


def outcome(function: Callable[[bytes], object], octets: bytes) -> str:
    """Return "value" or the fault's message; anything else is raised."""
    try:
        function(octets)
    except ProtocolFault as fault:
        error = fault.error
    else:
        return "value"
    assert error.kind is ErrorKind.DECODE
    assert error.message.startswith("at ")
    return error.message


def check(octets: bytes) -> str:
    """Return what all readers, which must agree, make of `octets`."""
    decoded = outcome(decode, octets)
    assert outcome(parse, octets) == decoded
    if decoded == "value":
        assert measure(octets) == len(octets)
        assert repr(parse(octets).plain()) == repr(decode(octets))
    return decoded


def test_every_truncation_is_a_fault() -> None:
    assert check(WHOLE) == "value"
    for size in range(len(WHOLE)):
        assert check(WHOLE[:size]) != "value"


def test_every_flipped_bit_gives_a_value_or_a_fault() -> None:
    for number in range(8 * len(WHOLE)):
        octets = bytearray(WHOLE)
        octets[number >> 3] ^= 1 << (number & 7)
        check(bytes(octets))


@given(st.binary(max_size=400))
@example(b"\x13\x02\x00\x00")
@example(b"\x13\x01\x00\x00\x11\x00")
def test_any_octets_give_a_value_or_a_fault(octets: bytes) -> None:
    check(octets)
    outcome(decode_rows, octets)


# Octets likely to get past the first look: tags, small numbers, lengths of lengths.
likely = st.lists(
    st.sampled_from([*range(34), 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF]) | st.integers(0, 255), max_size=60
)


@given(likely.map(bytes))
def test_octets_like_values_give_a_value_or_a_fault(octets: bytes) -> None:
    for head in (b"", b"\x01\x03", b"\x02\x02", b"\x13", b"\x13\x02\x02\x09\x11"):
        check(head + octets)
        outcome(decode_rows, head + octets)


@given(trees, st.data())
def test_a_tree_cut_short_is_a_fault(tree: Data, data: st.DataObject) -> None:
    octets = tree.encode()
    assert check(octets[: data.draw(st.integers(0, len(octets) - 1))]) != "value"


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("", "at 0: a type expected, nothing came"),
        ("07", "at 0: a type expected, no type (07) came"),
        ("0101", "at 1: a length of at most the 0 octets left expected, 1 came"),
        ("0102 1105", "at 4: a type expected, nothing came"),
        ("0101 42", "at 2: a type expected, no type (42) came"),
        ("06000030", "at 0: double-long-unsigned (06) of 5 octets expected, 4 came"),
        ("0201 090512", "at 2: octet-string (09) of 7 octets expected, 3 came"),
        ("0982", "at 1: a length of 2 octets expected, 82 came"),
        ("098405", "at 1: a length of 4 octets expected, 84 05 came"),
        ("0980", "at 1: a length (00 to 7f, 81 to 84) expected, 80 came"),
        ("0982fffe00", "at 1: a length of at most the 1 octets left expected, 65534 came"),
        ("0484ffffffff00", "at 0: bit-string (04) of 536870918 octets expected, 7 came"),
        ("0184ffffffff", "at 1: a length of at most the 0 octets left expected, 4294967295 came"),
        ("13", "at 1: the type of an element expected, nothing came"),
        ("1313", "at 1: the type of an element expected, compact-array (13) came"),
        ("130100", "at 2: a number of elements in 2 octets expected, 00 came"),
        ("1312 03 000100", "at 5: long-unsigned (12) of 2 octets within a compact-array expected, 1 came"),
        ("1309 03 0141 05", "at 5: a length of at most the 0 octets left expected, 5 came"),
        ("1300 01 00", "at 3: elements of at least 0 octets expected, 1 octets for all came"),
    ],
)
def test_a_fault_says_what_was_expected_where(octets: str, message: str) -> None:
    assert check(bytes.fromhex(octets)) == message


def test_sixteen_arrays_within_one_another_are_enough() -> None:
    deep = b"\x01\x01" * 15
    assert check(deep + b"\x01\x00") == "value"
    message = "at most 16 arrays and structures within one another expected, one more came"
    assert check(deep + b"\x01\x01\x01\x00") == f"at 32: {message}"
    assert check(b"\x02\x01" * 16 + b"\x13\x11\x00") == f"at 32: {message}"
    assert check(b"\x13" + b"\x02\x01" * 16 + b"\x11\x00") == f"at 31: {message}"
    assert check(b"\x02\x01" * 15 + b"\x13\x02\x01\x11\x00") == f"at 31: {message}"
    assert check(b"\x01\x01" * 5000 + b"\x00") == f"at 32: {message}"


def test_writing_goes_as_deep_as_reading() -> None:
    data = parse(b"\x01\x01" * 15 + b"\x01\x00")
    assert data.encode() == b"\x01\x01" * 15 + b"\x01\x00"
    with pytest.raises(ValueError, match="more than 16"):
        type(data)(data.tag, (data,)).encode()


BOMBS = {
    "an array of 2^32 - 1 null-data": "0184ffffffff" + "00" * 8,
    "a compact array of null-data": "130083ffffff",
    "a compact array of empty structures": "13020001ff",
    "65535 null-data an octet": "1302020100ffff0011" + "08" + "00" * 8,
    "65535 null-data an octet, thirty-two times": "130202" + "01ffff00" + "11" + "20" + "00" * 32,
    "arrays of 65535 within one another": "13" + "01ffff" * 6 + "11" + "7f" + "00" * 127,
    "arrays of 65535 null-data within one another": "130202" + "01ffff" * 14 + "0011" + "7f" + "00" * 127,
    "empty arrays in arrays": "130202" + "01ffff" * 2 + "010000" + "00" + "11" + "7f" + "00" * 127,
}


@pytest.mark.parametrize("octets", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("function", [decode, parse, decode_rows])
def test_few_octets_do_not_become_much_memory(octets: str, function: Callable[[bytes], object]) -> None:
    tracemalloc.start()
    try:
        outcome(function, bytes.fromhex(octets))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_null_data_in_a_compact_array_has_its_place_and_its_bound() -> None:
    few = bytes.fromhex("13 0203 00 00 11 02 0102")
    assert decode(few) == [(None, None, 1), (None, None, 2)]
    many = bytes.fromhex(f"13 0206 {5 * '00'} 11 02 0102")
    assert check(many) == (
        "at 1: at most 4 values without octets for each octet expected, an element with 5 came"
    )
