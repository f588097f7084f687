"""Decade 70 and ET79 as octets, from the declarations that a client reads them with.

Source: OSGP guide, BT70, BT71, BT74; C12.19 for ST72, ST73 and ST76, which the guide leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from meterkit.codec.layout import BitSet, Context, InvalidTime
from meterkit.emulator.diary import NOBODY, Diary, EventCode, LoggedEvent
from meterkit.emulator.ring import Ring
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.logs import (
    ActLog,
    AlternateHistoryLogData,
    DimLog,
    EventLogData,
    EventsId,
    HistoryEntry,
    HistoryLogCtrl,
    HistoryLogData,
)

ALTERNATE = 2127  # ET79
_TIME_AND_SEQUENCE = 0x06  # BT71 octet 0
_STD_EVENT_OCTETS, _MFG_EVENT_OCTETS, _ARGUMENT_OCTETS = 8, 19, 2
_NBR_ALARMS, _NBR_OWN_EVENTS = 16, 56  # see `AlarmPlace.event`
_MANUFACTURER = 1 << 11
_NO_TIME = InvalidTime(bytes(6))


class LogImages:
    """Encodes the event logs of one meter as they stand now."""

    def __init__(self, diary: Diary, context: Context, *, entries: int, has_actual: bool) -> None:
        self._diary = diary
        self._has_actual = has_actual
        self._basic = context
        self._dimension = DimLog(
            log_flags=_TIME_AND_SEQUENCE,
            nbr_std_events=_STD_EVENT_OCTETS,
            nbr_mfg_events=_MFG_EVENT_OCTETS,
            hist_data_length=_ARGUMENT_OCTETS,
            event_data_length=_ARGUMENT_OCTETS,
            nbr_history_entries=entries,
            nbr_event_entries=0,
            ext_log_flags=None,
            nbr_program_tables=None,
        )
        self._actual = ActLog.from_dimension(self._dimension)
        self._context = context.with_(self._actual)
        self._argument_order: Literal["little", "big"] = "little" if context.byte_order == "<" else "big"
        self._kept: dict[int, tuple[int, bytes]] = {}  # by table: version of the ring, image

    def images(self) -> dict[int, bytes | Callable[[], bytes]]:
        """Return the tables by id.  Before firmware 2.12 there is no BT71 (OSGP guide, BT74)."""
        found: dict[int, bytes | Callable[[], bytes]] = {
            70: DimLog.resolve(self._basic).encode(self._dimension),
            72: self._events_id(),
            74: self._primary,
        }
        if self._has_actual:
            found[71] = ActLog.resolve(self._basic).encode(self._actual)
        if self._diary.has_alternate_log:
            found[ALTERNATE] = self._alternate
        return found

    def of_the_standard(self) -> dict[int, bytes]:
        """Return ST73, by which every event is logged and no table or procedure apart, and an empty ST76."""
        everything = EventsId.resolve(self._context).decode(self._events_id())
        config = self._context.records[GenConfig]
        assert isinstance(config, GenConfig)
        control = HistoryLogCtrl(
            std_events_monitored_flags=everything.std_events_supported,
            mfg_events_monitored_flags=everything.mfg_events_supported,
            std_tbls_monitored_flags=BitSet.of(set(), config.dim_std_tbls_used),
            mfg_tbls_monitored_flags=BitSet.of(set(), config.dim_mfg_tbls_used),
            std_proc_monitored_flags=BitSet.of(set(), config.dim_std_proc_used),
            mfg_proc_monitored_flags=BitSet.of(set(), config.dim_mfg_proc_used),
        )
        empty = EventLogData(
            list_status_flags=0,  # FIFO: what a list without places is
            nbr_valid_entries=0,
            last_entry_element=0,
            last_entry_seq_nbr=0,
            nbr_unread_entries=0,
            entries=(),
        )
        return {
            73: HistoryLogCtrl.resolve(self._context).encode(control),
            76: EventLogData.resolve(self._context).encode(empty),
        }

    def _events_id(self) -> bytes:
        """Encode BT72: the events that the emulated meter can log."""
        alarms = range(EventCode.FIRST_ALARM, EventCode.FIRST_ALARM + _NBR_ALARMS)
        standard = {int(code) for code in EventCode} | set(alarms)
        record = EventsId(
            std_events_supported=BitSet.of(standard, _STD_EVENT_OCTETS),
            mfg_events_supported=BitSet.of(set(range(_NBR_OWN_EVENTS)), _MFG_EVENT_OCTETS),
        )
        return EventsId.resolve(self._context).encode(record)

    def _primary(self) -> bytes:
        return self._log(HistoryLogData, self._diary.log)

    def _alternate(self) -> bytes:
        ring = self._diary.alternate_log
        return b"" if ring is None else self._log(AlternateHistoryLogData, ring)

    def _log(
        self, table: type[HistoryLogData] | type[AlternateHistoryLogData], ring: Ring[LoggedEvent]
    ) -> bytes:
        """Encode one log; the image is kept until there is another event."""
        kept = self._kept.get(table.number)
        if kept is None or kept[0] != ring.version:
            kept = self._kept[table.number] = ring.version, self._encode(table, ring)
        return kept[1]

    def _encode(
        self, table: type[HistoryLogData] | type[AlternateHistoryLogData], ring: Ring[LoggedEvent]
    ) -> bytes:
        newest = ring.newest
        record = table(
            list_status_flags=ring.list_status,
            nbr_valid_entries=ring.nbr_valid,
            last_entry_element=ring.last,
            last_entry_seq_nbr=0 if newest is None else newest.sequence,
            nbr_unread_entries=ring.nbr_unread,
            entries=tuple(self._entry(event) for event in ring.entries),
        )
        return table.resolve(self._context).encode(record)  # type: ignore[arg-type]

    def _entry(self, event: LoggedEvent | None) -> HistoryEntry:
        time: datetime | InvalidTime = _NO_TIME
        sequence = code = argument = 0
        user_id = NOBODY
        if event is not None:
            time, sequence, user_id = event.time.replace(microsecond=0), event.sequence, event.user_id
            code, argument = event.code | _MANUFACTURER * event.is_manufacturer, event.argument
        return HistoryEntry(
            history_time=time,
            event_number=None,
            history_seq_nbr=sequence & 0xFFFF,
            user_id=user_id,
            history_code=code,
            history_argument=argument.to_bytes(_ARGUMENT_OCTETS, self._argument_order),
        )
