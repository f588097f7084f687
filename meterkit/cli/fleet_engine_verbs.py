"""The verbs of `meterkit fleet engine`: a fleet on PostgreSQL, read by any number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from meterkit.cli.fleet_verbs import fleet
from meterkit.cli.parameters import Flag, Json

engine = App(
    name="engine",
    help="""Share a fleet among workers on any number of machines, through one PostgreSQL database.

    The file is a fleet file with schedules: {"schedules": [{"name": "quarters", "cron": "*/15 * * * *"}]}.
    A job is a group of meters that share a line; it is never read twice at once, and what a killed worker
    had in hand is read by another. Readings, checkpoints and reports are in the database, passwords never.

    ```
    meterkit fleet engine init postgresql://db/meters fleet.json
    meterkit fleet engine worker postgresql://db/meters
    meterkit fleet engine status postgresql://db/meters
    ```
    """,
)
fleet.command(engine)

_Dsn = Annotated[
    str,
    Parameter(
        name="DSN",
        help="The database, such as postgresql://host/name. Its password is in PGPASSWORD or PGPASSFILE.",
    ),
]


@engine.command
def init(
    dsn: _Dsn,
    file: Annotated[Path, Parameter(name="FILE", help="The fleet file, JSON or TOML, with schedules.")],
    /,
    *,
    json: Json = False,
) -> int:
    """Put a fleet file's meters, limits and schedules into the database; make its tables first.

    Say it again when the file has changed, and start the workers anew where limits or crons have. Meters that
    the file no longer has are taken out; their readings stay.

    ```
    meterkit fleet engine init postgresql://db/meters fleet.json
    ```
    """
    from meterkit.cli.fleet.engine import init as run_init

    return run_init(dsn, file, as_json=json)


@engine.command
def defer(
    dsn: _Dsn,
    schedule: Annotated[str, Parameter(name="SCHEDULE", help="Its name; plan: the file's own.")] = "plan",
    /,
    *,
    json: Json = False,
) -> int:
    """Begin a round of a schedule now: one job for each group of meters.

    A group whose job of an earlier round waits still is refused: that one will read the same.

    ```
    meterkit fleet engine defer postgresql://db/meters quarters
    ```
    """
    from meterkit.cli.fleet.engine import defer as run_defer

    return run_defer(dsn, schedule, as_json=json)


@engine.command
def worker(
    dsn: _Dsn,
    /,
    *,
    sink: str | None = None,
    jobs: int = 4,
    folder: Path | None = None,
    counters: Path | None = None,
    heartbeat: float = 10.0,
    stalled_after: float = 30.0,
    drain: Flag = False,
    json: Json = False,
) -> int:
    """Read groups of meters as their jobs come, and begin rounds by the schedules, until Ctrl-C or SIGTERM.

    Either ends it in order: open meters are logged off, and the rest is left to other workers. A database
    that goes away is waited for. Each job prints a line.

    ```
    METERKIT_PASSWORD=... meterkit fleet engine worker postgresql://db/meters
    meterkit fleet engine worker postgresql://db/meters --jobs 8 --folder /etc/meterkit --json
    ```

    :param sink: Another PostgreSQL database for readings. [default: DSN]
    :param jobs: Jobs at once; what the limits allow is counted over all of them.
    :param folder: What relative paths of secrets begin from.
    :param counters: File that keeps invocation counters, of DLMS meters that are read ciphered.
    :param heartbeat: Seconds between signs of life.
    :param stalled_after: Seconds without one, until another worker reads what this one had in hand.
    :param drain: End when no job waits any more; begin no rounds.
    """
    from meterkit.cli.fleet.engine import Wish
    from meterkit.cli.fleet.engine import worker as run_worker

    wish = Wish(
        sink=sink,
        jobs=jobs,
        folder=folder,
        counters=counters,
        heartbeat=heartbeat,
        stalled_after=stalled_after,
        drain=drain,
        as_json=json,
    )
    return run_worker(dsn, wish)


@engine.command
def status(dsn: _Dsn, /, *, json: Json = False) -> int:
    """Tell what waits, who works, and what came of each schedule's last round.

    Exit status: 0 nothing was given up and no job broke; 1 not so.

    ```
    meterkit fleet engine status postgresql://db/meters
    ```
    """
    from meterkit.cli.fleet.engine import status as run_status

    return run_status(dsn, as_json=json)
