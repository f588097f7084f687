"""TableStream: a large table, one offset read a chunk."""

from __future__ import annotations

from meterkit.psem.session import PsemSession
from meterkit.psem.table_cache import TableCache
from meterkit.psem.transfer import piece_capacity, read_next, read_piece
from meterkit.result import Err, Result
from meterkit.session.stream import ResultStream


class TableStream(ResultStream[bytes]):
    """The octets of one table in order, a chunk an item.

    `position` is the offset of the next octet.  The stream ends at `total_size`, or where nothing more
    comes; without a total also where a chunk comes short or the meter refuses an offset past the first.
    """

    def __init__(
        self,
        session: PsemSession,
        tables: TableCache,
        table_id: int,
        chunk_size: int | None,
        total_size: int | None,
    ) -> None:
        super().__init__()
        self.table_id = table_id
        self.chunk_size = chunk_size  #: octets
        self.total_size = total_size  #: octets; where not given, the layout's once reading has begun
        self.position = 0  #: octets
        self._session = session
        self._tables = tables
        self._came_short = False

    async def _next(self) -> Result[bytes] | None:
        if self.total_size is None and not self.position:
            self.total_size = await self._tables.find_size(self.table_id)
        end = self._session.options.unknown_table_cap if self.total_size is None else self.total_size
        if self._came_short or self.position >= end:
            return None
        size = piece_capacity(self._session, self.table_id)
        if self.chunk_size is not None:
            size = min(size, self.chunk_size)
        size = min(size, end - self.position)
        read = read_next if self.position and self.total_size is None else read_piece
        chunk = await read(self._session, self.table_id, self.position, size)
        if isinstance(chunk, Err):
            return chunk
        self.position += len(chunk.value)
        self._came_short = len(chunk.value) < size and self.total_size is None
        return chunk if chunk.value else None
