"""The HDLC link, step by step: what goes out and what comes of it, as plain lists of events."""

import pytest

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc.turn import POLL_INTERVAL
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.errors import ErrorKind
from meterkit.link import Advanced, Broken, Message, Notice, Transmit

I, RR, RNR, REJ = HdlcFrameType.INFORMATION, HdlcFrameType.RR, HdlcFrameType.RNR, HdlcFrameType.REJ  # noqa: E741
CLIENT, METER = HdlcAddress(16), HdlcAddress(1, 17)
LLC = b"\xe6\xe7\x00"
GET = bytes.fromhex("c001c100080000010000ff0200")


def said(events):
    """What the link says, frame by frame, in words."""
    told = []
    for event in events:
        if isinstance(event, Transmit):
            octets = event.octets
            while octets:
                size = 2 + ((octets[1] & 7) << 8 | octets[2])
                frame = HdlcFrame.decode(octets[:size])
                assert (frame.source, frame.destination) == (CLIENT, METER)
                told.append(f"{frame.control}{' S' if frame.is_segmented else ''}")
                octets = octets[size:]
        else:
            told.append(event)
    return told


def answer(kind, send=0, receive=0, information=b"", *, final=True, segmented=False, source=METER, to=CLIENT):
    return HdlcFrame(to, source, HdlcControl(kind, final, send, receive), information, segmented).encode()


def ua(information=b""):
    return answer(HdlcFrameType.UA, information=information)


def make(granted=b"", **options):
    link = HdlcLink(CLIENT, METER, **options)
    link.connect()
    link.receive(ua(granted))
    assert link.is_connected
    return link


def broken_by(events):
    (event,) = events
    assert isinstance(event, Broken)
    assert event.error.message
    return event.error


def test_connecting_proposes_and_takes_what_is_granted():
    link = HdlcLink(CLIENT, METER, parameters=HdlcParameters(1024, 512, 3, 7))
    (snrm,) = link.connect()
    assert snrm.octets.hex(" ").startswith("7e a0 21 02 23 21 93")
    assert HdlcParameters.decode(HdlcFrame.decode(snrm.octets).information) == HdlcParameters(1024, 512, 3, 7)
    information = HdlcParameters(256, 128, 2, 1).encode()
    assert link.receive(ua(information)) == [Message(information)]
    assert link.negotiated == HdlcParameters(128, 256, 1, 2)
    assert link.is_connected


@pytest.mark.parametrize(
    ("granted", "negotiated"),
    [
        (b"", HdlcParameters()),
        (bytes.fromhex("818012050180060180070400000001080400000001"), HdlcParameters()),
        (bytes.fromhex("81800e0502009a0602009a070400000001080107")[:19], None),
        (HdlcParameters(2000, 2000, 7, 7).encode(), HdlcParameters(1024, 2000, 3, 7)),
        (HdlcParameters(62, 62, 1, 1).encode(), HdlcParameters(62, 62, 1, 1)),
    ],
    ids=["empty UA", "defaults", "cut", "more than proposed", "less"],
)
def test_a_meter_that_ignores_the_proposal_is_believed(granted, negotiated):
    link = HdlcLink(CLIENT, METER, parameters=HdlcParameters(1024, 1024, 3, 3))
    link.connect()
    events = link.receive(ua(granted))
    if negotiated is None:
        assert broken_by(events).kind is ErrorKind.DECODE
    else:
        assert events == [Message(granted)]
        assert link.negotiated == negotiated


def test_snrm_may_go_without_a_proposal():
    link = HdlcLink(HdlcAddress(16), HdlcAddress(1), parameters=None)
    assert link.connect() == [Transmit(bytes.fromhex("7ea0070321930f017e"))]
    link.receive(bytes.fromhex("7ea01e210373c37a818012050180060180070400000001080400000001533b7e"))
    assert link.is_connected


@pytest.mark.parametrize("refusal", [HdlcFrameType.DM, HdlcFrameType.FRMR])
def test_a_meter_in_the_middle_of_something_is_cleared_by_disc(refusal):
    link = HdlcLink(CLIENT, METER)
    link.connect()
    assert said(link.receive(answer(refusal))) == ["DISC P/F=1"]
    assert said(link.receive(answer(HdlcFrameType.DM))) == ["SNRM P/F=1"]
    assert link.receive(ua()) == [Message(b"")]


def test_a_meter_that_refuses_even_then_is_told_in_words():
    link = HdlcLink(CLIENT, METER)
    link.connect()
    link.receive(answer(HdlcFrameType.FRMR))
    assert said(link.timed_out()) == ["SNRM P/F=1"]
    error = broken_by(link.receive(answer(HdlcFrameType.DM)))
    assert (error.kind, error.code) == (ErrorKind.REFUSED, 0x1F)
    assert "even after DISC: the meter answers DM" in error.message


def test_silence_repeats_snrm_and_then_tells_what_to_check():
    link = HdlcLink(CLIENT, METER, retries=2)
    first = link.connect()
    assert link.timed_out() == first == link.timed_out()
    error = broken_by(link.timed_out())
    assert error.kind is ErrorKind.TIMEOUT
    assert "no UA to SNRM (meter 1/17, client 16; silence 3 times)" in error.message
    assert link.receive(ua()) == []
    assert broken_by(link.send(GET)).kind is ErrorKind.STATE
    assert broken_by(link.enquire()).kind is ErrorKind.STATE


def test_damaged_answers_are_told_as_such():
    link = HdlcLink(CLIENT, METER, retries=0)
    link.connect()
    damaged = bytearray(ua(HdlcParameters().encode()))
    damaged[-4] ^= 1
    assert link.receive(bytes(damaged)) == []
    error = broken_by(link.timed_out())
    assert error.kind is ErrorKind.CRC
    assert "FCS" in error.message


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


def test_a_connection_that_the_meter_closed_in_between_is_noticed():
    link = make()
    assert broken_by(link.receive(answer(HdlcFrameType.DM))).kind is ErrorKind.STATE


def test_an_enquiry_is_answered_by_a_sign_of_life():
    link = make()
    assert said(link.enquire()) == ["RR N(R)=0 P/F=1"]
    assert link.receive(answer(RR, receive=0, final=False)) == []
    assert link.receive(answer(RR, receive=0)) == [Message(b"")]
    link.enquire()
    assert link.receive(answer(RNR, receive=0)) == [Message(b"")]
    link.enquire()
    assert link.receive(answer(I, 0, 0, LLC + b"\xc2")) == [Notice(b"\xc2"), Message(b"")]
    assert said(link.enquire()) == ["RR N(R)=1 P/F=1"]


def test_an_enquiry_into_silence_ends():
    link = make(retries=1)
    link.enquire()
    link.timed_out()
    assert "no answer to RR" in broken_by(link.timed_out()).message


@pytest.mark.parametrize("reply", [ua(), answer(HdlcFrameType.DM)])
def test_disconnecting_ends_with_ua_or_dm(reply):
    link = make()
    assert said(link.disconnect()) == ["DISC P/F=1"]
    assert link.receive(answer(I, 0, 0, b"late")) == []
    assert link.receive(reply) == [Message(b"")]
    assert not link.is_connected


def test_disconnecting_in_mid_exchange_or_after_a_break_is_possible():
    link = make(retries=0)
    link.send(GET)
    assert said(link.disconnect()) == ["DISC P/F=1"]
    assert "neither UA nor DM" in broken_by(link.timed_out()).message
    assert said(link.disconnect()) == ["DISC P/F=1"]
    assert link.receive(ua()) == [Message(b"")]


def test_a_broken_link_connects_anew_with_fresh_numbers():
    link = make(retries=0)
    link.send(GET)
    link.timed_out()
    link.connect()
    link.receive(ua())
    assert said(link.send(GET)) == ["I N(S)=0 N(R)=0 P/F=1"]


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


def test_client_and_meter_with_the_same_number_are_told_apart():
    link = HdlcLink(HdlcAddress(1), HdlcAddress(1))
    (snrm,) = link.connect()
    own = {"source": HdlcAddress(1), "to": HdlcAddress(1)}
    assert link.receive(snrm.octets) == []
    assert link.receive(answer(HdlcFrameType.UA, **own)) == [Message(b"")]
    (request,) = link.send(GET)
    assert link.receive(request.octets) == []
    assert link.receive(answer(I, 0, 1, LLC + b"ab", **own)) == [Message(b"ab")]


def test_frames_between_others_are_left_alone_and_remembered():
    link = make(retries=0)
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"ab", source=HdlcAddress(1, 18))) == []
    assert link.receive(answer(I, 0, 1, LLC + b"ab", to=HdlcAddress(1))) == []
    message = broken_by(link.timed_out()).message
    assert "2 frames between other stations, the last: I N(S)=0 N(R)=1 P/F=1 from 1/17 to 1" in message
    assert "check client and server address" in message


def test_a_meter_called_by_a_group_address_is_then_called_by_its_own():
    link = HdlcLink(CLIENT, HdlcAddress(1, 0x7F))
    link.connect()
    assert link.receive(answer(HdlcFrameType.UA, source=METER)) == [Message(b"")]
    assert link.peer == METER
    assert said(link.send(GET)) == ["I N(S)=0 N(R)=0 P/F=1"]


def test_the_meters_address_may_come_in_another_width():
    link = HdlcLink(CLIENT, METER)
    link.connect()
    assert link.receive(answer(HdlcFrameType.UA, source=HdlcAddress(1, 17, 4))) == [Message(b"")]


def test_what_is_pushed_is_a_notice_with_or_without_llc():
    link = make()
    link.send(GET)
    assert link.receive(answer(HdlcFrameType.UI, information=LLC + b"\x0fpush")) == [Notice(b"\x0fpush")]
    assert link.receive(answer(HdlcFrameType.UI, information=b"\x0fpush")) == [Notice(b"\x0fpush")]
    assert link.receive(answer(HdlcFrameType.UI, information=LLC + b"\x0fpu", segmented=True)) == []
    assert link.receive(answer(HdlcFrameType.UI, information=b"sh")) == [Notice(b"\x0fpush")]
    to_push_client = answer(HdlcFrameType.UI, information=b"\x0f", to=HdlcAddress(0x40))
    assert link.receive(to_push_client) == [Notice(b"\x0f")]
    another_meter = answer(HdlcFrameType.UI, information=b"\x0f", source=HdlcAddress(99), to=HdlcAddress(5))
    assert link.receive(another_meter) == []
    assert link.receive(answer(HdlcFrameType.UI, information=b"\x0f", to=HdlcAddress(0x7F))) == [
        Notice(b"\x0f")
    ]
    assert link.receive(answer(I, 0, 1, LLC + b"ab")) == [Message(b"ab")]


def test_a_listener_without_connection_hears_every_push():
    link = HdlcLink(CLIENT, METER)
    assert link.receive(answer(HdlcFrameType.UI, information=b"\x0f", to=HdlcAddress(21))) == [
        Notice(b"\x0f")
    ]
    kaifa = answer(I, 0, 0, LLC + b"\x0f", source=HdlcAddress(1, 0), to=HdlcAddress(0))
    assert link.receive(kaifa) == [Notice(b"\x0f")]
    assert link.receive(answer(I, 0, 0, LLC + b"\xc4", to=HdlcAddress(21))) == []
    assert link.timed_out() == []


def test_a_caller_who_waits_for_more_is_served():
    link = make()
    link.send(GET)
    assert link.receive(answer(I, 0, 1, LLC + b"\xc2")) == [Message(b"\xc2")]  # an event, and no answer
    assert said(link.timed_out()) == ["RR N(R)=1 P/F=1"]
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


def test_misuse_is_the_programmers_error():
    link = make()
    link.send(GET)
    with pytest.raises(RuntimeError, match="still waits"):
        link.send(GET)
    with pytest.raises(RuntimeError, match="still waits"):
        link.enquire()
    with pytest.raises(ValueError, match="1 octet"):
        make().send(b"")
    for options in ({"retries": -1}, {"response_timeout": 0}, {"inter_octet_timeout": -1.0}):
        with pytest.raises(ValueError, match="time-outs"):
            HdlcLink(CLIENT, METER, **options)
    with pytest.raises(ValueError, match="client address"):
        HdlcLink(METER, METER)


def test_octets_may_come_one_by_one():
    link = make()
    link.send(GET)
    octets = answer(I, 0, 1, LLC + b"ab", segmented=True)
    events = [event for octet in octets for event in link.receive(bytes([octet]))]
    assert said(events) == [Advanced(), "RR N(R)=1 P/F=1"]
