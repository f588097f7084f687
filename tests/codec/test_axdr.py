"""A-XDR: values, types, lengths, compact arrays."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from meterkit.codec import axdr
from meterkit.codec.axdr import (
    DONT_CARE,
    BcdString,
    BitString,
    CompactArray,
    Data,
    Delta,
    Tag,
    TypeDescription,
    decode,
    encode,
    parse,
)
from meterkit.codec.cosem_time import ClockStatus, CosemDate, CosemDateTime, CosemTime
from meterkit.errors import ErrorKind, ProtocolFault
from tests.codec.axdr_trees import trees

VECTORS = {
    vector["name"]: vector
    for vector in json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
}
CLOCK = bytes.fromhex("07e30c1f0217000000ffc400")

# Source: the types of Green Book 9.5, octets by hand.
EXAMPLES: list[tuple[str, Any]] = [
    ("00", None),
    ("0300", False),
    ("0301", True),
    ("03ff", True),
    ("040ba5 60", BitString(b"\xa5\x60", 11)),
    ("0400", BitString()),
    ("05fffffffe", -2),
    ("06fffffffe", 4294967294),
    ("0903010203", b"\x01\x02\x03"),
    ("0900", b""),
    ("0a0441424344", "ABCD"),
    ("0a01e9", "é"),
    ("0c02c3a9", "é"),
    ("0c02ff41", "\\xffA"),
    ("0d42", BcdString("42")),
    ("0dfa", BcdString("FA")),
    ("0f80", -128),
    ("10ff7f", -129),
    ("1180", 128),
    ("12ff7f", 65407),
    ("148000000000000000", -(2**63)),
    ("15ffffffffffffffff", 2**64 - 1),
    ("1607", 7),
    ("173fc00000", 1.5),
    ("183ff8000000000000", 1.5),
    ("1907e30c1f0217000000ffc400", CosemDateTime.from_octets(CLOCK)),
    ("1a07e30c1f02", CosemDate(2019, 12, 31, 2)),
    ("1b17000000", CosemTime(23, 0, 0, 0)),
    ("1cff", Delta(-1)),
    ("1dff00", Delta(-256)),
    ("1effffffff", Delta(-1)),
    ("1fff", Delta(255)),
    ("20ff00", Delta(65280)),
    ("21ffffffff", Delta(4294967295)),
    ("ff", DONT_CARE),
    ("0100", []),
    ("0200", ()),
    ("0102 1105 1106", [5, 6]),
    ("0203 1105 00 0202 0301 0900", (5, None, (True, b""))),
    ("13 12 06 000100020003", [1, 2, 3]),
    ("13 0202 1211 06 00010a 00020b", [(1, 10), (2, 11)]),
    ("13 01 0002 11 04 01020304", [[1, 2], [3, 4]]),
    ("13 0202 09 11 05 01aa01 0002", [(b"\xaa", 1), (b"", 2)]),
    ("13 0202 00 11 02 0102", [(None, 1), (None, 2)]),
    ("13 11 00", []),
]


@pytest.mark.parametrize(("octets", "value"), EXAMPLES)
def test_octets_are_the_value(octets: str, value: object) -> None:
    decoded = decode(bytes.fromhex(octets))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize("octets", [octets for octets, _ in EXAMPLES])
def test_the_tree_of_octets_is_written_as_the_same_octets(octets: str) -> None:
    whole = bytes.fromhex(octets)
    assert parse(whole).encode() == whole
    assert parse(whole).plain() == decode(whole)
    assert axdr.measure(whole) == len(whole)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "axdr-profile-null-compressed",
            [(CLOCK, 6, 1517, 1620), *[(None, 6, 1517, 1620)] * 3],
        ),
        ("axdr-compact-array-u16", [1, 2, 3]),
        ("axdr-sap-list", [(1, b"GRX0000000123456")]),
    ],
)
def test_the_vectors_are_decoded(name: str, value: object) -> None:
    octets = bytes.fromhex(VECTORS[name]["hex"])
    assert decode(octets) == value
    assert parse(octets).encode() == octets


@given(trees)
def test_any_tree_survives_the_way_through_octets(tree: Data) -> None:
    octets = tree.encode()
    assert parse(octets) == tree
    assert parse(octets).encode() == octets
    assert axdr.measure(octets) == len(octets)
    assert repr(decode(octets)) == repr(plainly(tree))


def plainly(data: Data) -> object:
    """Return a tree as plain Python, by the definition of it."""
    value = data.value
    if data.tag is Tag.ARRAY and isinstance(value, tuple):
        return [plainly(item) for item in value]
    if data.tag is Tag.STRUCTURE and isinstance(value, tuple):
        return tuple(plainly(item) for item in value)
    if isinstance(value, CompactArray):
        return [plainly(item) for item in value.items]
    return value


def test_values_are_found_within_longer_octets() -> None:
    octets = bytes.fromhex("aa 0102 1105 1106 bb")
    assert axdr.decode_prefix(octets, 1) == ([5, 6], 7)
    assert axdr.measure(octets, 1) == 7


def test_octets_after_the_value_are_a_fault_unless_one_says_so() -> None:
    octets = bytes.fromhex("1105 0000")
    with pytest.raises(ProtocolFault, match=r"at 2: the end of the value expected, 2 octets more came"):
        decode(octets)
    with pytest.raises(ProtocolFault, match="2 octets more"):
        parse(octets)
    assert decode(octets, strict=False) == 5
    assert parse(octets, strict=False) == Data(Tag.UNSIGNED, 5)


@pytest.mark.parametrize("octets", ["0380", "0c02ffff", "177f800001", "17ffc12345", "187ff0000000000001"])
def test_octets_that_python_cannot_hold_stand_for_themselves(octets: str) -> None:
    whole = bytes.fromhex(octets)
    data = parse(whole)
    assert data.encode() == whole
    plain = data.plain()
    assert plain is True or isinstance(plain, str) or (isinstance(plain, float) and math.isnan(plain))


def test_lengths_longer_than_they_need_be_are_taken_and_shortened() -> None:
    assert decode(bytes.fromhex("09 82 0002 abcd")) == b"\xab\xcd"
    assert decode(bytes.fromhex("01 81 01 1105")) == [5]
    assert parse(bytes.fromhex("0c 84 00000002 c3a9")).encode() == bytes.fromhex("0c02c3a9")


@pytest.mark.parametrize(
    ("length", "octets"),
    [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (65535, "82ffff")],
)
def test_lengths_are_as_short_as_can_be(length: int, octets: str) -> None:
    encoded = bytes.fromhex(octets)
    assert axdr.encode_length(length) == encoded
    assert axdr.decode_length(encoded + bytes(length)) == (length, len(encoded))
    assert axdr.decode_bit_length(encoded) == (length, len(encoded))


def test_longer_lengths_take_three_and_four_octets() -> None:
    assert axdr.encode_length(0x10000).hex() == "83010000"
    assert axdr.encode_length(0xFFFFFFFF).hex() == "84ffffffff"
    for wrong in (-1, 1 << 32):
        with pytest.raises(ValueError, match="no length"):
            axdr.encode_length(wrong)


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("", "at 0: a length expected, nothing came"),
        ("80", r"at 0: a length \(00 to 7f, 81 to 84\) expected, 80 came"),
        ("85ff", r"at 0: a length \(00 to 7f, 81 to 84\) expected, 85 came"),
        ("82ff", "at 0: a length of 2 octets expected, 82 ff came"),
        ("03aabb", "at 0: a length of at most the 2 octets left expected, 3 came"),
    ],
)
def test_a_length_that_cannot_be_is_refused(octets: str, message: str) -> None:
    with pytest.raises(ProtocolFault, match=message) as caught:
        axdr.decode_length(bytes.fromhex(octets))
    assert caught.value.error.kind is ErrorKind.DECODE


def test_plain_python_is_encoded_where_its_type_is_plain() -> None:
    moment = CosemDateTime.from_octets(CLOCK)
    value = [(None, True, b"\x01", BitString.from_text("101"), moment, moment.date, moment.time, DONT_CARE)]
    octets = encode(value)
    times = f"19{CLOCK.hex()} 1a{CLOCK[:5].hex()} 1b{CLOCK[5:9].hex()}"
    assert octets == bytes.fromhex(f"0101 0208 00 0301 090101 0403a0 {times} ff")
    assert decode(octets) == value
    assert encode([Data(Tag.LONG, 5), None]).hex() == "010210000500"


@pytest.mark.parametrize("value", [5, 1.5, "text", [5], Delta(1)])
def test_plain_python_of_many_types_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="more than one type"):
        encode(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Data(Tag.UNSIGNED, 256), "256 does not fit unsigned"),
        (Data(Tag.INTEGER, -129), "-129 does not fit integer"),
        (Data(Tag.LONG64_UNSIGNED, -1), "-1 does not fit long64-unsigned"),
        (Data(Tag.UNSIGNED, True), "True is no unsigned"),
        (Data(Tag.UNSIGNED, 1.0), "1.0 is no unsigned"),
        (Data(Tag.UNSIGNED, b"\1\2"), "is no unsigned"),
        (Data(Tag.BOOLEAN, 1), "1 is no boolean"),
        (Data(Tag.FLOAT32, 1e39), "does not fit float32"),
        (Data(Tag.OCTET_STRING, "text"), "'text' is no octet-string"),
        (Data(Tag.VISIBLE_STRING, "€"), "'€' is no visible-string"),
        (Data(Tag.BCD, "4"), "'4' is no bcd"),
        (Data(Tag.BCD, "421"), "'421' is no bcd"),
        (Data(Tag.BIT_STRING, b"\1"), "is no bit-string"),
        (Data(Tag.NULL_DATA, 0), "0 is no null-data"),
        (Data(Tag.DATE, CosemTime()), "is no date"),
        (Data(Tag.TIME, CosemTime(256)), "does not fit its octets"),
        (Data(Tag.ARRAY, 5), "5 is no array"),
        (Data(Tag.COMPACT_ARRAY, ()), "is no compact-array"),
    ],
)
def test_a_value_that_is_none_of_its_type_is_the_programmers_mistake(data: Data, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data.encode()


def test_the_words_of_a_type_are_the_standards() -> None:
    assert Tag.DOUBLE_LONG_UNSIGNED.words == "double-long-unsigned"
    assert Tag.UTF8_STRING.words == "utf8-string"


# ---------------------------------------------------------------- one function for each type
MOMENT = CosemDateTime(
    CosemDate(2019, 12, 31, 2), CosemTime(23, 0, 0, 0), deviation=-60, status=ClockStatus(0)
)
TYPED: list[tuple[str, Any]] = [
    ("null", None),
    ("boolean", True),
    ("bit_string", BitString.from_text("1011")),
    ("double_long", -5),
    ("double_long_unsigned", 12345),
    ("octet_string", bytes(300)),
    ("visible_string", "meter"),
    ("utf8_string", "mètre"),
    ("bcd", BcdString("42")),
    ("integer", -3),
    ("long", -300),
    ("unsigned", 200),
    ("long_unsigned", 60000),
    ("long64", -(2**40)),
    ("long64_unsigned", 2**63),
    ("enum", 30),
    ("float32", 0.5),
    ("float64", 0.1),
    ("date_time", MOMENT),
    ("date", CosemDate(2024, 2, 29, 4)),
    ("time", CosemTime(1, 2, 3, None)),
]


@pytest.mark.parametrize(("name", "value"), TYPED)
def test_each_type_has_its_own_functions(name: str, value: Any) -> None:
    encode_it, decode_it = getattr(axdr, f"encode_{name}"), getattr(axdr, f"decode_{name}")
    octets = encode_it() if name == "null" else encode_it(value)
    assert decode_it(octets) == value
    assert decode(octets) == value
    tag = Tag[name.upper() if name != "null" else "NULL_DATA"]
    assert octets[0] == tag
    other = bytes.fromhex("020111 05") if tag is not Tag.STRUCTURE else b"\0"
    with pytest.raises(ProtocolFault) as caught:
        decode_it(other)
    expected = f"{tag.words} ({tag:02x}) expected, structure (02) came"
    assert expected in str(caught.value.error)


def test_nested_types_are_made_of_encoded_items() -> None:
    items = [axdr.encode_unsigned(1), axdr.encode_unsigned(2)]
    assert axdr.decode_array(axdr.encode_array(items)) == [1, 2]
    assert axdr.decode_structure(axdr.encode_structure(items)) == (1, 2)
    assert axdr.encode_compact_array(items).hex() == "1311020102"
    assert axdr.decode_compact_array(axdr.encode_compact_array(items)) == [1, 2]
    assert axdr.encode_compact_array([], TypeDescription(Tag.LONG)).hex() == "131000"


def test_pythons_own_times_are_taken() -> None:
    zone = timezone(timedelta(hours=1))
    assert axdr.encode_date_time(datetime(2019, 12, 31, 23, tzinfo=zone)) == b"\x19" + CLOCK
    assert axdr.encode_date(date(2019, 12, 31)) == b"\x1a" + CLOCK[:5]
    assert axdr.encode_time(time(23)) == b"\x1b" + CLOCK[5:9]


def test_no_octets_are_no_value() -> None:
    with pytest.raises(ProtocolFault, match=r"at 0: unsigned \(11\) expected, nothing came"):
        axdr.decode_unsigned(b"")
    with pytest.raises(ProtocolFault, match="at 0: a type expected, nothing came"):
        decode(b"")


# ---------------------------------------------------------------- compact arrays
def test_a_compact_array_is_described_by_its_items() -> None:
    item = parse(bytes.fromhex("0202 1105 0102 0901aa 0901bb"))
    array = CompactArray.of([item, item])
    assert array.element.encode().hex() == "02021101000209"
    assert parse(Data(Tag.COMPACT_ARRAY, array).encode()).value == array


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "without items"),
        (["1105", "100005"], "item 1 of a compact array differs in type"),
        (["0102 1105 00"], "various types"),
        (["131100"], "cannot be an element of another"),
    ],
)
def test_items_that_make_no_compact_array_are_refused(items: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CompactArray.of(parse(bytes.fromhex(item)) for item in items)


@pytest.mark.parametrize(
    ("element", "item", "message"),
    [
        (TypeDescription(Tag.LONG), Data(Tag.UNSIGNED, 5), "unsigned where the compact array has long"),
        (
            TypeDescription(Tag.ARRAY, (TypeDescription(Tag.UNSIGNED),), 2),
            Data(Tag.ARRAY, (Data(Tag.UNSIGNED, 5),)),
            "where the compact array has array of 2",
        ),
        (TypeDescription(Tag.NULL_DATA), Data(Tag.NULL_DATA), "cannot be told apart"),
        (TypeDescription(Tag.ARRAY, (TypeDescription(Tag.LONG),), 1 << 16), None, "65536 elements"),
    ],
)
def test_a_compact_array_holds_what_it_describes(
    element: TypeDescription, item: Data | None, message: str
) -> None:
    array = CompactArray(element, () if item is None else (item,))
    with pytest.raises(ValueError, match=message):
        Data(Tag.COMPACT_ARRAY, array).encode()


# ---------------------------------------------------------------- values that Python lacks
def test_bits_are_numbered_from_the_top_of_the_first_octet() -> None:
    bits = BitString(b"\xa0\x40", 10)
    assert str(bits) == "1010000001"
    assert [number for number, bit in enumerate(bits) if bit] == [0, 2, 9]
    assert len(bits) == 10
    assert BitString.from_text("1010000001") == bits
    assert BitString.from_text("") == BitString()
    with pytest.raises(IndexError, match="bit 10 of 10"):
        bits[10]


@pytest.mark.parametrize(("octets", "length"), [(b"", 1), (b"\0\0", 8), (b"\0", 9), (b"", -1)])
def test_bits_fill_their_octets(octets: bytes, length: int) -> None:
    with pytest.raises(ValueError, match="do not fill"):
        BitString(octets, length)


def test_other_text_is_no_row_of_bits() -> None:
    with pytest.raises(ValueError, match="no row of zeroes and ones"):
        BitString.from_text("102")


def test_values_show_what_they_are() -> None:
    assert repr(DONT_CARE) == "DONT_CARE"
    assert repr(Delta(-3)) == "Delta(-3)"
    assert Delta(-3) + 5 == 2
