"""Which book to read a meter's tables by: the OSGP guide, with what firmware, or C12.19 alone."""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import FirmwareVersion, GenConfig, GeneralMfgId, is_osgp
from meterkit.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Dialect:
    """What ST0 and ST1 say of names and units."""

    is_osgp: bool
    firmware: FirmwareVersion | None = None  #: of an OSGP meter, as far as it tells


async def read_dialect(tables: TableCache) -> Result[Dialect]:
    """Read ST0 and, on OSGP meters, BT01: once a session.  Errors: as `TableCache.once` of ST0."""
    config = await tables.once(GenConfig)
    if isinstance(config, Err):
        return config
    if not is_osgp(config.value):
        return Ok(Dialect(is_osgp=False))
    meter = await tables.optional(GeneralMfgId)
    if isinstance(meter, Err):
        return meter
    return Ok(Dialect(is_osgp=True, firmware=meter.value.firmware if meter.value else None))
