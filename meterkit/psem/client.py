"""PsemClient: tables, procedures and load profiles of one ANSI C12.18 meter, by `await`.

    async with PsemClient(transport) as client:
        (await client.connect(password=b"...")).unwrap()
        registers = (await client.registers()).unwrap()
        async for row in client.load_profile(data_set=1): ...

Names as SharpMeter's PsemClient, in snake_case and without Async.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from meterkit import arguments
from meterkit.errors import ErrorKind, MeterError
from meterkit.options import PsemClientOptions
from meterkit.psem import readings, transfer
from meterkit.psem.authentication import BLOCK_SIZE, authenticate_request, refuse_response
from meterkit.psem.load_profile_stream import LoadProfileStream
from meterkit.psem.procedure_call import ProcedureCaller
from meterkit.psem.procedures import ProcedureResponse
from meterkit.psem.services import Identification, Negotiated, ServiceRequest
from meterkit.psem.session import PsemSession
from meterkit.psem.stream import TableStream
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import Table, TableData, TableRegistry
from meterkit.psem.tables.clock_reading import ClockReading
from meterkit.psem.tables.names import check_table
from meterkit.psem.tables.osgp.alarms import Alarm
from meterkit.psem.transfer import Progress
from meterkit.psem.typed_procedures import StandardProcedures
from meterkit.result import Err, Ok, Result
from meterkit.session.keepalive import KeepAlive
from meterkit.session.lifetime import Lifetime
from meterkit.transport.base import Transport

T = TypeVar("T", bound=Table)


class PsemClient(Lifetime):
    """A C12.18/C12.19 meter on one transport.

    Use it in `async with`: entering opens nothing but a place for the keep-alive task; leaving logs
    off, terminates and closes the line in bounded time.  Several tasks may call one client at once:
    each exchange waits its turn.  After an error that ended the session every call returns that
    error until `connect` is called again.
    """

    def __init__(
        self,
        transport: Transport,
        options: PsemClientOptions | None = None,
        registry: TableRegistry | None = None,
    ) -> None:
        super().__init__(transport)
        self.options = arguments.optional("options", options, PsemClientOptions)
        self.registry = arguments.optional("registry", registry, TableRegistry)
        self._session = PsemSession(transport, self.options)
        self._tables = TableCache(self._session, self.registry)

    @cached_property  # most clients run none
    def _procedures(self) -> ProcedureCaller:
        return ProcedureCaller(self._session, self._tables)

    @cached_property
    def procedures(self) -> StandardProcedures:
        """The standard procedures, as calls."""
        return StandardProcedures(self._procedures, self._tables)

    @property
    def is_connected(self) -> bool:
        """Whether the session is up, as far as anyone can know without asking the meter."""
        return self._session.is_connected

    @property
    def identification(self) -> Identification | None:
        """What the meter answered to Identify in this session."""
        return self._session.identification

    @property
    def negotiated(self) -> Negotiated | None:
        """What Negotiate agreed on; None while the standard's defaults hold (64 octets x 1, 9600)."""
        return self._session.negotiated

    async def connect(self, password: bytes | str | None = None) -> Result[Identification]:
        """Open the line and the session: Identify, Negotiate, Logon, Security.

        `password`: at most 20 octets (text is taken as UTF-8); None reads what the meter gives openly.
        It is not kept.  On a failure the line is closed again.

        Errors: TRANSPORT the line does not open; TIMEOUT, FRAMING or CRC no meter is heard; SECURITY
        the password is refused; REFUSED another service is; STATE already connected.
        Raises: RuntimeError outside `async with`; ValueError for a password over 20 octets.
        """
        if isinstance(password, str):
            password = password.encode()
        security = None
        if password is not None:
            security = ServiceRequest.security(password, self.options.password_padding)
        async with self._door:
            self._check_entered()
            identified = await self._session.establish(security)
            if identified.is_success:
                self._tables.forget()
                self._keep_alive_begins()
        return identified

    def _keep_alive_begins(self) -> None:
        session = self._session
        if self.options.keep_alive:
            self._start_keep_alive(
                KeepAlive(session.exchange, session.beat, session.allowed_silence, session.usual_silence)
            )

    async def disconnect(self) -> None:
        """Log off, terminate and close the line: in bounded time, whatever the meter does."""
        async with self._door:
            self._stop_keep_alive()
            await self._session.end()
            self._cancel_keep_alive()

    async def read_table(self, table_id: int, progress: Progress | None = None) -> Result[TableData]:
        """Read a whole table.

        `table_id`: 0..2047 standard, 2048 + n manufacturer, + 4096 pending (its PED comes first).
        A table that cannot fit the negotiated packets, or that the meter refuses to give whole, is
        read by offset; its size comes from its layout.  A table without a known layout is read until
        the meter comes short or refuses, or `unknown_table_cap` octets came: OSGP meters pad with
        zeros past the end.  `progress(octets, total)` is called after each piece.

        Errors: REFUSED no such table; SECURITY no clearance; PROTOCOL a checksum is wrong; the link's.
        """
        table_id = arguments.whole("table_id", table_id, 0, 0xFFFF)
        octets = await self._tables.fetch(table_id, progress)
        return octets if isinstance(octets, Err) else Ok(TableData(table_id, octets.value))

    async def read_table_offset(self, table_id: int, offset: int, count: int) -> Result[bytes]:
        """Read `count` octets at `offset`, in as many exchanges as the negotiated packets need.

        Returns fewer where the table ends.  Errors: as `read_table`.
        """
        table_id = arguments.whole("table_id", table_id, 0, 0xFFFF)
        _check_range(offset, count)
        return await transfer.read_range(self._session, table_id, offset, count)

    def stream_table(
        self, table_id: int, chunk_size: int | None = None, total_size: int | None = None
    ) -> TableStream:
        """Stream a large table, one offset read a chunk.

        `chunk_size` octets, at most and by default what one read can carry; `total_size` octets, by
        default those of the table's layout; where that is unknown, until the meter comes short or
        refuses, or `unknown_table_cap` octets came.
        """
        table_id = arguments.whole("table_id", table_id, 0, 0xFFFF)
        if chunk_size is not None:
            arguments.whole("chunk_size", chunk_size, 1, transfer.MAX_OFFSET)
        if total_size is not None:
            arguments.whole("total_size", total_size, 0, transfer.MAX_OFFSET + 1)
        return TableStream(self._session, self._tables, table_id, chunk_size, total_size)

    async def write_table(self, table_id: int, data: bytes) -> Result[None]:
        """Write a whole table, split by offset when it does not fit; nothing is ever sent twice.

        Errors: REFUSED read-only or no such table; SECURITY; STATE when table 7 would need splitting.
        """
        return await transfer.write_full(self._session, table_id, arguments.octets("data", data))

    async def write_table_offset(self, table_id: int, offset: int, data: bytes) -> Result[None]:
        """Write `data` into a table at `offset`, split to fit.  Errors: as `write_table`.

        A pending table's data begins with its event description (PED), which the offset does not count.
        """
        data = arguments.octets("data", data)
        _check_range(offset, len(data))
        return await transfer.write_range(self._session, table_id, offset, data)

    async def execute_standard_procedure(
        self, procedure_id: int, parameters: bytes = b""
    ) -> Result[ProcedureResponse]:
        """Run a standard procedure: write table 7, read table 8 until it is done.

        Errors: PROCEDURE the meter accepted it but did not finish in time, or its answer never came;
        others as `write_table`.  A procedure that ran and failed is an Ok: see `.result`.
        """
        return await self._procedures.execute(procedure_id, parameters, manufacturer=False)

    async def execute_manufacturer_procedure(
        self, procedure_id: int, parameters: bytes = b""
    ) -> Result[ProcedureResponse]:
        """Run a manufacturer procedure.  Errors: as `execute_standard_procedure`."""
        return await self._procedures.execute(procedure_id, parameters, manufacturer=True)

    async def read_default_table(self) -> Result[bytes]:
        """Read the table that the meter offers by default.  Errors: REFUSED where it has none."""
        return await transfer.read_with(self._session, ServiceRequest.read_default())

    async def read_table_index(self, table_id: int, indices: Sequence[int], count: int = 1) -> Result[bytes]:
        """Read `count` elements from the one that 1 to 9 `indices` lead to, in one service.

        Meters that follow C12.18-1996 count octets instead.  Errors: as `read_table`.
        """
        return await transfer.read_with(self._session, ServiceRequest.read_index(table_id, indices, count))

    async def write_table_index(self, table_id: int, indices: Sequence[int], data: bytes) -> Result[None]:
        """Write `data` from the element on that 1 to 9 `indices` lead to.  Errors: as `write_table`."""
        answer = await self._session.call(ServiceRequest.write_index(table_id, indices, data))
        return answer.map(lambda _: None)

    async def authenticate(self, key: bytes, key_id: int = 0) -> Result[None]:
        """Prove a DES key (8 octets) to a C12.21 meter, and let it prove the same.  This is no security.

        Errors: STATE the meter gave no ticket when it was identified; SECURITY either proof failed.
        Raises: ValueError for a key of another size.
        """
        ticket = self.identification.ticket if self.identification else None
        if ticket is None or len(ticket) != BLOCK_SIZE:
            message = "the meter's identification carries no ticket to encipher: it does not ask for this"
            return Err(MeterError(ErrorKind.STATE, message, where="authenticate"))
        request = authenticate_request(key, key_id, ticket)
        answer = await self._session.call(ServiceRequest.authenticate(request))
        if isinstance(answer, Err):
            return answer
        refused = refuse_response(key, request, answer.value)
        return Err(refused) if refused else Ok(None)

    async def wait(self, seconds: int) -> Result[None]:
        """Ask the meter to keep the session without traffic for `seconds` (1..255), once.

        Keep-alive does this by itself.  Errors: REFUSED where the meter knows no Wait.
        Raises: ValueError outside 1..255.
        """
        arguments.whole("seconds", seconds, 1, 255)
        answer = await self._session.call(ServiceRequest.wait(seconds))
        return answer.map(lambda _: None)

    async def read(self, table: type[T]) -> Result[T]:
        """Read a table by its class and return it decoded.

        The tables its dimensions come from are read by themselves, once a session.
        Errors: as `read_table`; DECODE octets that do not fit the declaration, naming the field.
        """
        check_table(table)
        return await self._tables.read(table)

    async def decode(self, data: TableData) -> Result[Table | None]:
        """Return the record in a table's octets, by the registry's declaration of its number.

        None without a declaration; the OSGP guide's extended tables are declared on OSGP meters only.  A
        pending table's record has its event description as `event` and the rest as `data`.
        Errors: DECODE octets that do not fit; as `read` for the tables that the shape hangs on.
        """
        if not isinstance(data, TableData):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"what read_table returned expected, or TableData(number, octets), not {data!r}")
        return await self._tables.decode(data)

    # Readings: each reads only the tables it needs, dimension tables once a session.  Errors of each: as
    # `read_table`; DECODE for octets that do not fit.  A single value that is none is marked instead.
    async def identity(self) -> Result[readings.MeterIdentity]:
        """Tell who the meter is; what it withholds is None, with the reason.

        Errors: those that end the session.
        """
        return await readings.read_identity(self._tables)

    async def registers(self, energy_register_unit: int = 1) -> Result[readings.Registers]:
        """Read the billing registers (ST23) with names and units: totals, then tiers.

        `energy_register_unit`: 1, 10 or 100, what an OSGP meter with transformers counts Wh and varh in
        (ET55).  Errors: STATE for 10 or 100 on a meter that cannot have it.  Raises: ValueError for others.
        """
        return await readings.read_registers(self._tables, energy_register_unit)

    async def self_reads(
        self, since: datetime | None = None, energy_register_unit: int = 1
    ) -> Result[tuple[readings.SelfReading, ...]]:
        """Read the registers as they were at set times (ST26), oldest first.

        `since`: a naive datetime, as the self reads' own.  Raises: ValueError for an aware one.
        """
        return await readings.read_self_reads(self._tables, since, energy_register_unit)

    async def instantaneous(self) -> Result[tuple[readings.PresentReading, ...]]:
        """Read what the meter measures now (ST28): power, current, voltage and so on."""
        return await readings.read_instantaneous(self._tables)

    async def events(self, since: datetime | None = None) -> Result[readings.EventsReading]:
        """Read the logs (BT74 and, from OSGP firmware 3.70 on, ET79; ST74 and ST76), oldest event first.

        `since`: aware for OSGP meters, whose times are UTC; naive for others.  Events without a valid time
        stay in.  Errors: STATE for a `since` of the other kind.
        """
        return await readings.read_events(self._tables, since)

    async def alarms(self) -> Result[tuple[Alarm, ...]]:
        """Read what the meter can complain of (ST3), and whether it does."""
        return await readings.read_alarms(self._tables)

    async def mbus(self) -> Result[readings.MbusReadings]:
        """Read what M-Bus and MEP devices last said to an OSGP meter (ET16).

        Errors: STATE on any other meter.
        """
        return await readings.read_mbus(self._tables)

    async def clock(self, utc_offset: timedelta | None = None) -> Result[ClockReading]:
        """Read the meter's clock (ST52), in UTC where the meter tells how far it is from it.

        `utc_offset`: local time less UTC, for meters that do not tell.
        """
        return await readings.read_the_clock(self._tables, utc_offset)

    def load_profile(
        self, data_set: int = 1, since: datetime | None = None, until: datetime | None = None
    ) -> LoadProfileStream:
        """Stream a load profile (BT64..BT67), oldest interval first, as `Result[LoadProfileRow]`.

        `data_set` 1..4.  Intervals that end after `since`, and at or before `until` (aware datetimes);
        only blocks that can hold them are read.  `since=row.end_time` goes on after a row.
        """
        data_set = arguments.whole("data_set", data_set, 1, 4)
        for name, limit in (("since", since), ("until", until)):
            if limit is not None and arguments.moment(name, limit).utcoffset() is None:
                raise ValueError(f"{name} {limit}: an aware datetime is expected, such as {limit}+00:00")
        return LoadProfileStream(self._session, self._tables, data_set, since, until)


def _check_range(offset: int, count: int) -> None:
    arguments.whole("offset", offset, 0, transfer.MAX_OFFSET + 1)
    arguments.whole("count", count, 0, transfer.MAX_OFFSET + 1)
    if offset + count > transfer.MAX_OFFSET + 1:
        raise ValueError(f"offset {offset}, count {count}: offsets have 24 bits and start at 0")
