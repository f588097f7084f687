"""Register data laid out flat: one entry a value, with its tier, source and time.  Pure; any C12.19 meter.

Names and units come after: an OSGP meter's from `meterkit.psem.tables.osgp`, another's from the sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from meterkit.psem.tables.numbers import Number
from meterkit.psem.tables.registers import DataBlkRcd, DataSelection, DemandRcd, RegisterData
from meterkit.psem.tables.registers_present import source_at
from meterkit.psem.tables.times import MaybeDatetime

TOTAL = 0  #: tier of the totals


class RegisterKind(Enum):
    """What a register is."""

    SUMMATION = "summation"
    DEMAND = "demand"
    CUMULATIVE_DEMAND = "cumulative demand"
    CONTINUOUS_CUMULATIVE_DEMAND = "continuous cumulative demand"
    COINCIDENT = "coincident"


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """One register value and where it stands."""

    kind: RegisterKind
    tier: int  #: TOTAL, or 1 and up
    index: int  #: among its kind, from 0
    occurrence: int  #: of a demand or coincident, from 0; 0 for the others
    value: Number  #: as the meter gives it, in the unit of its source
    source: int | None = None  #: as ST22 has it; None without ST22
    time: MaybeDatetime | None = None  #: of a demand: naive; the guide tells no time base (D39)
    is_maximum: bool | None = None  #: of a demand: maximum, else minimum; None without ST22
    demand: int | None = None  #: of a coincident: index of its demand; None when ST22 names none there is


def register_entries(
    registers: RegisterData, selection: DataSelection | None = None
) -> tuple[RegisterEntry, ...]:
    """Return every register value, totals first, then tier by tier.

    `selection`: ST22, which adds sources and what belongs to what.
    """
    blocks = (registers.tot_data_block, *registers.tier_data_block)
    return tuple(entry for tier, block in enumerate(blocks) for entry in _entries(block, tier, selection))


def _entries(block: DataBlkRcd, tier: int, selection: DataSelection | None) -> Iterator[RegisterEntry]:
    sources = selection.summation_select if selection else ()
    for index, value in enumerate(block.summations):
        yield RegisterEntry(RegisterKind.SUMMATION, tier, index, 0, value, source_at(sources, index))
    for index, demand in enumerate(block.demands):
        yield from _demand(demand, tier, index, selection)
    sources = selection.coincident_select if selection else ()
    for index, coincident in enumerate(block.coincidents):
        source, associated = source_at(sources, index), _associated(block, index, selection)
        for occurrence, value in enumerate(coincident.coincident_values):
            yield RegisterEntry(
                RegisterKind.COINCIDENT, tier, index, occurrence, value, source, demand=associated
            )


def _demand(
    demand: DemandRcd, tier: int, index: int, selection: DataSelection | None
) -> Iterator[RegisterEntry]:
    source = source_at(selection.demand_select, index) if selection else None
    is_maximum = index in selection.min_or_max_flags if selection else None
    times = demand.event_time
    for occurrence, value in enumerate(demand.demand):
        time = times[occurrence] if times else None  # (): TM_FORMAT 0, times take no octets
        yield RegisterEntry(
            RegisterKind.DEMAND, tier, index, occurrence, value, source, time, is_maximum=is_maximum
        )
    for kind, cumulated in (
        (RegisterKind.CUMULATIVE_DEMAND, demand.cum_demand),
        (RegisterKind.CONTINUOUS_CUMULATIVE_DEMAND, demand.cont_cum_demand),
    ):
        if cumulated is not None:
            yield RegisterEntry(kind, tier, index, 0, cumulated, source, is_maximum=is_maximum)


def _associated(block: DataBlkRcd, index: int, selection: DataSelection | None) -> int | None:
    """Return the demand that a coincident belongs to, None when the meter has no such demand."""
    demand = source_at(selection.coin_demand_assoc, index) if selection else None
    return demand if demand is not None and demand < len(block.demands) else None
