"""Tables of one session: octets fetched whole, dimension tables read once, the rest decoded with them."""

from __future__ import annotations

import logging
from typing import TypeVar

from meterkit.codec.layout import Context, Record
from meterkit.errors import ProtocolFault
from meterkit.psem import transfer
from meterkit.psem.session import PsemSession
from meterkit.psem.tables import GenConfig, GeneralMfgId, Table, TableRegistry, context_for
from meterkit.psem.tables.names import PENDING
from meterkit.psem.transfer import Progress
from meterkit.result import Err, Ok, Result

T = TypeVar("T", bound=Table)

_log = logging.getLogger("meterkit.table")


class TableCache:
    """What one session has learnt of its meter's tables."""

    def __init__(self, session: PsemSession, registry: TableRegistry) -> None:
        self._session = session
        self._registry = registry
        self._known: dict[type[Record], Record] = {}
        self._config_refused: Err | None = None

    def forget(self) -> None:
        """Start a new session: the next meter, or the next configuration, may differ."""
        self._known.clear()
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
        """Return `table` as read earlier in this session, reading it if it never was."""
        known = self._known.get(table)
        if isinstance(known, table):
            return Ok(known)
        return await self.read(table)

    async def read(self, table: type[T]) -> Result[T]:
        """Read `table` now, after the tables it needs.  Errors: see `PsemClient.read`."""
        prepared = await self.prepare(table)
        if isinstance(prepared, Err):
            return prepared
        octets = await self.fetch(table.number)
        if isinstance(octets, Err):
            return octets
        try:
            record = table.resolve(self.context).decode(octets.value)
        except ProtocolFault as misfit:
            return Err(misfit.error)
        _log.debug("%s: %s, %d octets", self._session.transport.name, table.label(), len(octets.value))
        self._known[table] = record
        return Ok(record)

    async def prepare(self, table: type[Table]) -> Result[None]:
        """Read, once a session, every table that `table` takes its shape from."""
        if table is not GenConfig:
            config = await self._learn_config()
            if config is not None and (config.error.has_ended_session or GenConfig in table.needs()):
                return Err(config.error.at(f"needed for {table.label()}"))
        if table.grows() and GeneralMfgId not in self._known:
            await self.read(GeneralMfgId)  # firmware tells the edition; without it the octets do
        for needed in sorted(table.needs(), key=lambda need: need.number):
            if needed not in self._known:
                read = await self.read(needed)
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
            size = await self._find_size(table_id)
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

    def _declared(self, table_id: int) -> type[Table] | None:
        """Return a table's declaration; a pending table has that of the one it will replace."""
        return self._registry.get(table_id & ~PENDING)

    def _size(self, table_id: int) -> int | None:
        """Return a table's octets if its layout follows from what is known already."""
        table = self._declared(table_id)
        if table is None or not table.needs() <= self._known.keys():
            return None
        try:
            return table.resolve(self.context).size
        except ProtocolFault:
            return None

    async def _find_size(self, table_id: int) -> int | None:
        """Return a table's octets, reading what its layout needs: other tables, or its own beginning."""
        table = self._declared(table_id)
        if table is None or isinstance(await self.prepare(table), Err):
            return None
        layout = table.resolve(self.context)
        if layout.size is not None:
            return layout.size
        head = await transfer.read_range(self._session, table_id, 0, layout.minimum_size)
        if isinstance(head, Err) or len(head.value) < layout.minimum_size:
            return None
        try:
            return layout.size_from(head.value)
        except ProtocolFault:
            return None
