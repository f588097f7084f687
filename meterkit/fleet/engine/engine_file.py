"""EngineFile: a fleet file with schedules, for workers that share a PostgreSQL database.

{"plan": {"psem": {"load_profile": [{"data_set": 1}]}},
 "schedules": [{"name": "quarters", "cron": "*/15 * * * *", "deadline": 840},
               {"name": "nights", "cron": "10 0 * * *", "plan": {"psem": {"registers": true}}}],
 "meters_per_job": 500,
 "meters": [{"id": "m1", "url": "psem+tcp://10.0.0.7:1153", "password": "env:METERKIT_PASSWORD"}]}
"""

from __future__ import annotations

from typing import Annotated, Final, Self

from croniter import croniter
from pydantic import Field, field_validator, model_validator

from meterkit.fleet.fleet_file import FleetFile
from meterkit.fleet.plan import ReadPlan
from meterkit.options import Options, Seconds

__all__ = ["EngineFile", "EngineSchedule"]

#: The schedule that every file has: its own plan, begun by hand.
PLAN: Final = "plan"
_FIELDS: Final = (5, 6)  # of a cron expression: minute hour day month weekday, and maybe seconds


class EngineSchedule(Options):
    """One plan and when it is read.

    Errors: ValueError naming the wrong field.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    cron: str | None = None  #: five fields, UTC, such as "*/15 * * * *"; None: begun by hand
    plan: ReadPlan | None = None  #: None: the file's
    #: From when it was due until nothing more of it is begun, retries too; None: no end.
    deadline: Seconds | None = None

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        if value is not None and not (len(value.split()) in _FIELDS and croniter.is_valid(value)):
            raise ValueError(f"{value!r} is no cron expression, such as */15 * * * *")
        return value


class EngineFile(FleetFile):
    """A fleet as a file has it, with schedules; `load` and `parse` are those of `FleetFile`.

    Without schedules, its plan is begun by hand, as "plan".
    """

    schedules: tuple[EngineSchedule, ...] = ()
    #: Meters that one job reads, at least: those that share a line or a permit are never parted.
    meters_per_job: Annotated[int, Field(ge=1, le=100_000)] = 500

    @model_validator(mode="after")
    def _has_names_once(self) -> Self:
        names = [schedule.name for schedule in self.schedules]
        if doubled := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"schedules: {doubled} is there twice")
        return self

    def all_schedules(self) -> tuple[EngineSchedule, ...]:
        """Return the schedules, each with its plan, and the one that is begun by hand."""
        named = self.schedules
        if all(schedule.name != PLAN for schedule in named):
            named = (*named, EngineSchedule(name=PLAN))
        return tuple(schedule.model_copy(update={"plan": schedule.plan or self.plan}) for schedule in named)
