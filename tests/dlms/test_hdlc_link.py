"""The HDLC link, step by step: what goes out and what comes of it, as plain lists of events."""

import pytest

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc.turn import POLL_INTERVAL
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Advanced, Broken, Message
from tests.dlms.hdlc_link_rig import (
    CLIENT,
    GET,
    LLC,
    METER,
    REJ,
    RNR,
    RR,
    I,
    answer,
    broken_by,
    make,
    said,
    ua,
)


def test_one_request_has_one_answer():
    link = make()
    (request,) = link.send(GET)
    frame = HdlcFrame.decode(request.octets)
    assert frame.information == b"\xe6\xe6\x00" + GET
    assert str(frame.control) == "I N(S)=0 N(R)=0 P/F=1"
    assert link.receive(answer(I, 0, 1, LLC + b"\xc4\x01")) == [Message(b"\xc4\x01")]
    assert said(link.send(GET)) == ["I N(S)=1 N(R)=1 P/F=1"]


def test_sequence_numbers_wrap_at_eight():
    link = make()
    for number in range(20):
        assert said(link.send(GET)) == [f"I N(S)={number % 8} N(R)={number % 8} P/F=1"]
        assert link.receive(answer(I, number % 8, (number + 1) % 8, LLC + b"\xc4")) == [Message(b"\xc4")]


def test_a_long_request_goes_in_windows_with_llc_in_front_only():
    link = make(HdlcParameters(128, 5, 1, 3).encode(), parameters=HdlcParameters(128, 128, 7, 7))
    message = bytes(range(100, 119))  # 22 octets with LLC: 5 frames
    events = link.send(message)
    assert said(events) == ["I N(S)=0 N(R)=0 P/F=0 S", "I N(S)=1 N(R)=0 P/F=0 S", "I N(S)=2 N(R)=0 P/F=1 S"]
    assert HdlcFrame.decode(events[0].octets[:16]).information == b"\xe6\xe6\x00" + message[:2]
    assert said(link.receive(answer(RR, receive=3))) == [
        Advanced(), "I N(S)=3 N(R)=0 P/F=0 S", "I N(S)=4 N(R)=0 P/F=1",
    ]  # fmt: skip
    assert link.receive(answer(I, 0, 5, LLC + b"\xc5")) == [Message(b"\xc5")]


def test_frames_lost_within_a_window_go_out_again_from_the_first():
    link = make(HdlcParameters(128, 5, 1, 3).encode(), parameters=HdlcParameters(128, 128, 7, 7))
    link.send(bytes(19))
    assert said(link.receive(answer(RR, receive=1)))[1:] == [
        "I N(S)=1 N(R)=0 P/F=0 S", "I N(S)=2 N(R)=0 P/F=0 S", "I N(S)=3 N(R)=0 P/F=1 S",
    ]  # fmt: skip
    assert said(link.receive(answer(REJ, receive=2)))[1:] == [
        "I N(S)=2 N(R)=0 P/F=0 S", "I N(S)=3 N(R)=0 P/F=0 S", "I N(S)=4 N(R)=0 P/F=1",
    ]  # fmt: skip


def test_a_segmented_answer_is_asked_for_part_by_part():
    link = make()
    link.send(GET)
    assert said(link.receive(answer(I, 0, 1, LLC + b"ab", segmented=True))) == [Advanced(), "RR N(R)=1 P/F=1"]
    assert said(link.receive(answer(I, 1, 1, b"cd", segmented=True))) == [Advanced(), "RR N(R)=2 P/F=1"]
    assert link.receive(answer(I, 2, 1, b"ef")) == [Message(b"abcdef")]


def test_we_are_silent_while_f_is_0():
    link = make(HdlcParameters(128, 128, 3, 1).encode())
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"ab", segmented=True, final=False)) == [Advanced()]
    assert link.receive(answer(I, 1, 1, b"cd", segmented=True, final=False)) == [Advanced()]
    assert said(link.receive(answer(I, 2, 1, b"ef", segmented=True))) == [Advanced(), "RR N(R)=3 P/F=1"]
    assert link.receive(answer(I, 3, 1, b"gh", final=False)) == []
    assert link.receive(answer(RR, receive=1)) == [Message(b"abcdefgh")]


def test_a_meter_that_never_sets_f_is_heard_after_the_time_out():
    link = make()
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"ab", final=False)) == []
    assert link.timed_out() == [Message(b"ab")]


def test_a_window_larger_than_ours_is_taken():
    link = make()
    link.send(GET)
    frames = [answer(I, n, 1, LLC if n == 0 else b"x", segmented=n < 6, final=n == 6) for n in range(7)]
    assert link.receive(b"".join(frames)) == [Advanced()] * 6 + [Message(b"x" * 6)]


def test_a_frame_lost_within_the_meters_window_is_asked_for_again():
    link = make(HdlcParameters(128, 128, 3, 1).encode())
    link.send(GET)
    link.receive(answer(I, 0, 1, LLC + b"ab", segmented=True, final=False))
    assert said(link.receive(answer(I, 2, 1, b"ef"))) == ["RR N(R)=1 P/F=1"]
    link.receive(answer(I, 1, 1, b"cd", segmented=True, final=False))
    assert link.receive(answer(I, 2, 1, b"ef")) == [Message(b"abcdef")]


def test_a_repeated_frame_is_acknowledged_and_not_delivered():
    link = make()
    link.send(GET)
    part = answer(I, 0, 1, LLC + b"ab", segmented=True)
    link.receive(part)
    assert said(link.receive(part)) == ["RR N(R)=1 P/F=1"]
    assert link.receive(answer(I, 1, 1, b"cd")) == [Message(b"abcd")]
    assert link.receive(answer(I, 1, 1, b"cd")) == []


def test_a_lost_answer_is_asked_for_and_the_request_is_not_repeated():
    link = make()
    link.send(GET)
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    assert link.receive(answer(I, 0, 1, LLC + b"ab")) == [Message(b"ab")]


def test_only_a_request_that_did_not_arrive_is_repeated_with_its_number():
    link = make()
    request = link.send(GET)
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    assert link.receive(answer(RR, receive=0)) == request
    assert link.receive(answer(I, 0, 1, LLC + b"ab")) == [Message(b"ab")]


def test_an_answer_left_over_from_a_crossed_question_repeats_nothing():
    link = make()
    link.send(GET)
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    slow = answer(I, 0, 1, LLC + b"ab")
    assert link.receive(slow) == [Message(b"ab")]
    link.send(GET)
    assert (
        link.receive(answer(RR, receive=1)) == []
    )  # the answer to the RR before; says nothing of this request
    assert link.receive(answer(I, 1, 2, LLC + b"cd")) == [Message(b"cd")]


def test_a_request_that_never_arrives_is_told():
    link = make(retries=2)
    link.send(GET)
    events = link.timed_out()
    for _ in range(20):
        if isinstance(events[0], Broken):
            break
        events = link.receive(answer(RR, receive=0))
    error = broken_by(events)
    assert error.kind is ErrorKind.PROTOCOL
    assert "no acknowledgement of I frame N(S)=0, 1 of 1 of the request" in error.message


def test_a_meter_at_work_is_asked_again_without_haste():
    link = make()
    link.send(GET)
    assert said(link.receive(answer(RR, receive=1))) == ["RR N(R)=0 P/F=1"]
    assert said(link.receive(answer(RR, receive=1))) == ["RR N(R)=0 P/F=1"]
    assert link.receive(answer(RR, receive=1)) == []
    pauses = [link.timeout]
    for answered in (RNR, RR, RNR, RNR):
        assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
        assert link.receive(answer(answered, receive=1)) == []
        pauses.append(link.timeout)
    assert pauses == [0.2, 0.4, 0.8, POLL_INTERVAL, POLL_INTERVAL]
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    assert link.receive(answer(I, 0, 1, LLC + b"ab")) == [Message(b"ab")]


def test_a_busy_meter_gets_the_next_window_when_it_is_ready():
    link = make(HdlcParameters(128, 10, 1, 1).encode())
    link.send(bytes(12))
    assert link.receive(answer(RNR, receive=1)) == [Advanced()]
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    assert said(link.receive(answer(RR, receive=1))) == ["I N(S)=1 N(R)=0 P/F=1"]


def test_a_meter_that_stays_busy_is_given_up():
    link = make()
    link.send(GET)
    for _ in range(200):
        events = link.receive(answer(RNR, receive=1)) or link.timed_out()
        if isinstance(events[0], Broken):
            break
    assert "RNR (busy)" in broken_by(events).message


@pytest.mark.parametrize(
    ("frame", "kind", "words"),
    [
        (answer(HdlcFrameType.DM), ErrorKind.STATE, "answers DM"),
        (answer(HdlcFrameType.FRMR), ErrorKind.PROTOCOL, "without saying why"),
        (
            answer(HdlcFrameType.FRMR, information=bytes([0x93, 0x22, 0x01])),
            ErrorKind.PROTOCOL,
            "rejects control octet 93 with V(S)=1 V(R)=1: unknown or unexpected control octet (93 22 01)",
        ),
    ],
)
def test_a_refusal_in_mid_exchange_is_told_in_words(frame, kind, words):
    link = make()
    link.send(GET)
    error = broken_by(link.receive(frame))
    assert error.kind is kind
    assert words in error.message
    assert not link.is_connected


def test_the_echo_of_our_own_frames_is_dropped():
    link = HdlcLink(CLIENT, METER, retries=0)
    (snrm,) = link.connect()
    assert link.receive(snrm.octets + ua()) == [Message(b"")]
    (request,) = link.send(GET)
    assert link.receive(request.octets) == []
    assert link.receive(answer(I, 0, 1, LLC + b"ab")) == [Message(b"ab")]
    (request,) = link.send(GET)
    link.receive(request.octets)
    assert "our own frame once: the line echoes" in broken_by(link.timed_out()).message


def test_frames_between_others_are_left_alone_and_remembered():
    link = make(retries=0)
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"ab", source=HdlcAddress(1, 18))) == []
    assert link.receive(answer(I, 0, 1, LLC + b"ab", to=HdlcAddress(1))) == []
    message = broken_by(link.timed_out()).message
    assert "2 frames between other stations, the last: I N(S)=0 N(R)=1 P/F=1 from 1/17 to 1" in message
    assert "check client and server address" in message


def test_a_caller_who_waits_for_more_is_served():
    link = make()
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"\xc2")) == [Message(b"\xc2")]  # an event, and no answer
    assert said(link.timed_out()) == ["RR N(R)=1 P/F=1"]
    assert link.receive(answer(I, 1, 1, LLC + b"\xc4")) == [Message(b"\xc4")]


def test_an_llc_header_with_nothing_behind_it_is_no_message_and_the_answer_is_asked_for():
    link = make()
    link.send(GET)
    assert said(link.receive(answer(I, 0, 1, LLC))) == ["RR N(R)=1 P/F=1"]
    assert link.receive(answer(I, 1, 1, LLC + b"\xc4")) == [Message(b"\xc4")]


def test_noise_is_skipped_or_fatal_as_told():
    link = make()
    link.send(GET)
    assert link.receive(b"\x00\x55") == []
    assert link.receive(answer(I, 0, 1, LLC + b"ab")) == [Message(b"ab")]
    link = make(skip_noise=False)
    assert link.receive(b"\x00\x55") == []  # nothing asked
    link.send(GET)
    error = broken_by(link.receive(b"\x00\x55"))
    assert error.kind is ErrorKind.FRAMING
    assert "first 00 55" in error.message


def test_endless_noise_breaks_the_exchange():
    link = make()
    link.send(GET)
    error = broken_by([event for _ in range(20) for event in link.receive(b"\x55" * 1000)])
    assert error.kind is ErrorKind.FRAMING


def test_our_request_is_never_shown_in_an_error():
    link = make(retries=0)
    link.send(b"a secret password")
    link.receive(b"secret password")
    message = broken_by(link.timed_out()).message
    assert "like our own" in message
    assert b"secret".hex(" ") not in message


def test_an_endless_answer_is_cut():
    link = make(max_message_size=1000)
    link.send(GET)
    for number in range(20):
        events = link.receive(answer(I, number % 8, 1, bytes(100), segmented=True))
        if isinstance(events[-1], Broken):
            break
    assert "max_message_size" in broken_by(events).message


def test_an_acknowledgement_of_what_was_never_sent_is_not_believed():
    link = make(retries=0)
    link.send(GET)
    assert link.receive(answer(I, 0, 5, LLC + b"ab")) == []
    error = broken_by(link.timed_out())
    assert error.kind is ErrorKind.PROTOCOL
    assert "acknowledging what was never sent" in error.message


def test_the_time_out_is_short_within_a_frame_only():
    link = make(response_timeout=4.0, inter_octet_timeout=0.25)
    link.send(GET)
    assert link.timeout == 4.0
    octets = answer(I, 0, 1, LLC + b"ab")
    link.receive(octets[:9])
    assert link.timeout == 0.25
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]  # the frame broke off
    assert link.timeout == 4.0
    link.receive(octets[:-1])
    assert link.timed_out() == [Message(b"ab")]  # only its flag was missing


def test_octets_may_come_one_by_one():
    link = make()
    link.send(GET)
    octets = answer(I, 0, 1, LLC + b"ab", segmented=True)
    events = [event for octet in octets for event in link.receive(bytes([octet]))]
    assert said(events) == [Advanced(), "RR N(R)=1 P/F=1"]


@pytest.mark.parametrize("window", [1, 7])
def test_a_frame_that_came_again_leaves_the_answer_to_our_question_due(window):
    own = HdlcParameters(128, 128, 1, window)
    link = make(HdlcParameters(128, 128, window, 1).encode(), parameters=own)
    assert link.negotiated == own
    link.send(GET)
    part = answer(I, 0, 1, LLC + b"ab", segmented=True)
    link.receive(part)
    assert said(link.receive(part)) == ["RR N(R)=1 P/F=1"]
    last = answer(I, 1, 1, b"cd")
    assert link.receive(last) == [Message(b"abcd")]
    link.send(GET)
    assert link.receive(last) == []  # answers the second of the two questions, and nothing of this request
    assert link.receive(answer(I, 2, 2, LLC + b"ef")) == [Message(b"ef")]


def test_a_frame_that_comes_again_is_answered_at_once_each_time():
    link = make(retries=3)
    link.send(GET)
    part = answer(I, 0, 1, LLC + b"ab", segmented=True)
    link.receive(part)
    for _ in range(3):
        assert said(link.receive(part)) == ["RR N(R)=1 P/F=1"]


def test_an_event_that_acknowledges_a_part_of_the_request_is_progress():
    link = make(HdlcParameters(128, 10, 1, 1).encode())
    link.send(bytes(12))
    assert link.receive(answer(I, 0, 1, LLC + b"\xc2", final=False)) == [Advanced()]


def test_after_the_pause_the_meter_has_the_usual_time():
    link = make(response_timeout=4.0)
    link.send(GET)
    assert link.receive(answer(RNR, receive=1)) == []
    assert link.timeout == 0.1
    assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    assert link.timeout == 4.0
    for _ in range(3):
        assert said(link.timed_out()) == ["RR N(R)=0 P/F=1"]
    assert "silence 4 times" in broken_by(link.timed_out()).message


def test_what_follows_a_message_is_asked_for_at_once_where_the_caller_knows_better():
    link = make(response_timeout=4.0)
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"\xc2")) == [Message(b"\xc2")]  # an event, and no answer
    assert said(link.ask_on()) == ["RR N(R)=1 P/F=1"]
    assert link.timeout == 4.0
    with pytest.raises(RuntimeError, match=r"^nothing can follow: there was no Message$"):
        link.ask_on()
    assert link.receive(answer(I, 1, 1, LLC + b"\xc4")) == [Message(b"\xc4")]
    with pytest.raises(RuntimeError, match=r"^nothing can follow: there was no Message$"):
        HdlcLink(CLIENT, METER).ask_on()


def test_what_needs_no_answer_goes_in_ui_frames_and_leaves_the_numbers_alone():
    link = make(HdlcParameters(128, 10, 1, 1).encode())
    message = bytes(range(100, 109))  # 12 octets with LLC: 2 frames
    (sent,) = link.send_unconfirmed(message)
    assert said([sent]) == ["UI P/F=0 S", "UI P/F=0"]
    first = HdlcFrame.decode(sent.octets[: 2 + sent.octets[2]])
    assert first.information == b"\xe6\xe6\x00" + message[:7]
    assert said(link.send(b"\xc0")) == ["I N(S)=0 N(R)=0 P/F=1"]


def test_what_needs_no_answer_waits_for_a_connection_and_for_its_turn():
    assert broken_by(HdlcLink(CLIENT, METER).send_unconfirmed(GET)) == MeterError(
        ErrorKind.STATE, "there is no HDLC connection: connect() first"
    )
    link = make()
    with pytest.raises(ValueError, match=r"^a message has 1 octet or more$"):
        link.send_unconfirmed(b"")
    link.send(GET)
    with pytest.raises(RuntimeError, match=r"^the last request still waits for its answer$"):
        link.send_unconfirmed(GET)
