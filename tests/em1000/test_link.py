"""The link as a machine: what it says to octets and to silence, with plain lists and no clock."""

import pytest

from meterkit.em1000 import Em1000Link, encode
from meterkit.errors import ErrorKind
from meterkit.link import Broken, Message, Transmit
from tests.em1000.vectors import FRAMES, PAYLOADS

REQUEST, CHALLENGE, RESPONSE, ACCEPTED, REFUSED = FRAMES


def asked(**settings):
    link = Em1000Link(**settings)
    assert link.send(PAYLOADS[0]) == [Transmit(REQUEST)]
    return link


def broken(events):
    (event,) = events
    assert isinstance(event, Broken)
    return event.error


def test_one_frame_out_and_one_back():
    link = asked()
    assert link.receive(CHALLENGE[:4]) == []
    assert link.receive(CHALLENGE[4:]) == [Message(PAYLOADS[1])]


def test_it_waits_less_long_within_a_frame():
    link = asked(response_timeout=3.0, idle_gap=0.25)
    assert link.timeout == 3.0
    link.receive(CHALLENGE[:4])
    assert link.timeout == 0.25
    link.receive(CHALLENGE[4:])
    assert link.timeout == 3.0


def test_a_false_start_is_given_up_in_silence_and_the_answer_found_behind_it():
    link = asked()
    assert link.receive(b"\xaa\xc8" + CHALLENGE) == []
    assert link.timed_out() == [Message(PAYLOADS[1])]
    assert link.take_noise() == (b"\xaa\xc8", 0)


def test_a_torn_answer_is_given_up_and_then_there_is_none():
    link = asked()
    link.receive(CHALLENGE[:-1])
    assert link.timed_out() == []
    error = broken(link.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "12 octet(s) came that are no frame" in error.message
    assert "AA 09" not in error.message  # a challenge, if a torn one, is secret


def test_octets_that_are_no_answer_are_shown_where_they_hold_no_secret():
    link = Em1000Link()
    link.send(b"\x42")
    link.receive(b"\x55\x66")
    assert broken(link.timed_out()).message.endswith(": 55 66")


def test_nothing_is_ever_sent_twice():
    link = asked()
    assert link.receive(b"\xff") == []
    assert all(not isinstance(event, Transmit) for event in link.timed_out())


def test_silence_breaks_the_link_and_asks_about_the_head():
    error = broken(asked(response_timeout=2.0).timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "no answer within 2 s: nothing came" in error.message
    assert "baud rate" in error.message
    assert error.where == "exchange 0F"


def test_answers_that_come_damaged_are_told_apart_from_silence():
    link = Em1000Link()
    link.send(b"\x42")
    link.receive(bytes.fromhex("aa01fd830c"))
    error = broken(link.timed_out())
    assert error.kind is ErrorKind.CRC
    assert "AA 01 FD 83 0C" in error.message


def test_noise_after_a_response_is_not_shown_because_it_may_be_its_echo():
    link = Em1000Link()
    link.send(PAYLOADS[2])
    link.receive(RESPONSE[:-1])
    link.timed_out()
    assert "BE 3B" not in broken(link.timed_out()).message


def test_the_echo_is_dropped_once_and_exactly():
    link = asked(echo=True)
    assert link.receive(REQUEST + CHALLENGE) == [Message(PAYLOADS[1])]
    assert link.take_noise() == (b"", 0)


def test_an_echo_that_does_not_come_costs_nothing():
    assert asked(echo=True).receive(CHALLENGE) == [Message(PAYLOADS[1])]


def test_an_echo_nobody_asked_for_is_no_answer_and_the_error_says_what_to_do():
    error = broken(asked().receive(REQUEST + CHALLENGE))
    assert error.kind is ErrorKind.PROTOCOL
    assert "echo=True" in error.message


def test_what_comes_behind_an_answer_answers_nothing():
    link = asked()
    assert link.receive(CHALLENGE + b"\xff\xff" + REFUSED) == [Message(PAYLOADS[1])]
    assert link.take_noise() == (b"\xff\xff" + REFUSED, 0)
    assert link.receive(REFUSED) == []


@pytest.mark.parametrize("cut", range(1, len(ACCEPTED)))
def test_an_answer_to_the_past_is_never_taken_for_the_next(cut):
    link = asked()
    link.receive(CHALLENGE)
    link.discard(ACCEPTED[:cut])
    link.send(PAYLOADS[2])
    assert link.receive(ACCEPTED[cut:]) == []
    assert link.receive(REFUSED) == [Message(PAYLOADS[4])] or link.timed_out() == [Message(PAYLOADS[4])]


def test_noise_is_kept_within_bounds():
    link = asked()
    for _ in range(100):
        link.receive(bytes(1000))
    skipped, _ = link.take_noise()
    assert len(skipped) == 4096


@pytest.mark.parametrize("size", [0, 256])
def test_a_payload_of_a_size_that_cannot_be_sent_is_refused(size):
    with pytest.raises(ValueError, match="1 to 255"):
        Em1000Link().send(bytes(size))


def test_a_reply_of_the_longest_size_passes():
    assert asked().receive(encode(bytes(255))) == [Message(bytes(255))]
