"""What the client's link tells an engineer when it gives up: whole messages, with every count in them."""

from meterkit.errors import ErrorKind
from meterkit.psem.link import PsemLink
from tests.psem.link_rig import ACK, FIRST, MULTI, NAK, answer, asked, broken, damaged, started

NOT_ACKNOWLEDGED = "11 octets not acknowledged in 1 tries"
POWER = "check the meter's power, the wiring or the position of the optical head, and the baud rate"
SILENT = "the meter acknowledged the request but sent no answer in 6 s"


def told(events, kind):
    """The message of the error that ends the events, which is of this kind."""
    error = broken(events)
    assert error.kind is kind
    return error.message


def test_an_answer_that_never_came_is_told_without_anything_that_did_not_happen():
    link, _ = asked()
    link.receive(b"\x06")
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == SILENT


def test_packets_that_came_again_are_counted_and_may_mean_a_toggle_bit_that_never_flips():
    link, _ = asked()
    link.receive(b"\x06")
    for _ in range(2):
        assert link.receive(answer(b"\x00\x00\x01\x00\x00")) == [ACK]
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == (
        f"{SILENT} (2 repeated (same toggle bit and CRC); "
        "a meter that never flips its toggle bit looks like this)"
    )


def test_packets_of_other_devices_are_counted():
    link = PsemLink(identity=7, retries=0)
    link.send(b"\x20\x00\x01")
    for identity in (5, 6, 5):
        assert link.receive(answer(identity=identity)) == []
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == (
        f"{NOT_ACKNOWLEDGED} (silence once; 3 from identity 5); {POWER}"
    )


def test_packets_left_over_from_an_earlier_request_are_counted():
    link = PsemLink(retries=0)
    link.send(b"\x20\x00\x01")
    for number in range(3):
        assert link.receive(answer(bytes([number]), flags=MULTI, sequence=1)) == [ACK]
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == (
        f"{NOT_ACKNOWLEDGED} (silence once; 3 left over from an earlier request); {POWER}"
    )


def test_damaged_packets_are_counted_and_the_last_of_them_is_shown():
    link, _ = asked(retries=1)
    link.receive(b"\x06")
    assert link.receive(damaged(answer(b"a", toggle=1))) == [NAK]
    spoilt = damaged(answer(b"bc", toggle=1))
    assert told(link.receive(spoilt), ErrorKind.CRC) == (
        "no intact packet in 2 tries (2 damaged, the last: packet ee 00 20 00 00 02 with 2 octets of data "
        f"ends in CRC {spoilt[-2:].hex(' ')} where {answer(b'bc', toggle=1)[-2:].hex(' ')} was expected); "
        "check the head, the baud rate and 8N1"
    )


def test_a_message_that_goes_on_without_having_begun_is_told_with_its_header():
    link, _ = asked()
    link.receive(b"\x06")
    assert told(link.receive(answer(b"a", toggle=1, flags=MULTI, sequence=2)), ErrorKind.PROTOCOL) == (
        "packet ee 00 a0 02 00 01: it continues a message whose first packet never came"
    )


def test_a_packet_out_of_turn_is_told_with_the_one_that_was_to_come():
    link = started()
    link.configure(64, 4)
    link.send(b"\x30\x00\x01")
    link.receive(b"\x06" + answer(b"a", toggle=1, flags=MULTI | FIRST, sequence=3))
    assert told(link.receive(answer(b"b", flags=MULTI, sequence=1)), ErrorKind.PROTOCOL) == (
        "packet ee 00 80 01 00 01: a packet with MULTI, without FIRST and with sequence 2 was to come next"
    )
