"""What the meter complains of, by name.  Source: C12.19 Table 3; OSGP guide, BT03."""

from __future__ import annotations

from meterkit.psem.readings.dialect import read_dialect
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import EdModeStatus
from meterkit.psem.tables.osgp.alarms import Alarm, alarms, standard_alarms
from meterkit.result import Err, Result


async def read_alarms(tables: TableCache) -> Result[tuple[Alarm, ...]]:
    """Read ST3.  Errors: see `PsemClient.alarms`."""
    dialect = await read_dialect(tables)
    if isinstance(dialect, Err):
        return dialect
    status = await tables.read(EdModeStatus)
    if dialect.value.is_osgp:
        firmware = dialect.value.firmware
        return status.map(lambda record: alarms(record, firmware))
    return status.map(standard_alarms)
