"""The emulated meter's end of HDLC, frame by frame."""

import math

import pytest

from meterkit.codec import axdr
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.emulator.dlms import DlmsQuirk
from meterkit.errors import ProtocolFault
from tests.emulator.dlms.meters import AARQ, EVERYTHING, GET_CLOCK, HdlcClient, frames_of, make_meter

INFO, RR, RNR, REJ = HdlcFrameType.INFORMATION, HdlcFrameType.RR, HdlcFrameType.RNR, HdlcFrameType.REJ
SNRM, DISC, UI = HdlcFrameType.SNRM, HdlcFrameType.DISC, HdlcFrameType.UI
LLC = bytes.fromhex("e6e600")
ASSOCIATE = LLC + bytes.fromhex(AARQ.format(conformance=EVERYTHING, max_pdu="0400"))
CLOCK = LLC + bytes.fromhex(GET_CLOCK)
OBJECTS = LLC + bytes.fromhex("c001c1000f0000280000ff0200")


def make_client(server=None, sap=16, **changes):
    return HdlcClient(make_meter(interface="hdlc", **changes), sap, server)


def associated(parameters=None, **changes):
    """Return a client after SNRM and AARQ; N(S) and N(R) are 1 at both ends."""
    client = make_client(**changes)
    client.connect(**(parameters or {}))
    answers = client.send(INFO, information=ASSOCIATE)
    assert answers[-1].control == HdlcControl(INFO, True, 0, 1)
    return client


def kinds(frames):
    return [frame.control.frame_type for frame in frames]


def test_parameters_are_the_smaller_of_what_both_can():
    proposed = {"max_info_transmit": 200, "max_info_receive": 1000, "window_transmit": 3, "window_receive": 5}
    hdlc = {"max_information_transmit": 500, "window_receive": 2}
    granted = make_client(hdlc=hdlc).connect(**proposed)
    assert granted == HdlcParameters(500, 200, 5, 2)  # as the meter sees it
    assert make_client().connect() == HdlcParameters()


@pytest.mark.parametrize(
    ("quirk", "granted"),
    [
        (DlmsQuirk.IGNORED_PROPOSALS, HdlcParameters()),
        (DlmsQuirk.UA_WITHOUT_PARAMETERS, HdlcParameters()),
        (DlmsQuirk.INFORMATION_SIZE_IGNORED, HdlcParameters(128, 128, 3, 3)),
    ],
)
def test_proposals_may_be_ignored(quirk, granted):
    client = make_client(quirks=[quirk])
    wanted = {"max_info_transmit": 500, "max_info_receive": 500, "window_transmit": 3, "window_receive": 3}
    assert client.connect(**wanted) == granted


def test_a_meter_can_be_silent_to_an_empty_snrm():
    assert make_client(quirks=[DlmsQuirk.SILENT_TO_EMPTY_SNRM]).send(SNRM) == []


@pytest.mark.parametrize("size", [1, 2, 4])
def test_addresses_of_every_size_are_answered_alike(size):
    server = HdlcAddress(1, None if size == 1 else 17, size)
    client = make_client(server)
    (ua,) = client.send(SNRM)
    assert ua.source.octets == server.octets
    assert len(ua.source.octets) == size


def test_another_meter_on_the_line_is_not_answered_for():
    client = make_client(HdlcAddress(1, 18), hdlc={"physical_address": 17})
    assert client.send(SNRM) == []
    assert make_client(HdlcAddress(2)).send(SNRM) == []


def test_a_request_is_answered_in_one_turn():
    client = associated()
    (answer,) = client.send(INFO, ns=1, nr=1, information=CLOCK)
    assert answer.control == HdlcControl(INFO, True, 1, 2)
    assert answer.information[:3].hex() == "e6e700"


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_a_long_answer_comes_in_windows_of_segments(window):
    limits = {"max_info_receive": 64, "window_receive": window}
    client = associated(limits)
    frames = client.send(INFO, ns=1, nr=1, information=OBJECTS)
    message, expected = b"", 1
    while True:
        assert len(frames) <= window
        for frame in frames:
            assert frame.control.send_sequence == expected % 8
            assert len(frame.information) <= 64
            message += frame.information
            expected += 1
        assert [frame.control.poll_final for frame in frames] == [False] * (len(frames) - 1) + [True]
        if not frames[-1].is_segmented:
            break
        assert len(frames) == window
        frames = client.send(RR, nr=expected % 8)
    assert decode_apdu(message[3:])


def test_a_long_request_is_taken_in_segments():
    client = associated({"window_transmit": 3, "max_info_transmit": 128})
    assert client.send(INFO, False, ns=1, nr=1, information=CLOCK[:5], segmented=True) == []
    (ready,) = client.send(INFO, ns=2, nr=1, information=CLOCK[5:9], segmented=True)
    assert ready.control == HdlcControl(RR, True, 0, 3)
    (answer,) = client.send(INFO, ns=3, nr=1, information=CLOCK[9:])
    assert answer.control == HdlcControl(INFO, True, 1, 4)


def test_a_lost_answer_comes_again_on_rr_and_is_not_executed_twice():
    client = associated()
    (answer,) = client.send(INFO, ns=1, nr=1, information=CLOCK)
    assert client.send(RR, nr=1) == [answer]
    assert client.send(INFO, ns=1, nr=1, information=CLOCK) == [answer]  # a duplicate
    (ready,) = client.send(RR, nr=2)
    assert ready.control == HdlcControl(RR, True, 0, 2)


def test_a_lost_segment_comes_again_with_all_behind_it():
    client = associated({"max_info_receive": 64, "window_receive": 3})
    frames = client.send(INFO, ns=1, nr=1, information=OBJECTS)
    again = client.send(RR, nr=2)
    assert [frame.control.send_sequence for frame in again] == [2, 3, 4]
    assert again[:2] != frames[1:]  # F moved to the end of the window
    assert [frame.information for frame in again[:2]] == [frame.information for frame in frames[1:]]
    assert client.send(REJ, nr=2) == again


@pytest.mark.parametrize(("quirks", "kind"), [([], RR), ([DlmsQuirk.REJ_ON_LOSS], REJ)])
def test_a_lost_frame_of_the_client_is_asked_for(quirks, kind):
    client = associated({"window_transmit": 3}, quirks=quirks)
    (answer,) = client.send(INFO, ns=2, nr=1, information=CLOCK[5:], segmented=False)
    assert answer.control == HdlcControl(kind, True, 0, 1)


def test_a_client_that_is_not_ready_is_waited_for():
    client = associated({"max_info_receive": 64})
    client.send(INFO, ns=1, nr=1, information=OBJECTS)
    (ready,) = client.send(RNR, nr=2)
    assert ready.control.frame_type is RR
    assert kinds(client.send(RR, nr=2)) == [INFO]


def test_a_slow_meter_says_so_twice():
    client = make_client(quirks=[DlmsQuirk.SLOW_WITH_RNR])
    client.connect()
    assert kinds(client.send(INFO, information=ASSOCIATE)) == [RNR]
    assert kinds(client.send(RR, nr=0)) == [RNR]
    assert kinds(client.send(RR, nr=0)) == [INFO]


def test_disconnecting_and_what_a_disconnected_meter_says():
    client = associated()
    assert client.send(DISC)[0].control == HdlcControl.UA
    assert client.send(DISC)[0].control == HdlcControl.DM
    assert client.send(INFO, information=CLOCK)[0].control == HdlcControl.DM
    assert client.send(RR)[0].control == HdlcControl.DM


def test_what_repetition_does_not_mend_is_rejected():
    client = associated()
    (long,) = client.send(INFO, ns=1, nr=1, information=bytes(129))
    assert (long.control.frame_type, long.information[2]) == (HdlcFrameType.FRMR, 4)
    client = associated()
    (wrong,) = client.send(RR, nr=5)
    assert (wrong.control.frame_type, wrong.information[2]) == (HdlcFrameType.FRMR, 8)
    assert client.send(RR)[0].control == HdlcControl.DM


def test_silence_ends_the_connection():
    client = associated(hdlc={"inactivity_timeout": 30})
    assert client.session.deadline == 30
    client.now = 29.0
    assert kinds(client.send(RR, nr=1)) == [RR]
    client.session.wake(59.0)
    client.now = 60.0
    assert client.send(RR, nr=1)[0].control == HdlcControl.DM


def test_a_frame_without_its_closing_flag_is_settled_by_silence():
    client = make_client()
    octets = client.frame(SNRM)
    assert client.raw(octets[:-1]) == []
    assert client.session.deadline < math.inf
    assert kinds(frames_of(client.session.wake(client.session.deadline))) == [HdlcFrameType.UA]


def test_frames_are_found_octet_by_octet_and_behind_noise():
    client = make_client()
    answers = [
        frame for octet in b"\xa0\x7e\x00" + client.frame(SNRM) for frame in client.raw(bytes([octet]))
    ]
    assert kinds(answers) == [HdlcFrameType.UA]


def test_a_damaged_frame_is_not_heard():
    client = make_client()
    octets = bytearray(client.frame(SNRM))
    octets[4] ^= 1
    assert client.raw(bytes(octets)) == []


def test_requests_in_ui_frames_are_done_and_not_answered():
    client = associated()
    assert client.send(UI, information=CLOCK) == []


def test_two_clients_have_connections_of_their_own():
    client = associated()
    other = HdlcClient(client.emulator, 1)
    other.session = client.session
    other.connect()
    (answer,) = client.send(INFO, ns=1, nr=1, information=CLOCK)
    assert answer.control == HdlcControl(INFO, True, 1, 2)


def test_a_push_is_a_ui_frame_on_every_line():
    client = associated()
    idle = HdlcClient(client.emulator)
    client.emulator.push()
    for one in (client, idle):
        (frame,) = frames_of(one.session.wake(one.now))
        assert frame.control == HdlcControl(UI)
        assert frame.destination == HdlcAddress(0x40)
        notification = decode_apdu(frame.information[3:])
        assert axdr.decode(notification.body)[1].hex() == "07ea0b15060b250c00ffc400"


def test_a_push_can_come_between_request_and_answer():
    client = associated(quirks=[DlmsQuirk.PUSH_BEFORE_ANSWER])
    push, answer = client.send(INFO, ns=1, nr=1, information=CLOCK)
    assert (push.control, answer.control) == (HdlcControl(UI), HdlcControl(INFO, True, 1, 2))


def test_another_clients_frames_can_be_on_the_line():
    client = make_client(quirks=[DlmsQuirk.ANOTHER_CLIENTS_FRAME])
    other, ua = client.send(SNRM)
    assert (other.destination, ua.destination) == (HdlcAddress(48), HdlcAddress(16))
    client = make_client(quirks=[DlmsQuirk.ANSWERS_ANOTHER_CLIENT])
    assert client.send(SNRM)[0].destination == HdlcAddress(48)


def test_what_the_line_does_to_octets():
    client = make_client(quirks=[DlmsQuirk.SHARED_FLAGS])
    client.connect(max_info_receive=64, window_receive=3)
    client.send(INFO, information=ASSOCIATE)
    octets = client.session.receive(client.frame(INFO, ns=1, nr=1, information=OBJECTS), 0.0)
    assert octets.count(b"\x7e\xa8") == 3
    assert b"\x7e\x7e" not in octets
    assert len(frames_of(octets)) == 3
    quirks = client.emulator.quirks
    quirks.clear()
    quirks.add(DlmsQuirk.NOISE_BEFORE_FRAMES)
    assert client.session.receive(client.frame(SNRM), 0.0).startswith(b"\x00\xff")
    quirks.clear()
    quirks.add(DlmsQuirk.HALF_FRAMES)
    assert not client.session.receive(client.frame(SNRM), 0.0).endswith(b"\x7e")
    quirks.clear()
    quirks.add(DlmsQuirk.ECHO)
    assert client.session.receive(client.frame(SNRM), 0.0).startswith(client.frame(SNRM))
    quirks.clear()
    quirks.add(DlmsQuirk.OCTET_BY_OCTET)
    assert client.session.receive(client.frame(SNRM), 0.0) == b""
    octets = b""
    while client.session.deadline < 1.0:
        piece = client.session.wake(client.session.deadline)
        assert len(piece) == 1
        octets += piece
    assert kinds(frames_of(octets)) == [HdlcFrameType.UA]


def test_faults_strike_as_often_as_ordered():
    client = make_client()
    faults = client.emulator.faults
    faults.drop_frames = faults.unheard_frames = 1
    assert client.send(SNRM) == []
    assert client.send(SNRM) == []
    faults.duplicate_frames = 1
    assert kinds(client.send(SNRM)) == [HdlcFrameType.UA] * 2
    faults.corrupt_frames = 1
    good = client.frame(SNRM)
    assert client.session.receive(good, 0.0) != client.session.receive(good, 0.0)
    faults.response_delay = 2.0
    assert client.send(SNRM) == []
    assert client.session.deadline == 2.0
    assert kinds(frames_of(client.session.wake(2.0))) == [HdlcFrameType.UA]
    faults.silent = True
    assert client.send(SNRM) == []
    assert client.session.deadline == 120.0


def test_any_frame_is_taken_without_an_exception():
    client = associated()
    for control in range(256):
        try:
            frame = HdlcFrame(client.server, client.client, HdlcControl.decode(control), b"\xe6\xe6\x00\xc0")
        except ProtocolFault:  # no control octet there is
            continue
        client.raw(frame.encode())
