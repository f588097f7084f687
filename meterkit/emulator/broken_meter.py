"""A meter whose line drops in the middle, again and again."""

from __future__ import annotations

import math
from collections.abc import Callable

from meterkit.emulator.line import Emulator, LineKind, LineSession

__all__ = ["DroppingMeter"]


class DroppingMeter:
    """`meter`, hanging up each time it has been spoken to so often."""

    def __init__(self, meter: Emulator, after: int) -> None:
        self.meter, self.after = meter, after

    @property
    def name(self) -> str:
        """As the meter's own."""
        return self.meter.name

    def begin_session(self, on_unasked: Callable[[], None]) -> LineSession:
        """Return the meter's end of a new line."""
        return _Dropping(self.meter.begin_session(on_unasked), self.after)

    def url(self, kind: LineKind, place: str) -> str:
        """As the meter's own."""
        return self.meter.url(kind, place)


class _Dropping:
    """A line that is dropped in place of an answer."""

    def __init__(self, session: LineSession, left: int) -> None:
        self._session, self._left = session, left

    @property
    def is_hung_up(self) -> bool:
        """Whether the meter dropped the line."""
        return self._left < 0 or self._session.is_hung_up

    @property
    def deadline(self) -> float:
        """As the meter's own, until it hangs up."""
        return math.inf if self._left < 0 else self._session.deadline

    @property
    def baud_rate(self) -> int:
        """As the meter's own, bits per second."""
        return self._session.baud_rate

    def receive(self, octets: bytes, now: float) -> bytes:
        """Answer, or hang up."""
        self._left -= 1
        return b"" if self._left < 0 else self._session.receive(octets, now)

    def wake(self, now: float) -> bytes:
        """As the meter's own."""
        return b"" if self._left < 0 else self._session.wake(now)

    def close(self) -> None:
        """Take the news that the line is gone."""
        self._session.close()
