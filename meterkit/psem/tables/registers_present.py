"""ST27 and ST28: what the meter measures at this moment.  Source: C12.19 Tables 27, 28; OSGP guide, BT28."""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.codec.layout import Record, array, item
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.numbers import Number
from meterkit.psem.tables.registers import ActRegs
from meterkit.psem.tables.times import MaybeTime
from meterkit.psem.tables.wire import NI_FMAT1, NI_FMAT2, TIME, UINT8


class PresentRegisterSelection(Table, number=27):
    """PRESENT_REGISTER_SELECTION_TBL: the source of everything in ST28, by number.

    OSGP: the guide names BT27 in Appendix A only; the shape is C12.19's.
    """

    present_demand_select = array(UINT8, ActRegs.nbr_present_demands)  #: index into ST16; OSGP: source id
    present_value_select = array(UINT8, ActRegs.nbr_present_values)


class PresentDemandRcd(Record):
    """One demand as it grows."""

    time_remaining = item(TIME, when=ActRegs.time_remaining_flag)  #: to the end of the demand interval
    demand_value = item(NI_FMAT2)


class PresentRegisterData(Table, number=28):
    """PRESENT_REGISTER_DATA_TBL: demands and instantaneous values.

    Present value n lies at (A + 4) * BT21.8 + 4 * n, A being 3 with BT21.0.6 and else 0 (D10).
    """

    present_demand = array(PresentDemandRcd, ActRegs.nbr_present_demands)
    #: Units: see `meterkit.psem.tables.osgp.present_values`, or the sources of ST27.
    present_value = array(NI_FMAT1, ActRegs.nbr_present_values)


@dataclass(frozen=True, slots=True)
class PresentDemand:
    """One present demand with its source."""

    index: int
    source: int | None  #: as ST27 has it
    value: Number  #: as the meter gives it, in the unit of its source
    time_remaining: MaybeTime | None  #: to the end of the demand interval


def present_demands(
    table: PresentRegisterData, selection: PresentRegisterSelection | None = None
) -> tuple[PresentDemand, ...]:
    """Return the present demands, each with its source when ST27 is given."""
    sources = selection.present_demand_select if selection else ()
    return tuple(
        PresentDemand(index, source_at(sources, index), one.demand_value, one.time_remaining)
        for index, one in enumerate(table.present_demand)
    )


def source_at(sources: tuple[int, ...], index: int) -> int | None:
    """Return the source of register `index`, None when the selection does not reach so far."""
    return sources[index] if index < len(sources) else None
