"""The Procrastinate app: a task that begins rounds, a task that reads one group, and the schedules' crons.

cron ---> meterkit.round ---> meterkit.group, one job a group ---> follow-up with the meters that failed
          at most one waits   lock: the group; at most one waits    lower priority, after a while
          for each schedule   for each schedule and group
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from procrastinate import App, JobContext, PsycopgConnector

from meterkit.fleet.engine.engine import ENGINE, QUEUE, Engine, why
from meterkit.fleet.engine.engine_file import EngineSchedule
from meterkit.fleet.engine.group_job import read_group
from meterkit.fleet.engine.group_report import Order
from meterkit.fleet.engine.names import GROUP_TASK, ROUND_PRIORITY, ROUND_TASK
from meterkit.fleet.engine.rounds import defer_plan
from meterkit.fleet.sinks.postgresql_connection import CONNECT_TIMEOUT, shown_url

__all__ = ["make_app"]

TIMEOUT: Final = 10.0  # s to wait for a connection; a database that gives none counts as dead
#: How long rounds and reports are kept.
MEMORY: Final = timedelta(days=30)
_log = logging.getLogger("meterkit.fleet.engine")


def make_app(
    dsn: str, schedules: Iterable[EngineSchedule] = (), *, connections: int = 4, timeout: float = TIMEOUT
) -> App:
    """Return the app on the database `dsn`; `async with app.open_async():` connects it.

    `schedules`: those whose crons its workers follow.  `connections`: the most it has at once, besides one
    that listens; `timeout` (s): how long a call waits for one of them.
    Errors: ValueError the URL is none, or holds a password.
    """
    shown_url(dsn)
    connector = PsycopgConnector(
        conninfo=dsn,
        min_size=1,
        max_size=connections,
        timeout=timeout,
        kwargs={"application_name": "meterkit engine", "connect_timeout": CONNECT_TIMEOUT},
    )
    app = App(connector=connector)
    begin = app.task(name=ROUND_TASK, queue=QUEUE, pass_context=True)(_begin_round)
    app.task(name=GROUP_TASK, queue=QUEUE, pass_context=True)(_run_group)
    for schedule in schedules:
        if schedule.cron is not None:
            name = f"round {schedule.name}"
            app.periodic(
                cron=schedule.cron,
                periodic_id=schedule.name,
                lock=name,
                queueing_lock=name,
                priority=ROUND_PRIORITY,
                task_kwargs={"schedule": schedule.name},
            )(begin)
    return app


async def _begin_round(context: JobContext, timestamp: int, schedule: str) -> dict[str, int]:
    """Begin a round that was due at `timestamp`."""
    with _in_hand(context) as engine:
        deferred = await defer_plan(context.app, schedule, due=datetime.fromtimestamp(timestamp, UTC))
        await engine.store.forget(MEMORY)
    return {"jobs": deferred.jobs, "refused": deferred.refused, "meters": deferred.meters}


async def _run_group(context: JobContext, /, **arguments: Any) -> None:
    """Read one group."""
    job = context.job
    assert job.id is not None  # it came from the database
    with _in_hand(context) as engine:
        await read_group(engine, job.id, job.priority, Order.from_json(arguments))


@contextmanager
def _in_hand(context: JobContext) -> Generator[Engine]:
    """Have a job in hand, so that nobody takes it for one that was lost."""
    engine, job = _engine(context), context.job
    assert job.id is not None  # it came from the database
    task = asyncio.current_task()
    assert task is not None  # Procrastinate's own, in which the job is finished after this
    task.add_done_callback(_heard)
    engine.running.add(job.id)
    if job.worker_id is not None:
        engine.worker_ids.add(job.worker_id)
    try:
        yield engine
    finally:
        engine.running.discard(job.id)


def _heard(task: asyncio.Task[Any]) -> None:
    """Hear why a job could not be finished: nobody else does, and asyncio would complain of that."""
    if not task.cancelled() and (broken := task.exception()) is not None:
        _log.warning("a job could not be finished, and will be put back: %s", why(broken))


def _engine(context: JobContext) -> Engine:
    additional = cast("dict[str, object]", context.additional_context)  # pyright: ignore[reportUnknownMemberType]
    engine = additional.get(ENGINE)
    if not isinstance(engine, Engine):
        raise TypeError(
            "a job of meterkit's came to a worker of another kind: "
            f"run `meterkit fleet engine worker`, and other workers without the queue {QUEUE!r}"
        )
    return engine
