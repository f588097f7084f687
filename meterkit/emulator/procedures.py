"""Procedures: what a write of table 7 does and what table 8 then says.

    ST7   procedure (2, table order) | sequence | parameters ...
    ST8   the same two octets        | sequence | result | data ...

Bits 0-10 of the procedure are its number, 11 says it is the manufacturer's, 12-15 when to answer.

Source: C12.19 tables 7 and 8; OSGP guide for BP15, BP04 and BP05.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from meterkit.emulator.access import AccessLevel
from meterkit.emulator.diary import EventCode
from meterkit.emulator.table_store import EVENT_DESCRIPTION_SIZE
from meterkit.psem.procedures import ProcedureResult

if TYPE_CHECKING:
    from meterkit.emulator.meter import MeterEmulator

_MANUFACTURER, _NUMBER_MASK, _SELECTOR_SHIFT = 0x0800, 0x07FF, 12
_POST_ON_EXCEPTION, _POST_NEVER = 1, 2  # selectors; 0 and 3 post as well
_SELF_READS, _HISTORY_LOG, _ALL_LISTS = 2, 7, 0xFF  # lists of SP4 and SP5
_DEMAND_RESET, _SELF_READ = 1, 2  # flags of SP9
_LTIME_DATE_SIZE = 6  # octets, TM_FORMAT 2


@dataclass(frozen=True, slots=True)
class ProcedureOutcome:
    """What a procedure came to; `polls` reads of table 8 say ACCEPTED_NOT_COMPLETE before that."""

    result: ProcedureResult
    data: bytes = b""
    polls: int = 0


Procedure: TypeAlias = Callable[["MeterEmulator", bytes], ProcedureOutcome]

COMPLETED = ProcedureOutcome(ProcedureResult.COMPLETED)
INVALID_PARAMETER = ProcedureOutcome(ProcedureResult.INVALID_PARAMETER)
CONFLICT = ProcedureOutcome(ProcedureResult.CONFLICT)
NOT_FOUND = ProcedureOutcome(ProcedureResult.ACCEPTED_NOT_COMPLETE)  # guide, BP15: 1, "no match"


@dataclass(slots=True)
class RunningProcedure:
    """The answer in table 8 to one write of table 7."""

    head: bytes  #: procedure and sequence number, as they were written
    outcome: ProcedureOutcome
    polls_left: int

    def poll(self) -> bytes:
        """Return table 8 as one read finds it, and count the read."""
        if self.polls_left:
            self.polls_left -= 1
            return self.head + bytes((ProcedureResult.ACCEPTED_NOT_COMPLETE,))
        return self.head + bytes((self.outcome.result,)) + self.outcome.data


def run(
    emulator: MeterEmulator, octets: bytes, level: AccessLevel, last: RunningProcedure | None = None
) -> RunningProcedure | None:
    """Run what `octets`, written into table 7, ask for; return what table 8 says from now on.

    The selector may ask that nothing be posted: then that is `last`.
    """
    field = int.from_bytes(octets[:2], emulator.configuration.byte_order)
    key = (bool(field & _MANUFACTURER), field & _NUMBER_MASK)
    procedure = emulator.procedures.get(key)
    if procedure is None:
        outcome = ProcedureOutcome(ProcedureResult.UNRECOGNIZED)
    elif level < emulator.configuration.procedure_access_level:
        outcome = ProcedureOutcome(ProcedureResult.NO_AUTHORIZATION)
    else:
        outcome = procedure(emulator, octets[3:])
        emulator.log_event(EventCode.PROCEDURE_INVOKED, field & (_MANUFACTURER | _NUMBER_MASK))
    selector = field >> _SELECTOR_SHIFT
    is_exception = outcome.result is not ProcedureResult.COMPLETED
    if selector == _POST_NEVER or (selector == _POST_ON_EXCEPTION and not is_exception):
        return last
    return RunningProcedure(octets[:3], outcome, outcome.polls)


# -------------------------------------------------------------------- standard procedures
def _start(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP0 and SP1, cold and warm start; SP2, save configuration: nothing to see from outside."""
    return COMPLETED if not parameters else INVALID_PARAMETER


def _clear_data(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP3: registers begin at zero again, the load profile is empty."""
    emulator.clear_data()
    return COMPLETED


def _reset_list_pointers(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP4: lists 3 to 6 are load profile sets 1 to 4, 8 all of them, 2 the self reads, 7 the event logs,
    0xFF every list.  List 1, C12.19's event log, has no entries on an OSGP meter.
    """
    if len(parameters) != 1:
        return INVALID_PARAMETER
    number = parameters[0]
    profiles = emulator.profiles_of_list(number)
    if profiles is None:
        return INVALID_PARAMETER
    for profile in profiles:
        profile.reset()
    if number in (_SELF_READS, _ALL_LISTS):
        emulator.diary.self_reads.clear()
    if number in (_HISTORY_LOG, _ALL_LISTS):
        emulator.diary.clear_logs()
    emulator.log_event(EventCode.LIST_POINTERS_RESET, number)
    return COMPLETED


def _update_last_read(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP5: so many entries of one list have been read: blocks, self reads or events."""
    if len(parameters) != 3:
        return INVALID_PARAMETER
    number = parameters[0]
    entries = int.from_bytes(parameters[1:], emulator.configuration.byte_order)
    lists = _lists(emulator, number)
    if not lists or any(entries > unread for unread, _ in lists):
        return INVALID_PARAMETER
    for _, mark_read in lists:
        mark_read(entries)
    emulator.log_event(EventCode.LIST_POINTERS_UPDATED, number)
    return COMPLETED


def _lists(emulator: MeterEmulator, number: int) -> list[tuple[int, Callable[[int], None]]]:
    """Return (unread entries, how to count some as read) of the lists that a number means."""
    if number == _SELF_READS:
        ring = emulator.diary.self_reads
        return [(ring.nbr_unread, ring.mark_read)]
    if number == _HISTORY_LOG:
        log = emulator.diary.log
        return [(log.nbr_unread, log.mark_read)]
    profiles = emulator.profiles_of_list(number) or ()
    return [(profile.unread_blocks, profile.mark_read) for profile in profiles]


def _change_mode(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP6: the mode octet of table 3."""
    if len(parameters) != 1:
        return INVALID_PARAMETER
    emulator.status.mode = parameters[0]
    return COMPLETED


def _clear_standard_status(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP7."""
    emulator.status.standard = emulator.status.extended = 0
    return COMPLETED


def _clear_manufacturer_status(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP8."""
    emulator.status.manufacturer = 0
    emulator.diary.has_new_self_read = False
    return COMPLETED


def _remote_reset(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP9: demand reset (bit 0) and self read (bit 1); answers the actions, season change left out."""
    if len(parameters) != 1:
        return INVALID_PARAMETER
    flags = parameters[0]
    if flags & _SELF_READ:
        emulator.self_read()
    if flags & _DEMAND_RESET:
        emulator.demand_reset()
    return ProcedureOutcome(ProcedureResult.COMPLETED, parameters)


def _set_date_time(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP10: mask (bit 0 time, 1 date, 2 qualifier), LTIME_DATE, qualifier; answers before and after."""
    if len(parameters) != 1 + _LTIME_DATE_SIZE + 1:
        return INVALID_PARAMETER
    before = emulator.ltime_date()
    mask, asked = parameters[0], parameters[1:-1]
    wanted = (asked[:3] if mask & 2 else before[:3]) + (asked[3:] if mask & 1 else before[3:])
    if not emulator.set_clock(wanted):
        return INVALID_PARAMETER
    return ProcedureOutcome(ProcedureResult.COMPLETED, before + emulator.ltime_date())


def _run_diagnostics(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP11: takes its time, so that table 8 must be polled."""
    return ProcedureOutcome(ProcedureResult.COMPLETED, polls=emulator.configuration.procedure_polls)


def _matching(emulator: MeterEmulator, event_description: bytes | None) -> list[int]:
    return [
        table_id
        for table_id, own in emulator.tables.pending()
        if event_description is None or own == event_description
    ]


def _activate_all(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP12: activate every pending table."""
    return _end_pending(emulator, None, emulator.activate_pending)


def _activate_specific(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP13: activate the pending tables with this PED."""
    return _end_pending(emulator, parameters, emulator.activate_pending)


def _clear_all_pending(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP14: end the pending state of every table."""
    return _end_pending(emulator, None, emulator.clear_pending)


def _clear_specific_pending(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP15: end the pending state of the tables with this PED.  Source: OSGP guide."""
    return _end_pending(emulator, parameters, emulator.clear_pending)


def _end_pending(
    emulator: MeterEmulator, event_description: bytes | None, end: Callable[[int], None]
) -> ProcedureOutcome:
    if event_description is not None and len(event_description) != EVENT_DESCRIPTION_SIZE:
        return INVALID_PARAMETER
    table_ids = _matching(emulator, event_description)
    for table_id in table_ids:
        end(table_id)
    if table_ids or event_description is None:
        return COMPLETED
    return NOT_FOUND if emulator.configuration.dialect == "osgp" else INVALID_PARAMETER


def _start_load_profile(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP16."""
    return _switch_load_profile(emulator, True)


def _stop_load_profile(emulator: MeterEmulator, parameters: bytes) -> ProcedureOutcome:
    """SP17."""
    return _switch_load_profile(emulator, False)


def _switch_load_profile(emulator: MeterEmulator, is_active: bool) -> ProcedureOutcome:
    if not emulator.profiles:
        return CONFLICT
    for profile in emulator.profiles:
        profile.is_active = is_active
    return COMPLETED


#: Standard procedures by number.
STANDARD_PROCEDURES: dict[int, Procedure] = {
    0: _start,
    1: _start,
    2: _start,
    3: _clear_data,
    4: _reset_list_pointers,
    5: _update_last_read,
    6: _change_mode,
    7: _clear_standard_status,
    8: _clear_manufacturer_status,
    9: _remote_reset,
    10: _set_date_time,
    11: _run_diagnostics,
    12: _activate_all,
    13: _activate_specific,
    14: _clear_all_pending,
    15: _clear_specific_pending,
    16: _start_load_profile,
    17: _stop_load_profile,
}
