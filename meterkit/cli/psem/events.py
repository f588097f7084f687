"""`meterkit psem events`: the meter's logs as one list, oldest first, and what is missing from it."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from meterkit.cli.access import Access
from meterkit.cli.console import show
from meterkit.cli.grid import make_grid
from meterkit.cli.meter import on_meter
from meterkit.cli.output import print_json, time_text
from meterkit.cli.running import OK
from meterkit.psem.client import PsemClient
from meterkit.psem.readings import EventsReading
from meterkit.psem.tables import table_name
from meterkit.psem.tables.log_events import LogEvent, SequenceGap

#: Newest events shown on a terminal without --all.
MOST_EVENTS = 200


def events(url: str, access: Access, *, since: datetime | None, show_all: bool, as_json: bool) -> int:
    """Read the logs and show their events."""

    async def body(client: PsemClient) -> int:
        begin = since
        if begin is not None and not (await client.identity()).unwrap().is_osgp:
            begin = begin.replace(tzinfo=None)  # such a meter's log follows its own clock
        reading = (await client.events(begin)).unwrap()
        if as_json:
            print_json(_document(reading))
        else:
            _show(reading, show_all=show_all)
        return OK

    return on_meter(url, access, body)


def _document(reading: EventsReading) -> dict[str, object]:
    return {
        "events": [_event(event) for event in reading.events],
        "gaps": [
            {
                "first": gap.first,
                "last": gap.last,
                "count": len(gap),
                "may_be_overwritten": gap.may_be_overwritten,
            }
            for gap in reading.gaps
        ],
        "logs": [
            {
                "table": log.table_id,
                "name": table_name(log.table_id),
                "events": len(log.events),
                "capacity": log.capacity,
                "unread": log.nbr_unread,
                "has_overflowed": log.has_overflowed,
            }
            for log in reading.logs
        ],
    }


def _event(event: LogEvent) -> dict[str, object]:
    return {
        "time": event.time,
        "sequence": event.sequence,
        "name": event.name,
        "code": event.code,
        "is_manufacturer": event.is_manufacturer,
        "event_number": event.event_number,
        "user_id": event.user_id,
        "user": event.user,
        "argument": event.argument,
        "table": event.table_id,
    }


def _show(reading: EventsReading, *, show_all: bool) -> None:
    shown = reading.events if show_all else reading.events[-MOST_EVENTS:]
    if not shown:
        show(Text("no event in this span of time", style="dim"))
    else:
        show(make_grid(("time", ">sequence", "~event", "~by", "argument", "log"), map(_row, shown)))
    hidden = len(reading.events) - len(shown)
    if hidden:
        show(Text(f"{hidden} older events not shown (--all shows them)", style="dim"))
    for gap in reading.gaps:
        show(Text(_gap_text(gap), style="yellow"))
    for log in reading.logs:
        lost = ", some overwritten unread" if log.has_overflowed else ""
        told = f"{len(log.events)} of {log.capacity} entries, {log.nbr_unread} unread{lost}"
        show(Text(f"{table_name(log.table_id)}: {told}", style="dim"))


def _row(event: LogEvent) -> tuple[str, ...]:
    return (
        time_text(event.time),
        str(event.sequence),
        event.name,
        event.user,
        event.argument.hex(" ") if any(event.argument) else "",
        table_name(event.table_id),
    )


def _gap_text(gap: SequenceGap) -> str:
    numbers = f"event {gap.first} is" if len(gap) == 1 else f"events {gap.first} to {gap.last} are"
    return f"{numbers} missing" + (": overwritten, perhaps" if gap.may_be_overwritten else "")
