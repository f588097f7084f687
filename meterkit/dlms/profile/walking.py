"""Which way a profile is read: by time, by number, or whole, as far as the meter goes along.

    by time     pages between two moments        refused, or the profile has no clock
    by number   pages between two numbers        refused
    whole       everything, picked from here

A way that the meter refuses is left for the next one, at the row where it failed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol

from meterkit.dlms.profile.batch import Answer, Batch
from meterkit.dlms.profile.clock import UNKNOWN, ClockStyle, is_clock, moments
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.profile.entry_walk import EntryWalk
from meterkit.dlms.profile.info import ProfileCache, meter_clock
from meterkit.dlms.profile.range_walk import RangeWalk
from meterkit.dlms.profile.target import Ignored, Target, is_refused
from meterkit.dlms.profile.whole_walk import WholeWalk
from meterkit.errors import ErrorKind, ProtocolFault, fault

_RANGE: Final = "range"
_ENTRY: Final = "entry"
_WHOLE: Final = "whole"


class Walk(Protocol):
    """One way to read a profile."""

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be in all; None if nobody knows."""
        ...

    async def page(self) -> Answer | None:
        """Read some rows more; None at the end."""
        ...


class Walking:
    """Reads a profile page by page, by the best way that its meter knows."""

    def __init__(self, target: Target, cache: ProfileCache, *, can_select: bool) -> None:
        self.target = target
        self._cache = cache
        self._ways = self._in_question() if can_select else [_WHOLE]
        self._can_select = can_select
        self._walk: Walk | None = None
        self._has_looked = False
        self._oldest: int | None = None

    @property
    def rows_expected(self) -> int | None:
        """How many rows there may be; None if nobody knows."""
        return None if self._walk is None else self._walk.rows_expected

    def _in_question(self) -> list[str]:
        target = self.target
        if target.info.is_by_value:
            return [_WHOLE]
        if target.entries is not None or target.layout.clock is None:
            return [_ENTRY, _WHOLE]
        if not target.info.period and target.since is None and target.resumes_at is None:
            return [_ENTRY, _RANGE, _WHOLE]
        return [_RANGE, _ENTRY, _WHOLE]

    async def page(self) -> Answer | None:
        """Read some rows more; None at the end.  Errors: `ProtocolFault`."""
        while True:
            try:
                if self._walk is None:
                    self._walk = await self._begin(self._ways[0])
                return await self._walk.page()
            except Ignored as everything:
                self._ways, self._walk = [_WHOLE], WholeWalk(self.target, everything.octets)
            except ProtocolFault as refused:
                if not is_refused(refused.error) or len(self._ways) < 2:
                    raise
                self._ways, self._walk = self._ways[1:], None

    async def _begin(self, way: str) -> Walk:
        target = self.target
        if target.has_times and target.layout.clock is None:
            message = "the profile captures no clock, so its rows cannot be told by time: ask for entries"
            raise fault(ErrorKind.STATE, message, where="capture_objects")
        if not self._has_looked and (way == _RANGE or target.has_times):
            self._oldest = await self._look()
            self._has_looked = True
        if way == _WHOLE:
            return WholeWalk(target)
        return EntryWalk(target) if way == _ENTRY else RangeWalk(target, self._oldest)

    async def _look(self) -> int | None:
        """Learn how the meter writes its times, and what time it is; return the moment of its oldest row."""
        target, styles, obis = self.target, self._cache.styles, self.target.info.obis
        clock = await self._meter_clock()
        target.style = styles.get(obis) or ClockStyle.of(None, clock)
        begins_somewhere = target.since is not None or target.resumes_at is not None
        oldest: Batch | None = None
        everything: Ignored | None = None
        if self._can_select and not (obis in styles and begins_somewhere):
            target.layout = replace(target.layout, deviation=target.style.deviation)
            try:
                oldest = await self._oldest_row()
            except Ignored as ignored:
                everything = ignored
            if oldest is not None and obis not in styles:
                target.learn_style(oldest, clock)
        styles[obis] = target.style
        target.apply_style()
        if isinstance(clock, bytes) and is_clock(clock):
            found, _ = moments([clock], target.style.deviation)
            target.now = None if found[0] == UNKNOWN else found[0]
        if everything is not None:
            raise everything
        if oldest is not None and oldest.moments[0] != UNKNOWN:
            self._cache.oldest[obis] = oldest.moments[0]
        return self._cache.oldest.get(obis)

    async def _meter_clock(self) -> object:
        target = self.target
        place = target.layout.clock
        assert place is not None  # a profile without one is not read by time
        column = target.layout.asked[place]
        if column.kind is not ColumnKind.CLOCK:
            return None
        return await meter_clock(target.services, column.obis)

    async def _oldest_row(self) -> Batch | None:
        """Return the oldest row; None where the meter does not tell it by its number."""
        try:
            return await EntryWalk(self.target).oldest()
        except ProtocolFault as refused:
            if is_refused(refused.error):
                return None
            raise
