"""Times of M-Bus: type G (date), J (time), F and I (date and time), told apart by their size.

    G  2 octets   yyyd dddd  YYYY mmmm
    J  3 octets   ..ss ssss  ..MM MMMM  ...h hhhh
    F  4 octets   I.MM MMMM  Schh hhhh (cc hundreds of years)  then as G
    I  6 octets   .Sss ssss  I.MM MMMM  wwwh hhhh  then as G (month in the low half)  ..kk kkkk

First octet is the least significant.  Values are naive: the device's own clock.  A pattern such as "every
31 December" is text with asterisks.  Source: "The M-Bus: A Documentation" 4.8, appendix; EN 13757-3, Annex A.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import NamedTuple, TypeAlias

Moment: TypeAlias = datetime | date | time | str | None


class Timed(NamedTuple):
    """What octets of a time say."""

    value: Moment
    problem: str = ""  #: why there is no value
    notes: tuple[str, ...] = ()


SIZES = (2, 3, 4, 6)
_EVERY_YEAR, _EVERY_MONTH, _EVERY_DAY = 127, 15, 0
_EVERY_HOUR, _EVERY_MINUTE, _EVERY_SECOND = 31, 63, 63


def read_time(octets: bytes) -> Timed:
    """Return the time in `octets`, least significant first; total, for any octets."""
    if len(octets) not in SIZES:
        return Timed(None, f"a time has 2, 3, 4 or 6 octets, not {len(octets)}")
    if octets == b"\xff" * len(octets):
        return Timed(None, "the device has no time to tell")
    try:
        return {2: _type_g, 3: _type_j, 4: _type_f, 6: _type_i}[len(octets)](octets)
    except ValueError as problem:
        return Timed(None, f"no time ({octets[::-1].hex(' ')}): {problem}")


def _type_g(octets: bytes) -> Timed:
    year, month, day = _date_parts(octets)
    # The documentation has masters take 0 to 80 for 2000 to 2080; later editions know no other century.
    year += 0 if year == _EVERY_YEAR else 1900 if year > 80 else 2000
    pattern = _date_pattern(year, month, day)
    return Timed(pattern or date(year, month, day))


def _type_j(octets: bytes) -> Timed:
    second, minute, hour = octets[0] & 0x3F, octets[1] & 0x3F, octets[2] & 0x1F
    pattern = _time_pattern(hour, minute, second)
    return Timed(pattern or time(hour, minute, second))


def _type_f(octets: bytes) -> Timed:
    if octets[0] & 0x80:
        return Timed(None, "the device marks its time as invalid")
    minute, hour, hundreds = octets[0] & 0x3F, octets[1] & 0x1F, octets[1] >> 5 & 3
    year, month, day = _date_parts(octets[2:])
    if year != _EVERY_YEAR:
        year += 2000 if hundreds == 0 and year <= 80 else 1900 + 100 * hundreds
    notes = ("summer time",) if octets[1] & 0x80 else ()
    return Timed(_moment(year, month, day, hour, minute, None), notes=notes)


def _type_i(octets: bytes) -> Timed:
    if octets[1] & 0x80:
        return Timed(None, "the device marks its time as invalid")
    second, minute, hour = octets[0] & 0x3F, octets[1] & 0x3F, octets[2] & 0x1F
    year, month, day = _date_parts(octets[3:5])
    year += 0 if year == _EVERY_YEAR else 2000
    notes = ("summer time",) if octets[0] & 0x40 else ()
    return Timed(_moment(year, month or _EVERY_MONTH, day, hour, minute, second), notes=notes)


def _date_parts(octets: bytes) -> tuple[int, int, int]:
    year = octets[1] >> 4 << 3 | octets[0] >> 5
    if 99 < year != _EVERY_YEAR:
        raise ValueError(f"year {year} is not 0 to 99")
    return year, octets[1] & 0x0F, octets[0] & 0x1F


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int | None) -> Moment:
    days, times = _date_pattern(year, month, day), _time_pattern(hour, minute, second)
    if not days and not times:
        return datetime(year, month, day, hour, minute, second or 0)
    return f"{days or date(year, month, day)} {times or _clock(hour, minute, second)}"


def _date_pattern(year: int, month: int, day: int) -> str:
    """Return text when some part stands for every one, else ""."""
    every = (year == _EVERY_YEAR, month == _EVERY_MONTH, day == _EVERY_DAY)
    if not any(every):
        return ""
    date(2000, 1 if every[1] else month, 1 if every[2] else day)  # the rest has to make sense
    parts = zip(every, (f"{year:04}", f"{month:02}", f"{day:02}"), strict=True)
    return "-".join("*" * len(part) if is_every else part for is_every, part in parts)


def _time_pattern(hour: int, minute: int, second: int | None) -> str:
    every = (hour == _EVERY_HOUR, minute == _EVERY_MINUTE, second == _EVERY_SECOND)
    if not any(every):
        return ""
    time(0 if every[0] else hour, 0 if every[1] else minute, 0 if every[2] else second or 0)
    parts = _clock(hour, minute, second).split(":")
    return ":".join("**" if is_every else part for is_every, part in zip(every, parts, strict=False))


def _clock(hour: int, minute: int, second: int | None) -> str:
    return f"{hour:02}:{minute:02}" if second is None else f"{hour:02}:{minute:02}:{second:02}"


# ---------------------------------------------------------------- writing
def write_time(value: object, size: int) -> bytes:
    """Return a time in `size` octets, least significant first.

    Errors: ValueError when the type of that size cannot hold it.
    """
    if size == 2 and isinstance(value, date) and not isinstance(value, datetime):
        return _date_octets(value, _years(value, 1981, 2080) % 100)
    if size == 3 and isinstance(value, time):
        _no_finer(value.microsecond, value)
        return bytes([value.second, value.minute, value.hour])
    if size == 4 and isinstance(value, datetime):
        _no_finer(value.second or value.microsecond, value)
        hundreds, year = divmod(_years(value, 1981, 2299) - 1900, 100)
        return bytes([value.minute, value.hour | hundreds << 5]) + _date_octets(value, year)
    if size == 6 and isinstance(value, datetime):
        _no_finer(value.microsecond, value)
        weekday, week = value.isoweekday(), value.isocalendar().week
        head = bytes([value.second, value.minute, value.hour | weekday << 5])
        return head + _date_octets(value, _years(value, 2000, 2099) - 2000) + bytes([week])
    wanted = {2: "a date", 3: "a time", 4: "a datetime", 6: "a datetime"}.get(size, "no time")
    raise ValueError(f"{size} octets hold {wanted}, not {value!r}")


def _date_octets(value: date, year: int) -> bytes:
    return bytes([value.day | (year & 7) << 5, value.month | year >> 3 << 4])


def _years(value: date, first: int, last: int) -> int:
    if not first <= value.year <= last:
        raise ValueError(f"{value} is outside the years {first} to {last}")
    return value.year


def _no_finer(rest: int, value: datetime | time) -> None:
    if rest:
        raise ValueError(f"{value} is finer than its type can tell")
