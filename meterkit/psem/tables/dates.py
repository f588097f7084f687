"""RDATE and ANSI_DATE: dates that recur, and a date in two octets.

    RDATE      MONTH 0..3 | OFFSET 4..7 | WEEKDAY 8..10 | DAY 11..15     MONTH 0 to 13
               MONTH 0..3 | fill 4..7   | WEEKDAY 8..10 | fill 11..15    MONTH 14
               MONTH 0..3 | PERIOD 4..9 | DELTA 10..15                   MONTH 15
    ANSI_DATE  YEAR 0..6 | MONTH 7..10 | DAY 11..15

Both are UINT16 in the meter's octet order.  Source: OSGP guide, "Data Types"; C12.19, recurring dates.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from typing import Any

from meterkit.codec.expression import Scope
from meterkit.codec.layout import InvalidTime
from meterkit.codec.wire import Formed, Kind, Wire
from meterkit.psem.tables.times import MaybeDate

_CENTURY = 2000  # OSGP guide: "02 = 2002" (D45)
_SUNDAY, _MONDAY, _FRIDAY, _SATURDAY, _UNASSIGNED = 0, 1, 5, 6, 7  # WEEKDAY
_MONTHLY, _WEEKLY, _PERIODIC = 13, 14, 15  # MONTH; 14 is weekly by C12.19: the guide repeats 15's text (D23)


class Recurrence(IntEnum):
    """How often a date comes back."""

    NEVER = 0  #: MONTH 0, "unassigned"
    YEARLY = 1
    MONTHLY = 2
    WEEKLY = 3
    PERIODIC = 4  #: every PERIOD days, shifted by DELTA


class DateOffset(IntEnum):
    """OFFSET: which day is observed instead of the one entered."""

    NONE = 0
    ADVANCE_TO_WEEKDAY = 1  #: the last such weekday before the day entered
    FIRST_WEEKDAY = 2  #: the first such weekday on or after the day entered
    SECOND_WEEKDAY = 3
    THIRD_WEEKDAY = 4
    FOURTH_WEEKDAY = 5
    LAST_WEEKDAY = 6  #: of the month, on or after the day entered ("loutiff" in the guide's scan, D23)
    DAY_AND_NEXT = 7  #: the day entered and the day after
    SUNDAY_TO_MONDAY = 8
    SUNDAY_TO_FRIDAY = 9
    SATURDAY_TO_MONDAY = 10
    SATURDAY_TO_FRIDAY = 11
    WEEKEND_TO_MONDAY = 12
    WEEKEND_TO_FRIDAY = 13
    NEAREST_WORKDAY = 14  #: Sunday to Monday, Saturday to Friday
    NEXT_DAY_ONLY = 15


@dataclass(frozen=True, slots=True)
class RecurrentDate:
    """A recurring date.  Any UINT16 is one; `is_valid` tells whether it says anything.

    The layout of MONTH 0 is printed nowhere (D23): taken as that of 1 to 13, it has no meaning anyway.
    """

    bits: int  #: 0..65535

    @classmethod
    def yearly(
        cls, month: int, day: int, offset: DateOffset = DateOffset.NONE, weekday: int = 0
    ) -> RecurrentDate:
        """Return the date that comes each year; `weekday` 0 is Sunday.

        Errors: ValueError when a part is out of range.
        """
        _check(month=(month, 1, 12), day=(day, 1, 31), weekday=(weekday, 0, 6))
        return cls(month | offset << 4 | weekday << 8 | day << 11)

    @classmethod
    def monthly(cls, day: int, offset: DateOffset = DateOffset.NONE, weekday: int = 0) -> RecurrentDate:
        """Return the date that comes each month.  Errors: as `yearly`."""
        _check(day=(day, 1, 31), weekday=(weekday, 0, 6))
        return cls(_MONTHLY | offset << 4 | weekday << 8 | day << 11)

    @classmethod
    def weekly(cls, weekday: int) -> RecurrentDate:
        """Return the date that comes each week.  Errors: as `yearly`."""
        _check(weekday=(weekday, 0, 6))
        return cls(_WEEKLY | weekday << 8)

    @classmethod
    def periodic(cls, period: int, delta: int) -> RecurrentDate:
        """Return the date that comes every `period` days; both are 0..63.  Errors: as `yearly`."""
        _check(period=(period, 0, 63), delta=(delta, 0, 63))
        return cls(_PERIODIC | period << 4 | delta << 10)

    @property
    def month(self) -> int:
        """MONTH: 1..12 a month, 13 monthly, 14 weekly, 15 periodic, 0 unassigned."""
        return self.bits & 0xF

    @property
    def recurrence(self) -> Recurrence:
        """How often the date comes back."""
        kinds = {0: Recurrence.NEVER, _MONTHLY: Recurrence.MONTHLY, _WEEKLY: Recurrence.WEEKLY}
        return Recurrence.PERIODIC if self.month == _PERIODIC else kinds.get(self.month, Recurrence.YEARLY)

    @property
    def offset(self) -> DateOffset:
        """OFFSET; NONE for weekly and periodic dates, which have none."""
        return DateOffset(0 if self.month >= _WEEKLY else self.bits >> 4 & 0xF)

    @property
    def weekday(self) -> int | None:
        """WEEKDAY, 0 Sunday to 6 Saturday, 7 unassigned; None for periodic dates."""
        return None if self.month == _PERIODIC else self.bits >> 8 & 7

    @property
    def day(self) -> int | None:
        """DAY of the month, 0 invalid; None for weekly and periodic dates."""
        return None if self.month >= _WEEKLY else self.bits >> 11

    @property
    def period(self) -> int | None:
        """PERIOD, days; None for all others."""
        return self.bits >> 4 & 0x3F if self.month == _PERIODIC else None

    @property
    def delta(self) -> int | None:
        """DELTA, days; None for all others."""
        return self.bits >> 10 if self.month == _PERIODIC else None

    @property
    def is_valid(self) -> bool:
        """Tell whether the parts name a date: no DAY 0, no unassigned MONTH or WEEKDAY where one counts."""
        if self.month in (0, _PERIODIC):
            return self.month == _PERIODIC and bool(self.period)
        if self.month == _WEEKLY:
            return self.weekday != _UNASSIGNED
        needs_weekday = DateOffset.ADVANCE_TO_WEEKDAY <= self.offset <= DateOffset.LAST_WEEKDAY
        return self.day != 0 and not (needs_weekday and self.weekday == _UNASSIGNED)

    def in_year(self, year: int, anchor: date | None = None) -> tuple[date, ...]:
        """Return the days observed for the dates of `year`, in order; an offset may lead out of it.

        A day that a month lacks is left out, as is everything invalid.  A periodic date comes on `anchor`
        plus DELTA, and every PERIOD days from there (general knowledge of C12.19, whose ST54 has the
        anchor; unconfirmed); without `anchor` it gives nothing.
        Errors: ValueError for a year outside 2..9998.
        """
        _check(year=(year, 2, 9998))
        if not self.is_valid:
            return ()
        if self.month == _PERIODIC:
            first = None if anchor is None else anchor.toordinal() + (self.delta or 0)
            return () if first is None else _every(self.period or 1, first, year)
        if self.month == _WEEKLY:
            return _every(7, _on_or_after(date(year, 1, 1), self.weekday or 0).toordinal(), year)
        months = range(1, 13) if self.month == _MONTHLY else (self.month,)
        observed: set[date] = set()
        for month in months:
            if (self.day or 0) <= monthrange(year, month)[1]:
                observed.update(self._observed(date(year, month, self.day or 1)))
        return tuple(sorted(observed))

    def _observed(self, entered: date) -> tuple[date, ...]:
        offset, weekday = self.offset, self.weekday or 0
        if offset is DateOffset.DAY_AND_NEXT:
            return entered, entered + timedelta(1)
        if offset is DateOffset.NEXT_DAY_ONLY:
            return (entered + timedelta(1),)
        if offset is DateOffset.ADVANCE_TO_WEEKDAY:
            return (_on_or_after(entered - timedelta(7), weekday),)
        if DateOffset.FIRST_WEEKDAY <= offset <= DateOffset.FOURTH_WEEKDAY:
            return (_on_or_after(entered, weekday) + timedelta(weeks=offset - DateOffset.FIRST_WEEKDAY),)
        if offset is DateOffset.LAST_WEEKDAY:
            return _last_of_month(entered, weekday)
        shift = _WEEKEND.get(offset, {}).get(_weekday(entered), 0)
        return (entered + timedelta(shift),)

    def __str__(self) -> str:
        if not self.is_valid:
            return f"no date ({self.bits:04x})"
        if self.month == _PERIODIC:
            return f"every {self.period} days, delta {self.delta}"
        if self.month == _WEEKLY:
            return f"every {_WEEKDAYS[self.weekday or 0]}"
        when = (
            f"every month on day {self.day}" if self.month == _MONTHLY else f"{self.month:02}-{self.day:02}"
        )
        if self.offset is DateOffset.NONE:
            return when
        name = self.offset.name.lower().replace("_", " ")
        names_weekday = self.offset <= DateOffset.LAST_WEEKDAY
        return f"{when}, {name}{f' ({_WEEKDAYS[self.weekday or 0]})' if names_weekday else ''}"


_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

#: Days that a date entered on a weekday moves, by OFFSET.
_WEEKEND: dict[DateOffset, dict[int, int]] = {
    DateOffset.SUNDAY_TO_MONDAY: {_SUNDAY: 1},
    DateOffset.SUNDAY_TO_FRIDAY: {_SUNDAY: -2},
    DateOffset.SATURDAY_TO_MONDAY: {_SATURDAY: 2},
    DateOffset.SATURDAY_TO_FRIDAY: {_SATURDAY: -1},
    DateOffset.WEEKEND_TO_MONDAY: {_SUNDAY: 1, _SATURDAY: 2},
    DateOffset.WEEKEND_TO_FRIDAY: {_SUNDAY: -2, _SATURDAY: -1},
    DateOffset.NEAREST_WORKDAY: {_SUNDAY: 1, _SATURDAY: -1},
}


def _check(**parts: tuple[int, int, int]) -> None:
    for name, (value, low, high) in parts.items():
        if not low <= value <= high:
            raise ValueError(f"{name} {value}: {low} to {high} expected")


def _weekday(day: date) -> int:
    """Return 0 for Sunday to 6 for Saturday."""
    return day.isoweekday() % 7


def _on_or_after(day: date, weekday: int) -> date:
    return day + timedelta((weekday - _weekday(day)) % 7)


def _every(period: int, first: int, year: int) -> tuple[date, ...]:
    """Return the days of `year`, `period` apart, on which the ordinal `first` or a later one falls."""
    start, end = date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
    begin = max(first, start + (first - start) % period)
    return tuple(date.fromordinal(day) for day in range(begin, end, period))


def _last_of_month(entered: date, weekday: int) -> tuple[date, ...]:
    """Return the month's last such weekday, unless it is before the day entered."""
    last = entered.replace(day=monthrange(entered.year, entered.month)[1])
    found = last - timedelta((_weekday(last) - weekday) % 7)
    return (found,) if found >= entered else ()


# ---------------------------------------------------------------- kinds
def _formed(name: str, read: Callable[[int, bytes], Any], write: Callable[[Any], int]) -> Kind[Any]:
    def form(scope: Scope) -> Wire[Any]:
        order: Any = "little" if scope.order == "<" else "big"

        def convert(octets: bytes) -> Any:
            return read(int.from_bytes(octets, order), octets)

        def revert(value: Any) -> bytes:
            if isinstance(value, InvalidTime):
                if len(value.octets) != 2:
                    raise ValueError("2 octets expected")
                return value.octets
            return write(value).to_bytes(2, order)

        return Wire(name, "2s", 2, convert, revert)

    return Formed(form)


def _date_of(bits: int, octets: bytes) -> MaybeDate:
    try:
        if bits & 0x7F < 100:
            return date(_CENTURY + (bits & 0x7F), bits >> 7 & 0xF, bits >> 11)
    except ValueError:
        pass
    return InvalidTime(octets)


def _bits_of(value: date) -> int:
    if not _CENTURY <= value.year < _CENTURY + 100:
        raise ValueError(f"two digits carry the years 2000 to 2099, not {value.year}")
    return (value.year - _CENTURY) | value.month << 7 | value.day << 11


def _recurrent_of(bits: int, octets: bytes) -> RecurrentDate:
    return RecurrentDate(bits)


def _recurrent_bits(value: RecurrentDate) -> int:
    return value.bits


RDATE: Kind[RecurrentDate] = _formed("RDATE", _recurrent_of, _recurrent_bits)
ANSI_DATE: Kind[MaybeDate] = _formed("ANSI_DATE", _date_of, _bits_of)
