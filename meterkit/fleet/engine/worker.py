"""Worker: a process that reads groups as their jobs come, until it is stopped; a dead database is waited for.

one life:          connections -> Fleet, sink and checkpoints in PostgreSQL -> Procrastinate's worker
database away:     all of it is left, and begun again
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import anyio
from procrastinate.exceptions import ConnectorException

from meterkit.address import MeterAddress
from meterkit.dlms.security.counters import CounterStore
from meterkit.dlms.security.key_kinds import KeyProvider
from meterkit.fleet.access import Dial
from meterkit.fleet.engine.app import make_app
from meterkit.fleet.engine.checkpoints import PostgresqlCheckpoints
from meterkit.fleet.engine.engine import ENGINE, QUEUE, TROUBLES, Engine, EngineFault, pool_of, why
from meterkit.fleet.engine.group_report import GroupReport
from meterkit.fleet.engine.recovery import recover
from meterkit.fleet.engine.setup import stored
from meterkit.fleet.engine.store import Store
from meterkit.fleet.fleet import Fleet
from meterkit.fleet.observer import Observer
from meterkit.fleet.retry import RetryPolicy
from meterkit.fleet.sinks.postgresql import PostgresqlSink
from meterkit.fleet.sinks.postgresql_connection import shown_url

__all__ = ["Worker", "WorkerSettings"]

#: s beyond the grace of stopping for reports to be put where they belong, before jobs are cut.
_REPORTS: Final = 30.0
_FIRST_PAUSE: Final = 1.0  # s before a dead database is tried again; then twice as long each time
_LAST_PAUSE: Final = 30.0  # s
_CANCEL_AGAIN: Final = 1.0  # s until a cancellation counts as lost
_DRAIN_PAUSE: Final = 0.2  # s between looks whether anything is left
_ENDED: Final = "Procrastinate's worker ended by itself"
_log = logging.getLogger("meterkit.fleet.engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works."""

    jobs: int = 4  #: read at once; what they take of lines and sessions is counted together
    heartbeat: float = 10.0  #: s between signs of life
    stalled_after: float = 30.0  #: s without one, until another worker puts its jobs back
    poll: float = 5.0  #: s between looks for jobs, besides being told of new ones
    timeout: float = 10.0  #: s without a connection, until the database counts as dead
    connections: int = 4  #: to the database, besides those of sink, checkpoints and listening


class Worker:
    """One worker on the database `dsn`; run as many as are needed, on any machines.

    `sink`: the database where readings go, by default the same.  `keys`, `passwords`, `counters`, `folder`,
    `dial`, `observer`, `clock`: as for `Fleet`.  `reported` is called with each job's report, `troubled`
    with what is wrong with the database when it is.
    Errors: ValueError a URL is none, or holds a password.
    """

    def __init__(
        self,
        dsn: str,
        *,
        sink: str | None = None,
        settings: WorkerSettings | None = None,
        keys: KeyProvider | None = None,
        passwords: KeyProvider | None = None,
        counters: CounterStore | None = None,
        folder: Path | None = None,
        dial: Dial = MeterAddress.transport,
        observer: Observer | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        reported: Callable[[GroupReport], None] = lambda _: None,
        troubled: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = shown_url(dsn)
        self.settings = settings or WorkerSettings()
        self._dsn, self._sink = dsn, sink or dsn
        shown_url(self._sink)
        self._keys, self._passwords, self._counters = keys, passwords, counters
        self._folder, self._dial, self._observer = folder, dial, observer
        self._clock, self._reported, self._troubled = clock, reported, troubled
        self._is_stopping = False
        self._stopped = anyio.Event()
        self._engine: Engine | None = None
        self._runner: asyncio.Task[None] | None = None

    async def run(self, *, drain: bool = False) -> None:
        """Work until `stop`; with `drain`, until no job waits or runs any more, follow-ups included.

        A database that goes away later is waited for: jobs in hand are read again, which does no harm.
        While it drains, a worker begins no rounds of its own.
        Errors: EngineFault the database cannot be used at the beginning, or nothing was ever put into it.
        """
        has_begun, pause = False, _FIRST_PAUSE
        while not self._is_stopping:
            try:
                async with self._life(drain=drain) as engine:
                    has_begun, pause = True, _FIRST_PAUSE
                    await self._work(engine, drain=drain)
                    return
            except TROUBLES as trouble:
                if not has_begun:
                    raise EngineFault(f"{self.name}: {why(trouble)}") from None
                _log.warning("%s: %s; trying again in %g s", self.name, why(trouble), pause)
                self._troubled(why(trouble))
            with anyio.move_on_after(pause):
                await self._stopped.wait()
            pause = min(2 * pause, _LAST_PAUSE)

    @property
    def is_stopping(self) -> bool:
        """Whether it was stopped."""
        return self._is_stopping

    def stop(self, reason: str = "the worker was stopped") -> None:
        """Take no new job; what is being read comes to a good end, the rest is left to other workers.

        Safe to call from a signal handler of the event loop, and twice.
        """
        if self._is_stopping:
            return
        self._is_stopping = True
        self._stopped.set()
        if self._runner is not None:
            self._runner.cancel()  # once: Procrastinate takes it as the wish to end well
        if self._engine is not None:
            self._engine.stop(reason)

    # ---------------------------------------------------------------- one life
    @asynccontextmanager
    async def _life(self, *, drain: bool) -> AsyncGenerator[Engine]:
        """Connect all that a worker needs; what the fleet has read is written before this is left."""
        settings, schedules = await stored(self._dsn)
        app = make_app(
            self._dsn,
            () if drain else schedules,
            connections=self.settings.connections,
            timeout=self.settings.timeout,
        )
        fleet = Fleet(
            limits=settings.limits,
            retries=RetryPolicy(attempts=1),  # a follow-up job tries again, and the lock is free meanwhile
            sink=PostgresqlSink(self._sink),
            checkpoints=PostgresqlCheckpoints(self._dsn),
            observer=self._observer,
            keys=self._keys,
            passwords=self._passwords,
            counters=self._counters,
            folder=self._folder,
            dial=self._dial,
            clock=self._clock,
        )
        async with app.open_async(), fleet:
            store = Store(pool_of(app))
            self._engine = Engine(app, fleet, store, settings, self._clock, self._reported)
            try:
                yield self._engine
            finally:
                self._engine = None

    async def _work(self, engine: Engine, *, drain: bool) -> None:
        """Run Procrastinate's worker, and what watches over it."""
        wish = self.settings
        self._runner = runner = asyncio.create_task(
            engine.app.run_worker_async(
                queues=[QUEUE],
                name="meterkit",
                concurrency=wish.jobs,
                fetch_job_polling_interval=wish.poll,
                shutdown_graceful_timeout=engine.settings.limits.stop_grace + _REPORTS,
                delete_jobs="successful",
                additional_context={ENGINE: engine},
                install_signal_handlers=False,
                update_heartbeat_interval=wish.heartbeat,
                stalled_worker_timeout=wish.stalled_after,
            ),
            name="meterkit engine worker",
        )
        watchers = [
            asyncio.create_task(self._watch(engine), name="meterkit engine recovery"),
            # The one cancellation of `stop` may be lost: `_end` says it again.
            asyncio.create_task(self._stopped.wait(), name="meterkit engine stop"),
        ]
        if drain:
            watchers.append(asyncio.create_task(self._drain(engine), name="meterkit engine drain"))
        if self._is_stopping:  # it was stopped while it was connecting
            runner.cancel()
        try:
            await asyncio.wait([runner, *watchers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(engine, runner, watchers, has_jobs=self._is_stopping or not drain)
        for task in (runner, *watchers):
            if not task.cancelled() and (broken := task.exception()) is not None:
                raise broken
        if not (self._is_stopping or drain):
            raise ConnectorException(_ENDED)

    async def _end(
        self,
        engine: Engine,
        runner: asyncio.Task[None],
        watchers: list[asyncio.Task[None]],
        *,
        has_jobs: bool,
    ) -> None:
        """End what is left, each in its own time.

        A cancellation that comes just as a connection is had is lost (seen on Python 3.11), so watchers are
        told again and again; Procrastinate's worker, for which a second one cuts jobs, once its time is over.
        """
        if not runner.done():
            if not self._is_stopping:
                runner.cancel()
            engine.stop("the worker was stopped")
        clock = asyncio.get_running_loop().time
        overdue = clock() + (engine.settings.limits.stop_grace + _REPORTS if has_jobs else 0.0)
        left = {runner, *watchers}
        while left:
            for task in watchers:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN)
            if clock() >= overdue:
                runner.cancel()
        self._runner = None

    async def _watch(self, engine: Engine) -> None:
        """Put back jobs of workers that died, now and then."""
        while True:
            await recover(engine, self.settings.stalled_after)
            await anyio.sleep(self.settings.stalled_after / 3)

    async def _drain(self, engine: Engine) -> None:
        """Return once nothing is left to do."""
        while await engine.store.open_jobs(QUEUE):  # noqa: ASYNC110  # other workers' jobs, too
            await anyio.sleep(_DRAIN_PAUSE)
