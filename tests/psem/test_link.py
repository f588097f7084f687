"""The client's link, rule by rule: acknowledgement, repetition, toggle bits, reassembly, noise, silence."""

import json
from pathlib import Path

import pytest

from meterkit.errors import ErrorKind
from meterkit.link import Link, Message, Transmit
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import PsemFrame, encode_packet
from tests.psem.link_rig import ACK, FIRST, MULTI, TOGGLE, answer, asked, broken, started

VECTORS = {
    v["name"]: v for v in json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
}


def test_it_is_a_link():
    link: Link = PsemLink()
    assert link.timeout > 0


def test_a_session_of_captured_frames_runs_as_captured():
    link = PsemLink()
    for request, response in (
        ("identify_request", "identify_response_c1218_1996"),
        ("negotiate_request_1baud_1024x128", "negotiate_response_1024x128_9600"),
    ):
        sent, message = (VECTORS[name]["expected"]["decoded"][-1]["data"] for name in (request, response))
        assert link.send(bytes.fromhex(sent)) == [Transmit(bytes.fromhex(VECTORS[request]["hex"]))]
        assert link.receive(bytes.fromhex(VECTORS[response]["hex"])) == [ACK, Message(bytes.fromhex(message))]


def test_the_toggle_bit_flips_with_every_packet_across_messages():
    link = PsemLink()
    toggles = []
    for number in range(4):
        (sent,) = link.send(b"\x20")
        toggles.append(PsemFrame.decode(sent.octets).control.is_toggled)
        link.receive(b"\x06" + answer(toggle=number % 2))
    assert toggles == [False, True, False, True]
    link.reset()
    assert not PsemFrame.decode(link.send(b"\x20")[0].octets).control.is_toggled


def test_the_first_answer_after_reset_may_carry_either_toggle_bit():
    for toggle in (0, 1):
        link = started()
        link.reset()
        link.send(b"\x20")
        assert link.receive(b"\x06" + answer(toggle=toggle)) == [ACK, Message(b"\x00")]


def test_an_answer_may_come_octet_by_octet():
    link, _ = asked()
    events = []
    for octet in b"\x06" + answer(b"\x00\x01\x02", toggle=1):
        events += link.receive(bytes([octet]))
    assert events == [ACK, Message(b"\x00\x01\x02")]


def idle():
    return started()


def waiting(**options):
    return asked(**options)[0]


def sending():
    link = started()
    link.configure(64, 2)
    link.send(bytes(100))
    return link


def answering():
    link = waiting()
    link.receive(b"\x06")
    return link


@pytest.mark.parametrize("make", [PsemLink, idle, waiting, sending, answering])
@pytest.mark.parametrize("flags", [0, FIRST, MULTI, MULTI | FIRST, 1, 0x10])
@pytest.mark.parametrize("sequence", [0, 1])
@pytest.mark.parametrize("data", [b"\x00", b"\x00\x00\x01\x00\x00", b"\x30\x00\x01"])
def test_an_ack_and_a_packet_in_one_piece_mean_what_they_mean_octet_by_octet(make, flags, sequence, data):
    for toggle in (0, 1):
        whole, dripping = make(), make()
        octets = b"\x06" + answer(data, toggle=toggle, flags=flags, sequence=sequence)
        events = [event for octet in octets for event in dripping.receive(bytes([octet]))]
        assert whole.receive(octets) == events
        assert whole.timeout == dripping.timeout
        follower = answer(data, toggle=1 - toggle)
        assert whole.receive(octets + follower) == dripping.receive(octets + follower)


@pytest.mark.parametrize("own", [5, TOGGLE])  # one that looks like a control octet, too
@pytest.mark.parametrize("toggle", [0, 1])
@pytest.mark.parametrize("identity", [0, 5, 6, TOGGLE])
def test_of_which_device_an_answer_is_does_not_hang_on_how_it_comes(own, toggle, identity):
    octets = b"\x06" + answer(identity=identity, toggle=toggle)
    whole, dripping = PsemLink(identity=own), PsemLink(identity=own)
    for link in (whole, dripping):
        link.send(b"\x20")
    events = [event for octet in octets for event in dripping.receive(bytes([octet]))]
    assert whole.receive(octets) == events
    assert (Message(b"\x00") in events) is (identity == own)


def test_an_echo_behind_an_ack_is_dropped():
    link, sent = asked()
    assert link.receive(b"\x06" + sent.octets) == []
    assert link.receive(answer(toggle=1)) == [ACK, Message(b"\x00")]


def test_a_nak_resends_the_same_packet():
    link, sent = asked()
    assert link.receive(b"\x15") == [sent]
    assert link.receive(b"\x06" + answer(toggle=1))[-1] == Message(b"\x00")


def test_silence_resends_the_same_packet_and_then_breaks_with_a_why():
    link, sent = asked()
    assert link.timeout == 2.0
    for _ in range(3):
        assert link.timed_out() == [sent]
    error = broken(link.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "4 tries (silence 4 times)" in error.message
    assert "optical head" in error.message


def test_naks_without_end_break_as_damage():
    link, sent = asked(retries=2)
    assert link.receive(b"\x15") == [sent]
    assert link.timed_out() == [sent]
    error = broken(link.receive(b"\x15"))
    assert error.kind is ErrorKind.CRC
    assert "silence once; NAK 2 times" in error.message


def test_no_retries_means_one_try():
    link, _ = asked(retries=0)
    assert broken(link.timed_out()).kind is ErrorKind.TIMEOUT


def test_after_the_acknowledgement_nothing_is_sent_again():
    link, _ = asked()
    assert link.receive(b"\x06") == []
    assert link.timeout == 6.0
    assert link.receive(b"\x15") == []
    error = broken(link.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "the meter acknowledged the request but sent no answer in 6 s" in error.message
    assert "1 ACK or NAK when none was due" in error.message


def test_the_time_to_wait_is_always_current():
    link = started(response_timeout=2, intercharacter_timeout=0.5, answer_timeout=6)
    assert link.timeout == 6
    link.send(b"\x20")
    assert link.timeout == 2
    link.receive(b"\x06")
    assert link.timeout == 6
    packet = answer(b"\x00\x01", toggle=1)
    link.receive(packet[:1])
    assert link.timeout == 0.5
    link.receive(packet[1:])
    assert link.timeout == 6


def test_a_long_message_goes_packet_by_packet_each_acknowledged_before_the_next():
    link = started()
    link.configure(64, 3)
    message = bytes(range(56)) * 2 + b"end"
    (sent,) = link.send(message)
    frames = [PsemFrame.decode(sent.octets)]
    for _ in range(2):
        (sent,) = link.receive(b"\x06")
        frames.append(PsemFrame.decode(sent.octets))
    assert link.receive(b"\x06") == []
    assert b"".join(frame.data for frame in frames) == message
    assert [frame.sequence for frame in frames] == [2, 1, 0]
    assert [frame.control.encode() for frame in frames] == [MULTI | FIRST | TOGGLE, MULTI, MULTI | TOGGLE]
    assert link.receive(answer(toggle=1)) == [ACK, Message(b"\x00")]


def test_a_nak_in_a_long_message_resends_that_packet_only():
    link = started()
    link.configure(64, 2)
    link.send(bytes(100))
    (second,) = link.receive(b"\x06")
    assert link.receive(b"\x15") == [second]
    assert link.timed_out() == [second]
    assert link.receive(b"\x06") == []


def test_every_packet_of_a_long_answer_is_acknowledged_and_the_message_is_whole():
    vector = VECTORS["multi_packet_read_19_frames"]
    link = started()
    link.configure(64, 19)
    link.send(b"\x30\x00\xc8")
    link.receive(b"\x06")
    frames = vector["expected"]["decoded"][1:]
    events = []
    for number, frame in enumerate(frames):
        # The meter's toggle bit was 0 in the exchange before; this capture begins with 0 again.
        packet = encode_packet(0, frame["ctrl"], frame["seq"], bytes.fromhex(frame["data"]))
        came = link.receive(packet)
        assert came[0] == ACK
        assert len(came) == (2 if number == 18 else 1)
        events += came
    assert events[-1] == Message(b"".join(bytes.fromhex(frame["data"]) for frame in frames))


def test_a_repeated_packet_is_acknowledged_again_and_delivered_once():
    octets = bytes.fromhex(VECTORS["duplicate_frame"]["hex"])
    link = PsemLink()
    link.send(b"\x21")
    assert link.receive(b"\x06" + octets) == [ACK, Message(b"\x00"), ACK]


def test_a_repetition_of_the_last_answer_is_no_answer_to_the_next_request():
    link, sent = asked()
    stale = answer(b"\x00\x00\x01\x00\x00")
    assert link.receive(stale) == [ACK]
    assert link.timed_out() == [sent]
    assert link.receive(b"\x06" + stale) == [ACK]
    assert link.receive(answer(b"\x00new", toggle=1)) == [ACK, Message(b"\x00new")]


def test_the_same_toggle_bit_with_another_crc_is_a_new_packet():
    link, _ = asked()
    assert link.receive(b"\x06" + answer(b"\x00new", toggle=0)) == [ACK, Message(b"\x00new")]


def with_crc_of(packet, *, toggle):
    """The one packet with two octets of data that has the CRC of another."""
    packets = (answer(number.to_bytes(2, "big"), toggle=toggle) for number in range(1 << 16))
    return next(each for each in packets if each[-2:] == packet[-2:])


def test_the_crc_of_the_packet_before_with_the_other_toggle_bit_is_a_new_packet():
    link, _ = asked()
    new = with_crc_of(answer(b"\x00\x00\x01\x00\x00"), toggle=1)
    assert link.receive(b"\x06" + new) == [ACK, Message(new[6:-2])]


def test_a_repetition_is_known_by_toggle_bit_and_crc_alone():
    link, _ = asked()
    same = with_crc_of(answer(b"\x00\x00\x01\x00\x00"), toggle=0)
    assert link.receive(b"\x06" + same) == [ACK]


def test_an_answer_whose_acknowledgement_was_lost_is_taken():
    link, _ = asked()
    assert link.receive(answer(b"\x00new", toggle=1)) == [ACK, Message(b"\x00new")]


def test_a_packet_before_the_first_acknowledgement_of_a_session_is_stale():
    link = PsemLink()
    (sent,) = link.send(b"\x20")
    assert link.receive(answer(b"\x00\x00\x02\xaa\xbb\x9b")) == [ACK]
    assert link.timeout == 2.0
    assert link.timed_out() == [sent]
    assert link.receive(b"\x06" + answer(b"\x00\x00\x01\x00\x00", toggle=1))[-1] == Message(
        b"\x00\x00\x01\x00\x00"
    )


def test_a_packet_while_our_message_is_still_going_out_is_stale():
    link = started()
    link.configure(64, 2)
    link.send(bytes(100))
    assert link.receive(answer(b"\x00old", toggle=1)) == [ACK]
    assert len(link.receive(b"\x06")) == 1


def test_the_middle_of_a_message_before_our_acknowledgement_is_stale():
    link = started()
    link.configure(64, 4)
    link.send(b"\x20")
    assert link.receive(answer(b"old", toggle=1, flags=MULTI, sequence=1)) == [ACK]


def test_what_comes_between_exchanges_is_acknowledged_and_dropped():
    link = started()
    assert link.receive(answer(b"\x00late", toggle=1)) == [ACK]
    assert link.receive(b"\x00\x06\x15\x55") == []
    assert link.receive(answer()[:-1] + b"\x00") == []
    assert link.timed_out() == []


def test_packets_that_answer_nothing_without_end_break_the_link():
    link, _ = asked()
    stale = answer(b"\x00\x00\x01\x00\x00")
    for _ in range(11):
        assert link.receive(stale) == [ACK]
    error = broken(link.receive(stale))
    assert error.kind is ErrorKind.PROTOCOL
    assert "12 repeated (same toggle bit and CRC)" in error.message


def test_another_data_format_breaks_the_link():
    link, _ = asked()
    error = broken(link.receive(b"\x06" + answer(toggle=1, flags=1)))
    assert error.kind is ErrorKind.PROTOCOL
    assert "data format 1 (1 is C12.22)" in error.message


def test_a_lone_packet_with_the_first_flag_is_tolerated():
    link, _ = asked()
    assert link.receive(b"\x06" + answer(toggle=1, flags=FIRST)) == [ACK, Message(b"\x00")]


@pytest.mark.parametrize(
    ("packets", "why"),
    [
        ([(0, 3)], "a lone packet has sequence 0, not 3"),
        ([(FIRST, 2)], "a lone packet has sequence 0, not 2"),
        ([(MULTI, 2)], "it continues a message whose first packet never came"),
        ([(MULTI | FIRST, 4)], "it begins a message of 5 packets, at most 4 were agreed"),
        ([(MULTI | FIRST, 3), (MULTI, 1)], "with sequence 2 was to come next"),
        ([(MULTI | FIRST, 3), (MULTI, 3)], "with sequence 2 was to come next"),
        ([(MULTI | FIRST, 3), (MULTI | FIRST, 2)], "without FIRST"),
        ([(MULTI | FIRST, 3), (0, 0)], "with MULTI"),
    ],
)
def test_packets_out_of_order_break_the_link(packets, why):
    link = started()
    link.configure(64, 4)
    link.send(b"\x30\x00\x01")
    link.receive(b"\x06")
    events = []
    for number, (flags, sequence) in enumerate(packets):
        events = link.receive(
            answer(bytes([number]), toggle=(number + 1) % 2, flags=flags, sequence=sequence)
        )
    error = broken(events)
    assert error.kind is ErrorKind.PROTOCOL
    assert why in error.message


def test_a_message_of_one_packet_marked_as_first_of_several_is_whole():
    link, _ = asked()
    assert link.receive(b"\x06" + answer(toggle=1, flags=MULTI | FIRST)) == [ACK, Message(b"\x00")]


def test_a_missing_packet_says_which():
    link = started()
    link.configure(64, 4)
    link.send(b"\x30\x00\x01")
    link.receive(b"\x06" + answer(b"a", toggle=1, flags=MULTI | FIRST, sequence=2))
    assert link.timeout == 6.0
    assert "packet 2 of the answer's 3 did not come in 6 s" in broken(link.timed_out()).message


def test_a_broken_link_is_deaf_until_the_next_message():
    link, _ = asked(retries=0)
    broken(link.timed_out())
    assert link.receive(answer(toggle=1)) == []
    assert link.timed_out() == []
    assert len(link.send(b"\x21")) == 1
    assert link.receive(b"\x06" + answer(toggle=1)) == [ACK, Message(b"\x00")]


def test_a_meter_that_never_flips_its_toggle_bit_is_named_when_it_fails():
    link, _ = asked(b"\x50")
    assert link.receive(b"\x06" + answer()) == [ACK, Message(b"\x00")]
    link.send(b"\x51")
    assert link.receive(b"\x06" + answer()) == [ACK]
    assert "never flips its toggle bit" in broken(link.timed_out()).message


def test_a_stale_packet_that_comes_again_is_known():
    link = PsemLink()
    link.send(b"\x20")
    stale = answer(b"\x00\x07", toggle=1)
    assert link.receive(stale) == [ACK]
    assert link.receive(b"\x06" + stale) == [ACK]
    assert link.receive(answer(b"\x00"))[-1] == Message(b"\x00")
