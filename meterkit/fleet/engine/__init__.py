"""A fleet on PostgreSQL: workers on any number of machines share its meters by Procrastinate's job queue.

`initialize(dsn, EngineFile.load("fleet.json"))` puts a fleet into the database, `Worker(dsn).run()` reads it
by its schedules, `defer(dsn, "plan")` begins a round by hand, `status(dsn)` tells what came of it.
Extra: meterkit[procrastinate].
"""

from __future__ import annotations

from meterkit.fleet.engine.app import make_app
from meterkit.fleet.engine.checkpoints import PostgresqlCheckpoints
from meterkit.fleet.engine.engine import EngineFault
from meterkit.fleet.engine.engine_file import EngineFile, EngineSchedule
from meterkit.fleet.engine.rounds import Deferred, defer_plan
from meterkit.fleet.engine.setup import defer, initialize, status
from meterkit.fleet.engine.status import EngineStatus
from meterkit.fleet.engine.worker import Worker, WorkerSettings

__all__ = [
    "Deferred",
    "EngineFault",
    "EngineFile",
    "EngineSchedule",
    "EngineStatus",
    "PostgresqlCheckpoints",
    "Worker",
    "WorkerSettings",
    "defer",
    "defer_plan",
    "initialize",
    "make_app",
    "status",
]
