"""MeterReport: how one meter's turn ended, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from meterkit.errors import MeterError
from meterkit.fleet.readings import Reading

__all__ = ["MeterReport", "Outcome", "SectionReport"]


class Outcome(Enum):
    """What became of a meter, or of one section of its plan."""

    READ = "read"  #: all that the plan asks for
    PARTLY = "partly"  #: some of it; the rest has errors, or was not reached
    FAILED = "failed"  #: nothing
    NOT_REACHED = "not reached"  #: never tried: the run was stopped, or ran out of time, before
    REFUSED = "refused"  #: never tried: the entry makes no sense, or its last poll was still under way


@dataclass(frozen=True, slots=True)
class SectionReport:
    """One section of the plan, such as "registers" or "LP1"."""

    name: str
    outcome: Outcome
    readings: int = 0
    error: MeterError | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "readings": self.readings,
            "error": error_json(self.error),
        }


@dataclass(frozen=True, slots=True)
class MeterReport:
    """How one meter's turn ended."""

    meter: str
    outcome: Outcome
    error: MeterError | None = None  #: what ended the last attempt, or the first section's that failed
    attempts: int = 0
    readings: int = 0  #: handed on to the sink
    sections: tuple[SectionReport, ...] = ()
    began_at: datetime | None = None  #: of the first attempt, UTC; None: not reached
    duration: float = 0.0  #: s from the first attempt's begin, with the waiting in between
    round: int = 0  #: of a poll, from 0
    data: tuple[Reading, ...] = ()  #: the readings themselves, of a fleet without a sink

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON, without `data`."""
        return {
            "meter": self.meter,
            "outcome": self.outcome.value,
            "error": error_json(self.error),
            "attempts": self.attempts,
            "readings": self.readings,
            "sections": [section.to_json() for section in self.sections],
            "began_at": None if self.began_at is None else self.began_at.isoformat(),
            "duration": round(self.duration, 6),
            "round": self.round,
        }


def error_json(error: MeterError | None) -> dict[str, Any] | None:
    """Return an error as plain values, as the command prints them."""
    if error is None:
        return None
    return {"kind": error.kind.value, "message": error.message, "code": error.code, "where": error.where}
