"""`meterkit fleet coverage`: what came of what should have come, by meter, channel and day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio
from rich.console import RenderableType
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.fleet.places import is_sink, load_fleet, places_of, sink_of
from meterkit.cli.fleet.view import duration
from meterkit.cli.grid import make_grid
from meterkit.cli.output import print_json
from meterkit.cli.running import FAILED, OK
from meterkit.cli.usage import UsageMistake
from meterkit.errors import ErrorKind, MeterError, MeterFailure
from meterkit.fleet import FleetFile
from meterkit.fleet.coverage import Coverage, Tally
from meterkit.fleet.expectation import expected_of
from meterkit.fleet.readings import SinkFault, Store

DUTY: Final = 98.0  # per cent of a day's intervals, in time; Ontario's smart metering asks for that
_ROWS = 10  # meters shown without --all
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which intervals, and the zone whose days count."""

    since: datetime
    until: datetime
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Covered:
    """A coverage, and what of the plan nothing is known of."""

    coverage: Coverage
    unknown: tuple[str, ...] = field(default=())

    def below(self, percent: float) -> list[str]:
        """Return the meters below a duty, the worst first."""
        tallies = self.coverage.by_meter()
        return sorted(self.coverage.below(percent), key=lambda meter: (tallies[meter].percent_in_time, meter))


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageWish:
    """What is asked, of which readings."""

    what: str  #: a fleet file, or a sink
    out: str | None
    meters: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    zone: str | None
    duty: float
    show_all: bool
    as_json: bool


def show_coverage(wish: CoverageWish) -> int:
    """Print a coverage; status 1 where a meter is below the duty."""
    if not 0 <= wish.duty <= 100:
        raise UsageMistake(f"--duty {wish.duty:g}: per cent expected, 0 to 100")
    span = span_of(wish.since, wish.until, wish.zone)
    fleet, store = _asked(wish)
    covered = anyio.run(_cover, store, fleet, span)
    if wish.as_json:
        print_json(document(covered, wish.duty))
    else:
        show(*parts(covered, wish.duty, show_all=wish.show_all))
    return FAILED if covered.below(wish.duty) or covered.unknown else OK


def _asked(wish: CoverageWish) -> tuple[FleetFile | None, Store]:
    if not is_sink(wish.what):
        path = Path(wish.what)
        fleet = load_fleet(path, wish.meters)
        return fleet, places_of(path, wish.out).sink
    if wish.out is not None or wish.meters:
        raise UsageMistake("--out and --meter go with a fleet file, not with a sink")
    return None, sink_of(wish.what)


def span_of(
    since: datetime | None, until: datetime | None, zone: str | None, *, days: int = 1, now: bool = False
) -> Span:
    """Return a window: by default yesterday; `days` before today, up to `now` or to midnight.

    Errors: UsageMistake.
    """
    place = _zone(zone)
    today = datetime.now(place).replace(hour=0, minute=0, second=0, microsecond=0)
    if until is None:
        until = datetime.now(UTC) if now else today
    if since is None:
        since = min(until, today) - timedelta(days=days)
    if since >= until:
        raise UsageMistake(f"--since {since.isoformat()} is not before --until {until.isoformat()}")
    return Span(since=since, until=until, zone=place)


def _zone(name: str | None) -> tzinfo:
    try:
        return UTC if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageMistake(f"--zone {name}: no time zone, such as Europe/Vienna") from None


async def _cover(store: Store, fleet: FleetFile | None, span: Span) -> Covered:
    try:
        return await cover(store, fleet, span)
    except SinkFault as fault:
        raise failure_of(fault) from None


async def cover(store: Store, fleet: FleetFile | None, span: Span) -> Covered:
    """Return the coverage of a window; without a fleet, of the meters that the store has.

    Errors: SinkFault the store can't be read.
    """
    if fleet is None:
        return Covered(await Coverage.of(store, span.since, span.until, zone=span.zone))
    should = await expected_of(store, fleet.plan, fleet.meters, span.since, span.until)
    coverage = await Coverage.of(store, span.since, span.until, should.expected, zone=span.zone)
    return Covered(coverage, should.unknown)


def failure_of(fault: SinkFault) -> MeterFailure:
    """Return a sink's fault as the command tells failures."""
    return MeterFailure(MeterError(ErrorKind.STATE, str(fault), where="sink"))


# ---------------------------------------------------------------------------------- what is shown
def document(covered: Covered, duty: float) -> dict[str, object]:
    """Return a coverage for programs."""
    below = {"duty": duty, "below": covered.below(duty), "unknown": list(covered.unknown)}
    return covered.coverage.to_json() | below


def headline(covered: Covered, duty: float) -> str:
    """Return a coverage in a line."""
    coverage, total = covered.coverage, covered.coverage.total
    span = (
        f"{coverage.since.astimezone(UTC):%Y-%m-%d %H:%M} to {coverage.until.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    )
    if not total.expected:
        return f"{span}: no interval is expected"
    text = f"{span}: {_percent(total.percent)} of {total.expected} intervals, {total.missing} missing"
    text += f", {total.late} late" if total.late else ""
    text += f", {total.flagged} flagged" if total.flagged else ""
    count = len(covered.below(duty))
    return text + (f"; {count} of {len(coverage.by_meter())} meters below {duty:g} %" if count else "")


def parts(covered: Covered, duty: float, *, show_all: bool) -> list[RenderableType]:
    """Return a coverage for people: the total, days, channels, and the meters below the duty."""
    coverage = covered.coverage
    found: list[RenderableType] = [Text(headline(covered, duty), style="bold")]
    found += unknown_lines(covered)
    if not coverage.series:
        return found
    days = {f"{day:%Y-%m-%d}": tally for day, tally in coverage.by_day().items()}
    found += [Text(), _grid("day", days), Text(), _grid("channel", coverage.by_channel())]
    tallies = coverage.by_meter()
    names = list(tallies) if show_all else covered.below(duty)
    if names:
        shown = names if show_all else names[:_ROWS]
        found += [Text(), _grid("meter", {name: tallies[name] for name in shown}, _ages(coverage))]
        if len(names) > len(shown):
            more = f"{len(names) - len(shown)} more meters below {duty:g} % (--all shows every meter)"
            found.append(Text(more, style="dim"))
    return found


def unknown_lines(covered: Covered) -> list[Text]:
    """Return a line for each channel group of which nothing is known."""
    return [
        Text(f"of {group} nothing has ever come: nobody can tell what is missing", style="yellow")
        for group in covered.unknown
    ]


def _grid(head: str, tallies: dict[str, Tally], ages: dict[str, str] | None = None) -> RenderableType:
    heads = (f"~{head}", ">in time", ">received", ">expected", ">missing", ">late", ">flagged", "newest")
    rows = [
        (
            name,
            _percent(one.percent_in_time),
            *(f"{count}" for count in (one.received, one.expected, one.missing, one.late, one.flagged)),
            "" if ages is None else ages[name],
        )
        for name, one in tallies.items()
    ]
    return make_grid(heads, rows)


def _ages(coverage: Coverage) -> dict[str, str]:
    return {
        meter: "never" if newest is None else f"{duration((coverage.now - newest).total_seconds())} ago"
        for meter, newest in coverage.newest().items()
    }


def _percent(percent: float) -> str:
    return f"{int(percent * 10 + 1e-6) / 10:.1f} %"  # cut: 99.97 is not 100
