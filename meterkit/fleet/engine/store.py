"""What the engine keeps in its tables, read and written: meters by group, schedules, rounds, reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from meterkit.fleet.engine.engine_file import EngineFile, EngineSchedule
from meterkit.fleet.engine.group_report import GroupReport
from meterkit.fleet.engine.lines import assign, lines_of
from meterkit.fleet.limits import FleetLimits
from meterkit.fleet.meters import MeterEntry
from meterkit.fleet.plan import ReadPlan
from meterkit.fleet.retry import RetryPolicy
from meterkit.options import PsemClientOptions

__all__ = ["Group", "Saved", "Settings", "Store"]

PSEM: Final = "psem"
DLMS: Final = "dlms"
_COPY: Final = "COPY incoming (meter, line_group, protocol, priority, entry) FROM STDIN"
_MERGE: Final = """
INSERT INTO meterkit_engine_meters SELECT * FROM incoming ON CONFLICT (meter) DO UPDATE
SET line_group = excluded.line_group, protocol = excluded.protocol, priority = excluded.priority,
    entry = excluded.entry
"""
_REPORT: Final = """
INSERT INTO meterkit_engine_reports VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (job) DO UPDATE
SET began_at = excluded.began_at, ended_at = excluded.ended_at, report = excluded.report
"""


@dataclass(frozen=True, slots=True)
class Group:
    """What one job reads."""

    name: str
    meters: int
    priority: int  #: that of its most urgent meter


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a file made of it."""

    meters: int
    groups: int
    removed: int  #: meters that were there before, and are no longer


@dataclass(frozen=True, slots=True)
class Settings:
    """What all jobs have in common."""

    limits: FleetLimits
    retries: RetryPolicy


class Store:
    """The tables, through a pool of connections.  Errors of all calls: psycopg.Error."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]]) -> None:
        self.pool = pool

    async def save(self, file: EngineFile) -> Saved:
        """Put a file's meters, schedules and settings in the place of those that are there."""
        lines = lines_of(file.meters, file.limits.permits)
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute("LOCK TABLE meterkit_engine_meters IN SHARE ROW EXCLUSIVE MODE")
            cursor = await connection.execute("SELECT meter, line_group FROM meterkit_engine_meters")
            known = {str(meter): str(group) for meter, group in await cursor.fetchall()}
            groups = assign(lines, known, file.meters_per_job)
            await connection.execute(
                "CREATE TEMP TABLE incoming (LIKE meterkit_engine_meters) ON COMMIT DROP"
            )
            async with connection.cursor() as writer, writer.copy(_COPY) as copy:
                for line, entries in lines.items():
                    for entry in entries:
                        await copy.write_row(_row(entry, groups[line]))
            await connection.execute(_MERGE)
            gone = await connection.execute(
                "DELETE FROM meterkit_engine_meters AS old WHERE NOT EXISTS "
                "(SELECT FROM incoming WHERE incoming.meter = old.meter)"
            )
            await self._save_settings(connection, file)
        return Saved(len(file.meters), len(set(groups.values())), gone.rowcount)

    async def _save_settings(self, connection: AsyncConnection[Any], file: EngineFile) -> None:
        await connection.execute("DELETE FROM meterkit_engine_schedules")
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO meterkit_engine_schedules VALUES (%s, %s, %s)",
                [
                    (schedule.name, number, Jsonb(schedule.model_dump(mode="json")))
                    for number, schedule in enumerate(file.all_schedules())
                ],
            )
        await connection.execute(
            "INSERT INTO meterkit_engine_settings VALUES (true, %s, %s) ON CONFLICT (one) DO UPDATE "
            "SET limits = excluded.limits, retries = excluded.retries",
            (Jsonb(file.limits.model_dump(mode="json")), Jsonb(file.retries.model_dump(mode="json"))),
        )

    async def settings(self) -> Settings | None:
        """Return what all jobs have in common; None: no file was ever saved."""
        rows = await self._all("SELECT limits, retries FROM meterkit_engine_settings")
        if not rows:
            return None
        return Settings(FleetLimits.model_validate(rows[0][0]), RetryPolicy.model_validate(rows[0][1]))

    async def schedules(self) -> dict[str, EngineSchedule]:
        """Return the schedules by name, in the file's order."""
        rows = await self._all("SELECT schedule FROM meterkit_engine_schedules ORDER BY position")
        schedules = [EngineSchedule.model_validate(row[0]) for row in rows]
        return {schedule.name: schedule for schedule in schedules}

    async def schedule(self, name: str) -> EngineSchedule | None:
        """Return one schedule, if there is such."""
        rows = await self._all("SELECT schedule FROM meterkit_engine_schedules WHERE name = %s", (name,))
        return EngineSchedule.model_validate(rows[0][0]) if rows else None

    async def groups(self, plan: ReadPlan) -> list[Group]:
        """Return all groups with meters that a plan has something to read of, in the order of their names."""
        rows = await self._all(
            "SELECT line_group, count(*), max(priority) FROM meterkit_engine_meters "
            "WHERE protocol = ANY(%s) GROUP BY line_group ORDER BY line_group",
            (_protocols(plan),),
        )
        return [Group(str(name), int(count), int(priority)) for name, count, priority in rows]

    async def entries(self, group: str, plan: ReadPlan, meters: Collection[str] | None) -> list[MeterEntry]:
        """Return a group's meters that a plan reads, or those of them that are named."""
        query = "SELECT entry FROM meterkit_engine_meters WHERE line_group = %s AND protocol = ANY(%s)"
        arguments: tuple[object, ...] = (group, _protocols(plan))
        if meters is not None:
            query, arguments = query + " AND meter = ANY(%s)", (*arguments, list(meters))
        rows = await self._all(query + " ORDER BY meter", arguments)
        return [MeterEntry.model_validate(row[0]) for row in rows]

    async def open_jobs(self, queue: str) -> int:
        """Return how many jobs of a queue wait or run."""
        rows = await self._all(
            "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing')",
            (queue,),
        )
        return int(rows[0][0])

    async def add_round(
        self, connection: AsyncConnection[Any], schedule: str, due: datetime, counts: tuple[int, int, int]
    ) -> None:
        """Note what was begun: how many meters, jobs, and jobs that were refused."""
        await connection.execute(
            "INSERT INTO meterkit_engine_rounds VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (schedule, due, *counts),
        )

    async def add_report(self, connection: AsyncConnection[Any], report: GroupReport) -> None:
        """Note what came of a job; of one that ran again, the last counts."""
        order = report.order
        await connection.execute(
            _REPORT,
            (
                report.job,
                order.schedule,
                order.due,
                order.group,
                order.attempt,
                report.began_at,
                report.ended_at,
                Jsonb(report.to_json()),
            ),
        )

    async def forget(self, age: timedelta) -> None:
        """Forget rounds and reports that are older."""
        async with self.pool.connection() as connection:
            for table in ("rounds", "reports"):
                await connection.execute(
                    f"DELETE FROM meterkit_engine_{table} WHERE due < now() - %s".encode(), (age,)
                )

    async def _all(self, query: str, arguments: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), arguments)
            return await cursor.fetchall()


def _row(entry: MeterEntry, group: str) -> tuple[object, ...]:
    stored: Mapping[str, object] = entry.model_dump(mode="json", exclude_defaults=True)
    return entry.id, group, _protocol(entry), entry.priority, Jsonb(stored)


def _protocol(entry: MeterEntry) -> str:
    return PSEM if isinstance(entry.address.options, PsemClientOptions) else DLMS


def _protocols(plan: ReadPlan) -> list[str]:
    return [name for name, part in ((PSEM, plan.psem), (DLMS, plan.dlms)) if part is not None]
