"""The entries of logs as events, oldest first; logs that share one sequence, and what is missing from it.

Source: OSGP guide, "Reading the Event Log", BT74; C12.19 Tables 74 and 76.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, pairwise

from meterkit.codec.layout import InvalidTime
from meterkit.psem.tables.event_names import event_name, user_name
from meterkit.psem.tables.list_order import oldest_first
from meterkit.psem.tables.logs import (
    AlternateHistoryLogData,
    EventEntry,
    EventLogData,
    HistoryEntry,
    HistoryLogData,
)

_LOW = 0x1_0000  # entries carry the low 16 bits of their sequence number
_ALL = 0x1_0000_0000
_HALF = _ALL >> 1


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event."""

    time: datetime | InvalidTime | None  #: OSGP: aware, UTC; else the meter's clock; None: not recorded
    sequence: int  #: 0..2**32 - 1; OSGP meters count over both logs
    code: int  #: 0..2047
    is_manufacturer: bool  #: the code is the manufacturer's
    name: str
    user_id: int
    user: str  #: who that is: "user 2", "nobody logged in"
    argument: bytes
    table_id: int  #: the log it was read from
    event_number: int | None = None  #: common to ST74 and ST76, where the meter keeps one

    @property
    def event_id(self) -> int:
        """The guide's 12-bit event id: 2048 + n for a manufacturer's event n."""
        return self.code | self.is_manufacturer << 11


@dataclass(frozen=True, slots=True)
class EventLog:
    """One log as read."""

    events: tuple[LogEvent, ...] = field(repr=False)  #: oldest first
    table_id: int
    capacity: int  #: entries
    nbr_unread: int
    has_overflowed: bool  #: entries were overwritten unread

    @property
    def is_full(self) -> bool:
        """Tell whether older events than the oldest here may have been overwritten."""
        return len(self.events) >= self.capacity


@dataclass(frozen=True, slots=True)
class SequenceGap:
    """Sequence numbers, `first` to `last`, of which no log has an event."""

    first: int
    last: int
    #: False: every log reaches back beyond the gap, so that the events are in none of them.
    #: True: a full log begins after it, and may have held and overwritten them.
    may_be_overwritten: bool

    def __len__(self) -> int:
        return (self.last - self.first) % _ALL + 1


AnyLog = HistoryLogData | AlternateHistoryLogData | EventLogData


def event_log(record: AnyLog, *, osgp: bool = False) -> EventLog:
    """Return the log with its events in order, oldest first.

    `osgp`: times are UTC, names and users are the OSGP guide's.
    Errors: ProtocolFault (DECODE) when the header counts more entries than there are, or points past them.
    """
    return EventLog(
        log_events(record, osgp=osgp),
        record.number,
        len(record.entries),
        record.nbr_unread_entries,
        record.overflow_flag,
    )


def log_events(record: AnyLog, *, osgp: bool = False) -> tuple[LogEvent, ...]:
    """Return the events of a log in order, oldest first.  Errors: as `event_log`."""
    entries = _in_order(record)
    found: list[LogEvent] = []
    sequence = record.last_entry_seq_nbr
    for distance, entry in enumerate(reversed(entries)):
        low = entry.event_seq_nbr if isinstance(entry, EventEntry) else entry.history_seq_nbr
        if low is not None:
            sequence -= (sequence - low) % _LOW  # the newest number with these 16 bits, going back
        elif distance:
            sequence -= 1
        found.append(_event(entry, sequence % _ALL, record.number, osgp))
    return tuple(reversed(found))


def merged(*logs: EventLog) -> tuple[LogEvent, ...]:
    """Return the events of logs that share one sequence, such as BT74 and ET79, in its order."""
    newest = _newest(logs)
    return tuple(
        sorted(chain(*(log.events for log in logs)), key=lambda event: sequence_place(event.sequence, newest))
    )


def sequence_gaps(*logs: EventLog) -> tuple[SequenceGap, ...]:
    """Return the numbers missing between the oldest and the newest event of logs that share one sequence.

    On OSGP firmware 3.70 and higher give BT74 and ET79: each alone has gaps where the other has events.
    """
    newest = _newest(logs)
    places = sorted({sequence_place(event.sequence, newest) for log in logs for event in log.events})
    full = (log.events[0].sequence for log in logs if log.is_full and log.events)
    reach = max((sequence_place(oldest, newest) for oldest in full), default=-_ALL)
    return tuple(
        SequenceGap(
            (newest + before + 1) % _ALL, (newest + after - 1) % _ALL, may_be_overwritten=before + 1 < reach
        )
        for before, after in pairwise(places)
        if after > before + 1
    )


def sequence_place(sequence: int, newest: int) -> int:
    """Return where a number stands by that of one of the newest events: 0 is there, -1 one before.

    Sequence numbers are UINT32 and wrap: 0xFFFFFFFF comes before 0.
    """
    return (sequence - newest + _HALF) % _ALL - _HALF


def _newest(logs: Iterable[EventLog]) -> int:
    """Return the sequence number of the last event of some log."""
    return next((log.events[-1].sequence for log in logs if log.events), 0)


def events_since(events: Iterable[LogEvent], time: datetime) -> tuple[LogEvent, ...]:
    """Return the events at or after `time`, and those without a valid time.

    `time` is aware where the events' times are, naive where they are.
    Errors: TypeError when one is and the other is not.
    """
    return tuple(one for one in events if not isinstance(one.time, datetime) or one.time >= time)


def _in_order(record: AnyLog) -> list[HistoryEntry | EventEntry]:
    """Return the valid entries, oldest first."""
    entries: tuple[HistoryEntry | EventEntry, ...] = record.entries
    order = oldest_first(
        len(entries),
        record.nbr_valid_entries,
        record.last_entry_element,
        is_descending=bool(record.order),
        where=record.label(),
    )
    return [entries[index] for index in order]


def _event(entry: HistoryEntry | EventEntry, sequence: int, table_id: int, osgp: bool) -> LogEvent:
    time: datetime | InvalidTime | None
    if isinstance(entry, EventEntry):
        time, argument = entry.event_time, entry.event_argument
    else:
        time, argument = entry.history_time, entry.history_argument
    if osgp and isinstance(time, datetime):
        time = time.replace(tzinfo=UTC)
    code, is_manufacturer = entry.event_code, entry.mfg_flag
    return LogEvent(
        time,
        sequence,
        code,
        is_manufacturer,
        event_name(code, is_manufacturer=is_manufacturer, osgp=osgp),
        entry.user_id,
        user_name(entry.user_id, osgp=osgp),
        argument,
        table_id,
        entry.event_number,
    )
