"""`meterkit fleet check`: whether a fleet file can be used as it stands, without connecting to anybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.fleet.places import load_fleet
from meterkit.cli.fleet.view import duration
from meterkit.cli.grid import make_grid
from meterkit.cli.output import print_json
from meterkit.cli.running import OK, WRONG_USAGE
from meterkit.errors import ProtocolFault
from meterkit.fleet import FleetFile
from meterkit.fleet.access import Access
from meterkit.fleet.dlms_reader import dlms_sections
from meterkit.fleet.meters import MeterEntry, place_of
from meterkit.fleet.psem_reader import psem_sections
from meterkit.options import PsemClientOptions

_ROWS: Final = 20  # mistakes shown; --json has all


@dataclass(slots=True)
class Findings:
    """What a fleet file has, and what is wrong with its meters."""

    meters: Counter[str]  #: by protocol
    places: int  #: sockets and lines
    sections: dict[str, list[str]]  #: by protocol
    at_least: float  #: s that a run takes, by the limits alone
    mistakes: list[tuple[str, str]]  #: (meter, what is wrong)


def check(file: Path, *, as_json: bool) -> int:
    """Print what a fleet file has; status 2 where a meter could not be read by it."""
    fleet = load_fleet(file)
    findings = anyio.run(examine, fleet)
    if as_json:
        print_json(_document(findings))
    else:
        _show(findings, fleet)
    return WRONG_USAGE if findings.mistakes else OK


async def examine(fleet: FleetFile) -> Findings:
    """Look at every meter: its settings, whether its secrets are there, what the plan has for it."""
    sections = {
        "psem": [] if fleet.plan.psem is None else [one.name for one in psem_sections(fleet.plan.psem)],
        "dlms": [] if fleet.plan.dlms is None else [one.name for one in dlms_sections(fleet.plan.dlms)],
    }
    findings = Findings(Counter(), 0, sections, 0.0, [])
    access = Access(folder=fleet.folder)
    places: set[object] = set()
    for number, entry in enumerate(fleet.meters):
        protocol = "psem" if isinstance(entry.address.options, PsemClientOptions) else "dlms"
        findings.meters[protocol] += 1
        places.add(place_of(entry.address) or number)
        wrong = await _mistake(access, entry)
        if wrong is None and not sections[protocol]:
            wrong = f"the plan has no part {protocol}"
        if wrong is not None:
            findings.mistakes.append((entry.id, wrong))
    findings.places = len(places)
    limits = fleet.limits
    findings.at_least = max(0, len(places) - limits.connection_burst) / limits.connections_per_second
    return findings


async def _mistake(access: Access, entry: MeterEntry) -> str | None:
    """Return what keeps a meter from being read; a client is made of it, and not connected."""
    try:
        await access.client(entry, entry.address, entry.address.transport())
    except ProtocolFault as refused:
        return str(refused.error)
    except ValueError as wrong:
        return str(wrong)
    return None


def _document(findings: Findings) -> dict[str, object]:
    return {
        "meters": sum(findings.meters.values()),
        "psem": findings.meters["psem"],
        "dlms": findings.meters["dlms"],
        "places": findings.places,
        "sections": findings.sections,
        "at_least": round(findings.at_least, 1),
        "mistakes": [{"meter": meter, "message": message} for meter, message in findings.mistakes],
    }


def _show(findings: Findings, fleet: FleetFile) -> None:
    kinds = [f"{findings.meters[name]} {name.upper()}" for name in ("psem", "dlms") if findings.meters[name]]
    limits = fleet.limits
    lines = [
        f"{' and '.join(kinds)} meters behind {findings.places} addresses",
        *(
            f"{name.upper()} is asked for {', '.join(sections)}"
            for name, sections in findings.sections.items()
            if findings.meters[name] and sections
        ),
        f"at most {limits.sessions} open at once, {limits.connections_per_second:g} new a second: "
        f"a run takes {duration(findings.at_least)} or longer",
    ]
    show(*map(Text, lines))
    if findings.mistakes:
        show(Text(), make_grid(("~meter", "~what is wrong"), findings.mistakes[:_ROWS]))
        if len(findings.mistakes) > _ROWS:
            show(Text(f"{len(findings.mistakes) - _ROWS} more (--json has them all)", style="dim"))
