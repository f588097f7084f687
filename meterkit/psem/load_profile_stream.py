"""LoadProfileStream: BT64..BT67 as rows, oldest first, while the meter goes on recording.

The blocks form a ring.  BT63 tells which is the newest and its sequence number; it is read before the
first block and again after each one, so that a block which the meter overwrote while it was being
read is noticed and never handed out.

        last_block = 1 --v           sequence  40 41 | 38 39     nbr_blks 4
                   [ 40 | 41 | 38 | 39 ]       reading order: 38 39 40 41
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TypeVar

from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.psem import transfer
from meterkit.psem.session import PsemSession
from meterkit.psem.table_cache import TableCache
from meterkit.psem.tables import ActLp, LpCtrl, LpInternalConfig, LpStatus
from meterkit.psem.tables.load_profile import LoadProfileGeometry, LoadProfileRow, LpStatusSet
from meterkit.result import Err, Ok, Result
from meterkit.session.stream import ResultStream

T = TypeVar("T")

SEQUENCES = 1 << 32  # BT63's block sequence number is a UINT32 and wraps


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
        self._rows: deque[LoadProfileRow] = deque()
        self._sequences: deque[int] = deque()  # of the blocks still to read, oldest first
        self._status: LpStatusSet | None = None
        self._has_begun = False  # a row was handed out, so that the next one must follow it

    async def _next(self) -> Result[LoadProfileRow] | None:
        try:
            if self.geometry is None:
                await self._begin()
            while not self._rows:
                if not self._sequences:
                    return None
                await self._read_block(self._sequences.popleft())
        except ProtocolFault as failed:
            return Err(failed.error.at(f"load profile {self.data_set}"))
        row = self._rows.popleft()
        self.position = row.end_time
        self._has_begun = True
        return Ok(row)

    async def _begin(self) -> None:
        for table in (ActLp, LpCtrl):
            _value(await self._tables.once(table))
        status = await self._read_status()
        internal = await self._internal_config()
        geometry = LoadProfileGeometry.build(self._tables.context, self.data_set, internal)
        valid = min(status.nbr_valid_blocks, geometry.nbr_blks)
        sequences = [(status.last_block_seq_nbr - age) % SEQUENCES for age in range(valid - 1, -1, -1)]
        self.geometry = geometry
        self._sequences.extend(sequences[await self._first_wanted(sequences) :])
        self.blocks_total = len(self._sequences)

    async def _internal_config(self) -> LpInternalConfig | None:
        """Read ET21; None where the meter has none, or keeps it from this key (guide: MK and PK only)."""
        read = await self._tables.read(LpInternalConfig)
        if isinstance(read, Ok):
            return read.value
        if read.error.kind in (ErrorKind.REFUSED, ErrorKind.SECURITY):
            return None
        raise ProtocolFault(read.error)

    async def _read_status(self) -> LpStatusSet:
        """Read BT63 now; it moves while the meter records."""
        status = _value(await self._tables.read(LpStatus))
        self._status = _supported(status.data_set(self.data_set))
        return self._status

    async def _first_wanted(self, sequences: list[int]) -> int:
        """Return the position of the first block that ends after `since`, by bisection of end times."""
        low, high = 0, len(sequences)
        while self.since is not None and low < high:
            middle = (low + high) // 2
            ends = await self._end_time(sequences[middle])
            if ends is not None and ends <= self.since:
                low = middle + 1
            else:  # a block without a valid time may hold anything: do not leave it out
                high = middle
        return low

    async def _end_time(self, sequence: int) -> datetime | None:
        geometry = self._known_geometry()
        octets = await self._octets(self._index(sequence), 0, geometry.header_size)
        return geometry.decode_header(octets).end_time

    async def _read_block(self, sequence: int) -> None:
        """Read one block, make sure that it is still the same one, and queue its wanted rows."""
        geometry, status = self._known_geometry(), self._current_status()
        if self._is_gone(sequence):
            self.blocks_total -= 1
            return
        block = self._index(sequence)
        is_newest = sequence == status.last_block_seq_nbr
        count = min(status.nbr_valid_int, geometry.nbr_blk_ints) if is_newest else geometry.nbr_blk_ints
        octets = await self._octets(block, 0, geometry.interval_offset(count))
        last = geometry.decode_header(octets).last_interval
        if last is not None and last >= count:  # it grew after BT63 was read
            start = geometry.interval_offset(count)
            octets += await self._octets(block, start, geometry.interval_offset(last + 1) - start)
        await self._read_status()
        if self._is_gone(sequence):
            self.blocks_total -= 1
            return
        self.blocks_done += 1
        self._queue(geometry.decode_rows(octets, block=block, sequence=sequence, valid_intervals=count))

    def _queue(self, rows: list[LoadProfileRow]) -> None:
        since, until = self.since, self.until
        if since is not None and rows and rows[0].end_time <= since:
            rows = [row for row in rows if row.end_time > since]
        if until is not None and rows and rows[-1].end_time >= until:
            rows = [row for row in rows if row.end_time <= until]
            self._sequences.clear()
        self._rows.extend(rows)

    def _is_gone(self, sequence: int) -> bool:
        """Tell whether the meter has overwritten a block that nobody misses yet: no row came before it.

        Errors: ProtocolFault (PROTOCOL) when rows were handed out and this block should go on from them.
        """
        geometry, status = self._known_geometry(), self._current_status()
        if self._age(sequence) < min(geometry.nbr_blks, status.nbr_valid_blocks):
            return False
        if not self._has_begun:
            return True
        raise fault(
            ErrorKind.PROTOCOL,
            f"block {sequence} was overwritten or cleared while it was being read: the meter's newest is "
            f"{status.last_block_seq_nbr}, with {status.nbr_valid_blocks} of {geometry.nbr_blks} valid; "
            f"rows after {self.position} are lost up to the oldest block: go on with since={self.position}",
            where="BT63 last_block_seq_nbr",
        )

    def _age(self, sequence: int) -> int:
        """Return by how many blocks `sequence` is older than the newest."""
        return (self._current_status().last_block_seq_nbr - sequence) % SEQUENCES

    def _index(self, sequence: int) -> int:
        """Return where in the ring block `sequence` lies, by the newest BT63."""
        geometry, status = self._known_geometry(), self._current_status()
        age = self._age(sequence)
        # Block order 0: an earlier element is older; 1: the other way round (C12.19 table 63).
        step = age if status.block_order else -age
        return (status.last_block_element + step) % geometry.nbr_blks

    async def _octets(self, block: int, offset: int, count: int) -> bytes:
        geometry = self._known_geometry()
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

    def _known_geometry(self) -> LoadProfileGeometry:
        assert self.geometry is not None
        return self.geometry

    def _current_status(self) -> LpStatusSet:
        assert self._status is not None
        return self._status


def _supported(status: LpStatusSet) -> LpStatusSet:
    if status.interval_order:
        message = "intervals in descending order: no meter is known to record so, and none was seen"
        raise fault(ErrorKind.DECODE, message, where="BT63 interval_order")
    return status


def _value(result: Result[T]) -> T:
    if isinstance(result, Err):
        raise ProtocolFault(result.error)
    return result.value
