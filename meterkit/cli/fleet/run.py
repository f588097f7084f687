"""`meterkit fleet run`: read a fleet once, from where the last run ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import anyio
from pydantic import ValidationError

from meterkit.cli.console import show
from meterkit.cli.fleet.coverage import DUTY, Covered, Span, cover, failure_of
from meterkit.cli.fleet.drive import Drive, drive, hint_of_resuming
from meterkit.cli.fleet.places import Places, load_fleet, places_of
from meterkit.cli.fleet.summary import document, parts
from meterkit.cli.output import json_line
from meterkit.cli.running import FAILED, INTERRUPTED, OK
from meterkit.cli.usage import UsageMistake
from meterkit.fleet import FleetFile, MeterReport
from meterkit.fleet.readings import SinkFault
from meterkit.options import Options
from meterkit.wording import flaw_text

S = TypeVar("S", bound=Options)
_COVERED = timedelta(days=1)  # before a run, whose coverage ends its summary


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWish:
    """What a run is asked for; limits that are None are the file's."""

    file: Path
    out: str | None
    checkpoints: Path | None
    counters: Path | None
    meters: tuple[str, ...]
    sessions: int | None
    rate: float | None
    attempts: int | None
    meter_deadline: float | None
    run_deadline: float | None
    has_coverage: bool
    as_json: bool


def run(wish: RunWish) -> int:
    """Read a fleet; status 0 only where every meter was read whole and everything is kept."""
    fleet = limited(load_fleet(wish.file, wish.meters), wish)
    places = places_of(wish.file, wish.out, wish.checkpoints)
    return anyio.run(_run, fleet, places, wish)


async def _run(fleet: FleetFile, places: Places, wish: RunWish) -> int:
    began = datetime.now(UTC)
    try:
        driven = await drive(
            fleet, places, counters=wish.counters, on_report=_printed if wish.as_json else _unheard
        )
        covered = await _coverage(fleet, places, began) if wish.has_coverage else None
    except SinkFault as fault:
        raise failure_of(fault) from None
    finish(driven, places, covered, as_json=wish.as_json)
    return status_of(driven)


async def _coverage(fleet: FleetFile, places: Places, began: datetime) -> Covered | None:
    """Return the coverage of the day before a run; None where its plan has no load profile."""
    has_profiles = any(part is not None and part.load_profile for part in (fleet.plan.psem, fleet.plan.dlms))
    if not has_profiles:
        return None
    return await cover(places.sink, fleet, Span(since=began - _COVERED, until=began))


def limited(fleet: FleetFile, wish: RunWish) -> FleetFile:
    """Return the fleet with the limits of the command line over those of the file.  Errors: UsageMistake."""
    limits = _set(
        fleet.limits,
        sessions=("--sessions", wish.sessions),
        connections_per_second=("--rate", wish.rate),
        meter_deadline=("--meter-deadline", wish.meter_deadline),
        run_deadline=("--run-deadline", wish.run_deadline),
    )
    retries = _set(fleet.retries, attempts=("--attempts", wish.attempts))
    return fleet.model_copy(update={"limits": limits, "retries": retries})


def _set(settings: S, **changes: tuple[str, object]) -> S:
    """Return settings with those that were given, each with the name of its option."""
    given = {name: value for name, (_, value) in changes.items() if value is not None}
    kept = {name: getattr(settings, name) for name in settings.model_fields_set}
    try:
        return type(settings).model_validate(kept | given)
    except ValidationError as invalid:
        raise UsageMistake(flaw_text(invalid, lambda name: changes[name][0])) from None


def finish(driven: Drive, places: Places, covered: Covered | None, *, as_json: bool) -> None:
    """Print how a run ended."""
    if as_json:
        print(json_line({"summary": document(driven, places, covered, DUTY)}), flush=True)
    else:
        show(*parts(driven, places, covered, DUTY))
    hint_of_resuming(driven)


def status_of(driven: Drive) -> int:
    """Return the exit status of a run."""
    if driven.was_interrupted:
        return INTERRUPTED
    return OK if driven.is_whole else FAILED


def _printed(report: MeterReport) -> None:
    print(json_line(report.to_json()), flush=True)


_unheard: Callable[[MeterReport], None] = lambda _: None  # noqa: E731
