"""Registers as they were at set times, oldest first.  Source: C12.19 Table 26; OSGP guide, BT26."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from meterkit import arguments
from meterkit.errors import ProtocolFault
from meterkit.psem.readings.registers import Registers, read_meanings
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import SelfReadData
from meterkit.psem.tables.registers_self_read import SelfRead, self_reads
from meterkit.psem.tables.times import MaybeDatetime
from meterkit.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class SelfReading:
    """One self read."""

    #: Naive, by the meter's own clock (ST55); an InvalidTime where the octets are none; None where the
    #: meter keeps no times.
    time: MaybeDatetime | None
    sequence: int  #: 0..65535; one more for each self read
    season: int | None
    bidn: int | None  #: OSGP meters with demands: number of the billing configuration
    registers: Registers


async def read_self_reads(
    tables: TableCache, since: datetime | None = None, energy_register_unit: int = 1
) -> Result[tuple[SelfReading, ...]]:
    """Read ST26.  Errors and Raises: see `PsemClient.self_reads`."""
    if since is not None and arguments.moment("since", since).utcoffset() is not None:
        raise ValueError(f"since {since}: self reads have the meter's own clock; give a time without a zone")
    meanings = await read_meanings(tables, energy_register_unit)
    if isinstance(meanings, Err):
        return meanings
    table = await tables.read(SelfReadData)
    if isinstance(table, Err):
        return table
    try:
        found = self_reads(table.value)
    except ProtocolFault as misfit:
        return Err(misfit.error)
    return Ok(
        tuple(
            SelfReading(one.time, one.sequence, one.season, one.bidn, meanings.value.registers(one.registers))
            for one in found
            if _is_wanted(one, since)
        )
    )


def _is_wanted(one: SelfRead, since: datetime | None) -> bool:
    """Tell whether a self read is at or after `since`; one without a valid time always is."""
    return since is None or not isinstance(one.time, datetime) or one.time >= since
