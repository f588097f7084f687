"""FleetRun: the reports of a run, as they come.  A small class, so that `break` is free."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from meterkit.fleet.core import Core
from meterkit.fleet.report import MeterReport
from meterkit.fleet.run import Run

__all__ = ["FleetRun"]


class FleetRun:
    """Iterate over it: one `MeterReport` for each meter and round, in the order they are done.

    Iterating ends once all that was read has been written, or given up.  The run goes on by itself, and waits
    when too many reports were not taken.  When nobody has this object any more, as after `break` in
    `async for report in fleet.run(...)`, the run is stopped.
    """

    def __init__(self, run: Run, core: Core) -> None:
        self._run, self._core = run, core
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MeterReport:
        report = await self._run.reports.next()
        if report is None:
            await self._core.intake.flush()
            raise StopAsyncIteration
        if self._core.collector is not None:
            await self._core.collector.handed_out(report.meter)
        return report

    def __del__(self) -> None:
        run = self._run
        if not run.over.is_set():
            run.reports.stop_listening()
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(run.stop, "nobody takes its reports any more")

    @property
    def total(self) -> int:
        """Meters of the run."""
        return self._run.total

    @property
    def left(self) -> int:
        """Meters that have no report of this round yet."""
        return self._run.left

    @property
    def stop_reason(self) -> str:
        """Why the run was stopped; empty while it was not."""
        return self._run.stop_reason

    @property
    def skipped_rounds(self) -> int:
        """Rounds of a poll that were not begun, because too many reports were not taken."""
        return self._run.skipped_rounds

    def stop(self, reason: str = "the run was stopped") -> None:
        """Begin nothing new; what is open comes to a good end, and the rest is reported as not reached."""
        self._run.stop(reason)

    def cut(self) -> None:
        """Stop at once: what is open is cut, and reported with what came of it so far."""
        self._run.stop("the run was cut")
        self._run.cut()

    async def collect(self) -> list[MeterReport]:
        """Return all reports, in the order they came."""
        return [report async for report in self]
