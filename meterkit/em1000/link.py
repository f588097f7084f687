"""The EM1000's data link as a pure machine: one frame out, one frame back, nothing ever sent twice.

    send(0F)                    AA 01 0F DE C2  ->
    receive   <-  AA 01 0F DE C2                            our own frame: the head's echo, dropped
    receive   <-  AA C8 AA 09 FF 43 ...                     a false start swallows the answer
    timed_out (idle gap)                                    given up; the answer is found behind it

Nothing numbers the frames, so an answer that comes too late could not be told from the next one's: a
time-out breaks the link.  What an unknown command does is unknown too, so none is repeated.
Source: docs/em1000.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.em1000.frame import BadCrc, Frame, FrameDecoder, FrameEvent, encode
from meterkit.em1000.meanings import SECRET_COMMANDS
from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Broken, Event, Events, Message, Transmit

_KEPT = 4096  # octets of noise that are kept to be shown; then the oldest go
_SHOWN = 32  # octets of noise in a message


class Em1000Link:
    """A `meterkit.link.Link` whose messages are payloads.  Times are seconds.

    `echo`: the head sends our own frames back.
    """

    def __init__(self, *, response_timeout: float = 2.0, idle_gap: float = 0.5, echo: bool = False) -> None:
        self.response_timeout = response_timeout
        self.idle_gap = idle_gap
        self.echo = echo
        self._decoder = FrameDecoder()
        self._skipped = bytearray()
        self._nbr_bad_crc = 0
        self._sent: bytes | None = None  # the payload that awaits its answer
        self._echo_due = False

    @property
    def timeout(self) -> float:
        """Seconds of silence after which to call `timed_out`: fewer within a frame."""
        return self.idle_gap if self._decoder.held else self.response_timeout

    def send(self, message: bytes) -> Events:
        """Send a payload, 1 to 255 octets; what is still unfinished on the line belongs to the past.

        Raises: ValueError for a payload of another size.
        """
        frame = encode(message)
        self._past(self._decoder.idle())
        self._sent, self._echo_due = message, self.echo
        return [Transmit(frame)]

    def receive(self, octets: bytes) -> Events:
        """Take octets; the first whole frame that is no echo is the answer."""
        return self._told(self._decoder.feed(octets))

    def timed_out(self) -> Events:
        """Give up a frame that stays unfinished and look behind its start; else `Broken`."""
        if self._decoder.held:
            return self._told(self._decoder.idle())
        return [Broken(self._silence())]

    def discard(self, octets: bytes) -> None:
        """Take octets that came while nothing was asked: they answer nothing."""
        self._sent = None
        self._past(self._decoder.feed(octets))

    def take_noise(self) -> tuple[bytes, int]:
        """Return, and forget, the octets that were part of no answer, and how many checks did not fit."""
        noise = bytes(self._skipped), self._nbr_bad_crc
        self._skipped.clear()
        self._nbr_bad_crc = 0
        return noise

    def _told(self, found: Iterable[FrameEvent]) -> Events:
        events: list[Event] = []
        for event in found:
            if not isinstance(event, Frame) or self._sent is None:
                self._past([event])
            elif event.payload == self._sent and self._echo_due:
                self._echo_due = False
            elif event.payload == self._sent:
                self._sent = None
                events.append(Broken(self._echoed(event)))
            else:
                self._sent = None
                events.append(Message(event.payload))
        return events

    def _past(self, events: Iterable[FrameEvent]) -> None:
        """Keep account of what is no answer."""
        for event in events:
            if isinstance(event, BadCrc):
                self._nbr_bad_crc += 1
            else:
                self._skipped += event.octets
        del self._skipped[:-_KEPT]

    def _silence(self) -> MeterError:
        sent, self._sent = self._sent or b"", None
        skipped, nbr_bad_crc = self.take_noise()
        where = f"exchange {sent[:1].hex().upper()}"
        waited = f"no answer within {self.response_timeout:g} s"
        if not skipped:
            hint = "is the head in its place, and are baud rate, parity and stop bits the meter's?"
            return MeterError(ErrorKind.TIMEOUT, f"{waited}: nothing came; {hint}", where=where)
        # It may be a damaged challenge, or the damaged echo of a response: both are secret.
        shown = f": {_hex(skipped)}" if SECRET_COMMANDS.isdisjoint(sent[:1]) else ""
        if nbr_bad_crc:
            message = f"{waited}: {nbr_bad_crc} frame(s) came whose check does not fit{shown}"
            return MeterError(ErrorKind.CRC, message, where=where)
        message = f"{waited}: {len(skipped)} octet(s) came that are no frame, which begins with AA{shown}"
        return MeterError(ErrorKind.TIMEOUT, message, where=where)

    def _echoed(self, frame: Frame) -> MeterError:
        return MeterError(
            ErrorKind.PROTOCOL,
            "the answer is our own request, octet for octet: an optical head that echoes? "
            "(Em1000Options(echo=True) drops the echo)",
            where=f"exchange {frame.payload[:1].hex().upper()}",
        )


def _hex(octets: bytes) -> str:
    shown = octets[:_SHOWN].hex(" ").upper()
    return f"{shown} ..." if len(octets) > _SHOWN else shown
