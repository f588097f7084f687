"""Tally: what has become of a fleet's meters so far, for whoever watches a run or sums it up."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from meterkit.errors import MeterError
from meterkit.fleet import MeterReport, MeterState, Observer, Outcome

_RATE_OVER: Final = 15.0  # s that the rate is counted over
#: What differs from meter to meter in an error's message: numbers, and hexadecimal ones.
_PARTICULAR: Final = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]*\d[0-9a-fA-F]*\b")
_OPEN: Final = frozenset({MeterState.CONNECTING, MeterState.READING})


@dataclass(slots=True)
class Failure:
    """Meters that failed for one reason; the message is the first one's."""

    kind: str
    message: str
    meters: list[str] = field(default_factory=list[str])


class Tally(Observer):
    """Counts states and reports; `now` is a clock in seconds."""

    def __init__(self, total: int, now: Callable[[], float]) -> None:
        self.total = total
        self.outcomes: Counter[Outcome] = Counter()
        self.failures: dict[tuple[str, str], Failure] = {}
        self.unreached: list[str] = []
        self.readings = 0
        self.retries = 0
        self.open: dict[str, tuple[MeterState, float]] = {}  #: connecting or reading, and since when
        self.waiting: set[str] = set()  #: for their next attempt
        self.began = now()
        self._now = now
        self._marks: deque[tuple[float, int]] = deque([(self.began, 0)])

    # ---------------------------------------------------------------- what the fleet tells
    def state(self, meter: str, state: MeterState) -> None:
        """Keep who is open and who waits."""
        self.waiting.discard(meter)
        if state in _OPEN:
            since = self.open[meter][1] if meter in self.open else self._now()
            self.open[meter] = (state, since)
            return
        self.open.pop(meter, None)
        if state is MeterState.WAITING:
            self.waiting.add(meter)

    def retry(self, meter: str, attempt: int, delay: float, error: MeterError) -> None:
        """Count an attempt that will be followed by another."""
        self.retries += 1

    def report(self, report: MeterReport) -> None:
        """Count a meter that is done."""
        self.outcomes[report.outcome] += 1
        self.readings += report.readings
        if report.outcome is Outcome.NOT_REACHED:
            self.unreached.append(report.meter)
        elif report.error is not None and report.outcome is not Outcome.READ:
            self._fail(report.meter, report.error)

    def _fail(self, meter: str, error: MeterError) -> None:
        alike = (error.kind.value, _PARTICULAR.sub("#", error.message))
        failure = self.failures.get(alike)
        if failure is None:
            failure = self.failures[alike] = Failure(error.kind.value, str(error), [])
        failure.meters.append(meter)

    # ---------------------------------------------------------------- what a person wants to know
    @property
    def done(self) -> int:
        """Meters that have a report."""
        return self.outcomes.total()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self._now() - self.began

    @property
    def reasons(self) -> list[Failure]:
        """Why meters failed, the most frequent reason first."""
        return sorted(self.failures.values(), key=lambda one: (-len(one.meters), one.kind, one.message))

    def tick(self) -> float:
        """Return meters a second of late; called again and again, it looks back `_RATE_OVER` seconds."""
        now = self._now()
        self._marks.append((now, self.done))
        while len(self._marks) > 2 and self._marks[1][0] <= now - _RATE_OVER:
            self._marks.popleft()
        since, count = self._marks[0]
        return (self.done - count) / (now - since) if now > since else 0.0

    def eta(self, rate: float) -> float | None:
        """Return the seconds that are left at a rate of meters a second; None: nobody can tell."""
        return (self.total - self.done) / rate if rate > 0 else None
