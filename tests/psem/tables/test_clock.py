"""ST50 to ST56 from hand-built octets, and the time they mean."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context, InvalidTime
from meterkit.errors import ProtocolFault
from meterkit.psem.tables import GenConfig, context_for
from meterkit.psem.tables.calendar import Calendar
from meterkit.psem.tables.clock import (
    ActTimeTou,
    Clock,
    ClockState,
    ClockStateTbl,
    DimTimeTou,
    TimeOffset,
    TimeRemain,
)
from meterkit.psem.tables.clock_reading import read_clock

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "psem.json").read_text())
LTIMES = [vector for vector in VECTORS if vector["name"].startswith("ltime_")]
GMT, ZONE, SAVING_APPLIED, SAVING = 0x10, 0x20, 0x40, 0x08  # TIME_DATE_QUAL
TUESDAY = 2
SHOWN = datetime(2024, 1, 2, 3, 4, 5)  # a Tuesday


def config(tm_format: int = 2, order: int = 0) -> Context:
    return context_for([GenConfig.resolve().decode(bytes([order | 2, tm_format, 0x88]) + bytes(16))])


def act(flag1: int = 0, flag2: int = 0, calendar: int = 0, *counts: int) -> ActTimeTou:
    non_recurrent, recurrent, switches = counts or (0, 0, 0)
    octets = (
        bytes([flag1, flag2, calendar, non_recurrent, recurrent]) + switches.to_bytes(2, "little") + b"\0\0"
    )
    return ActTimeTou.resolve(config()).decode(octets)


def clock(qualifier: int, shown: datetime | InvalidTime = SHOWN) -> Clock:
    return Clock(clock_calendar=shown, time_date_qual=qualifier)


def offset(minutes: int | None, saving: int = 60) -> TimeOffset:
    return TimeOffset(dst_time_eff=InvalidTime(bytes(3)), dst_time_amt=saving, time_zone_offset=minutes)


@pytest.mark.parametrize("vector", LTIMES, ids=lambda vector: vector["name"])
def test_the_clock_of_the_vectors_reads_as_utc(vector: dict[str, object]) -> None:
    expected = vector["expected"]
    assert isinstance(expected, dict)
    known = config(expected["TM_FORMAT"], expected.get("DATA_ORDER", 0))
    octets = bytes.fromhex(str(vector["hex"])) + bytes([GMT | TUESDAY])
    record = Clock.resolve(known).decode(octets)
    assert Clock.resolve(known).encode(record) == octets
    reading = read_clock(record)
    assert reading.time == datetime.fromisoformat(expected["value"]).replace(tzinfo=UTC)
    assert (reading.is_utc, reading.is_dst, reading.day_of_week, reading.problem) == (True, False, 2, "")


def test_a_local_clock_is_put_right_by_st53() -> None:
    west = read_clock(clock(ZONE | TUESDAY), offset(-300))
    assert west.time == datetime(2024, 1, 2, 8, 4, 5, tzinfo=UTC)
    assert west.shown == SHOWN
    saving = read_clock(clock(ZONE | SAVING | SAVING_APPLIED | TUESDAY), offset(-300))
    assert saving.time == datetime(2024, 1, 2, 7, 4, 5, tzinfo=UTC)
    assert saving.is_dst is saving.is_dst_applied is saving.is_time_zone_applied is True
    not_applied = read_clock(clock(ZONE | SAVING | TUESDAY), offset(-300))
    assert not_applied.time == west.time


def test_a_local_clock_without_an_offset_has_no_utc() -> None:
    for reading in (
        read_clock(clock(TUESDAY)),
        read_clock(clock(TUESDAY), offset(-300)),
        read_clock(clock(ZONE | TUESDAY)),
        read_clock(clock(ZONE | TUESDAY), offset(None)),
    ):
        assert reading.time is None
        assert reading.shown == SHOWN
        assert "local time" in reading.problem
    known = read_clock(clock(TUESDAY), utc_offset=timedelta(hours=1))
    assert known.time == datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC)
    meters_own = read_clock(clock(ZONE | TUESDAY), offset(60), utc_offset=timedelta(hours=9))
    assert meters_own.time == known.time


def test_an_offset_of_days_and_the_end_of_the_calendar_are_told() -> None:
    assert "32767 min from UTC" in read_clock(clock(ZONE), offset(32767)).problem
    end = read_clock(clock(ZONE, datetime(9999, 12, 31, 23, 59)), offset(-60))
    assert (end.time, end.problem[:4]) == (None, "9999")


def test_a_clock_that_shows_no_time_says_so() -> None:
    reading = read_clock(clock(GMT | 7, InvalidTime(b"\x18\x0d\0\0\0\0")))
    assert (reading.time, reading.shown, reading.day_of_week) == (None, None, None)
    assert reading.problem == "the clock shows no valid time (18 0d 00 00 00 00)"


def test_a_wrong_day_of_the_week_is_told_beside_the_time() -> None:
    reading = read_clock(clock(GMT | 3))
    assert reading.time is not None
    assert reading.problem == "2024-01-02 is a Tuesday, day of week 3 is told"


def test_st55_has_tiers_and_season() -> None:
    known = config()
    octets = bytes([24, 1, 2, 3, 4, 5, GMT | TUESDAY]) + (2 | 3 << 3 | 1 << 6 | 15 << 8 | 4 << 12).to_bytes(
        2, "little"
    )
    record = ClockStateTbl.resolve(known).decode(octets)
    assert (record.curr_summ_tier, record.curr_demand_tier, record.tier_drive) == (2, 3, 1)
    assert (record.special_schd_active, record.season) == (15, 4)
    assert isinstance(record, ClockState)
    assert read_clock(record).time == SHOWN.replace(tzinfo=UTC)


def test_st53_has_a_time_zone_only_when_st51_says_so() -> None:
    octets = bytes([2, 0, 0, 60]) + (-300).to_bytes(2, "little", signed=True)
    with_zone = TimeOffset.resolve(config().with_(act(flag2=0x10))).decode(octets)
    assert (with_zone.dst_time_amt, with_zone.time_zone_offset) == (60, -300)
    without = TimeOffset.resolve(config().with_(act())).decode(octets)
    assert (without.time_zone_offset, without.extra) == (None, octets[4:])


def test_st50_stands_in_for_st51() -> None:
    octets = bytes([0x21, 0x16, 0x42, 3, 2, 5, 0, 40, 0])
    dimension = DimTimeTou.resolve(config()).decode(octets)
    found = ActTimeTou.from_dimension(dimension)
    assert found == ActTimeTou.resolve(config()).decode(octets)
    assert (found.nbr_seasons, found.nbr_special_sched, found.nbr_tier_switches) == (2, 4, 5)
    assert found.anchor_date_flag is found.separate_weekdays_flag is found.separate_sum_demands_flag is True
    assert Calendar.needs() == {ActTimeTou}


def test_st56_has_one_remaining_time_or_two() -> None:
    apart = TimeRemain.resolve(config().with_(act(flag2=4))).decode(bytes([1, 0, 2, 0, 3]))
    assert (apart.summ_tier_time_remain, apart.demand_tier_time_remain, apart.self_read_days_remain) == (
        1,
        2,
        3,
    )
    assert apart.tier_time_remain is None
    joint = TimeRemain.resolve(config().with_(act())).decode(bytes([1, 1, 9]))
    assert (joint.tier_time_remain, joint.self_read_days_remain) == (257, 9)


def test_a_calendar_with_dates_switches_and_schedules() -> None:
    known = config().with_(act(0x20, 0, 2 | 1 << 4, 1, 1, 2))
    anchor = 24 | 1 << 7 | 1 << 11
    labor_day = 9 | 2 << 4 | 1 << 8 | 1 << 11  # September, first Monday on or after the 1st
    switch = 1 | 30 << 5 | 6 << 11
    octets = b"".join(
        [
            anchor.to_bytes(2, "little"),
            (25 | 12 << 7 | 25 << 11).to_bytes(2, "little"),
            bytes([19]),
            labor_day.to_bytes(2, "little"),
            bytes([20 | 1 << 6]),
            switch.to_bytes(2, "little"),
            bytes([0]),
            (2 | 21 << 11).to_bytes(2, "little"),
            bytes([1]),
            bytes(range(8)),  # two seasons of weekdays, Saturday, Sunday and one special schedule
        ]
    )
    layout = Calendar.resolve(known)
    assert layout.size == len(octets)
    record = layout.decode(octets)
    assert layout.encode(record) == octets
    assert record.anchor_date == date(2024, 1, 1)
    assert record.non_recurr_dates[0].non_recurr_date == date(2025, 12, 25)
    assert record.non_recurr_dates[0].calendar_action.calendar_ctrl == 19
    assert record.recurr_dates[0].recurr_date.in_year(2024) == (date(2024, 9, 2),)
    assert record.recurr_dates[0].calendar_action.self_read_flag is True
    first = record.tier_switches[0]
    assert (first.switch_hour, first.switch_min, first.new_tier, first.day_sch_num) == (6, 30, 1, 0)
    assert [season.schedule_id for season in record.daily_schedule_id_matrix] == [(0, 1, 2, 3), (4, 5, 6, 7)]


@given(
    octets=st.binary(max_size=40),
    tm_format=st.integers(0, 4),
    order=st.integers(0, 1),
    minutes=st.one_of(st.none(), st.integers(-32768, 32767)),
)
def test_any_octets_are_a_reading_or_a_fault(
    octets: bytes, tm_format: int, order: int, minutes: int | None
) -> None:
    for table in (Clock, ClockStateTbl):
        try:
            record = table.resolve(config(tm_format, order)).decode(octets)
        except ProtocolFault:
            continue
        reading = read_clock(record, offset(minutes))
        assert reading.time is not None or reading.problem
