"""Octets out of text as people paste it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.pasted import looks_like_text, octets_in, pieces

SNRM = "7ea0070321930f017e"


@pytest.mark.parametrize(
    "text",
    [
        SNRM,
        SNRM.upper(),
        "7E A0 07 03 21 93 0F 01 7E",
        "0x7e, 0xA0, 0x07, 0x03, 0x21, 0x93, 0x0f, 0x01, 0x7e",
        "7e:a0:07:03:21:93:0f:01:7e",
        "7E-A0-07-03-21-93-0F-01-7E",
        "0x7EA0070321930F017E",
        "[0x7E, 0xA0, 0x07, 0x03, 0x21, 0x93, 0x0F, 0x01, 0x7E]",
        r"\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e",
        r"b'~\xa0\x07\x03!\x93\x0f\x01~'",
        "2026-03-01 12:00:01.250 TX: 7E A0 07 03 21 93 0F 01 7E",
        "12:00:01 [DEBUG] sent 9 octets: 7EA0070321930F017E (SNRM)",
        "<- 7E A0 07 03 21 93 0F 01 7E (after 12 ms)",
        "00000000  7e a0 07 03 21 93 0f 01  7e                       |~...!...~|",
        "00000000: 7ea0 0703 2193 0f01 7e                   ~...!...~",
        "0000  7e a0 07 03 21\n0005  93 0f 01 7e",
        '{"time": "2026-03-01T12:00:00Z", "direction": "sent", "hex": "7ea0070321930f017e"}',
        "7EA00703\n21930F017E\n",
        "\ufeff7EA0070321930F017E\r\n",
    ],
)
def test_hex_of_every_usual_spelling_is_read(text):
    assert octets_in(text).hex() == SNRM


def test_a_line_each_is_a_piece_each():
    text = "TX: C0 01 C1 00\nsome words\nRX: C4 01 C1 00\n"
    assert [piece.hex() for piece in pieces(text)] == ["c001c100", "c401c100"]


@pytest.mark.parametrize("text", ["", "hello world", "the meter said c4 and stopped", "at 12:00:01 nothing"])
def test_words_are_no_octets(text):
    assert octets_in(text) == b""


def test_what_a_redactor_took_out_of_a_recording_keeps_its_room():
    line = '{"time": "2026-03-01T12:00:00Z", "direction": "sent", "hex": "aa..c2"}'
    assert octets_in(line).hex() == "aa00c2"


@given(st.text(max_size=200))
def test_any_text_gives_octets_or_none(text):
    assert isinstance(octets_in(text), bytes)


@given(st.binary(max_size=60))
def test_any_content_is_text_or_not(content):
    assert looks_like_text(content) in (True, False)


@given(st.binary(min_size=2, max_size=80))
def test_hex_is_read_back(octets):
    assert octets_in(octets.hex()) == octets
    assert octets_in(octets.hex(" ")) == octets
    assert octets_in(f"RX {octets.hex(' ')}") == octets
