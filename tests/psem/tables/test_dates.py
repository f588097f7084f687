"""RDATE and ANSI_DATE: every month code, every offset, and octets that are no date."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.layout import Context, InvalidTime, Record, item
from meterkit.psem.tables.dates import ANSI_DATE, RDATE, DateOffset, Recurrence, RecurrentDate


class Dates(Record):
    recurring = item(RDATE)
    once = item(ANSI_DATE)


def decode(octets: str, order: str = "<") -> Dates:
    context = Context(byte_order="<" if order == "<" else ">")
    return Dates.resolve(context).decode(bytes.fromhex(octets))


def test_a_yearly_date_lies_in_the_bits_that_the_guide_prints() -> None:
    # December 25: MONTH 12, OFFSET 0, WEEKDAY 0, DAY 25 << 11.
    record = decode("0cc8 0000")
    assert record.recurring == RecurrentDate.yearly(12, 25) == RecurrentDate(0xC80C)
    assert (record.recurring.month, record.recurring.day, record.recurring.weekday) == (12, 25, 0)
    assert (record.recurring.recurrence, record.recurring.offset) == (Recurrence.YEARLY, DateOffset.NONE)
    assert (record.recurring.period, record.recurring.delta) == (None, None)
    assert str(record.recurring) == "12-25"


def test_a_date_in_two_octets_follows_the_octet_order() -> None:
    bits = 26 | 5 << 7 | 31 << 11  # 2026-05-31
    for order in "<>":
        octets = (bytes(2) + bits.to_bytes(2, "little" if order == "<" else "big")).hex()
        record = decode(octets, order)
        assert record.once == date(2026, 5, 31)
        assert Dates.resolve(Context(byte_order=order)).encode(record).hex() == octets  # type: ignore[arg-type]


@pytest.mark.parametrize("bits", [0, 26 | 13 << 7 | 1 << 11, 26 | 2 << 7 | 30 << 11, 100 | 1 << 7 | 1 << 11])
def test_month_13_day_30_of_february_and_year_100_are_no_dates(bits: int) -> None:
    record = decode((bytes(2) + bits.to_bytes(2, "little")).hex())
    assert record.once == InvalidTime(bits.to_bytes(2, "little"))
    assert Dates.resolve().encode(record) == bytes(2) + bits.to_bytes(2, "little")


def test_a_date_out_of_the_century_or_a_wrong_value_is_not_written() -> None:
    for value in (date(2100, 1, 1), date(1999, 1, 1), InvalidTime(b"\0"), None, "soon"):
        with pytest.raises(ValueError, match="once"):
            Dates.resolve().encode(Dates(recurring=RecurrentDate(0), once=value))
    with pytest.raises(ValueError, match="recurring"):
        Dates.resolve().encode(Dates(recurring=RecurrentDate(1 << 16), once=date(2026, 1, 1)))


@pytest.mark.parametrize(
    ("offset", "weekday", "observed"),
    [
        # 2026-03-15 is a Sunday.
        (DateOffset.NONE, 0, ["2026-03-15"]),
        (DateOffset.ADVANCE_TO_WEEKDAY, 0, ["2026-03-08"]),
        (DateOffset.ADVANCE_TO_WEEKDAY, 6, ["2026-03-14"]),
        (DateOffset.FIRST_WEEKDAY, 0, ["2026-03-15"]),
        (DateOffset.FIRST_WEEKDAY, 1, ["2026-03-16"]),
        (DateOffset.SECOND_WEEKDAY, 0, ["2026-03-22"]),
        (DateOffset.THIRD_WEEKDAY, 2, ["2026-03-31"]),
        (DateOffset.FOURTH_WEEKDAY, 0, ["2026-04-05"]),
        (DateOffset.LAST_WEEKDAY, 0, ["2026-03-29"]),
        (DateOffset.DAY_AND_NEXT, 0, ["2026-03-15", "2026-03-16"]),
        (DateOffset.SUNDAY_TO_MONDAY, 0, ["2026-03-16"]),
        (DateOffset.SUNDAY_TO_FRIDAY, 0, ["2026-03-13"]),
        (DateOffset.SATURDAY_TO_MONDAY, 0, ["2026-03-15"]),
        (DateOffset.SATURDAY_TO_FRIDAY, 0, ["2026-03-15"]),
        (DateOffset.WEEKEND_TO_MONDAY, 0, ["2026-03-16"]),
        (DateOffset.WEEKEND_TO_FRIDAY, 0, ["2026-03-13"]),
        (DateOffset.NEAREST_WORKDAY, 0, ["2026-03-16"]),
        (DateOffset.NEXT_DAY_ONLY, 0, ["2026-03-16"]),
    ],
)
def test_every_offset_moves_a_sunday_as_the_guide_says(
    offset: DateOffset, weekday: int, observed: list[str]
) -> None:
    found = RecurrentDate.yearly(3, 15, offset, weekday).in_year(2026)
    assert [day.isoformat() for day in found] == observed


@pytest.mark.parametrize(
    ("offset", "observed"),
    [
        # 2026-03-14 is a Saturday.
        (DateOffset.SUNDAY_TO_MONDAY, "2026-03-14"),
        (DateOffset.SUNDAY_TO_FRIDAY, "2026-03-14"),
        (DateOffset.SATURDAY_TO_MONDAY, "2026-03-16"),
        (DateOffset.SATURDAY_TO_FRIDAY, "2026-03-13"),
        (DateOffset.WEEKEND_TO_MONDAY, "2026-03-16"),
        (DateOffset.WEEKEND_TO_FRIDAY, "2026-03-13"),
        (DateOffset.NEAREST_WORKDAY, "2026-03-13"),
    ],
)
def test_every_offset_moves_a_saturday_as_the_guide_says(offset: DateOffset, observed: str) -> None:
    assert RecurrentDate.yearly(3, 14, offset).in_year(2026) == (date.fromisoformat(observed),)


def test_a_working_day_stays_where_it_is() -> None:
    for offset in range(8, 15):
        assert RecurrentDate.yearly(3, 11, DateOffset(offset)).in_year(2026) == (date(2026, 3, 11),)


def test_daylight_saving_of_europe_and_of_america() -> None:
    last_sunday = RecurrentDate.yearly(3, 1, DateOffset.LAST_WEEKDAY, 0)
    assert [day.isoformat() for y in (2024, 2025, 2026) for day in last_sunday.in_year(y)] == [
        "2024-03-31",
        "2025-03-30",
        "2026-03-29",
    ]
    second_sunday = RecurrentDate.yearly(3, 1, DateOffset.SECOND_WEEKDAY, 0)
    assert second_sunday.in_year(2026) == (date(2026, 3, 8),)
    assert str(second_sunday) == "03-01, second weekday (Sunday)"


def test_the_last_weekday_before_the_day_entered_does_not_count() -> None:
    assert RecurrentDate.yearly(3, 30, DateOffset.LAST_WEEKDAY, 0).in_year(2026) == ()


def test_a_monthly_date_leaves_out_months_without_that_day() -> None:
    monthly = RecurrentDate.monthly(31)
    assert (monthly.month, monthly.recurrence, str(monthly)) == (
        13,
        Recurrence.MONTHLY,
        "every month on day 31",
    )
    assert [day.month for day in monthly.in_year(2026)] == [1, 3, 5, 7, 8, 10, 12]
    assert RecurrentDate.yearly(2, 29).in_year(2026) == ()
    assert RecurrentDate.yearly(2, 29).in_year(2028) == (date(2028, 2, 29),)


def test_month_14_is_weekly_and_its_fill_means_nothing() -> None:
    weekly = RecurrentDate(RecurrentDate.weekly(2).bits | 0xF0F0 & ~0x700)
    assert (weekly.recurrence, weekly.weekday, weekly.day, weekly.offset) == (Recurrence.WEEKLY, 2, None, 0)
    days = weekly.in_year(2026)
    assert len(days) == 52
    assert {day.isoweekday() for day in days} == {2}
    assert str(weekly) == "every Tuesday"
    assert len(RecurrentDate.weekly(4).in_year(2026)) == 53


def test_month_15_has_a_period_and_a_delta() -> None:
    periodic = RecurrentDate.periodic(10, 3)
    assert periodic.bits == 15 | 10 << 4 | 3 << 10
    assert (periodic.recurrence, periodic.period, periodic.delta) == (Recurrence.PERIODIC, 10, 3)
    assert (periodic.weekday, periodic.day, periodic.offset) == (None, None, DateOffset.NONE)
    assert periodic.in_year(2026) == ()
    assert periodic.in_year(2026, date(2026, 12, 1)) == (
        date(2026, 12, 4),
        date(2026, 12, 14),
        date(2026, 12, 24),
    )
    assert periodic.in_year(2026, date(2025, 12, 31))[:2] == (date(2026, 1, 3), date(2026, 1, 13))
    assert str(periodic) == "every 10 days, delta 3"


@pytest.mark.parametrize(
    "bits",
    [0, 0xFF00, 3, 14 | 7 << 8, 15, 3 | 2 << 4 | 7 << 8 | 1 << 11, 13],
    ids=[
        "unassigned",
        "month 0",
        "day 0",
        "weekday 7",
        "period 0",
        "offset without weekday",
        "monthly, day 0",
    ],
)
def test_what_names_no_date_is_marked_and_never_comes(bits: int) -> None:
    nothing = RecurrentDate(bits)
    assert not nothing.is_valid
    assert nothing.in_year(2026) == ()
    assert str(nothing) == f"no date ({bits:04x})"


def test_parts_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="month 13: 1 to 12"):
        RecurrentDate.yearly(13, 1)
    with pytest.raises(ValueError, match="day 0"):
        RecurrentDate.monthly(0)
    with pytest.raises(ValueError, match="weekday 7"):
        RecurrentDate.weekly(7)
    with pytest.raises(ValueError, match="period 64"):
        RecurrentDate.periodic(64, 0)
    with pytest.raises(ValueError, match="year 1"):
        RecurrentDate.weekly(1).in_year(1)


@given(st.binary(min_size=4, max_size=4), st.sampled_from("<>"))
def test_any_octets_are_dates_that_write_back(octets: bytes, order: str) -> None:
    layout = Dates.resolve(Context(byte_order="<" if order == "<" else ">"))
    record = layout.decode(octets)
    assert layout.encode(record) == octets
    assert str(record.recurring)


@given(st.integers(0, 0xFFFF), st.integers(2, 9998), st.dates(date(2, 1, 1), date(9998, 1, 1)))
def test_any_recurring_date_has_days_in_or_near_its_year(bits: int, year: int, anchor: date) -> None:
    days = RecurrentDate(bits).in_year(year, anchor)
    margin = timedelta(35)
    assert all(date(year, 1, 1) - margin < day < date(year, 12, 31) + margin for day in days)
    assert list(days) == sorted(set(days))
    assert len(days) <= 366
