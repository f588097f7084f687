"""The HDLC link over lines that lose, damage, repeat, insert and delay, against a meter of this test alone.

The meter's end is built from the standard's rules alone: its own CRC, its own framing, no code of ours.
Time is a number of silences.  The claim: a message arrives intact and is the answer to this request, or the
link says it is broken; and whatever happens the meter performs each request at most once.
"""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.hdlc.frame import HdlcAddress
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.link import Advanced, Broken, Message, Transmit

CLIENT, METER = b"\x21", b"\x02\x23"


def crc(octets):
    register = 0xFFFF
    for octet in octets:
        register ^= octet
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return (register ^ 0xFFFF).to_bytes(2, "little")


def perform(request):
    """What the meter answers: unlike the request, and different for every request."""
    return bytes(octet ^ 0xA5 for octet in request) * 3


@dataclass
class Meter:
    """A secondary station: answers each P with an F, repeats what N(R) does not acknowledge."""

    size: int = 128
    window: int = 1
    is_lazy: bool = False  # acknowledges the last frame of a request by RR, and answers when polled
    is_naive: bool = False  # performs whatever I frame comes, whatever its N(S)
    performed: list = field(default_factory=list)
    held: bytes = b""
    is_connected: bool = False

    def receive(self, octets):
        """Take octets; return what goes back."""
        self.held += octets
        replies = b""
        while True:
            start = self.held.find(b"\x7e")
            if start < 0 or len(self.held) < start + 3:
                return replies
            length = (self.held[start + 1] & 7) << 8 | self.held[start + 2]
            end = start + 1 + length
            body = self.held[start + 1 : end]
            if self.held[start + 1] & 0xF0 != 0xA0 or length < 8 or length > 300:
                self.held = self.held[start + 1 :]
                continue
            if len(self.held) < end:
                return replies
            if crc(body[:-2]) != body[-2:] or body[2:5] != METER + CLIENT:
                self.held = self.held[start + 1 :]
                continue
            self.held = self.held[end:]
            replies += self.take(body)

    def silence(self):
        """Half a frame is forgotten when nothing follows it."""
        self.held = b""

    def take(self, body):
        control = body[5]
        if control == 0x93:
            self.is_connected = True
            self.expected = self.first = 0
            self.parts, self.out, self.is_due = b"", [], False
            size = self.size.to_bytes(2, "big")
            values = b"\x05\x02" + size + b"\x06\x02" + size + b"\x07\x01" + bytes([self.window])
            values += b"\x08\x01" + bytes([self.window])
            return self.frame(0x73, b"\x81\x80" + bytes([len(values)]) + values)
        if control == 0x53:
            was, self.is_connected = self.is_connected, False
            return self.frame(0x73 if was else 0x1F)
        if not self.is_connected:
            return self.frame(0x1F)
        if control & 1 and control & 0x0F != 0x01:
            return b""
        self.acknowledged(control >> 5)
        if not control & 1 and (control >> 1 & 7 == self.expected or self.is_naive):
            self.expected = (self.expected + 1) % 8
            self.parts += body[8:-2]
            if not body[0] & 8:
                self.answer()
        return self.reply() if control & 0x10 else b""

    def acknowledged(self, number):
        count = (number - self.first) % 8
        if count <= min(len(self.out), self.window):
            self.out = self.out[count:]
            self.first = number

    def answer(self):
        assert self.parts.startswith(b"\xe6\xe6\x00")
        request, self.parts = self.parts[3:], b""
        self.performed.append(request)
        whole = b"\xe6\xe7\x00" + perform(request)
        self.out = [whole[at : at + self.size] for at in range(0, len(whole), self.size)]
        self.is_due = self.is_lazy

    def reply(self):
        if not self.out or self.is_due:
            self.is_due = False
            return self.frame(0x11 | self.expected << 5)
        sent = self.out[: self.window]
        return b"".join(
            self.frame(
                self.expected << 5 | (self.first + index) % 8 << 1 | (0x10 if index + 1 == len(sent) else 0),
                part,
                index + 1 < len(self.out),
            )
            for index, part in enumerate(sent)
        )

    def frame(self, control, information=b"", is_segmented=False):
        length = 8 + (len(information) + 2 if information else 0)
        head = (
            bytes([0xA0 | is_segmented << 3 | length >> 8, length & 255]) + CLIENT + METER + bytes([control])
        )
        body = head + crc(head) + information if information else head
        return b"\x7e" + body + crc(body) + b"\x7e"


@dataclass
class Line:
    """Spoils octets on their way, with a given chance each; now and then holds the meter's hand."""

    random: random.Random
    chance: float = 0
    kinds: tuple = ()
    is_dripping: bool = False

    def carry(self, octets):
        spoilt = bytearray()
        for octet in octets:
            kind = self.random.choice(self.kinds) if self.random.random() < self.chance else ""
            if kind == "lose":
                continue
            spoilt.append(octet ^ self.random.randrange(1, 256) if kind == "damage" else octet)
            if kind == "insert":
                spoilt += self.random.choice((b"\x00", b"\x55", b"\x7e", b"\xa0\x07", b"\xa7\xff\x21"))
        if "burst" in self.kinds and self.random.random() < self.chance * 10:
            spoilt = bytearray()
        if "repeat" in self.kinds and self.random.random() < self.chance * 10:
            spoilt *= 2
        if self.is_dripping:
            return [bytes([octet]) for octet in spoilt]
        return [bytes(spoilt)] if spoilt else []

    def delays(self):
        return "delay" in self.kinds and self.random.random() < self.chance * 10


@dataclass
class Rig:
    """A link, a meter and what is on the line between them."""

    link: HdlcLink
    meter: Meter
    line: Line
    to_meter: list = field(default_factory=list)
    to_link: list = field(default_factory=list)

    def run(self, events):
        """Run one exchange to its Message or Broken."""
        for _ in range(20000):
            for event in events:
                if isinstance(event, Transmit):
                    self.to_meter += self.line.carry(event.octets)
                elif isinstance(event, Message | Broken):
                    return event
                else:
                    assert event == Advanced()
            assert self.link.timeout > 0
            if self.to_meter and not self.line.delays():
                self.to_link += self.line.carry(self.meter.receive(self.to_meter.pop(0)))
                events = []
            elif self.to_link:
                events = self.link.receive(self.to_link.pop(0))
            else:
                if not self.to_meter:
                    self.meter.silence()
                events = self.link.timed_out()
        raise AssertionError("the exchange never ended")


def make(size=128, window=1, line=None, *, own_size=None, own_window=None, is_lazy=False):
    parameters = HdlcParameters(
        own_size or size, own_size or size, own_window or window, own_window or window
    )
    link = HdlcLink(HdlcAddress(16), HdlcAddress(1, 17), parameters=parameters)
    return Rig(link, Meter(size, window, is_lazy), line or Line(random.Random(1)))


def converse(rig, requests):
    """Run requests; return how many were answered before one broke, if any did."""
    if isinstance(broken := rig.run(rig.link.connect()), Broken):
        return 0, broken.error
    for number, request in enumerate(requests):
        outcome = rig.run(rig.link.send(request))
        performed = rig.meter.performed
        assert len(performed) == len(set(performed)), "a request was performed twice"
        if isinstance(outcome, Broken):
            assert outcome.error.message
            assert not rig.link.is_connected
            return number, outcome.error
        assert outcome == Message(perform(request))
        assert performed == requests[: number + 1]
    return len(requests), None


def numbered(sizes):
    return [number.to_bytes(2, "big") + bytes(size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("is_lazy", [False, True])
@pytest.mark.parametrize("is_dripping", [False, True])
@pytest.mark.parametrize("window", range(1, 8))
@pytest.mark.parametrize("size", [1, 5, 32, 128])
def test_a_good_line_answers_everything(size, window, is_dripping, is_lazy):
    rig = make(size, window, Line(random.Random(1), is_dripping=is_dripping), is_lazy=is_lazy)
    sizes = [1, 2, 20, 60] if size < 32 else [1, 30, 31, 32, 128, 900]
    assert converse(rig, numbered(sizes)) == (len(sizes), None)
    assert rig.run(rig.link.enquire()) == Message(b"")
    assert rig.run(rig.link.disconnect()) == Message(b"")
    assert not rig.link.is_connected


@pytest.mark.parametrize(("window", "own_window"), [(7, 1), (1, 7), (3, 5)])
def test_windows_that_differ_do_no_harm(window, own_window):
    rig = make(32, window, own_size=100, own_window=own_window)
    assert converse(rig, numbered([1, 200, 400])) == (3, None)


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    seed=st.integers(0, 2**32),
    chance=st.sampled_from([0.0005, 0.002, 0.01, 0.04]),
    kinds=st.sets(st.sampled_from(["lose", "damage", "repeat", "insert", "burst", "delay"]), min_size=1),
    is_dripping=st.booleans(),
    size=st.sampled_from([4, 16, 128]),
    window=st.integers(1, 7),
    is_lazy=st.booleans(),
    sizes=st.lists(st.integers(0, 150), min_size=1, max_size=8),
)
def test_a_bad_line_delivers_intact_and_once_or_breaks(
    seed, chance, kinds, is_dripping, size, window, is_lazy, sizes
):
    line = Line(random.Random(seed), chance, tuple(sorted(kinds)), is_dripping)
    rig = make(size, window, line, is_lazy=is_lazy)
    converse(rig, numbered(sizes))
    line.chance = 0
    rig.to_meter.clear()
    rig.to_link.clear()
    rig.meter.performed.clear()
    assert converse(rig, numbered([1, 50])) == (2, None), "after SNRM everything is as new"


@pytest.mark.parametrize("kind", ["lose", "damage", "insert", "burst", "repeat", "delay"])
@pytest.mark.parametrize("window", [1, 3, 7])
def test_a_slightly_bad_line_mostly_works(kind, window):
    answered = 0
    for seed in range(20):
        line = Line(random.Random(seed), 0.001 if kind not in ("burst", "repeat", "delay") else 0.01, (kind,))
        answered += converse(make(64, window, line), numbered([8, 100] * 5))[0]
    assert answered > 20 * 10 * 0.95


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    seed=st.integers(0, 2**32),
    chance=st.sampled_from([0.002, 0.01, 0.03]),
    kinds=st.sets(st.sampled_from(["lose", "damage", "insert", "burst", "delay"]), min_size=1),
)
def test_a_meter_that_does_not_compare_sequence_numbers_performs_nothing_twice(seed, chance, kinds):
    rig = make(128, 1, Line(random.Random(seed), chance, tuple(sorted(kinds))))
    rig.meter.is_naive = True
    converse(rig, numbered([8] * 12))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.one_of(st.binary(max_size=60), st.none(), st.integers(0, 255)), max_size=40))
def test_any_octets_and_silences_end_in_one_message_or_one_break(script):
    meter = Meter()
    link = HdlcLink(HdlcAddress(16), HdlcAddress(1, 17))
    Rig(link, meter, Line(random.Random(1))).run(link.connect())
    events = link.send(b"\xc0")
    for step in script:
        if any(isinstance(event, Message | Broken) for event in events):
            break
        if isinstance(step, int):
            step = meter.frame(step, b"\xe6\xe7\x00\xc4", bool(step & 2))  # an intact frame of any kind
        events += link.timed_out() if step is None else link.receive(step)
        assert link.timeout > 0
    for _ in range(100):
        if any(isinstance(event, Message | Broken) for event in events):
            break
        events += link.timed_out()
    assert sum(isinstance(event, Broken) for event in events) <= 1
    assert any(isinstance(event, Message | Broken) for event in events)
