"""Against a meter that keeps what was written, with any sizes, windows and losses; and against any octets."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from meterkit.dlms.association import Association
from meterkit.link import Advanced, Broken, Failed, Message, Notice, Transmit
from tests.dlms.association_meter import Meter, length
from tests.dlms.association_rig import EVERYTHING, GENERAL, Lower, octets

PUSH = octets("0f000000010002041101110211031104")
NAMES = [octets(f"0001000060{n:02x}00ff02") for n in range(3)]
METHOD = octets("000f0000280000ff01")
values = st.binary(max_size=400).map(lambda data: b"\x09" + length(len(data)) + data)


class Reading(RuleBasedStateMachine):
    @initialize(
        client_pdu=st.integers(16, 200),
        server_pdu=st.integers(24, 200),
        general=st.booleans(),
        windows=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
        style=st.sampled_from(["standard", "data-result", "data"]),
    )
    def begin(self, client_pdu, server_pdu, general, windows, style):
        self.meter = Meter(
            client_pdu=client_pdu, server_pdu=server_pdu, general=general, window=windows[0], style=style
        )
        self.lower = Lower()
        self.association = Association(self.lower, window=windows[1], send_window=windows[2])
        self.association.configure(EVERYTHING if general else EVERYTHING & ~GENERAL, server_pdu, 0, general)
        self.written = {}
        self.done = 0
        self.pushes = self.noticed = 0

    def call(self, head, rest, push_at=None):
        events = self.association.send(head + bytes([self.association.next_invoke()]) + rest)
        for turn in range(2000):
            for event in events:
                assert not isinstance(event, Broken | Failed), event
                self.noticed += isinstance(event, Notice)
            found = [event.octets for event in events if isinstance(event, Message)]
            if found:
                return found[0]
            replies = [
                reply
                for event in events
                if isinstance(event, Transmit)
                for reply in self.meter.handle(event.octets)
            ]
            if turn == push_at:
                replies.insert(0, PUSH)
                self.pushes += 1
            if replies:
                self.lower.incoming = [Message(reply) for reply in replies]
                events = self.association.receive(b"?")
            else:
                events = self.association.timed_out()
        raise AssertionError("no end")

    @rule(name=st.sampled_from(NAMES), value=values)
    def write(self, name, value):
        answer = self.call(b"\xc1\x01", name + b"\x00" + value)
        assert answer[:2] == b"\xc5\x01"
        assert answer[3:] == b"\x00"
        self.written[name] = value
        self.done += 1

    @rule(
        name=st.sampled_from(NAMES),
        push_at=st.none() | st.integers(0, 5),
        junk=st.sampled_from([b"", b"\x00\xff"]),
    )
    def read(self, name, push_at, junk):
        self.meter.junk = junk
        answer = self.call(b"\xc0\x01", name + b"\x00", push_at)
        expected = b"\x00" + self.written[name] if name in self.written else b"\x01\x04"
        assert answer[:2] == b"\xc4\x01"
        assert answer[3:] in (expected, expected + junk)

    @rule()
    def read_all(self):
        answer = (
            self.call(b"\xc0\x03", bytes([len(NAMES)]) + b"".join(name + b"\x00" for name in NAMES))
            if (self.meter.general or self.meter.server_pdu >= 34)
            else None
        )
        if answer is None:
            return
        items = (self.written.get(name) for name in NAMES)
        expected = b"".join(b"\x01\x04" if item is None else b"\x00" + item for item in items)
        assert answer[:2] == b"\xc4\x03"
        assert answer[3:] == bytes([len(NAMES)]) + expected

    @rule(value=values)
    def perform(self, value):
        answer = self.call(b"\xc3\x01", METHOD + b"\x01" + value)
        assert answer[:2] == b"\xc7\x01"
        assert answer[3:] == b"\x00\x01\x00" + value
        self.done += 1

    @rule(which=st.lists(st.integers(0, 10), max_size=3))
    def lose_blocks(self, which):
        self.meter.lose = which

    @invariant()
    def nothing_is_done_twice_and_no_push_is_lost(self):
        if hasattr(self, "meter"):
            assert self.meter.executed == self.done
            assert self.noticed == self.pushes
            assert not self.association.is_pending


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)

REQUESTS = [
    "c001c100080000010000ff0200",
    "c003c102000100002a0000ff0200000100002a0000ff0200",
    "c101c1000100002a0000ff0200090a30313233343536373839",
    "c301c1000f0000280000ff0101090a30313233343536373839",
    "050302fa0802fa0802fa0802fa0802fa0802fa08",
    "060102fa0801090a30313233343536373839",
    "d94000000100020100080000010000ff020100030101151900ff02020000",
    "601da109060760857405080101be10040e01000000065f1f0400007e1f04b0",
    "6203800100",
]
heads = st.sampled_from(
    (
        *("c401c1", "c402c1", "c403c1", "c501c1", "c502c1", "c503c1", "c504c1", "c505c1"),
        *("c701c1", "c702c1", "c703c1", "c704c1", "0c01", "0c0102", "0c0103", "0d01", "0d0102"),
        *("d8", "0e", "61", "63", "da40000001", "0f", "c2", "18", "db"),
        *("e0", "e0810001", "e0c10001", "e0410001000000", "e0010001", ""),
    )
)
bodies = st.binary(max_size=24) | st.sampled_from(
    [
        b"\x00\x00\x00\x00\x01\x00\x01\x00",
        b"\x01\x00\x00\x00\x01\x00\x02\x12\x00",
        b"\x00\x00\x00\x01",
        b"\x00\x01",
    ]
)
arrivals = st.builds(lambda head, body: octets(head) + body, heads, bodies)


@given(
    st.sampled_from(REQUESTS),
    st.lists(st.lists(arrivals, max_size=4) | st.none(), max_size=12),
    st.sampled_from([0, 20, 24, 40]),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_whatever_comes_gives_events_and_the_association_stays_usable(request, turns, max_pdu, general):
    lower = Lower()
    association = Association(lower, window=3, send_window=3, max_response_size=64)
    association.configure(EVERYTHING, max_pdu, 0, general)
    events = association.send(octets(request))
    for turn in turns:
        if turn is None:
            events = association.timed_out()
        else:
            lower.incoming = [Message(message) for message in turn]
            events = association.receive(b"?")
        kinds = [type(event) for event in events]
        assert set(kinds) <= {Transmit, Message, Notice, Advanced, Failed, Broken}
        ends = [kind for kind in kinds if kind in (Message, Failed, Broken)]
        assert len(ends) <= 1 or not association.is_pending
        if not association.is_pending:
            association.send(octets(request))
    if association.is_pending:
        association.timed_out()


@given(st.lists(st.binary(max_size=40), max_size=10))
@settings(max_examples=200, deadline=None)
def test_anything_at_rest_gives_notices_or_nothing(messages):
    lower = Lower()
    association = Association(lower)
    for message in messages:
        lower.incoming = [Message(message)]
        assert all(isinstance(event, Notice) for event in association.receive(b"?"))
