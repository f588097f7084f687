"""Scripts, run now or at times: script table, single action schedule.

Source: Blue Book 4.5.2 (Script table), 4.5.7 (Single action schedule).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from meterkit import arguments
from meterkit.dlms.cosem.clock_and_schedules import (
    ExecutionTimeDate,
    Script,
    ScriptTable,
    SingleActionSchedule,
    SingleActionType,
)
from meterkit.dlms.cosem.definitions import ActionItem
from meterkit.dlms.readings.meter import Meter, read_told
from meterkit.result import Err, Ok, Result

_HIGHEST: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class ActionSchedule:
    """A script and when it is run; None where the meter does not tell."""

    script: ActionItem | None
    type: SingleActionType | None
    times: tuple[ExecutionTimeDate, ...] | None


async def read_scripts(meter: Meter, table: ScriptTable) -> Result[tuple[Script, ...]]:
    """Read what each script does.  Errors: see `DlmsClient.scripts`."""
    return await meter.get(table.scripts)


async def run_script(meter: Meter, table: ScriptTable, script: int) -> Result[None]:
    """Run a script.  Errors: see `DlmsClient.run_script`."""
    return await meter.call(table.execute, arguments.whole("script", script, 1, _HIGHEST))


async def read_action_schedule(meter: Meter, schedule: SingleActionSchedule) -> Result[ActionSchedule]:
    """Read a schedule.  Errors: see `DlmsClient.action_schedule`."""
    values = await read_told(meter, [schedule.executed_script, schedule.type, schedule.execution_time])
    if isinstance(values, Err):
        return values
    return Ok(ActionSchedule(*values.value))


async def write_action_times(
    meter: Meter, schedule: SingleActionSchedule, times: Iterable[ExecutionTimeDate]
) -> Result[None]:
    """Write when a script is run.  Errors: see `DlmsClient.write_action_times`."""
    return await meter.set(schedule.execution_time, tuple(times))
