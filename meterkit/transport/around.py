"""A transport around another: everything passes on to `inner`, and whoever derives changes what it is for."""

from __future__ import annotations

from meterkit.transport.base import Transport


class AroundTransport(Transport):
    """Passes everything on to `inner`, whose lock and listeners it shares.

    `put` is left as it is, so that all that is sent passes `send` or `hold`.
    """

    def __init__(self, inner: Transport) -> None:
        super().__init__()
        self.inner = inner
        self.lock = inner.lock
        self.hearing = inner.hearing

    @property
    def name(self) -> str:
        """As `inner`."""
        return self.inner.name

    @property
    def is_open(self) -> bool:
        """As `inner`."""
        return self.inner.is_open

    @property
    def is_noisy(self) -> bool:
        """As `inner`."""
        return self.inner.is_noisy

    @property
    def is_datagram(self) -> bool:
        """As `inner`."""
        return self.inner.is_datagram

    @property
    def is_full(self) -> bool:
        """As `inner`."""
        return self.inner.is_full

    @property
    def baud_rate(self) -> int | None:
        """As `inner`, bits per second."""
        return self.inner.baud_rate

    async def open(self) -> None:
        """Open `inner`.  Errors: as its own."""
        await self.inner.open()

    async def close(self) -> None:
        """Close `inner`."""
        await self.inner.close()

    async def send(self, octets: bytes) -> None:
        """Send through `inner`.  Errors: as its own."""
        await self.inner.send(octets)

    async def hold(self, octets: bytes) -> None:
        """Hold in `inner`.  Errors: as its own."""
        await self.inner.hold(octets)

    async def receive(self, timeout: float) -> bytes:
        """Receive from `inner`.  Errors: as its own."""
        return await self.inner.receive(timeout)

    def discard(self) -> bytes:
        """Throw away what came to `inner`."""
        return self.inner.discard()

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed of `inner`, bits per second.  Errors: as its own."""
        await self.inner.set_baud_rate(baud_rate)
