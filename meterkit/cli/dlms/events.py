"""`meterkit dlms events`: the meter's logs, oldest first, with names where there are any."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.dlms.references import parse_obis
from meterkit.cli.dlms.view import value_text
from meterkit.cli.grid import make_grid
from meterkit.cli.output import error_document, print_json, time_text
from meterkit.cli.running import FAILED, OK, say_error
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.readings.event_names import log_name
from meterkit.dlms.readings.events import Event
from meterkit.errors import MeterError, ends_session
from meterkit.result import Err

#: Newest events shown on a terminal without --all.
MOST_EVENTS = 200
_ALL_LOGS = "all"


def events(
    url: str, access: DlmsAccess, log: str | None, since: datetime | None, *, show_all: bool, as_json: bool
) -> int:
    """Read one log, or all, and show what happened."""
    chosen = ObisCode.EVENT_LOG if log is None else None if log == _ALL_LOGS else parse_obis(log)

    async def body(client: DlmsClient) -> int:
        logs = (await client.event_logs()).unwrap() if chosen is None else (chosen,)
        found: list[Event] = []
        broken: list[MeterError] = []
        for one in logs:
            answer = await client.events(one, since)
            if isinstance(answer, Err) and len(logs) > 1:  # what the other logs say is told all the same
                broken.append(answer.error)
                if ends_session(answer.error):
                    break
                continue
            told = answer.unwrap()
            found.extend(told)
            if told.error is not None:
                broken.append(told.error)
                if ends_session(told.error):
                    break
        if len(logs) > 1:
            found = _by_time(found)
        if as_json:
            document = {"logs": [_log(one, found) for one in logs], "events": [*map(_document, found)]}
            print_json(document | (error_document(broken[0]) if broken else {}))
        else:
            _show(found, show_all=show_all)
        for error in broken:
            say_error(str(error))
        return FAILED if broken else OK

    return on_dlms_meter(url, access, body)


def _by_time(events: list[Event]) -> list[Event]:
    """Return the events of several logs by time; one without a time stays behind the one before it."""
    timed: list[tuple[datetime, Event]] = []
    last = datetime.min
    for event in events:
        if event.time is not None:
            last = event.time.replace(tzinfo=None)
        timed.append((last, event))
    return [event for _, event in sorted(timed, key=lambda pair: pair[0])]


def _log(log: ObisCode, events: list[Event]) -> dict[str, object]:
    return {
        "obis_code": str(log),
        "name": log_name(log) or None,
        "events": sum(event.log == log for event in events),
    }


def _document(event: Event) -> dict[str, object]:
    return {
        "time": event.time,
        "log": str(event.log),
        "code": event.code,
        "name": event.name or None,
        "values": dict(event.values),
    }


def _show(events: list[Event], *, show_all: bool) -> None:
    shown = events if show_all else events[-MOST_EVENTS:]
    if not shown:
        show(Text("no event in this span of time", style="dim"))
    else:
        show(make_grid(("time", ">code", "~event", "~values", "log"), map(_row, shown)))
    hidden = len(events) - len(shown)
    if hidden:
        show(Text(f"{hidden} older events not shown (--all shows them)", style="dim"))


def _row(event: Event) -> tuple[str, ...]:
    values = ", ".join(f"{name} {value_text(value)}" for name, value in event.values.items())
    clock = "-" if event.clock is None else str(event.clock)
    return (
        clock if event.time is None else time_text(event.time),
        "-" if event.code is None else str(event.code),
        event.name,
        values,
        log_name(event.log) or str(event.log),
    )
