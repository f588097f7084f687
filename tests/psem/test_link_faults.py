"""The client's link on a line with faults: damage, noise, echoes, other devices."""

import pytest

from meterkit.errors import ErrorKind
from meterkit.link import Broken, Message
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import PsemFrame
from tests.psem.link_rig import ACK, NAK, answer, asked, broken


def test_a_damaged_answer_is_refused_and_its_repetition_taken():
    link, _ = asked()
    packet = answer(b"\x00\x01", toggle=1)
    assert link.receive(b"\x06" + packet[:-1] + b"\x00") == [NAK]
    assert link.timeout == 6.0
    assert link.receive(packet) == [ACK, Message(b"\x00\x01")]


def test_no_nak_goes_out_while_octets_still_come():
    link, _ = asked()
    packet = answer(b"\x00\x01\x02\x03\x04\x05\x06\x15\xee", toggle=1)
    cut_length = packet[:5] + b"\x02" + packet[6:]
    assert link.receive(b"\x06" + cut_length) == []
    assert link.timeout == 0.5
    assert link.receive(b"\x01\x02") == []
    assert link.timed_out() == [NAK]
    assert link.receive(packet)[0] == ACK


def test_a_nak_sent_too_early_is_not_sent_twice():
    link, _ = asked()
    packet = answer(bytes(20), toggle=1)
    link.receive(b"\x06")
    cut_length = packet[:5] + b"\x02" + packet[6:]
    events = [event for octet in cut_length for event in link.receive(bytes([octet]))]
    assert events == [NAK]
    assert link.timed_out() == []
    assert link.receive(packet) == [ACK, Message(bytes(20))]


def test_a_broken_off_answer_is_refused_after_the_intercharacter_timeout():
    link, _ = asked()
    packet = answer(b"\x00\x01", toggle=1)
    assert link.receive(b"\x06" + packet[:7]) == []
    assert link.timeout == 0.5
    assert link.timed_out() == [NAK]
    assert link.timeout == 6.0
    error = broken(link.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "after our NAK no repetition" in error.message
    assert "announces 10 octets in all, 7 came" in error.message


def test_damage_without_end_breaks_with_what_came():
    link, _ = asked()
    damaged = answer(b"\x00\x01", toggle=1)[:-1] + b"\x00"
    assert link.receive(b"\x06") == []
    for _ in range(3):
        assert link.receive(damaged) == [NAK]
    error = broken(link.receive(damaged))
    assert error.kind is ErrorKind.CRC
    assert "no intact packet in 4 tries" in error.message
    assert "ee 00 20 00 00 02" in error.message


def test_noise_before_acknowledgement_and_answer_is_skipped():
    link, _ = asked()
    assert link.receive(b"\x00\x55\xff\x06") == []
    assert link.receive(b"\x55\x00" + answer(toggle=1)) == [ACK, Message(b"\x00")]


def test_noise_is_fatal_where_none_is_to_be_expected():
    link, _ = asked(skip_noise=False)
    error = broken(link.receive(b"HTTP/1.1 400\r\n"))
    assert error.kind is ErrorKind.FRAMING
    assert "expected ACK (06) or a packet (ee), got stray octets, first 48 54 54 50 2f" in error.message
    assert link.receive(b"\x06" + answer(toggle=1)) == []


def test_damage_is_not_noise_even_where_noise_is_fatal():
    link, _ = asked(skip_noise=False)
    packet = answer(bytes(20), toggle=1)
    assert link.receive(b"\x06" + packet[:5] + b"\x02" + packet[6:]) == []
    assert link.timed_out() == [NAK]
    assert link.receive(packet) == [ACK, Message(bytes(20))]


@pytest.mark.parametrize(
    "junk", [b"\x00", b"\x55\xee", b"\xee\x00\x00\x00\x00\x30", b"\x06", b"\x15\x00", b"\xff" * 50]
)
def test_endless_junk_ends_and_needs_no_memory(junk):
    link, _ = asked()
    link.receive(b"\x06")
    events = []
    for _ in range(3000):
        events += link.receive(junk)
        assert len(link._reader._buffer) <= 64
        if events and isinstance(events[-1], Broken):
            break
    error = broken(events)
    assert error.kind is ErrorKind.FRAMING
    assert len(error.message) < 500


def test_an_echo_of_our_own_packet_is_dropped():
    link, sent = asked()
    assert link.receive(sent.octets) == []
    assert link.receive(b"\x06" + answer(toggle=1)) == [ACK, Message(b"\x00")]


def test_a_line_that_only_echoes_says_so():
    link, sent = asked()
    for _ in range(3):
        assert link.receive(sent.octets) == []
        assert link.timed_out() == [sent]
    link.receive(sent.octets)
    error = broken(link.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "our own packet 4 times: the line echoes" in error.message


def test_no_error_shows_what_was_sent():
    password = b"SECRET-PASSWORD-1234"
    for spoil in (lambda o: o[1:], lambda o: o[:-1] + b"\x00", lambda o: o[:20], lambda o: o[9:]):
        link, sent = asked(b"\x51" + password)
        events = []
        for _ in range(200):
            events += link.receive(spoil(sent.octets))
            events += link.timed_out()
            if events and isinstance(events[-1], Broken):
                break
        message = broken(events).message
        for i in range(len(password) - 3):
            assert password[i : i + 4].hex(" ") not in message


def test_identity_zero_takes_packets_of_any_identity():
    link, _ = asked(identity=0)
    assert link.receive(b"\x06" + answer(toggle=1, identity=5)) == [ACK, Message(b"\x00")]


def test_another_identity_takes_its_own_only():
    link = PsemLink(identity=7)
    (sent,) = link.send(b"\x20")
    assert PsemFrame.decode(sent.octets).identity == 7
    assert link.receive(b"\x06" + answer(identity=5)) == []
    assert "1 from identity 5" in broken(link.timed_out()).message
    link.send(b"\x20")
    assert link.receive(b"\x06" + answer(identity=7)) == [ACK, Message(b"\x00")]
