"""The HDLC link before and after exchanges: connecting, enquiries, disconnecting, pushes, addresses."""

import pytest

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.errors import ErrorKind
from meterkit.link import Advanced, Message, Notice, Transmit
from tests.dlms.hdlc_link_rig import CLIENT, GET, LLC, METER, RNR, RR, I, answer, broken_by, make, said, ua


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


def test_client_and_meter_with_the_same_number_are_told_apart():
    link = HdlcLink(HdlcAddress(1), HdlcAddress(1))
    (snrm,) = link.connect()
    own = {"source": HdlcAddress(1), "to": HdlcAddress(1)}
    assert link.receive(snrm.octets) == []
    assert link.receive(answer(HdlcFrameType.UA, **own)) == [Message(b"")]
    (request,) = link.send(GET)
    assert link.receive(request.octets) == []
    assert link.receive(answer(I, 0, 1, LLC + b"ab", **own)) == [Message(b"ab")]


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


def test_misuse_is_the_programmers_error():
    link = make()
    link.send(GET)
    with pytest.raises(RuntimeError, match=r"^the last request still waits for its answer$"):
        link.send(GET)
    with pytest.raises(RuntimeError, match=r"^the last request still waits for its answer$"):
        link.enquire()
    with pytest.raises(ValueError, match=r"^a message has 1 octet or more$"):
        make().send(b"")
    wrong = "^a client address has 1 octet, retries are 0 or more, time-outs above 0 s$"
    for options in ({"retries": -1}, {"response_timeout": 0}, {"inter_octet_timeout": -1.0}):
        with pytest.raises(ValueError, match=wrong):
            HdlcLink(CLIENT, METER, **options)
    with pytest.raises(ValueError, match=wrong):
        HdlcLink(METER, METER)


def test_without_options_it_waits_5_s_and_1_s_within_a_frame_and_asks_4_times():
    link = HdlcLink(CLIENT, METER)
    assert link.timeout == 5.0
    first = link.connect()
    assert link.timeout == 5.0
    for _ in range(3):
        assert link.timed_out() == first
    link.receive(ua()[:5])
    assert link.timeout == 1.0
    assert "silence 4 times" in broken_by(link.timed_out()).message


def test_a_meter_that_takes_disc_by_ua_is_then_connected():
    link = HdlcLink(CLIENT, METER)
    link.connect()
    assert said(link.receive(answer(HdlcFrameType.DM))) == ["DISC P/F=1"]
    assert said(link.receive(ua())) == ["SNRM P/F=1"]
    assert link.receive(ua()) == [Message(b"")]
    assert link.is_connected


def test_silence_repeats_disc_and_then_tells_what_is_missing():
    link = make(retries=2)
    first = link.disconnect()
    assert link.timed_out() == first == link.timed_out()
    assert "neither UA nor DM to DISC" in broken_by(link.timed_out()).message


@pytest.mark.parametrize("reply", [ua(), answer(HdlcFrameType.DM)])
def test_once_disconnected_every_push_is_heard_and_nothing_is_waited_for(reply):
    link = make()
    link.disconnect()
    link.receive(reply)
    push = answer(HdlcFrameType.UI, information=b"\x0f", source=HdlcAddress(99), to=HdlcAddress(5))
    assert link.receive(push) == [Notice(b"\x0f")]
    assert link.timed_out() == []
    assert broken_by(link.send(GET)).kind is ErrorKind.STATE


def test_what_breaks_the_link_is_the_last_that_is_heard():
    link = make()
    error = broken_by(link.receive(answer(HdlcFrameType.DM) + answer(HdlcFrameType.FRMR)))
    assert error.kind is ErrorKind.STATE


def test_an_event_in_parts_that_answers_an_enquiry_is_asked_for_to_its_end():
    link = make()
    link.enquire()
    part = answer(I, 0, 0, LLC + b"\xc2a", segmented=True)
    assert said(link.receive(part)) == [Advanced(), "RR N(R)=1 P/F=1"]
    assert link.receive(answer(I, 1, 0, b"b")) == [Notice(b"\xc2ab"), Message(b"")]


def test_a_push_in_an_i_frame_to_our_own_address_is_heard_without_connection():
    link = HdlcLink(CLIENT, METER)
    assert link.receive(answer(I, 0, 0, LLC + b"\x0f")) == [Notice(b"\x0f")]
