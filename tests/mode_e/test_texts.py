"""Requests, identifications and acknowledgements of IEC 62056-21."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.mode_e import (
    Identification,
    Mode,
    add_parity,
    choose_hdlc,
    choose_readout,
    parity_errors,
    request,
    strip_parity,
)
from tests.dlms.vectors import octets_of


def test_the_texts_are_those_of_the_vectors():
    assert request() == octets_of("mode-e-request")
    assert choose_hdlc("5") == octets_of("mode-e-ack")
    found = Identification.parse(octets_of("mode-e-ident"))
    assert found == Identification("GRX", "5", (), "12345678")
    assert found.baud_rate == 9600
    assert found.encode() == octets_of("mode-e-ident")


def test_a_request_may_name_its_meter():
    assert request("0012 ab") == b"/?0012 ab!\r\n"


@pytest.mark.parametrize("address", ["1" * 33, "a/b", "ä", "1!", "1\r\n"])
def test_a_device_address_has_letters_digits_and_spaces_only(address):
    with pytest.raises(ValueError, match="device address"):
        request(address)


def test_a_readout_is_chosen_in_text_and_hdlc_in_binary():
    assert choose_readout("0") == b"\x06000\r\n"
    assert choose_hdlc("6") == b"\x06262\r\n"


@pytest.mark.parametrize("letter", ["7", "A", "", "05", "-"])
def test_only_known_speeds_are_acknowledged(letter):
    with pytest.raises(ValueError, match="0 to 6"):
        choose_hdlc(letter)


@pytest.mark.parametrize(
    ("line", "identification", "mode", "speed", "is_mode_e"),
    [
        (rb"/LGZ4\2ZMD120APt.G03", ("LGZ", "4", ("2",), "ZMD120APt.G03"), Mode.C, 4800, True),
        (rb"/AUX5\2SX330SKH10F10013", ("AUX", "5", ("2",), "SX330SKH10F10013"), Mode.C, 9600, True),
        (rb"/ISk5\2MT382-1000", ("ISk", "5", ("2",), "MT382-1000"), Mode.C, 9600, True),
        (rb"/ABC6\W\2x\y", ("ABC", "6", ("W", "2"), r"x\y"), Mode.C, 19200, True),
        (b"/ABC0", ("ABC", "0", (), ""), Mode.C, 300, False),
        (b"/ABC9X", ("ABC", "9", (), "X"), Mode.C, None, False),
        (b"/ABCAX", ("ABC", "A", (), "X"), Mode.B, 600, False),
        (rb"/ABCF\2", ("ABC", "F", ("2",), ""), Mode.B, 19200, False),
        (b"/ABCG", ("ABC", "G", (), ""), Mode.B, None, False),
        (b"/ABCXmeter", ("ABC", "X", (), "meter"), Mode.A, 300, False),
        (b"/ABC old", ("ABC", " ", (), "old"), Mode.A, 300, False),
    ],
)
def test_an_identification_tells_maker_mode_and_speed(line, identification, mode, speed, is_mode_e):
    for end in (b"", b"\n", b"\r\n"):
        found = Identification.parse(line + end)
        assert found == Identification(*identification)
        assert (found.mode, found.baud_rate, found.is_mode_e) == (mode, speed, is_mode_e)
    assert found.encode() == line + b"\r\n"


def test_a_small_third_letter_stands_for_a_short_reaction_time():
    assert Identification("ISK", "5").reaction_time == 0.2
    assert Identification("ISk", "5").reaction_time == 0.02


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"/",
        b"/AB",
        b"/ABC",
        b"/A1C5",
        b"ABC5",
        b"/ABC5\x07",
        b"/ABC5\xff",
        b"/ABC5a!",
        b"/ABC5" + b"x" * 124,
        b"/ABC5" + b"x" * 200,
    ],
)
def test_what_is_no_identification_is_told_with_what_came(line):
    with pytest.raises(ProtocolFault, match="three letters") as caught:
        Identification.parse(line)
    assert caught.value.error.kind is ErrorKind.FRAMING


@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n"])
def test_the_longest_identification_is_counted_without_its_line_end(end):
    line = b"/ABC5" + b"x" * 123
    assert Identification.parse(line + end).encode() == line + b"\r\n"
    with pytest.raises(ProtocolFault, match="at most 128 printable characters"):
        Identification.parse(line + b"x" + end)


@given(st.binary(max_size=200))
def test_any_octets_give_an_identification_or_a_fault(octets):
    with contextlib.suppress(ProtocolFault):
        found = Identification.parse(octets)
        assert Identification.parse(found.encode()) == found


def test_parity_in_bit_7_makes_every_octet_even():
    assert add_parity(b"/?!\r\n") == bytes([0xAF, 0x3F, 0x21, 0x8D, 0x0A])
    text = bytes(range(128))
    assert all(octet.bit_count() % 2 == 0 for octet in add_parity(text))
    assert strip_parity(add_parity(text)) == text
    assert parity_errors(add_parity(text)) == 0


def test_wrong_parity_is_counted_unless_the_line_has_none():
    assert parity_errors(b"\xaf\x3f\x20") == 1
    assert parity_errors(b"/?!\r\n") == 0  # from a port set to 7E1, or a socket
