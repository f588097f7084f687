"""What one job is to read, and what came of it: small, for the data itself went to the sink."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from meterkit.errors import ErrorKind, MeterError

__all__ = ["GroupReport", "Order"]

#: Failures that a report tells in words; of the others it has the numbers.
EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Order:
    """One job: a schedule's plan, for one group, or some meters of it."""

    schedule: str
    group: str
    due: datetime  #: when its round was due, UTC
    meters: tuple[str, ...] | None = None  #: None: all of the group
    attempt: int = 1

    def to_json(self) -> dict[str, Any]:
        """Return a job's arguments."""
        return {
            "schedule": self.schedule,
            "group": self.group,
            "due": self.due.timestamp(),
            "meters": None if self.meters is None else list(self.meters),
            "attempt": self.attempt,
        }

    @classmethod
    def from_json(cls, arguments: Mapping[str, Any]) -> Order:
        """Return what `to_json` made arguments of."""
        meters = arguments["meters"]
        return cls(
            schedule=arguments["schedule"],
            group=arguments["group"],
            due=datetime.fromtimestamp(arguments["due"], UTC),
            meters=None if meters is None else tuple(meters),
            attempt=arguments["attempt"],
        )


@dataclass(slots=True)
class GroupReport:
    """What came of one job; each of its meters is read, tried again, or given up."""

    job: int
    order: Order
    began_at: datetime
    ended_at: datetime
    read: int = 0
    readings: int = 0
    again: dict[str, MeterError] = field(default_factory=dict[str, MeterError])  #: left to a follow-up job
    given_up: dict[str, MeterError] = field(default_factory=dict[str, MeterError])

    @property
    def failures(self) -> Counter[str]:
        """How many meters failed, by the kind of error, whether they are tried again or not."""
        errors = [*self.again.values(), *self.given_up.values()]
        return Counter(error.kind.value for error in errors)

    def fail(self, meter: str, error: MeterError | None) -> None:
        """Note a meter that was not read whole; `follow_ups` may move it to those that are tried again."""
        self.given_up[meter] = error or MeterError(ErrorKind.STATE, "not read")

    def leave(self, meters: Sequence[str]) -> None:
        """Leave meters to a follow-up job."""
        for meter in meters:
            self.again[meter] = self.given_up.pop(meter)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        shown = [*self.given_up.items(), *self.again.items()][:EXAMPLES]
        return {
            "read": self.read,
            "readings": self.readings,
            "again": len(self.again),
            "given_up": sorted(self.given_up),
            "failures": dict(self.failures),
            "examples": {meter: str(error) for meter, error in shown},
        }
