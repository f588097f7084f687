"""Reports on their way from those who read meters to whoever iterates over a run."""

from __future__ import annotations

import asyncio
from collections import deque

from meterkit.fleet.report import MeterReport

__all__ = ["Reports"]


class Reports:
    """A queue of reports; who adds one waits while `limit` are there and somebody may still take them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._reports: deque[MeterReport] = deque()
        self._came = asyncio.Event()
        self._taken = asyncio.Event()
        self._is_over = self._is_unheard = False

    @property
    def is_clogged(self) -> bool:
        """Whether too many wait already."""
        return len(self._reports) >= self._limit

    def add(self, report: MeterReport) -> None:
        """Add a report at once."""
        if not self._is_unheard:
            self._reports.append(report)
            self._came.set()

    async def room(self) -> None:
        """Wait while there are too many."""
        while self.is_clogged and not self._is_unheard:
            self._taken.clear()
            await self._taken.wait()

    def end(self) -> None:
        """Say that none will come any more."""
        self._is_over = True
        self._came.set()

    def stop_listening(self) -> None:
        """Say that nobody takes them any more."""
        self._is_unheard = True
        self._reports.clear()
        self._taken.set()

    def let_in(self) -> None:
        """Let all in who wait for room: the run is being stopped."""
        self._limit += 1 << 40
        self._taken.set()

    async def next(self) -> MeterReport | None:
        """Return the next report; None: there are no more."""
        while not self._reports:
            if self._is_over:
                return None
            self._came.clear()
            await self._came.wait()
        report = self._reports.popleft()
        if len(self._reports) < self._limit:
            self._taken.set()
        return report
