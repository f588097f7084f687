"""The transport's contract: octets to one meter and back, and nothing about what they mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self
from weakref import WeakSet

import anyio

from meterkit.transport.turns import Turns


class Audience(Protocol):
    """Somebody who wants to know what is said on a line unasked."""

    async def overhear(self, octets: bytes) -> None:
        """Take octets that were heard while nobody had asked anything."""
        ...


class Hearing:
    """Who holds a line's lock only to hear what is said unasked; shared by all who share that lock."""

    def __init__(self) -> None:
        self.scope: anyio.CancelScope | None = None  #: of whoever hears, or is about to; None: nobody
        self.audience: WeakSet[Audience] = WeakSet()  #: all who want to know what is heard

    def interrupt(self) -> None:
        """Let whoever hears give the line up, for somebody who wants to speak."""
        if self.scope is not None:
            self.scope.cancel()


class Lane(Protocol):
    """An open line's two ends where one can speak and wait without a coroutine: for the usual exchange."""

    def put_out(self, octets: bytes) -> bool:
        """As `Transport.put`."""
        ...

    def hold(self, octets: bytes) -> None:
        """As `Transport.hold`."""
        ...

    def arrival(self, deadline: float) -> Awaitable[None] | None:
        """Return what to await before `taken`, at the latest when it is `deadline` (s); None: nothing."""
        ...

    def taken(self) -> bytes:
        """Return what has come, b"" for nothing.  Errors: as `Transport.receive`."""
        ...


class Transport(ABC):
    """One line to one meter.  Drive it from one event loop.

    Errors: every verb but `close` raises `ProtocolFault` of kind TRANSPORT, saying which line,
    what was tried and what the operating system answered; foreign exceptions never pass.
    Cancelling any verb is safe: no octet is lost that `receive` had not yet returned.
    """

    def __init__(self) -> None:
        #: Held for one exchange at a time.  Meters that share a `Line` share this lock.
        self.lock = Turns()
        #: Who holds the lock only to listen: shared with the lock.
        self.hearing = Hearing()
        #: A short way to the open line, where there is one; it says and brings the same.
        self.lane: Lane | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """The line as a person would call it, such as "tcp 10.0.0.7:1153"; never a secret."""

    @property
    @abstractmethod
    def is_open(self) -> bool:
        """Whether `open` succeeded and the line has not broken or been closed since."""

    @property
    @abstractmethod
    def is_noisy(self) -> bool:
        """Whether stray octets are to be expected (serial, optical) or mean a fault (TCP)."""

    @property
    def is_datagram(self) -> bool:
        """Whether each `send` is a datagram of its own and `receive` returns whole ones (UDP)."""
        return False

    @property
    def is_full(self) -> bool:
        """Whether `send` would have to wait: the line has not taken what it was given."""
        return False

    @property
    def baud_rate(self) -> int | None:
        """Bits per second on the wire now, or None where the line has no such thing (TCP)."""
        return None

    @abstractmethod
    async def open(self) -> None:
        """Open the line, once, with the initial settings.  Open already: do nothing."""

    @abstractmethod
    async def close(self) -> None:
        """Close the line in bounded time.  Never raises; closing twice is harmless."""

    @abstractmethod
    async def send(self, octets: bytes) -> None:
        """Queue `octets` in order, waiting only where the line's own buffer is full."""

    def put(self, octets: bytes) -> bool:
        """Queue `octets` as `send` does if that needs no waiting; False: nothing was queued, so `send` them.

        It spares a short request the price of a coroutine.  Errors: as `send`.
        """
        return False

    async def hold(self, octets: bytes) -> None:
        """Queue `octets` that gain by waiting a moment for what is sent next, such as an ACK.

        They leave with the next `send`, or within a few milliseconds by themselves.
        """
        await self.send(octets)

    @abstractmethod
    def receive(self, timeout: float) -> Coroutine[Any, Any, bytes]:
        """Return what has come, one octet or more; b"" when `timeout` seconds passed in silence."""

    @abstractmethod
    def discard(self) -> bytes:
        """Throw away, and return, octets that came but were not received: stale ones."""

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed (bits per second) once what was sent has left; no-op without a baud rate."""
        return

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
