"""`meterkit fleet engine`: a fleet goes into PostgreSQL, rounds begin, workers run, their state is told."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio.abc import TaskStatus
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.fleet.view import duration
from meterkit.cli.grid import make_grid
from meterkit.cli.output import iso, json_line, print_json, safe_text
from meterkit.cli.running import FAILED, INTERRUPTED, OK, report, say_error, say_hint
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.secured.counter_store import SqliteCounterStore

if TYPE_CHECKING:
    from meterkit.fleet.engine import EngineFile, EngineStatus, Worker
    from meterkit.fleet.engine.group_report import GroupReport
    from meterkit.fleet.engine.status import RoundStatus

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a worker is to work."""

    sink: str | None
    jobs: int
    folder: Path | None
    counters: Path | None
    heartbeat: float
    stalled_after: float
    drain: bool
    as_json: bool


def init(dsn: str, path: Path, *, as_json: bool) -> int:
    """Put a file into the database."""
    _need_extra()
    from meterkit.fleet.engine import initialize

    file = _load(path)
    saved = _told(lambda: initialize(dsn, file), as_json=as_json)
    if saved is None:
        return FAILED
    crons = {one.name: one.cron for one in file.all_schedules()}
    if as_json:
        document = {"meters": saved.meters, "groups": saved.groups, "removed": saved.removed}
        print_json({**document, "schedules": crons})
    else:
        gone = f", {saved.removed} taken out" if saved.removed else ""
        print(f"{saved.meters} meters in {saved.groups} groups{gone}")
        for name, cron in crons.items():
            print(f"{name}: {cron or 'begun by hand'}")
    return OK


def defer(dsn: str, schedule: str, *, as_json: bool) -> int:
    """Begin a round."""
    _need_extra()
    from meterkit.fleet.engine import defer as begin

    deferred = _told(lambda: begin(dsn, schedule), as_json=as_json)
    if deferred is None:
        return FAILED
    if as_json:
        counts = {"jobs": deferred.jobs, "refused": deferred.refused, "meters": deferred.meters}
        print_json({"schedule": deferred.schedule, "due": deferred.due, **counts})
    else:
        print(f"{deferred.schedule}: {deferred.jobs} jobs for {deferred.meters} meters")
        if deferred.refused:
            say_hint(f"{deferred.refused} groups refused: a job that reads the same waits for each of them")
    return OK


def worker(dsn: str, wish: Wish) -> int:
    """Run a worker until a signal comes, or nothing is left."""
    _need_extra()
    from meterkit.fleet.engine import Worker, WorkerSettings

    if wish.jobs < 1:
        raise UsageMistake(f"--jobs {wish.jobs}: 1 or more expected")
    if not 0 < wish.heartbeat < wish.stalled_after:
        raise UsageMistake("--stalled-after has to be longer than --heartbeat, and both more than 0")
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # what matters of it is told in our words
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    settings = WorkerSettings(jobs=wish.jobs, heartbeat=wish.heartbeat, stalled_after=wish.stalled_after)

    async def work() -> int:
        one = Worker(
            dsn,
            sink=wish.sink,
            settings=settings,
            folder=wish.folder,
            counters=None if wish.counters is None else SqliteCounterStore(wish.counters),
            reported=lambda told: _print_report(told, as_json=wish.as_json),
            troubled=lambda trouble: say_error(f"{trouble}; waiting for the database"),
        )
        say_hint(f"worker on {one.name}. Ctrl-C ends it in order.")
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            if sys.platform != "win32":  # there Ctrl-C cancels at once
                await tasks.start(_stop_at_signal, one)
            try:
                await one.run(drain=wish.drain)
            except Exception as raised:  # kept, so that it leaves as it is and not inside a group
                failure = raised
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return INTERRUPTED if one.is_stopping else OK

    status = _told(work, as_json=wish.as_json)
    return FAILED if status is None else status


async def _stop_at_signal(one: Worker, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for _ in signals:
            say_hint("stopping: open meters are logged off, the rest is left to other workers")
            one.stop()


def status(dsn: str, *, as_json: bool) -> int:
    """Tell the engine's state; status 1 where something was given up."""
    _need_extra()
    from meterkit.fleet.engine import status as look

    told = _told(lambda: look(dsn), as_json=as_json)
    if told is None:
        return FAILED
    if as_json:
        print_json(told.to_json())
    else:
        _show(told)
    return FAILED if told.failed or any(one.given_up for one in told.rounds) else OK


# -------------------------------------------------------------------- what a person sees
def _print_report(told: GroupReport, *, as_json: bool) -> None:
    order = told.order
    seconds = (told.ended_at - told.began_at).total_seconds()
    if as_json:
        job = {"job": told.job, "schedule": order.schedule, "group": order.group, "due": order.due}
        print(json_line({**job, "attempt": order.attempt, "seconds": seconds, **told.to_json()}), flush=True)
        return
    parts = [f"{told.read} read", f"{told.readings} readings"]
    parts += [f"{len(told.again)} again"] if told.again else []
    parts += [f"{len(told.given_up)} given up"] if told.given_up else []
    reasons = ", ".join(f"{kind} {count}" for kind, count in told.failures.most_common())
    line = f"{order.schedule} {order.due:%H:%M:%S} {order.group}: {', '.join(parts)} in {seconds:.1f} s"
    print(safe_text(f"{line} ({reasons})" if reasons else line), flush=True)


def _show(told: EngineStatus) -> None:
    print(f"{told.meters} meters in {told.groups} groups")
    waits = f", the oldest for {duration(told.oldest)}" if told.oldest is not None else ""
    broken = f", {told.failed} broken" if told.failed else ""
    print(f"jobs: {told.waiting} waiting{waits}, {told.running} running{broken}")
    if not told.workers:
        say_hint("no worker is there: meterkit fleet engine worker")
    for worker in told.workers:
        age = duration(worker.heartbeat_age)
        print(f"worker {worker.id}: {worker.jobs} jobs, last sign of life {age} ago")
    heads = ("~schedule", "~cron", "due", ">meters", ">read", ">open", ">given up", ">readings")
    show(make_grid(heads, [_row(one) for one in told.rounds]))
    for one in told.rounds:
        for meter in one.given_up[:10]:
            why = one.examples.get(meter, "see the reports")
            show(Text(safe_text(f"{one.schedule}: {meter}: {why}"), style="red"))


def _row(one: RoundStatus) -> tuple[str, ...]:
    cron = one.cron or "by hand"
    if one.due is None:
        return (one.schedule, cron, "never", "-", "-", "-", "-", "-")
    counts = (one.meters, one.read, one.open, len(one.given_up), one.readings)
    return (one.schedule, cron, iso(one.due.replace(microsecond=0)), *map(str, counts))


# -------------------------------------------------------------------- what goes wrong
def _need_extra() -> None:
    if find_spec("procrastinate") is None:
        raise UsageMistake("a fleet on PostgreSQL needs its extra: pip install 'meterkit[procrastinate]'")


def _load(path: Path) -> EngineFile:
    from meterkit.fleet.engine import EngineFile

    try:
        return EngineFile.load(path)
    except OSError as error:
        raise UsageMistake(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError as wrong:
        raise UsageMistake(str(wrong)) from None


def _told(work: Callable[[], Awaitable[T]], *, as_json: bool) -> T | None:
    """Return what `work` does, or None once its failure was told."""
    from meterkit.fleet.engine import EngineFault

    async def run() -> T:
        return await work()

    try:
        return anyio.run(run)
    except EngineFault as fault:
        report("system", str(fault), as_json=as_json)
        return None
    except ValueError as wrong:  # the URL
        raise UsageMistake(str(wrong)) from None
