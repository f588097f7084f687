"""What the sources of a C12.19 meter mean, and which numbers are none: shared by the readings."""

from __future__ import annotations

from decimal import Decimal

from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables.engineering import SOURCE_TABLES, SourceTables
from meterkit.result import Err, Ok, Result

NO_NUMBER = "the meter's octets are no number"


def finite(value: Decimal) -> Decimal | None:
    """Return the value, or None for NaN and infinities: octets that are no number."""
    return value if value.is_finite() else None


async def read_source_tables(tables: TableCache) -> Result[SourceTables]:
    """Read, once a session, those of ST12, ST13, ST15 and ST16 that the meter has.

    Errors: as `TableCache.optional`.
    """
    for table in SOURCE_TABLES:
        read = await tables.optional(table)
        if isinstance(read, Err):
            return read
    return Ok(SourceTables.of(tables.context))
