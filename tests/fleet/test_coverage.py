"""Coverage counts what a day has, whatever the clocks do, and gaps become few readings."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from meterkit.fleet.coverage import Coverage, Expected
from meterkit.fleet.gaps import Gap, find_gaps, plan_backfill, windows_of
from meterkit.fleet.plan import Window
from meterkit.fleet.readings import Reading, ReadingKind
from meterkit.fleet.sinks import open_sink
from meterkit.fleet.slots import Slots
from tests.fleet.postgres import database, postgres  # noqa: F401
from tests.fleet.samples import NOW, QUARTER, START, day, interval

pytestmark = pytest.mark.anyio
END = START + timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
CHANNEL = "LP1/ch1"


@pytest.fixture(params=["jsonl:o.jsonl", "csv:o.csv", "parquet:parts", "sqlite:r.db", "postgresql"])
def url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("database")
    scheme, _, path = request.param.partition(":")
    return f"{scheme}:{tmp_path / path}"


class Held:
    """A store of readings in memory."""

    name = "held"

    def __init__(self, readings):
        self.readings = readings

    async def scan(self, since, until, *, meters=None):
        yield [
            reading
            for reading in self.readings
            if since < reading.time <= until and (meters is None or reading.meter in meters)
        ]


async def covered(readings, since=START, until=END, expected=None, **options):
    return await Coverage.of(Held(readings), since, until, expected, **{"now": NOW, **options})


def at(zone, *parts):
    return datetime(*parts, tzinfo=zone)


# ---------------------------------------------------------------- slots
@pytest.mark.parametrize(
    ("day_of", "quarters"), [(date(2026, 3, 28), 96), (date(2026, 3, 29), 92), (date(2026, 10, 25), 100)]
)
def test_a_local_day_has_the_quarters_it_has(day_of, quarters):
    begin = at(BERLIN, day_of.year, day_of.month, day_of.day)
    slots = Slots.of(begin, begin + timedelta(days=1), 900, BERLIN)
    assert len(slots) == quarters
    assert [(day, len(numbers)) for day, numbers in slots.days] == [(day_of, quarters)]
    assert {end % 900 for end in slots.ends} == {0}


def test_daily_slots_are_local_days_of_23_24_and_25_hours():
    slots = Slots.of(at(BERLIN, 2026, 1, 1), at(BERLIN, 2027, 1, 1), 86400, BERLIN)
    lengths = [end - begin for begin, end in zip(slots.begins, slots.ends, strict=True)]
    assert (len(lengths), lengths.count(82800), lengths.count(90000)) == (365, 1, 1)
    assert slots.begins[1:] == slots.ends[:-1]


def test_hours_of_a_half_hour_zone_end_at_its_own_hours():
    kolkata = ZoneInfo("Asia/Kolkata")
    slots = Slots.of(at(kolkata, 2026, 3, 1), at(kolkata, 2026, 3, 2), 3600, kolkata)
    assert len(slots) == 24
    assert {end % 3600 for end in slots.ends} == {1800}


def test_a_window_holds_whole_slots_only():
    slots = Slots.of(START + timedelta(minutes=1), START + timedelta(minutes=46), 900)
    assert [end - int(START.timestamp()) for end in slots.ends] == [1800, 2700]


def test_weeks_are_slots_too():
    slots = Slots.of(START, START + timedelta(days=28), 7 * 86400)
    assert len(slots) == 3


@pytest.mark.parametrize(("since", "until", "length"), [
    (END, START, 900), (START, START, 900), (datetime(2026, 3, 1), END, 900),
    (START, END, 0), (START, END, 7000), (START, END, 100_000),
])  # fmt: skip
def test_a_window_that_makes_no_sense_is_told(since, until, length):
    with pytest.raises(ValueError, match=r"expected|no day is made of such"):
        Slots.of(since, until, length)


# ---------------------------------------------------------------- counts
async def test_a_whole_day_is_a_hundred_percent(url):
    sink = open_sink(url)
    await sink.open()
    await sink.write([*day("m1"), *day("m2")])
    await sink.close()
    coverage = await Coverage.of(sink, START, END, now=NOW)
    assert coverage.total.to_json() == {
        "expected": 192, "received": 192, "late": 0, "missing": 0, "flagged": 0,
        "percent": 100.0, "percent_in_time": 100.0,
    }  # fmt: skip
    assert find_gaps(coverage) == []


async def test_missing_late_and_flagged_are_told_apart():
    readings = day("m1")[:90]
    readings[3] = interval("m1", 4, flags=("power_down",))
    readings[4] = interval("m1", 5, delay=timedelta(days=2))
    coverage = await covered(readings)
    (tally,) = coverage.by_meter().values()
    assert (tally.expected, tally.received, tally.late, tally.missing, tally.flagged) == (96, 90, 1, 6, 1)
    assert tally.to_json()["percent"] == 93.75
    assert coverage.below(98.0) == ["m1"]
    assert coverage.below(92.0) == []


async def test_a_meter_that_never_answered_is_seen_if_it_is_expected():
    expected = [Expected(meter, CHANNEL, 900) for meter in ("m1", "m2")]
    coverage = await covered([*day("m1"), *day("m3")], expected=expected)
    assert {meter: tally.received for meter, tally in coverage.by_meter().items()} == {"m1": 96, "m2": 0}
    assert coverage.total.percent == 50.0
    assert coverage.stale(timedelta(days=2)) == ["m2"]


async def test_percents_never_round_up_to_a_duty_that_was_not_met():
    readings = [reading for n in range(100) for reading in day(f"m{n}")][:-1]
    coverage = await covered(readings)
    assert coverage.total.to_json()["percent"] == 99.98


async def test_counts_by_channel_and_local_day():
    begin = at(BERLIN, 2026, 3, 28)
    ends = [begin.astimezone(UTC) + n * QUARTER for n in range(1, 96 + 92 + 1)]
    readings = [
        Reading("m1", f"LP1/ch{c}", end, n, "Wh", (), ReadingKind.INTERVAL, 900)
        for c in (1, 2) for n, end in enumerate(ends) if not (c == 2 and n >= 180)
    ]  # fmt: skip
    coverage = await covered(readings, begin, at(BERLIN, 2026, 3, 30), zone=BERLIN, now=at(UTC, 2026, 4, 1))
    assert {channel: t.missing for channel, t in coverage.by_channel().items()} == {
        "LP1/ch1": 0,
        "LP1/ch2": 8,
    }
    assert {d.day: (t.expected, t.missing) for d, t in coverage.by_day().items()} == {
        28: (192, 0),
        29: (184, 8),
    }
    document = coverage.to_json()
    assert document["days"]["2026-03-29"]["percent"] == 95.65


async def test_a_meter_ahead_of_time_fills_no_slot_and_is_flagged():
    ahead = [replace(reading, read_at=START) for reading in day("m1")]
    coverage = await covered(ahead, expected=[Expected("m1", CHANNEL, 900)])
    assert (coverage.total.received, coverage.total.flagged) == (0, 96)
    assert coverage.newest() == {"m1": None}


async def test_intervals_cut_short_by_a_jump_are_flagged_and_fill_nothing():
    readings = [
        replace(r, time=r.time + timedelta(minutes=7)) if n >= 48 else r for n, r in enumerate(day("m1"))
    ]
    coverage = await covered(readings)
    assert (coverage.total.received, coverage.total.missing) == (48, 48)
    assert coverage.total.flagged == 47  # the last lies beyond the window


async def test_a_value_in_time_counts_more_than_the_same_late():
    late, early = interval("m1", 1, delay=timedelta(days=3)), interval("m1", 1)
    for readings in ([late, early], [early, late]):
        assert (await covered(readings)).total.late == 0


async def test_staleness_is_shown():
    coverage = await covered(day("m1")[:40])
    newest = START + 40 * QUARTER
    assert coverage.newest() == {"m1": newest}
    assert coverage.stale(NOW - newest - QUARTER) == ["m1"]
    assert coverage.stale(NOW - newest) == []
    assert coverage.to_json()["meters"]["m1"]["stale"] == (NOW - newest).total_seconds()


async def test_registers_and_events_are_no_intervals():
    readings = [
        Reading("m1", "1-0:1.8.0", START + QUARTER, 5),
        Reading("m1", "LP9/ch1", START + QUARTER, 5, kind=ReadingKind.INTERVAL),
    ]
    assert (await covered(readings)).series == ()


# ---------------------------------------------------------------- gaps
def without(readings, *numbers):
    return [reading for number, reading in enumerate(readings, 1) if number not in numbers]


def quarter(number):
    return START + number * QUARTER


async def test_gaps_of_a_group_are_those_of_any_of_its_channels():
    readings = [*without(day("m1"), 5, 6, 7, 20), *without(day("m1", "LP1/ch2"), 7, 8), *day("m1", "LP2/ch1")]
    gaps = find_gaps(await covered(readings))
    assert gaps == [Gap("m1", "LP1", quarter(4), quarter(8)), Gap("m1", "LP1", quarter(19), quarter(20))]


async def test_reading_a_gap_again_closes_it():
    readings = without(day("m1"), 1, 50, 51, 96)
    coverage = await covered(readings)
    filled = list(readings)
    for gap in find_gaps(coverage):
        filled.extend(reading for reading in day("m1") if gap.since < reading.time <= gap.until)
    assert len(filled) == 96
    assert find_gaps(await covered(filled)) == []


async def test_backfill_reads_near_gaps_as_one_and_long_ones_in_pieces():
    gaps = find_gaps(await covered(without(day("m1"), 5, 10, 40)))
    assert plan_backfill(gaps, near=timedelta(0)) == gaps
    assert plan_backfill(reversed(gaps)) == [
        Gap("m1", "LP1", quarter(4), quarter(10)),
        Gap("m1", "LP1", quarter(39), quarter(40)),
    ]
    year = Gap("m1", "LP1", START, START + timedelta(days=365))
    pieces = plan_backfill([year], longest=timedelta(days=31))
    assert len(pieces) == 12
    assert pieces[0].since == year.since
    assert pieces[-1].until == year.until
    assert [piece.until for piece in pieces[:-1]] == [piece.since for piece in pieces[1:]]


async def test_backfill_is_what_a_fleet_can_read():
    gaps = [Gap("m2", "LP1", START, END), Gap("m1", "LP1", START, END), Gap("m1", "LP2", START, END)]
    assert windows_of(plan_backfill(gaps)) == {
        "m1": [Window("LP1", START, END), Window("LP2", START, END)],
        "m2": [Window("LP1", START, END)],
    }
    with pytest.raises(ValueError, match="longest"):
        plan_backfill(gaps, longest=timedelta(0))


async def test_gaps_over_the_change_of_clocks_are_in_utc():
    begin = at(BERLIN, 2026, 10, 25)
    expected = [Expected("m1", "profile/1-0:99.2.0/1-0:1.8.0", 86400)]
    coverage = await covered(
        [], begin, at(BERLIN, 2026, 10, 26), expected=expected, zone=BERLIN, now=at(UTC, 2026, 11, 1)
    )
    (gap,) = find_gaps(coverage)
    assert gap.until - gap.since == timedelta(hours=25)
    assert gap.channel_group == "profile/1-0:99.2.0"
