"""One batch to the sink, as often as it takes, and the checkpoints after it.

write --- SinkFault ---> wait, again ... ---> given up: counted, its meters held
  |          refused ------------------> each parcel alone: one that is refused harms no other
  v
advance_all
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from anyio import sleep

from meterkit.fleet.pipeline_counts import PipelineCounts
from meterkit.fleet.readings import Checkpoints, Key, Reading, Sink, SinkFault

__all__ = ["Delivery", "Parcel"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What a reader put at once, and where its meter's checkpoints stand after it."""

    readings: Sequence[Reading]
    meter: str | None = None  # whose checkpoints move
    advance: Mapping[str, datetime] = field(default_factory=dict[str, datetime])


class Delivery:
    """Hands batches to a sink and remembers what it would not take."""

    def __init__(
        self,
        sink: Sink,
        checkpoints: Checkpoints | None,
        counts: PipelineCounts,
        retry_after: Sequence[float],
        now: Callable[[], datetime],
    ) -> None:
        self.held: dict[str, str] = {}  #: meter -> why its checkpoints don't move
        self._sink = sink
        self._checkpoints = checkpoints
        self._counts = counts
        self._retry_after = tuple(retry_after)
        self._now = now
        self._moves: dict[str, dict[str, datetime]] = {}  # to be put on disk

    async def deliver(self, parcels: Sequence[Parcel]) -> None:
        """Write parcels as one batch, or give them up; then move checkpoints."""
        fault = await self._write(parcels)
        if fault is not None and fault.is_refusal and len(parcels) > 1:
            for parcel in parcels:
                self._settle([parcel], await self._write([parcel]))
        else:
            self._settle(parcels, fault)
        await self._advance()

    async def _write(self, parcels: Sequence[Parcel]) -> SinkFault | None:
        """Try until it works; return why it doesn't."""
        newest: dict[Key, Reading] = {}
        for parcel in parcels:
            for reading in parcel.readings:
                newest[reading.key] = reading
        if not newest:
            return None
        batch = list(newest.values())
        for pause in (*self._retry_after, None):
            try:
                await self._sink.write(batch)
            except SinkFault as fault:
                self._counts.note(fault)
                if pause is None or fault.is_refusal:
                    return fault
                await sleep(pause)
            else:
                self._counts.batches += 1
                return None
        return None

    def _settle(self, parcels: Sequence[Parcel], fault: SinkFault | None) -> None:
        for parcel in parcels:
            if fault is None:
                self._counts.written += len(parcel.readings)
            else:
                self._counts.given_up += len(parcel.readings)
                for meter in {reading.meter for reading in parcel.readings}:
                    self.held.setdefault(meter, str(fault))
                    self._moves.pop(meter, None)
            if parcel.meter is not None and parcel.meter not in self.held:
                moves = self._moves.setdefault(parcel.meter, {})
                for group, time in parcel.advance.items():
                    moves[group] = max(time, moves.get(group, time))

    async def _advance(self) -> None:
        """Move checkpoints; those that can't be put on disk wait for the next batch."""
        if not self._moves:
            return
        if self._checkpoints is not None:
            try:
                await self._checkpoints.advance_all(self._moves)
            except SinkFault as fault:
                self._counts.note(fault)
                return
            self._counts.checkpoints += sum(map(len, self._moves.values()))
        self._moves = {}
