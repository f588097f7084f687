"""Special days: dates that are no ordinary days for calendar and schedules.

specialday = { index, specialday_date, day_id }      one with the same index is replaced

Source: Blue Book 4.5.4 (Special days table).
"""

from __future__ import annotations

from datetime import date
from typing import Final

from meterkit import arguments
from meterkit.codec.cosem_time import CosemDate
from meterkit.dlms.cosem.clock_and_schedules import SpecialDay, SpecialDaysTable
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.readings.meter import Meter
from meterkit.result import Result

SPECIAL_DAYS: Final = ObisCode(0, 0, 11, 0, 0)
_INDEX, _DAY = 0xFFFF, 0xFF  # highest


async def read_special_days(meter: Meter, table: SpecialDaysTable) -> Result[tuple[SpecialDay, ...]]:
    """Read the table.  Errors: see `DlmsClient.special_days`."""
    return await meter.get(table.entries)


async def insert_special_day(
    meter: Meter, table: SpecialDaysTable, index: int, day: date | CosemDate, day_id: int
) -> Result[None]:
    """Insert an entry, or replace that of the same index.  Errors: see `DlmsClient.insert_special_day`."""
    pattern = day if isinstance(day, CosemDate) else CosemDate.from_date(arguments.instance("day", day, date))
    entry = SpecialDay(
        arguments.whole("index", index, 0, _INDEX), pattern, arguments.whole("day_id", day_id, 0, _DAY)
    )
    return await meter.call(table.insert, entry)


async def delete_special_day(meter: Meter, table: SpecialDaysTable, index: int) -> Result[None]:
    """Delete an entry.  Errors: see `DlmsClient.delete_special_day`."""
    return await meter.call(table.delete, arguments.whole("index", index, 0, _INDEX))
