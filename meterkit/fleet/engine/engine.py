"""Engine: what the jobs of one worker have in common, and what goes wrong with all of it at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from meterkit.fleet.engine.group_report import GroupReport
from meterkit.fleet.engine.store import Settings, Store
from meterkit.fleet.fleet import Fleet
from meterkit.fleet.readings import SinkFault

__all__ = ["ENGINE", "QUEUE", "TROUBLES", "Engine", "EngineFault", "pool_of", "why"]

QUEUE: Final = "meterkit"
#: Where a job finds its worker's `Engine` in its context.
ENGINE: Final = "meterkit engine"
#: What a database that cannot be used raises, from three layers.
TROUBLES: Final = (ConnectorException, psycopg.Error, SinkFault)


class EngineFault(Exception):
    """The engine cannot work like this; the message is for whoever has to mend it."""


@dataclass(slots=True)
class Engine:
    """One worker, as its jobs see it."""

    app: App
    fleet: Fleet
    store: Store
    settings: Settings
    clock: Callable[[], datetime]
    reported: Callable[[GroupReport], None]
    is_stopping: bool = False
    running: set[int] = field(default_factory=set[int])  #: jobs that this worker has in hand
    worker_ids: set[int] = field(default_factory=set[int])  #: its own numbers at Procrastinate
    suspects: set[int] = field(default_factory=set[int])  #: own jobs in nobody's hand, when last looked

    def stop(self, reason: str) -> None:
        """Begin nothing new; what is being read comes to a good end, the rest is left to other workers."""
        self.is_stopping = True
        self.fleet.stop(reason)


def pool_of(app: App) -> AsyncConnectionPool[AsyncConnection[Any]]:
    """Return the connections of an app that is open."""
    assert isinstance(app.connector, PsycopgConnector)  # make_app gives no other
    return app.connector.pool


def why(trouble: BaseException) -> str:
    """Return in one line what is wrong with the database."""
    cause = trouble.__cause__ if isinstance(trouble, ConnectorException) else None
    return " ".join(str(cause or trouble).split()) or type(trouble).__name__
