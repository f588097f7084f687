"""A transport that tells an observer what passes over it: numbers of octets, and turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from meterkit.fleet.observer import Watch
from meterkit.transport.around import AroundTransport
from meterkit.transport.base import Transport


class WatchedLine(AroundTransport):
    """`inner`, with turns and octets counted for one meter.

    A turn begins with octets sent, and ends when the next are sent, or the line falls silent or breaks.
    """

    def __init__(self, inner: Transport, meter: str, watch: Watch) -> None:
        super().__init__(inner)
        self._meter = meter
        self._exchange: Callable[..., None] | None = watch.exchange
        self._octets: Callable[..., None] | None = watch.octets
        self._sent = self._received = 0
        self._is_asking = False  # octets were sent, not only held for what is sent next
        self._began = self._ended = 0.0

    async def close(self) -> None:
        """Close `inner`; the last turn is told."""
        self._end_turn()
        await self.inner.close()

    async def send(self, octets: bytes) -> None:
        """Send through `inner`; a new turn begins.  Errors: as `inner`."""
        if self._received:
            self._end_turn()
        if not self._is_asking:
            self._is_asking, self._began = True, asyncio.get_running_loop().time()
        self._count(len(octets), 0)
        await self.inner.send(octets)

    async def hold(self, octets: bytes) -> None:
        """Hold in `inner`: it goes with the next turn.  Errors: as `inner`."""
        self._end_turn()
        self._count(len(octets), 0)
        await self.inner.hold(octets)

    async def receive(self, timeout: float) -> bytes:
        """Receive from `inner`.  Errors: as `inner`; the turn has ended then."""
        octets = b""
        try:
            octets = await self.inner.receive(timeout)
        finally:
            self._ended = asyncio.get_running_loop().time()
            self._count(0, len(octets))
            if not octets:
                self._end_turn()
        return octets

    def _count(self, sent: int, received: int) -> None:
        self._sent += sent
        self._received += received
        if self._octets is not None and (sent or received):
            self._octets(self._meter, sent, received)

    def _end_turn(self) -> None:
        if self._is_asking and self._exchange is not None:
            seconds = max(self._ended - self._began, 0.0)
            self._exchange(self._meter, self._sent, self._received, seconds)
        self._sent = self._received = 0
        self._is_asking = False
