"""What is to be read of a profile, and the reading of one part of its buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from meterkit.dlms.apdu.descriptors import AttributeDescriptor, Selection
from meterkit.dlms.profile.batch import Answer, Batch, read_answer
from meterkit.dlms.profile.clock import UNKNOWN, ClockStyle, from_datetime
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.profile.info import BUFFER, PROFILE_CLASS, ProfileInfo
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.misfits import Misfit
from meterkit.dlms.profile.ordering import Span
from meterkit.dlms.profile.position import ProfilePosition, mark_of
from meterkit.dlms.referencing import Referencing
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, ends_session
from meterkit.result import Err

_CELLS: Final = {ColumnKind.CLOCK: 14, ColumnKind.TIME: 14, ColumnKind.STATUS: 2}  # octets with their tags
_CELL, _ROW = 5, 2


class Ignored(Exception):
    """The meter took no notice of what was selected: `octets` are its whole buffer."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(f"{len(octets)} octets")
        self.octets = octets


@dataclass(slots=True)
class Target:
    """A profile, the rows of it that are wanted, and how far one has come."""

    services: Referencing
    info: ProfileInfo
    layout: Layout
    since: datetime | None = None  #: naive in the meter's local time; included
    until: datetime | None = None
    entries: tuple[int, int] | None = None  #: by number from the oldest, 1; negative from the newest; 0: last
    position: ProfilePosition | None = None  #: the last row that was handed out
    span: Span = field(default_factory=Span)  #: since and until as moments, once the style is known
    style: ClockStyle = field(default_factory=ClockStyle)
    page_octets: int = 1 << 15
    now: int | None = None  #: the meter's clock, as a moment
    row_octets: float = 0.0  #: of a row, as far as rows came

    @property
    def resumes_at(self) -> int | None:
        """The moment of the last row handed out, if it had one."""
        return None if self.position is None else self.position.moment

    @property
    def rows_per_page(self) -> int:
        """How many rows are asked for at once: not many are lost with a line that breaks."""
        size = self.row_octets or _ROW + sum(_CELLS.get(one.kind, _CELL) for one in self.layout.asked)
        return max(1, int(self.page_octets / size))

    async def read(self, selection: Selection | None) -> bytes:
        """Read a part of the buffer.  Errors: `ProtocolFault` with whatever the meter or the line does."""
        buffer = AttributeDescriptor(PROFILE_CLASS, self.info.obis, BUFFER)
        answer = await self.services.read(buffer, selection)
        if isinstance(answer, Err):
            raise ProtocolFault(answer.error)
        return answer.value

    def taken_apart(self, octets: bytes) -> Answer:
        """Return the rows of an answer, and learn how long they are."""
        answer = read_answer(octets, self.layout)
        if answer.rows:
            self.row_octets = len(octets) / answer.rows
        return answer

    @property
    def restricts_columns(self) -> bool:
        """Whether only some columns are wanted."""
        return len(self.layout.places) < len(self.layout.columns)

    @property
    def has_times(self) -> bool:
        """Whether rows are wanted by time."""
        return self.since is not None or self.until is not None

    def learn_style(self, batch: Batch, clock: object) -> None:
        """Take over how a row's clock is written, if it tells a time; `clock` is the meter's own."""
        place = self.layout.clock
        if place is not None and len(batch) and batch.moments[0] != UNKNOWN:
            self.style = ClockStyle.of(batch.columns[place][0], clock)

    def apply_style(self) -> None:
        """Use the style's deviation where rows leave theirs open, and for the limits that are wanted."""
        deviation = self.style.deviation
        self.layout = replace(self.layout, deviation=deviation)
        limits = [None if one is None else from_datetime(one, deviation) for one in (self.since, self.until)]
        self.span = Span(limits[0], limits[1])

    def missed(
        self, misfits: Sequence[Misfit], span: Span, *, is_resumed: bool = False
    ) -> tuple[Misfit, ...]:
        """Return which rows that were left out belong to a span and behind the row handed out last."""
        since = self.resumes_at if is_resumed else None
        return tuple(
            one
            for one in misfits
            if one.moment == UNKNOWN
            or (span.places([one.moment]) == (0, 1) and (since is None or one.moment >= since))
        )

    def skipped(self, batches: list[Batch]) -> list[Batch]:
        """Return what of a first page has not been handed out before, when a stream goes on."""
        position = self.position
        if position is None:
            return batches
        found, repeats, at = -1, 0, 0
        for batch in batches:
            for moment, row in zip(batch.moments, batch.rows(), strict=True):
                is_same_time = position.moment is None or moment in (position.moment, UNKNOWN)
                if is_same_time and repeats < position.repeats and mark_of(row) == position.mark:
                    found, repeats = at, repeats + 1
                at += 1
        if found < 0:  # it is gone, or other columns are read: what is later is new in any case
            return [one for one in (_since(batch, position.moment) for batch in batches) if len(one)]
        left: list[Batch] = []
        for batch in batches:
            left.append(batch.cut(min(found + 1, len(batch)), len(batch)))
            found = max(found - len(batch), -1)
        return [batch for batch in left if len(batch)]


def _since(batch: Batch, moment: int | None) -> Batch:
    if moment is None:
        return batch
    return batch.picked([number for number, one in enumerate(batch.moments) if one >= moment])


def is_refused(error: MeterError) -> bool:
    """Tell whether the meter would not, and the session goes on."""
    return error.kind is ErrorKind.REFUSED and not ends_session(error)
