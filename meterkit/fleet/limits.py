"""FleetLimits: how much at once, how fast, how long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from meterkit.fleet.meters import GroupKind
from meterkit.options import Options, Seconds

__all__ = ["FleetLimits"]

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class FleetLimits(Options):
    """What a fleet may take of this machine, of the network, and of time.

    Source: 1,000 sessions and 30 new a second are what the open head-end GXF ships with.
    """

    sessions: Count = 1000  #: open at once
    connections_per_second: Annotated[float, Field(gt=0, le=100_000)] = 30.0  #: new ones
    connection_burst: Count = 30  #: new ones at once, after a quiet time
    #: Sessions at once with the meters of one group, such as {"cell": 8}; a kind not named: any number.
    permits: Mapping[GroupKind, Count] = Field(default={"line": 1, "modem": 1})
    meter_deadline: Seconds | None = 600.0  #: for one meter with all its attempts; None: no end
    run_deadline: Seconds | None = None  #: for a whole run; what was not reached then is told
    stop_grace: Seconds = 10.0  #: for open sessions to come to a good end when a run is stopped
    waiting_reports: Count = 1000  #: reports nobody has taken yet, before no further meter is begun
