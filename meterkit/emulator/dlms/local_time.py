"""The meter's local time as COSEM date-times, with European summer time if the meter keeps it.

07EA 0B 15 06 0A 25 0C 00 FFC4 00     year month day weekday hour minute second hundredths deviation status
07EA 03 1D 07 03 00 00 00 FF88 80     the first moment of summer time: 01:00 UTC on the last Sunday of March

Source: Blue Book, Clock (class 8); directive 2000/84/EC for when summer time is.
"""

from __future__ import annotations

from datetime import MINYEAR, UTC, datetime, timedelta, tzinfo
from struct import Struct

SUMMER_MINUTES = 60  #: that the clock is put forward in summer
#: When it begins and ends, in local time: on the last (FE) day that is a Sunday (07) of March and October.
SUMMER_BEGINS = bytes.fromhex("ffff 03 fe 07 02 00 00 00 8000 00")
SUMMER_ENDS = bytes.fromhex("ffff 0a fe 07 03 00 00 00 8000 80")

_DATE_TIME = Struct(">HBBBBBBBhB")
_DAYLIGHT_SAVING = 0x80  # of the clock's status
_NOTHING, _AN_HOUR = timedelta(), timedelta(minutes=SUMMER_MINUTES)
_MARCH, _OCTOBER = 3, 10


def is_summer(time: datetime) -> bool:
    """Tell whether European summer time is in effect at an aware time: it changes at 01:00 UTC."""
    utc = time.astimezone(UTC)
    return _last_sunday(utc.year, _MARCH) <= utc < _last_sunday(utc.year, _OCTOBER)


def _last_sunday(year: int, month: int) -> datetime:
    end = datetime(year, month, 31, 1, tzinfo=UTC)
    return end - timedelta(days=end.isoweekday() % 7)


class _Zone(tzinfo):
    """A zone `offset` east of UTC, an hour more in summer if it `has_summer`."""

    def __init__(self, offset: timedelta, *, has_summer: bool) -> None:
        self._offset, self._has_summer = offset, has_summer

    def utcoffset(self, dt: datetime | None) -> timedelta:
        return self._offset + self.dst(dt)

    def dst(self, dt: datetime | None) -> timedelta:
        """Return what summer adds.  A local time that comes twice is summer's unless its fold is set."""
        if dt is None or not self._has_summer or dt.year == MINYEAR:  # before which there is no hour
            return _NOTHING
        as_normal = dt.replace(tzinfo=UTC, fold=0) - self._offset
        if dt.fold:
            return _AN_HOUR if is_summer(as_normal) else _NOTHING
        return _AN_HOUR if is_summer(as_normal - _AN_HOUR) else _NOTHING

    def tzname(self, dt: datetime | None) -> str:
        return f"UTC{self.utcoffset(dt) / timedelta(hours=1):+g}"

    def fromutc(self, dt: datetime) -> datetime:
        summer = self._has_summer and is_summer(dt.replace(tzinfo=UTC))
        local = dt + self._offset + (_AN_HOUR if summer else _NOTHING)
        is_second = self._has_summer and not summer and is_summer(dt.replace(tzinfo=UTC) - _AN_HOUR)
        return local.replace(fold=int(is_second))


class LocalTime:
    """A zone `utc_offset` minutes east of UTC, with European summer time if `summer_time`."""

    def __init__(self, utc_offset: int, *, summer_time: bool = False) -> None:
        self.zone: tzinfo = _Zone(timedelta(minutes=utc_offset), has_summer=summer_time)
        self.has_summer_time = summer_time
        self._deviation = -utc_offset  # UTC = local + deviation

    def octets(self, time: datetime) -> bytes:
        """Return an aware time as 12 octets, in local time."""
        local = time.astimezone(self.zone)
        summer = self.has_summer_time and is_summer(time)
        return _DATE_TIME.pack(
            local.year,
            local.month,
            local.day,
            local.isoweekday(),
            local.hour,
            local.minute,
            local.second,
            0,
            self._deviation - SUMMER_MINUTES * summer,
            _DAYLIGHT_SAVING * summer,
        )
