"""The little BER of ACSE: elements, lengths, integers, object identifiers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec import ber
from meterkit.codec.ber import Element, encode_element, read_element, read_elements
from meterkit.errors import ErrorKind, ProtocolFault

VECTORS = [
    pytest.param(bytes.fromhex(vector["hex"]), id=vector["name"])
    for vector in json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
    if vector["kind"] in ("aarq", "aare") and vector["hex"][:2] in ("60", "61")
]
LOGICAL_NAMES = "2.16.756.5.8.1.1"  # application context; Green Book 9.4.2.2.2


@pytest.mark.parametrize("octets", VECTORS)
def test_associations_are_elements_within_an_element(octets: bytes) -> None:
    (whole,) = read_elements(octets)
    assert whole.is_constructed
    assert whole.tag in (0x60, 0x61)
    assert whole.encode() == octets
    for part in whole.elements():
        assert octets[part.offset : part.offset + len(part.contents)] == part.contents
        if part.tag == 0xA1:
            (name,) = part.elements()
            assert ber.decode_object_identifier(name.contents).startswith("2.16.756.5.8.1.")


def test_an_element_is_found_within_longer_octets() -> None:
    element, end = read_element(bytes.fromhex("ff 80 02 0780 ff"), 1)
    assert (element, end) == (Element(0x80, b"\x07\x80"), 5)
    assert element.offset == 3
    assert not element.is_constructed


def test_long_tags_and_lengths_are_read_and_written() -> None:
    octets = bytes.fromhex("5f1f 04 00 7c1fff")
    assert read_elements(octets) == (Element(0x5F1F, bytes.fromhex("007c1fff")),)
    assert encode_element(0x5F1F, b"\x00", b"\x7c\x1f\xff") == octets
    assert encode_element(0x60, bytes(200))[:3].hex() == "6081c8"
    assert encode_element(0xBE, bytes(300))[:4].hex() == "be82012c"
    assert read_elements(bytes.fromhex("04 84 00000001 aa")) == (Element(4, b"\xaa"),)


@pytest.mark.parametrize("tag", [-1, 0x1F, 0x8001, 0x5F8F, 0x5F1F1F, 0x5F8F8F, 1 << 24])
def test_a_number_that_is_no_tag_is_the_programmers_mistake(tag: int) -> None:
    with pytest.raises(ValueError, match="no tag"):
        encode_element(tag)


@given(
    st.sampled_from([0, 0x02, 0x60, 0xA1, 0xBE, 0x5F1F, 0x7F8101]),
    st.binary(max_size=300),
    st.integers(0, 3),
)
def test_any_element_survives_the_way_through_octets(tag: int, contents: bytes, before: int) -> None:
    element, end = read_element(bytes(before) + encode_element(tag, contents) + b"\xff", before)
    assert element == Element(tag, contents)
    assert end == before + len(element.encode())


@given(st.binary(max_size=60))
def test_any_octets_are_elements_or_a_fault(octets: bytes) -> None:
    for is_strict in (True, False):
        try:
            elements = read_elements(octets, strict=is_strict)
        except ProtocolFault as fault:
            error = fault.error
        else:
            assert sum(len(element.contents) for element in elements) <= len(octets)
            continue
        assert error.kind is ErrorKind.DECODE


@pytest.mark.parametrize("octets", VECTORS)
def test_associations_cut_short_are_a_fault(octets: bytes) -> None:
    for size in range(len(octets)):
        with pytest.raises(ProtocolFault):
            read_element(octets[:size])


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        ("", "BER: at 0: a tag expected, nothing left"),
        ("60", "BER: at 1: a length expected, nothing left"),
        ("6080", r"BER: at 1: a length expected \(00 to 7F, 81 to 84\), 80 came"),
        ("6085", r"BER: at 1: a length expected \(00 to 7F, 81 to 84\), 85 came"),
        ("608201", "BER: at 1: a length of 2 octets expected, 1 left"),
        ("6003aabb", "BER: at 2: tag 60: 3 octets expected, 2 left"),
        ("6084ffffffff00", "BER: at 6: tag 60: 4294967295 octets expected, 1 left"),
        ("5f", "BER: at 0: a tag of at most 3 octets expected, 5f came"),
        ("5f80818200", "BER: at 0: a tag of at most 3 octets expected, 5f 80 81 came"),
    ],
)
def test_a_fault_says_what_was_expected_where(octets: str, message: str) -> None:
    with pytest.raises(ProtocolFault, match=message):
        read_element(bytes.fromhex(octets))


def test_faults_within_an_element_count_from_the_beginning_of_all() -> None:
    (outer,) = read_elements(bytes.fromhex("61 06 a1 04 06 07 6085"))
    (middle,) = outer.elements()
    with pytest.raises(ProtocolFault, match="at 6: tag 06: 7 octets expected, 2 left"):
        middle.elements()


def test_contents_cut_short_are_taken_if_one_says_so() -> None:
    element, end = read_element(bytes.fromhex("63 05 80 01 00"), strict=False)
    assert (element.contents.hex(), end) == ("800100", 5)
    assert element.elements() == (Element(0x80, b"\0"),)
    cut = Element(0x63, bytes.fromhex("8003 00"))
    assert cut.elements(strict=False) == (Element(0x80, b"\0"),)


def test_a_length_is_at_most_what_is_left() -> None:
    assert ber.decode_length(b"\x02\xaa\xbb") == (2, 1)
    assert ber.decode_length(b"\x00\x81\x01\xaa", 1) == (1, 3)
    with pytest.raises(ProtocolFault, match="at 1: 3 octets expected, 2 left"):
        ber.decode_length(b"\x03\xaa\xbb")


@pytest.mark.parametrize(("length", "octets"), [(0, "00"), (127, "7f"), (128, "8180"), (65536, "83010000")])
def test_lengths_are_as_short_as_can_be(length: int, octets: str) -> None:
    assert ber.encode_length(length).hex() == octets


@pytest.mark.parametrize("length", [-1, 1 << 32])
def test_a_length_that_cannot_be_told_is_the_programmers_mistake(length: int) -> None:
    with pytest.raises(ValueError, match="no length"):
        ber.encode_length(length)


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "0080"),
        (-1, "ff"),
        (-128, "80"),
        (-129, "ff7f"),
        (256, "0100"),
    ],
)
def test_integers_are_as_short_as_can_be(value: int, octets: str) -> None:
    assert ber.encode_integer(value).hex() == octets
    assert ber.decode_integer(bytes.fromhex(octets)) == value


def test_integers_have_one_to_eight_octets() -> None:
    assert ber.decode_integer(b"\0\0\x01") == 1
    for size in (0, 9):
        with pytest.raises(ProtocolFault, match=f"1 to 8 octets expected, {size} came"):
            ber.decode_integer(bytes(size))
    with pytest.raises(ValueError, match="does not fit an integer of 8 octets"):
        ber.encode_integer(1 << 63)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        (LOGICAL_NAMES, "60857405080101"),
        ("2.16.756.5.8.2.5", "60857405080205"),
        ("1.2.840.113549", "2a864886f70d"),
        ("2.999.3", "883703"),
        ("0.39", "27"),
    ],
)
def test_object_identifiers_are_read_and_written(text: str, octets: str) -> None:
    assert ber.encode_object_identifier(text).hex() == octets
    assert ber.decode_object_identifier(bytes.fromhex(octets)) == text


@pytest.mark.parametrize("text", ["", "1", "3.1", "1.40", "1.2.-3", "a.b", "2.-1"])
def test_other_text_is_no_object_identifier(text: str) -> None:
    with pytest.raises(ValueError, match="no object identifier"):
        ber.encode_object_identifier(text)


@pytest.mark.parametrize("octets", [b"", b"\x60\x85", b"\x2a" * 65])
def test_other_octets_are_no_object_identifier(octets: bytes) -> None:
    with pytest.raises(ProtocolFault, match="an object identifier expected"):
        ber.decode_object_identifier(octets)
