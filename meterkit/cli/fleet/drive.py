"""One run of a fleet from a terminal: watched, stopped by a signal, counted.

first Ctrl-C or SIGTERM     nothing new is begun, open meters are logged off, what was read is kept
second                      cut all the same
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import anyio
from anyio.abc import TaskStatus

from meterkit.cli.console import messages
from meterkit.cli.fleet.places import Places
from meterkit.cli.fleet.tally import Tally
from meterkit.cli.fleet.view import LineView, LiveView
from meterkit.cli.output import safe_text
from meterkit.cli.running import say_hint
from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.fleet import Fleet, FleetFile, FleetRun, MeterReport, Outcome, Window
from meterkit.fleet.checkpoints import SqliteCheckpoints
from meterkit.fleet.pipeline_counts import PipelineCounts

#: Objects made before Python looks for garbage.  What a fleet makes mostly lives while its meter is read; to
#: look at it every 700 objects takes a fifth to a third of the CPU of a thousand meters at once.
GARBAGE = (20_000, 20, 20)
STOP_REASON = "the run was interrupted"


@dataclass(slots=True)
class Drive:
    """How a run ended."""

    tally: Tally
    counts: PipelineCounts = field(default_factory=PipelineCounts)
    held: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_reason: str = ""  #: empty: it came to its end
    was_interrupted: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every meter was read whole and everything is kept."""
        return self.tally.outcomes[Outcome.READ] == self.tally.total and not self.held


async def drive(
    fleet_file: FleetFile,
    places: Places,
    *,
    counters: Path | None = None,
    windows: Mapping[str, Sequence[Window]] | None = None,
    on_report: Callable[[MeterReport], None] = lambda _: None,
) -> Drive:
    """Read a fleet once, or the stretches in `windows`; `on_report` hears of every meter.

    Errors: SinkFault readings or checkpoints can't be kept at all.
    """
    gc.set_threshold(*GARBAGE)
    total = sum(windows is None or entry.id in windows for entry in fleet_file.meters)
    driven = Drive(Tally(total, monotonic))
    fleet = Fleet(
        limits=fleet_file.limits,
        retries=fleet_file.retries,
        sink=places.sink,
        checkpoints=SqliteCheckpoints(places.checkpoints),
        observer=driven.tally,
        counters=None if counters is None else SqliteCounterStore(counters),
        folder=fleet_file.folder,
    )
    assert fleet.pipeline is not None  # it has a sink
    driven.counts = fleet.pipeline.counts
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(fleet)
        run = fleet.run(fleet_file.plan, fleet_file.meters, windows=windows)
        view = _view(driven.tally, driven.counts)
        stack.enter_context(view)
        await _watch(run, view, driven, on_report)
        driven.held = dict(fleet.pipeline.held)
        driven.stop_reason = run.stop_reason
    return driven


def _view(tally: Tally, counts: PipelineCounts) -> LiveView | LineView:
    console = messages()
    if console.is_terminal:
        return LiveView(console, tally, counts)

    def write(line: str) -> None:
        print(safe_text(line), file=sys.stderr, flush=True)

    return LineView(write, tally, counts)


async def _watch(
    run: FleetRun, view: LiveView | LineView, driven: Drive, on_report: Callable[[MeterReport], None]
) -> None:
    """Take all reports while the view is kept current and signals are heeded."""
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # there Ctrl-C cancels at once: its loop knows no signal handlers
            await tasks.start(_heed_signals, run, view, driven)
        tasks.start_soon(_keep_current, view)
        try:
            async for report in run:
                view.reported(report)
                on_report(report)
        except Exception as error:  # kept, so that it leaves as it is and not inside a group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _keep_current(view: LiveView | LineView) -> None:
    while True:
        await anyio.sleep(view.every)
        view.tick()


async def _heed_signals(
    run: FleetRun, view: LiveView | LineView, driven: Drive, *, task_status: TaskStatus[None]
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            if driven.was_interrupted:
                run.cut()
                continue
            driven.was_interrupted = True
            view.say("stopping: open meters are logged off first (Ctrl-C again cuts their lines)")
            run.stop(STOP_REASON)


def hint_of_resuming(driven: Drive) -> None:
    """Say how an interrupted run goes on."""
    if driven.was_interrupted:
        say_hint("the same command again reads on where this ended")
