"""One pair of wires with several meters on it: RS-485, a current loop, one modem, one gateway.

Each meter gets a `Transport` of its own.  They share the wire's lock, open it together and close it
together; whoever speaks next finds the wire at its own speed and free of what others left behind.
"""

from __future__ import annotations

import asyncio

import anyio

from meterkit.errors import ProtocolFault
from meterkit.transport.base import Transport
from meterkit.transport.octets import transport_error
from meterkit.transport.turns import Turns

# s of silence that show an abandoned meter has nothing more to say.  C12.18 meters repeat an answer that
# was not acknowledged after 2 s.
SETTLE_TIME = 2.5
CLOSE_LIMIT = 3.0  # s to close the wire, even while its last meter is being cancelled; then it is cut
SETTLE_LIMIT = 10.0  # s after which a line that never falls silent is used all the same


class Line:
    """The wire, and which of its meters has it.

    `settle_time` (s) is the silence to wait for after a meter was left in mid-exchange.
    """

    def __init__(self, transport: Transport, *, settle_time: float = SETTLE_TIME) -> None:
        self.transport = transport
        self.settle_time = settle_time
        self._door = anyio.Lock(fast_acquire=True)  # held by whoever opens or closes the wire
        self._holder: MeterOnLine | None = None  # the last that sent or received
        self._members: set[MeterOnLine] = set()
        self._life = 0  # how often the wire was opened
        self._first_rate = transport.baud_rate
        self._quiet_at: float | None = None  # loop time by which an abandoned meter has fallen silent

    @property
    def lock(self) -> Turns:
        """Held for one exchange with any of the meters."""
        return self.transport.lock

    def meter(self) -> MeterOnLine:
        """Return a new transport to one meter on this line."""
        return MeterOnLine(self)

    async def join(self, meter: MeterOnLine) -> int:
        """Open the wire if it is not, and return which of its lives `meter` now belongs to.

        Errors: as the wire's own `open`.
        """
        async with self._door:
            if not self.transport.is_open:
                self._members.clear()
                self._holder = None
                await self.transport.close()
                await self.transport.open()
                self._life += 1
                self._first_rate = self.transport.baud_rate
            self._members.add(meter)
            return self._life

    async def leave(self, meter: MeterOnLine, *, is_answered: bool) -> None:
        """Close the wire after its last meter; keep in mind an answer that may still come."""
        if self._holder is meter:
            self._holder = None
            if not is_answered:
                self._quiet_at = asyncio.get_running_loop().time() + self.settle_time
        self._members.discard(meter)
        if self._members:
            return
        with anyio.move_on_after(CLOSE_LIMIT, shield=True):
            async with self._door:
                if not self._members:
                    await self.transport.close()

    async def hand_to(self, meter: MeterOnLine, baud_rate: int | None) -> None:
        """Make `meter` the holder: throw away what is stale, wait for silence if need be, set its speed."""
        self._holder = None
        self.transport.discard()
        if self._quiet_at is not None:
            await self._settle(self._quiet_at)
            self._quiet_at = None
        if baud_rate is not None and baud_rate != self.transport.baud_rate:
            await self.transport.set_baud_rate(baud_rate)
        self._holder = meter

    async def _settle(self, quiet_at: float) -> None:
        loop = asyncio.get_running_loop()
        limit = loop.time() + SETTLE_LIMIT
        while (left := min(quiet_at, limit) - loop.time()) > 0:
            if await self.transport.receive(left):
                self._quiet_at = quiet_at = loop.time() + self.settle_time
        self.transport.discard()

    @property
    def holder(self) -> MeterOnLine | None:
        """The meter that spoke last, or None."""
        return self._holder

    @property
    def first_rate(self) -> int | None:
        """Bits per second the wire is opened with."""
        return self._first_rate

    @property
    def life(self) -> int:
        """How often the wire was opened: a meter of an earlier life has to open again."""
        return self._life


class MeterOnLine(Transport):
    """The transport to one meter of a `Line`.  Hold `lock` for an exchange."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line
        self.lock = line.lock
        self.hearing = line.transport.hearing
        self._life: int | None = None  # of the wire, when this meter was opened
        self._rate = line.first_rate
        self._is_answered = True  # False while an answer may still be on its way

    @property
    def name(self) -> str:
        """The wire's name."""
        return self.line.transport.name

    @property
    def is_open(self) -> bool:
        """Whether this meter was opened, and the wire has not broken since."""
        return self._life == self.line.life and self.line.transport.is_open

    @property
    def is_noisy(self) -> bool:
        """As the wire: its other meters may be heard."""
        return self.line.transport.is_noisy

    @property
    def baud_rate(self) -> int | None:
        """Bits per second this meter is spoken to with; the wire may be at another's just now."""
        return self._rate

    async def open(self) -> None:
        """Open the wire, or join those who have it open.  Errors: as the wire's own `open`."""
        if not self.is_open:
            self._life = await self.line.join(self)
            self._rate = self.line.first_rate
            self._is_answered = True

    async def close(self) -> None:
        """Leave the line, and close the wire if nobody else is on it.  Never raises."""
        life, self._life = self._life, None
        if life is not None:
            is_answered = self._is_answered and not self._is_in_exchange()
            await self.line.leave(self, is_answered=is_answered)

    @property
    def is_full(self) -> bool:
        """Whether `send` would have to wait for the wire."""
        return self.line.transport.is_full

    async def send(self, octets: bytes) -> None:
        """Take the wire, at this meter's speed, and send.  Errors: TRANSPORT, as the wire's own."""
        await self._take()
        was_answered, self._is_answered = self._is_answered, False
        await self.line.transport.send(octets)
        self._is_answered = was_answered

    async def hold(self, octets: bytes) -> None:
        """Queue `octets` for the next `send`, as the wire does.  Errors: TRANSPORT, as the wire's own."""
        await self._take()
        was_answered, self._is_answered = self._is_answered, False
        await self.line.transport.hold(octets)
        self._is_answered = was_answered

    async def receive(self, timeout: float) -> bytes:
        """Return what this meter sent; b"" after `timeout` seconds of silence.  Errors: TRANSPORT."""
        await self._take()
        self._is_answered = False
        octets = await self.line.transport.receive(timeout)
        self._is_answered = bool(octets)
        return octets

    def discard(self) -> bytes:
        """Throw away, and return, what this meter sent; what another sent is not touched."""
        return self.line.transport.discard() if self.is_open and self.line.holder is self else b""

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Speak to this meter at `baud_rate` (bits per second) from now on; to no other.

        Errors: TRANSPORT, as the wire's own.  While another meter has the wire, it changes with the
        next `send`.
        """
        self._check()
        if self._rate is None:
            return
        if self.line.holder is self:
            await self.line.transport.set_baud_rate(baud_rate)
        self._rate = baud_rate

    async def _take(self) -> None:
        self._check()
        if self.line.holder is not self:
            await self.line.hand_to(self, self._rate)
            self._is_answered = True

    def _is_in_exchange(self) -> bool:
        """Tell whether the task that closes holds the lock: it gave an exchange up half way."""
        holder = self.lock.holder
        return holder is not None and holder is asyncio.current_task()

    def _check(self) -> None:
        if self._life is None:
            raise ProtocolFault(transport_error(self.name, "the line to this meter is not open"))
        if self._life != self.line.life:
            words = "the line broke and was opened again for another meter; connect to this one again"
            raise ProtocolFault(transport_error(self.name, words))
