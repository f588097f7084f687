"""Dates and times as COSEM writes them, with everything they can leave open.

    date       5 octets   YY YY  MM  DD  WD                       FFFF, FF: any, or not told
    time       4 octets   hh  mm  ss  hh                          hundredths last; FF: any, or not told
    date-time 12 octets   date  time  deviation (2)  clock status (1)

Months FD and FE are those in which summer time ends and begins; days FE and FD the last and the last but one
of the month.  The deviation is in minutes, UTC = local time + deviation, so that -60 is UTC+1; 8000 leaves it
open.  Values hold the numbers as they came, None for FF: any octets make a value that encodes to them again.

Source: Blue Book 4.1.6.1 (date and time formats), 4.5.1 (Clock).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from enum import IntFlag
from functools import lru_cache
from struct import Struct

from meterkit.errors import ErrorKind, fault

DATE_SIZE, TIME_SIZE, DATE_TIME_SIZE = 5, 4, 12  # octets
SUMMER_TIME_ENDS, SUMMER_TIME_BEGINS = 0xFD, 0xFE  # in the place of a month
LAST_DAY_BUT_ONE, LAST_DAY = 0xFD, 0xFE  # in the place of a day of the month

_ANY, _ANY_YEAR, _NO_DEVIATION = 0xFF, 0xFFFF, -0x8000
_DATE, _TIME, _TAIL = Struct(">HBBB"), Struct("4B"), Struct(">hB")
_DATE_TIME = Struct(">HBBBBBBBhB")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # 1 to 7
_MONTHS = {SUMMER_TIME_ENDS: "summer-time-ends", SUMMER_TIME_BEGINS: "summer-time-begins"}
_DAYS = {LAST_DAY_BUT_ONE: "last-but-one", LAST_DAY: "last"}


class ClockStatus(IntFlag):
    """What a clock says of its own time.  Source: Blue Book 4.1.6.1, clock_status."""

    INVALID_VALUE = 0x01  #: the time could not be recovered after an incident
    DOUBTFUL_VALUE = 0x02  #: it could, but nobody vouches for it
    DIFFERENT_CLOCK_BASE = 0x04  #: another timing element than clock_base says drives the clock
    INVALID_CLOCK_STATUS = 0x08  #: at least one bit of this status is not valid
    DAYLIGHT_SAVING_ACTIVE = 0x80  #: the time is summer time; the deviation has it already


@dataclass(frozen=True, slots=True)
class CosemDate:
    """A date, or a pattern of dates: what is None may be any, or is not told."""

    year: int | None = None  #: 0 to 65534
    month: int | None = None  #: 1 to 12, or SUMMER_TIME_ENDS, SUMMER_TIME_BEGINS
    day: int | None = None  #: 1 to 31, or LAST_DAY_BUT_ONE, LAST_DAY
    weekday: int | None = None  #: 1 Monday to 7 Sunday

    @classmethod
    def from_octets(cls, octets: bytes) -> CosemDate:
        """Return the date in 5 octets.  Errors: `ProtocolFault` (DECODE) for another number of octets."""
        year, month, day, weekday = _DATE.unpack(_of_size(octets, DATE_SIZE, "date"))
        return cls(_told(year, _ANY_YEAR), _told(month), _told(day), _told(weekday))

    @classmethod
    def from_date(cls, value: date) -> CosemDate:
        """Return `value` with its weekday."""
        return cls(value.year, value.month, value.day, value.isoweekday())

    def to_date(self) -> date | None:
        """Return the one date this is, or None for a pattern and for what is none; weekday aside."""
        if self.year is None or self.month is None or self.day is None:
            return None
        try:
            return date(self.year, self.month, self.day)
        except ValueError:
            return None

    def encode(self) -> bytes:
        """Return the 5 octets.  Errors: ValueError when a part does not fit its octets."""
        year = _ANY_YEAR if self.year is None else self.year
        return _packed(_DATE, self, year, _octet(self.month), _octet(self.day), _octet(self.weekday))

    def __str__(self) -> str:
        month = _word(self.month, _MONTHS)
        weekday = "" if self.weekday is None else f" {_weekday(self.weekday)}"
        one = self.to_date()
        if one is not None and one.isoweekday() == self.weekday:
            weekday = ""
        return f"{'*' if self.year is None else f'{self.year:04}'}-{month}-{_word(self.day, _DAYS)}{weekday}"


@dataclass(frozen=True, slots=True)
class CosemTime:
    """A time of day, or a pattern of times: what is None may be any, or is not told."""

    hour: int | None = None  #: 0 to 23
    minute: int | None = None  #: 0 to 59
    second: int | None = None  #: 0 to 59
    hundredths: int | None = None  #: of a second, 0 to 99

    @classmethod
    def from_octets(cls, octets: bytes) -> CosemTime:
        """Return the time in 4 octets.  Errors: `ProtocolFault` (DECODE) for another number of octets."""
        return cls(*map(_told, _of_size(octets, TIME_SIZE, "time")))

    @classmethod
    def from_time(cls, value: time) -> CosemTime:
        """Return `value`, cut to hundredths of a second; a time zone is left out."""
        return cls(value.hour, value.minute, value.second, value.microsecond // 10_000)

    def to_time(self) -> time | None:
        """Return the one time this is, or None for a pattern and for what is none; hundredths aside."""
        if self.hour is None or self.minute is None or self.second is None:
            return None
        try:
            return time(self.hour, self.minute, self.second, (self.hundredths or 0) * 10_000)
        except ValueError:
            return None

    def encode(self) -> bytes:
        """Return the 4 octets.  Errors: ValueError when a part does not fit its octet."""
        parts = (self.hour, self.minute, self.second, self.hundredths)
        return _packed(_TIME, self, *map(_octet, parts))

    def __str__(self) -> str:
        clock = ":".join(_word(part, {}) for part in (self.hour, self.minute, self.second))
        return f"{clock}.{self.hundredths:02}" if self.hundredths else clock


@dataclass(frozen=True, slots=True)
class CosemDateTime:
    """A date and time with its distance from UTC and the state of its clock; or a pattern of them."""

    date: CosemDate = CosemDate()
    time: CosemTime = CosemTime()
    deviation: int | None = None  #: minutes; UTC = local time + deviation
    status: ClockStatus | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> CosemDateTime:
        """Return the date and time in 12 octets.  Errors: `ProtocolFault` (DECODE) for another number."""
        octets = _of_size(octets, DATE_TIME_SIZE, "date-time")
        deviation, status = _TAIL.unpack_from(octets, DATE_SIZE + TIME_SIZE)
        return cls(
            CosemDate.from_octets(octets[:DATE_SIZE]),
            CosemTime.from_octets(octets[DATE_SIZE : DATE_SIZE + TIME_SIZE]),
            _told(deviation, _NO_DEVIATION),
            None if status == _ANY else ClockStatus(status),
        )

    @classmethod
    def from_datetime(cls, value: datetime, status: ClockStatus | None = None) -> CosemDateTime:
        """Return `value`, cut to hundredths of a second; without a time zone the deviation is left open.

        The status is DAYLIGHT_SAVING_ACTIVE or nothing, as the time zone says, unless `status` is given.
        Errors: ValueError when the time zone is not whole minutes from UTC.
        """
        offset = value.utcoffset()
        minutes, rest = divmod(offset or timedelta(), timedelta(minutes=1))
        if rest:
            raise ValueError(f"{value} is {offset} from UTC: not whole minutes")
        if status is None:
            status = ClockStatus.DAYLIGHT_SAVING_ACTIVE if value.dst() else ClockStatus(0)
        deviation = None if offset is None else -minutes
        return cls(CosemDate.from_date(value.date()), CosemTime.from_time(value.time()), deviation, status)

    def to_datetime(self) -> datetime | None:
        """Return the one moment this is, or None for a pattern and for what is no time.

        Aware, at a fixed distance from UTC; naive when the deviation is open.  Hundredths may be open.
        """
        day, clock = self.date.to_date(), self.time.to_time()
        if day is None or clock is None:
            return None
        try:
            return datetime.combine(day, clock, None if self.deviation is None else _zone(self.deviation))
        except ValueError:
            return None

    def encode(self) -> bytes:
        """Return the 12 octets.  Errors: ValueError when a part does not fit its octets."""
        deviation = _NO_DEVIATION if self.deviation is None else self.deviation
        status = _ANY if self.status is None else self.status
        return self.date.encode() + self.time.encode() + _packed(_TAIL, self, deviation, status)

    def __str__(self) -> str:
        if self.deviation is None:
            return f"{self.date} {self.time}"
        hours, minutes = divmod(abs(self.deviation), 60)
        return f"{self.date} {self.time}{'-' if self.deviation > 0 else '+'}{hours:02}:{minutes:02}"


def moment(octets: bytes) -> datetime | CosemDateTime:
    """Return the moment in 12 octets as a datetime; as a `CosemDateTime` when it is a pattern or no time.

    The same as `CosemDateTime.from_octets(octets).to_datetime()`, in a tenth of the time.
    Errors: `ProtocolFault` (DECODE) for another number of octets.
    """
    try:
        year, month, day, _, hour, minute, second, hundredths, deviation, _ = _DATE_TIME.unpack(octets)
        microsecond = 0 if hundredths == _ANY else hundredths * 10_000
        return datetime(year, month, day, hour, minute, second, microsecond, _zone(deviation))
    except (ValueError, struct.error):
        return CosemDateTime.from_octets(octets)


@lru_cache(maxsize=64)
def _zone(deviation: int) -> timezone | None:
    """The zone `deviation` minutes behind UTC; None when it is open.  Errors: ValueError past a day."""
    return None if deviation == _NO_DEVIATION else timezone(timedelta(minutes=-deviation))


def _told(number: int, not_told: int = _ANY) -> int | None:
    return None if number == not_told else number


def _octet(number: int | None) -> int:
    return _ANY if number is None else number


def _word(number: int | None, words: dict[int, str]) -> str:
    return "*" if number is None else words.get(number, f"{number:02}")


def _weekday(number: int) -> str:
    return _WEEKDAYS[number - 1] if 1 <= number <= 7 else f"weekday {number}"


def _of_size(octets: bytes, size: int, what: str) -> bytes:
    if len(octets) != size:
        message = f"{what}: {size} octets expected, {len(octets)} came: {octets[:16].hex(' ')}"
        raise fault(ErrorKind.DECODE, message)

    return octets


def _packed(layout: Struct, value: CosemDate | CosemTime | CosemDateTime, *numbers: int) -> bytes:
    try:
        return layout.pack(*numbers)
    except struct.error:
        raise ValueError(f"{value!r} does not fit its octets") from None
