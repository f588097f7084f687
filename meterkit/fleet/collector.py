"""Collector: where readings go of a fleet without a sink, until their report takes them along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from meterkit.fleet.readings import Checkpoints, Reading

__all__ = ["Collector"]


class Collector:
    """Keeps the readings of meters that are being read.  A checkpoint moves when a report was handed out."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self._readings: dict[str, list[Reading]] = {}
        self._advance: dict[str, dict[str, datetime]] = {}

    async def begin(self, meter: str) -> Mapping[str, datetime]:
        """Return the checkpoint of each channel group of `meter`.  Errors: SinkFault."""
        return await self._checkpoints.load(meter)

    def keep(self, reading: Reading) -> bool:
        """Keep a reading for its meter's report, as there always is room."""
        kept = self._readings.get(reading.meter)
        if kept is None:
            kept = self._readings[reading.meter] = []
        kept.append(reading)
        return True

    async def put(
        self, readings: Sequence[Reading], advance: Mapping[str, datetime] | None = None, *, meter: str
    ) -> None:
        """Keep readings of `meter` for its report."""
        kept = self._readings.get(meter)
        if kept is None:
            kept = self._readings[meter] = []
        kept.extend(readings)
        if advance:
            self._advance.setdefault(meter, {}).update(advance)

    async def flush(self) -> None:
        """Nothing is on its way."""

    def take(self, meter: str) -> list[Reading]:
        """Return what was kept of `meter`, for its report."""
        return self._readings.pop(meter, [])

    async def handed_out(self, meter: str) -> None:
        """Move the checkpoints of a meter whose report somebody has.  Errors: SinkFault."""
        advance = self._advance.pop(meter, None)
        if advance:
            await self._checkpoints.advance(meter, advance)
