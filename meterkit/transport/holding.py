"""What waits a moment for company before it leaves: one timer for all lines of an event loop.

    holds     1 1   2 2 1
            |-------|-------|-------|     rounds of HOLD_TIME
                            `-- what is left of the first leaves by itself

An exchange is answered, acknowledged and followed by the next, line by line; with a timer for each hold a
thousand lines at once would spend more on timers than on what they hold.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

HOLD_TIME: Final = 0.002  # s that held octets wait for company, up to twice: 2 octets' time at 9600 baud


class Holder(Protocol):
    """A line with octets that wait."""

    def hold_ended(self, number: int) -> None:
        """Let octets leave that wait since round `number`."""
        ...


class Holding:
    """The holders of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.number = 0  #: of this round
        self._loop = loop
        self._new: list[Holder] = []  # of this round
        self._old: list[Holder] = []  # of the last one
        self._is_running = False

    @classmethod
    def on(cls, loop: asyncio.AbstractEventLoop) -> Holding:
        """Return the one that all lines of `loop` share."""
        holding = _HOLDINGS.get(loop)
        if holding is None:
            for ended in [other for other in _HOLDINGS if other.is_closed()]:
                del _HOLDINGS[ended]
            holding = _HOLDINGS[loop] = cls(loop)
        return holding

    def add(self, holder: Holder) -> int:
        """Call `holder` once the next round is over, with the number of this one, which is returned."""
        self._new.append(holder)
        if not self._is_running:
            self._is_running = True
            self._loop.call_later(HOLD_TIME, self._round_ended)
        return self.number

    def _round_ended(self) -> None:
        due, self._old, self._new = self._old, self._new, []
        self.number += 1
        self._is_running = bool(self._old)
        if self._is_running:
            self._loop.call_later(HOLD_TIME, self._round_ended)
        for holder in due:
            holder.hold_ended(self.number - 2)


_HOLDINGS: dict[asyncio.AbstractEventLoop, Holding] = {}
