"""The meter's end of the data link, without time and without a meter behind it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.crc import crc16_wire
from meterkit.emulator.meter_link import ACK, NAK, ChannelSettings, Delivered, MeterLink
from meterkit.link import Broken, Message, Transmit

IDENTIFY = bytes.fromhex("ee0000000001201310")  # captured; vectors/psem.json identify_request
OK_TOGGLE_0 = bytes.fromhex("ee0000000001001131")
OK_TOGGLE_1 = bytes.fromhex("ee0020000001008051")


def packet(data, toggle=0, sequence=0, flags=0, identity=0):
    head = bytes((0xEE, identity, flags | toggle << 5, sequence, len(data) >> 8, len(data) & 255)) + data
    return head + crc16_wire(head)


def test_a_good_packet_is_acknowledged_at_once_and_delivered():
    assert MeterLink().receive(IDENTIFY) == [Transmit(ACK), Message(b"\x20")]


def test_a_packet_arrives_octet_by_octet():
    link = MeterLink()
    events = [event for octet in IDENTIFY for event in link.receive(bytes((octet,)))]
    assert events == [Transmit(ACK), Message(b"\x20")]
    assert link.timeout == math.inf


def test_half_a_packet_is_naked_after_the_intercharacter_timeout():
    link = MeterLink()
    assert link.receive(IDENTIFY[:5]) == []
    assert link.timeout == 0.5
    assert link.timed_out() == [Transmit(NAK)]
    assert link.receive(IDENTIFY) == [Transmit(ACK), Message(b"\x20")]


@pytest.mark.parametrize("bit", range(8 * len(IDENTIFY)))
def test_one_bit_turned_over_is_never_taken_for_a_good_packet(bit):
    octets = bytearray(IDENTIFY)
    octets[bit // 8] ^= 1 << bit % 8
    link = MeterLink()
    events = link.receive(bytes(octets))
    if link.timeout != math.inf:
        events += link.timed_out()
    assert not [event for event in events if isinstance(event, Message)]
    assert link.receive(IDENTIFY) == [Transmit(ACK), Message(b"\x20")]


def test_a_bad_crc_is_naked_at_once_when_the_line_is_quiet():
    bad = bytes.fromhex("ee0000000001201311")  # vectors/psem.json bad_crc_must_be_nakked
    assert MeterLink().receive(bad) == [Transmit(NAK)]


def test_a_bad_packet_with_more_behind_it_is_naked_once_when_the_line_is_quiet():
    link = MeterLink()
    assert link.receive(IDENTIFY[:-1] + b"\x11\x06\x15\x01\x02") == []
    assert link.receive(b"\x06\x15") == []
    assert link.timed_out() == [Transmit(NAK)]
    assert link.timeout == math.inf


def test_a_start_octet_in_noise_does_not_lose_the_packet_behind_it():
    noise = b"\x55\x00\xee\x00\x00\x00\x40\x00"
    assert MeterLink().receive(noise + IDENTIFY) == [Transmit(ACK), Message(b"\x20")]


def test_a_packet_longer_than_negotiated_is_naked():
    link = MeterLink()
    assert link.receive(packet(bytes(57))) == []
    assert link.timed_out() == [Transmit(NAK)]
    link.settings = ChannelSettings(packet_size=128)
    assert link.receive(packet(bytes(57))) == [Transmit(ACK), Message(bytes(57))]


def test_a_c1222_packet_is_naked():
    link = MeterLink()
    assert link.receive(packet(b"\x20", flags=1)) == []
    assert link.timed_out() == [Transmit(NAK)]


def test_the_same_toggle_and_crc_is_a_duplicate_acknowledged_and_dropped():
    link = MeterLink()
    link.receive(OK_TOGGLE_1)
    assert link.receive(OK_TOGGLE_1) == [Transmit(ACK)]


def test_the_same_toggle_with_another_crc_is_no_duplicate():
    link = MeterLink()
    link.receive(packet(b"\x50"))
    assert link.receive(packet(b"\x51")) == [Transmit(ACK), Message(b"\x51")]


def test_the_other_toggle_with_the_same_data_is_no_duplicate():
    link = MeterLink()
    link.receive(OK_TOGGLE_0)
    assert link.receive(OK_TOGGLE_1) == [Transmit(ACK), Message(b"\x00")]


def test_identify_again_is_a_new_start_once_its_answer_arrived():
    link = MeterLink()
    link.receive(IDENTIFY)
    link.send(b"\x00")
    assert link.receive(IDENTIFY) == [Transmit(ACK)]  # the client missed our ACK
    assert link.receive(ACK) == [Delivered()]
    assert link.receive(IDENTIFY) == [Transmit(ACK), Message(b"\x20")]


def test_response_packets_flip_the_toggle_bit():
    link = MeterLink()
    link.receive(IDENTIFY)
    assert link.send(b"\x00") == [Transmit(OK_TOGGLE_0)]
    link.receive(ACK)
    link.receive(packet(b"\x21", toggle=1))
    assert link.send(b"\x00") == [Transmit(OK_TOGGLE_1)]


def test_a_nak_resends_the_same_packet():
    link = MeterLink()
    link.send(b"\x00")
    assert link.receive(NAK) == [Transmit(OK_TOGGLE_0)]
    assert link.receive(ACK) == [Delivered()]


def test_a_doubled_nak_counts_once():
    link = MeterLink()
    link.send(b"\x00")
    for _ in range(3):
        assert link.receive(NAK + NAK) == [Transmit(OK_TOGGLE_0)]
    assert link.receive(ACK) == [Delivered()]


def test_a_doubled_ack_does_not_skip_a_packet():
    link = MeterLink(ChannelSettings(max_packets=3))
    link.send(bytes(150))
    assert link.receive(ACK + ACK) == [Transmit(packet(bytes(56), 1, 1, 0x80))]


def test_silence_resends_three_times_and_then_breaks_the_link():
    link = MeterLink()
    link.send(b"\x00")
    for _ in range(3):
        assert link.timeout == 2.0
        assert link.timed_out() == [Transmit(OK_TOGGLE_0)]
    (broken,) = link.timed_out()
    assert isinstance(broken, Broken)
    assert "4 times" in str(broken.error)
    assert link.timeout == math.inf


def test_a_stray_ack_or_nak_means_nothing():
    assert MeterLink().receive(ACK + NAK + ACK) == []


def test_a_long_response_goes_packet_by_packet():
    link = MeterLink(ChannelSettings(packet_size=64, max_packets=3))
    data = bytes(range(150))
    events = link.send(data)
    packets = []
    while events != [Delivered()]:
        (event,) = events
        packets.append(event.octets)
        events = link.receive(ACK)
    assert packets == [
        packet(data[:56], 0, 2, 0xC0),
        packet(data[56:112], 1, 1, 0x80),
        packet(data[112:], 0, 0, 0x80),
    ]


def test_a_response_too_long_for_the_channel_is_the_programs_mistake():
    with pytest.raises(ValueError, match="57 octets do not fit a channel of 56"):
        MeterLink().send(bytes(57))


def test_a_long_request_is_acknowledged_packet_by_packet_and_delivered_once():
    link = MeterLink(ChannelSettings(max_packets=3))
    assert link.receive(packet(b"a" * 56, 0, 2, 0xC0)) == [Transmit(ACK)]
    assert link.receive(packet(b"b" * 56, 1, 1, 0x80)) == [Transmit(ACK)]
    assert link.receive(packet(b"b" * 56, 1, 1, 0x80)) == [Transmit(ACK)]  # repeated
    assert link.receive(packet(b"c", 0, 0, 0x80)) == [Transmit(ACK), Message(b"a" * 56 + b"b" * 56 + b"c")]


@pytest.mark.parametrize(
    "second", [packet(b"b", 1, 0, 0x80), packet(b"b", 1, 2, 0x80)], ids=["skipped", "repeated number"]
)
def test_a_request_packet_out_of_order_is_naked(second):
    link = MeterLink(ChannelSettings(max_packets=4))
    link.receive(packet(b"a", 0, 2, 0xC0))
    assert link.receive(second) == [Transmit(NAK)]


def test_more_packets_than_negotiated_are_naked():
    link = MeterLink(ChannelSettings(max_packets=2))
    assert link.receive(packet(b"a", 0, 2, 0xC0)) == [Transmit(NAK)]


def test_a_new_request_replaces_half_a_request():
    link = MeterLink(ChannelSettings(max_packets=3))
    link.receive(packet(b"a", 0, 2, 0xC0))
    assert link.receive(packet(b"\x21", 1)) == [Transmit(ACK), Message(b"\x21")]
    assert link.receive(packet(b"c", 0, 1, 0x80)) == [Transmit(NAK)]


def test_a_new_request_shows_that_the_last_response_arrived():
    link = MeterLink()
    link.receive(IDENTIFY)
    link.send(b"\x00")
    assert link.receive(packet(b"\x21", 1)) == [Delivered(), Transmit(ACK), Message(b"\x21")]


def test_any_identity_is_echoed():
    link = MeterLink()
    link.receive(bytes.fromhex("ee0500000001209404"))  # vectors/psem.json identify_identity5_esp
    (event,) = link.send(b"\x00")
    assert event.octets[1] == 5


def test_a_packet_for_another_device_is_left_alone():
    link = MeterLink(identity=7)
    assert link.receive(packet(b"\x20", identity=5)) == []
    assert link.receive(packet(b"\x20", identity=7)) == [Transmit(ACK), Message(b"\x20")]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=80), max_size=8))
def test_any_octets_are_survived_in_bounded_memory(chunks):
    link = MeterLink(ChannelSettings(max_packets=2))
    for chunk in chunks:
        link.receive(chunk)
        if link.timeout != math.inf:
            link.timed_out()
    assert link.timeout == math.inf
    assert link.receive(IDENTIFY)[:1] == [Transmit(ACK)]
