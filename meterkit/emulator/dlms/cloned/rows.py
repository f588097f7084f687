"""Rows of a cloned profile: those that were saved, and one for every period since.

saved buffer 01 | count | 02 n cells | 02 n cells ...   then   clock one period on, values as they are then
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.emulator.dlms.profile_rows import Cells
from meterkit.errors import ProtocolFault

_EARLY: Final = datetime(1970, 1, 1, tzinfo=UTC)  # of a row whose time nobody knows
_MOST_GROWN: Final = 100_000  # rows since a file was saved; ours
Maker = Callable[[datetime, bytes], bytes]  # end of the period, cell of the row before -> cell


class SavedRows:
    """The rows of one profile, oldest first; grown ones are made when they are read."""

    def __init__(
        self,
        saved: Sequence[Cells],
        makers: Sequence[Maker],
        clock: int | None,
        *,
        period: timedelta,
        capacity: int,
        now: Callable[[], datetime],
        zone: Callable[[datetime], datetime],
    ) -> None:
        self._saved = list(saved)
        self._makers, self._period, self._now = tuple(makers), period, now
        self._capacity = max(capacity, len(self._saved))
        self._times = _times(self._saved, clock, period, zone)
        self._grows = clock is not None and bool(self._times) and bool(period)
        self._grown: dict[int, Cells] = {}
        self._oldest = 0  # after a reset

    @property
    def numbers(self) -> range:
        """Numbers of the rows there are."""
        end = len(self._saved) + self._nbr_grown()
        return range(max(end - self._capacity, self._oldest, 0), end)

    def _nbr_grown(self) -> int:
        if not self._grows:
            return 0
        return min(max((self._now() - self._times[-1]) // self._period, 0), _MOST_GROWN)

    def cells(self, number: int) -> Cells:
        """Return the encoded values of one row."""
        if number < len(self._saved):
            return self._saved[number]
        if number not in self._grown:
            before, time = self._saved[-1], self.time(number)
            pairs = zip(self._makers, before, strict=True)
            self._grown[number] = tuple(maker(time, cell) for maker, cell in pairs)
        return self._grown[number]

    def time(self, number: int) -> datetime:
        """Return when a row was captured."""
        if number < len(self._times):
            return self._times[number]
        if not self._grows:
            return _EARLY
        return self._times[-1] + self._period * (number - len(self._times) + 1)

    def reset(self) -> None:
        """Give all rows up; new ones come with the next periods."""
        self._oldest = self.numbers.stop


def split_buffer(octets: bytes, width: int) -> list[Cells] | None:
    """Return the rows of a buffer that is an array of structures of `width`; None for any other."""
    try:
        if octets[:1] != b"\x01":
            return None
        count, at = axdr.decode_length(octets, 1)
        rows: list[Cells] = []
        for _ in range(count):
            if octets[at : at + 1] != b"\x02":
                return None
            found, at = axdr.decode_length(octets, at + 1)
            cells: list[bytes] = []
            for _ in range(found):
                end = axdr.measure(octets, at)
                cells.append(octets[at:end])
                at = end
            if found != width:
                return None
            rows.append(tuple(cells))
    except ProtocolFault:
        return None
    return rows if at == len(octets) else None


def _times(
    rows: Sequence[Cells], clock: int | None, period: timedelta, zone: Callable[[datetime], datetime]
) -> list[datetime]:
    """Return when each row was captured; where a clock is left out, a period after the row before."""
    if clock is None:
        return []
    times: list[datetime] = []
    for row in rows:
        told = _time(row[clock])
        if told is not None:
            times.append(zone(told))
        else:
            times.append(times[-1] + period if times else _EARLY)
    return times


def _time(cell: bytes) -> datetime | None:
    try:
        value = axdr.decode(cell)
        if isinstance(value, bytes):
            value = CosemDateTime.from_octets(value)
    except ProtocolFault:
        return None
    return value.to_datetime() if isinstance(value, CosemDateTime) else None
