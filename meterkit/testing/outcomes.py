"""What came of many runs: a table of scenario by fault, in words and as Markdown.

| scenario  | fault | runs | same | recovered | Err                     | wrong |
| PSEM read | drop  |  412 |   60 |       340 | timeout 8, transport 4  |     0 |
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final

from meterkit.errors import ErrorKind

_HEAD: Final = ("scenario", "fault", "runs", "same", "recovered", "Err", "unseen", "WRONG")


class Outcome(Enum):
    """What may come of one run."""

    SAME = "same"  #: what a good line gives, with the same octets
    RECOVERED = "recovered"  #: what a good line gives, after repeats or a wait
    ERR = "Err"  #: a typed error, and after connecting anew all was well
    UNSEEN = "unseen"  #: other data, where the protocol has nothing to see it by
    WRONG = "WRONG"  #: a defect: wrong data, a hang, something left or done twice


@dataclass(frozen=True, slots=True)
class Failure:
    """A defect, and how to have it again."""

    scenario: str
    fault: str  #: as Python writes it
    what: str


class OutcomeTable:
    """Counts outcomes, and keeps the failures."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self._counts: dict[tuple[str, str], Counter[Outcome]] = {}
        self._kinds: dict[tuple[str, str], Counter[ErrorKind]] = {}

    def add(self, scenario: str, fault: str, outcome: Outcome, kind: ErrorKind | None = None) -> None:
        """Count one run; `kind` of its first error, if it had one."""
        self._counts.setdefault((scenario, fault), Counter())[outcome] += 1
        if kind is not None and outcome is Outcome.ERR:
            self._kinds.setdefault((scenario, fault), Counter())[kind] += 1

    def add_failure(self, failure: Failure, fault: str) -> None:
        """Count a defect under `fault`, the name of its kind."""
        self.add(failure.scenario, fault, Outcome.WRONG)
        self.failures.append(failure)

    def merge(self, other: OutcomeTable) -> None:
        """Count what another has counted."""
        self.failures += other.failures
        for key, counts in other._counts.items():
            self._counts.setdefault(key, Counter()).update(counts)
        for key, kinds in other._kinds.items():
            self._kinds.setdefault(key, Counter()).update(kinds)

    def count(self, outcome: Outcome) -> int:
        """Return how many runs ended so."""
        return sum(counts[outcome] for counts in self._counts.values())

    @property
    def nbr_runs(self) -> int:
        """How many runs there were."""
        return sum(counts.total() for counts in self._counts.values())

    def rows(self) -> list[tuple[str, ...]]:
        """Return the cells, row by row, in the order in which scenarios and faults came first."""
        rows: list[tuple[str, ...]] = []
        for (scenario, fault), counts in self._counts.items():
            kinds = self._kinds.get((scenario, fault), Counter[ErrorKind]())
            told = ", ".join(f"{kind.value} {count}" for kind, count in kinds.most_common())
            numbers = [str(counts[one]) for one in (Outcome.SAME, Outcome.RECOVERED)]
            last = [str(counts[one]) for one in (Outcome.UNSEEN, Outcome.WRONG)]
            rows.append((scenario, fault, str(counts.total()), *numbers, told or "0", *last))
        return rows

    def markdown(self) -> str:
        """Return the table as Markdown."""
        table = [_HEAD, *self.rows()]
        widths = [max(len(row[column]) for row in table) for column in range(len(_HEAD))]
        lines = [_line(row, widths) for row in table]
        return "\n".join([lines[0], _rule(widths), *lines[1:]]) + "\n"

    def check(self) -> None:
        """Raise AssertionError with every failure, if there is one."""
        if self.failures:
            told = "\n".join(f"{one.scenario}, {one.fault}: {one.what}" for one in self.failures)
            raise AssertionError(f"{len(self.failures)} of {self.nbr_runs} runs went wrong:\n{told}")


def _is_number(column: int) -> bool:
    return _HEAD[column] not in ("scenario", "fault", "Err")


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    cells = (
        cell.rjust(width) if _is_number(column) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return f"| {' | '.join(cells)} |"


def _rule(widths: list[int]) -> str:
    dashes = ("-" * (width + 1) + (":" if _is_number(column) else "-") for column, width in enumerate(widths))
    return f"|{'|'.join(dashes)}|"
