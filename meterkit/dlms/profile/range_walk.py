"""A profile read by time, page by page: range_descriptor { restricting_object, from, to, columns }.

    since          seam           seam         until
      |--- page ----|--- page -----|--- page ----|

No seam lies between midnight and four in the meter's local time, in which clocks are set for summer time: a
meter that compares local times would put the hour that comes twice on either side of it.  The outermost
limits are moved out by an hour, because its summer time may be another than that of today.
Source: Blue Book 4.3.6 (Profile generic, selective access by range).
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.apdu.selective_access import RangeDescriptor, Selector
from meterkit.dlms.profile.batch import Answer, Batch
from meterkit.dlms.profile.clock import HUNDREDTHS, UNKNOWN
from meterkit.dlms.profile.ordering import Span, settle
from meterkit.dlms.profile.target import Ignored, Target, is_refused
from meterkit.errors import ProtocolFault

_HOUR: Final = 3600 * HUNDREDTHS
_QUIET: Final = 4  # the hour of the day before which clocks are set for summer time
_GROWTH: Final = 64  # a page in which nothing was recorded is followed by one twice as long, up to this
_FAR_FUTURE: Final = 4_102_444_800 * HUNDREDTHS  # 2100-01-01, for meters whose clock nobody tells
_OLDEST: Final = 946_684_800 * HUNDREDTHS  # 2000-01-01: where one begins when nobody tells the oldest row


class RangeWalk:
    """Pages of a profile, by time."""

    def __init__(self, target: Target, oldest: int | None) -> None:
        self._target = target
        starts = [one for one in (target.span.first, target.resumes_at) if one is not None]
        self._wanted = max(starts, default=None)
        known = _OLDEST if oldest is None else oldest
        self._begin = known if self._wanted is None else max(known, self._wanted)
        self._end = self._last_moment()
        if self._wanted is None or self._wanted <= self._end:
            self._begin = min(self._begin, self._end)  # a clock that was set leaves rows before the oldest
        self._start = self._begin
        self._held: Batch | None = None
        self._growth = 1
        self._selects = target.restricts_columns
        self._is_first, self._is_over = True, False

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be in all; None if nobody knows."""
        period = self._target.info.period
        end = self._end if self._target.now is None else min(self._end, self._target.now)
        if not period or end >= _FAR_FUTURE:
            return None
        return max(0, (end - self._start) // (period * HUNDREDTHS) + 1)

    def _last_moment(self) -> int:
        target = self._target
        now = _FAR_FUTURE if target.now is None else max(target.now + 24 * _HOUR, self._begin)
        return now if target.span.last is None else min(target.span.last, now)

    def _seam(self) -> int | None:
        """Return where the page at hand ends, if another one follows."""
        target = self._target
        if not target.info.period or self._end >= _FAR_FUTURE or target.info.entries_in_use == 0:
            return None
        span = target.rows_per_page * target.info.period * HUNDREDTHS * self._growth
        seam = self._begin + span
        hour = target.style.hour(seam)
        if hour < _QUIET:
            seam += (_QUIET - hour) * _HOUR - (seam - target.style.deviation * 6000) % _HOUR
        return seam if seam < self._end else None

    async def page(self) -> Answer | None:
        """Read the next page; None at the end.  Errors: `ProtocolFault`; `Ignored`."""
        target = self._target
        if self._is_over or self._begin > self._end:
            return None
        seam = self._seam()
        first, last = self._limits(seam)
        octets = await self._read(first, last)
        answer = target.taken_apart(octets)
        self._check(answer, first, last, octets)
        begin = target.span.first if self._is_first else None
        span = Span(begin, target.span.last) if seam is None else Span(begin, seam, is_open=True)
        batches, held = settle(answer.batches, self._held, span)
        left_out = target.missed(answer.left_out, span, is_resumed=self._is_first)
        if self._is_first:
            batches = target.skipped(batches)
        self._is_first, self._held = False, held
        self._growth = 1 if answer.rows else min(self._growth * 2, _GROWTH)
        self._is_over = seam is None or answer.failed is not None
        self._begin = self._begin if seam is None else seam
        return Answer(batches, answer.failed, None, left_out)

    def _limits(self, seam: int | None) -> tuple[int, int]:
        """Return from when to when the meter is asked.

        Where no limit is wanted there is none: a clock that was set has left rows before the oldest one, or
        in a year to come.
        """
        first, last = self._begin, self._end + _HOUR if seam is None else seam
        if self._is_first:
            first = min(first - _HOUR, _OLDEST if self._wanted is None else self._wanted - _HOUR)
        if seam is None and self._target.span.last is None:
            last = max(last, _FAR_FUTURE)
        return first, last

    async def _read(self, first: int, last: int) -> bytes:
        """Read a range; where the meter refuses to leave columns out, all of them."""
        try:
            return await self._target.read(self._selection(first, last))
        except ProtocolFault as refused:
            if not self._selects or not is_refused(refused.error):
                raise
        self._selects = False
        return await self._target.read(self._selection(first, last))

    def _selection(self, first: int, last: int) -> Selection:
        target = self._target
        clock = target.layout.clock
        assert clock is not None  # a profile without one is not read by time
        column = target.layout.asked[clock].capture_object
        columns = target.layout.asked if self._selects else ()
        limit = target.style.limit
        selected = tuple(one.capture_object for one in columns)
        return Selection(
            Selector.RANGE, RangeDescriptor(column, limit(first), limit(last), selected).encode()
        )

    def _check(self, answer: Answer, first: int, last: int, octets: bytes) -> None:
        """Notice a meter that sends everything, whatever was selected."""
        margin = 2 * _HOUR + 2 * self._target.info.period * HUNDREDTHS
        for batch in answer.batches:
            outside = (one for one in batch.moments if one != UNKNOWN)
            if any(one < first - margin or one > last + margin for one in outside):
                raise Ignored(octets)
