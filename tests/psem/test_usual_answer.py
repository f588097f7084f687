"""The short way of the usual answer, its ACK and one packet in one piece, says what the long way says."""

import pytest

from meterkit.codec.crc import crc16_wire
from meterkit.link import Message
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import encode_packet
from meterkit.psem.packet_reader import PacketReader
from tests.psem.link_rig import ACK, FIRST, MULTI, TOGGLE

REQUEST = b"\x30\x08\x98"
DATA = b"\x00\x00\x04NES \xfa"
ANSWER = b"\x06" + encode_packet(0, TOGGLE, 0, DATA)
LONGEST = b"\x06" + encode_packet(0, TOGGLE, 0, bytes(56))


class LongWay(PsemLink):
    """The same link without the short way."""

    def _usual_answer(self, octets):
        return None


def asked(kind, **options):
    link = kind(**options)
    link.send(b"\x20")
    assert link.receive(b"\x06" + encode_packet(options.get("identity", 0), 0, 0, b"\x00"))[-1] == Message(
        b"\x00"
    )
    link.send(REQUEST)
    return link


def said(link, octets):
    """All that one can see of a link that is given octets, then silence, and then has another exchange."""
    events = [link.receive(octets), link.timeout, link.timed_out(), link.timeout]
    try:
        events.append(link.send(REQUEST))
    except RuntimeError as busy:
        events.append(str(busy))
    return [*events, link.receive(b"\x06" + encode_packet(0, 0, 0, b"\x00\x00")), link.timeout]


def odd_answers():
    yield from (ANSWER[:end] for end in range(len(ANSWER)))
    yield from (ANSWER + tail for tail in (b"\x06", b"\x15", b"\xee", b"\x00", ANSWER))
    for bit in range(8 * len(ANSWER)):
        flipped = bytearray(ANSWER)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    for control in (0, FIRST | TOGGLE, MULTI | TOGGLE, MULTI | FIRST, 0x01, 0x03 | TOGGLE, 0x1C):
        yield from (b"\x06" + encode_packet(0, control, sequence, DATA) for sequence in (0, 1))
    yield b"\x06" + encode_packet(5, TOGGLE, 0, DATA)
    yield b"\x06" + encode_packet(0, 0, 0, b"\x00")  # repeated: toggle bit and CRC of the answer before
    yield b"\x06" + encode_packet(0, 0, 0, REQUEST)  # the line's echo
    yield b"\x06" + encode_packet(0, TOGGLE, 0, REQUEST)
    yield b"\x06" + encode_packet(0, TOGGLE, 0, bytes(57))  # longer than was agreed
    yield LONGEST
    yield b"\x06\xee\x00\x20\x00\x00\x00\x00\x00"  # no data
    for length in (6, 8, 9):  # announced, where 7 octets of data came
        packet = b"\xee\x00\x20\x00\x00" + bytes([length]) + DATA
        yield b"\x06" + packet + crc16_wire(packet)


@pytest.mark.parametrize("identity", [0, 5])
@pytest.mark.parametrize("octets", [ANSWER, *odd_answers()], ids=lambda octets: octets.hex() or "nothing")
def test_whatever_comes_both_ways_say_the_same(octets, identity):
    short, long = asked(PsemLink, identity=identity), asked(LongWay, identity=identity)
    assert said(short, octets) == said(long, octets)


@pytest.mark.parametrize(
    "before",
    [
        b"\x00",
        b"\x06",
        b"\x15",
        b"\xee",
        b"\xee\x00\x00",
        ANSWER[:5],
        LONGEST[1:20],
        bytes(5),
        bytes(6),
        bytes(7),
    ],
)
def test_octets_that_came_before_are_not_forgotten(before):
    short, long = asked(PsemLink), asked(LongWay)
    assert short.receive(before) == long.receive(before)
    assert said(short, ANSWER) == said(long, ANSWER)


def test_an_answer_to_half_a_request_is_none():
    links = [kind() for kind in (PsemLink, LongWay)]
    for link in links:
        link.configure(64, 2)
        link.send(bytes(100))
    short, long = (link.receive(ANSWER) for link in links)
    assert short == long


@pytest.mark.parametrize("octets", [ANSWER, LONGEST])
def test_a_reader_takes_an_ack_and_one_whole_packet(octets):
    reader = PacketReader()
    assert reader.lone_answer(octets) == octets[1:]
    assert not reader.is_waiting
    link = asked(PsemLink)
    assert link.receive(octets) == [ACK, Message(octets[7:-2])]


@pytest.mark.parametrize("octets", [octets for octets in odd_answers() if len(octets) != len(ANSWER)])
def test_what_a_reader_does_not_take_it_leaves_for_the_long_way(octets):
    reader, other = PacketReader(), PacketReader()
    if reader.lone_answer(octets) is None:
        assert reader.feed(octets) == other.feed(octets)
        assert reader.silence() == other.silence()
