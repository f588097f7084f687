"""An emulated EM1000: it gives challenges, judges responses, and knows nothing else.

    0F                         FF + 8 octets, new each time, and a stray FF FF behind the frame
    01 + test-only response    FF E8 03 02 00 18 00
    01 + anything else         FD
    any other payload          silence: no register command is public, and none is made up here

Source: the five frames of docs/em1000.md.  The responder is our own and no meter's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Annotated, Final

from pydantic import Field

from meterkit.em1000.frame import Frame, FrameDecoder, encode
from meterkit.em1000.meanings import ACCEPTED, CHALLENGE_SIZE, LOG_IN, REFUSED, REQUEST_CHALLENGE
from meterkit.emulator.em1000.test_only_responder import test_only_responder
from meterkit.emulator.line import LineKind
from meterkit.options import Options

_ACCEPTED: Final = bytes.fromhex("ffe80302001800")  # the answer to a good login, as it was seen
_BAUD_RATE: Final = 9600  # bits per second, where a line in memory asks; the meter's own is unknown
# A pseudo-terminal has no speed: any would do, and an address has to name one.
_ANY_SPEED: Final = f"baud_rate={_BAUD_RATE}&parity=N&stop_bits=1"
_Octets = Annotated[bytes, Field(max_length=4096)]


class Em1000EmulatorConfiguration(Options):
    """What the emulated meter does, and what goes wrong on its line."""

    seed: int = 1  #: other challenges
    stray: _Octets = b"\xff\xff"  #: follows the challenge's frame, as it was seen; nobody knows why
    noise: _Octets = b""  #: in front of each answer
    echo: bool = False  #: what the meter hears comes back first, as from an optical head
    is_silent: bool = False  #: hear everything, answer nothing
    refuses: bool = False  #: refuse every login


class Em1000MeterEmulator:
    """One meter; any number of lines may lead to it, each with its own login."""

    def __init__(self, configuration: Em1000EmulatorConfiguration | None = None) -> None:
        self.configuration = configuration or Em1000EmulatorConfiguration()
        self.nbr_refused = 0  #: logins refused on all lines
        self._random = Random(self.configuration.seed)

    @property
    def name(self) -> str:
        """Says that this is none of the real ones."""
        return "emulated EM1000"

    def begin_session(self, on_unasked: Callable[[], None]) -> Em1000EmulatorSession:
        """Return the meter's end of a new line; it never speaks unasked."""
        return Em1000EmulatorSession(self)

    def url(self, kind: LineKind, place: str) -> str:
        """Return the address of this meter at a place.  Raises: ValueError for datagrams."""
        match kind:
            case "tcp":
                return f"em1000+tcp://{place}"
            case "serial":
                return f"em1000+serial://{place}?{_ANY_SPEED}"
            case "udp":
                raise ValueError("an EM1000 talks through its optical port: tcp or serial, not udp")

    def next_challenge(self) -> bytes:
        """Return 8 octets that no login has had before, but by chance."""
        return self._random.randbytes(CHALLENGE_SIZE)


class Em1000EmulatorSession:
    """The meter's end of one line."""

    def __init__(self, meter: Em1000MeterEmulator) -> None:
        self.meter = meter
        self.is_hung_up = False  #: never: an optical port has nothing to hang up
        self.deadline = math.inf  #: it answers at once, and waits for nothing
        self.baud_rate = _BAUD_RATE  #: bits per second
        self.is_logged_in = False
        self._decoder = FrameDecoder()
        self._challenge: bytes | None = None

    def receive(self, octets: bytes, now: float) -> bytes:
        """Take octets; return what the meter puts on the line: its answers, and the head's echo first."""
        said = bytearray(octets if self.meter.configuration.echo else b"")
        for event in self._decoder.feed(octets):
            if isinstance(event, Frame) and not self.meter.configuration.is_silent:
                answer = self._answer(event.payload)
                said += self.meter.configuration.noise * bool(answer) + answer
        return bytes(said)

    def wake(self, now: float) -> bytes:
        """Nothing is ever due."""
        return b""

    def close(self) -> None:
        """Forget the login and what was unfinished."""
        self._decoder = FrameDecoder()
        self._challenge, self.is_logged_in = None, False

    def _answer(self, payload: bytes) -> bytes:
        match payload[0]:
            case 0x0F if payload == bytes((REQUEST_CHALLENGE,)):
                self._challenge = self.meter.next_challenge()
                frame = encode(bytes((ACCEPTED,)) + self._challenge)
                return frame + self.meter.configuration.stray
            case 0x01:
                return encode(self._judge(payload))
            case _:
                return b""

    def _judge(self, payload: bytes) -> bytes:
        """A challenge counts once, so that an old response is refused."""
        challenge, self._challenge = self._challenge, None
        expected = None if challenge is None else bytes((LOG_IN,)) + test_only_responder(challenge)
        self.is_logged_in = payload == expected and not self.meter.configuration.refuses
        if self.is_logged_in:
            return _ACCEPTED
        self.meter.nbr_refused += 1
        return bytes((REFUSED,))
