"""Jobs whose worker died are put back: killed, unplugged, or cut off from the database.

doing, and its worker's heartbeat is old --------.
doing, and its worker is gone -------------------+---> todo again, up to MAX_TRIES times
doing, of this worker, and nobody has it in hand-'     failed, where a newer job has the same duty
"""

from __future__ import annotations

import logging
from typing import Final

from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status

from meterkit.fleet.engine.engine import QUEUE, Engine

__all__ = ["recover"]

#: A job that took so many workers with it is not given to another.
MAX_TRIES: Final = 5
_LOCK: Final = 0x6D6B7265  # an advisory lock, so that one worker at a time puts jobs back
_log = logging.getLogger("meterkit.fleet.engine")


async def recover(engine: Engine, stalled_after: float) -> int:
    """Put back jobs of workers without a heartbeat for `stalled_after` seconds; return how many.

    Errors: ConnectorException, psycopg.Error.
    """
    count = 0
    async with engine.store.pool.connection() as connection, connection.transaction():
        # Under the lock, for a job that was put back and begun anew must not be put back again.
        cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            return 0
        manager = engine.app.job_manager
        stalled = await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=stalled_after)
        for job in [*stalled, *await _forgotten(engine)]:
            count += await _put_back(engine, job)
    return count


async def _forgotten(engine: Engine) -> list[Job]:
    """Return own jobs that could not be finished, for the database was away then."""
    found: dict[int, Job] = {}
    for worker in engine.worker_ids:
        jobs = await engine.app.job_manager.list_jobs_async(queue=QUEUE, status="doing", worker_id=worker)
        found.update((job.id, job) for job in jobs if job.id is not None and job.id not in engine.running)
    # Twice in a row: between its end and its being finished, a job is in nobody's hand.
    lost = [job for number, job in found.items() if number in engine.suspects]
    engine.suspects = set(found)
    return lost


async def _put_back(engine: Engine, job: Job) -> bool:
    assert job.id is not None  # it came from the database
    manager = engine.app.job_manager
    try:
        if job.attempts + 1 >= MAX_TRIES:
            _log.error("job %d: its worker died %d times; it is given up", job.id, job.attempts + 1)
            await manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=False)
            return False
        await manager.retry_job(job)
    except UniqueViolation:
        _log.warning("job %d: its worker died, and a newer job that reads the same waits", job.id)
        await manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=False)
        return False
    except ConnectorException as refused:
        if getattr(refused.__cause__, "sqlstate", None) != "P0001":  # raise_exception
            raise
        return False  # it was finished meanwhile: its worker was slow, not dead
    _log.warning("job %d: its worker died; it is put back", job.id)
    return True
