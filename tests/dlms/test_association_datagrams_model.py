"""Against a meter behind datagrams that are lost, doubled, overtaken, and later than anybody waits.

The association stands on the WRAPPER link as a session over UDP has it; the meter shares no code with it.
The claims: a read gives what the meter has, never an earlier request's answer; what is to be done is sent,
and done, once at most, and exactly once if the meter said so; every exchange ends, and says why.
"""

from itertools import product
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from meterkit.dlms.association import Association
from meterkit.dlms.wrapper import WrapperLink
from meterkit.errors import MeterError
from meterkit.link import Advanced, Broken, Failed, Message, Transmit
from tests.dlms.association_datagrams import CLIENT, SERVER, DatagramLine, DatagramMeter
from tests.dlms.association_meter import length
from tests.dlms.association_rig import EVERYTHING, GENERAL, octets

AARQ = octets("601da109060760857405080101be10040e01000000065f1f0400007e1f04b0")
NAMES = [octets(f"0001000060{n:02x}00ff02") for n in range(2)]
METHOD = octets("000f0000280000ff01")
ABSENT = b"\x01\x04"  # object-undefined
TURNS = 1000  # in which an exchange is over
#: A datagram outlives so many further calls at most.  Invoke ids have 4 bits: one that is later still meets
#: a request of its own id.  When an id may be used again is left open (general knowledge), and in clear
#: nothing else tells the two apart; so it is the network that must have forgotten by then.
LIFETIME = 15
#: The same for general blocks, which bear no invoke id.  A late one is known by its number and data; where an
#: equal one of the next answer came before it, that one was dropped in its place, and it is known no more.
BLOCK_LIFETIME = 1
FATES = [(), (0.0, 0.0), (0.0, 3.0), (0.0, 15.0), (3.0,), (12.0,), (25.0,), (8.0, 90.0)]
WELL = None  # in place of a seed
names, sizes, seeds = st.sampled_from(NAMES), st.integers(1, 60), st.integers(0, 1 << 32)


class Datagrams(RuleBasedStateMachine):
    @initialize(
        pdus=st.tuples(st.integers(20, 60), st.integers(40, 80)),
        general=st.booleans(),
        style=st.sampled_from(["standard", "data-result", "data"]),
        by_exception=st.booleans(),
        chance=st.sampled_from([0.1, 0.25, 0.4]),
    )
    def begin(self, pdus, general, style, by_exception, chance):
        self.chance = chance
        sizes = {"client_pdu": pdus[0], "server_pdu": pdus[1]}
        self.meter = DatagramMeter(refuses_by_exception=by_exception, general=general, style=style, **sizes)
        self.line = DatagramLine(self.meter)
        self.link = WrapperLink(CLIENT, SERVER, is_datagram=True)
        self.association = Association(self.link)  # windows of 1, as over UDP
        self.calls = self.number = 0
        self.held = {name: {ABSENT} for name in NAMES}  # what the meter may have, as a read tells it
        self.doubts = []  # (call, name, value): whether they were done is not known
        self.undone = set()  # what was refused
        self.associate(WELL)

    def fates(self, seed):
        """What becomes of datagrams from now on."""
        dice = Random(seed)
        while seed is not WELL:
            yield dice.choice(FATES) if dice.random() < self.chance else (0.0,)

    # ------------------------------------------------------------ the client
    @rule(seed=seeds)
    def associate(self, seed):
        """Begin anew; what was said before may still arrive."""
        self.line.fates = self.fates(seed)
        if self.meter.general:
            self.line.lose(lambda one: True)
        for _ in range(2 * LIFETIME):
            self.link.reset()
            self.association.reset()
            answer = self.exchange(AARQ)
            if isinstance(answer, bytes) and answer[0] == 0x61:
                break
        else:
            raise AssertionError("no association on a line that is well by now")
        granted = EVERYTHING if self.meter.general else EVERYTHING & ~GENERAL
        self.association.configure(granted, self.meter.server_pdu, 0, self.meter.general)

    def call(self, head, rest, seed):
        """Return the answer without its head and whether it is that, or why there is none."""
        self.calls += 1
        lifetime = BLOCK_LIFETIME if self.meter.general else LIFETIME
        self.line.lose(lambda one: one.call < self.calls - lifetime)
        self.doubts = [doubt for doubt in self.doubts if self.line.is_asking(doubt[0])]
        self.line.fates = self.fates(seed)
        answer = self.exchange(head + bytes([self.association.next_invoke()]) + rest)
        if isinstance(answer, bytes) and answer[0] != 0xD8:
            assert answer[:2] == bytes((head[0] + 4, head[1]))
            return answer[3:]
        if self.association.state.name != "ASSOCIATED":
            self.associate(WELL)
        return None

    def exchange(self, request):
        self.sent = set()
        answer = self.heed(self.association.send(request))
        deadline = self.line.now + self.association.timeout
        for _ in range(TURNS):
            if answer is not None:
                break
            if (came := self.line.next(deadline)) == b"":
                continue
            told = self.association.timed_out() if came is None else self.association.receive(came)
            answer = self.heed(told)
            deadline = self.line.now + self.association.timeout
        else:
            raise AssertionError("an exchange without an end")
        assert not self.association.is_pending
        if self.meter.general:
            # General blocks bear no invoke id, neither way, so that in clear nothing tells late ones from
            # those of the next call (which is why over datagrams only who names them gets them).  What may
            # outlive an answer is what we asked for twice, and know to be late.
            is_over = isinstance(answer, MeterError)
            self.line.lose(lambda one: is_over or one.is_to_meter)
            self.line.lose_doubles()
        return answer

    def heed(self, events):
        """Do what events say; return the answer, or why there is none, if they end the exchange."""
        ends = [event for event in events if isinstance(event, Message | Failed | Broken)]
        for event in events:
            assert isinstance(event, Transmit | Advanced) or event in ends, event
            if isinstance(event, Transmit):
                is_general = event.octets[8] == 0xE0
                assert is_general or event.octets not in self.sent, "sent twice"
                self.sent.add(event.octets)
                self.line.ask(event.octets, self.calls)
        assert len(ends) <= 1
        for end in ends:
            if isinstance(end, Message):
                return end.octets
            assert end.error.message
            return end.error
        return None

    def fresh(self, size):
        """A value like no other, of which every part shows whose it is."""
        self.number += 1
        return b"\x09" + length(2 * size) + self.number.to_bytes(2, "big") * size

    # ------------------------------------------------------------ what happens
    @rule(name=names, size=sizes, seed=seeds)
    def write(self, name, size, seed):
        value = self.fresh(size)
        answer = self.call(b"\xc1\x01", name + b"\x00" + value, seed)
        if answer == b"\x00":
            assert self.meter.performed.count(value) == 1
            self.held[name] = {b"\x00" + value, *self.doubted(name)}
        elif answer is None:
            self.held[name].add(b"\x00" + value)
            self.doubts.append((self.calls, name, value))
        else:
            self.undone.add(value)

    @rule(size=sizes, seed=seeds)
    def perform(self, size, seed):
        value = self.fresh(size)
        answer = self.call(b"\xc3\x01", METHOD + b"\x01" + value, seed)
        if answer is not None and answer[0] == 0:
            assert answer == b"\x00\x01\x00" + value
            assert self.meter.performed.count(value) == 1
        elif answer is not None:
            self.undone.add(value)

    @rule(name=names, seed=seeds)
    def read(self, name, seed):
        answer = self.call(b"\xc0\x01", name + b"\x00", seed)
        if answer is not None:
            assert answer in self.held[name]
            self.held[name] = {answer, *self.doubted(name)}

    @precondition(lambda self: not self.meter.general)
    @rule(name=names, times=st.integers(10, 16))
    def poll(self, name, times):
        """Invoke ids come round while what was late is still late."""
        for _ in range(times):
            self.read(name, WELL)

    @rule(seed=seeds)
    def read_all(self, seed):
        rest = bytes([len(NAMES)]) + b"".join(name + b"\x00" for name in NAMES)
        answer = self.call(b"\xc0\x03", rest, seed)
        if answer is not None:
            pairs = product(*(self.held[name] for name in NAMES))
            assert answer in [bytes([len(NAMES)]) + b"".join(pair) for pair in pairs]

    def doubted(self, name):
        return [b"\x00" + value for _, which, value in self.doubts if which == name]

    @rule(seconds=st.sampled_from([1.0, 10.0]))
    def listen(self, seconds):
        """What comes while nothing was asked says nothing."""
        end = self.line.now + seconds
        self.line.fates = self.fates(WELL)
        while (came := self.line.next(end)) is not None:
            assert not came or not self.association.receive(came)

    # ------------------------------------------------------------ what holds
    @invariant()
    def nothing_is_done_twice_and_nothing_that_was_refused(self):
        if hasattr(self, "calls"):
            assert len(set(self.meter.performed)) == len(self.meter.performed)
            assert not self.undone & set(self.meter.performed)


TestDatagrams = Datagrams.TestCase
TestDatagrams.settings = settings(max_examples=300, stateful_step_count=40, deadline=None, derandomize=True)
