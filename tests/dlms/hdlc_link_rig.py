"""The client's HDLC link in a test's hands: the meter's frames, links that are connected, what was said."""

from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.link import Broken, Transmit

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
