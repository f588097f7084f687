"""ST3 and ST4: what the meter complains of, and which tables wait for their activation.

    PED   event selector (1) | event storage (5)      in front of a pending table's own octets

Source: C12.19 Tables 3 and 4; OSGP guide, BT03, BT04, "Pending Event Description Format".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, IntFlag
from functools import cache
from typing import Any, Generic, Self, TypeAlias, TypeVar, cast

from meterkit import arguments
from meterkit.codec.expression import Scope
from meterkit.codec.layout import (
    Chosen,
    Context,
    Formed,
    InvalidTime,
    Kind,
    Layout,
    Record,
    Wire,
    array,
    bit,
    bits,
    derived,
    item,
    octet_set,
)
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.names import MANUFACTURER, NUMBER_MASK, PENDING, Table
from meterkit.psem.tables.times import STIME_DATES, MaybeDatetime
from meterkit.psem.tables.wire import STIME_DATE, UINT8, UINT16

T = TypeVar("T", bound=Table)

Activation: TypeAlias = datetime | timedelta | InvalidTime | bytes


class EndDeviceMode(IntFlag):
    """ED_MODE.  Bit 3 is general knowledge of C12.19, unconfirmed; the guide has fill there."""

    METERING = 1
    TEST = 2
    METER_SHOP = 4
    FACTORY = 8


class EdModeStatus(Table, number=3):
    """ED_MODE_STATUS_TBL: mode, the standard's status, the manufacturer's.

    The names of the standard's bits are C12.19's; an OSGP meter means something else by bits 2, 12 and 13
    and uses 14, 15 and the second status (D35): `osgp.alarms` has its names.
    """

    ed_mode = item(UINT8)  #: see EndDeviceMode
    metering_flag = bit(ed_mode, 0)
    test_mode_flag = bit(ed_mode, 1)
    meter_shop_flag = bit(ed_mode, 2)
    factory_flag = bit(ed_mode, 3)
    ed_std_status1 = item(UINT16)
    unprogrammed_flag = bit(ed_std_status1, 0)
    configuration_error_flag = bit(ed_std_status1, 1)
    self_chk_error_flag = bit(ed_std_status1, 2)
    ram_failure_flag = bit(ed_std_status1, 3)
    rom_failure_flag = bit(ed_std_status1, 4)
    nonvol_mem_failure_flag = bit(ed_std_status1, 5)
    clock_error_flag = bit(ed_std_status1, 6)
    measurement_error_flag = bit(ed_std_status1, 7)
    low_battery_flag = bit(ed_std_status1, 8)
    low_loss_potential_flag = bit(ed_std_status1, 9)
    demand_overload_flag = bit(ed_std_status1, 10)
    power_failure_flag = bit(ed_std_status1, 11)
    tamper_detect_flag = bit(ed_std_status1, 12)
    reverse_rotation_flag = bit(ed_std_status1, 13)
    ed_std_status2 = item(UINT8)  #: fill in C12.19; there on every meter (D34), OSGP firmware 3.50 uses it
    ed_mfg_status = octet_set(GenConfig.dim_mfg_status_used)


# ---------------------------------------------------------------- pending event description
class EventCode(IntEnum):
    """When a pending table becomes active.  Codes 3 to 15 have no meaning printed."""

    ABSOLUTE_TIME = 0
    RELATIVE_TIME = 1  #: counted from when the meter received the table
    ON_COMMAND = 2  #: by procedure 12 or 13 only


EVENT_STORAGE_SIZE = 5  # octets
PED_SIZE = 1 + EVENT_STORAGE_SIZE  # octets; counted in a read's count and checksum, never in its offset


@dataclass(frozen=True, slots=True)
class EventStorage:
    """The five octets of a PED whose meaning its event code tells."""

    octets: bytes
    time: MaybeDatetime  #: the octets taken for an STIME_DATE in the meter's TM_FORMAT

    def __str__(self) -> str:
        return self.octets.hex(" ")


def _storage_kind(stime: Kind[MaybeDatetime]) -> Kind[EventStorage]:
    def form(scope: Scope) -> Wire[EventStorage]:
        wire = stime.wire(scope, "event_storage")
        convert = cast(Any, wire.convert)

        def read(octets: bytes) -> EventStorage:
            return EventStorage(octets, convert(octets[: wire.size]))

        def write(value: EventStorage) -> bytes:
            if len(value.octets) != EVENT_STORAGE_SIZE:
                raise ValueError(f"{EVENT_STORAGE_SIZE} octets expected, {len(value.octets)} given")
            return value.octets

        return Wire("EVENT_STORAGE", f"{EVENT_STORAGE_SIZE}s", EVENT_STORAGE_SIZE, read, write)

    return Formed(form)


# STIME_DATE takes 4 octets in TM_FORMAT 3 and 4; that the fifth is then fill is unconfirmed.
EVENT_STORAGE: Chosen[EventStorage] = Chosen(
    "STIME_DATE", GenConfig.tm_format, {code: _storage_kind(stime) for code, stime in STIME_DATES.items()}
)


def _activation(event: PendingEvent) -> Activation:
    octets = event.event_storage.octets
    if event.event_code == EventCode.ABSOLUTE_TIME:
        return event.event_storage.time
    if event.event_code == EventCode.RELATIVE_TIME:
        weeks, days, hours, minutes, seconds = octets
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return octets


class PendingEvent(Record):
    """PED: what makes a pending table active.  An absolute time of zeroes is an empty PED."""

    event_selector = item(UINT8)
    event_code = bits(event_selector, 0, 3)  #: an `EventCode`, or one without a meaning
    self_read_flag = bit(event_selector, 4)  #: a self read before the activation
    demand_reset_flag = bit(event_selector, 5)  #: a demand reset before the activation
    event_storage = item(EVENT_STORAGE)

    #: datetime (OSGP: UTC), timedelta, InvalidTime for an absolute time that is none, else the octets.
    activation = derived(_activation)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is described: absolute time, all zeroes."""
        return self.event_code == EventCode.ABSOLUTE_TIME and not any(self.event_storage.octets)

    @classmethod
    def at(
        cls, time: datetime, context: Context, *, self_read: bool = False, demand_reset: bool = False
    ) -> Self:
        """Return the PED for a time, to the minute; OSGP meters take UTC.

        `context` knows the meter's ST0; without it, the time is written as year, month, day, hour, minute.
        Errors: ValueError for a time that the meter's format cannot carry.
        """
        stime = _stime(context)
        if not stime.size:
            raise ValueError("ST0 says that the meter has no time")
        octets: bytes = cast(Any, stime.revert)(time)
        storage = octets.ljust(EVENT_STORAGE_SIZE, b"\0")
        return cls._of(EventCode.ABSOLUTE_TIME, storage, context, self_read, demand_reset)

    @classmethod
    def after(
        cls,
        delay: timedelta,
        context: Context | None = None,
        *,
        self_read: bool = False,
        demand_reset: bool = False,
    ) -> Self:
        """Return the PED for a time after the meter receives the table, to the second.

        Errors: ValueError for a negative delay, parts of a second, or 256 weeks and more.
        """
        if delay < timedelta(0) or delay.microseconds or delay.days >= 256 * 7:
            raise ValueError(f"{delay}: whole seconds, 0 to under 256 weeks expected")
        weeks, days = divmod(delay.days, 7)
        minutes, seconds = divmod(delay.seconds, 60)
        storage = bytes([weeks, days, minutes // 60, minutes % 60, seconds])
        return cls._of(EventCode.RELATIVE_TIME, storage, context, self_read, demand_reset)

    @classmethod
    def on_command(
        cls,
        tag: bytes = b"",
        context: Context | None = None,
        *,
        self_read: bool = False,
        demand_reset: bool = False,
    ) -> Self:
        """Return the PED of a table that waits for procedure 12 or 13; `tag` is up to five octets of yours.

        Errors: ValueError for a longer tag.
        """
        tag = arguments.octets("tag", tag)
        if len(tag) > EVENT_STORAGE_SIZE:
            raise ValueError(f"a tag has {EVENT_STORAGE_SIZE} octets at most, not {len(tag)}")
        storage = tag.ljust(EVENT_STORAGE_SIZE, b"\0")
        return cls._of(EventCode.ON_COMMAND, storage, context, self_read, demand_reset)

    @classmethod
    def _of(
        cls, code: EventCode, storage: bytes, context: Context | None, self_read: bool, demand_reset: bool
    ) -> Self:
        stime = _stime(context or Context())
        value = EventStorage(storage, cast(Any, stime.convert)(storage[: stime.size]))
        return cls(event_selector=code | self_read << 4 | demand_reset << 5, event_storage=value)

    def octets(self) -> bytes:
        """Return the six octets, as procedures 13 and 15 take them."""
        return bytes([self.event_selector]) + self.event_storage.octets


def _stime(context: Context) -> Wire[MaybeDatetime]:
    config = context.records.get(GenConfig)
    code = config.tm_format if isinstance(config, GenConfig) else 2  # UINT8 fields, as on OSGP meters
    return STIME_DATES.get(code, STIME_DATES[0]).wire(context.scope(), "event_storage")


# ---------------------------------------------------------------- ST4
def _table_id(entry: PendingActivation) -> int:
    return entry.table_selector & (MANUFACTURER | NUMBER_MASK)


class PendingActivation(Record):
    """One table and what makes it active: 8 octets."""

    event = item(PendingEvent)
    table_selector = item(UINT16)
    table_id = derived(_table_id)  #: without the 4096 of a pending table: 54 is BT54, 2095 is ET47
    still_pending_flag = bit(table_selector, 12)


class PendingStatus(Table, number=4):
    """PENDING_STATUS_TBL: which tables are pending and until when."""

    # The guide types the maps ARRAY[BT00.13] OF BOOL, but its offsets make them octets, as C12.19 does (D24).
    std_pending = octet_set(GenConfig.dim_std_tbls_used)
    mfg_pending = octet_set(GenConfig.dim_mfg_tbls_used)
    last_activation_date_time = item(STIME_DATE)  #: OSGP: UTC
    nbr_pending_activation = item(UINT8)
    pending_activation = array(PendingActivation, GenConfig.nbr_pending)

    @property
    def active_entries(self) -> tuple[PendingActivation, ...]:
        """The entries in use: as many as `nbr_pending_activation` says, at most all."""
        return self.pending_activation[: self.nbr_pending_activation]


# ---------------------------------------------------------------- pending tables
class PendingTable(Generic[T], Table):
    """A pending table: its PED, then the octets of the table it stands beside.  Made by `pending`."""

    event = item(PendingEvent)
    data: T

    beside: type[Table] = Table

    @classmethod
    def label(cls) -> str:
        """Return the name that errors use: "PendingBT54"."""
        return f"Pending{cls.beside.label()}"

    @classmethod
    def needs(cls) -> frozenset[type[Table]]:
        """Return the tables that must be read before this one can be resolved."""
        return cls.beside.needs() | {GenConfig}

    @classmethod
    def resolve(cls, context: Context | None = None) -> Layout[Self]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the layout on one meter.  A table that describes itself does so here by its own octets,
        never by the active table's.

        Errors: as `Record.resolve`.
        """
        context = context or Context()
        others = {known: value for known, value in context.records.items() if known is not cls.beside}
        inside = Context(
            others, context.byte_order, context.firmware, context.int_format, context.char_format
        )
        return super().resolve(inside)


@cache
def pending(table: type[T]) -> type[PendingTable[T]]:
    """Return the declaration of the pending copy of `table`: number 4096 higher, `event` and `data`.

    Errors: ValueError when `table` has no number or is a pending table itself.
    """
    if table.number < 0 or table.number & PENDING:
        raise ValueError(f"{table.__name__} has no pending copy: number {table.number}")

    class Pending(PendingTable[Any], number=table.number | PENDING):
        data = item(table)
        beside = table

    Pending.__name__ = Pending.__qualname__ = f"Pending{table.__name__}"
    Pending.__doc__ = f"The pending copy of {table.__name__}."
    return Pending
