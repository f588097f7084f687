"""A profile read whole, for meters that do not cut their buffers: what is wanted of it is picked here.

The octets are kept, rows are made of them a few at a time: a million rows take no more room than their
octets.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace

from meterkit.dlms.profile.batch import Answer, Batch, batches_of, joined, read_answer, turned
from meterkit.dlms.profile.clock import UNKNOWN
from meterkit.dlms.profile.entry_walk import resolved
from meterkit.dlms.profile.misfits import Misfit
from meterkit.dlms.profile.ordering import in_order, within
from meterkit.dlms.profile.position import mark_of
from meterkit.dlms.profile.target import Target
from meterkit.errors import ProtocolFault


class WholeWalk:
    """The rows of a whole buffer.  `octets`: when they are here already."""

    def __init__(self, target: Target, octets: bytes | None = None) -> None:
        self._target = target
        self._octets = octets
        self._answers: Iterator[Answer] | None = None

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be; None if nobody knows."""
        return self._target.info.entries_in_use

    async def page(self) -> Answer | None:
        """Return some rows more; None at the end.  Errors: `ProtocolFault`."""
        if self._octets is None:
            self._octets = await self._target.read(None)
        if self._answers is None:
            self._answers = self._wanted(self._octets)
        return next(self._answers, None)

    def _wanted(self, octets: bytes) -> Iterator[Answer]:
        """Yield what is wanted, a batch at a time, and last what is wrong with the octets."""
        target = self._target
        first, last = 1, None
        if target.entries is not None:
            total = sum(answer.rows for answer in self._read(octets))
            first, last = resolved(target.entries, total)
        begin = max(first - 1, self._already(octets))
        for answer in self._read(octets):
            batches = [within(_between(batch, begin, last), target.span) for batch in answer.batches]
            misfits = [one for one in answer.left_out if begin <= one.number < (last or one.number + 1)]
            left_out = target.missed(misfits, target.span)
            given = Answer([one for one in batches if len(one)], answer.failed, 1, left_out)
            if given.rows or given.failed is not None:
                yield given

    def _read(self, octets: bytes) -> Iterator[Answer]:
        """Yield the rows oldest first, a batch at a time, numbered from the oldest, 0."""
        info = self._target.info
        if info.is_newest_first or info.is_by_value:
            yield self._turned(read_answer(octets, self._target.layout))
            return
        misfits: list[Misfit] = []
        failed: ProtocolFault | None = None
        try:
            for batch in batches_of(octets, self._target.layout, misfits):
                yield Answer([batch], left_out=tuple(misfits))
                misfits.clear()
        except ProtocolFault as odd:
            failed = odd
        yield Answer([], failed, left_out=tuple(misfits))

    def _turned(self, answer: Answer) -> Answer:
        """Return a whole answer oldest first, as far as its rows tell, and numbered so."""
        answer = turned(answer) if self._target.info.is_newest_first else answer
        if self._target.layout.clock is None or not answer.count:
            return answer
        ordered = in_order(joined(answer.batches))
        return replace(answer, batches=[ordered.numbered(sorted(ordered.numbers))])

    def _already(self, octets: bytes) -> int:
        """Return how many rows were handed out before, when a stream goes on."""
        position = self._target.position
        if position is None:
            return 0
        found, repeats, earlier = 0, 0, 0
        for answer in self._read(octets):
            for batch in answer.batches:
                for number, moment, row in zip(batch.numbers, batch.moments, batch.rows(), strict=True):
                    is_same_time = position.moment is None or moment in (position.moment, UNKNOWN)
                    if is_same_time and repeats < position.repeats and mark_of(row) == position.mark:
                        found, repeats = number + 1, repeats + 1
                    if position.moment is not None and moment < position.moment:
                        earlier = number + 1
        return found or earlier


def _between(batch: Batch, begin: int, end: int | None) -> Batch:
    """Return the rows whose numbers are from `begin` on, and below `end`."""
    first = bisect_left(batch.numbers, begin)
    return batch.cut(first, len(batch) if end is None else max(first, bisect_left(batch.numbers, end)))
