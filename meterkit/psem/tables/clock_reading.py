"""From what a meter's clock shows to a time in UTC.  Source: C12.19 Tables 52 and 53.

    the qualifier says          UTC is
    GMT                         the time as it stands
    time zone applied           the time, less ST53's time zone, less daylight saving if applied
    neither                     the time, less an offset that the caller knows, else not known

That a time zone west of Greenwich is negative is general knowledge of C12.19, unconfirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meterkit.codec.layout import InvalidTime
from meterkit.psem.tables.clock import ClockState, TimeOffset

_DAY_NOT_TOLD = 7
_FARTHEST = timedelta(hours=24)  # an offset beyond is none; datetime's own limit for time zones


@dataclass(frozen=True, slots=True)
class ClockReading:
    """A meter's clock, read once."""

    time: datetime | None  #: aware, in UTC; None when the meter does not say enough, see `problem`
    shown: datetime | None  #: naive, as the meter has it; None when its octets are no time
    is_utc: bool  #: the meter says its clock follows UTC
    is_dst: bool  #: daylight saving is in effect
    is_dst_applied: bool  #: `shown` has daylight saving in it
    is_time_zone_applied: bool  #: `shown` has the time zone in it
    day_of_week: int | None  #: 0 Sunday .. 6 Saturday; None when not told
    problem: str = ""  #: why `time` is None, or the day of the week is not that of the date


def read_clock(
    clock: ClockState, offset: TimeOffset | None = None, *, utc_offset: timedelta | None = None
) -> ClockReading:
    """Return what a clock (ST52 or ST55) says, with ST53 if the meter has it.  Total.

    `utc_offset` is what the caller knows: local time less UTC, daylight saving included, used when the
    meter itself does not tell.
    """
    shown = clock.clock_calendar
    time, problem = (None, f"the clock shows {shown}")
    if not isinstance(shown, InvalidTime):
        time, problem = _to_utc(clock, shown, offset, utc_offset)
    day = None if clock.day_of_week == _DAY_NOT_TOLD else clock.day_of_week
    if not problem and day is not None and isinstance(shown, datetime) and shown.isoweekday() % 7 != day:
        problem = f"{shown:%Y-%m-%d} is a {shown:%A}, day of week {day} is told"
    return ClockReading(
        time=time,
        shown=None if isinstance(shown, InvalidTime) else shown,
        is_utc=clock.gmt_flag,
        is_dst=clock.dst_flag,
        is_dst_applied=clock.dst_applied_flag,
        is_time_zone_applied=clock.tm_zn_applied_flag,
        day_of_week=day,
        problem=problem,
    )


def _to_utc(
    clock: ClockState, shown: datetime, offset: TimeOffset | None, utc_offset: timedelta | None
) -> tuple[datetime | None, str]:
    """Return the time in UTC and no problem, or None and why."""
    if clock.gmt_flag:
        return shown.replace(tzinfo=UTC), ""
    ahead = _own_offset(clock, offset) if clock.tm_zn_applied_flag else None
    ahead = utc_offset if ahead is None else ahead
    if ahead is None:
        return None, "the clock follows local time, and neither ST53 nor the caller says how far from UTC"
    if abs(ahead) >= _FARTHEST:
        return None, f"local time {ahead / timedelta(minutes=1):g} min from UTC is no time zone"
    try:
        return (shown - ahead).replace(tzinfo=UTC), ""
    except OverflowError:
        return None, f"{shown} is past the end of the calendar in UTC"


def _own_offset(clock: ClockState, offset: TimeOffset | None) -> timedelta | None:
    """Return local time less UTC by ST53, or None when it does not tell."""
    if offset is None or offset.time_zone_offset is None:
        return None
    saving = offset.dst_time_amt if clock.dst_flag and clock.dst_applied_flag else 0
    return timedelta(minutes=offset.time_zone_offset + saving)
