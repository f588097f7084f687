"""The clock, set: to a time, by some seconds, to the next mark, or later to a time sent before.

    ours 10:37:12Z, the meter's deviation -60   ->   SET time 11:37:12, deviation -60

A time is written the way the meter tells its own: in its zone, with its deviation, since not every meter
converts.  Source: Blue Book 4.5.1 (Clock).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Final

from meterkit import arguments
from meterkit.codec.cosem_time import ClockStatus, CosemDateTime
from meterkit.dlms.cosem.clock_and_schedules import Clock, PresetTime
from meterkit.dlms.readings.clock import CLOCK
from meterkit.dlms.readings.meter import Meter
from meterkit.errors import ErrorKind, MeterError
from meterkit.result import Err, Ok, Result

LARGEST_SHIFT: Final = 900  # s either way


class ClockMark(Enum):
    """What a clock is rounded to."""

    QUARTER = 1  #: the nearest quarter of an hour
    MEASURING_PERIOD = 2  #: the nearest start of a measuring period
    MINUTE = 3  #: the nearest minute


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """What was written, and what the clock said just before."""

    before: CosemDateTime
    written: CosemDateTime


async def set_clock(
    meter: Meter, when: datetime | None, now: Callable[[], datetime], clock: Clock = CLOCK
) -> Result[ClockSetting]:
    """Write a time.  Errors and Raises: see `DlmsClient.set_clock`."""
    if when is not None:
        arguments.moment("when", when)
    before = await meter.get(clock.time)
    if isinstance(before, Err):
        return before
    written = _in_zone_of(before.value, _whole_second(now()) if when is None else when, clock)
    if isinstance(written, Err):
        return written
    answer = await meter.set(clock.time, written.value)
    return answer.map(lambda _: ClockSetting(before.value, written.value))


def _whole_second(time: datetime) -> datetime:
    """Return the nearest second: not every meter takes hundredths."""
    return (time + timedelta(milliseconds=500)).replace(microsecond=0)


def _in_zone_of(told: CosemDateTime, when: datetime, clock: Clock) -> Result[CosemDateTime]:
    """Return a time as the meter writes its own; a naive one is the meter's local time as it is."""
    status = (told.status or ClockStatus(0)) & ClockStatus.DAYLIGHT_SAVING_ACTIVE
    if when.tzinfo is None:
        return Ok(replace(CosemDateTime.from_datetime(when, status), deviation=told.deviation))
    if told.deviation is None:
        message = f"the meter's clock ({told}) does not tell its zone: give its local time, without a zone"
        return Err(MeterError(ErrorKind.STATE, message, where=str(clock.time)))
    try:
        local = when.astimezone(timezone(timedelta(minutes=-told.deviation)))
    except (OverflowError, ValueError):
        message = f"the meter's clock says it is {told.deviation} minutes from UTC: no zone to set {when} in"
        return Err(MeterError(ErrorKind.DECODE, message, where=str(clock.time)))
    return Ok(CosemDateTime.from_datetime(local, status))


async def shift_clock(meter: Meter, seconds: int, clock: Clock = CLOCK) -> Result[None]:
    """Shift the clock.  Errors and Raises: see `DlmsClient.shift_clock`."""
    return await meter.call(
        clock.shift_time, arguments.whole("seconds", seconds, -LARGEST_SHIFT, LARGEST_SHIFT)
    )


async def round_clock(meter: Meter, mark: ClockMark, clock: Clock = CLOCK) -> Result[None]:
    """Round the clock.  Errors: see `DlmsClient.round_clock`."""
    match mark:
        case ClockMark.QUARTER:
            return await meter.call(clock.adjust_to_quarter)
        case ClockMark.MEASURING_PERIOD:
            return await meter.call(clock.adjust_to_measuring_period)
        case ClockMark.MINUTE:
            return await meter.call(clock.adjust_to_minute)


async def preset_clock(
    meter: Meter, when: datetime, since: datetime, until: datetime, clock: Clock = CLOCK
) -> Result[None]:
    """Send a time to be set later.  Errors and Raises: see `DlmsClient.preset_clock`."""
    times = [
        arguments.moment(name, one) for name, one in (("when", when), ("since", since), ("until", until))
    ]
    if len({one.tzinfo is None for one in times}) > 1:
        raise ValueError("when, since and until: all with a time zone, or none")
    if times[1] > times[2]:
        raise ValueError(f"since {since} is after until {until}")
    return await meter.call(clock.preset_adjusting_time, PresetTime(*map(CosemDateTime.from_datetime, times)))


async def use_preset_time(meter: Meter, clock: Clock = CLOCK) -> Result[None]:
    """Set the time that was sent.  Errors: see `DlmsClient.use_preset_time`."""
    return await meter.call(clock.adjust_to_preset_time)
