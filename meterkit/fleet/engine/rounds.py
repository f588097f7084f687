"""Rounds: one job for each group that a schedule's plan reads; who still waits from the last is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from psycopg import AsyncConnection

from meterkit.fleet.engine.engine import QUEUE, EngineFault, pool_of
from meterkit.fleet.engine.group_report import Order
from meterkit.fleet.engine.names import GROUP_TASK, priority_of, queueing_lock
from meterkit.fleet.engine.store import Group, Store

__all__ = ["Deferred", "defer_plan"]

BATCH: Final = 500  # jobs in one statement
#: From so many new jobs on, the server is made to look at its table anew.  Planned for an empty one, the
#: query that fetches a job gave 6 jobs a second where it gives 134 (2,000 waiting, PostgreSQL 15).
MANY: Final = 50


@dataclass(frozen=True, slots=True)
class Deferred:
    """What a round began with."""

    schedule: str
    due: datetime
    jobs: int
    refused: int  #: groups whose job of an earlier round still waits, and will read the same
    meters: int  #: of the jobs, without those refused


async def defer_plan(app: App, schedule: str, *, due: datetime | None = None) -> Deferred:
    """Begin a round of a schedule: all its jobs are there at once, or none.

    `app` is open; `due` (aware) is when the round was due, now by default: its deadline counts from there.
    Errors: EngineFault there is no such schedule, or no meter that it reads; ConnectorException and
    psycopg.Error the database cannot be used.
    """
    store = Store(pool_of(app))
    known = await store.schedule(schedule)
    if known is None or known.plan is None:
        names = ", ".join(await store.schedules()) or "none"
        raise EngineFault(f"there is no schedule {schedule!r} in the database; there are: {names}")
    groups = await store.groups(known.plan)
    if not groups:
        raise EngineFault(f"schedule {schedule!r} has nothing to read of any meter in the database")
    due = datetime.now(UTC) if due is None else due
    deferred: list[Group] = []
    async with store.pool.connection() as connection, connection.transaction():
        for first in range(0, len(groups), BATCH):
            deferred += await _defer(app, connection, schedule, due, groups[first : first + BATCH])
        meters = sum(group.meters for group in deferred)
        counts = (meters, len(deferred), len(groups) - len(deferred))
        await store.add_round(connection, schedule, due, counts)
    if len(deferred) >= MANY:
        async with store.pool.connection() as connection:
            await connection.execute("ANALYZE procrastinate_jobs")
    return Deferred(schedule, due, len(deferred), len(groups) - len(deferred), meters)


async def _defer(
    app: App, connection: AsyncConnection[Any], schedule: str, due: datetime, groups: Sequence[Group]
) -> list[Group]:
    """Defer the jobs of some groups; where one of many is refused, each goes by itself."""
    jobs = [_job(schedule, due, group) for group in groups]
    try:
        async with connection.transaction():  # a savepoint: a refusal undoes this and no more
            await app.job_manager.batch_defer_jobs_async(jobs, connection=connection)
    except AlreadyEnqueued:
        if len(groups) == 1:
            return []
        return [group for one in groups for group in await _defer(app, connection, schedule, due, [one])]
    return list(groups)


def _job(schedule: str, due: datetime, group: Group) -> Job:
    return Job(
        queue=QUEUE,
        task_name=GROUP_TASK,
        priority=priority_of(group.priority),
        lock=group.name,
        queueing_lock=queueing_lock(schedule, group.name),
        task_kwargs=Order(schedule, group.name, due).to_json(),
    )
