"""The client's link in a test's hands: links that know their meter, the meter's packets, what broke."""

from meterkit.link import Broken, Message, Transmit
from meterkit.psem.link import PsemLink
from meterkit.psem.packet import encode_packet

ACK, NAK = Transmit(b"\x06"), Transmit(b"\x15")
TOGGLE, FIRST, MULTI = 0x20, 0x40, 0x80


def answer(data=b"\x00", *, toggle=0, flags=0, sequence=0, identity=0):
    """One packet of the meter's."""
    return encode_packet(identity, flags | (TOGGLE if toggle else 0), sequence, data)


def damaged(packet):
    """The same packet with its last octet spoilt."""
    return packet[:-1] + bytes([packet[-1] ^ 0xFF])


def started(**options):
    """A link that has had one exchange (the meter's toggle bit was 0), so that it knows its meter."""
    link = PsemLink(**options)
    link.send(b"\x20")
    assert link.receive(b"\x06" + answer(b"\x00\x00\x01\x00\x00"))[-1] == Message(b"\x00\x00\x01\x00\x00")
    return link


def asked(request=b"\x30\x00\x01", **options):
    """A link whose request is under way, and that request."""
    link = started(**options)
    (sent,) = link.send(request)
    return link, sent


def broken(events):
    """The error that the last of the events tells."""
    assert isinstance(events[-1], Broken), events
    return events[-1].error
