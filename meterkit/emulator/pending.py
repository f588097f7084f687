"""Pending tables: when they take the place of the table they stand beside.

    PED   event code 0..3, self read 4, demand reset 5 | five octets of event storage

Source: OSGP guide, "Pending Event Description Format".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from meterkit.emulator.table_store import PENDING, TableStore

_ABSOLUTE, _RELATIVE, _CODE_MASK = 0, 1, 0x0F
_SELF_READ, _DEMAND_RESET = 1 << 4, 1 << 5


@dataclass(frozen=True, slots=True)
class EventFlags:
    """What a PED asks for before the activation."""

    self_read: bool
    demand_reset: bool


def event_flags(tables: TableStore, table_id: int) -> EventFlags:
    """Return the flags in the PED of a pending table; KeyError when there is none."""
    table = tables.get(table_id | PENDING)
    if table is None:
        raise KeyError(table_id)
    selector = table.event_description[0]
    return EventFlags(bool(selector & _SELF_READ), bool(selector & _DEMAND_RESET))


def due_tables(tables: TableStore, now: datetime) -> list[tuple[datetime, int]]:
    """Return (when it was due, table id) of the pending tables whose time has come, in order."""
    found: list[tuple[datetime, int]] = []
    for table_id, event in tables.pending():
        table = tables.get(table_id | PENDING)
        due = _due(event, None if table is None else table.received)
        if due is not None and due <= now:
            found.append((due, table_id))
    return sorted(found)


def _due(event: bytes, received: datetime | None) -> datetime | None:
    """Return when a PED acts; None for one that waits for a command, is empty, or holds no time."""
    code, storage = event[0] & _CODE_MASK, event[1:]
    if code == _ABSOLUTE:
        year, month, day, hour, minute = storage
        try:
            return datetime(2000 + year, month, day, hour, minute, tzinfo=UTC)
        except ValueError:
            return None  # zeroes: an empty PED
    if code == _RELATIVE and received is not None:
        weeks, days, hours, minutes, seconds = storage
        return received + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return None
