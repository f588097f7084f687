"""What the HDLC link tells an engineer when it gives up: whole messages, with every count in them."""

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.errors import ErrorKind
from tests.dlms.hdlc_link_rig import CLIENT, GET, LLC, METER, RNR, RR, I, answer, broken_by, make, said, ua

WHO = "meter 1/17, client 16"
UNANSWERED = f"the request was acknowledged but not answered ({WHO}"
POWER = (
    "check power, wiring or the optical head, the baud rate, and client and server address "
    "(meters are silent to those they do not know)"
)
ASKED = ["RR N(R)=0 P/F=1"]


def told(events, kind):
    """The message of the error that is the only event, which is of this kind."""
    error = broken_by(events)
    assert error.kind is kind
    return error.message


def silent(link):
    """What the link tells after its only try."""
    return broken_by(link.timed_out()).message


def test_a_request_that_was_acknowledged_only_is_told_as_that():
    link = make(retries=0)
    link.send(GET)
    assert said(link.receive(answer(RR, receive=1))) == ASKED
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == (f"{UNANSWERED}; silence once); {POWER}")


def test_a_meter_that_asks_for_time_is_told_with_every_rnr_and_rr():
    link = make(retries=0)
    link.send(GET)
    for kind in (RNR, RR, RNR, RR, RR):
        assert link.receive(answer(kind, receive=1)) == []
        assert said(link.timed_out()) == ASKED
    assert silent(link) == (
        f"{UNANSWERED}; silence once; RNR (busy) 2 times; RR (no answer yet) 3 times); {POWER}"
    )


def test_an_rr_that_brings_progress_or_asks_for_our_frame_again_is_no_missing_answer():
    link = make(HdlcParameters(128, 5, 1, 1).encode(), retries=3)
    link.send(bytes(5))  # 8 octets with LLC: 2 frames
    link.receive(answer(RR, receive=1))
    assert said(link.timed_out()) == ASKED
    assert said(link.receive(answer(RR, receive=1))) == ["I N(S)=1 N(R)=0 P/F=1"]
    assert said(link.receive(answer(RR, receive=2)))[-1:] == ASKED
    for _ in range(3):
        assert said(link.timed_out()) == ASKED
    assert told(link.timed_out(), ErrorKind.PROTOCOL) == (
        f"{UNANSWERED}; silence 5 times; the meter had not received our I frame once); "
        "the meter's sequence numbers disagree with ours: connect again"
    )


def test_a_request_that_does_not_arrive_is_told_with_how_often_it_went_out_again():
    link = make(retries=2)
    request = link.send(GET)
    assert said(link.timed_out()) == ASKED
    assert link.receive(answer(RR, receive=0)) == request
    assert said(link.receive(answer(RR, receive=0))) == ASKED
    assert link.receive(answer(RR, receive=0)) == request
    assert said(link.receive(answer(RR, receive=0))) == ASKED
    assert told(link.receive(answer(RR, receive=0)), ErrorKind.PROTOCOL) == (
        f"no acknowledgement of I frame N(S)=0, 1 of 1 of the request ({WHO}; silence once; "
        "the meter had not received our I frame 2 times); "
        "the meter's sequence numbers disagree with ours: connect again"
    )


def test_an_answer_that_broke_off_is_told_with_the_frame_that_was_to_come():
    link = make(retries=0)
    link.send(GET)
    link.receive(answer(I, 0, 1, LLC + b"ab", segmented=True))
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == (
        f"the answer broke off before I frame N(S)=1 ({WHO}; silence once); {POWER}"
    )


def test_an_enquiry_whose_event_broke_off_is_told_as_an_enquiry():
    link = make(retries=0)
    link.enquire()
    link.receive(answer(I, 0, 0, LLC + b"\xc2a", segmented=True))
    assert silent(link) == f"no answer to RR ({WHO}; silence once); {POWER}"


def test_a_frame_that_comes_again_and_again_is_given_up_and_counted():
    link = make(retries=1)
    link.send(GET)
    part = answer(I, 0, 1, LLC + b"ab", segmented=True)
    link.receive(part)
    link.receive(part)
    assert told(link.receive(part), ErrorKind.TIMEOUT) == (
        f"the answer broke off before I frame N(S)=1 ({WHO}; 2 I frames repeated or out of order); {POWER}"
    )


def test_frames_that_acknowledge_what_was_never_sent_are_counted():
    link = make(retries=0)
    link.send(GET)
    for number in (5, 6, 7):
        assert link.receive(answer(RR, receive=number)) == []
    assert told(link.timed_out(), ErrorKind.PROTOCOL) == (
        f"no acknowledgement of I frame N(S)=0, 1 of 1 of the request ({WHO}; silence once; "
        "3 frames acknowledging what was never sent); "
        "the meter's sequence numbers disagree with ours: connect again"
    )


def test_echoes_of_our_own_frame_are_counted():
    link = HdlcLink(CLIENT, METER, retries=0)
    (snrm,) = link.connect()
    link.receive(snrm.octets * 3)
    assert told(link.timed_out(), ErrorKind.TIMEOUT) == (
        f"no UA to SNRM ({WHO}; silence once; our own frame 3 times: the line echoes); "
        "only our own echo is heard: is a meter there?"
    )


def test_an_i_frame_before_the_connection_stands_is_told_as_without_meaning():
    link = HdlcLink(CLIENT, METER, retries=0)
    link.connect()
    assert link.receive(answer(I, 0, 1, b"old")) == []
    assert silent(link) == (
        f"no UA to SNRM ({WHO}; silence once; 1 frames without meaning now, "
        f"the last: I N(S)=0 N(R)=1 P/F=1 from 1/17 to 16, 3 octets); {POWER}"
    )


def test_a_ua_or_a_command_of_the_meters_in_mid_exchange_is_told_as_without_meaning():
    for frame, name in ((ua(), "UA P/F=1"), (answer(HdlcFrameType.DISC), "DISC P/F=1")):
        link = make(retries=0)
        link.enquire()
        assert link.receive(frame) == []
        assert silent(link) == (
            f"no answer to RR ({WHO}; silence once; 1 frames without meaning now, "
            f"the last: {name} from 1/17 to 16); {POWER}"
        )


def test_a_push_from_another_meter_to_another_client_is_told_as_theirs():
    link = make(retries=0)
    link.enquire()
    push = answer(HdlcFrameType.UI, information=b"\x0f", source=HdlcAddress(99), to=HdlcAddress(5))
    assert link.receive(push) == []
    assert silent(link) == (
        f"no answer to RR ({WHO}; silence once; 1 frames between other stations, "
        "the last: UI P/F=1 from 99 to 5, 1 octets); "
        "others talk, our meter does not: check client and server address"
    )


def test_an_answer_longer_than_allowed_is_told_as_that():
    link = make(max_message_size=10)
    link.send(GET)
    assert told(link.receive(answer(I, 0, 1, bytes(11))), ErrorKind.PROTOCOL) == (
        "the answer is longer than max_message_size allows"
    )


def test_noise_is_borne_up_to_8192_octets():
    link = make()
    link.send(GET)
    assert link.receive(b"\x55" * 8192) == []
    assert told(link.receive(b"\x55"), ErrorKind.FRAMING) == (
        f"expected an HDLC frame (7e a0..af), got noise (8193 stray octets, first {' '.join(['55'] * 16)})"
    )
