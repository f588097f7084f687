"""What all runs of a fleet share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from anyio.abc import TaskGroup

from meterkit.fleet.access import Access
from meterkit.fleet.collector import Collector
from meterkit.fleet.crew import Crew
from meterkit.fleet.desk import Intake
from meterkit.fleet.dispatcher import Dispatcher
from meterkit.fleet.limits import FleetLimits
from meterkit.fleet.observer import Watch
from meterkit.fleet.retry import RetryPolicy

__all__ = ["Core"]


@dataclass(frozen=True, slots=True)
class Core:
    """One fleet, while it is open."""

    limits: FleetLimits
    retries: RetryPolicy
    access: Access
    watch: Watch
    clock: Callable[[], datetime]  #: the time of day, aware
    seed: int  #: of what retries wait more or less
    intake: Intake
    collector: Collector | None  #: the intake, where there is no sink
    dispatcher: Dispatcher
    tasks: TaskGroup  #: of what is done now and then, such as keep-alives
    crew: Crew  #: who reads meters
