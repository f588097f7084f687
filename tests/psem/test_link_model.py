"""The client's PSEM link and the emulator's, each written without the other, over a line that a model drives.

    client  -> in order, with losses, damage, repetition, lateness -> meter
            <-                        likewise                     <-

What a serial line can't do, it doesn't do here: octets never overtake each other.  What ends a session, at
either end, is followed by another on a line that fell quiet.  The claims, after every step: a request is
performed at most once, an answer is the one to the request that waits, and an exchange ends.
"""

from __future__ import annotations

import math

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meterkit.emulator.meter_link import ChannelSettings, MeterLink
from meterkit.link import Broken, Message, Transmit
from meterkit.psem.link import PsemLink

FATES = st.sampled_from(("whole", "whole", "whole", "lost", "damaged", "twice", "cut", "dripping", "noisy"))
SESSION_LOST = b"\x0a"  # isss: what a meter that gave up says, and performs nothing
STEPS = 400  # turns in which an exchange on a line that does no more harm is over


def perform(request: bytes) -> bytes:
    """What the meter answers: longer than the request, and different for every request."""
    return b"\0" + bytes(octet ^ 0x5A for octet in request) * 2


def fallen(octets: bytes, fate: str, place: int) -> list[bytes]:
    """Return what arrives of octets that met their fate."""
    at = place % len(octets)
    match fate:
        case "lost":
            return []
        case "damaged":
            return [octets[:at] + bytes((octets[at] ^ 1 << place % 8,)) + octets[at + 1 :]]
        case "twice":
            return [octets, octets]
        case "cut":
            return [octets[:at]] if at else []
        case "dripping":
            return [bytes((octet,)) for octet in octets]
        case "noisy":
            return [b"\xff\x00" + octets]
    return [octets]


class Line(RuleBasedStateMachine):
    @initialize(size=st.sampled_from((64, 65, 100)), packets=st.integers(1, 6))
    def begin(self, size: int, packets: int) -> None:
        self.link, self.meter = PsemLink(), MeterLink(ChannelSettings(size, packets))
        self.link.configure(size, packets)
        self.room = self.link.message_capacity // 2 - 1  # the answer is twice as long, and one more
        self.to_meter: list[bytes] = []
        self.to_client: list[bytes] = []
        self.asked: bytes | None = None
        self.is_over = False  # the session is, at either end
        self.number = 0
        self.performed: list[bytes] = []
        self.answered: list[bytes] = []

    # ------------------------------------------------------------ both ends
    def _at_client(self, events: list[object]) -> None:
        for event in events:
            match event:
                case Transmit(octets):
                    self.to_meter.append(octets)
                case Message(octets) if octets == SESSION_LOST and self.is_over:
                    self.asked = None
                case Message(octets):
                    assert self.asked is not None, "an answer to nothing"
                    assert octets == perform(self.asked), "another answer than this request's"
                    assert self.performed[-1] == self.asked
                    self.answered.append(self.asked)
                    self.asked = None
                case Broken(error):
                    assert error.message
                    self.asked, self.is_over = None, True

    def _at_meter(self, events: list[object]) -> None:
        for event in events:
            match event:
                case Transmit(octets):
                    self.to_client.append(octets)
                case Message(octets):
                    if not self.is_over:
                        self.performed.append(octets)
                    answer = SESSION_LOST if self.is_over else perform(octets)
                    self._at_meter(list(self.meter.send(answer)))
                case Broken():
                    self.is_over = True

    # ------------------------------------------------------------ what happens
    @precondition(lambda self: self.asked is None and not self.is_over)
    @rule(size=st.integers(2, 300))
    def ask(self, size: int) -> None:
        self.number += 1
        self.asked = self.number.to_bytes(2, "big") + bytes(min(size, self.room) - 2)
        self._at_client(list(self.link.send(self.asked)))

    @precondition(lambda self: self.to_meter)
    @rule(fate=FATES, place=st.integers(0, 1 << 16))
    def reach_the_meter(self, fate: str, place: int) -> None:
        for piece in fallen(self.to_meter.pop(0), fate, place):
            self._at_meter(list(self.meter.receive(piece)))

    @precondition(lambda self: self.to_client)
    @rule(fate=FATES, place=st.integers(0, 1 << 16))
    def reach_the_client(self, fate: str, place: int) -> None:
        for piece in fallen(self.to_client.pop(0), fate, place):
            self._at_client(list(self.link.receive(piece)))

    @precondition(lambda self: self.meter.timeout < math.inf)
    @rule()
    def silence_at_the_meter(self) -> None:
        """Nothing came in time: on a quiet line, or because the client's octets are late."""
        self._at_meter(list(self.meter.timed_out()))

    @precondition(lambda self: self.asked is not None)
    @rule()
    def silence_at_the_client(self) -> None:
        assert self.link.timeout > 0
        self._at_client(list(self.link.timed_out()))

    @precondition(lambda self: self.asked is None)
    @rule()
    def a_new_session(self) -> None:
        """Whoever connects again has let the line fall quiet, and both ends begin anew."""
        size, packets = self.link.packet_size, self.link.max_packets
        self.link.reset()
        self.link.configure(size, packets)
        self.meter.reset()
        self.is_over = False
        self.to_meter.clear()
        self.to_client.clear()

    # ------------------------------------------------------------ what holds
    @invariant()
    def every_request_is_performed_at_most_once_and_in_order(self) -> None:
        if hasattr(self, "performed"):
            assert self.performed == sorted(set(self.performed), key=lambda request: request[:2])
            assert set(self.answered) <= set(self.performed)

    def teardown(self) -> None:
        """On a line that does no more harm, what is under way ends within bounds."""
        if not hasattr(self, "performed"):
            return
        for _ in range(STEPS):
            if self.asked is None:
                break
            if self.to_meter:
                self._at_meter(list(self.meter.receive(self.to_meter.pop(0))))
            elif self.to_client:
                self._at_client(list(self.link.receive(self.to_client.pop(0))))
            elif self.meter.timeout < self.link.timeout:
                self.silence_at_the_meter()
            else:
                self.silence_at_the_client()
        assert self.asked is None, "an exchange without an end"
        self.every_request_is_performed_at_most_once_and_in_order()


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True)
