"""The verbs of `meterkit fleet` and the help that teaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from meterkit.cli.parameters import Flag, Json, Time

fleet = App(
    name="fleet",
    help="""Read many meters at once, by a file that names them, what to read, and how much at a time.

    Try it on meters that this machine makes up:

    ```
    meterkit emulate fleet --psem 50 --dlms 50 --broken 4 --fleet-file fleet.json
    METERKIT_PASSWORD=METERKIT-DEMO-READER meterkit fleet run fleet.json
    meterkit fleet coverage fleet.json
    ```

    Readings go to a folder beside the file, or to --out: a folder, jsonl:FILE, csv:FILE, parquet:FOLDER,
    sqlite:FILE or postgresql://HOST/DATABASE. Every run reads on where the last one ended.
    """,
)

_File = Annotated[Path, Parameter(name="FILE", help="The fleet file, JSON or TOML: plan, meters, limits.")]
_Out = Annotated[
    str | None,
    Parameter(
        help="Where readings are: a folder, or a sink such as sqlite:FILE. [default: FILE's own folder]"
    ),
]
_Checkpoints = Annotated[
    Path | None,
    Parameter(help="Where it is kept how far each meter was read. [default: beside the readings]"),
]
_Counters = Annotated[
    Path | None, Parameter(help="File that keeps invocation counters, of DLMS meters that are read ciphered.")
]
_Meters = Annotated[
    tuple[str, ...], Parameter(name="--meter", negative="", help="Only this meter, by its id; repeat it.")
]


@fleet.command
def run(
    file: _File,
    /,
    *,
    out: _Out = None,
    meter: _Meters = (),
    sessions: int | None = None,
    rate: float | None = None,
    attempts: int | None = None,
    meter_deadline: float | None = None,
    run_deadline: float | None = None,
    checkpoints: _Checkpoints = None,
    counters: _Counters = None,
    no_coverage: Flag = False,
    json: Json = False,
) -> int:
    """Read every meter once: what is new since the last run, in a picture that shows how it goes.

    Ends with what was read, why meters failed, and the coverage of the last 24 hours. Ctrl-C or SIGTERM ends
    it in order: open meters are logged off, what was read is kept, what was not reached is named.

    Exit status: 0 every meter was read whole and all of it is kept; 1 not so; 130 interrupted.

    With --json every meter is a line when it is done; the last line is {"summary": ...}.

    ```
    meterkit fleet run fleet.json
    meterkit fleet run fleet.json --out postgresql://db/readings --sessions 2000 --rate 100
    meterkit fleet run fleet.json --meter psem-00007 --json
    ```

    :param sessions: Meters open at once. [default: the file's]
    :param rate: New connections a second. [default: the file's]
    :param attempts: At one meter, with the first. [default: the file's]
    :param meter_deadline: Seconds for one meter, all attempts together. [default: the file's]
    :param run_deadline: Seconds for the whole run; what was not reached then is named. [default: the file's]
    :param no_coverage: Leave the coverage out: on files it means to look through all of them.
    """
    from meterkit.cli.fleet.run import RunWish
    from meterkit.cli.fleet.run import run as run_fleet

    return run_fleet(
        RunWish(
            file=file,
            out=out,
            checkpoints=checkpoints,
            counters=counters,
            meters=meter,
            sessions=sessions,
            rate=rate,
            attempts=attempts,
            meter_deadline=meter_deadline,
            run_deadline=run_deadline,
            has_coverage=not no_coverage,
            as_json=json,
        )
    )


@fleet.command
def coverage(
    what: Annotated[
        str, Parameter(name="FILE", help="The fleet file, or a sink such as sqlite:readings.db.")
    ],
    /,
    *,
    since: Time = None,
    until: Time = None,
    zone: str | None = None,
    duty: float = 98.0,
    out: _Out = None,
    meter: _Meters = (),
    all: Flag = False,  # noqa: A002 - the option's name
    json: Json = False,
) -> int:
    """Tell what came of the intervals that should have come: by day, by channel, by meter.

    With a fleet file, meters that never answered count as missing. What channels there are is learnt from
    what is stored; a meter of which nothing is stored is taken to have those of the others. Of a sink alone
    only meters that are in it can be counted.

    Exit status: 0 every meter is at --duty or above; 1 not so.

    ```
    meterkit fleet coverage fleet.json
    meterkit fleet coverage fleet.json --since 2026-03-01 --until 2026-04-01 --zone America/Toronto
    meterkit fleet coverage sqlite:fleet.data/readings.db --json
    ```

    :param since: Intervals that end after this time. [default: the begin of yesterday]
    :param until: Intervals that end at this time or earlier. [default: the end of yesterday]
    :param zone: The time zone whose days count, such as Europe/Vienna. [default: UTC]
    :param duty: Per cent of its intervals that a meter has to deliver within a day of their end.
    :param all: Show every meter, not only those below the duty.
    """
    from meterkit.cli.fleet.coverage import CoverageWish, show_coverage

    return show_coverage(
        CoverageWish(
            what=what,
            out=out,
            meters=meter,
            since=since,
            until=until,
            zone=zone,
            duty=duty,
            show_all=all,
            as_json=json,
        )
    )


@fleet.command
def backfill(
    file: _File,
    /,
    *,
    since: Time = None,
    until: Time = None,
    dry_run: Flag = False,
    out: _Out = None,
    meter: _Meters = (),
    checkpoints: _Checkpoints = None,
    counters: _Counters = None,
    json: Json = False,
) -> int:
    """Find the intervals that are missing and read them again, and nothing else.

    No checkpoint moves. What a meter that was read has not delivered then, it does not have.

    ```
    meterkit fleet backfill fleet.json --dry-run
    meterkit fleet backfill fleet.json --since 2026-03-01
    ```

    :param since: Intervals that end after this time. [default: seven days before today]
    :param until: Intervals that end at this time or earlier. [default: now]
    :param dry_run: Only tell which stretches would be read.
    """
    from meterkit.cli.fleet.backfill import BackfillWish
    from meterkit.cli.fleet.backfill import backfill as run_backfill

    return run_backfill(
        BackfillWish(
            file=file,
            out=out,
            checkpoints=checkpoints,
            counters=counters,
            meters=meter,
            since=since,
            until=until,
            is_dry=dry_run,
            as_json=json,
        )
    )


@fleet.command
def check(file: _File, /, *, json: Json = False) -> int:
    """Tell whether a fleet file can be used as it stands, without connecting to any meter.

    Every setting is looked at, every secret is looked up where the file says it is, and none is shown.

    Exit status: 0 it can be used; 2 it cannot.

    ```
    meterkit fleet check fleet.json
    ```
    """
    from meterkit.cli.fleet.check import check as run_check

    return run_check(file, as_json=json)
