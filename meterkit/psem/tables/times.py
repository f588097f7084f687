"""LTIME_DATE, STIME_DATE, TIME and DATE by TM_FORMAT.  Source: C12.19, time types; vectors of times.

The values are naive: the tables say what clock a field follows (BT64 is UTC, a display clock may be
local).  Octets that are no time become `InvalidTime`.  Aware datetimes are written as UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias, TypeVar

from meterkit.codec.expression import Scope
from meterkit.codec.values import InvalidTime
from meterkit.codec.wire import Formed, Kind, Wire

T = TypeVar("T")

MaybeDatetime: TypeAlias = datetime | InvalidTime
MaybeTime: TypeAlias = time | InvalidTime
MaybeDate: TypeAlias = date | InvalidTime

_EPOCH = datetime(1970, 1, 1)
_CENTURY = 2000  # OSGP guide: "02 = 2002" (D45); two-digit years are 2000..2099
_NONE = "no time on this meter"


def _from_bcd(octets: bytes) -> bytes:
    """Return the numbers that packed BCD octets stand for; 255 where a nibble is no digit."""
    return bytes((o >> 4) * 10 + (o & 15) if o & 15 < 10 and o < 0xA0 else 255 for o in octets)


def _to_bcd(numbers: bytes) -> bytes:
    return bytes(n // 10 << 4 | n % 10 for n in numbers)


def _year(value: date) -> int:
    if not _CENTURY <= value.year <= _CENTURY + 99:
        raise ValueError(f"two digits carry the years 2000 to 2099, not {value.year}")
    return value.year - _CENTURY


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _exactly(value: datetime, unit: str) -> datetime:
    """Make sure the value has nothing finer than `unit`, which would be lost."""
    if value.microsecond or (unit == "minute" and value.second):
        raise ValueError(f"{value} is finer than a {unit}")
    return value


def _fields_of(value: datetime, size: int) -> bytes:
    value = _exactly(_utc(value), "second" if size == 6 else "minute")
    return bytes([_year(value), value.month, value.day, value.hour, value.minute, value.second][:size])


def _datetime_of(octets: bytes) -> MaybeDatetime:
    try:
        if octets[0] < 100:
            year, month, day, hour, minute, second = octets
            return datetime(_CENTURY + year, month, day, hour, minute, second)
    except ValueError:
        pass
    return InvalidTime(octets)


def _stime_of(octets: bytes) -> MaybeDatetime:
    try:
        if octets[0] < 100:
            return datetime(_CENTURY + octets[0], octets[1], octets[2], octets[3], octets[4])
    except ValueError:
        pass
    return InvalidTime(octets)


def _time_of(octets: bytes) -> MaybeTime:
    try:
        hour, minute, second = octets
        return time(hour, minute, second)
    except ValueError:
        return InvalidTime(octets)


def _date_of(octets: bytes) -> MaybeDate:
    try:
        if octets[0] < 100:
            return date(_CENTURY + octets[0], octets[1], octets[2])
    except ValueError:
        pass
    return InvalidTime(octets)


def _keep_invalid(revert: Callable[[Any], bytes], size: int) -> Callable[[Any], bytes]:
    """Return `revert` that also takes back an InvalidTime, and None for all zeroes."""

    def back(value: Any) -> bytes:
        if value is None:
            return bytes(size)
        if isinstance(value, InvalidTime):
            if len(value.octets) != size:
                raise ValueError(f"{size} octets expected")
            return value.octets
        return revert(value)

    return back


def _wire(name: str, size: int, convert: Callable[[bytes], T], revert: Callable[[Any], bytes]) -> Wire[T]:
    return Wire(name, f"{size}s", size, convert, _keep_invalid(revert, size))


def _fields(
    name: str, size: int, convert: Callable[[bytes], Any], revert: Callable[[Any], bytes]
) -> Wire[Any]:
    return _wire(name, size, convert, revert)


def _bcd(name: str, size: int, convert: Callable[[bytes], Any], revert: Callable[[Any], bytes]) -> Wire[Any]:
    def read(octets: bytes) -> Any:
        value = convert(_from_bcd(octets))
        return InvalidTime(octets) if isinstance(value, InvalidTime) else value

    return _wire(name, size, read, lambda value: _to_bcd(revert(value)))


# ---------------------------------------------------------------- counted from 1970
def _counted(
    name: str, size: int, read: Callable[[int], T], write: Callable[[T], int]
) -> Callable[[Scope], Wire[T | InvalidTime]]:
    """Return a time that is one unsigned integer: `read` may raise OverflowError or ValueError."""

    def form(scope: Scope) -> Wire[T | InvalidTime]:
        order: Any = "little" if scope.order == "<" else "big"

        def convert(octets: bytes) -> T | InvalidTime:
            try:
                return read(int.from_bytes(octets, order))
            except (OverflowError, ValueError):
                return InvalidTime(octets)

        return _wire(name, size, convert, lambda value: write(value).to_bytes(size, order))

    return form


def _minutes(value: datetime) -> int:
    return (_exactly(_utc(value), "minute") - _EPOCH) // timedelta(minutes=1)


def _seconds(value: datetime) -> int:
    return (_exactly(_utc(value), "second") - _EPOCH) // timedelta(seconds=1)


def _time_from_seconds(value: int) -> time:
    if value >= 86400:
        raise ValueError(f"{value} s is past the end of a day")
    return time(value // 3600, value // 60 % 60, value % 60)


def _ltime_minutes(scope: Scope) -> Wire[MaybeDatetime]:
    """Return LTIME_DATE of TM_FORMAT 3: UINT32 minutes, UINT8 seconds."""
    order: Any = "little" if scope.order == "<" else "big"

    def convert(octets: bytes) -> MaybeDatetime:
        try:
            if octets[4] < 60:
                return _EPOCH + timedelta(minutes=int.from_bytes(octets[:4], order), seconds=octets[4])
        except OverflowError:
            pass
        return InvalidTime(octets)

    def revert(value: datetime) -> bytes:
        minutes, seconds = divmod(_seconds(value), 60)
        return minutes.to_bytes(4, order) + bytes([seconds])

    return _wire("LTIME_DATE", 5, convert, revert)


def _absent(name: str) -> Wire[Any]:
    return _wire(name, 0, InvalidTime, lambda value: b"")


def _midnight(value: date) -> int:
    return (value - _EPOCH.date()).days


_STIME = _counted("STIME_DATE", 4, lambda n: _EPOCH + timedelta(minutes=n), _minutes)
_STIME_SECONDS = _counted("STIME_DATE", 4, lambda n: _EPOCH + timedelta(seconds=n), _seconds)
_LTIME_SECONDS = _counted("LTIME_DATE", 4, lambda n: _EPOCH + timedelta(seconds=n), _seconds)
_TIME = _counted("TIME", 4, _time_from_seconds, lambda t: t.hour * 3600 + t.minute * 60 + t.second)
_DATE = _counted("DATE", 2, lambda n: _EPOCH.date() + timedelta(days=n), _midnight)


def _date_fields(value: date) -> bytes:
    return bytes([_year(value), value.month, value.day])


def _time_fields(value: time) -> bytes:
    return bytes([value.hour, value.minute, value.second])


def _ltime_fields(value: datetime) -> bytes:
    return _fields_of(value, 6)


def _stime_fields(value: datetime) -> bytes:
    return _fields_of(value, 5)


#: Forms by TM_FORMAT 0 to 4.  Octets: LTIME_DATE 0 6 6 5 4, STIME_DATE 0 5 5 4 4, TIME 0 3 3 4 4,
#: DATE 0 3 3 2 2.
LTIME_DATES: dict[int, Kind[MaybeDatetime]] = {
    0: _absent("LTIME_DATE"),
    1: _bcd("LTIME_DATE", 6, _datetime_of, _ltime_fields),
    2: _fields("LTIME_DATE", 6, _datetime_of, _ltime_fields),
    3: Formed(_ltime_minutes),
    4: Formed(_LTIME_SECONDS),
}
STIME_DATES: dict[int, Kind[MaybeDatetime]] = {
    0: _absent("STIME_DATE"),
    1: _bcd("STIME_DATE", 5, _stime_of, _stime_fields),
    2: _fields("STIME_DATE", 5, _stime_of, _stime_fields),
    3: Formed(_STIME),
    4: Formed(_STIME_SECONDS),
}
TIMES: dict[int, Kind[MaybeTime]] = {
    0: _absent("TIME"),
    1: _bcd("TIME", 3, _time_of, _time_fields),
    2: _fields("TIME", 3, _time_of, _time_fields),
    3: Formed(_TIME),
    4: Formed(_TIME),
}
DATES: dict[int, Kind[MaybeDate]] = {
    0: _absent("DATE"),
    1: _bcd("DATE", 3, _date_of, _date_fields),
    2: _fields("DATE", 3, _date_of, _date_fields),
    3: Formed(_DATE),
    4: Formed(_DATE),
}
