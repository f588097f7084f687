"""Two ends of a line in memory, for tests, examples and emulators: only the loop's clock is used."""

from __future__ import annotations

import asyncio
from typing import Self

from meterkit.errors import ProtocolFault
from meterkit.transport.base import Transport
from meterkit.transport.octets import INBOX_LIMIT, Inbox, transport_error


class LoopbackTransport(Transport):
    """One end of a line in memory.  What one end sends, the other has at once, in order.

    An end that is not yet open keeps what is sent to it.  When an end closes, the other receives what
    was sent before, and then the error, until it is opened again; what is sent to it meanwhile is lost.
    """

    def __init__(
        self, name: str = "loopback", *, is_noisy: bool = False, baud_rate: int | None = None
    ) -> None:
        super().__init__()
        self._name = name
        self._is_noisy = is_noisy
        self._first_rate = self._rate = baud_rate
        self._peer: LoopbackTransport = self
        self._inbox = Inbox()
        self._is_open = False
        self._senders: list[asyncio.Future[None]] = []  # of the other end, while this inbox is full

    @classmethod
    def create_pair(
        cls, name: str = "loopback", *, is_noisy: bool = False, baud_rate: int | None = None
    ) -> tuple[Self, Self]:
        """Return the two ends of a new line.  `baud_rate` (bits per second) is remembered, not obeyed."""
        a = cls(f"{name} a", is_noisy=is_noisy, baud_rate=baud_rate)
        b = cls(f"{name} b", is_noisy=is_noisy, baud_rate=baud_rate)
        a._peer, b._peer = b, a
        return a, b

    @property
    def name(self) -> str:
        """Such as "loopback a"."""
        return self._name

    @property
    def is_open(self) -> bool:
        """Whether this end is open and the other did not close since."""
        return self._is_open and self._inbox.failure is None

    @property
    def is_noisy(self) -> bool:
        """As asked of `create_pair`."""
        return self._is_noisy

    @property
    def baud_rate(self) -> int | None:
        """Bits per second this end was last set to, or None when it was created without."""
        return self._rate

    async def open(self) -> None:
        """Open this end; after a break, empty and anew."""
        if self.is_open:
            return
        if self._inbox.failure is not None:
            self._inbox = Inbox()
        self._is_open, self._rate = True, self._first_rate

    async def close(self) -> None:
        """Close this end.  The other notices once it has received what is left."""
        if not self._is_open:
            return
        was_whole, self._is_open = self.is_open, False
        self._inbox.take()
        self._inbox.fail(transport_error(self._name, "the line was closed"))
        if was_whole and self._peer._is_open:
            self._peer._inbox.fail(transport_error(self._peer._name, "the other end closed the line"))
        self._wake_senders()
        self._peer._wake_senders()

    async def send(self, octets: bytes) -> None:
        """Give `octets` to the other end; wait while it has INBOX_LIMIT unread.

        Errors: TRANSPORT when this end is not open or the other closed.
        """
        while True:
            if not self.is_open:
                raise self._ended()
            if self._peer._inbox.size < INBOX_LIMIT:
                break
            await self._peer._room()
        if octets:
            self._peer._take_in(bytes(octets))

    async def receive(self, timeout: float) -> bytes:
        """Return what has come; b"" when `timeout` seconds of the loop's clock passed in silence.

        Errors: TRANSPORT when this end is not open, or the other closed and nothing is left.
        """
        if not self._is_open:
            raise self._ended()
        octets = await self._inbox.receive(timeout)
        self._wake_senders()
        return octets

    def discard(self) -> bytes:
        """Throw away, and return, what came and was not received."""
        octets = self._inbox.take()
        self._wake_senders()
        return octets

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Remember the speed (bits per second); no-op when the line was created without one.

        Errors: TRANSPORT when this end is not open or the other closed.
        """
        if not self.is_open:
            raise self._ended()
        if self._rate is not None:
            self._rate = baud_rate

    def _take_in(self, octets: bytes) -> None:
        if not self._is_open and self._inbox.failure is not None:
            self._inbox = Inbox()  # closed, and not yet open again: keep it for then
        self._inbox.put(octets)

    async def _room(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._senders.append(future)
        try:
            await future
        finally:
            self._senders.remove(future)

    def _wake_senders(self) -> None:
        for future in self._senders:
            if not future.done():
                future.set_result(None)

    def _ended(self) -> ProtocolFault:
        error = self._inbox.failure if self._is_open else None
        return ProtocolFault(error or transport_error(self._name, "the line is not open"))
