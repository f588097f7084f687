"""The meter's clock, in UTC where the meter tells enough.  Source: C12.19 Tables 52, 53 and 55."""

from __future__ import annotations

from datetime import timedelta

from meterkit import arguments
from meterkit.psem.table_cache import TableCache, is_missing
from meterkit.psem.tables import Clock, ClockStateTbl, TimeOffset
from meterkit.psem.tables.clock import ClockState
from meterkit.psem.tables.clock_reading import ClockReading, read_clock
from meterkit.result import Err, Ok, Result


async def read_the_clock(tables: TableCache, utc_offset: timedelta | None = None) -> Result[ClockReading]:
    """Read ST52, or ST55 on a meter without it.  Errors: see `PsemClient.clock`."""
    if utc_offset is not None:
        arguments.duration("utc_offset", utc_offset)
    clock: Result[ClockState] = await tables.read(Clock)
    if isinstance(clock, Err) and is_missing(clock.error):
        state = await tables.read(ClockStateTbl)
        clock = state if state.is_success else clock
    if isinstance(clock, Err):
        return clock
    offset: Result[TimeOffset | None] = Ok(None)
    if clock.value.tm_zn_applied_flag and not clock.value.gmt_flag:
        offset = await tables.optional(TimeOffset)
        if isinstance(offset, Err):
            return offset
    return Ok(read_clock(clock.value, offset.value, utc_offset=utc_offset))
