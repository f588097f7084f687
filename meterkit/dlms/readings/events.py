"""Events of a meter's logs, oldest first, with names where companion specifications give them.

    0-0:99.98.0   { clock, event code, whatever else the meter captures }, one row an event

Source: Blue Book 4.3.6 (Profile generic); IEC 62056-61 (OBIS), event logs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.object_list import ObjectListElement
from meterkit.dlms.profile.column import ColumnKind, ProfileColumn
from meterkit.dlms.profile.row import ProfileRow
from meterkit.dlms.readings.entries import Entries, read_rows
from meterkit.dlms.readings.event_names import event_name, is_event_log
from meterkit.dlms.readings.profile_rows import HasProfiles
from meterkit.result import Err, Ok, Result

_PROFILE_GENERIC = 7
_EVENT_CODES = (0, 96, 11)  # value groups A, C and D


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a log."""

    log: ObisCode
    time: datetime | None  #: UTC; naive where the meter leaves its deviation open; None: no time that is one
    code: int | None  #: None where the log captures none
    name: str  #: what the code means; empty where nobody says
    #: What else the log captures, by its name, such as "0-0:96.15.0".
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    clock: CosemDateTime | None = None  #: the time as the meter wrote it


async def read_events(
    meter: HasProfiles, log: ObisCode, since: datetime | None = None, until: datetime | None = None
) -> Result[Entries[Event]]:
    """Read one log.  Errors: see `DlmsClient.events`."""
    stream = meter.load_profile(log, since, until)
    rows = await read_rows(aiter(stream))
    if isinstance(rows, Err):
        return rows
    columns = stream.columns if rows.value else ()
    return Ok(Entries((_event(log, columns, row) for row in rows.value), rows.value.error))


def event_logs(view: Iterable[ObjectListElement]) -> tuple[ObisCode, ...]:
    """Return the event logs of an association view, sorted."""
    found = (one.obis for one in view if one.class_id == _PROFILE_GENERIC and is_event_log(one.obis))
    return tuple(sorted(found))


def _event(log: ObisCode, columns: Sequence[ProfileColumn], row: ProfileRow) -> Event:
    code: int | None = None
    values: dict[str, Any] = {}
    for column, value in zip(columns, row.values, strict=True):
        groups = column.obis.a, column.obis.c, column.obis.d
        if code is None and groups == _EVENT_CODES and isinstance(value, int):
            code = value
        elif column.kind not in (ColumnKind.CLOCK, ColumnKind.UNIX_CLOCK) or row.time is None:
            values[column.name] = value
    name = "" if code is None else event_name(log, code)
    return Event(log, row.time, code, name, values, row.clock)
