"""The client's HDLC link and the emulator's end, each written without the other; a model drives the line.

    client  -> in order, with losses, damage, repetition, lateness -> meter
            <-                        likewise                     <-

Whoever connects has let the line fall quiet.  The claims, after every step: within a connection and across
them a request is performed at most once, an answer is the one to the request that waits, an exchange ends.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.emulator.dlms.configuration import DlmsEmulatorConfiguration
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.hdlc_end import HdlcEnd
from meterkit.link import Broken, Message, Transmit
from tests.psem.test_link_model import FATES, STEPS, fallen

SIZES, WINDOWS = st.sampled_from((32, 33, 128)), st.integers(1, 7)


def perform(request: bytes) -> bytes:
    """What the meter answers: a get-response's tag, then what no other request is answered by."""
    return b"\xc4" + bytes(octet ^ 0xA5 for octet in request) * 3


class Performing:
    """The application above the meter's end."""

    def __init__(self) -> None:
        self.performed: list[bytes] = []

    def process(self, request: bytes) -> list[bytes]:
        self.performed.append(request)
        return [perform(request)]

    def close(self) -> None:
        """Nothing is kept of an association."""


class Line(RuleBasedStateMachine):
    @initialize(sizes=st.tuples(SIZES, SIZES), windows=st.tuples(WINDOWS, WINDOWS))
    def begin(self, sizes: tuple[int, int], windows: tuple[int, int]) -> None:
        self.above = Performing()
        size, window = sizes[0], windows[0]
        hdlc = {
            "max_information_transmit": size,
            "max_information_receive": size,
            "window_transmit": window,
            "window_receive": window,
            "inactivity_timeout": None,
        }
        configuration = DlmsEmulatorConfiguration(interface="hdlc", hdlc=hdlc)
        self.meter = HdlcEnd(configuration, frozenset(), DlmsFaults(), lambda client: self.above)
        self.link = HdlcLink(
            HdlcAddress(16),
            HdlcAddress(configuration.logical_device, configuration.hdlc.physical_address),
            parameters=HdlcParameters(sizes[1], sizes[1], windows[1], windows[1]),
        )
        self.to_meter: list[bytes] = []
        self.to_client: list[bytes] = []
        self.asked: bytes | None = None
        self.is_busy = False
        self.number = 0
        self.answered: list[bytes] = []
        self.now = 0.0

    # ------------------------------------------------------------ both ends
    def _at_client(self, events: list[object]) -> None:
        for event in events:
            match event:
                case Transmit(octets):
                    self.to_meter.append(octets)
                case Message(octets):
                    assert self.is_busy, "an answer to nothing"
                    if self.asked is not None:
                        assert octets == perform(self.asked), "another answer than this request's"
                        assert self.above.performed[-1] == self.asked
                        self.answered.append(self.asked)
                    self.is_busy, self.asked = False, None
                case Broken(error):
                    assert error.message
                    self.is_busy, self.asked = False, None

    def _heard(self, octets: bytes) -> None:
        self.to_client += self.meter.receive(octets, self.now)

    # ------------------------------------------------------------ what happens
    @precondition(lambda self: not self.is_busy and not self.link.is_connected)
    @rule()
    def connect(self) -> None:
        self.to_meter.clear()
        self.to_client.clear()
        self.is_busy = True
        self._at_client(list(self.link.connect()))

    @precondition(lambda self: not self.is_busy and self.link.is_connected)
    @rule(size=st.integers(2, 300))
    def ask(self, size: int) -> None:
        self.number += 1
        self.asked, self.is_busy = self.number.to_bytes(2, "big") + bytes(size - 2), True
        self._at_client(list(self.link.send(self.asked)))

    @precondition(lambda self: not self.is_busy and self.link.is_connected)
    @rule(ends=st.booleans())
    def enquire_or_disconnect(self, ends: bool) -> None:
        self.is_busy = True
        self._at_client(list(self.link.disconnect() if ends else self.link.enquire()))

    @precondition(lambda self: self.to_meter)
    @rule(fate=FATES, place=st.integers(0, 1 << 16))
    def reach_the_meter(self, fate: str, place: int) -> None:
        for piece in fallen(self.to_meter.pop(0), fate, place):
            self._heard(piece)

    @precondition(lambda self: self.to_client)
    @rule(fate=FATES, place=st.integers(0, 1 << 16))
    def reach_the_client(self, fate: str, place: int) -> None:
        for piece in fallen(self.to_client.pop(0), fate, place):
            self._at_client(list(self.link.receive(piece)))

    @precondition(lambda self: not self.to_meter)
    @rule()
    def silence_at_the_meter(self) -> None:
        self.now += 1.0
        self.to_client += self.meter.wake(self.now)

    @precondition(lambda self: self.is_busy)
    @rule()
    def silence_at_the_client(self) -> None:
        """Nothing came in time: on a quiet line, or because the meter's octets are late."""
        assert self.link.timeout > 0
        self._at_client(list(self.link.timed_out()))

    # ------------------------------------------------------------ what holds
    @invariant()
    def every_request_is_performed_at_most_once_and_in_order(self) -> None:
        if hasattr(self, "now"):
            performed = self.above.performed
            assert performed == sorted(set(performed), key=lambda request: request[:2])
            assert set(self.answered) <= set(performed)

    def teardown(self) -> None:
        """On a line that does no more harm, what is under way ends within bounds."""
        if not hasattr(self, "now"):
            return
        for _ in range(STEPS):
            if not self.is_busy:
                break
            if self.to_meter:
                self._heard(self.to_meter.pop(0))
            elif self.to_client:
                self._at_client(list(self.link.receive(self.to_client.pop(0))))
            else:
                self.silence_at_the_meter()
                if not self.to_client:
                    self.silence_at_the_client()
        assert not self.is_busy, "an exchange without an end"
        self.every_request_is_performed_at_most_once_and_in_order()


TestLine = Line.TestCase
TestLine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None, derandomize=True)
