"""The one language the benchmarks speak.

A job has our way, a floor (a few honest lines that do the least possible) and peers.  Each is a function
that does `count` units of work and returns what they cost; they are run in turn, again and again, so that
the ratios of their medians hold on a machine whose speed drifts.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Contender = Callable[[], float]


@dataclass
class Job:
    """One line of output.  Contenders return the cost of one unit of work, in `unit`."""

    name: str
    unit: str
    ours: Contender
    floor: Contender | None = None
    peers: dict[str, Contender] = field(default_factory=dict)
    rounds: int = 7
    note: str = ""

    def run(self) -> dict[str, object]:
        contenders = {"ours": self.ours, **({"floor": self.floor} if self.floor else {}), **self.peers}
        costs: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(self.rounds):
            for name, contender in contenders.items():
                costs[name].append(contender())
        medians = {name: statistics.median(values) for name, values in costs.items()}
        ours, floor = medians["ours"], medians.get("floor")
        peers = {name: medians[name] for name in self.peers}
        return {
            "job": self.name,
            "ours": _round(ours),
            **{name: _round(value) for name, value in peers.items()},
            "floor": _round(floor) if floor is not None else None,
            "unit": self.unit,
            "ratio_to_floor": _round(ours / floor) if floor else None,
            "ratio_to_best_peer": _round(ours / min(peers.values())) if peers else None,
            **({"note": self.note} if self.note else {}),
        }


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def main(jobs: Callable[[], Iterable[dict[str, object]]], what: str) -> None:
    """Run a benchmark module's jobs and print a line for each: JSON with --json, else a table."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    arguments = parser.parse_args()
    for line in jobs():
        if arguments.json:
            print(json.dumps(line), flush=True)
        else:
            words = [f"{name} {value}" for name, value in line.items() if name != "job" and value is not None]
            print(f"{line['job']}: " + ", ".join(words), flush=True)
