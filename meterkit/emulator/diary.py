"""What happened to the meter: event logs, self reads, demand resets; its past as well as what tests bring.

The past is written when somebody first asks for it.  On firmware 3.70 and later what happens in the
ordinary course goes into the alternate log; both logs count in one sequence (OSGP guide, BT74).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.household import INSTALLED
from meterkit.emulator.measurement import season_of
from meterkit.emulator.register_bank import RegisterBank, Resets
from meterkit.emulator.ring import Ring
from meterkit.emulator.schedule import Happening, Occasion, happenings
from meterkit.psem.tables.registers import RegisterData

NOBODY = 0xFFFF  #: user id of an event when nobody is logged in; OSGP guide, BT74
MEP_DEVICE = 0xFFFD  #: user id of what an MEP device brings about
ALTERNATE_LOG = (3, 70)  #: firmware that brought ET79
_MONTHS_OF_DEMAND = 6  # demands were programmed so many months before the emulator began
_UNREAD_EVENTS, _UNREAD_SELF_READS = 10, 1  # what the head end has not fetched yet when it begins
_SEQUENCE_NUMBERS, _SELF_READ_NUMBERS = 0x1_0000_0000, 0x1_0000


class EventCode(IntEnum):
    """Standard events that the emulated meter logs.  Source: C12.19, history and event log codes."""

    POWER_DOWN = 1
    POWER_UP = 2
    TIME_CHANGED_FROM = 3  #: stamped with the old time
    TIME_CHANGED_TO = 4  #: stamped with the new time
    PROCEDURE_INVOKED = 9  #: argument: the procedure's number
    TABLE_WRITTEN = 10  #: argument: the table's number
    LIST_POINTERS_RESET = 14  #: argument: the list
    LIST_POINTERS_UPDATED = 15  #: argument: the list
    DEMAND_RESET = 20
    SELF_READ = 21
    DST_ON = 22
    DST_OFF = 23
    SEASON_CHANGED = 24  #: argument: the season
    TIER_SWITCHED = 27  #: argument: the tier, from 1
    PENDING_ACTIVATED = 28  #: argument: the table's number
    PENDING_CLEARED = 29  #: argument: the table's number
    FIRST_ALARM = 37  #: of BT03's standard status, bit by bit


#: What the alternate log takes, where there is one.
ROUTINE = frozenset(
    {
        EventCode.PROCEDURE_INVOKED,
        EventCode.TABLE_WRITTEN,
        EventCode.LIST_POINTERS_RESET,
        EventCode.LIST_POINTERS_UPDATED,
        EventCode.SELF_READ,
        EventCode.TIER_SWITCHED,
    }
)
_EVENT_OF = {
    Occasion.POWER_DOWN: EventCode.POWER_DOWN,
    Occasion.POWER_UP: EventCode.POWER_UP,
    Occasion.DST_ON: EventCode.DST_ON,
    Occasion.DST_OFF: EventCode.DST_OFF,
}


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of a log."""

    time: datetime  #: UTC
    sequence: int
    user_id: int
    code: int
    is_manufacturer: bool
    argument: int  #: UINT16


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment whose registers are kept.  Registers are functions of time: they are told when asked for."""

    time: datetime  #: UTC
    season: int
    resets: Resets

    def registers(self, bank: RegisterBank) -> RegisterData:
        """Return the registers of that moment."""
        return bank.at(self.time, self.resets)


class Diary:
    """The memory of one meter.  Whatever asks it or writes into it lets its past be written first."""

    def __init__(
        self, bank: RegisterBank, configuration: EmulatorConfiguration, nbr_self_reads: int, now: datetime
    ) -> None:
        self._bank = bank
        self._configuration = configuration
        self._begins = self._seen = now
        self._until: datetime | None = None
        self._sequence = configuration.first_event - 1
        self._log: Ring[LoggedEvent] = Ring(configuration.event_log_entries)
        self._alternate: Ring[LoggedEvent] | None = None
        if configuration.dialect == "osgp" and configuration.firmware_version >= ALTERNATE_LOG:
            self._alternate = Ring(configuration.event_log_entries)
        self._self_reads: Ring[Snapshot] = Ring(nbr_self_reads)
        self._nbr_self_reads = 0
        self._resets: Resets = (_months_before(now, _MONTHS_OF_DEMAND),)
        self._season_end: Snapshot | None = None
        self._demand_end: Snapshot | None = None
        self.has_new_self_read = False  #: one was taken since the alarm was last cleared

    # ---------------------------------------------------------------- what it holds
    @property
    def log(self) -> Ring[LoggedEvent]:
        """The primary event log, BT74."""
        self._write_past()
        return self._log

    @property
    def alternate_log(self) -> Ring[LoggedEvent] | None:
        """The alternate event log, ET79; None before firmware 3.70."""
        self._write_past()
        return self._alternate

    @property
    def has_alternate_log(self) -> bool:
        """Whether the firmware has ET79."""
        return self._alternate is not None

    @property
    def has_unread_events(self) -> bool:
        """Whether a log has entries that the host has not read."""
        return bool(self.log.nbr_unread or (self._alternate is not None and self._alternate.nbr_unread))

    @property
    def self_reads(self) -> Ring[Snapshot]:
        """The self reads, BT26."""
        self._write_past()
        return self._self_reads

    @property
    def last_self_read(self) -> int:
        """Sequence number of the newest self read, never reset."""
        self._write_past()
        return max(self._nbr_self_reads - 1, 0) % _SELF_READ_NUMBERS

    @property
    def resets(self) -> Resets:
        """When demands began to count, and every demand reset since."""
        self._write_past()
        return self._resets

    @property
    def season_end(self) -> Snapshot | None:
        """The registers when the last season ended, BT24; None when they were cleared since."""
        self._write_past()
        return self._season_end

    @property
    def demand_end(self) -> Snapshot | None:
        """The registers just before the last demand reset, BT25; None when there was none."""
        self._write_past()
        return self._demand_end

    # ---------------------------------------------------------------- time passes
    def advance(self, now: datetime) -> None:
        """Write down what the calendar and the mains brought about by `now`."""
        self._seen = max(self._seen, now)
        if self._until is not None and now > self._until:
            self._live(self._until, now)

    def clock_changed(self, before: datetime, after: datetime, user_id: int) -> None:
        """Take the news that the clock was set; what the skipped time would have brought is left out."""
        self._write_past()
        self.advance(before)
        self.event(before, EventCode.TIME_CHANGED_FROM, user_id=user_id)
        self.event(after, EventCode.TIME_CHANGED_TO, user_id=user_id)
        self._until = self._seen = after

    def _write_past(self) -> None:
        if self._until is not None:
            return
        self._until = self._begins
        self._live(INSTALLED, self._begins)
        self._log.mark_read(max(self._log.nbr_unread - _UNREAD_EVENTS, 0))
        if self._alternate is not None:
            self._alternate.mark_read(max(self._alternate.nbr_unread - _UNREAD_EVENTS, 0))
        self._self_reads.mark_read(max(self._self_reads.nbr_unread - _UNREAD_SELF_READS, 0))
        self.has_new_self_read = False
        self.advance(self._seen)

    def _live(self, after: datetime, until: datetime) -> None:
        for one in happenings(self._bank.measurement, self._configuration, after, until):
            self._happen(one)
        self._until = max(until, self._until or until)

    def _happen(self, one: Happening) -> None:
        match one.occasion:
            case Occasion.SELF_READ:
                self.self_read(one.time)
            case Occasion.DEMAND_RESET:
                self.demand_reset(one.time)
            case Occasion.SEASON_CHANGE:
                self._season_end = self._snapshot(one.time, season_of(one.time - timedelta(seconds=1)))
                self.event(one.time, EventCode.SEASON_CHANGED, one.argument)
            case Occasion.TIER_SWITCH:
                self.event(one.time, EventCode.TIER_SWITCHED, one.argument + 1)
            case _:
                self.event(one.time, _EVENT_OF[one.occasion])

    # ---------------------------------------------------------------- what is written down
    def event(
        self,
        time: datetime,
        code: int,
        argument: int = 0,
        *,
        is_manufacturer: bool = False,
        user_id: int = NOBODY,
    ) -> None:
        """Log one event; codes of `ROUTINE` go into the alternate log where there is one."""
        self._write_past()
        self._sequence = (self._sequence + 1) % _SEQUENCE_NUMBERS
        entry = LoggedEvent(time, self._sequence, user_id, code, is_manufacturer, argument & 0xFFFF)
        is_routine = not is_manufacturer and code in ROUTINE
        log = self._alternate if is_routine and self._alternate is not None else self._log
        log.append(entry)

    def self_read(self, time: datetime, user_id: int = NOBODY) -> None:
        """Keep the registers as they are at `time`."""
        self._write_past()
        self._self_reads.append(self._snapshot(time, season_of(time - timedelta(seconds=1))))
        self._nbr_self_reads += 1
        self.has_new_self_read = True
        self.event(time, EventCode.SELF_READ, user_id=user_id)

    def demand_reset(self, time: datetime, user_id: int = NOBODY) -> None:
        """Let demands count anew from `time`."""
        self._write_past()
        if time <= self._resets[0]:
            return  # before demands were programmed
        self._demand_end = self._snapshot(time, season_of(time - timedelta(seconds=1)))
        self._resets = (*self._resets, time)
        self.event(time, EventCode.DEMAND_RESET, user_id=user_id)

    def clear_registers(self, time: datetime) -> None:
        """Forget what the registers were: they began at zero at `time`."""
        self._write_past()
        self._resets = (time,)
        self._season_end = self._demand_end = None
        self._self_reads.clear()

    def clear_logs(self) -> None:
        """Empty both logs.  Before firmware 3.70 the sequence begins anew (OSGP guide, BT74)."""
        self._write_past()
        self._log.clear()
        if self._alternate is None:
            self._log.newest = None
            self._sequence = self._configuration.first_event - 1
        else:
            self._alternate.clear()

    def _snapshot(self, time: datetime, season: int) -> Snapshot:
        return Snapshot(time, season, self._resets)


def _months_before(time: datetime, months: int) -> datetime:
    """Return the beginning of the month so many months earlier, not before the meter was installed."""
    number = time.year * 12 + time.month - 1 - months
    begin = time.replace(
        year=number // 12, month=number % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return max(begin, INSTALLED)
