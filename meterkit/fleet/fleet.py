"""Fleet: many meters in one process, read by one plan.

async with Fleet(limits=FleetLimits(sessions=500), sink=sink) as fleet:
    async for report in fleet.run(plan, meters):
        ...
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Self

import anyio
from anyio import AsyncContextManagerMixin
from anyio.abc import TaskGroup

from meterkit.address import MeterAddress
from meterkit.dlms.security.counters import CounterStore
from meterkit.dlms.security.key_kinds import KeyProvider
from meterkit.fleet.access import Access, Dial
from meterkit.fleet.checkpoints import MemoryCheckpoints
from meterkit.fleet.collector import Collector
from meterkit.fleet.core import Core
from meterkit.fleet.crew import Crew
from meterkit.fleet.dispatcher import Dispatcher
from meterkit.fleet.gaps import Gap, plan_backfill, windows_of
from meterkit.fleet.limits import FleetLimits
from meterkit.fleet.meters import MeterEntry
from meterkit.fleet.observer import Observer, Watch
from meterkit.fleet.pipeline import Pipeline
from meterkit.fleet.plan import ReadPlan, Window
from meterkit.fleet.readings import Checkpoints, Sink
from meterkit.fleet.retry import RetryPolicy
from meterkit.fleet.run import Run, Schedule
from meterkit.fleet.run_stream import FleetRun

__all__ = ["Fleet"]

_FAREWELL = 15.0  # s beyond the grace for lines to be closed when the fleet is left


_utc_now: Final = partial(datetime.now, UTC)


class Fleet(AsyncContextManagerMixin):
    """Meters that are read together, under common limits.

    Several runs may be under way at once; what they may take is counted together.  Leaving stops them, in
    bounded time, and returns once all that was read has been written.
    """

    def __init__(
        self,
        *,
        limits: FleetLimits | None = None,
        retries: RetryPolicy | None = None,
        sink: Sink | None = None,
        checkpoints: Checkpoints | None = None,
        observer: Observer | None = None,
        keys: KeyProvider | None = None,
        passwords: KeyProvider | None = None,
        counters: CounterStore | None = None,
        folder: Path | None = None,
        dial: Dial = MeterAddress.transport,
        clock: Callable[[], datetime] = _utc_now,
        seed: int = 0,
    ) -> None:
        """Prepare a fleet; nothing is opened before `async with`.

        `sink`: where readings go; without one they come with the reports.  `checkpoints`: how far each meter
        has been read; without any that is forgotten with the fleet.  `keys`, `passwords`: secrets of meters
        by their ids, for those whose entry names none.  `counters`: where invocation counters outlast the
        program.  `folder`: what relative paths of secrets begin from.  `dial`: makes the transport to an
        address.  `clock`: the time of day, aware.  `seed`: of what retries wait more or less.
        """
        self.limits = limits or FleetLimits()
        self.retries = retries or RetryPolicy()
        self._checkpoints = checkpoints or MemoryCheckpoints()
        self.pipeline = None if sink is None else Pipeline(sink, self._checkpoints, now=clock)
        self._access = Access(keys, passwords, counters, folder, dial)
        self._watch = Watch(observer)
        self._clock, self._seed = clock, seed
        self._core: Core | None = None
        self._runs: set[Run] = set()

    @property
    def open_sessions(self) -> int:
        """Sessions that are open, or being opened or closed."""
        return 0 if self._core is None else self._core.dispatcher.open_sessions

    def run(
        self,
        plan: ReadPlan,
        meters: Iterable[MeterEntry],
        *,
        windows: Mapping[str, Sequence[Window]] | None = None,
    ) -> FleetRun:
        """Read all meters once; iterate over the reports, which come as meters are done.

        `windows`, by meter, reads stretches of channel groups again, of these meters alone and nothing else:
        what a sink missed, as `gaps.windows_of` tells it.
        Leaving the loop with `break` stops the run: what is open comes to a good end, the rest is not begun.
        Errors: while iterating, SinkFault a sink or checkpoints that cannot be used; what could not be
        written is in `pipeline.counts` and `pipeline.held`.
        Raises: ValueError two meters with one id; RuntimeError outside `async with`.
        """
        return self._begin(plan, meters, Schedule(), windows)

    def backfill(self, plan: ReadPlan, meters: Iterable[MeterEntry], gaps: Iterable[Gap]) -> FleetRun:
        """Read again what is missing, as `find_gaps` found it: few stretches, of the meters with gaps alone.

        Iterate, and errors, as in `run`; what comes is written beside what is there, each key once.
        """
        return self.run(plan, meters, windows=windows_of(plan_backfill(gaps)))

    def poll(
        self,
        plan: ReadPlan,
        meters: Iterable[MeterEntry],
        *,
        every: float,
        rounds: int | None = None,
        spread: float = 0.0,
        keep_open: bool = False,
    ) -> FleetRun:
        """Read all meters every so many seconds, `rounds` times or until it is stopped; iterate as in `run`.

        `spread` (s): meters of one round begin at even distances over this time.  `keep_open`: sessions stay
        open in between, for meters that share no line.  A meter that is still being read when its next round
        begins misses that one, and is reported as refused.
        Raises: ValueError `every` or `rounds` not above 0, `spread` outside 0 to `every`; as `run`.
        """
        if every <= 0 or not 0 <= spread <= every or (rounds is not None and rounds < 1):
            raise ValueError(
                f"every {every} s, spread {spread} s, rounds {rounds}: 0 < every, 0 <= spread <= every, "
                "rounds 1 or more expected"
            )
        return self._begin(plan, meters, Schedule(every, rounds, spread, keep_open), None)

    def stop(self, reason: str = "the fleet was stopped") -> None:
        """Stop all runs: nothing new is begun, what is open comes to a good end, and the rest is reported.

        After `FleetLimits.stop_grace` seconds what is still open is cut.  Safe to call from a signal handler
        of the event loop, and twice.
        """
        for run in list(self._runs):
            run.stop(reason)

    def _begin(
        self,
        plan: ReadPlan,
        meters: Iterable[MeterEntry],
        schedule: Schedule,
        windows: Mapping[str, Sequence[Window]] | None,
    ) -> FleetRun:
        if self._core is None:
            raise RuntimeError("run() and poll() are for inside 'async with Fleet(...) as fleet:'")
        wanted = [entry for entry in meters if windows is None or entry.id in windows]
        run = Run(self._core, plan, wanted, schedule, windows)
        self._runs.add(run)
        run.ended = self._runs.discard
        run.start()
        return FleetRun(run, self._core)

    # ---------------------------------------------------------------- its life
    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        # Workers raise nothing of their own, so an exception can only be the user's: it leaves as it came.
        failure: BaseException | None = None
        async with AsyncExitStack() as stack:
            intake = await self._open(stack)
            async with anyio.create_task_group() as tasks:
                self._core = self._core_on(intake, tasks)
                try:
                    yield self
                except (Exception, SystemExit, KeyboardInterrupt) as raised:
                    failure = raised
                finally:
                    await self._end(self._core)
                    self._core = None
                    tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _open(self, stack: AsyncExitStack) -> Pipeline | Collector:
        if self.pipeline is not None:
            return await stack.enter_async_context(self.pipeline)
        await self._checkpoints.open()
        stack.push_async_callback(self._checkpoints.close)
        return Collector(self._checkpoints)

    def _core_on(self, intake: Pipeline | Collector, tasks: TaskGroup) -> Core:
        return Core(
            limits=self.limits,
            retries=self.retries,
            access=self._access,
            watch=self._watch,
            clock=self._clock,
            seed=self._seed,
            intake=intake,
            collector=intake if isinstance(intake, Collector) else None,
            dispatcher=Dispatcher(self.limits),
            tasks=tasks,
            crew=Crew(tasks, self._cut),
        )

    def _cut(self) -> None:
        for run in list(self._runs):
            run.stop("the fleet was cancelled")
            run.cut()

    async def _end(self, core: Core) -> None:
        """Stop all runs and wait for what is open, even while cancelled; in bounded time."""
        core.tasks.start_soon(core.crew.see_off, name="meterkit fleet")
        self.stop("the fleet was left")
        with anyio.move_on_after(self.limits.stop_grace + _FAREWELL, shield=True):
            for run in list(self._runs):
                await run.over.wait()
        core.dispatcher.end()
