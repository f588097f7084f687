"""Tables of one session: octets fetched whole, dimension tables read once, the rest decoded with them."""

from __future__ import annotations

import logging
from typing import TypeVar

from meterkit.codec.layout import Context, Record
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.psem import transfer
from meterkit.psem.codes import ResponseCode
from meterkit.psem.session import PsemSession
from meterkit.psem.tables import (
    GenConfig,
    GeneralMfgId,
    Table,
    TableData,
    TableRegistry,
    context_for,
    is_osgp,
    pending,
)
from meterkit.psem.tables.names import MANUFACTURER, PENDING
from meterkit.psem.tables.registry import BUILT_IN
from meterkit.psem.tables.substitutes import SUBSTITUTES
from meterkit.psem.transfer import Progress
from meterkit.result import Err, Ok, Result

T = TypeVar("T", bound=Table)

_GUIDES = frozenset(table for table in BUILT_IN if table.number & MANUFACTURER)  # mean it on OSGP meters only
# How meters refuse a table that they lack; a key without clearance for it is told apart.
_NO_SUCH_TABLE = (ResponseCode.INAPPROPRIATE_ACTION_REQUESTED, ResponseCode.OPERATION_NOT_POSSIBLE)
_NOT_FOR_US = (
    ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE,
    ResponseCode.SERVICE_NOT_SUPPORTED,
    ResponseCode.DATA_LOCKED,
)

_log = logging.getLogger("meterkit.table")


class TableCache:
    """What one session has learnt of its meter's tables."""

    def __init__(self, session: PsemSession, registry: TableRegistry) -> None:
        self._session = session
        self._registry = registry
        self._known: dict[type[Record], Record] = {}
        self._missing: set[type[Table]] = set()  # tables that this meter said it lacks
        self._config_refused: Err | None = None

    def forget(self) -> None:
        """Start a new session: the next meter, or the next configuration, may differ."""
        self._known.clear()
        self._missing.clear()
        self._config_refused = None

    @property
    def context(self) -> Context:
        """Everything known so far, for resolving layouts."""
        return context_for(self._known.values())

    async def byte_order(self) -> Result[str]:
        """Return the order of the meter's multi-octet integers, "<" or ">", from ST0 octet 0."""
        config = await self._learn_config()
        return Ok(self.context.byte_order) if config is None else config

    @property
    def max_response_size(self) -> int:
        """The most octets that ST0 lets a procedure's answer in ST8 have, its head not counted."""
        config = self._known.get(GenConfig)
        return config.max_resp_data_len if isinstance(config, GenConfig) else 255

    async def once(self, table: type[T]) -> Result[T]:
        """Return `table` as read earlier in this session, reading it if it never was.

        On a meter without an actual dimension table, what the limiting table says as if it had been the
        other (BT20 for BT21, BT70 for BT71).
        """
        known = self._known.get(table)
        if isinstance(known, table):
            return Ok(known)
        read = await self.read(table)
        if isinstance(read, Err) and is_missing(read.error):
            return await self._substitute(table, read)
        return read

    async def _substitute(self, table: type[T], refused: Err) -> Result[T]:
        """Return `table` made of the one that stands in for it, or `refused`."""
        substitute = SUBSTITUTES.get(table)
        if substitute is None:
            return refused
        dimension = await self.read(substitute.table)
        if isinstance(dimension, Err):
            return refused if is_withheld(dimension.error) else dimension
        record = substitute.taken_for(dimension.value)
        assert isinstance(record, table)
        _log.debug(
            "%s: %s stands in for %s", self._session.transport.name, substitute.table.label(), table.label()
        )
        self._known[table] = record
        return Ok(record)

    async def optional(self, table: type[T], *, anew: bool = False) -> Result[T | None]:
        """Return `table` as `once` does, or None where the meter lacks it or keeps it from this key.

        `anew`: read it now, for a table that changes.  ST0 is believed; of a table that was refused as
        missing the meter is asked once a session.
        """
        await self._learn_config()
        config = self._known.get(GenConfig)
        if (
            isinstance(config, GenConfig)
            and table not in SUBSTITUTES
            and config.has_table(table.number) is False
        ):
            return Ok(None)
        if table in self._missing:
            return Ok(None)
        read = await (self.read(table) if anew else self.once(table))
        if isinstance(read, Err) and is_withheld(read.error):
            if is_missing(read.error):
                self._missing.add(table)
            return Ok(None)
        return read

    async def read(self, table: type[T]) -> Result[T]:
        """Read `table` now, after the tables it needs.  Errors: see `PsemClient.read`."""
        prepared = await self.prepare(table)
        if isinstance(prepared, Err):
            return prepared
        try:
            layout = table.resolve(self.context)  # of impossible dimensions, before octets are asked for
            octets = await self.fetch(table.number)
            if isinstance(octets, Err):
                return octets
            record = layout.decode(octets.value)
        except ProtocolFault as misfit:
            return Err(misfit.error)
        _log.debug("%s: %s, %d octets", self._session.transport.name, table.label(), len(octets.value))
        self._known[table] = record
        return Ok(record)

    async def decode(self, data: TableData) -> Result[Table | None]:
        """Return the record in a table's octets.  Errors: see `PsemClient.decode`."""
        await self._learn_config()
        table = self.declaration(data.table_id)
        if table is None:
            return Ok(None)
        prepared = await self.prepare(table)
        if isinstance(prepared, Err):
            return prepared
        try:
            return Ok(table.resolve(self.context).decode(data.data))
        except ProtocolFault as misfit:
            return Err(misfit.error)

    async def prepare(self, table: type[Table]) -> Result[None]:
        """Read, once a session, every table that `table` takes its shape from."""
        if table is not GenConfig:
            config = await self._learn_config()
            if config is not None and (config.error.has_ended_session or GenConfig in table.needs()):
                return Err(config.error.at(f"needed for {table.label()}"))
        if table.grows():
            await self.optional(GeneralMfgId)  # firmware tells the edition; without it the octets do
        for needed in sorted(table.needs(), key=lambda need: need.number):
            read = await self.once(needed)
            if isinstance(read, Err):
                return Err(read.error.at(f"needed for {table.label()}"))
        return Ok(None)

    async def _learn_config(self) -> Err | None:
        """Read ST0 once a session: octet order and formats hold for every table.  Return why not."""
        if GenConfig in self._known or self._config_refused is not None:
            return self._config_refused
        read = await self.read(GenConfig)
        if isinstance(read, Err):
            self._config_refused = None if read.error.has_ended_session else read
            return read
        return None

    async def fetch(self, table_id: int, progress: Progress | None = None) -> Result[bytes]:
        """Read a table's octets whole: in one service if it fits, else by offset.

        Errors: see `PsemClient.read_table`.
        """
        size = self._size(table_id)
        refused: Err | None = None
        if size is None or size <= transfer.piece_capacity(self._session, table_id):
            octets = await transfer.read_full(self._session, table_id)
            if isinstance(octets, Ok):
                if progress is not None:
                    progress(len(octets.value), len(octets.value))
                return octets
            if not transfer.is_worth_offsets(octets.error):
                return octets
            refused = octets
            size = await self.find_size(table_id)
        octets = await self._fetch_in_pieces(table_id, size, progress)
        if isinstance(octets, Err) and refused is not None and octets.error.code == refused.error.code:
            return refused  # asked either way, the meter refuses alike: tell of the plain question
        return octets

    async def _fetch_in_pieces(
        self, table_id: int, size: int | None, progress: Progress | None
    ) -> Result[bytes]:
        ped = b""
        if transfer.ped_size(table_id):
            head = await transfer.read_ped(self._session, table_id)
            if isinstance(head, Err):
                return head
            ped = head.value
        if size is not None:
            octets = await transfer.read_range(self._session, table_id, 0, size, progress)
        else:
            cap = self._session.options.unknown_table_cap
            octets = await transfer.read_to_the_end(self._session, table_id, cap, progress)
        return octets.map(lambda data: ped + data)

    def declaration(self, table_id: int) -> type[Table] | None:
        """Return a table's declaration, a pending table's with its event description in front.

        The guide's extended tables are declared on OSGP meters only, as far as ST0 tells.
        """
        table = self._declared(table_id)
        if table is None or not table_id & PENDING:
            return table
        if table is GenConfig:  # it tells how its own event description reads: nobody could
            return None
        return pending(table)  # type: ignore[arg-type]  # a class is hashable, whatever its records are

    def _declared(self, table_id: int) -> type[Table] | None:
        """Return a table's declaration; a pending table has that of the one it will replace."""
        table = self._registry.get(table_id & ~PENDING)
        if table in _GUIDES:
            config = self._known.get(GenConfig)
            if isinstance(config, GenConfig) and config.manufacturer and not is_osgp(config):
                return None
        return table

    def _size(self, table_id: int) -> int | None:
        """Return a table's octets if its layout follows from what is known already."""
        table = self._declared(table_id)
        if table is None or not table.needs() <= self._known.keys():
            return None
        try:
            return table.resolve(self.context).size
        except ProtocolFault:
            return None

    async def find_size(self, table_id: int) -> int | None:
        """Return a table's octets, reading what its layout needs: other tables, or its own beginning."""
        table = self._declared(table_id)
        if table is None or isinstance(await self.prepare(table), Err):
            return None
        try:
            layout = table.resolve(self.context)
        except ProtocolFault:
            return None
        if layout.size is not None:
            return layout.size
        head = await transfer.read_range(self._session, table_id, 0, layout.minimum_size)
        if isinstance(head, Err) or len(head.value) < layout.minimum_size:
            return None
        try:
            return layout.size_from(head.value)
        except ProtocolFault:
            return None


def is_missing(error: MeterError) -> bool:
    """Tell whether a meter refused a table as one it does not have."""
    return error.kind is ErrorKind.REFUSED and error.code in _NO_SUCH_TABLE


def is_withheld(error: MeterError) -> bool:
    """Tell whether a meter lacks a table or keeps it from this key; the session goes on."""
    is_refusal = error.kind in (ErrorKind.REFUSED, ErrorKind.SECURITY)
    return is_refusal and error.code in (*_NO_SUCH_TABLE, *_NOT_FOR_US) and not error.has_ended_session
