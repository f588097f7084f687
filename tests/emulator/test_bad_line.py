"""The client's link and the emulator's over lines that lose, damage and repeat octets.

Each was written from the standard without the other.  Time is a number; nothing sleeps.
"""

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.emulator import EmulatorConfiguration, LoadProfileSetConfiguration, MeterEmulator, MeterSession
from meterkit.link import Broken, Message, Transmit
from meterkit.psem.link import PsemLink

SMALL = (LoadProfileSetConfiguration(intervals=8, blocks=2),)
METER = MeterEmulator(
    EmulatorConfiguration(load_profile=SMALL), clock=lambda: datetime(2026, 11, 21, tzinfo=UTC)
)
METER.tables.write_table(200, bytes(range(251)))
IDENTIFY, NEGOTIATE = b"\x20", bytes.fromhex("60004008")
SESSION_LOST = b"\x0a"  # isss: the meter gave up on an unacknowledged answer and went back to Base
LOGON, SECURITY = bytes.fromhex("50000241646d696e6973747261"), b"\x51METERKIT-DEMO-READER"
READ, READ_PART = bytes.fromhex("3000c8"), bytes.fromhex("3f00c80000100030")


class Line:
    """Both ends and the wire between them; `damage` is the chance that a piece comes to harm."""

    def __init__(self, seed, damage):
        self.random = Random(seed)
        self.damage = damage
        self.now = 0.0
        self.session = MeterSession(METER)
        self.link = PsemLink()

    def harmed(self, octets):
        pieces = bytearray()
        for octet in octets:
            fate = self.random.random()
            if fate < self.damage / 3:
                continue
            pieces.append(octet ^ (1 << self.random.randrange(8)) if fate < self.damage * 2 / 3 else octet)
            if self.damage * 2 / 3 <= fate < self.damage:
                pieces.append(octet)
        return bytes(pieces)

    def exchange(self, request):
        """Return the response, or None when the link broke."""
        events = self.link.send(request)
        while True:
            to_client = b""
            for event in events:
                match event:
                    case Message(octets):
                        return octets
                    case Broken():
                        return None
                    case Transmit(octets):
                        to_client += self.session.receive(self.harmed(octets), self.now)
            events = self.hear(self.harmed(to_client))

    def hear(self, octets):
        """Return what the client's link makes of `octets`, or of the silence that follows."""
        if octets:
            return self.link.receive(octets)
        end = self.now + self.link.timeout
        while self.session.deadline <= end:
            self.now = self.session.deadline
            octets = self.harmed(self.session.wake(self.now))
            if octets:
                return self.link.receive(octets)
        self.now = end
        return self.link.timed_out()


def run(line):
    """Tell whether a whole session came through; fail if a wrong answer was taken for a right one."""
    expected = {IDENTIFY: "0000010000", NEGOTIATE: "0000400806", LOGON: "00", SECURITY: "00"}
    for request in (IDENTIFY, NEGOTIATE, LOGON, SECURITY):
        response = line.exchange(request)
        if response in (None, SESSION_LOST):
            return False
        assert response.hex() == expected[request]
        if request is NEGOTIATE:
            line.link.configure(64, 8)
    for _ in range(3):
        for request, octets in ((READ, bytes(range(251))), (READ_PART, bytes(range(16, 64)))):
            response = line.exchange(request)
            if response in (None, SESSION_LOST):
                return False
            assert response[3:-1] == octets
    return True


def test_a_whole_session_over_a_good_line():
    assert run(Line(0, 0.0))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(0, 2**32), st.sampled_from([0.0005, 0.002, 0.01]))
def test_every_answer_that_arrives_over_a_bad_line_is_the_right_one(seed, damage):
    run(Line(seed, damage))


@pytest.mark.parametrize("damage", [0.0003, 0.001])
def test_most_sessions_survive_a_somewhat_bad_line(damage):
    assert sum(run(Line(seed, damage)) for seed in range(40)) > 30
