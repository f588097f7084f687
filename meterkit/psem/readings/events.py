"""The meter's events, oldest first, and the gaps between them.

Source: C12.19 Tables 74 and 76; OSGP guide, BT74, "Reading the Event Log".

OSGP meters of firmware 3.70 and later keep two logs, BT74 and ET79, under one sequence of numbers: each
alone has gaps where the other has events.  The logs of other meters are counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from meterkit import arguments
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.psem.readings.dialect import Dialect, read_dialect
from meterkit.psem.table_cache import TableCache, is_withheld
from meterkit.psem.tables import AlternateHistoryLogData, EventLogData, HistoryLogData
from meterkit.psem.tables.log_events import (
    AnyLog,
    EventLog,
    LogEvent,
    SequenceGap,
    event_log,
    events_since,
    merged,
    sequence_gaps,
    sequence_place,
)
from meterkit.result import Err, Ok, Result

_TWO_LOGS = (3, 70)  # firmware; OSGP guide, note on ET79
_NO_TIME = datetime.min


@dataclass(frozen=True, slots=True)
class EventsReading:
    """Events, oldest first.

    Times of OSGP meters are aware, in UTC; those of others naive, by the meter's own clock.
    """

    events: tuple[LogEvent, ...]
    gaps: tuple[SequenceGap, ...]  #: sequence numbers without an event, as far as `events` reach
    logs: tuple[EventLog, ...]  #: as they were read, whole


async def read_events(tables: TableCache, since: datetime | None = None) -> Result[EventsReading]:
    """Read the meter's logs.  Errors: see `PsemClient.events`."""
    if since is not None:
        arguments.moment("since", since)
    dialect = await read_dialect(tables)
    if isinstance(dialect, Err):
        return dialect
    wrong = _refuse_since(dialect.value, since)
    if wrong is not None:
        return Err(wrong)
    logs = await _read_logs(tables, dialect.value)
    if isinstance(logs, Err):
        return logs
    # One sequence over all logs, or one each.
    groups: Sequence[tuple[EventLog, ...]] = [logs.value]
    if not dialect.value.is_osgp:
        groups = [(log,) for log in logs.value]
    parts = [_part(group, since) for group in groups]
    events = parts[0][0] if len(parts) == 1 else _by_time([events for events, _ in parts])
    gaps = tuple(gap for _, gaps in parts for gap in gaps)
    return Ok(EventsReading(events, gaps, logs.value))


def _refuse_since(dialect: Dialect, since: datetime | None) -> MeterError | None:
    if since is None or (since.utcoffset() is not None) == dialect.is_osgp:
        return None
    told = (
        "in UTC: give since with a time zone"
        if dialect.is_osgp
        else "its own clock's: give since without a zone"
    )
    return MeterError(
        ErrorKind.STATE, f"since {since}: the times of this meter's events are {told}", where="events"
    )


async def _read_logs(tables: TableCache, dialect: Dialect) -> Result[tuple[EventLog, ...]]:
    others: list[type[AlternateHistoryLogData | EventLogData]] = []
    if not dialect.is_osgp:
        others = [EventLogData]
    elif dialect.firmware is None or dialect.firmware >= _TWO_LOGS:
        others = [AlternateHistoryLogData]
    history: Result[HistoryLogData] = await tables.read(HistoryLogData)
    records: list[AnyLog] = []
    if isinstance(history, Ok):
        records.append(history.value)
    elif dialect.is_osgp or not is_withheld(history.error):
        return history
    for table in others:
        record = await tables.optional(table, anew=True)
        if isinstance(record, Err):
            return record
        if record.value is not None:
            records.append(record.value)
    if isinstance(history, Err) and not records:
        return history
    try:
        return Ok(tuple(event_log(record, osgp=dialect.is_osgp) for record in records))
    except ProtocolFault as misfit:
        return Err(misfit.error)


def _part(
    logs: tuple[EventLog, ...], since: datetime | None
) -> tuple[tuple[LogEvent, ...], tuple[SequenceGap, ...]]:
    """Return the events of logs that share one sequence, and the gaps among and just before them."""
    events, gaps = merged(*logs), sequence_gaps(*logs)
    if since is None:
        return events, gaps
    events = events_since(events, since)
    if not events:
        return (), ()
    first = events[0].sequence
    return events, tuple(gap for gap in gaps if sequence_place(gap.last, first) >= -1)


def _by_time(parts: Sequence[tuple[LogEvent, ...]]) -> tuple[LogEvent, ...]:
    """Return the events of several sequences by time; one without a time stays behind the one before it."""
    timed: list[tuple[datetime, LogEvent]] = []
    for events in parts:
        last = _NO_TIME
        for event in events:
            last = max(last, event.time) if isinstance(event.time, datetime) else last
            timed.append((last, event))
    return tuple(event for _, event in sorted(timed, key=lambda pair: pair[0]))
