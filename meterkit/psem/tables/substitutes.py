"""Which dimension table stands in for an actual one that a meter lacks.

Source: OSGP guide, BT20, BT23, BT71: meters of firmware before 2.12 refuse BT21 and BT71, whose place BT20
and BT70 take; C12.19 has the other decades alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from meterkit.psem.tables.clock import ActTimeTou, DimTimeTou
from meterkit.psem.tables.logs import ActLog, DimLog
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.registers import ActRegs, DimRegs
from meterkit.psem.tables.security import ActSecurityLimiting, DimSecurityLimiting
from meterkit.psem.tables.sources import ActSourcesLim, DimSourcesLim


class Substitute(NamedTuple):
    """A table to read instead, and how to take it for the other."""

    table: type[Table]
    taken_for: Callable[[Any], Table]


#: By the table that is missing.
SUBSTITUTES: Mapping[type[Table], Substitute] = MappingProxyType(
    {
        ActSourcesLim: Substitute(DimSourcesLim, ActSourcesLim.from_dimension),
        ActRegs: Substitute(DimRegs, ActRegs.from_dimension),
        ActSecurityLimiting: Substitute(DimSecurityLimiting, ActSecurityLimiting.from_dimension),
        ActTimeTou: Substitute(DimTimeTou, ActTimeTou.from_dimension),
        ActLog: Substitute(DimLog, ActLog.from_dimension),
    }
)
