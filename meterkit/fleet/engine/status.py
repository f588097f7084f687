"""The state of the engine: what waits, who works, and what came of each schedule's last round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from procrastinate import App

from meterkit.fleet.engine.engine import QUEUE, pool_of
from meterkit.fleet.engine.store import Store

__all__ = ["EngineStatus", "RoundStatus", "WorkerStatus", "status_of"]

_QUEUE: Final = """
SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing'),
       count(*) FILTER (WHERE status IN ('failed', 'aborted')),
       (SELECT extract(epoch FROM now() - min(event.at)) FROM procrastinate_events AS event
        JOIN procrastinate_jobs AS job ON job.id = event.job_id
        WHERE job.queue_name = %(queue)s AND job.status = 'todo' AND event.type = 'deferred'
        AND (job.scheduled_at IS NULL OR job.scheduled_at <= now()))
FROM procrastinate_jobs WHERE queue_name = %(queue)s
"""
_WORKERS: Final = """
SELECT worker.id, extract(epoch FROM now() - worker.last_heartbeat), count(job.id)
FROM procrastinate_workers AS worker
LEFT JOIN procrastinate_jobs AS job ON job.worker_id = worker.id AND job.status = 'doing'
GROUP BY worker.id ORDER BY worker.id
"""
_ROUND: Final = """
SELECT due, meters, jobs, refused FROM meterkit_engine_rounds WHERE schedule = %s ORDER BY due DESC LIMIT 1
"""
_REPORTS: Final = """
SELECT ended_at, report FROM meterkit_engine_reports WHERE schedule = %s AND due = %s ORDER BY ended_at
"""
_FLEET: Final = "SELECT count(*), count(DISTINCT line_group) FROM meterkit_engine_meters"


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """One worker."""

    id: int  #: its number at Procrastinate
    heartbeat_age: float  #: s
    jobs: int  #: that it has in hand


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """One schedule and its last round."""

    schedule: str
    cron: str | None
    due: datetime | None = None  #: None: it never began
    meters: int = 0
    jobs: int = 0  #: that it began with
    refused: int = 0  #: groups whose job of an earlier round waited still
    read: int = 0
    again: int = 0  #: meters that a follow-up job is for, or was
    given_up: tuple[str, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict[str, int])  #: of the given up, and before
    examples: Mapping[str, str] = field(default_factory=dict[str, str])  #: of failures, by meter, in words
    readings: int = 0
    ended_at: datetime | None = None  #: of its latest job

    @property
    def open(self) -> int:
        """Meters of which nothing final is known yet."""
        return max(self.meters - self.read - len(self.given_up), 0)


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """The whole engine."""

    meters: int
    groups: int
    waiting: int  #: jobs
    running: int
    failed: int  #: jobs that broke, which no meter can do: see the workers' logs
    oldest: float | None  #: s that a job waits which might run
    workers: tuple[WorkerStatus, ...]
    rounds: tuple[RoundStatus, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "meters": self.meters,
            "groups": self.groups,
            "jobs": {
                "waiting": self.waiting,
                "running": self.running,
                "failed": self.failed,
                "oldest": self.oldest,
            },
            "workers": [
                {"id": one.id, "heartbeat_age": round(one.heartbeat_age, 3), "jobs": one.jobs}
                for one in self.workers
            ],
            "rounds": [_round_json(one) for one in self.rounds],
        }


async def status_of(app: App) -> EngineStatus:
    """Return the state of an app that is open.  Errors: psycopg.Error."""
    store = Store(pool_of(app))
    schedules = await store.schedules()
    async with store.pool.connection() as connection, connection.cursor() as cursor:
        await cursor.execute(_FLEET)
        meters, groups = (await cursor.fetchall())[0]
        await cursor.execute(_QUEUE, {"queue": QUEUE})
        waiting, running, failed, oldest = (await cursor.fetchall())[0]
        await cursor.execute(_WORKERS)
        workers = [WorkerStatus(row[0], float(row[1]), row[2]) for row in await cursor.fetchall()]
        rounds: list[RoundStatus] = []
        for schedule in schedules.values():
            await cursor.execute(_ROUND, (schedule.name,))
            row = await cursor.fetchone()
            if row is None:
                rounds.append(RoundStatus(schedule.name, schedule.cron))
                continue
            await cursor.execute(_REPORTS, (schedule.name, row[0]))
            rounds.append(_round(schedule.name, schedule.cron, row, await cursor.fetchall()))
    return EngineStatus(
        meters=meters,
        groups=groups,
        waiting=waiting,
        running=running,
        failed=failed,
        oldest=None if oldest is None else float(oldest),
        workers=tuple(workers),
        rounds=tuple(rounds),
    )


def _round(
    name: str, cron: str | None, row: tuple[Any, ...], reports: list[tuple[datetime, dict[str, Any]]]
) -> RoundStatus:
    due, meters, jobs, refused = row
    failures: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for _, report in reports:
        failures.update(report["failures"])
        examples.update(report["examples"])
    return RoundStatus(
        schedule=name,
        cron=cron,
        due=due,
        meters=meters,
        jobs=jobs,
        refused=refused,
        read=sum(report["read"] for _, report in reports),
        again=sum(report["again"] for _, report in reports),
        given_up=tuple(sorted({meter for _, report in reports for meter in report["given_up"]})),
        failures=dict(failures),
        examples=examples,
        readings=sum(report["readings"] for _, report in reports),
        ended_at=reports[-1][0] if reports else None,
    )


def _round_json(one: RoundStatus) -> dict[str, Any]:
    return {
        "schedule": one.schedule,
        "cron": one.cron,
        "due": None if one.due is None else one.due.isoformat(),
        "meters": one.meters,
        "jobs": one.jobs,
        "refused": one.refused,
        "read": one.read,
        "again": one.again,
        "open": one.open,
        "given_up": list(one.given_up),
        "failures": dict(one.failures),
        "examples": dict(one.examples),
        "readings": one.readings,
        "ended_at": None if one.ended_at is None else one.ended_at.isoformat(),
    }
