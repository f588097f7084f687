"""WRAPPER: the vectors both ways, the reader in pieces, the link with its pushes and its errors."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.dlms.wrapper import WrapperHeader, WrapperLink, WrapperMessage, WrapperReader
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.link import Broken, Message, Notice, Transmit

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
WRAPPERS = [pytest.param(bytes.fromhex(v["hex"]), id=v["name"]) for v in VECTORS if v["kind"] == "wrapper"]
GET = bytes.fromhex("c001c100080000010000ff0200")


def message(apdu, source=1, destination=16):
    return WrapperMessage(WrapperHeader(source, destination, len(apdu)), apdu).encode()


def broken_by(events):
    (event,) = events
    assert isinstance(event, Broken)
    return event.error


def awaiting(**options):
    link = WrapperLink(16, 1, **options)
    assert link.send(GET) == [Transmit(bytes.fromhex("000100100001000d") + GET)]
    return link


@pytest.mark.parametrize("octets", WRAPPERS)
def test_a_captured_message_goes_both_ways(octets):
    header = WrapperHeader.decode(octets)
    assert header.length == len(octets) - 8
    assert header.encode() == octets[:8]
    (whole,) = WrapperReader().feed(octets)
    assert whole == WrapperMessage(header, octets[8:])
    assert whole.encode() == octets


@pytest.mark.parametrize("octets", WRAPPERS)
def test_a_captured_message_may_come_in_any_pieces(octets):
    for size in (1, 3, 7, 9):
        reader = WrapperReader()
        pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
        assert [whole.encode() for piece in pieces for whole in reader.feed(piece)] == [octets]
        assert not reader.is_waiting
    assert [whole.encode() for whole in WrapperReader().feed(octets * 3)] == [octets] * 3


@pytest.mark.parametrize("octets", WRAPPERS)
def test_no_part_is_taken_for_a_message(octets):
    for end in range(1, len(octets)):
        reader = WrapperReader()
        assert reader.feed(octets[:end]) == []
        assert reader.is_waiting
        assert f"{end} of " in reader.describe()
    reader = WrapperReader()
    assert len(reader.feed(octets + b"\x00")) == 1
    assert reader.is_waiting


def test_a_flipped_bit_of_the_version_is_a_fault():
    for bit in range(16):
        header = bytearray.fromhex("0001001000010000")
        header[bit // 8] ^= 0x80 >> bit % 8
        with pytest.raises(ProtocolFault, match="does the meter speak HDLC"):
            WrapperReader().feed(bytes(header))


@pytest.mark.parametrize("end", range(8))
def test_a_short_header_is_a_fault(end):
    with pytest.raises(ProtocolFault, match="8 octets"):
        WrapperHeader.decode(bytes(8)[:end])


def test_a_header_that_does_not_fit_is_the_programmers_error():
    for header in (WrapperHeader(-1, 1, 1), WrapperHeader(1, 65536, 1), WrapperHeader(1, 1, 65536)):
        with pytest.raises(ValueError, match="0 to 65535"):
            header.encode()


def test_what_came_whole_before_a_fault_is_not_lost():
    reader = WrapperReader()
    assert [whole.apdu for whole in reader.feed(message(b"a") + message(b"bc") + bytes(8))] == [b"a", b"bc"]
    with pytest.raises(ProtocolFault):
        reader.feed(b"")
    assert [whole.apdu for whole in reader.feed(message(b"d"))] == [b"d"]


def test_a_message_longer_than_agreed_is_refused_before_it_comes():
    with pytest.raises(ProtocolFault, match="announces 101 octets"):
        WrapperReader(100).feed(message(bytes(101))[:8])


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_octets_are_messages_or_a_fault(pieces):
    reader = WrapperReader(1000)
    for piece in pieces:
        try:
            reader.feed(b"\x00\x01" + piece)
        except ProtocolFault:
            assert not reader.is_waiting


def test_one_request_has_one_answer():
    link = awaiting()
    assert link.receive(message(b"\xc4\x01")) == [Message(b"\xc4\x01")]
    assert link.send(GET)
    for octet in message(b"\xc4\x02")[:-1]:
        assert link.receive(bytes([octet])) == []
        assert link.timeout == link.inter_octet_timeout
    assert link.receive(b"\x02") == [Message(b"\xc4\x02")]
    assert link.timeout == link.response_timeout


def test_a_push_between_request_and_answer_is_a_notice():
    link = awaiting()
    push = message(b"\x0f\x00", destination=0x66)
    assert link.receive(push + message(b"\xc4\x01")) == [Notice(b"\x0f\x00"), Message(b"\xc4\x01")]
    assert link.receive(push) == [Notice(b"\x0f\x00")]


def test_several_answers_at_once_come_in_order():
    link = awaiting()
    both = message(b"\xc4\x01") + message(b"\xc4\x02")
    assert link.receive(both) == [Message(b"\xc4\x01"), Message(b"\xc4\x02")]


def test_an_empty_message_answers_nothing():
    link = awaiting()
    assert link.receive(message(b"")) == []
    assert link.receive(message(b"\xc4\x01")) == [Message(b"\xc4\x01")]


def test_silence_ends_the_exchange_and_tells_what_came_meanwhile():
    error = broken_by(awaiting().timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "no answer in 10 s (meter's wPort 1, ours 16); a meter is silent to a client" in error.message
    link = awaiting()
    link.receive(message(b"\xc4\x01\xff", destination=17))
    told = broken_by(link.timed_out()).message
    assert "1 messages between other wPorts" in told
    assert "3 octets from wPort 1 to 17, c4 01 ff" in told


def test_half_a_message_is_told_in_octets():
    link = awaiting()
    link.receive(message(b"\xc4\x01\xff")[:-1])
    told = broken_by(link.timed_out()).message
    assert "a message broke off for 5 s: 10 of 11 octets came, beginning with 00 01 00 01 00 10 00 03" in told


def test_what_is_no_wrapper_breaks_a_stream():
    link = awaiting()
    error = broken_by(link.receive(bytes.fromhex("7ea00721031f6be97e")))
    assert error.kind is ErrorKind.FRAMING
    assert "7e a0 07 21 03 1f 6b e9" in error.message
    assert link.receive(message(b"\xc4")) == []
    assert broken_by(link.send(GET)).kind is ErrorKind.STATE
    link.reset()
    assert link.send(GET)
    assert link.receive(message(b"\xc4")) == [Message(b"\xc4")]


def test_an_answer_before_the_fault_is_delivered():
    link = awaiting()
    delivered, broken = link.receive(message(b"\xc4\x01") + bytes(8))
    assert delivered == Message(b"\xc4\x01")
    assert isinstance(broken, Broken)


def test_a_bad_datagram_is_dropped_and_remembered():
    link = awaiting(is_datagram=True)
    assert link.receive(b"\x7e\xa0\x07\x21\x03\x1f\x6b\xe9\x7e") == []
    assert link.receive(message(b"\xc4\x01\x02")[:-1]) == []
    assert link.timeout == link.response_timeout
    assert link.receive(message(b"\xc4\x01")) == [Message(b"\xc4\x01")]
    link.send(GET)
    link.receive(message(b"\xc4\x01\x02")[:-1])
    assert (
        "1 bad datagrams came, the last: a datagram cut short: 10 of 11"
        in broken_by(link.timed_out()).message
    )


def test_misuse_is_the_programmers_error():
    link = awaiting()
    with pytest.raises(RuntimeError, match="still waits"):
        link.send(GET)
    for octets in (b"", bytes(65536)):
        with pytest.raises(ValueError, match="65535"):
            WrapperLink(16, 1).send(octets)
    with pytest.raises(ValueError, match="above 0"):
        WrapperLink(16, 1, response_timeout=0)
    with pytest.raises(ValueError, match="65535"):
        WrapperLink(65536, 1)


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.binary(max_size=20).map(message)), max_size=20),
    st.booleans(),
)
def test_any_octets_give_events(pieces, is_datagram):
    link = WrapperLink(16, 1, is_datagram=is_datagram)
    link.send(GET)
    events = [event for piece in pieces for event in link.receive(piece)]
    assert all(isinstance(event, Message | Notice | Broken) for event in events)
    assert sum(isinstance(event, Broken) for event in events) <= 1
    assert len(link._reader.held) <= 65536 + 8
