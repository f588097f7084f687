"""A bad line around a good one: octets get lost, come twice, turned over, late, cut up, or the line breaks.

line = FaultTransport(EmulatorTransport(meter), [Flip(at=17, way=Way.FROM_METER)], seed=3)

client -> ImpairedWay -> inner -> ImpairedWay -> client
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from random import Random

from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.testing.faults import Fault, Way
from meterkit.testing.impaired_way import ImpairedWay, Piece
from meterkit.transport.around import AroundTransport
from meterkit.transport.base import Transport


class FaultTransport(AroundTransport):
    """Passes everything on to `inner`, as the faults let it.  The same seed, the same faults: the same line.

    It has no task of its own: what is late goes on its way while somebody sends or receives.  Positions count
    on when the line is opened again, so a fault with a position strikes once.
    Errors: as `inner`; TRANSPORT where a fault breaks the line, which names the fault and the seed.
    """

    def __init__(self, inner: Transport, faults: Sequence[Fault] = (), *, seed: int = 0) -> None:
        super().__init__(inner)
        self.faults = tuple(faults)
        self.seed = seed
        has_datagrams = inner.is_datagram
        dice = [Random(f"{seed} {way.value}") for way in (Way.TO_METER, Way.FROM_METER)]
        self.to_meter = ImpairedWay(
            (), dice[0], has_datagrams=has_datagrams
        )  #: how far it has come, what struck
        self.from_meter = ImpairedWay((), dice[1], has_datagrams=has_datagrams)
        self.use(faults)
        self._leaving: deque[Piece] = deque()
        self._coming: deque[Piece] = deque()
        self._failure: ProtocolFault | None = None  # of `inner`, behind what is still coming
        self._is_broken = False

    def __repr__(self) -> str:
        return f"FaultTransport({self.inner.name}, {list(self.faults)}, seed={self.seed})"

    def use(self, faults: Sequence[Fault]) -> None:
        """Let these faults strike from now on, and no others; none: the line is well."""
        self.faults = tuple(faults)
        self.to_meter.use([one for one in faults if one.way is not Way.FROM_METER])
        self.from_meter.use([one for one in faults if one.way is not Way.TO_METER])

    @property
    def is_open(self) -> bool:
        """As `inner`, and no fault has broken it."""
        return not self._is_broken and self._failure is None and self.inner.is_open

    async def open(self) -> None:
        """Open `inner`; a broken line is well again.  Errors: as its own."""
        if not self.is_open:
            self._forget()
        await self.inner.open()

    async def close(self) -> None:
        """Close `inner`; what was on its way is lost."""
        self._forget()
        await self.inner.close()

    def _forget(self) -> None:
        self._leaving.clear()
        self._coming.clear()
        self._failure, self._is_broken = None, False
        self.to_meter.mend()
        self.from_meter.mend()

    async def send(self, octets: bytes) -> None:
        """Send what the faults leave, when they let it."""
        now = asyncio.get_running_loop().time()
        await self._check(now)
        self._leaving.extend(self.to_meter.carry(octets, now))
        await self._let_leave(now)

    async def hold(self, octets: bytes) -> None:
        """Send: this line holds nothing for what is sent next."""
        await self.send(octets)

    async def receive(self, timeout: float) -> bytes:
        """Return what has come through; b"" after `timeout` seconds without."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            now = loop.time()
            await self._let_leave(now)
            if self._coming and self._coming[0].due <= now:
                return self._coming.popleft().octets
            await self._check(now)
            if self._failure is not None and not self._coming:
                raise self._failure
            await self._hear(max(min(end, self._next_due()) - now, 0.0))
            if loop.time() >= end and not (self._coming and self._coming[0].due <= end):
                return b""

    def discard(self) -> bytes:
        """Throw away, and return, what has come through and was not received; what is late still comes."""
        stale = self.inner.discard()
        now = asyncio.get_running_loop().time()
        if stale:
            self._coming.extend(self.from_meter.carry(stale, now))
        thrown = b""
        while self._coming and self._coming[0].due <= now:
            thrown += self._coming.popleft().octets
        return thrown

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed of `inner` (bits per second) once what was sent has left."""
        loop = asyncio.get_running_loop()
        while self._leaving:
            await asyncio.sleep(max(self._leaving[0].due - loop.time(), 0.0))
            await self._let_leave(loop.time())
        await self.inner.set_baud_rate(baud_rate)

    # ---------------------------------------------------------------- inside
    def _next_due(self) -> float:
        dues = [queue[0].due for queue in (self._leaving, self._coming) if queue]
        return min(*dues, self.to_meter.breaks_at, self.from_meter.breaks_at, math.inf)

    async def _let_leave(self, now: float) -> None:
        while self._leaving and self._leaving[0].due <= now:
            await self.inner.send(self._leaving.popleft().octets)

    async def _hear(self, seconds: float) -> None:
        """Let what comes within `seconds` onto its way."""
        if self._failure is not None:
            await asyncio.sleep(seconds)
            return
        try:
            came = await self.inner.receive(seconds)
        except ProtocolFault as broken:
            self._failure = broken
            return
        if came:
            self._coming.extend(self.from_meter.carry(came, asyncio.get_running_loop().time()))

    async def _check(self, now: float) -> None:
        """Break the line where a fault says so.  Errors: TRANSPORT, then and from then on."""
        way = min(self.to_meter, self.from_meter, key=lambda one: one.breaks_at)
        if not self._is_broken and way.breaks_at <= now:
            self._is_broken = True
            await self.inner.close()
        if self._is_broken:
            raise fault(
                ErrorKind.TRANSPORT, f"the line broke: {way.reason} (seed {self.seed})", where=self.name
            )
