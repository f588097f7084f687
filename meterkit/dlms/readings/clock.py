"""The meter's clock: its time in UTC where it tells enough, its state, how far it is off.

    time 2026-11-21 11:37:12 +01:00, status 00   ->   10:37:12Z, drift against our clock

Where the deviation in `time` is open, that of normal time in `time_zone` stands in, less an hour or so when
the status says summer time.  Source: Blue Book 4.5.1 (Clock); general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from meterkit import arguments
from meterkit.codec.cosem_time import ClockStatus, CosemDateTime
from meterkit.dlms.cosem.clock_and_schedules import Clock
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.readings.meter import Meter, read_each, session_error, told
from meterkit.dlms.readings.times import moment, status_words
from meterkit.result import Err, Ok, Result

CLOCK: Final = Clock(ObisCode.CLOCK)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the meter's clock says."""

    local: CosemDateTime  #: as the meter gave it
    time: datetime | None  #: UTC; None where the meter does not tell enough, see `problem`
    deviation: int | None  #: minutes; UTC = local time + deviation; None where nobody told it
    status: ClockStatus | None
    drift_s: float | None  #: that the meter is ahead of our clock; None without a time
    uncertainty_s: float  #: half of what asking took
    problem: str = ""  #: why `time` is None

    @property
    def is_valid(self) -> bool:
        """Whether there is a time and the meter vouches for it."""
        doubts = ClockStatus.INVALID_VALUE | ClockStatus.DOUBTFUL_VALUE
        return self.time is not None and not (self.status or ClockStatus(0)) & doubts

    @property
    def is_daylight_saving(self) -> bool | None:
        """Whether it is summer time; None where the meter does not say."""
        return None if self.status is None else ClockStatus.DAYLIGHT_SAVING_ACTIVE in self.status

    @property
    def status_words(self) -> tuple[str, ...]:
        """What the status says, bit by bit."""
        return status_words(self.status)


def utc_now() -> datetime:
    """Return this machine's time."""
    return datetime.now(UTC)


async def read_the_clock(
    meter: Meter,
    utc_offset: timedelta | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
    clock: Clock = CLOCK,
) -> Result[ClockReading]:
    """Read the clock.  Errors and Raises: see `DlmsClient.read_clock`."""
    if utc_offset is not None:
        arguments.duration("utc_offset", utc_offset)
    asked = now()
    if asked.tzinfo is None:
        raise ValueError(f"now tells {asked} without a time zone: an aware time expected")
    answer = await meter.get(clock.time)
    took = (now() - asked) / 2
    if isinstance(answer, Err):
        return answer
    local = answer.value
    deviation: Result[int | None] = Ok(local.deviation)
    if local.deviation is None:
        deviation = await _deviation(meter, clock, local, utc_offset)
    if isinstance(deviation, Err):
        return deviation
    return Ok(_reading(local, deviation.value, asked + took, took))


async def _deviation(
    meter: Meter, clock: Clock, local: CosemDateTime, utc_offset: timedelta | None
) -> Result[int | None]:
    """Return the deviation of a time that leaves it open: ours, or that of `time_zone`."""
    if utc_offset is not None:
        return Ok(-(utc_offset // _MINUTE))
    answers = await read_each(meter, [clock.time_zone, clock.daylight_savings_deviation])
    ended = session_error(answers)
    if ended is not None:
        return ended
    zone, summer = map(told, answers)
    if zone is None or not (local.status or ClockStatus(0)) & ClockStatus.DAYLIGHT_SAVING_ACTIVE:
        return Ok(zone)
    return Ok(None if summer is None else zone - abs(summer))


def _reading(local: CosemDateTime, deviation: int | None, ours: datetime, took: timedelta) -> ClockReading:
    time = moment(replace(local, deviation=deviation))
    problem = ""
    if time is None:
        problem = f"{local} is no moment"
    elif time.tzinfo is None:
        problem = "the meter does not tell how far its time is from UTC: give utc_offset"
        time = None
    drift = None if time is None else (time - ours).total_seconds()
    return ClockReading(local, time, deviation, local.status, drift, took.total_seconds(), problem)
