"""How a run ended, in a few lines for people or one document for programs."""

from __future__ import annotations

from typing import Final

from rich.console import RenderableType
from rich.text import Text

from meterkit.cli.fleet.coverage import Covered, headline, unknown_lines
from meterkit.cli.fleet.drive import Drive
from meterkit.cli.fleet.places import Places
from meterkit.cli.fleet.tally import Failure
from meterkit.cli.fleet.view import duration
from meterkit.cli.grid import make_grid
from meterkit.fleet import Outcome

_NAMED: Final = 8  # meters that are named; --json has all


def document(driven: Drive, places: Places, covered: Covered | None, duty: float) -> dict[str, object]:
    """Return a run's end for programs."""
    tally, counts = driven.tally, driven.counts
    return {
        "meters": tally.total,
        "outcomes": {outcome.value: tally.outcomes[outcome] for outcome in Outcome},
        "seconds": round(tally.seconds, 3),
        "retries": tally.retries,
        "readings": {
            "written": counts.written,
            "given_up": counts.given_up,
            "flagged": counts.flagged,
            "last_fault": counts.last_fault,
        },
        "failures": [
            {"kind": one.kind, "message": one.message, "meters": one.meters} for one in tally.reasons
        ],
        "not_reached": tally.unreached,
        "held": dict(driven.held),
        "stopped": driven.stop_reason or None,
        "coverage": None if covered is None else _coverage(covered, duty),
        "sink": places.sink.name,
        "checkpoints": str(places.checkpoints),
    }


def _coverage(covered: Covered, duty: float) -> dict[str, object]:
    told = covered.coverage.to_json()
    kept = {name: told[name] for name in ("since", "until", "total")}
    return kept | {"duty": duty, "below": covered.below(duty), "unknown": list(covered.unknown)}


def parts(driven: Drive, places: Places, covered: Covered | None, duty: float) -> list[RenderableType]:
    """Return a run's end for people."""
    tally, counts = driven.tally, driven.counts
    found: list[RenderableType] = [Text(_head(driven), style="bold")]
    found.append(Text(f"{counts.written} readings are in {places.sink.name}"))
    if counts.given_up:
        text = (
            f"{counts.given_up} readings of {len(driven.held)} meters could not be kept: {counts.last_fault}"
        )
        found.append(Text(f"{text}; the next run reads them again", style="red"))
    if covered is not None:
        found.append(Text(f"coverage {headline(covered, duty)}"))
        found += unknown_lines(covered)
    if tally.reasons:
        rows = [(str(len(one.meters)), one.kind, _named(one.meters), _said(one)) for one in tally.reasons]
        found += [Text(), make_grid((">meters", "failed by", "~which", "~such as"), rows)]
    if tally.unreached:
        found += [Text(), Text(f"not reached: {_named(tally.unreached)}", style="yellow")]
    return found


def _head(driven: Drive) -> str:
    tally = driven.tally
    rest = [
        f"{tally.outcomes[outcome]} {outcome.value}"
        for outcome in Outcome
        if outcome is not Outcome.READ and tally.outcomes[outcome]
    ]
    text = f"{tally.outcomes[Outcome.READ]} of {tally.total} meters read in {duration(tally.seconds)}"
    text += ": " + ", ".join(rest) if rest else ""
    return text + (f" ({driven.stop_reason})" if driven.stop_reason else "")


def _named(meters: list[str]) -> str:
    text = ", ".join(meters[:_NAMED])
    return text if len(meters) <= _NAMED else f"{text} and {len(meters) - _NAMED} more"


def _said(failure: Failure) -> str:
    return failure.message
