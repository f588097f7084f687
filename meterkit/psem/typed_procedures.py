"""The standard procedures as calls: `await client.procedures.remote_reset(demand_reset=True)`.

Each is a function of `meterkit.psem.standard_procedures`, run; its docstring there tells which parameters
are confirmed.  A procedure is started once and never again, whatever happens to its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from meterkit.codec.layout import Context
from meterkit.errors import ErrorKind, MeterError
from meterkit.psem import standard_procedures as standard
from meterkit.psem.procedure_call import ProcedureCaller
from meterkit.psem.procedures import procedure_name
from meterkit.psem.standard_call import StandardCall
from meterkit.psem.standard_procedures import ClockChange, ListId, RemoteReset
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import GenConfig, PendingEvent
from meterkit.psem.tables.status import EndDeviceMode
from meterkit.psem.tables.times import LTIME_DATES
from meterkit.result import Err, Ok, Result

T = TypeVar("T")

#: What makes a pending table active: a time (aware; OSGP meters take UTC), a delay after the meter received
#: it, a tag of up to five octets for those that wait for a command, or a PED as it is.
When: TypeAlias = datetime | timedelta | bytes | PendingEvent


class StandardProcedures:
    """The standard procedures 0 to 32 of one meter.

    Errors of each: PROCEDURE, code its result, when the meter ran it and did not complete it, or gave no
    final answer; SECURITY without clearance; REFUSED by a meter without procedures; the link's.
    Raises: ValueError for parameters that no meter takes.
    """

    def __init__(self, caller: ProcedureCaller, tables: TableCache) -> None:
        self._caller = caller
        self._tables = tables

    async def call(self, call: StandardCall[T]) -> Result[T]:
        """Run a procedure of `meterkit.psem.standard_procedures`."""
        return await self._caller.call(call)

    # ------------------------------------------------------------ 0 to 3
    async def cold_start(self) -> Result[None]:
        """Start the meter as if new: data and configuration may be lost."""
        return await self._change(standard.cold_start())

    async def warm_start(self) -> Result[None]:
        """Start the meter as after a power failure; configuration and data are kept."""
        return await self.call(standard.warm_start())

    async def save_configuration(self) -> Result[None]:
        """Save the configuration in memory that outlives a power failure."""
        return await self.call(standard.save_configuration())

    async def clear_data(self) -> Result[None]:
        """Clear registers, logs and load profile; the configuration is kept."""
        return await self.call(standard.clear_data())

    # ------------------------------------------------------------ 4 to 9
    async def reset_list_pointers(self, which: ListId | int) -> Result[None]:
        """Empty a list, such as a log or a load profile."""
        return await self.call(standard.reset_list_pointers(which))

    async def update_last_read_entry(self, which: ListId | int, entries: int) -> Result[None]:
        """Tell the meter that `entries` more entries of a list have been read."""
        return await self._in_context(
            lambda context: standard.update_last_read_entry(which, entries, context)
        )

    async def change_end_device_mode(self, mode: EndDeviceMode | int) -> Result[None]:
        """Change the mode that ST3 tells."""
        return await self.call(standard.change_end_device_mode(mode))

    async def clear_standard_status_flags(self) -> Result[None]:
        """Clear the standard status of ST3; a cause that is still there sets it again."""
        return await self.call(standard.clear_standard_status_flags())

    async def clear_manufacturer_status_flags(self) -> Result[None]:
        """Clear the manufacturer status of ST3; a cause that is still there sets it again."""
        return await self.call(standard.clear_manufacturer_status_flags())

    async def remote_reset(
        self, *, demand_reset: bool = False, self_read: bool = False, season: int | None = None
    ) -> Result[RemoteReset | None]:
        """Reset demands, copy the registers into a self read, or begin `season` (0..15)."""
        return await self.call(
            standard.remote_reset(demand_reset=demand_reset, self_read=self_read, season=season)
        )

    # ------------------------------------------------------------ 10 and 11
    async def set_date_time(
        self, time: datetime, *, set_date: bool = True, set_time: bool = True, qualifier: int | None = None
    ) -> Result[ClockChange | None]:
        """Set the clock, to the second: a naive `time` as it is, an aware one as UTC.

        Answers the clock before and after.  Errors: STATE for a meter without a clock.
        Raises: ValueError for parts of a second, and for years that the meter's format cannot carry.
        """
        config = await self._tables.once(GenConfig)
        if isinstance(config, Err):
            return config
        form = config.value.tm_format
        if form == 0 or form not in LTIME_DATES:
            message = f"ST0 says TM_FORMAT {form}: this meter has no time that could be set"
            return Err(MeterError(ErrorKind.STATE, message, where=procedure_name(10)))
        return await self._in_context(
            lambda context: standard.set_date_time(
                time, context, set_date=set_date, set_time=set_time, qualifier=qualifier
            )
        )

    async def execute_diagnostics(self) -> Result[None]:
        """Run the meter's own diagnostics; ST3 tells what they found.  Takes its time."""
        return await self.call(standard.execute_diagnostics())

    # ------------------------------------------------------------ 12 to 15: pending tables
    async def activate_all_pending_tables(self) -> Result[None]:
        """Make every pending table active now."""
        return await self._change(standard.activate_all_pending_tables())

    async def activate_specific_pending_tables(
        self, when: When, *, self_read: bool = False, demand_reset: bool = False
    ) -> Result[None]:
        """Make active now the pending tables whose event description says `when`, with the same flags."""
        event = await self._event(when, self_read, demand_reset)
        if isinstance(event, Err):
            return event
        described = event.value
        done = await self._in_context(
            lambda context: standard.activate_specific_pending_tables(described, context)
        )
        self._tables.forget()
        return done

    async def clear_all_pending_tables(self) -> Result[None]:
        """End the pending state of every table; their octets are kept."""
        return await self.call(standard.clear_all_pending_tables())

    async def clear_specific_pending_tables(
        self, when: When, *, self_read: bool = False, demand_reset: bool = False
    ) -> Result[None]:
        """End the pending state of the tables whose event description says `when`, with the same flags."""
        event = await self._event(when, self_read, demand_reset)
        if isinstance(event, Err):
            return event
        described = event.value
        return await self._in_context(
            lambda context: standard.clear_specific_pending_tables(described, context)
        )

    # ------------------------------------------------------------ 16 to 20
    async def start_load_profile(self) -> Result[None]:
        """Start recording load profiles."""
        return await self.call(standard.start_load_profile())

    async def stop_load_profile(self) -> Result[None]:
        """Stop recording load profiles."""
        return await self.call(standard.stop_load_profile())

    async def log_in(self, user_id: int, password: bytes, *, padding: bytes = b"\0") -> Result[None]:
        """Take the rights of another user; the password never shows in a repr or an error."""
        return await self._in_context(
            lambda context: standard.log_in(user_id, password, context, padding=padding)
        )

    async def log_out(self) -> Result[None]:
        """Give the rights of `log_in` back."""
        return await self.call(standard.log_out())

    async def initiate_immediate_call(self, phone: int) -> Result[None]:
        """Let the meter call `phone`, an index into its numbers, now."""
        return await self.call(standard.initiate_immediate_call(phone))

    # ------------------------------------------------------------ 21 to 32: octets
    async def direct_load_control(self, parameters: bytes) -> Result[bytes]:
        """Switch controlled loads."""
        return await self.call(standard.direct_load_control(parameters))

    async def modify_credit(self, parameters: bytes) -> Result[bytes]:
        """Change the remaining credit."""
        return await self.call(standard.modify_credit(parameters))

    async def register(self, parameters: bytes = b"") -> Result[bytes]:
        """Register with a C12.22 network."""
        return await self.call(standard.register(parameters))

    async def deregister(self, parameters: bytes = b"") -> Result[bytes]:
        """Leave a C12.22 network."""
        return await self.call(standard.deregister(parameters))

    async def network_interface_control(self, parameters: bytes) -> Result[bytes]:
        """Control a C12.22 interface."""
        return await self.call(standard.network_interface_control(parameters))

    async def exception_report(self, parameters: bytes) -> Result[bytes]:
        """Report an exception over C12.22."""
        return await self.call(standard.exception_report(parameters))

    async def clear_pending_call_status(self, parameters: bytes = b"") -> Result[bytes]:
        """Forget calls that wait."""
        return await self.call(standard.clear_pending_call_status(parameters))

    async def start_quality_of_service_monitors(self, parameters: bytes = b"") -> Result[bytes]:
        """Start quality of service monitors."""
        return await self.call(standard.start_quality_of_service_monitors(parameters))

    async def stop_quality_of_service_monitors(self, parameters: bytes = b"") -> Result[bytes]:
        """Stop quality of service monitors."""
        return await self.call(standard.stop_quality_of_service_monitors(parameters))

    async def start_secured_registers(self, parameters: bytes = b"") -> Result[bytes]:
        """Start secured registers."""
        return await self.call(standard.start_secured_registers(parameters))

    async def stop_secured_registers(self, parameters: bytes = b"") -> Result[bytes]:
        """Stop secured registers."""
        return await self.call(standard.stop_secured_registers(parameters))

    async def set_precision_date_time(self, parameters: bytes) -> Result[bytes]:
        """Set the clock finer than a second."""
        return await self.call(standard.set_precision_date_time(parameters))

    # ------------------------------------------------------------ inside
    async def _change(self, call: StandardCall[T]) -> Result[T]:
        """Run a procedure after which the tables may have other dimensions."""
        done = await self.call(call)
        self._tables.forget()
        return done

    async def _in_context(self, build: Callable[[Context], StandardCall[T]]) -> Result[T]:
        """Run a procedure whose parameters hang on the meter's ST0."""
        config = await self._tables.once(GenConfig)
        if isinstance(config, Err):
            return config
        return await self.call(build(self._tables.context))

    async def _event(self, when: When, self_read: bool, demand_reset: bool) -> Result[PendingEvent]:
        if isinstance(when, PendingEvent):
            if self_read or demand_reset:
                raise ValueError("a PendingEvent has flags of its own: leave self_read and demand_reset out")
            return Ok(when)
        config = await self._tables.once(GenConfig)
        if isinstance(config, Err):
            return config
        context = self._tables.context
        if isinstance(when, timedelta):
            made = PendingEvent.after(when, context, self_read=self_read, demand_reset=demand_reset)
        elif isinstance(when, datetime):
            form = config.value.tm_format
            if form == 0 or form not in LTIME_DATES:
                message = f"ST0 says TM_FORMAT {form}: this meter has no time that could be waited for"
                return Err(MeterError(ErrorKind.STATE, message, where="pending event"))
            made = PendingEvent.at(when, context, self_read=self_read, demand_reset=demand_reset)
        else:
            made = PendingEvent.on_command(when, context, self_read=self_read, demand_reset=demand_reset)
        return Ok(made)
