"""ProfileStream: the rows of a profile, oldest first, in pages; between two of them the line is free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from meterkit.dlms.profile.batch import Answer, Batch
from meterkit.dlms.profile.column import ProfileColumn
from meterkit.dlms.profile.columns import ColumnBuilder, ProfileColumns
from meterkit.dlms.profile.info import ProfileCache, ProfileInfo, describe
from meterkit.dlms.profile.misfits import LeftOut
from meterkit.dlms.profile.position import ProfilePosition
from meterkit.dlms.profile.reading import ProfileWish, Reading
from meterkit.dlms.profile.row import ProfileRow
from meterkit.dlms.referencing import Referencing
from meterkit.errors import ProtocolFault
from meterkit.result import Err, Ok, Result
from meterkit.session.stream import ResultStream


class ProfileStream(ResultStream[ProfileRow]):
    """The rows of a profile in time order.

    `columns` are known once `prepare` or the first row was awaited.  `position` is the last row handed out:
    give it to another `load_profile`, on this client or a later one, to go on behind it.
    `rows_done` counts rows, `rows_expected` is how many there may be, None while nobody knows.

    Rows that are none, for one cell of theirs, are left out and counted in `rows_left_out`; all others are
    given, and one `Err` (DECODE) after the last one names the first that was left out.
    """

    def __init__(self, services: Referencing, cache: ProfileCache, wish: ProfileWish) -> None:
        super().__init__()
        self.wish = wish
        self.info: ProfileInfo | None = None
        self.columns: tuple[ProfileColumn, ...] = ()
        self.rows_done = 0
        self._services, self._cache = services, cache
        self._reading: Reading | None = None
        self._left_out = LeftOut()
        self._is_read = False  # to the end
        self._rows: Iterator[tuple[ProfileRow, int, int, tuple[Any, ...]]] = iter(())
        self._batch: Batch | None = None  # what those rows are made of
        self._given = 0  # rows of it that were handed out
        self._answer = Answer([])  # what is left of the page at hand
        self._builder: ColumnBuilder | None = None

    # ---------------------------------------------------------------- where it stands
    @property
    def position(self) -> ProfilePosition | None:
        """The last row handed out; what the stream began with, if there was none."""
        return self.wish.position if self._reading is None else self._reading.position

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be in all; None while nobody knows."""
        return None if self._reading is None else self._reading.rows_expected

    @property
    def rows_left_out(self) -> int:
        """How many rows were left out so far, because something in them can be no row of this profile."""
        return self._left_out.rows

    @property
    def is_read(self) -> bool:
        """Whether the profile was read to its end, also when rows of it had to be left out."""
        return self._is_read

    @property
    def collected(self) -> ProfileColumns | None:
        """What `collect_columns` has collected so far, also when it ended with an error."""
        return None if self._builder is None else self._builder.built()

    async def prepare(self) -> Result[ProfileInfo]:
        """Ask what the profile is, unless that is known, so that `columns` and `info` are set.

        Errors: REFUSED the meter does not tell its capture objects; STATE a column that there is not; DECODE;
        whatever ended the session.
        """
        try:
            return Ok((await self._prepared()).info)
        except ProtocolFault as failed:
            return self._failed(failed)

    def _failed(self, failed: ProtocolFault) -> Err:
        return Err(failed.error.at(f"profile {self.wish.obis}"))

    async def collect_columns(self) -> Result[ProfileColumns]:
        """Read to the end, from where the stream is, and return columns in place of rows.

        On an error the good rows are in `collected`, and `position` is behind them.
        """
        try:
            reading = await self._prepared()
            self._builder = builder = ColumnBuilder(reading.layout, reading.order)
            if self._batch is not None and self._given < len(self._batch):
                self._collect(reading, builder, self._batch.cut(self._given, len(self._batch)))
            self._batch, self._rows = None, iter(())
            while True:
                while self._answer.batches:
                    self._collect(reading, builder, self._taken(reading))
                if not await self._turn_page(reading):
                    self._is_over = True
                    return Ok(builder.built())
        except ProtocolFault as failed:
            self._is_over = True
            return self._failed(failed)

    def _collect(self, reading: Reading, builder: ColumnBuilder, batch: Batch) -> None:
        """Hand out the rows of a batch as columns."""
        builder.add(reading.layout, batch)
        reading.note_batch(batch)
        self.rows_done += len(batch)

    # ---------------------------------------------------------------- reading
    async def _next(self) -> Result[ProfileRow] | None:
        try:
            reading = await self._prepared()
            while True:
                for row, moment, number, raw in self._rows:
                    reading.note(row, moment, number, raw)
                    self.rows_done += 1
                    self._given += 1
                    return Ok(row)
                if self._answer.batches:
                    self._batch, self._given = self._taken(reading), 0
                    self._rows = reading.rows(self._batch)
                elif not await self._turn_page(reading):
                    return None
        except ProtocolFault as failed:
            return self._failed(failed)

    async def _turn_page(self, reading: Reading) -> bool:
        """Read the next page; False at the end.

        Errors: `ProtocolFault`, once its good rows are gone; at the end, for rows that were left out.
        """
        try:
            if self._answer.failed is not None:
                raise self._answer.failed
            answer = await reading.page()
        except ProtocolFault as failed:
            raise ProtocolFault(self._left_out.told_with(failed.error)) from None
        if answer is not None:
            self._answer = replace(answer, batches=[*answer.batches])
            self._left_out.add(answer.left_out)
            return True
        self._is_read = True
        odd = self._left_out.error()
        if odd is not None:
            raise ProtocolFault(odd)
        return False

    def _taken(self, reading: Reading) -> Batch:
        """Take the next batch off the page at hand."""
        reading.first_entry = self._answer.entry
        return self._answer.batches.pop(0)

    async def _prepared(self) -> Reading:
        if self._reading is None:
            info = await describe(self._services, self.wish.obis, self._cache)
            reading = Reading(self._services, self._cache, self.wish, info)
            self.info, self.columns, self._reading = info, reading.columns, reading
            self._left_out = LeftOut(one for place, one in info.flaws if info.columns[place] in self.columns)
        return self._reading
