"""Meters that are built when somebody calls them, and forgotten when nobody has for a while.

A seed makes the same meter every time, so ten thousand of them cost little more than their ports.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from meterkit.emulator.line import Emulator, LineKind, LineSession

__all__ = ["Awake", "LazyMeter"]


class Awake:
    """The meters that are built: at most `limit` of those nobody talks to."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._asleep_next: OrderedDict[LazyMeter, None] = OrderedDict()  # nobody's, the oldest first

    def talks(self, meter: LazyMeter) -> None:
        """Take the news that somebody talks to `meter`."""
        self._asleep_next.pop(meter, None)

    def is_silent(self, meter: LazyMeter) -> None:
        """Take the news that nobody does any more."""
        self._asleep_next[meter] = None
        while len(self._asleep_next) > self._limit:
            self._asleep_next.popitem(last=False)[0].forget()


class LazyMeter:
    """An `Emulator` that `make` builds when it is called.  What was written to it is forgotten with it."""

    def __init__(
        self, name: str, url: Callable[[LineKind, str], str], make: Callable[[], Emulator], awake: Awake
    ) -> None:
        self.name = name
        self._url, self._make, self._awake = url, make, awake
        self._meter: Emulator | None = None
        self._lines = 0

    @property
    def is_built(self) -> bool:
        """Whether it has been called, and not been forgotten since."""
        return self._meter is not None

    def url(self, kind: LineKind, place: str) -> str:
        """Return the address of this meter at a place, such as 127.0.0.1:1153."""
        return self._url(kind, place)

    def begin_session(self, on_unasked: Callable[[], None]) -> LineSession:
        """Return the meter's end of a new line."""
        meter = self.build()
        self._lines += 1
        self._awake.talks(self)
        return _Counted(meter.begin_session(on_unasked), self._ended)

    def build(self) -> Emulator:
        """Build it, if it is not, and return what was built."""
        if self._meter is None:
            self._meter = self._make()
        return self._meter

    def forget(self) -> None:
        """Give up what was built."""
        self._meter = None

    def _ended(self) -> None:
        self._lines -= 1
        if not self._lines:
            self._awake.is_silent(self)


class _Counted:
    """A line whose end is told, once."""

    def __init__(self, session: LineSession, ended: Callable[[], None]) -> None:
        self._session, self._ended = session, ended
        self._is_over = False

    @property
    def is_hung_up(self) -> bool:
        """As the meter's own."""
        return self._session.is_hung_up

    @property
    def deadline(self) -> float:
        """As the meter's own."""
        return self._session.deadline

    @property
    def baud_rate(self) -> int:
        """As the meter's own, bits per second."""
        return self._session.baud_rate

    def receive(self, octets: bytes, now: float) -> bytes:
        """As the meter's own."""
        return self._session.receive(octets, now)

    def wake(self, now: float) -> bytes:
        """As the meter's own."""
        return self._session.wake(now)

    def close(self) -> None:
        """Take the news that the line is gone."""
        self._session.close()
        if not self._is_over:
            self._is_over = True
            self._ended()
