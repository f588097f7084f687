"""Many meters in one process: what to read of them, where it goes, and what is missing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from meterkit.fleet.fleet import Fleet
    from meterkit.fleet.fleet_file import FleetFile, FleetFileError
    from meterkit.fleet.limits import FleetLimits
    from meterkit.fleet.meters import MeterEntry
    from meterkit.fleet.observer import MeterState, Observer
    from meterkit.fleet.plan import ReadPlan, Window
    from meterkit.fleet.report import MeterReport, Outcome, SectionReport
    from meterkit.fleet.retry import RetryPolicy
    from meterkit.fleet.run_stream import FleetRun

__all__ = [
    "Fleet",
    "FleetFile",
    "FleetFileError",
    "FleetLimits",
    "FleetRun",
    "MeterEntry",
    "MeterReport",
    "MeterState",
    "Observer",
    "Outcome",
    "ReadPlan",
    "RetryPolicy",
    "SectionReport",
    "Window",
]

#: Where each public name lives; a module is imported when a name of it is first used.
_HOMES: Final = {
    "Fleet": "fleet",
    "FleetFile": "fleet_file",
    "FleetFileError": "fleet_file",
    "FleetLimits": "limits",
    "FleetRun": "run_stream",
    "MeterEntry": "meters",
    "MeterReport": "report",
    "MeterState": "observer",
    "Observer": "observer",
    "Outcome": "report",
    "ReadPlan": "plan",
    "RetryPolicy": "retry",
    "SectionReport": "report",
    "Window": "plan",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'meterkit.fleet' has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
