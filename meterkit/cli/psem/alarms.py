"""`meterkit psem alarms`: what the meter complains of."""

from __future__ import annotations

from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import show
from meterkit.cli.grid import make_grid
from meterkit.cli.meter import on_meter
from meterkit.cli.output import print_json
from meterkit.cli.running import OK
from meterkit.psem.client import PsemClient
from meterkit.psem.tables.osgp.alarms import Alarm


def alarms(url: str, access: Access, *, show_all: bool, as_json: bool) -> int:
    """Read the alarms and show those that are set, or all."""

    async def body(client: PsemClient) -> int:
        known = (await client.alarms()).unwrap()
        if as_json:
            print_json({"alarms": [_document(alarm) for alarm in known]})
        else:
            _show(known, show_all=show_all)
        return OK

    return on_meter(url, access, body)


def _document(alarm: Alarm) -> dict[str, object]:
    return {
        "name": alarm.name,
        "is_set": alarm.is_set,
        "octet": alarm.octet,
        "bit": alarm.bit,
        "since": _version(alarm),
    }


def _version(alarm: Alarm) -> str | None:
    return ".".join(map(str, alarm.since)) if alarm.since else None


def _show(known: tuple[Alarm, ...], *, show_all: bool) -> None:
    shown = [alarm for alarm in known if alarm.is_set or show_all]
    if shown:
        rows = (
            ("set" if alarm.is_set else "", alarm.name, f"{alarm.octet}.{alarm.bit}", _version(alarm) or "")
            for alarm in shown
        )
        show(make_grid(("", "~alarm", "octet.bit", "~since firmware"), rows))
    count = sum(alarm.is_set for alarm in known)
    show(Text(f"{count} of {len(known)} alarms are set", style="dim"))
