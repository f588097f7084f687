"""ProfileRow: one row as people use it, and how rows are made of raw columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Context, Decimal
from typing import Any, Final

from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.units import scaled
from meterkit.dlms.profile.batch import Batch
from meterkit.dlms.profile.clock import is_clock, moments, to_datetime
from meterkit.dlms.profile.column import ColumnKind, ProfileColumn
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.status import meaning

_EXACT: Final = Context(prec=64)  # digits: more than any integer of COSEM has


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """One row.  `values` and `raw` are in the order of the stream's columns."""

    #: When it was captured: aware and in UTC, naive in the meter's local time where it leaves its deviation
    #: open, None where its clock tells no time or the profile has none.
    time: datetime | None
    #: Scaled where a scaler is known: Decimal, or int for a power of 0; times as datetimes; an AMR profile
    #: status as `ProfileStatus`; everything else as it came.
    values: tuple[Any, ...]
    raw: tuple[Any, ...]  #: unscaled, with what null-data and differences stand for filled in
    status: int | None = None  #: of the first AMR profile status among the columns
    clock_octets: bytes | None = field(default=None, repr=False)  #: as the meter wrote it

    @property
    def clock(self) -> CosemDateTime | None:
        """The clock with everything it leaves open; None where the profile has none in 12 octets."""
        return None if self.clock_octets is None else CosemDateTime.from_octets(self.clock_octets)


class RowMaker:
    """Makes rows of batches.  `order`: which of the columns asked for are handed out, and in which order."""

    def __init__(self, layout: Layout, order: Sequence[int]) -> None:
        self._layout = layout
        self._order = tuple(order)
        self._converters = [_converter(layout.asked[place], layout.deviation) for place in order]
        columns = layout.asked
        statuses = [place for place, one in enumerate(columns) if one.kind is ColumnKind.STATUS]
        self._status = statuses[0] if statuses else None
        has_octets = layout.clock is not None and columns[layout.clock].kind is ColumnKind.CLOCK
        self._clock = layout.clock if has_octets else None

    def rows(self, batch: Batch) -> Iterator[ProfileRow]:
        """Yield the rows of a batch."""
        times = self.times(batch)
        raw = [batch.columns[place] for place in self._order]
        values: list[Sequence[Any]] = []
        for place, cells, convert in zip(self._order, raw, self._converters, strict=True):
            if place == self._layout.clock:
                clocks = batch.columns[place]
                values.append([time or _pattern(cell) for time, cell in zip(times, clocks, strict=True)])
            else:
                values.append(cells if convert is None else [convert(cell) for cell in cells])
        nothing = [None] * len(batch)
        statuses = nothing if self._status is None else batch.columns[self._status]
        clocks = nothing if self._clock is None else batch.columns[self._clock]
        each = zip(times, zip(*values, strict=True), zip(*raw, strict=True), statuses, clocks, strict=True)
        for time, valued, came, status, clock in each:
            yield ProfileRow(time, valued, came, status if type(status) is int else None, clock)

    def times(self, batch: Batch) -> list[datetime | None]:
        """Return when each row of a batch was captured."""
        if batch.local is None:
            return [to_datetime(moment) for moment in batch.moments]
        deviation = self._layout.deviation
        each = zip(batch.moments, batch.local, strict=True)
        return [to_datetime(moment, deviation if is_local else None) for moment, is_local in each]


def _pattern(cell: Any) -> Any:
    return CosemDateTime.from_octets(cell) if is_clock(cell) else cell


def _converter(column: ProfileColumn, deviation: int) -> Callable[[Any], Any] | None:
    """Return what makes a value of a raw one; None where the raw one is the value."""
    if column.kind is ColumnKind.STATUS:
        return meaning
    if column.kind in (ColumnKind.TIME, ColumnKind.CLOCK):  # a second clock is a time like others
        return lambda cell: _time(cell, deviation)
    scaler = column.scaler
    if not scaler:
        return None
    factor = Decimal((0, (1,), scaler))

    def scale(raw: Any) -> Any:
        if type(raw) is int:
            return _EXACT.multiply(Decimal(raw), factor)
        return scaled(raw, scaler) if isinstance(raw, float) else raw

    return scale


def _time(cell: Any, deviation: int) -> Any:
    """Return a captured time as a datetime; a pattern, or what is no time, as it is."""
    octets = cell.encode() if isinstance(cell, CosemDateTime) else cell
    if not isinstance(octets, bytes) or not is_clock(octets):
        return cell
    found, local = moments([octets], deviation)
    return to_datetime(found[0], None if local is None else deviation) or CosemDateTime.from_octets(octets)
