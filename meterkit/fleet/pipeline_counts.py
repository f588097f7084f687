"""What a pipeline has done so far, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.fleet.readings import SinkFault

__all__ = ["PipelineCounts"]


@dataclass(slots=True)
class PipelineCounts:
    """Numbers of readings unless said; they only grow, but for `queued` and `waiting`."""

    put: int = 0
    written: int = 0
    given_up: int = 0  # not written in this run; the next one reads them again
    flagged: int = 0
    queued: int = 0
    waiting: int = 0  # readers that wait for room
    batches: int = 0  # batches written
    faults: int = 0  # failed writes, of batches and of checkpoints
    checkpoints: int = 0  # checkpoints moved
    last_fault: str = ""

    def note(self, fault: SinkFault) -> None:
        """Count a fault."""
        self.faults += 1
        self.last_fault = str(fault)
