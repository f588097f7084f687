"""The rows of one page, oldest first and within their span of time, whatever the meter made of the range.

Meters compare local times or UTC; in the hour that comes twice each has its own idea of what lies in a range.
So rows that come too early for their page are kept for the next one, and rows that come twice are given once.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from meterkit.dlms.profile.batch import Batch, joined
from meterkit.dlms.profile.clock import UNKNOWN
from meterkit.dlms.profile.position import mark_of


@dataclass(frozen=True, slots=True)
class Span:
    """From which moment to which; None: no limit.  Both included, unless `is_open`: then the last is not."""

    first: int | None = None
    last: int | None = None
    is_open: bool = False

    def places(self, moments: Sequence[int]) -> tuple[int, int]:
        """Return where in ascending moments the span begins and ends."""
        begin = 0 if self.first is None else bisect_left(moments, self.first)
        cut = bisect_left if self.is_open else bisect_right
        return begin, len(moments) if self.last is None else max(begin, cut(moments, self.last))


def settle(batches: Sequence[Batch], held: Batch | None, span: Span) -> tuple[list[Batch], Batch | None]:
    """Return the rows of a page that lie in its span, in order, and those that belong to the next page."""
    held = None if held is None else _unseen(held, batches)
    if held is None and _is_ascending(batches):
        given: list[Batch] = []
        kept: list[Batch] = []
        for batch in batches:
            begin, end = span.places(batch.moments)
            given.append(batch.cut(begin, end))
            kept.append(_early(batch.cut(end, len(batch)), span))
        return [one for one in given if len(one)], _one([one for one in kept if len(one)])
    everything = in_order(joined([*batches, *([] if held is None else [held])]))
    moments = effective(everything, span)
    inside = [number for number, moment in enumerate(moments) if span.places([moment]) == (0, 1)]
    later = [number for number, moment in enumerate(moments) if span.last is not None and moment >= span.last]
    kept_back = everything.picked(later) if later and span.is_open else None
    return ([everything.picked(inside)] if inside else []), kept_back


def within(batch: Batch, span: Span) -> Batch:
    """Return the rows of a batch that lie in a span, in the order they have; without a clock, all."""
    if batch.is_ascending:
        return batch.cut(*span.places(batch.moments))
    moments = effective(batch, span)
    return batch.picked([number for number, one in enumerate(moments) if span.places([one]) == (0, 1)])


def in_order(batch: Batch) -> Batch:
    """Return rows oldest first.

    Times that leave their deviation open cannot tell the hour that comes twice: such rows stay in the order
    of the buffer, which is turned round where the newest comes first.
    """
    if batch.is_ascending:
        return batch
    moments = effective(batch, Span())
    numbers = list(range(len(batch)))
    if moments[0] > moments[-1]:
        numbers.reverse()
    if batch.local is None and UNKNOWN not in batch.moments:
        numbers.sort(key=moments.__getitem__)
    return batch.picked(numbers)


def effective(batch: Batch, span: Span) -> array[int]:
    """Return the moments of rows; a row without one counts as captured with the row before it."""
    if UNKNOWN not in batch.moments:
        return batch.moments
    known = next((one for one in batch.moments if one != UNKNOWN), 0)
    last = known if span.first is None else max(known, span.first)
    found = array("q")
    for moment in batch.moments:
        last = last if moment == UNKNOWN else moment
        found.append(last)
    return found


def _is_ascending(batches: Sequence[Batch]) -> bool:
    follows = all(a.moments[-1] <= b.moments[0] for a, b in pairwise(batches))
    return follows and all(batch.is_ascending for batch in batches)


def _early(batch: Batch, span: Span) -> Batch:
    """Return rows at the end of an open span and past it."""
    return batch if span.is_open else batch.cut(0, 0)


def _unseen(held: Batch, batches: Sequence[Batch]) -> Batch | None:
    """Return the rows kept that have not come again."""
    times = set(held.moments)
    again = (one for batch in batches for one in _marked(batch) if one[0] in times)
    seen = {(moment, mark_of(row)) for moment, row in again}
    marks = [(moment, mark_of(row)) for moment, row in _marked(held)]
    missing = [number for number, mark in enumerate(marks) if mark not in seen]
    return held.picked(missing) if missing else None


def _marked(batch: Batch) -> zip[tuple[int, tuple[object, ...]]]:
    return zip(batch.moments, batch.rows(), strict=True)


def _one(batches: Sequence[Batch]) -> Batch | None:
    filled = [batch for batch in batches if len(batch)]
    return joined(filled) if filled else None
