"""Readings for tests: a seeded source of intervals, and one of every kind."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from meterkit.fleet.readings import Reading, ReadingKind

START = datetime(2026, 3, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NOW = START + timedelta(days=2)


def interval(meter, number, channel="LP1/ch1", *, flags=(), delay=QUARTER, value=None):
    """Reading `number` of a meter, counted from 1; its value follows from its name and time."""
    time = START + number * QUARTER
    if value is None:
        value = Decimal(sum(map(ord, meter + channel)) * 1000 + number) / 100
    return Reading(meter, channel, time, value, "Wh", flags, ReadingKind.INTERVAL, 900, time + delay)


def day(meter, channel="LP1/ch1", count=96):
    return [interval(meter, number, channel) for number in range(1, count + 1)]


EVERY_KIND = [
    Reading("m1", "1-0:1.8.0", START, Decimal("12345678901234567890.123456789"), "Wh"),
    Reading("m1", "exact zeros", START, Decimal("1.500"), "V"),
    Reading("m1", "exponent", START, Decimal("1E+3"), "W"),
    Reading("m1", "not a number", START, Decimal("NaN")),
    Reading("m1", "whole", START, -12, "var"),
    Reading("m1", "beyond 64 bits", START, 2**70),
    Reading("m1", "float", START, 0.1, read_at=START + timedelta(seconds=3)),
    Reading("m1", "infinite", START, float("inf")),
    Reading("m1", "yes", START, True),
    Reading("m1", "no", START, False),
    Reading("m1", "nothing", START, None, flags=("refused",)),
    Reading("m1", "text", START, 'a, "b" é €', kind=ReadingKind.IDENTITY),
    Reading("m1", "empty text", START, "", kind=ReadingKind.IDENTITY),
    Reading("m1", "text of digits", START, "0012", kind=ReadingKind.IDENTITY),
    Reading("m1", "formula", START, "=1+1", kind=ReadingKind.EVENT, flags=("power_down", "late")),
    Reading("m1", "quote", START, "'=1+1", kind=ReadingKind.EVENT),
    Reading("-1,meter", "ch", START + timedelta(microseconds=1), 5, kind=ReadingKind.CLOCK),
    interval("m2", 1),
]
