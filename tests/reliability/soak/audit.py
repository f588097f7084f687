"""What was read, held against what the house used: every interval once, with the right value."""

from array import array
from collections import Counter
from datetime import UTC, datetime, timedelta

from meterkit.fleet.readings import ReadingKind
from tests.reliability.soak.mix import INTERVAL

ENERGY = ("LP1/ch0", "profile/1-0:99.1.0/1-0:1.8.0")
UNREAD = -1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Audit:
    """The sink of a site.  Its size is that of the whole soak from the beginning, so that it doesn't grow."""

    name = "audit"

    def __init__(self, meters, begin, slots):
        self._meters = {meter.name: meter for meter in meters}
        self._first = (begin - EPOCH) // INTERVAL - 16
        self._slots = slots + 64
        self._kept = {name: array("q", [UNREAD]) * self._slots for name in self._meters}
        self.counts = Counter()
        self.wrong = []

    async def open(self):
        pass  # there is nothing to open

    async def close(self):
        pass  # there is nothing to close

    async def write(self, batch):
        for reading in batch:
            self.counts[reading.kind.value] += 1
            if reading.kind is ReadingKind.INTERVAL and reading.channel in ENERGY:
                self._check(reading)

    def _check(self, reading):
        meter = self._meters[reading.meter]
        number, rest = divmod(reading.time - EPOCH, INTERVAL)
        slot = number - self._first
        if reading.value is None and "invalid" in reading.flags and self._is_left_out(meter, number):
            self.counts["intervals the meter left out, told as invalid"] += 1
            return
        value = UNREAD if reading.value is None else int(reading.value)
        truth = meter.truth(reading.time)
        if rest or value != truth:
            told = f"{reading.value} {reading.flags}"
            self.wrong.append(f"{reading.meter} {reading.time}: {told}, {truth} expected")
            return
        if not 0 <= slot < self._slots:
            self.counts["intervals outside the soak"] += 1
            return
        kept = self._kept[reading.meter]
        self.counts["intervals read again" if kept[slot] != UNREAD else "intervals kept"] += 1
        kept[slot] = value

    def holes(self, begin, end):
        """Return what should be there of intervals that end after `begin`, up to `end`, and is not."""
        numbers = range((begin - EPOCH) // INTERVAL + 1, (end - EPOCH) // INTERVAL + 1)
        return [
            f"{name} {EPOCH + number * INTERVAL}"
            for name, meter in self._meters.items()
            for number in numbers
            if self._kept[name][number - self._first] == UNREAD and not self._is_left_out(meter, number)
        ]

    def _is_left_out(self, meter, number):
        """Tell whether the meter has no such row: it was off throughout, or its clock jumped over it."""
        if not meter.is_psem:
            return False
        start = EPOCH + (number - 1) * INTERVAL
        return number - 1 in meter.lost or meter.household.is_dark(start, start + INTERVAL)[1]


def slots_of(span: timedelta) -> int:
    return span // INTERVAL
