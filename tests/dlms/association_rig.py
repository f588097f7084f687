"""An association over the simplest of lower links, and meters written from the standard's facts."""

from meterkit.dlms.association import Association
from meterkit.dlms.conformance import Conformance
from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Broken, Failed, Message, Notice, Transmit

EVERYTHING = Conformance((1 << 24) - 1)
GENERAL = Conformance.GENERAL_BLOCK_TRANSFER


class Lower:
    """One message, one Transmit; what comes is put in by hand."""

    timeout = 5.0

    def __init__(self, silence=None):
        self.incoming = []
        self.silence = silence

    def send(self, message):
        return [Transmit(message)]

    def send_unconfirmed(self, message):
        return [Transmit(message)]

    def receive(self, octets):
        incoming, self.incoming = self.incoming, []
        return incoming

    def timed_out(self):
        if self.silence is not None:
            return list(self.silence)
        return [Broken(MeterError(ErrorKind.TIMEOUT, "nothing came in 5 s"))]


class Rig:
    """Octets in hex, in and out."""

    def __init__(
        self, conformance=EVERYTHING, max_pdu=0, *, general=False, silence=None, lower=None, **options
    ):
        self.lower = Lower(silence) if lower is None else lower
        self.association = Association(self.lower, **options)
        self.association.configure(conformance, max_pdu, 0, general)

    def send(self, request):
        return sent(self.association.send(octets(request)))

    def come(self, *messages):
        """The events of messages that come at once."""
        self.lower.incoming = [
            message if isinstance(message, Message | Notice | Failed | Broken) else Message(octets(message))
            for message in messages
        ]
        return self.association.receive(b"?")

    def ask(self, request, *answers):
        """Send a request, let each answer come by itself; return all that was sent and the last events."""
        out = self.send(request)
        events = []
        for answer in answers:
            events = self.come(answer)
            out += sent(events)
        return out, events


def octets(message):
    return message if isinstance(message, bytes) else bytes.fromhex(message)


def sent(events):
    return [event.octets.hex() for event in events if isinstance(event, Transmit)]


def message(events):
    (found,) = [event.octets for event in events if isinstance(event, Message)]
    return found.hex()


def failed(events):
    assert isinstance(events[-1], Failed), events
    return events[-1].error


def broken(events):
    assert isinstance(events[-1], Broken), events
    return events[-1].error


def spaced(text):
    return text.replace(" ", "")
