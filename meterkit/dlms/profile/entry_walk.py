"""A profile read by number, page by page: entry_descriptor { from_entry, to_entry, from_column, to_column }.

The rows of a full profile move on with each that is recorded: number 2 becomes number 1.  So each page begins
with the last row of the one before, and where that has moved it is looked for.
Source: Blue Book 4.3.6 (Profile generic, selective access by entry).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.profile.batch import Answer, Batch, turned
from meterkit.dlms.profile.clock import HUNDREDTHS, UNKNOWN
from meterkit.dlms.profile.ordering import within
from meterkit.dlms.profile.position import mark_of
from meterkit.dlms.profile.target import Ignored, Target, is_refused
from meterkit.errors import ErrorKind, ProtocolFault, fault

_FIRST_LOOK_BACK: Final = 16  # rows before its former place in which a row that moved is looked for
_MARGIN: Final = 2 * 3600 * HUNDREDTHS  # past the last wanted row: clocks are set
_MOST_ENTRY: Final = 0xFFFFFFFF
_UP_TO_THE_LAST: Final = 0  # as to_entry


class EntryWalk:
    """Pages of a profile, by number: counted from the oldest, whichever row is number 1 to the meter."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._in_use = target.info.entries_in_use
        self._next, self._last = resolved(target.entries, self._in_use)
        self._is_from_newest = target.entries is not None and min(target.entries) < 0
        self._anchor: tuple[int, str] | None = None  # number and mark of the last good row
        self._is_located = self._is_over = False
        self._start = self._next
        position = target.position
        if position is not None and position.entry is not None:
            self._next = max(self._next, position.entry + 1)
            self._anchor = self._next - 1, position.mark
            self._start, self._is_located = self._next, True

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be in all; None if nobody knows."""
        return None if self._last is None else max(0, self._last - self._start + 1)

    async def page(self) -> Answer | None:
        """Read the next page; None at the end.  Errors: `ProtocolFault`; `Ignored`."""
        target = self._target
        is_resumed = not self._is_located and target.position is not None
        if not self._is_located:
            await self._locate()
        while not self._is_over:
            answer = await self._following()
            if answer is None:
                break
            self._is_over = self._is_past(answer) or answer.failed is not None or not answer.rows
            self._go_on_behind(answer)
            batches = [within(batch, target.span) for batch in answer.batches]
            if is_resumed:
                batches = target.skipped(batches)
            batches = [batch for batch in batches if len(batch)]
            left_out = target.missed(answer.left_out, target.span, is_resumed=is_resumed)
            if batches or left_out or answer.failed or self._is_over:
                return Answer(batches, answer.failed, answer.entry, left_out)
        return None

    def _go_on_behind(self, answer: Answer) -> None:
        """Take note of the last row of an answer, and of the last good one."""
        assert answer.entry is not None  # as `_following` has it
        numbers = [batch.numbers[-1] for batch in answer.batches] + [one.number for one in answer.left_out]
        if numbers:
            self._next = answer.entry + max(numbers) + 1
        if answer.count:
            newest = answer.batches[-1]
            last = len(newest) - 1
            self._anchor = answer.entry + newest.numbers[last], mark_of(newest.row(last))

    def _is_past(self, answer: Answer) -> bool:
        """Tell whether rows are later than any wanted one."""
        last = self._target.span.last
        known = [one for batch in answer.batches for one in batch.moments[:1] if one != UNKNOWN]
        return last is not None and any(one > last + _MARGIN for one in known)

    async def _following(self) -> Answer | None:
        """Return the rows after the last one, and which number they begin at; None if there are none."""
        back, anchor = 0, self._anchor
        last = self._next + self._target.rows_per_page - 1
        last = last if self._last is None else min(last, self._last)
        if last < self._next:
            return None
        while True:
            first = self._next if anchor is None else max(1, anchor[0] - back)
            answer = replace(await self._read(first, last), entry=first)
            if anchor is None or anchor[0] < 1:
                return answer
            place = _find(answer, anchor[1])
            if place is not None:
                return _behind(answer, place, place + self._next - anchor[0])
            if first == 1 or answer.failed is not None:
                raise self._lost()
            back = _FIRST_LOOK_BACK if not back else back * 4

    async def _read(self, first: int, last: int) -> Answer:
        """Read rows by their numbers from the oldest, and return them so."""
        target, in_use = self._target, self._in_use
        is_turned = target.info.is_newest_first and in_use is not None
        begin, end = (in_use - last + 1, in_use - first + 1) if is_turned and in_use else (first, last)
        begin = max(begin, 1)
        try:
            octets = await target.read(self._selection(begin, end))
        except ProtocolFault as refused:
            if self._last is not None or self._anchor is None or not is_refused(refused.error):
                raise
            # Perhaps past the last row, on a meter that does not tell how many it has: so up to that.
            octets, end = await target.read(self._selection(begin, _UP_TO_THE_LAST)), _MOST_ENTRY
        answer = target.taken_apart(octets)
        if answer.rows > end - begin + 1:
            raise Ignored(octets)
        if answer.failed is None and self._is_miscounted(answer.rows, end, end - begin + 1, is_turned):
            raise Ignored(await target.read(None))
        return turned(answer) if is_turned else answer

    def _is_miscounted(self, rows: int, end: int, asked: int, is_turned: bool) -> bool:
        """Tell whether rows are missing that the meter says it has: counting from its end is wrong then."""
        if self._in_use is None or end > self._in_use:
            return False
        return rows < asked if is_turned else not rows and self._is_from_newest

    def _selection(self, begin: int, end: int) -> Selection:
        places = self._target.layout.places
        if len(places) == places[-1] - places[0] + 1 and self._target.restricts_columns:
            return Selection.by_entry(begin, end, first_column=places[0] + 1, last_column=places[-1] + 1)
        return Selection.by_entry(begin, end)

    def _lost(self) -> ProtocolFault:
        position = self._target.position
        after = f" after {position.time}" if position is not None and position.time is not None else ""
        return fault(
            ErrorKind.STATE,
            f"the last row read is gone from the profile, which was cleared or has come round: the rows"
            f"{after} up to its oldest are lost",
            where=f"entry {self._next - 1}",
        )

    async def oldest(self) -> Batch | None:
        """Return the oldest row.  Errors: as `page`."""
        answer = await self._read(1, 1)
        if answer.left_out and not answer.count:  # it is none: one of those behind it will do
            answer = await self._read(1, _FIRST_LOOK_BACK)
        return answer.batches[0] if answer.count else None

    # ---------------------------------------------------------------- where a time is
    async def _locate(self) -> None:
        """Find the first row of the span: from its distance to the newest or, failing that, by bisection."""
        target = self._target
        starts = [one for one in (target.span.first, target.resumes_at) if one is not None]
        last = self._last
        if starts and last is not None and target.layout.clock is not None and last > self._next:
            self._next = await self._first_at(max(starts), self._next, last)
        self._start, self._is_located = self._next, True

    async def _first_at(self, moment: int, low: int, high: int) -> int:
        """Return which row between two is the first at `moment` or later; one past them if none is.

        A clock that was set may have left moments that do not ascend.  Where the rows looked at show it, all
        rows are read.
        """
        seen: dict[int, int] = {}
        begin, end = low, high + 1

        async def narrow(number: int) -> None:
            nonlocal begin, end
            answer = await self._read(number, number)
            found = seen[number] = answer.batches[0].moments[0] if answer.count else UNKNOWN
            if found == UNKNOWN or found >= moment:  # without a moment it may be anything
                end = min(end, max(begin, number))
            else:
                begin = max(begin, min(end, number + 1))

        await narrow(high)
        period = self._target.info.period * HUNDREDTHS
        if period and seen[high] != UNKNOWN:
            # Where no row is missing, these two are enough.
            guess = high + (moment - seen[high]) // period
            for number in (guess, guess - 1):
                if begin <= number < end:
                    await narrow(number)
        while begin < end:
            await narrow((begin + end) // 2)
        known = [found for _, found in sorted(seen.items()) if found != UNKNOWN]
        return begin if known == sorted(known) else low


def resolved(entries: tuple[int, int] | None, in_use: int | None) -> tuple[int, int | None]:
    """Return the first and the last number from the oldest; None for the last one, whichever that is.

    Errors: `ProtocolFault` (STATE) for numbers from the newest where nobody knows how many there are.
    """
    first, last = entries or (1, 0)
    if in_use is None and min(first, last) < 0:
        message = "the meter does not tell how many rows it has: count them from the oldest"
        raise fault(ErrorKind.STATE, message, where="entries_in_use")
    if in_use is not None:
        first = max(1, in_use + 1 + first) if first < 0 else first
        last = in_use + 1 + last if last < 0 else min(last or in_use, in_use)
    return max(first, 1), None if last == 0 and in_use is None else min(last, _MOST_ENTRY)


def _find(answer: Answer, mark: str) -> int | None:
    """Return the number of the first row with a mark."""
    for batch in answer.batches:
        for number, row in zip(batch.numbers, batch.rows(), strict=True):
            if mark_of(row) == mark:
                return number
    return None


def _behind(answer: Answer, number: int, unseen: int) -> Answer:
    """Return the rows of an answer behind `number`, and those left out that are `unseen` or behind it."""
    left: list[Batch] = []
    for batch in answer.batches:
        place = next((place for place, one in enumerate(batch.numbers) if one > number), len(batch))
        left.append(batch.cut(place, len(batch)))
    left_out = tuple(one for one in answer.left_out if one.number >= unseen)
    return replace(answer, batches=[batch for batch in left if len(batch)], left_out=left_out)
