"""One half of the meters, in the week of one change of clocks: its own dates, fleet and sink."""

from collections import Counter
from datetime import UTC, datetime

from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.secured.key_provider import MemoryKeys
from meterkit.dlms.security.counters import STOP
from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.errors import ErrorKind
from meterkit.fleet import Fleet, FleetLimits, ReadPlan, RetryPolicy
from meterkit.testing import VirtualClock
from tests.reliability.soak.audit import Audit, slots_of
from tests.reliability.soak.line import Nonces, SoakLine
from tests.reliability.soak.mix import KINDS, SoakMeter

#: Saturday afternoons: clocks change the night after.
SPRING, AUTUMN = datetime(2026, 3, 28, 18, tzinfo=UTC), datetime(2026, 10, 24, 18, tzinfo=UTC)
PLAN = ReadPlan.model_validate(
    {
        "psem": {"clock": {}, "events": {}, "load_profile": [{"data_set": 1, "first_days": 0.05}]},
        "dlms": {"clock": {}, "registers": ["1-0:1.8.0"], "load_profile": [{"first_days": 0.05}]},
    }
)
LIMITS = FleetLimits(connections_per_second=10_000, connection_burst=10_000)
RETRIES = RetryPolicy(attempts=4, backoff=20)


class KeyBook(MemoryKeys):
    """Keys and passwords of a site; a meter's may be changed."""

    def __init__(self):
        super().__init__({})

    def put(self, meter):
        encryption_key, authentication_key = meter.keys
        if meter.is_ciphered:
            self._keys[meter.name, KeyKind.GLOBAL_UNICAST_ENCRYPTION] = encryption_key
            self._keys[meter.name, KeyKind.AUTHENTICATION] = authentication_key
        else:
            self._keys[meter.name, KeyKind.PASSWORD] = meter.password


class Site:
    """`numbers` of its meters; `span` is how long it is polled; `last_counters` are left to kind "end"."""

    def __init__(self, name, begin, numbers, households, span, *, seed, counters_left):
        self.name, self.begin, self.seed = name, begin, seed
        self.true, self.ours = VirtualClock(begin), VirtualClock(begin)
        self.keys, self.counters, self.nonces = KeyBook(), MemoryCounterStore(), Nonces()
        self.last_counters = STOP - counters_left
        self.is_calm = False  #: nothing goes wrong any more
        self.happened, self.outcomes, self.errors = Counter(), Counter(), Counter()
        self.meters = [SoakMeter(n, self, households[n // len(KINDS) % len(households)]) for n in numbers]
        self.by_name = {meter.name: meter for meter in self.meters}
        for meter in self.meters:
            self.keys.put(meter)
        self.audit = Audit(self.meters, begin, slots_of(span))

    def live_on(self, loop):
        self.true.loop = self.ours.loop = loop

    def count(self, what):
        self.happened[what] += 1

    def dial(self, address):
        place = getattr(address.line, "host", None) or address.line.port.removeprefix("/dev/")
        return SoakLine(self.by_name[place])

    def fleet(self):
        return Fleet(
            limits=LIMITS,
            retries=RETRIES,
            sink=self.audit,
            keys=self.keys,
            passwords=self.keys,
            counters=self.counters,
            dial=self.dial,
            clock=self.ours.now,
        )

    async def poll(self, fleet, meters, every, rounds, *, keep_open):
        """Poll meters to the end, and take note of how each poll ended."""
        entries = [meter.entry for meter in meters]
        run = fleet.poll(PLAN, entries, every=every, rounds=rounds, spread=every / 2, keep_open=keep_open)
        async for report in run:
            meter = self.by_name[report.meter]
            self.outcomes[meter.kind, report.outcome.value] += 1
            if report.attempts > 1:
                self.count("polls that took more than one attempt")
            if report.error is not None:
                self._note(meter, report.error)

    def _note(self, meter, error):
        self.errors[meter.kind, error.kind.value, _shape(error.message)] += 1
        if error.kind is ErrorKind.SECURITY and meter.kind == "end" and "counter" in error.message:
            self.count("keys changed as their counter ended")
            meter.change_key()


def _shape(message):
    """Return a message without its numbers, so that alike ones count as one."""
    words = ("#" if any(c.isdigit() for c in word) else word for word in message.split())
    return " ".join(words)[:100]
