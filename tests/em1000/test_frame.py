"""Frames both ways: the public ones, any cut of them, noise, damage, and the traps of a false start."""

from binascii import crc_hqx
from itertools import combinations, combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.em1000 import BadCrc, Frame, FrameDecoder, Skipped, crc, encode, frame
from tests.em1000.vectors import FRAMES, OBSERVED, PAYLOADS, STRAY, STREAM, VECTORS


def decode(*pieces, is_over=True, **settings):
    decoder = FrameDecoder(**settings)
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.idle() if is_over else events


def payloads(events):
    return [event.payload for event in events if isinstance(event, Frame)]


def skipped(events):
    return b"".join(event.octets for event in events if isinstance(event, Skipped))


def told(events):
    """All octets the events account for, in their order."""
    return b"".join(event.octets for event in events if not isinstance(event, BadCrc))


@pytest.mark.parametrize("vector", OBSERVED, ids=lambda vector: vector["name"])
def test_an_observed_frame_reads_and_writes(vector):
    octets, payload = bytes.fromhex(vector["hex"]), bytes.fromhex(vector["payload"])
    assert encode(payload) == octets
    assert decode(octets) == [Frame(0, payload)]
    assert Frame(0, payload).octets == octets


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_decodes_or_is_skipped(vector):
    octets = bytes.fromhex(vector["hex"])
    events = decode(octets)
    if vector["payload"] is None:
        assert payloads(events) == []
        assert skipped(events) == octets
    else:
        assert payloads(events) == [bytes.fromhex(vector["payload"])]


@pytest.mark.parametrize(
    ("payload", "octets"),
    [
        ("00", "aa01003133"),
        ("ff", "aa01ffc12d"),
        ("313233343536373839", "aa09313233343536373839cd14"),
        (bytes(range(16)).hex(), "aa10000102030405060708090a0b0c0d0e0f3c4f"),
    ],
)
def test_a_computed_frame_reads_and_writes(payload, octets):
    assert encode(bytes.fromhex(payload)).hex() == octets
    assert payloads(decode(bytes.fromhex(octets))) == [bytes.fromhex(payload)]


def test_the_longest_frame_has_255_octets_of_payload():
    octets = encode(bytes(range(255)))
    assert octets[-2:].hex() == "99c5"
    assert len(octets) == 259
    assert decode(octets) == [Frame(0, bytes(range(255)))]


def test_the_check_is_xmodem_over_length_and_payload_low_octet_first():
    assert crc(b"123456789") == 0x31C3  # the catalogue's check value of CRC-16/XMODEM
    for octets in FRAMES:
        assert crc(octets[1:-2]) == crc_hqx(octets[1:-2], 0) == int.from_bytes(octets[-2:], "little")


@pytest.mark.parametrize("size", [0, 256, 1000])
def test_a_payload_that_one_octet_of_length_cannot_say_is_refused(size):
    with pytest.raises(ValueError, match=f"1 to 255 octets, not {size}"):
        encode(bytes(size))


def test_the_observed_stream_decodes_whole():
    events = decode(STREAM)
    assert payloads(events) == PAYLOADS
    assert skipped(events) == STRAY
    assert [event.at for event in events] == [0, 5, 18, 20, 30, 41]


def test_all_two_cut_chunkings_of_the_stream_decode_alike():
    cuts = list(combinations_with_replacement(range(len(STREAM) + 1), 2))
    assert len(cuts) == 1128
    for a, b in cuts:
        events = decode(STREAM[:a], STREAM[a:b], STREAM[b:])
        assert payloads(events) == PAYLOADS
        assert skipped(events) == STRAY


def test_the_stream_decodes_octet_by_octet_and_with_a_tail():
    events = decode(*(STREAM[at : at + 1] for at in range(len(STREAM))))
    assert payloads(events) == PAYLOADS
    assert skipped(events) == STRAY
    events = decode(STREAM + b"\xaa\x10tail")
    assert payloads(events) == PAYLOADS
    assert skipped(events) == STRAY + b"\xaa\x10tail"


def test_a_frame_is_told_of_as_soon_as_it_is_whole():
    decoder = FrameDecoder()
    assert decoder.feed(FRAMES[0][:-1]) == []
    assert decoder.held == FRAMES[0][:-1]
    assert decoder.feed(FRAMES[0][-1:]) == [Frame(0, b"\x0f")]
    assert decoder.held == b""


def test_a_false_start_swallows_the_answer_until_the_line_is_quiet():
    decoder = FrameDecoder()
    assert decoder.feed(b"\xaa\xc8" + FRAMES[3]) == []
    assert decoder.idle() == [Skipped(0, b"\xaa\xc8"), Frame(2, PAYLOADS[3])]
    assert decoder.idle() == []
    assert decoder.feed(FRAMES[4]) == [Frame(13, PAYLOADS[4])]


def test_a_false_start_whose_octets_came_gives_back_every_frame_inside():
    events = decode(b"\xaa\xc8" + FRAMES[3] * 30, is_over=False)
    assert payloads(events)[:18] == [PAYLOADS[3]] * 18
    assert isinstance(events[0], BadCrc)
    assert (events[0].at, events[0].length) == (0, 0xC8)


def test_a_bad_check_is_told_with_what_came_and_what_would_have_fitted():
    events = decode(bytes.fromhex("aa010fdec3"))
    assert events == [BadCrc(0, 1, 0xC3DE, 0xC2DE), Skipped(0, bytes.fromhex("aa010fdec3"))]


def test_octets_without_a_payload_are_no_frame_unless_asked_for():
    empty = bytes(1) + crc(bytes(1)).to_bytes(2, "little")
    assert b"\xaa" + empty == b"\xaa\x00\x00\x00"
    assert decode(b"\xaa" + empty) == [Skipped(0, b"\xaa\x00\x00\x00")]
    assert decode(b"\xaa" + empty, accepts_empty=True) == [Frame(0, b"")]


@pytest.mark.parametrize("piece", [1, 100, 65536])
def test_sync_octets_without_end_take_linear_work_and_bounded_room(monkeypatch, piece):
    checked = []

    def counting(octets, start):
        checked.append(len(octets))
        return crc_hqx(octets, start)

    monkeypatch.setattr(frame, "crc_hqx", counting)
    decoder, found = FrameDecoder(), []
    for _ in range(0, 65536, piece):
        found += decoder.feed(b"\xaa" * piece)
        assert len(decoder.held) <= 259
    assert skipped(found + decoder.idle()).startswith(b"\xaa" * 65536)
    # every octet begins one candidate at most, and every candidate is checked once
    assert len(checked) <= 65536 + piece
    assert set(checked) == {1 + 0xAA}


@pytest.mark.parametrize("sent", FRAMES, ids=[vector["name"] for vector in OBSERVED])
def test_one_to_three_flipped_bits_never_decode_as_a_frame_of_the_same_length(sent):
    whole = int.from_bytes(sent, "big")
    bits = [1 << at for at in range(8 * len(sent))]
    decoder = FrameDecoder()
    for count in (1, 2, 3):
        for flipped in combinations(bits, count):
            octets = (whole ^ sum(flipped)).to_bytes(len(sent), "big")
            for event in decoder.feed(octets) + decoder.idle():
                assert not isinstance(event, Frame) or len(event.payload) != len(sent) - 4, octets.hex()


sync_rich = st.lists(st.sampled_from(b"\xaa\x00\x01\x02\xff") | st.integers(0, 255), min_size=1, max_size=60)


@given(st.lists(sync_rich.map(bytes), max_size=6))
def test_payloads_with_sync_octets_inside_survive_the_way_there_and_back(messages):
    assert payloads(decode(b"".join(map(encode, messages)))) == messages


@given(st.lists(sync_rich.map(bytes), max_size=8), st.booleans())
def test_every_octet_comes_back_once_and_in_order_whatever_the_pieces(pieces, end):
    stream = b"".join(pieces)
    decoder = FrameDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    assert told(events) + decoder.held == stream
    assert told(events + decoder.idle()) == stream
    assert decoder.held == b""
    assert payloads(events) == payloads(decode(stream, is_over=False))


@given(st.binary(max_size=600))
def test_any_octets_are_accounted_for(octets):
    events = decode(octets)
    assert told(events) == octets
    at = 0
    for event in events:
        if not isinstance(event, BadCrc):
            assert event.at == at
            at += len(event.octets)
