"""The standard procedures 0 to 32 with typed parameters and answers, as octets for tables 7 and 8.

    call = set_date_time(datetime(2026, 5, 1, 12, 0), context)
    write table 7: call.procedure, call.parameters      read table 8: call.value(response)

Numbers and names are C12.19's.  The parameters of 4, 5, 6, 9, 10, 18 and 20 are general knowledge of
C12.19, unconfirmed ("[K]"); those of 13 and 15 are the OSGP guide's.  What 21 to 32 take is not to be had
here: they take octets.  Source: C12.19, standard procedures; OSGP guide, "Pending Table Procedures".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final, Literal, cast

from meterkit import arguments
from meterkit.codec.layout import Context, InvalidTime, Wire
from meterkit.errors import ErrorKind, fault
from meterkit.psem.procedures import StandardProcedure
from meterkit.psem.standard_call import NO_MEANINGS, StandardCall
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.known import is_osgp
from meterkit.psem.tables.status import EndDeviceMode, PendingEvent
from meterkit.psem.tables.times import LTIME_DATES, MaybeDatetime

_PASSWORD_SIZE: Final = 20  # octets; C12.19, procedure 18


def _nothing(data: bytes) -> None:
    """Answer nothing, whatever a meter adds."""


def _plain(procedure: StandardProcedure, parameters: bytes = b"") -> StandardCall[None]:
    return StandardCall(procedure, parameters, _nothing)


def _with_octets(procedure: StandardProcedure, parameters: bytes) -> StandardCall[bytes]:
    return StandardCall(procedure, arguments.octets("parameters", parameters))


def _unsigned(value: int, size: int, name: str, order: Literal["<", ">"] = "<") -> bytes:
    number = arguments.whole(name, value, 0, (1 << 8 * size) - 1)
    return number.to_bytes(size, "little" if order == "<" else "big")


# ---------------------------------------------------------------- 0 to 3: start, save, clear
def cold_start() -> StandardCall[None]:
    """Start the meter as if new: data and configuration may be lost."""
    return _plain(StandardProcedure.COLD_START)


def warm_start() -> StandardCall[None]:
    """Start the meter as after a power failure; configuration and data are kept."""
    return _plain(StandardProcedure.WARM_START)


def save_configuration() -> StandardCall[None]:
    """Save the configuration in memory that outlives a power failure."""
    return _plain(StandardProcedure.SAVE_CONFIGURATION)


def clear_data() -> StandardCall[None]:
    """Clear registers, logs and load profile; the configuration is kept."""
    return _plain(StandardProcedure.CLEAR_DATA)


# ---------------------------------------------------------------- 4 and 5: lists
class ListId(IntEnum):
    """Lists of procedures 4 and 5 [K]."""

    EVENT_LOG = 1
    SELF_READ = 2
    LOAD_PROFILE_1 = 3
    LOAD_PROFILE_2 = 4
    LOAD_PROFILE_3 = 5
    LOAD_PROFILE_4 = 6
    HISTORY_LOG = 7
    ALL_LOAD_PROFILES = 8
    ALL = 0xFF


def reset_list_pointers(which: ListId | int) -> StandardCall[None]:
    """Empty a list, such as a log or a load profile [K].

    Errors: ValueError for a list outside 0..255.
    """
    return _plain(StandardProcedure.RESET_LIST_POINTERS, _unsigned(which, 1, "list"))


def update_last_read_entry(which: ListId | int, entries: int, context: Context) -> StandardCall[None]:
    """Tell the meter that `entries` more entries of a list have been read [K].

    Errors: ValueError for a list outside 0..255 or entries outside 0..65535.
    """
    count = _unsigned(entries, 2, "entries", context.byte_order)
    return _plain(StandardProcedure.UPDATE_LAST_READ_ENTRY, _unsigned(which, 1, "list") + count)


# ---------------------------------------------------------------- 6 to 9: mode, status, reset
def change_end_device_mode(mode: EndDeviceMode | int) -> StandardCall[None]:
    """Change ED_MODE of ST3 [K].

    Errors: ValueError for a mode outside 0..255.
    """
    return _plain(StandardProcedure.CHANGE_END_DEVICE_MODE, _unsigned(mode, 1, "mode"))


def clear_standard_status_flags() -> StandardCall[None]:
    """Clear the standard status of ST3; a cause that is still there sets it again."""
    return _plain(StandardProcedure.CLEAR_STANDARD_STATUS_FLAGS)


def clear_manufacturer_status_flags() -> StandardCall[None]:
    """Clear the manufacturer status of ST3; a cause that is still there sets it again."""
    return _plain(StandardProcedure.CLEAR_MANUFACTURER_STATUS_FLAGS)


@dataclass(frozen=True, slots=True)
class RemoteReset:
    """What procedure 9 was asked to do, or says it has done [K]."""

    demand_reset: bool = False
    self_read: bool = False
    season_change: bool = False
    season: int = 0  #: 0..15; the new season where `season_change`

    @classmethod
    def of(cls, bits: int) -> RemoteReset:
        """Return what the action flags say."""
        return cls(bool(bits & 1), bool(bits & 2), bool(bits & 4), bits >> 3 & 0xF)

    @property
    def bits(self) -> int:
        """The action flags: 0 demand reset, 1 self read, 2 season change, 3..6 season.

        Errors: ValueError for a season outside 0..15.
        """
        season = arguments.whole("season", self.season, 0, 15)
        return self.demand_reset | self.self_read << 1 | self.season_change << 2 | season << 3


def remote_reset(
    *, demand_reset: bool = False, self_read: bool = False, season: int | None = None
) -> StandardCall[RemoteReset | None]:
    """Reset demands, copy the registers into a self read, or begin `season` (0..15) [K].

    Answers what the meter did; None where it does not say.
    Errors: ValueError for a season outside 0..15.
    """
    asked = RemoteReset(demand_reset, self_read, season is not None, season or 0)
    parameters = bytes([asked.bits])
    return StandardCall(
        StandardProcedure.REMOTE_RESET, parameters, lambda data: RemoteReset.of(data[0]) if data else None
    )


# ---------------------------------------------------------------- 10 and 11: clock, diagnostics
@dataclass(frozen=True, slots=True)
class ClockChange:
    """The meter's clock before and after procedure 10, naive: by whatever clock the meter keeps."""

    before: MaybeDatetime
    after: MaybeDatetime

    @property
    def shift(self) -> timedelta | None:
        """By how much the clock was put forward; None when a time is no valid one."""
        if isinstance(self.before, InvalidTime) or isinstance(self.after, InvalidTime):
            return None
        return self.after - self.before


_SET_TIME, _SET_DATE, _SET_QUALIFIER = 1, 2, 4  # SET_MASK of procedure 10 [K]
_GMT_FLAG = 0x10  # TIME_DATE_QUAL: 0..2 day of week, 3 DST, 4 GMT, 5 zone applied, 6, 7 DST


def set_date_time(
    time: datetime,
    context: Context,
    *,
    set_date: bool = True,
    set_time: bool = True,
    qualifier: int | None = None,
) -> StandardCall[ClockChange | None]:
    """Set the clock, to the second, in the meter's own time format and octet order [K].

    A naive `time` is written as it is; an aware one as UTC.  `qualifier`: TIME_DATE_QUAL (0..255) to set;
    None leaves the meter's, and the octet sent tells the day of the week and, for an aware time, GMT.
    `context` knows the meter's ST0.  Answers the clock before and after; None where the meter says nothing.
    Errors: ValueError for a time the format cannot carry, or a meter without time.
    """
    wire = _ltime(context)
    if not wire.size:
        raise ValueError("ST0 says that the meter has no time")
    octets: bytes = cast(Any, wire.revert)(arguments.moment("time", time))
    mask = set_time * _SET_TIME | set_date * _SET_DATE | (qualifier is not None) * _SET_QUALIFIER
    if not mask:
        raise ValueError("nothing to set: neither date nor time nor qualifier")
    written: datetime = cast(Any, wire.convert)(octets)
    told = written.isoweekday() % 7 | (_GMT_FLAG if time.tzinfo else 0)
    parameters = bytes([mask]) + octets + _unsigned(told if qualifier is None else qualifier, 1, "qualifier")
    return StandardCall(
        StandardProcedure.SET_DATE_TIME, parameters, lambda data: _clock_change(data, context)
    )


def _ltime(context: Context) -> Wire[MaybeDatetime]:
    config = context.records.get(GenConfig)
    if not isinstance(config, GenConfig):
        raise ValueError("GenConfig is needed: read it first, give it in Context")  # noqa: TRY004
    kind = LTIME_DATES.get(config.tm_format)
    if kind is None:
        raise ValueError(f"TM_FORMAT {config.tm_format} unknown; C12.19 has 0 to 4")
    return kind.wire(context.scope(), "LTIME_DATE")


def _clock_change(data: bytes, context: Context) -> ClockChange | None:
    wire = _ltime(context)
    if not data:
        return None
    if len(data) < 2 * wire.size:
        message = (
            f"clock before and after: {2 * wire.size} octets expected, {len(data)} came: {data.hex(' ')}"
        )
        raise fault(ErrorKind.DECODE, message)
    convert = cast(Any, wire.convert)
    return ClockChange(convert(data[: wire.size]), convert(data[wire.size : 2 * wire.size]))


def execute_diagnostics() -> StandardCall[None]:
    """Run the meter's own diagnostics; ST3 tells what they found.  Takes its time."""
    return _plain(StandardProcedure.EXECUTE_DIAGNOSTICS)


# ---------------------------------------------------------------- 12 to 15: pending tables
#: The guide's results of the clearing procedure.  Its heading is lost: by the text, and by C12.19, it is
#: 15 (D32); 13 looks for a PED alike.  Result 1 is C12.19's "not fully completed" on other meters.
OSGP_PENDING_RESULTS: Final[Mapping[int, str]] = {
    1: "no pending table was found that matched the request",
    3: "an internal conflict occurred when attempting to process the request",
}


def _pending(procedure: StandardProcedure, event: PendingEvent, context: Context) -> StandardCall[None]:
    config = context.records.get(GenConfig)
    is_guided = is_osgp(config if isinstance(config, GenConfig) else None)
    meanings = OSGP_PENDING_RESULTS if is_guided else NO_MEANINGS
    return StandardCall(procedure, event.octets(), _nothing, meanings)


def activate_all_pending_tables() -> StandardCall[None]:
    """Make every pending table active now."""
    return _plain(StandardProcedure.ACTIVATE_ALL_PENDING_TABLES)


def activate_specific_pending_tables(event: PendingEvent, context: Context) -> StandardCall[None]:
    """Make the pending tables whose PED is `event` active now.  Source: OSGP guide, PED."""
    return _pending(StandardProcedure.ACTIVATE_SPECIFIC_PENDING_TABLES, event, context)


def clear_all_pending_tables() -> StandardCall[None]:
    """End the pending state of every table; their octets are kept."""
    return _plain(StandardProcedure.CLEAR_ALL_PENDING_TABLES)


def clear_specific_pending_tables(event: PendingEvent, context: Context) -> StandardCall[None]:
    """End the pending state of the tables whose PED is `event`; their octets are kept.

    Source: OSGP guide, "Pending Table Procedures".
    """
    return _pending(StandardProcedure.CLEAR_SPECIFIC_PENDING_TABLES, event, context)


# ---------------------------------------------------------------- 16 to 20: load profile, log in, call
def start_load_profile() -> StandardCall[None]:
    """Start recording load profiles."""
    return _plain(StandardProcedure.START_LOAD_PROFILE)


def stop_load_profile() -> StandardCall[None]:
    """Stop recording load profiles."""
    return _plain(StandardProcedure.STOP_LOAD_PROFILE)


def log_in(user_id: int, password: bytes, context: Context, *, padding: bytes = b"\0") -> StandardCall[None]:
    """Take the rights of another user [K]; the password never shows in a repr.

    Errors: ValueError for a user outside 0..65535 or a password of more than 20 octets.
    """
    password = arguments.octets("password", password)
    if len(password) > _PASSWORD_SIZE:
        raise ValueError(f"a password has {_PASSWORD_SIZE} octets at most, not {len(password)}")
    user = _unsigned(user_id, 2, "user id", context.byte_order)
    return _plain(StandardProcedure.LOG_IN, user + password.ljust(_PASSWORD_SIZE, padding))


def log_out() -> StandardCall[None]:
    """Give the rights of procedure 18 back."""
    return _plain(StandardProcedure.LOG_OUT)


def initiate_immediate_call(phone: int) -> StandardCall[None]:
    """Let the meter call `phone`, an index into its numbers, now [K].

    Errors: ValueError for an index outside 0..255.
    """
    return _plain(StandardProcedure.INITIATE_IMMEDIATE_CALL, _unsigned(phone, 1, "phone"))


# ---------------------------------------------------------------- 21 to 32: octets
def direct_load_control(parameters: bytes) -> StandardCall[bytes]:
    """Switch controlled loads; parameters and answer as octets, their layout is not known here [K]."""
    return _with_octets(StandardProcedure.DIRECT_LOAD_CONTROL, parameters)


def modify_credit(parameters: bytes) -> StandardCall[bytes]:
    """Change the remaining credit; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.MODIFY_CREDIT, parameters)


def register(parameters: bytes = b"") -> StandardCall[bytes]:
    """Register with a C12.22 network; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.REGISTER, parameters)


def deregister(parameters: bytes = b"") -> StandardCall[bytes]:
    """Leave a C12.22 network; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.DEREGISTER, parameters)


def network_interface_control(parameters: bytes) -> StandardCall[bytes]:
    """Control a C12.22 interface; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.NETWORK_INTERFACE_CONTROL, parameters)


def exception_report(parameters: bytes) -> StandardCall[bytes]:
    """Report an exception over C12.22; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.EXCEPTION_REPORT, parameters)


def clear_pending_call_status(parameters: bytes = b"") -> StandardCall[bytes]:
    """Forget calls that wait; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.CLEAR_PENDING_CALL_STATUS, parameters)


def start_quality_of_service_monitors(parameters: bytes = b"") -> StandardCall[bytes]:
    """Start quality of service monitors; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.START_QUALITY_OF_SERVICE_MONITORS, parameters)


def stop_quality_of_service_monitors(parameters: bytes = b"") -> StandardCall[bytes]:
    """Stop quality of service monitors; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.STOP_QUALITY_OF_SERVICE_MONITORS, parameters)


def start_secured_registers(parameters: bytes = b"") -> StandardCall[bytes]:
    """Start secured registers; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.START_SECURED_REGISTERS, parameters)


def stop_secured_registers(parameters: bytes = b"") -> StandardCall[bytes]:
    """Stop secured registers; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.STOP_SECURED_REGISTERS, parameters)


def set_precision_date_time(parameters: bytes) -> StandardCall[bytes]:
    """Set the clock finer than a second; octets, as procedure 21 [K]."""
    return _with_octets(StandardProcedure.SET_PRECISION_DATE_TIME, parameters)
