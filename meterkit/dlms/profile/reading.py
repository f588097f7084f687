"""One reading of a profile: what is wanted, the way it is read, the last row that was handed out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.profile.batch import Answer, Batch, Raw
from meterkit.dlms.profile.clock import UNKNOWN, to_datetime
from meterkit.dlms.profile.column import ColumnChoice, choose
from meterkit.dlms.profile.info import ProfileCache, ProfileInfo
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.position import ProfilePosition, mark_of
from meterkit.dlms.profile.row import ProfileRow, RowMaker
from meterkit.dlms.profile.target import Target
from meterkit.dlms.profile.walking import Walking
from meterkit.dlms.referencing import Referencing


@dataclass(frozen=True, slots=True)
class ProfileWish:
    """What of a profile is wanted, and how its meter may be asked."""

    obis: ObisCode
    since: datetime | None = None  #: included; naive in the meter's local time
    until: datetime | None = None  #: included
    entries: tuple[int, int] | None = None  #: numbers from the oldest, 1
    columns: tuple[ColumnChoice, ...] | None = None  #: None: all
    position: ProfilePosition | None = None  #: the last row that another stream handed out
    can_select: bool = True  #: the meter grants selective access
    page_octets: int = 1 << 15  #: of one answer, about


class Reading:
    """A profile being read, once it is known what it is.

    Errors: `ProtocolFault` (STATE) for a column that there is not.
    """

    def __init__(
        self, services: Referencing, cache: ProfileCache, wish: ProfileWish, info: ProfileInfo
    ) -> None:
        every = tuple(range(len(info.columns)))
        wanted = every if wish.columns is None else choose(info.columns, wish.columns)
        clock = () if info.clock is None else (info.clock,)
        places = tuple(sorted({*wanted, *clock}))  # rows are told apart by their clock
        self.columns = tuple(info.columns[place] for place in wanted)
        self.order = tuple(places.index(place) for place in wanted)
        self.info = info
        #: Number from the oldest, 1, of the row numbered 0 in the answer at hand, where it is known.
        self.first_entry: int | None = None
        target = Target(
            services,
            info,
            Layout(info.columns, places, info.period),
            wish.since,
            wish.until,
            wish.entries,
            wish.position,
            page_octets=wish.page_octets,
        )
        self._walking = Walking(target, cache, can_select=wish.can_select)
        self._target = target
        self._position = wish.position
        self._last: Raw | None = None
        self._moment: int | None = None if wish.position is None else wish.position.moment
        self._time: datetime | None = None
        self._entry: int | None = None
        self._repeats = 0
        self._expected: int | None = None

    @property
    def layout(self) -> Layout:
        """What the rows are made of."""
        return self._target.layout

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be in all; None if nobody knows."""
        return self._expected

    @property
    def position(self) -> ProfilePosition | None:
        """The last row handed out; what the reading began with, if there was none."""
        if self._last is None:
            return self._position
        mark = mark_of(self._last)
        return ProfilePosition(
            str(self.info.obis), self._time, self._moment, self._entry, mark, self._repeats
        )

    async def page(self) -> Answer | None:
        """Read some rows more; None at the end.  Errors: `ProtocolFault`."""
        self._target.position = self.position
        answer = await self._walking.page()
        if self._expected is None:
            self._expected = self._walking.rows_expected
        return answer

    def rows(self, batch: Batch) -> Iterator[tuple[ProfileRow, int, int, Raw]]:
        """Yield the rows of a batch, each with its moment, its number, and with what it was made of."""
        made = RowMaker(self.layout, self.order).rows(batch)
        return zip(made, batch.moments, batch.numbers, batch.rows(), strict=True)

    def note(self, row: ProfileRow, moment: int, number: int, raw: Raw) -> None:
        """Take note of a row that is handed out."""
        self._repeats = self._repeats + 1 if raw == self._last else 1
        self._last = raw
        self._moment = self._moment if moment == UNKNOWN else moment
        self._entry = None if self.first_entry is None else self.first_entry + number
        self._time = row.time

    def note_batch(self, batch: Batch) -> None:
        """Take note of the rows of a batch that are handed out together."""
        count = len(batch)
        last = batch.row(count - 1)
        alike = 1
        while alike < count and batch.row(count - 1 - alike) == last:
            alike += 1
        before = self._repeats if alike == count and last == self._last else 0
        self._moment = next((one for one in reversed(batch.moments) if one != UNKNOWN), self._moment)
        self._last, self._repeats = last, before + alike
        self._entry = None if self.first_entry is None else self.first_entry + batch.numbers[-1]
        is_local = batch.local is not None and bool(batch.local[-1])
        self._time = to_datetime(batch.moments[-1], self.layout.deviation if is_local else None)
