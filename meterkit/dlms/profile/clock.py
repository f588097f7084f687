"""The clocks of a profile's rows: octets to moments that can be compared, and back as the meter writes them.

    07 EA 0B 15 | 06 | 0A 25 0C 00 | FF C4 | 00      date | weekday | time | deviation | status

A moment is a number of hundredths of a second since 1970 in UTC (UTC = local time + deviation).  Where a row
leaves its deviation open, that of the meter's clock stands in for comparing; the row's own time stays local.
Source: Blue Book 4.1.6.1 (date and time formats).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from struct import Struct
from typing import Final

from meterkit.codec.axdr import Tag
from meterkit.codec.cosem_time import DATE_TIME_SIZE

UNKNOWN: Final = -(1 << 63)  #: the moment of a row whose clock tells none
HUNDREDTHS: Final = 100  # a second
_MINUTE, _DAY = 60 * HUNDREDTHS, 86400 * HUNDREDTHS
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = datetime(1970, 1, 1)
_ANY, _NO_DEVIATION = 0xFF, -0x8000
_MOST_DEVIATION: Final = 1440  # minutes; Python's time zones go no further
_FIRST_YEAR, _LAST_YEAR = 2, 9998  # a deviation must not lead past what a datetime can be
_FIRST_LIMIT: Final = (date(_FIRST_YEAR, 1, 1).toordinal() - _EPOCH_DAY) * _DAY  # of a range, in local time
_LAST_LIMIT: Final = (date(_LAST_YEAR, 12, 31).toordinal() - _EPOCH_DAY) * _DAY
_ANY_YEAR: Final = 0xFFFF
_SUMMER_TIMES: Final = (0xFD, 0xFE)  # months: when summer time ends and begins
_LAST_DAYS: Final = (0xFD, 0xFE)  # the last day of a month but one, and the last
_CLOCK: Final = Struct(">IxIhx")  # date, time of day, deviation
_FIELDS: Final = Struct(">HBBBBBBBhB")
_OPEN: Final = bytes((_ANY,)) * DATE_TIME_SIZE


class _NoMoment(Exception):
    """A date or a time that is none, or is left open."""


class _Days(dict[int, int]):
    """Moments of midnights by the four octets of a date."""

    def __missing__(self, octets: int) -> int:
        try:
            year, month, day = octets >> 16, octets >> 8 & 0xFF, octets & 0xFF
            if not _FIRST_YEAR <= year <= _LAST_YEAR:
                raise _NoMoment
            midnight = self[octets] = (date(year, month, day).toordinal() - _EPOCH_DAY) * _DAY
        except ValueError:
            raise _NoMoment from None
        return midnight


class _TimesOfDay(dict[int, int]):
    """Hundredths since midnight by the four octets of a time."""

    def __missing__(self, octets: int) -> int:
        hour, minute, second, hundredths = octets.to_bytes(4, "big")
        if hour > 23 or minute > 59 or second > 59 or (hundredths > 99 and hundredths != _ANY):
            raise _NoMoment
        hundredths = 0 if hundredths == _ANY else hundredths
        time = self[octets] = ((hour * 60 + minute) * 60 + second) * HUNDREDTHS + hundredths
        return time


class _Deviations(dict[int, int]):
    """Hundredths to add to local time, by the deviation in minutes."""

    def __init__(self, standing_in: int) -> None:
        super().__init__({_NO_DEVIATION: standing_in * _MINUTE})

    def __missing__(self, minutes: int) -> int:
        if abs(minutes) >= _MOST_DEVIATION:
            raise _NoMoment
        distance = self[minutes] = minutes * _MINUTE
        return distance


def moments(clocks: Sequence[bytes | None], deviation: int) -> tuple[array[int], bytes | None]:
    """Return the moment of each clock, and which of them are local: one octet each, None if none is.

    `deviation` (minutes) stands in where a clock leaves its own open.  None, patterns and what is no time
    are `UNKNOWN`.
    """
    days, times, deviations = _Days(), _TimesOfDay(), _Deviations(deviation)
    octets = b"".join(clock or _OPEN for clock in clocks)
    try:
        found = array("q", [days[d] + times[t] + deviations[v] for d, t, v in _CLOCK.iter_unpack(octets)])
    except _NoMoment:
        found = array("q", [_moment(clock, days, times, deviations) for clock in clocks])
    if 0x80 not in octets[9::DATE_TIME_SIZE]:
        return found, None
    local = bytes(clock is not None and clock[9:11] == b"\x80\0" for clock in clocks)
    return found, local if 1 in local else None


def _moment(clock: bytes | None, days: _Days, times: _TimesOfDay, deviations: _Deviations) -> int:
    if clock is None:
        return UNKNOWN
    day, time, deviation = _CLOCK.unpack(clock)
    try:
        return days[day] + times[time] + deviations[deviation]
    except _NoMoment:
        return UNKNOWN


def to_datetime(moment: int, deviation: int | None = None) -> datetime | None:
    """Return a moment as a datetime in UTC; None for none.

    With a `deviation` (minutes) it is a local time that leaves its own open: the naive time it tells.
    """
    if moment == UNKNOWN:
        return None
    if deviation is None:
        return _EPOCH + timedelta(milliseconds=moment * 10)
    return _NAIVE_EPOCH + timedelta(milliseconds=(moment - deviation * _MINUTE) * 10)


def from_datetime(time: datetime, deviation: int) -> int:
    """Return the moment of a time; a naive one is local, `deviation` minutes from UTC."""
    if time.tzinfo is None:
        return (time - _NAIVE_EPOCH) // timedelta(milliseconds=10) + deviation * _MINUTE
    return (time - _EPOCH) // timedelta(milliseconds=10)


def later(clock: bytes, seconds: int) -> bytes | None:
    """Return the clock `seconds` on, otherwise as it was; None when it tells no time."""
    year, month, day, weekday, hour, minute, second, hundredths, deviation, status = _FIELDS.unpack(clock)
    try:
        time = datetime(year, month, day, hour, minute, second) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
    weekday = weekday if weekday == _ANY else time.isoweekday()
    return _FIELDS.pack(
        time.year, time.month, time.day, weekday, time.hour, time.minute, time.second,
        hundredths, deviation, status,
    )  # fmt: skip


def impossible(clock: bytes) -> str | None:
    """Return what no clock tells, such as "month 13"; None for a time, and for what is left open."""
    year, month, day, _, hour, minute, second, hundredths, deviation, _ = _FIELDS.unpack(clock)
    fields = (
        ("year", year, _FIRST_YEAR <= year <= _LAST_YEAR or year == _ANY_YEAR),
        ("month", month, 1 <= month <= 12 or month in (*_SUMMER_TIMES, _ANY)),
        ("day", day, 1 <= day <= 31 or day in (*_LAST_DAYS, _ANY)),
        ("hour", hour, hour < 24 or hour == _ANY),
        ("minute", minute, minute < 60 or minute == _ANY),
        ("second", second, second < 60 or second == _ANY),
        ("hundredths", hundredths, hundredths < HUNDREDTHS or hundredths == _ANY),
        ("deviation", deviation, abs(deviation) < _MOST_DEVIATION or deviation == _NO_DEVIATION),
    )
    odd = next((f"{name} {value}" for name, value, is_possible in fields if not is_possible), None)
    if odd is None and year <= _LAST_YEAR and month <= 12 and day <= 31:
        try:
            date(year, month, day)
        except ValueError:
            return f"day {day} of month {month}"
    return odd


@dataclass(frozen=True, slots=True)
class ClockStyle:
    """How a meter writes its times, so that the limits of a range look like its own."""

    sample: bytes | None = None  #: 12 octets of a row's clock, or of the meter's
    tag: Tag = Tag.OCTET_STRING  #: octet-string, date-time, or double-long-unsigned for a UNIX clock
    deviation: int = 0  #: minutes; of the sample or, where that leaves it open, of the meter's clock

    def limit(self, moment: int) -> bytes:
        """Return a moment as Data."""
        if self.tag is Tag.DOUBLE_LONG_UNSIGNED:
            seconds = min(max(moment // HUNDREDTHS, 0), 0xFFFFFFFF)
            return bytes((Tag.DOUBLE_LONG_UNSIGNED,)) + seconds.to_bytes(4, "big")
        octets = self._octets(moment)
        return bytes((Tag.DATE_TIME,) if self.tag is Tag.DATE_TIME else (Tag.OCTET_STRING, 12)) + octets

    def _octets(self, moment: int) -> bytes:
        sample = self.sample or bytes((0, 0, 0, 1, 0, 0, 0, 0, 0, 0x80, 0, _ANY))
        *_, hundredths, open_deviation, status = _FIELDS.unpack(sample)
        local = min(max(moment - self.deviation * _MINUTE, _FIRST_LIMIT), _LAST_LIMIT)
        time = _NAIVE_EPOCH + timedelta(milliseconds=local * 10)
        is_open = open_deviation == _NO_DEVIATION
        return _FIELDS.pack(
            time.year, time.month, time.day,
            _ANY if sample[4] == _ANY else time.isoweekday(),
            time.hour, time.minute, time.second,
            _ANY if hundredths == _ANY else time.microsecond // 10_000,
            _NO_DEVIATION if is_open else self.deviation,
            _ANY if status == _ANY else 0,
        )  # fmt: skip

    def hour(self, moment: int) -> int:
        """Return the local hour of a moment, 0 to 23."""
        return (moment - self.deviation * _MINUTE) % _DAY // (60 * _MINUTE)

    @classmethod
    def of(cls, cell: object, clock: object = None) -> ClockStyle:
        """Return the style of a row's clock cell; `clock` is the meter's own time where a row tells less."""
        sample = next((one for one in (cell, clock) if isinstance(one, bytes) and is_clock(one)), None)
        tag = Tag.OCTET_STRING
        if isinstance(cell, int) and not isinstance(cell, bool):
            tag, sample = Tag.DOUBLE_LONG_UNSIGNED, None
        told = (deviation_of(one) for one in (sample, clock))
        return cls(sample, tag, next((one for one in told if one is not None), 0))


def is_clock(value: object) -> bool:
    """Tell whether a value is a date-time in 12 octets."""
    return isinstance(value, bytes) and len(value) == DATE_TIME_SIZE


def deviation_of(clock: object) -> int | None:
    """Return the deviation that a clock tells, in minutes; None where it is open or impossible."""
    if not isinstance(clock, bytes) or len(clock) != DATE_TIME_SIZE:
        return None
    deviation = int(_FIELDS.unpack(clock)[8])
    return deviation if abs(deviation) < _MOST_DEVIATION else None
