"""What servers and transports ask of an emulated meter, whichever protocol it speaks.

A meter begins a session for each line that leads to it.  A session has no clock of its own:

    out = session.receive(octets, now)       # `now` in seconds, on any clock that does not jump
    out = session.wake(now)                  # when `session.deadline` has come
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

LineKind = Literal["tcp", "udp", "serial"]


class LineSession(Protocol):
    """The meter's end of one line."""

    @property
    def is_hung_up(self) -> bool:
        """Whether the meter dropped the line: close it once all octets have left."""
        ...

    @property
    def deadline(self) -> float:
        """When `wake` is due; inf when the meter waits for nothing."""
        ...

    @property
    def baud_rate(self) -> int:
        """Bits per second the meter listens and talks at."""
        ...

    def receive(self, octets: bytes, now: float) -> bytes:
        """Take octets that arrived at `now`; return what the meter puts on the line at once."""
        ...

    def wake(self, now: float) -> bytes:
        """Do what has become due by `now`; return what the meter puts on the line."""
        ...

    def close(self) -> None:
        """Take the news that the line is gone."""
        ...


class Emulator(Protocol):
    """A meter that any number of lines may lead to."""

    @property
    def name(self) -> str:
        """Which meter this is, for messages."""
        ...

    def begin_session(self, on_unasked: Callable[[], None]) -> LineSession:
        """Return the meter's end of a new line; it calls `on_unasked` when it wants to speak unasked."""
        ...

    def url(self, kind: LineKind, place: str) -> str:
        """Return the address of this meter at a place, such as 127.0.0.1:1153, for `meterkit.connect`."""
        ...
