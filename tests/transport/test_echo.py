"""The echo canceller drops exactly our own octets, in whatever pieces they come."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.echo import EXPECTED_LIMIT, STRAY_LIMIT, EchoCanceller

FRAME = bytes.fromhex("EE 00 00 00 00 01 20 13 10")
ANSWER = bytes.fromhex("06 EE 00 00 00 00 05 00 00 02 01 00 64 12")


def pieces(octets, cuts):
    edges = sorted({0, len(octets), *(cut % (len(octets) + 1) for cut in cuts)})
    return [octets[a:b] for a, b in itertools.pairwise(edges)]


def heard(canceller, chunks):
    return b"".join(canceller.received(chunk) for chunk in chunks)


def test_without_anything_sent_everything_passes():
    assert EchoCanceller().received(ANSWER) == ANSWER


def test_an_echo_in_one_piece_is_dropped():
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    assert canceller.expected == len(FRAME)
    assert canceller.received(FRAME) == b""
    assert canceller.expected == 0
    assert canceller.received(FRAME) == FRAME


def test_an_echo_and_the_answer_in_one_piece_leave_the_answer():
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    assert canceller.received(FRAME + ANSWER) == ANSWER


@given(st.binary(min_size=1, max_size=40), st.binary(max_size=40), st.lists(st.integers(0, 200), max_size=12))
def test_echo_and_answer_in_any_pieces_leave_the_answer(sent, answer, cuts):
    canceller = EchoCanceller()
    canceller.sent(sent)
    assert heard(canceller, pieces(sent + answer, cuts)) == answer


@given(st.lists(st.binary(min_size=1, max_size=10), min_size=1, max_size=6), st.lists(st.integers(0, 99)))
def test_echoes_of_several_sends_are_dropped_together(sends, cuts):
    canceller = EchoCanceller()
    for octets in sends:
        canceller.sent(octets)
    assert heard(canceller, pieces(b"".join(sends) + b"\x06", cuts)) == b"\x06"


def test_noise_before_the_echo_passes_and_the_echo_is_still_dropped():
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    assert heard(canceller, [b"\x00\xff", FRAME, b"\x06"]) == b"\x00\xff\x06"


@pytest.mark.parametrize("bit", range(8 * len(FRAME)))
def test_a_damaged_echo_is_not_ours_and_passes_whole(bit):
    damaged = bytearray(FRAME)
    damaged[bit // 8] ^= 1 << bit % 8
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    got = heard(canceller, [bytes(damaged[i : i + 1]) for i in range(len(FRAME))])
    assert got + canceller.received(b"\xaa") == bytes(damaged) + b"\xaa"


def test_octets_that_only_begin_like_the_echo_are_given_out_whole():
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    assert canceller.received(FRAME[:4]) == b""
    assert canceller.received(b"\x99") == FRAME[:4] + b"\x99"


def test_without_an_echo_answers_pass_once_too_many_octets_were_strays():
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    assert canceller.received(bytes([0x55]) * (STRAY_LIMIT + 1)) == bytes([0x55]) * (STRAY_LIMIT + 1)
    assert canceller.expected == 0
    assert canceller.received(FRAME) == FRAME


def test_an_echo_that_was_lost_is_forgotten_with_the_next_send():
    canceller = EchoCanceller()
    canceller.sent(FRAME)
    assert canceller.received(b"\x06") == b"\x06"
    canceller.sent(b"\x15")
    assert canceller.received(b"\x15" + FRAME) == FRAME


def test_what_is_expected_is_bounded():
    canceller = EchoCanceller()
    for _ in range(100):
        canceller.sent(bytes(EXPECTED_LIMIT // 4))
    assert canceller.expected <= EXPECTED_LIMIT


@given(st.binary(max_size=60), st.lists(st.binary(max_size=20), max_size=8))
def test_octets_are_only_ever_taken_out_never_changed_or_reordered(sent, chunks):
    canceller = EchoCanceller()
    canceller.sent(sent)
    got, came = heard(canceller, chunks), b"".join(chunks)
    rest = iter(came)
    assert all(octet in rest for octet in got)
    assert len(came) - len(got) <= len(sent)
