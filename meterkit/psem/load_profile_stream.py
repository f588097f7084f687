"""LoadProfileStream: BT64..BT67 as rows, oldest first, while the meter goes on recording.

The blocks form a ring.  BT63 tells which is the newest and its sequence number; it is read before the
first block and again after each one, so that a block which the meter overwrote while it was being
read is noticed and never handed out.

        last_block = 1 --v           sequence  40 41 | 38 39     nbr_blks 4
                   [ 40 | 41 | 38 | 39 ]       reading order: 38 39 40 41

A cancelled read changes nothing here: the next one begins where this one did.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TypeVar

from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.psem import transfer
from meterkit.psem.codes import ResponseCode
from meterkit.psem.session import PsemSession
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import ActLp, GenConfig, LpCtrl, LpInternalConfig, LpStatus
from meterkit.psem.tables.load_profile import BlockHeader, LoadProfileGeometry, LoadProfileRow, LpStatusSet
from meterkit.result import Err, Ok, Result
from meterkit.session.stream import ResultStream

T = TypeVar("T")

# How meters refuse a table they lack or keep from this key; "busy" is none of these.
_NOT_THERE = (
    ResponseCode.INAPPROPRIATE_ACTION_REQUESTED,
    ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE,
    ResponseCode.OPERATION_NOT_POSSIBLE,
    ResponseCode.SERVICE_NOT_SUPPORTED,
)
_OSGP_MAKERS = ("NES", "ELON")  # OSGP guide, BT00: only their MT21 is sure to be ET21
SEQUENCES = 1 << 32  # BT63's block sequence number is a UINT32 and wraps
ATTEMPTS = 5  # at a newest block that the meter extends while it is read in more than one piece


class LoadProfileStream(ResultStream[LoadProfileRow]):
    """The intervals of one data set in time order.

    `position` is the end time of the last row handed out: pass it as `since` to go on from there.
    `geometry`, `blocks_total` and `blocks_done` are set once the first row was asked for.
    """

    def __init__(
        self,
        session: PsemSession,
        tables: TableCache,
        data_set: int,
        since: datetime | None,
        until: datetime | None,
    ) -> None:
        super().__init__()
        self.data_set = data_set
        self.since = since
        self.until = until
        self.position: datetime | None = since
        self.geometry: LoadProfileGeometry | None = None
        self.blocks_total = 0  #: blocks that may hold wanted rows
        self.blocks_done = 0
        self._session = session
        self._tables = tables
        self._ring: _Ring | None = None
        self._rows: deque[LoadProfileRow] = deque()
        self._sequences: deque[int] = deque()  # of the blocks still to read, oldest first
        self._has_begun = False  # a row was handed out, so that the next one must follow it

    async def _next(self) -> Result[LoadProfileRow] | None:
        try:
            ring = self._ring or await self._begin()
            while not self._rows:
                if not self._sequences:
                    return None
                await self._take_block(ring, self._sequences[0])
        except ProtocolFault as failed:
            return Err(failed.error.at(f"load profile {self.data_set}"))
        row = self._rows.popleft()
        self.position = row.end_time
        self._has_begun = True
        return Ok(row)

    async def _begin(self) -> _Ring:
        tables = self._tables
        for table in (GenConfig, ActLp, LpCtrl):
            _value(await tables.once(table))
        ring = _Ring(self._session, tables, await self._find_geometry())
        await ring.look()
        sequences = ring.sequences()
        first = 0 if self.since is None else await ring.first_ending_after(self.since, sequences)
        self.geometry, self._ring = ring.geometry, ring
        self._sequences.extend(sequences[first:])
        self.blocks_total = len(self._sequences)
        return ring

    async def _find_geometry(self) -> LoadProfileGeometry:
        """Build the geometry, with ET21 where the meter has it and gives it (guide: MK and PK only)."""
        read = await self._tables.read(LpInternalConfig)
        if isinstance(read, Err) and read.error.code in _NOT_THERE:
            return LoadProfileGeometry.build(self._tables.context, self.data_set)
        config = _value(await self._tables.once(GenConfig))
        try:
            return LoadProfileGeometry.build(self._tables.context, self.data_set, _value(read))
        except ProtocolFault as misfit:
            if misfit.error.kind is not ErrorKind.DECODE or config.manufacturer in _OSGP_MAKERS:
                raise
        # Another maker's MT21 is another table.
        return LoadProfileGeometry.build(self._tables.context, self.data_set)

    async def _take_block(self, ring: _Ring, sequence: int) -> None:
        """Read one block, and queue its wanted rows unless it was overwritten before anybody missed it."""
        rows = await ring.rows(sequence)
        if rows is None and self._has_begun:
            raise ring.overwritten(sequence, self.position)
        since, until = self.since, self.until
        is_last = False
        if rows and until is not None and rows[-1].end_time >= until:
            is_last = await ring.is_newest_after(rows[-1].end_time)
        # From here on nothing waits, so nothing can be cancelled half done.
        self._sequences.popleft()
        if rows is None:
            self.blocks_total -= 1
            return
        self.blocks_done += 1
        self._rows.extend(
            row
            for row in rows
            if (since is None or row.end_time > since) and (until is None or row.end_time <= until)
        )
        if is_last:
            self.blocks_total -= len(self._sequences)
            self._sequences.clear()


class _Ring:
    """The blocks of one data set, and what BT63 last said of them."""

    def __init__(self, session: PsemSession, tables: TableCache, geometry: LoadProfileGeometry) -> None:
        self.geometry = geometry
        self.status: LpStatusSet
        self._session = session
        self._tables = tables

    async def look(self) -> LpStatusSet:
        """Read BT63 now; it moves while the meter records."""
        status = _value(await self._tables.read(LpStatus)).data_set(self.geometry.data_set)
        if status.interval_order:
            message = "intervals in descending order: no meter is known to record so, and none was seen"
            raise fault(ErrorKind.DECODE, message, where="BT63 interval_order")
        self.status = status
        return status

    def sequences(self) -> list[int]:
        """Return the sequence numbers of the valid blocks, oldest first."""
        newest = self.status.last_block_seq_nbr
        return [(newest - age) % SEQUENCES for age in range(self._held - 1, -1, -1)]

    @property
    def _held(self) -> int:
        return min(self.status.nbr_valid_blocks, self.geometry.nbr_blks)

    def age(self, sequence: int) -> int:
        """Return by how many blocks `sequence` is older than the newest."""
        return (self.status.last_block_seq_nbr - sequence) % SEQUENCES

    async def first_ending_after(self, time: datetime, sequences: list[int]) -> int:
        """Return the position of the first block that ends after `time`, by bisection of end times.

        A clock that was set may have left times that do not ascend.  Where the blocks looked at show
        it, all are looked at.
        """
        seen: dict[int, datetime | None] = {}

        async def ends_after(position: int) -> bool:
            if position not in seen:
                seen[position] = (await self.header(sequences[position])).end_time
            ends = seen[position]
            return ends is None or ends > time  # without a valid time it may hold anything

        low, high = 0, len(sequences)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if await ends_after(middle) else (middle + 1, high)
        for position in (0, len(sequences) - 1):
            if sequences:
                await ends_after(position)
        times = [ends for _, ends in sorted(seen.items()) if ends is not None]
        if times == sorted(times):
            return low
        for position in range(len(sequences)):
            if await ends_after(position):
                return position
        return len(sequences)

    async def is_newest_after(self, time: datetime) -> bool:
        """Tell whether the newest block ends at `time` or later, so that no block to come ends before."""
        ends = (await self.header(self.status.last_block_seq_nbr)).end_time
        return ends is not None and ends >= time

    async def header(self, sequence: int) -> BlockHeader:
        """Read the header of a block."""
        geometry = self.geometry
        return geometry.decode_header(await self._octets(self._index(sequence), 0, geometry.header_size))

    async def rows(self, sequence: int) -> list[LoadProfileRow] | None:
        """Read one block; None if the meter has overwritten or cleared it by now."""
        for _ in range(ATTEMPTS):
            before = self.status
            if self.age(sequence) >= self._held:
                return None
            block, is_newest = self._index(sequence), not self.age(sequence)
            octets, count = await self._read(block, is_newest)
            after = await self.look()
            if self.age(sequence) >= self._held:
                return None
            if not is_newest or after == before or self._is_read_in_one_piece():
                return self.geometry.decode_rows(
                    octets, block=block, sequence=sequence, valid_intervals=count
                )
        message = (
            f"the meter extended its newest block in each of {ATTEMPTS} attempts to read it: "
            f"the line is too slow for its intervals"
        )
        raise fault(ErrorKind.STATE, message, where=f"BT{self.geometry.table_id} block {sequence}")

    def _is_read_in_one_piece(self) -> bool:
        """Tell whether end time and simple status come in one answer, and so tell of the same moment."""
        geometry = self.geometry
        capacity = transfer.piece_capacity(self._session, geometry.table_id)
        return bool(geometry.places.status_size) and geometry.header_size <= capacity

    async def _read(self, block: int, is_newest: bool) -> tuple[bytes, int]:
        """Return a block's octets, up to the last interval recorded, and how many intervals BT63 counts."""
        geometry = self.geometry
        whole = geometry.nbr_blk_ints
        count = min(self.status.nbr_valid_int, whole) if is_newest else whole
        octets = await self._octets(block, 0, geometry.interval_offset(count))
        last = geometry.decode_header(octets).last_interval
        if last is not None and last >= count:  # it grew after BT63 was read
            start = geometry.interval_offset(count)
            octets += await self._octets(block, start, geometry.interval_offset(last + 1) - start)
        return octets, count

    def _index(self, sequence: int) -> int:
        """Return where in the ring a block lies."""
        # Block order 0: an earlier element is older; 1: the other way round (C12.19 table 63).
        age = self.age(sequence)
        step = age if self.status.block_order else -age
        return (self.status.last_block_element + step) % self.geometry.nbr_blks

    async def _octets(self, block: int, offset: int, count: int) -> bytes:
        geometry = self.geometry
        start = geometry.block_offset(block) + offset
        octets = _value(await transfer.read_range(self._session, geometry.table_id, start, count))
        if len(octets) < count:
            raise fault(
                ErrorKind.DECODE,
                f"{count} octets expected at offset {start}, {len(octets)} read: the table is shorter than "
                f"its dimensions in BT61 say",
                where=f"BT{geometry.table_id} block {block}",
            )
        return octets

    def overwritten(self, sequence: int, position: datetime | None) -> ProtocolFault:
        """Return the error of a block that should have gone on from rows already handed out."""
        status = self.status
        return fault(
            ErrorKind.STATE,
            f"block {sequence} was overwritten or cleared while it was being read: the meter's newest is "
            f"{status.last_block_seq_nbr}, with {status.nbr_valid_blocks} of {self.geometry.nbr_blks} valid; "
            f"rows after {position} are lost up to the oldest block: go on with since={position}",
            where="BT63 last_block_seq_nbr",
        )


def _value(result: Result[T]) -> T:
    if isinstance(result, Err):
        raise ProtocolFault(result.error)
    return result.value
