"""One run of a fleet: its meters, one round or many, until the last report.

    meters -> turns -> routes -> gate -> attempt --- read ----------> report
                         ^                 |
                         `---- backoff <---`-- failed, may be tried again

A meter has a task only while it is being read.  What waits, for its turn, its next attempt or the next
round, is an entry in a heap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import anyio

from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet.access import Client
from meterkit.fleet.attempt import Sections, attempt
from meterkit.fleet.core import Core
from meterkit.fleet.cuts import Cuts
from meterkit.fleet.desk import STOPPED, Desk
from meterkit.fleet.dlms_reader import dlms_sections
from meterkit.fleet.meters import MeterEntry
from meterkit.fleet.observer import MeterState
from meterkit.fleet.plan import ReadPlan, Window
from meterkit.fleet.psem_reader import psem_sections
from meterkit.fleet.reports import Reports
from meterkit.fleet.route import Route, RouteLine
from meterkit.fleet.routes import turns_of
from meterkit.fleet.turn import Turn
from meterkit.options import PsemClientOptions

__all__ = ["Run", "Schedule"]

_NO_PART: Final = "the plan has nothing to read of this meter"
_STILL_READ: Final = "its last poll is still under way"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When rounds begin: `rounds` of them, None for no end, `every` so many seconds."""

    every: float = 0.0
    rounds: int | None = 1
    spread: float = 0.0  #: s over which the meters of one round are spread
    keep_open: bool = False  #: sessions stay open from one round to the next


class Run:
    """The machine behind a `FleetRun`: it knows nobody who iterates over it."""

    def __init__(
        self,
        core: Core,
        plan: ReadPlan,
        meters: Sequence[MeterEntry],
        schedule: Schedule,
        windows: Mapping[str, Sequence[Window]] | None,
    ) -> None:
        self.reports = Reports(core.limits.waiting_reports)
        self.over = anyio.Event()
        self.stop_reason = ""
        self.skipped_rounds = 0  #: rounds that were not begun, because too many reports were not taken
        self.ended: Callable[[Run], None] = lambda _: None  #: called once, at the end
        self._core, self._schedule, self._windows = core, schedule, windows
        self._loop = asyncio.get_running_loop()
        self._psem: Sections = () if plan.psem is None else tuple(psem_sections(plan.psem))
        self._dlms: Sections = () if plan.dlms is None else tuple(dlms_sections(plan.dlms))
        self._turns = turns_of(meters, self._begin, self._abandon)
        self._round = -1
        self._first_round = 0.0  # the loop's time
        self._left = 0  # meters without a report of this round
        self._busy = 0  # routes being worked on, and sessions being closed
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._cuts = Cuts()

    @property
    def total(self) -> int:
        """Meters of the run."""
        return len(self._turns)

    @property
    def left(self) -> int:
        """Meters that have no report of this round yet."""
        return self._left

    @property
    def is_stopping(self) -> bool:
        """Whether nothing new is begun any more."""
        return bool(self.stop_reason)

    # ---------------------------------------------------------------- rounds
    def start(self) -> None:
        """Begin the first round, and the time that the run has."""
        self._first_round = self._loop.time()
        deadline = self._core.limits.run_deadline
        if deadline is not None:
            self._at(
                self, self._first_round + deadline, lambda: self.stop(f"the run's {deadline:g} s passed")
            )
        self._begin_round()

    def _begin_round(self) -> None:
        self._round += 1
        schedule, now = self._schedule, self._loop.time()
        if schedule.rounds is None or self._round + 1 < schedule.rounds:
            self._at("round", self._first_round + (self._round + 1) * schedule.every, self._begin_round)
        if self.reports.is_clogged:
            self.skipped_rounds += 1
            self._end_if_done()
            return
        step = schedule.spread / len(self._turns) if self._turns else 0.0
        for number, turn in enumerate(self._turns):
            if turn.round >= 0 and not turn.is_over:
                self._refuse(turn, _STILL_READ)
                continue
            turn.begin_anew(self._round)
            self._left += 1
            if not self._sections(turn):
                self._finish(turn, _NO_PART)
            elif step and number:
                self._at(turn, now + number * step, lambda turn=turn: self._queue(turn))  # type: ignore[misc]
            else:
                self._queue(turn)
        self._end_if_done()

    def _sections(self, turn: Turn) -> Sections:
        """Return what is to be read of a meter."""
        sections = self._psem if isinstance(turn.address.options, PsemClientOptions) else self._dlms
        if self._windows is None:
            return sections
        wanted = {window.group for window in self._windows.get(turn.entry.id, ())}
        return [section for section in sections if section.group in wanted]

    def _queue(self, turn: Turn) -> None:
        """Let a meter wait for its turn."""
        self._timers.pop(turn, None)
        self._core.dispatcher.rouse(turn)
        if self._core.watch.state is not None:
            self._core.watch.state(turn.entry.id, MeterState.QUEUED)
        turn.route.add(turn)
        self._queue_route(turn.route)

    def _queue_route(self, route: Route) -> None:
        if not route.is_busy and route.is_due and not route.is_withdrawn:
            route.is_busy = True
            self._core.dispatcher.put(route)

    # ---------------------------------------------------------------- work
    def _begin(self, route: Route) -> None:
        self._busy += 1
        route.is_at_work = True
        self._core.crew.start(self._work(route))

    async def _work(self, route: Route) -> None:
        """Read the meters that are due behind one place, one after another."""
        line = RouteLine(self._core.access.dial, self._core.watch, is_shared=route.is_shared)
        turn: Turn | None = None
        resting: Turn | None = None
        try:
            while not self.is_stopping and (turn := route.take()) is not None:
                if turn.has_lost_session:  # since the gate let it in, and dialling wants a place of its own
                    turn.abandon_client()
                    route.add(turn)
                    break
                resting = turn if await self._read(turn, line) else None
                if turn.is_over:
                    await self.reports.room()
        except BaseException:  # the whole fleet is being cancelled
            if turn is not None and not turn.is_over:
                turn.error = STOPPED
                self._finish(turn)
            self.stop("the fleet was cancelled")
            raise
        finally:
            route.is_busy = route.is_at_work = False
            await line.close()
            self._core.dispatcher.release(route, session=resting is None)
            if resting is not None:
                self._rest(resting)
            self._busy -= 1
            self._queue_route(route)
            self._end_if_done()

    async def _read(self, turn: Turn, line: RouteLine) -> bool:
        """Make one attempt at a meter; tell whether its session stays open."""
        now = self._loop.time()
        turn.is_at_work = True
        turn.attempts += 1
        if turn.began is None:
            turn.began, turn.began_at = now, self._core.clock()
        desk = turn.desk = turn.desk or self._desk(turn)
        stays_open = is_done = False
        with anyio.CancelScope() as scope:
            self._cuts.begin(scope, self._deadline(turn))
            try:
                await attempt(self._core, turn, desk, self._sections(turn), line)
                is_done = True
            finally:
                self._cuts.end(scope)
                stays_open = is_done and self._stays_open(turn)
                if turn.client is not None and not stays_open:
                    client, turn.client = turn.client, None
                    await client.leave()
        if scope.cancelled_caught:
            turn.error = self._cut(turn)
        self._settle(turn)
        return stays_open

    def _desk(self, turn: Turn) -> Desk:
        windows = None if self._windows is None else self._windows[turn.entry.id]
        return Desk(
            turn.entry.id,
            self._core.intake,
            clock=self._core.clock,
            time_zone=turn.entry.time_zone,
            windows=windows,
        )

    def _deadline(self, turn: Turn) -> float:
        deadline = self._core.limits.meter_deadline
        return float("inf") if deadline is None or turn.began is None else turn.began + deadline

    def _stays_open(self, turn: Turn) -> bool:
        is_wanted = self._schedule.keep_open and not turn.route.is_shared and not self.is_stopping
        has_more = self._schedule.rounds is None or self._round + 1 < self._schedule.rounds
        return is_wanted and has_more and turn.error is None and turn.is_open

    def _cut(self, turn: Turn) -> MeterError:
        if self.is_stopping:
            return STOPPED
        deadline = self._core.limits.meter_deadline
        return MeterError(ErrorKind.TIMEOUT, f"the meter's {deadline:g} s passed before all was read")

    # ---------------------------------------------------------------- after an attempt
    def _settle(self, turn: Turn) -> None:
        """Report a meter, or let it wait for its next attempt."""
        turn.is_at_work = False
        error = turn.error
        delay = None
        if error is not None and not self.is_stopping:
            jitter = Random(f"{self._core.seed}/{turn.entry.id}/{turn.round}/{turn.attempts}")
            delay = self._core.retries.delay(turn.attempts, error, jitter)
            if delay is None and turn.was_kept:
                delay = 0.0  # a meter that forgot a kept session, as after a restart, was not asked yet
        now = self._loop.time()
        if error is None or delay is None or now + delay >= self._deadline(turn):
            self._finish(turn)
            return
        watch = self._core.watch
        if watch.retry is not None:
            watch.retry(turn.entry.id, turn.attempts, delay, error)
        if watch.state is not None:
            watch.state(turn.entry.id, MeterState.WAITING)
        self._at(turn, now + delay, lambda: self._queue(turn))

    def _finish(self, turn: Turn, refused: str = "") -> None:
        turn.is_over = True
        self._left -= 1
        self._report(turn, refused)
        turn.desk = None
        if self._core.watch.state is not None:
            self._core.watch.state(turn.entry.id, MeterState.DONE)

    def _refuse(self, turn: Turn, why: str) -> None:
        """Report a round that a meter has no time for; the one it is in goes on."""
        report = turn.refusal(self._round, MeterError(ErrorKind.STATE, why))
        self.reports.add(report)
        if self._core.watch.report is not None:
            self._core.watch.report(report)

    def _report(self, turn: Turn, refused: str) -> None:
        names = tuple([section.name for section in self._sections(turn)])
        collector = self._core.collector
        data = () if collector is None else collector.take(turn.entry.id)
        error = MeterError(ErrorKind.STATE, refused) if refused else None
        report = turn.report(self._loop.time(), names, refused=error, data=data)
        self.reports.add(report)
        if self._core.watch.report is not None:
            self._core.watch.report(report)

    # ---------------------------------------------------------------- idle sessions
    def _rest(self, turn: Turn) -> None:
        if self._core.watch.state is not None:
            self._core.watch.state(turn.entry.id, MeterState.IDLE)
        self._core.dispatcher.rest(turn, self._close)
        if self.is_stopping:
            self._core.dispatcher.close_idle(turn)

    def _let_go(self, turn: Turn) -> None:
        """Close a meter's session, if it has one and nobody reads it."""
        if turn.client is not None and not turn.route.is_at_work:
            self._core.dispatcher.rest(turn, self._close)
            self._core.dispatcher.close_idle(turn)

    def _close(self, turn: Turn) -> None:
        """Close the session of a meter that nobody reads."""
        client, turn.client = turn.client, None
        self._busy += 1
        self._core.tasks.start_soon(self._leave_idle, client, name="meterkit fleet")

    async def _leave_idle(self, client: Client | None) -> None:
        try:
            if client is not None:
                await client.leave()
        finally:
            self._core.dispatcher.closed()
            self._busy -= 1
            self._end_if_done()

    def _abandon(self, client: Client) -> None:
        """Take leave of a client whose session broke while it was idle."""
        self._core.tasks.start_soon(client.leave, name="meterkit fleet")

    # ---------------------------------------------------------------- the end
    def stop(self, reason: str) -> None:
        """Begin nothing new; what is open comes to a good end within the grace, then it is cut."""
        if self.is_stopping or self.over.is_set():
            return
        self.stop_reason = reason
        self._cancel_timers()
        self.reports.let_in()
        for turn in self._turns:
            self._let_go(turn)
            if turn.desk is not None:
                turn.desk.is_stopping = True
            if not turn.is_over and not turn.is_at_work:
                if not turn.attempts:
                    turn.error = MeterError(ErrorKind.STATE, reason)
                self._finish(turn)
            turn.route.is_withdrawn = True
            turn.route.clear()
        self._core.dispatcher.wake()
        self._at("grace", self._loop.time() + self._core.limits.stop_grace, self.cut)
        self._end_if_done()

    def cut(self) -> None:
        """Cut what is being read."""
        self._cuts.cut()

    def _end_if_done(self) -> None:
        has_more = "round" in self._timers
        if self._left or self._busy or has_more or self.over.is_set():
            return
        for turn in self._turns:
            self._let_go(turn)
        if self._busy:
            return
        self._cancel_timers()
        self._cuts.close()
        self.ended(self)
        self.over.set()
        self.reports.end()

    def _at(self, key: object, when: float, call: Callable[[], None]) -> None:
        """Call at a time; `key` is what a call that is no longer wanted goes by."""

        def ring() -> None:
            self._timers.pop(key, None)
            call()

        self._timers[key] = self._loop.call_at(when, ring)

    def _cancel_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
