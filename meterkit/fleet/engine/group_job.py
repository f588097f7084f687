"""One job: a group's meters are read, the data goes to the sink, and those that failed to a follow-up job.

fleet.run(plan, meters) ---> sink            the data
        |
        `---> report, follow-ups             in one transaction: both or none
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Final

import anyio
import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job

from meterkit.errors import ErrorKind, MeterError
from meterkit.fleet.engine.engine import QUEUE, Engine, EngineFault
from meterkit.fleet.engine.group_report import GroupReport, Order
from meterkit.fleet.engine.names import GROUP_TASK, follow_up_lock, follow_up_priority
from meterkit.fleet.report import Outcome
from meterkit.fleet.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Generator

    from meterkit.fleet.meters import MeterEntry
    from meterkit.fleet.plan import ReadPlan
    from meterkit.fleet.run_stream import FleetRun

__all__ = ["FollowUp", "follow_ups", "read_group"]

#: s between attempts to put a report where it belongs: what was read is read, so it is worth some patience.
PATIENCE: Final = (1.0, 2.0, 4.0)
_DEADLINE: Final = "the schedule's deadline passed"
_log = logging.getLogger("meterkit.fleet.engine")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A job for those that were left, and after how many seconds it may begin."""

    order: Order
    delay: float


async def read_group(engine: Engine, job: int, priority: int, order: Order) -> None:
    """Read the meters of an order, report, and leave to follow-up jobs what is worth it.

    Errors: EngineFault the schedule is gone; psycopg.Error and ConnectorException the database is.
    """
    schedule = await engine.store.schedule(order.schedule)
    if schedule is None or schedule.plan is None:
        raise EngineFault(f"schedule {order.schedule!r} is not in the database any more")
    end = None if schedule.deadline is None else order.due + timedelta(seconds=schedule.deadline)
    entries = await engine.store.entries(order.group, schedule.plan, order.meters)
    now = engine.clock()
    report = GroupReport(job, order, now, now)
    if end is not None and now >= end:
        for entry in entries:
            report.fail(entry.id, MeterError(ErrorKind.STATE, f"{_DEADLINE} before its turn came"))
    elif engine.is_stopping:
        for entry in entries:
            report.fail(entry.id, MeterError(ErrorKind.STATE, "its worker was stopped before its turn came"))
    else:
        await _read(engine, report, schedule.plan, entries, end)
    report.ended_at = engine.clock()
    left = follow_ups(report, engine.settings.retries, end, is_stopping=engine.is_stopping)
    await _conclude(engine, report, left, follow_up_priority(priority))
    engine.reported(report)


async def _read(
    engine: Engine, report: GroupReport, plan: ReadPlan, entries: Iterable[MeterEntry], end: datetime | None
) -> None:
    """Read, and note what came of each meter."""
    read: list[str] = []
    run = engine.fleet.run(plan, entries)
    with _deadline(run, None if end is None else (end - report.began_at).total_seconds()):
        async for one in run:
            report.readings += one.readings
            if one.outcome is Outcome.READ:
                read.append(one.meter)
            else:
                report.fail(one.meter, one.error)
    assert engine.fleet.pipeline is not None  # a worker has a sink
    held = engine.fleet.pipeline.held
    for meter in read:
        if meter in held:  # its data is not in the sink
            report.fail(meter, MeterError(ErrorKind.TRANSPORT, held[meter], where="sink"))
        else:
            report.read += 1


@contextmanager
def _deadline(run: FleetRun, seconds: float | None) -> Generator[None]:
    """Stop a run after so many seconds."""
    if seconds is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(seconds, run.stop, _DEADLINE)
    try:
        yield
    finally:
        timer.cancel()


def follow_ups(
    report: GroupReport, retries: RetryPolicy, end: datetime | None, *, is_stopping: bool
) -> list[FollowUp]:
    """Move meters from those given up to those tried again; return the jobs that do it.

    What a stopped worker did not come to is for another one, at once, and no attempt has been made.  What
    failed on its line is tried again by the policy; nothing begins after `end`.
    """
    order = report.order
    unread: list[str] = []
    failed: list[str] = []
    delay = 0.0
    jitter = Random(f"{order.group}/{order.due.isoformat()}/{order.attempt}")
    for meter, error in report.given_up.items():
        wait = retries.delay(order.attempt, error, jitter)
        if is_stopping and error.kind is ErrorKind.STATE:
            unread.append(meter)
        elif wait is not None:
            failed.append(meter)
            delay = max(delay, wait)
    found: list[FollowUp] = []
    for meters, attempt, wait in ((unread, order.attempt, 0.0), (failed, order.attempt + 1, delay)):
        is_late = end is not None and report.ended_at + timedelta(seconds=wait) >= end
        if meters and not is_late:
            report.leave(meters)
            found.append(FollowUp(replace(order, meters=tuple(meters), attempt=attempt), wait))
    return found


async def _conclude(engine: Engine, report: GroupReport, left: list[FollowUp], priority: int) -> None:
    """Put report and follow-ups into the database, patiently."""
    for pause in (*PATIENCE, None):
        try:
            async with engine.store.pool.connection() as connection, connection.transaction():
                await engine.store.add_report(connection, report)
                for follow_up in left:
                    job = _job(follow_up, report.ended_at, priority)
                    try:
                        async with connection.transaction():
                            await engine.app.job_manager.defer_job_async(job, connection=connection)
                    except AlreadyEnqueued:
                        _log.info("job %d ran twice: its follow-up waits already", report.job)
        except (psycopg.Error, ConnectorException):
            if pause is None:
                raise
            await anyio.sleep(pause)
        else:
            return


def _job(follow_up: FollowUp, now: datetime, priority: int) -> Job:
    order = follow_up.order
    return Job(
        queue=QUEUE,
        task_name=GROUP_TASK,
        priority=priority,
        lock=order.group,
        queueing_lock=follow_up_lock(order),
        task_kwargs=order.to_json(),
        scheduled_at=now + timedelta(seconds=follow_up.delay) if follow_up.delay else None,
    )
