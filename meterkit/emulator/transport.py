"""An emulated meter as a Transport: no socket, no task, no thread."""

from __future__ import annotations

import asyncio

from meterkit.emulator.line import Emulator, LineSession
from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.transport.base import Transport


class EmulatorTransport(Transport):
    """A line to `emulator`, in memory; several may lead to one meter, each with its own session.

    The meter answers within `send`.  `receive` with nothing to return waits on the event loop's time,
    in which the meter's own time-outs run: on a virtual clock all of it is deterministic.
    With `baud_rate` (bits per second) the line has a speed: octets at another speed than the meter's
    are lost, as on a real wire.
    """

    def __init__(self, emulator: Emulator, *, baud_rate: int | None = None, is_noisy: bool = False) -> None:
        super().__init__()
        self.emulator = emulator
        self.session: LineSession | None = None  #: the meter's end, while the line is open
        self.sent = 0  #: octets towards the meter so far
        self.received = 0  #: octets from the meter so far
        self._first_baud_rate = self._baud_rate = baud_rate
        self._is_noisy = is_noisy
        self._pending = bytearray()
        self._waiter: asyncio.Future[None] | None = None

    @property
    def name(self) -> str:
        """Which meter this leads to."""
        return self.emulator.name

    @property
    def is_open(self) -> bool:
        """Whether the line is open; False as well once the meter hung up."""
        return self.session is not None and not self.session.is_hung_up

    @property
    def is_noisy(self) -> bool:
        """Whether the client should expect stray octets, as the constructor was told."""
        return self._is_noisy

    @property
    def baud_rate(self) -> int | None:
        """Bits per second at this end, or None where the line has no speed."""
        return self._baud_rate

    async def open(self) -> None:
        """Begin a new line to the meter, with a session of its own."""
        if self.session is not None and self.session.is_hung_up:
            self.session = None
        if self.session is None:
            self.session = self.emulator.begin_session(self._notify)
            self._baud_rate = self._first_baud_rate
            self._pending.clear()

    async def close(self) -> None:
        """Drop the line; the meter notices at once."""
        if self.session is not None:
            self.session.close()
            self.session = None
            self._pending.clear()
            self._notify()

    async def send(self, octets: bytes) -> None:
        """Let the meter have `octets`; what it answers waits for `receive`."""
        session = self._open_session()
        now = asyncio.get_running_loop().time()
        self.sent += len(octets)
        self._arrive(session.wake(now), session)
        if self._is_understood(session):
            self._arrive(session.receive(octets, now), session)

    async def receive(self, timeout: float) -> bytes:
        """Return what the meter has sent; b"" after `timeout` seconds without an octet."""
        await asyncio.sleep(0)  # let other tasks run, as any real line would
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            session = self.session
            if session is not None:
                self._arrive(session.wake(loop.time()), session)
            if self._pending:
                octets = bytes(self._pending)
                self._pending.clear()
                self.received += len(octets)
                return octets
            session = self._open_session()
            if loop.time() >= end:
                return b""
            await self._wait_until(min(end, session.deadline))

    def discard(self) -> bytes:
        """Throw away what the meter sent and nobody received."""
        octets = bytes(self._pending)
        self._pending.clear()
        return octets

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Change the speed of this end; no-op where the line has no speed."""
        self._open_session()
        if self._baud_rate is not None:
            self._baud_rate = baud_rate

    # ---------------------------------------------------------------- inside
    def _open_session(self) -> LineSession:
        if self.session is None:
            raise self._fault("the line is not open")
        if self.session.is_hung_up:
            raise self._fault("the meter hung up")
        return self.session

    def _fault(self, message: str) -> ProtocolFault:
        return fault(ErrorKind.TRANSPORT, message, where=self.name)

    def _is_understood(self, session: LineSession) -> bool:
        return self._baud_rate is None or self._baud_rate == session.baud_rate

    def _arrive(self, octets: bytes, session: LineSession) -> None:
        # The meter changes speed only after its answer was acknowledged, so what it says now is said
        # at the speed it has now.
        if octets and self._is_understood(session):
            self._pending += octets
        if octets or session.is_hung_up:
            self._notify()

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait_until(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_at(when, self._notify)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
