"""`meterkit fleet backfill`: read again what is missing, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.fleet.coverage import Covered, Span, cover, failure_of, span_of
from meterkit.cli.fleet.drive import drive
from meterkit.cli.fleet.places import Places, load_fleet, places_of
from meterkit.cli.fleet.run import finish, status_of
from meterkit.cli.grid import make_grid
from meterkit.cli.output import json_line, print_json
from meterkit.cli.running import FAILED, OK
from meterkit.fleet import FleetFile, MeterReport, Window
from meterkit.fleet.gaps import find_gaps, plan_backfill, windows_of
from meterkit.fleet.readings import SinkFault

_DAYS = 7  # before today that are looked at without --since


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillWish:
    """Which gaps are to be filled."""

    file: Path
    out: str | None
    checkpoints: Path | None
    counters: Path | None
    meters: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    is_dry: bool
    as_json: bool


def backfill(wish: BackfillWish) -> int:
    """Fill the gaps of a window; status 0 where every meter with gaps was read whole."""
    fleet = load_fleet(wish.file, wish.meters)
    places = places_of(wish.file, wish.out, wish.checkpoints)
    span = span_of(wish.since, wish.until, None, days=_DAYS, now=True)
    return anyio.run(_backfill, fleet, places, span, wish)


async def _backfill(fleet: FleetFile, places: Places, span: Span, wish: BackfillWish) -> int:
    on_report: Callable[[MeterReport], None] = _printed if wish.as_json else (lambda _: None)
    try:
        covered = await cover(places.sink, fleet, span)
        windows = windows_of(plan_backfill(find_gaps(covered.coverage)))
        if wish.is_dry or not windows:
            _show(covered, windows, as_json=wish.as_json)
            return FAILED if covered.unknown else OK
        driven = await drive(fleet, places, counters=wish.counters, windows=windows, on_report=on_report)
        covered = await cover(places.sink, fleet, span)
    except SinkFault as fault:
        raise failure_of(fault) from None
    finish(driven, places, covered, as_json=wish.as_json)
    return status_of(driven)


def _show(covered: Covered, windows: Mapping[str, Sequence[Window]], *, as_json: bool) -> None:
    """Print what would be read."""
    rows = [(meter, window) for meter, stretches in windows.items() for window in stretches]
    if as_json:
        stretches = [
            {"meter": meter, "group": one.group, "since": one.since, "until": one.until}
            for meter, one in rows
        ]
        print_json({"stretches": stretches, "unknown": list(covered.unknown)})
        return
    for group in covered.unknown:
        show(Text(f"of {group} nothing has ever come: fleet run reads what there is", style="yellow"))
    if not rows:
        show(Text("nothing is missing" if not covered.unknown else "no gap is known"))
        return
    table = [(meter, one.group, _time(one.since), _time(one.until)) for meter, one in rows]
    show(make_grid(("~meter", "~group", "after", "up to"), table))


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def _printed(report: MeterReport) -> None:
    print(json_line(report.to_json()), flush=True)
