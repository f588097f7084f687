"""The link over lines that lose, damage, repeat and insert octets, against a meter written for this test.

The meter's end is built from the standard's rules alone: its own CRC, its own framing, no code of ours.
Time is a number: when nothing is on the line, whichever end waits less hears of its silence.
The claim: a message arrives intact and is the answer to this request, or the link says it is broken; and
whatever happens the meter performs each request at most once.
"""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.link import Broken, Message, Transmit
from meterkit.psem.link import PsemLink

ROOM = 56  # octets of data in a packet of 64


def crc(octets):
    register = 0xFFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return (register ^ 0xFFFF).to_bytes(2, "little")


def perform(request):
    """What the meter answers: unlike the request, and different for every request."""
    return b"\x00" + bytes(octet ^ 0xA5 for octet in request) * 2


@dataclass
class Meter:
    """A meter's end of the link: acknowledges, drops repetitions, reassembles, repeats its own packets."""

    performed: list = field(default_factory=list)
    held: bytes = b""
    parts: bytes = b""
    expected: int | None = None
    seen: tuple = (None, None)
    toggle: int = 0
    outgoing: list = field(default_factory=list)
    tries: int = 0

    @property
    def timeout(self):
        if self.held:
            return 0.4
        return 2.0 if self.outgoing else None

    def receive(self, octets):
        self.held += octets
        replies = []
        while self.held:
            first = self.held[0]
            if first == 0xEE:
                if len(self.held) < 6:
                    break
                size = 8 + int.from_bytes(self.held[4:6], "big")
                if size > 64:
                    self.held = b""
                    replies.append(b"\x15")
                    break
                if len(self.held) < size:
                    break
                packet, self.held = self.held[:size], self.held[size:]
                replies += self.take(packet)
            else:
                self.held = self.held[1:]
                if first == 0x06 and self.outgoing:
                    self.outgoing.pop(0)
                    self.tries = 0
                    replies += self.outgoing[:1]
                elif first == 0x15 and self.outgoing:
                    replies += self.again()
        return replies

    def take(self, packet):
        if crc(packet[:-2]) != packet[-2:]:
            return [b"\x15"]
        mark = (packet[2] & 0x20, packet[-2:])
        if mark == self.seen:
            return [b"\x06"]
        self.seen = mark
        if self.outgoing:  # the client goes on, so it has had our answer
            self.outgoing = []
        begins = not packet[2] & 0x80 or packet[2] & 0x40
        if not begins and packet[3] != self.expected:
            self.expected = None
            return []  # a packet is missing: this message is lost
        self.parts = packet[6:-2] if begins else self.parts + packet[6:-2]
        self.expected = packet[3] - 1
        if packet[3]:
            return [b"\x06"]
        request, self.parts = self.parts, b""
        self.performed.append(request)
        self.answer(perform(request))
        return [b"\x06", self.outgoing[0]]

    def answer(self, message):
        count = -(-len(message) // ROOM)
        for number in range(count):
            control = 0 if count == 1 else 0x80 | (0x40 if number == 0 else 0)
            data = message[number * ROOM : number * ROOM + ROOM]
            body = bytes((0xEE, 0, control | self.toggle, count - 1 - number, 0, len(data))) + data
            self.toggle ^= 0x20
            self.outgoing.append(body + crc(body))
        self.tries = 0

    def again(self):
        self.tries += 1
        if self.tries > 3:
            self.outgoing = []
        return self.outgoing[:1]

    def silence(self):
        if self.held:
            self.held = b""
            return [b"\x15"]
        return self.again()


@dataclass
class Line:
    """Spoils octets on their way, with a given chance each."""

    random: random.Random
    chance: float
    kinds: tuple
    is_dripping: bool

    def carry(self, octets):
        spoilt = bytearray()
        for octet in octets:
            kind = self.random.choice(self.kinds) if self.random.random() < self.chance else ""
            if kind == "lose":
                continue
            spoilt.append(octet ^ self.random.randrange(1, 256) if kind == "damage" else octet)
            if kind == "repeat":
                spoilt.append(octet)
            if kind == "insert":
                spoilt += self.random.choice((b"\x00", b"\x55", b"\xee", b"\x06", b"\x15", b"\xee\x00\x00"))
        if self.kinds and "burst" in self.kinds and self.random.random() < self.chance:
            spoilt = bytearray()
        if not self.is_dripping:
            return [bytes(spoilt)] if spoilt else []
        return [bytes([octet]) for octet in spoilt]


def exchange(link, meter, line, request):
    """Run one exchange on virtual time; return its Message or Broken."""
    to_meter, to_link = [], []
    events = link.send(request)
    waited = {"link": 0.0, "meter": 0.0}
    for _ in range(20000):
        for event in events:
            if isinstance(event, Transmit):
                to_meter += line.carry(event.octets)
            else:
                return event
        events = []
        if to_meter:
            waited["meter"] = 0.0
            for reply in meter.receive(to_meter.pop(0)):
                to_link += line.carry(reply)
        elif to_link:
            waited["link"] = 0.0
            events = link.receive(to_link.pop(0))
        else:
            left = link.timeout - waited["link"]
            theirs = meter.timeout
            if theirs is not None and theirs - waited["meter"] <= left:
                waited["link"] += theirs - waited["meter"]
                waited["meter"] = 0.0
                for reply in meter.silence():
                    to_link += line.carry(reply)
            else:
                waited["meter"] += left
                waited["link"] = 0.0
                events = link.timed_out()
    raise AssertionError("the exchange never ended")


def converse(line, requests):
    """Run requests until one breaks; return how many were answered and why it broke."""
    link, meter = PsemLink(), Meter()
    link.configure(64, 20)
    for number, request in enumerate(requests):
        outcome = exchange(link, meter, line, request)
        assert len(meter.performed) == len(set(meter.performed)), "a request was performed twice"
        if isinstance(outcome, Broken):
            assert outcome.error.message
            return number, outcome.error
        assert outcome == Message(perform(request))
        assert meter.performed == requests[: number + 1]
    return len(requests), None


def numbered(sizes):
    return [number.to_bytes(2, "big") + bytes(size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("is_dripping", [False, True])
def test_a_good_line_answers_everything(is_dripping):
    requests = numbered([1, 54, 55, 56, 200, 500])
    assert converse(Line(random.Random(1), 0, (), is_dripping), requests) == (6, None)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    seed=st.integers(0, 2**32),
    chance=st.sampled_from([0.0005, 0.002, 0.01, 0.05]),
    kinds=st.sets(st.sampled_from(["lose", "damage", "repeat", "insert", "burst"]), min_size=1),
    is_dripping=st.booleans(),
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=8),
)
def test_a_bad_line_delivers_intact_and_once_or_breaks(seed, chance, kinds, is_dripping, sizes):
    line = Line(random.Random(seed), chance, tuple(sorted(kinds)), is_dripping)
    converse(line, numbered(sizes))


@pytest.mark.parametrize("kind", ["lose", "damage", "insert", "burst"])
def test_a_slightly_bad_line_mostly_works(kind):
    answered = 0
    for seed in range(40):
        line = Line(random.Random(seed), 0.001 if kind != "burst" else 0.03, (kind,), False)
        answered += converse(line, numbered([8] * 10))[0]
    assert answered > 40 * 10 * 0.9


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.binary(max_size=100), st.none()), max_size=30))
def test_any_octets_and_silences_end_in_a_message_or_a_break(script):
    link = PsemLink()
    events = link.send(b"\x20")
    for step in script:
        events += link.timed_out() if step is None else link.receive(step)
        assert link.timeout > 0
    for _ in range(40):
        if any(isinstance(event, Message | Broken) for event in events):
            break
        events += link.timed_out()
    assert sum(isinstance(event, Message | Broken) for event in events) == 1
