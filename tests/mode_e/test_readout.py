"""Data blocks as meters send them, whole, torn and damaged."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.mode_e import Identification, add_parity
from meterkit.readout import BlockReader, Readout, ReadoutLine, ReadoutValue, block_check

TEXT = (
    b"F.F(00000000)\r\n"
    b"0-0:C.1.0(72432595)\r\n"
    b"0-0:1.0.0(2021-07-12 22:20:17)\r\n"
    b"1-0:1.8.1*101(00000000001.329*kWh)\r\n"
    b"1.6.1(0.012*kW)(21-07-01 10:15)\r\n"
    b"1.4.0(1*kW)2.4.0(2*kW)\r\n"
    b"(3)(4*V)\r\n"
    b"TEST TEXT\r\n"
    b"0.2.0()\r\n"
)
LINES = (
    ReadoutLine("F.F", (ReadoutValue("00000000", ""),)),
    ReadoutLine("0-0:C.1.0", (ReadoutValue("72432595", ""),)),
    ReadoutLine("0-0:1.0.0", (ReadoutValue("2021-07-12 22:20:17", ""),)),
    ReadoutLine("1-0:1.8.1*101", (ReadoutValue("00000000001.329", "kWh"),)),
    ReadoutLine("1.6.1", (ReadoutValue("0.012", "kW"), ReadoutValue("21-07-01 10:15", ""))),
    ReadoutLine("1.4.0", (ReadoutValue("1", "kW"),)),
    ReadoutLine("2.4.0", (ReadoutValue("2", "kW"),)),
    ReadoutLine("", (ReadoutValue("3", ""), ReadoutValue("4", "V"))),
    ReadoutLine("TEST TEXT", ()),
    ReadoutLine("0.2.0", (ReadoutValue("", ""),)),
)


def block(text=TEXT + b"!\r\n"):
    checked = text + b"\x03"
    return b"\x02" + checked + bytes([block_check(checked)])


def test_every_data_set_is_found_with_its_values_and_units():
    readout = Readout.parse(block())
    assert readout == Readout(None, LINES, is_checked=True)
    assert readout.find("1.6.1").values[0] == ("0.012", "kW")
    assert readout.find("9.9.9") is None


def test_the_check_is_the_exclusive_or_of_what_follows_stx():
    assert block_check(b"\x03") == 3
    assert block_check(b"!\r\n\x03") == 0x21 ^ 0x0D ^ 0x0A ^ 0x03


def test_a_captured_readout_begins_with_its_identification():
    captured = b"/LGZ4\\2ZMD\r\n" + block()
    assert Readout.parse(captured) == Readout(Identification("LGZ", "4", ("2",), "ZMD"), LINES, True)
    assert Readout.parse(add_parity(captured)) == Readout.parse(captured)


def test_a_block_without_check_octets_is_read_and_says_so():
    assert Readout.parse(TEXT + b"!\r\n") == Readout(None, LINES, is_checked=False)
    assert Readout.parse(b"/ABC old\r\n\r\n" + TEXT + b"!") == Readout(
        Identification("ABC", " ", (), "old"), LINES, is_checked=False
    )


def test_an_empty_readout_has_no_lines():
    assert Readout.parse(block(b"!\r\n")).lines == ()


@pytest.mark.parametrize("at", range(1, len(TEXT), 7))
def test_a_damaged_block_is_a_crc_error(at):
    damaged = bytearray(block())
    damaged[at] ^= 0x10
    with pytest.raises(ProtocolFault, match="BCC of") as caught:
        Readout.parse(bytes(damaged))
    assert caught.value.error.kind is ErrorKind.CRC


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (block()[1:], "without STX"),
        (block()[:-2], "without ETX"),
        (block()[:-1], "without BCC"),
        (TEXT, "line of ! alone"),
        (TEXT[:40], "line of ! alone"),
        (b"", "line of ! alone"),
        (block(TEXT), "line of ! alone"),
        (b"/AB\r\n" + block(), "three letters"),
    ],
)
def test_a_torn_block_is_a_framing_error(octets, words):
    with pytest.raises(ProtocolFault, match=words) as caught:
        Readout.parse(octets)
    assert caught.value.error.kind is ErrorKind.FRAMING


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"1.8.0(12", "'1.8.0\\(12' came"),
        (b"1.8.0(12)x", "'x' came"),
        (b"1.8.0(1(2))", "value"),
        (b"1.8.0)", "value"),
        (b"1.8\x07(1)", "octet 07 at 12"),
    ],
)
def test_a_line_that_is_no_data_set_is_a_decode_error(line, words):
    with pytest.raises(ProtocolFault, match=words) as caught:
        Readout.parse(block(b"F.F(00)\r\n" + line + b"\r\n!\r\n"))
    assert caught.value.error.kind is ErrorKind.DECODE


@given(st.binary(max_size=300))
def test_any_octets_give_a_readout_or_a_fault(octets):
    for given_octets in (octets, block(octets)):
        with contextlib.suppress(ProtocolFault):
            Readout.parse(given_octets)


class TestBlockReader:
    def fed(self, octets, size):
        reader = BlockReader()
        found = [reader.feed(octets[at : at + size]) for at in range(0, len(octets), size)]
        return [item for item in found if item is not None]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
    def test_a_block_is_found_in_pieces_of_any_size_behind_noise(self, size):
        assert self.fed(b"\x00\x7f\x06050\r\n" + block(), size) == [block()]

    def test_a_start_made_of_noise_is_not_the_start(self):
        assert self.fed(b"\x02\x7f" + block(), 1) == [block()]

    def test_a_check_octet_may_look_like_a_control_character(self):
        for text in (b"!\r\n", b'0(")\r\n!\r\n'):
            checked = text + b"\x03"
            for size in (1, 50):
                assert self.fed(b"\x02" + checked + b"\x02", size) == [b"\x02" + checked + b"\x02"]

    def test_a_lost_start_is_told_as_soon_as_the_end_comes(self):
        with pytest.raises(ProtocolFault, match="ETX came without STX"):
            self.fed(block()[1:], 1)

    def test_a_block_without_check_octets_ends_in_silence(self):
        reader = BlockReader()
        assert reader.feed(TEXT) is None
        assert reader.feed(b"!\r\n") is None
        assert reader.silence() == TEXT + b"!\r\n"

    @pytest.mark.parametrize(
        ("octets", "kind", "words"),
        [
            (b"", ErrorKind.TIMEOUT, "no data block"),
            (block()[:-1], ErrorKind.FRAMING, "before ETX and BCC"),
            (block()[:20], ErrorKind.FRAMING, "before ETX and BCC"),
            (TEXT, ErrorKind.FRAMING, "before its end"),
        ],
    )
    def test_silence_within_a_block_tells_how_far_it_came(self, octets, kind, words):
        reader = BlockReader()
        assert reader.feed(octets) is None
        with pytest.raises(ProtocolFault, match=words) as caught:
            reader.silence()
        assert caught.value.error.kind is kind

    @pytest.mark.parametrize("begin", [b"\x02", b"1"])
    def test_a_block_without_end_is_given_up(self, begin):
        reader = BlockReader(limit=1000)
        assert reader.feed(begin + bytes(999)) is None
        with pytest.raises(ProtocolFault, match="more than 1000 octets"):
            reader.feed(b"1")

    def test_a_flood_costs_time_in_proportion_to_its_octets(self):
        reader = BlockReader()
        reader.feed(b"\x02")
        for _ in range(200_000):  # octet by octet: quadratic search would take minutes
            assert reader.feed(b"1") is None

    @given(st.lists(st.binary(max_size=40), max_size=20))
    def test_any_octets_give_a_block_or_a_fault(self, pieces):
        reader = BlockReader(limit=200)
        with contextlib.suppress(ProtocolFault):
            for piece in pieces:
                reader.feed(piece)
            reader.silence()
