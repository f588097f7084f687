"""TableStream: a large table, one offset read a chunk."""

from __future__ import annotations

from meterkit.psem.session import PsemSession
from meterkit.psem.transfer import read_next, read_piece
from meterkit.result import Err, Result
from meterkit.session.stream import ResultStream


class TableStream(ResultStream[bytes]):
    """The octets of one table in order, a chunk an item.

    `position` is the offset of the next octet.  The stream ends at `total_size`, or where the meter
    comes short; without a total also where it refuses an offset past the first.
    """

    def __init__(
        self, session: PsemSession, table_id: int, chunk_size: int | None, total_size: int | None
    ) -> None:
        super().__init__()
        self.table_id = table_id
        self.chunk_size = chunk_size  #: octets
        self.total_size = total_size  #: octets
        self.position = 0  #: octets
        self._session = session
        self._came_short = False

    async def _next(self) -> Result[bytes] | None:
        if self._came_short or self.position == self.total_size:
            return None
        size = self._session.read_capacity
        if self.chunk_size is not None:
            size = min(size, self.chunk_size)
        if self.total_size is not None:
            size = min(size, self.total_size - self.position)
        read = read_next if self.position and self.total_size is None else read_piece
        chunk = await read(self._session, self.table_id, self.position, size)
        if isinstance(chunk, Err):
            return chunk
        self.position += len(chunk.value)
        self._came_short = len(chunk.value) < size
        return chunk if chunk.value else None
