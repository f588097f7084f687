"""The client's link at its limits: sizes, options, what it bears in one exchange, what a reset forgets."""

import pytest

from meterkit.errors import ErrorKind
from meterkit.link import Broken, Message
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import PsemFrame
from tests.psem.link_rig import ACK, FIRST, MULTI, NAK, TOGGLE, answer, asked, broken, damaged, started


def test_capacity_follows_what_was_negotiated():
    link = PsemLink()
    assert (link.packet_size, link.max_packets, link.message_capacity) == (64, 1, 56)
    link.configure(1024, 16)
    assert link.message_capacity == 16256
    link.reset()
    assert link.message_capacity == 56


def test_mistakes_of_the_program_raise():
    link = PsemLink()
    for message in (b"", bytes(57)):
        with pytest.raises(ValueError, match="1 to 56"):
            link.send(message)
    link.send(b"\x20")
    with pytest.raises(RuntimeError, match=r"^the last message still waits for its answer$"):
        link.send(b"\x20")
    for size, packets, told in (
        (63, 1, "packet_size 63: 64 to 8192 octets expected"),
        (8193, 1, "packet_size 8193: 64 to 8192 octets expected"),
        (64, 0, "max_packets 0: 1 to 255 expected"),
        (64, 256, "max_packets 256: 1 to 255 expected"),
    ):
        with pytest.raises(ValueError, match=f"^{told}$"):
            link.configure(size, packets)
    for options in ({"identity": 256}, {"retries": -1}, {"response_timeout": 0}):
        with pytest.raises(ValueError):
            PsemLink(**options)


def test_the_largest_message_goes_out_whole():
    link = started()
    link.configure(8192, 255)
    message = bytes(range(251)) * 8314 + bytes(106)
    assert len(message) == link.message_capacity
    events = link.send(message)
    data = b""
    while events:
        data += PsemFrame.decode(events[0].octets).data
        events = link.receive(b"\x06")
    assert data == message


@pytest.mark.parametrize("identity", [0, 255])
def test_every_identity_of_one_octet_is_taken(identity):
    assert PsemLink(identity=identity).identity == identity


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"identity": -1}, "identity -1: 0 to 255 expected"),
        ({"identity": 256}, "identity 256: 0 to 255 expected"),
        ({"retries": -1}, "retries -1: 0 or more"),
        ({"response_timeout": 0}, "^time-outs are above 0 s$"),
        ({"intercharacter_timeout": 0}, "^time-outs are above 0 s$"),
        ({"answer_timeout": 0}, "^time-outs are above 0 s$"),
    ],
)
def test_options_that_make_no_sense_are_told(options, told):
    with pytest.raises(ValueError, match=told):
        PsemLink(**options)


def flood(link, packets):
    """Feed packets one by one; return the error and the number of the packet that brought it."""
    for number, packet in enumerate(packets, start=1):
        events = link.receive(packet)
        if events and isinstance(events[-1], Broken):
            return events[-1].error, number
    raise AssertionError("nothing ever broke")


def test_a_flood_of_packets_that_are_not_for_us_or_not_new_ends_the_exchange():
    link, sent = asked()
    error, number = flood(link, [sent.octets] * 20)
    assert (error.kind, number) == (ErrorKind.PROTOCOL, 12)
    assert "12 packets and none of them new" in error.message

    link = PsemLink(identity=3)
    link.send(b"\x20")
    error, number = flood(link, [answer(identity=9)] * 20)
    assert (error.kind, number) == (ErrorKind.PROTOCOL, 12)

    link = PsemLink()
    link.send(b"\x20")
    stale = [answer(bytes([number]), flags=MULTI, sequence=1) for number in range(20)]
    error, number = flood(link, stale)
    assert (error.kind, number) == (ErrorKind.PROTOCOL, 12)


def test_a_message_of_two_packets_says_so_in_its_first():
    link = started()
    link.configure(64, 2)
    events = [*link.send(bytes(57)), *link.receive(b"\x06")]
    frames = [PsemFrame.decode(event.octets) for event in events]
    assert [frame.control.encode() for frame in frames] == [MULTI | FIRST | TOGGLE, MULTI]


@pytest.mark.parametrize(("retries", "borne"), [(0, 1024 + 64), (2, 1024 + 3 * 64)])
def test_strays_are_borne_up_to_1024_octets_and_one_packet_for_each_try(retries, borne):
    link, _ = asked(retries=retries)
    link.receive(b"\x06")
    assert link.receive(b"\x15" * borne) == []
    error = broken(link.receive(b"\x15"))
    assert error.kind is ErrorKind.FRAMING
    assert error.message == (
        f"nothing but noise where a packet was expected ({borne + 1} ACK or NAK when none was due); "
        "check the baud rate, 8N1, and what else talks on the line"
    )


def test_larger_packets_let_more_strays_be_borne():
    link = started(retries=1)
    link.configure(512, 1)
    link.send(b"\x20")
    link.receive(b"\x06")
    assert link.receive(b"\x15" * (1024 + 2 * 512)) == []
    assert broken(link.receive(b"\x15")).kind is ErrorKind.FRAMING


def test_each_packet_of_an_answer_may_be_refused_as_often_as_the_first():
    link = started(retries=1)
    link.configure(64, 2)
    link.send(b"\x20")
    link.receive(b"\x06")
    first = answer(b"a", toggle=1, flags=MULTI | FIRST, sequence=1)
    last = answer(b"b", flags=MULTI)
    for packet in (first, last):
        assert link.receive(damaged(packet)) == [NAK]
        assert link.receive(packet)[0] == ACK
    assert link.receive(answer(b"c", toggle=1)) == [ACK]  # and idle again: it came between exchanges


def test_each_packet_of_an_answer_may_come_again_as_often_as_the_first():
    link = started()
    link.configure(64, 2)
    link.send(b"\x20")
    link.receive(b"\x06")
    first = answer(b"a", toggle=1, flags=MULTI | FIRST, sequence=1)
    assert link.receive(first) == [ACK]
    assert link.receive(first * 11) == [ACK] * 11
    assert link.receive(answer(b"b", flags=MULTI)) == [ACK, Message(b"ab")]


def test_a_link_that_was_asked_nothing_yet_acknowledges_and_drops_what_comes():
    link = PsemLink()
    for _ in range(2):
        assert link.receive(answer(b"\x00\x01")) == [ACK]
        assert link.receive(answer(b"\x00\x01")) == [ACK]
        link.send(b"\x20")
        link.reset()


def test_a_reset_forgets_what_was_sent_so_that_it_is_no_echo_any_more():
    link, sent = asked()
    link.reset()
    assert link.receive(sent.octets) == [ACK]


def test_octets_of_an_unfinished_packet_are_forgotten_by_the_next_request():
    link = PsemLink()
    assert link.receive(b"\xee\x00\x00") == []
    link.send(b"\x20")
    assert link.receive(b"\x06" + answer())[-1] == Message(b"\0")


def test_an_answer_that_came_in_one_piece_with_its_ack_is_known_again_when_it_comes_in_pieces():
    link = PsemLink()
    repeated = answer(b"\0\1", toggle=1)
    link.send(b"\x20")
    assert link.receive(b"\x06" + repeated)[-1] == Message(b"\0\1")
    link.send(b"\x21")
    link.receive(b"\x06")
    assert not any(isinstance(event, Message) for event in link.receive(repeated))
