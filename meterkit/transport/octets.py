"""The pull side of a byte stream: octets wait in a bounded buffer until somebody receives them.

`Inbox` is the buffer with its one timer; `OctetProtocol` puts it behind an asyncio transport (TCP or
serial); `StreamTransport` is what both have in common as `Transport`s.
"""

from __future__ import annotations

import asyncio
import math
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias, cast

from meterkit.codec.echo import EchoCanceller
from meterkit.errors import ErrorKind, MeterError, ProtocolFault
from meterkit.transport.arrival import Arrival
from meterkit.transport.base import Transport
from meterkit.transport.holding import Holding
from meterkit.transport.turns import Turns

INBOX_LIMIT = 65536  # octets unread before the line is told to wait

#: Tells why a connection ended: None when the other end closed it in good order.
EndInWords: TypeAlias = Callable[[Exception | None], str]


def transport_error(name: str, message: str) -> MeterError:
    """Return the error of kind TRANSPORT that `message` tells of the line `name`."""
    return MeterError(ErrorKind.TRANSPORT, f"{name}: {message}")


class Inbox:
    """Octets that came and were not yet received, and the one who waits for them.

    One timer serves every `receive`: it is left running when the wait it was set for ends early, and
    moves on when it fires, so an exchange that is answered in time costs no timer at all.
    """

    __slots__ = ("_arrival", "_buffer", "_deadline", "_failure", "_loop", "_timer", "_timer_at")

    def __init__(self) -> None:
        self._buffer = b""
        self._failure: MeterError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrival: Arrival | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf

    @property
    def failure(self) -> MeterError | None:
        """Why nothing more will come, or None while the line is well."""
        return self._failure

    @property
    def size(self) -> int:
        """Octets that came and were not yet received."""
        return len(self._buffer)

    def put(self, octets: bytes) -> None:
        """Take octets off the line, in order.  Whoever waits for them may go on before this returns."""
        self._buffer = self._buffer + octets if self._buffer else octets
        if (arrival := self._arrival) is not None:
            arrival.happen()

    def take(self) -> bytes:
        """Return all that came, and forget it."""
        octets, self._buffer = self._buffer, b""
        return octets

    def fail(self, error: MeterError) -> None:
        """End the stream: after what is buffered, every receive raises `error`.  The first one counts."""
        if self._failure is not None:
            return
        self._failure = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._timer_at = None, math.inf
        if self._arrival is not None:  # not within whatever failed: its line may be closed in consequence
            self._arrival.happen_soon()

    def flush(self) -> None:
        """Let go of what is queued for the other end; called before `receive` waits."""

    async def receive(self, timeout: float) -> bytes:
        """Return what has come, or b"" after `timeout` seconds of the loop's clock.

        Errors: the stream's end, once the buffer is empty.  RuntimeError: somebody else is receiving.
        """
        self.flush()
        if timeout <= 0 and not self._buffer and self._failure is None:
            await asyncio.sleep(0)
        else:
            arrival = self.arrival(asyncio.get_running_loop().time() + timeout)
            if arrival is not None:
                await arrival
        return self.taken()

    def arrival(self, deadline: float) -> Arrival | None:
        """Return what to await before `taken`; None: octets are here, or the end.

        It comes to pass when the loop's time is `deadline` (s) at the latest.
        Raises: RuntimeError somebody else is receiving.
        """
        if self._buffer or self._failure is not None:
            return None
        if (arrival := self._arrival) is None:
            arrival = self._arrival = Arrival(asyncio.get_running_loop())
        elif arrival.is_awaited:
            raise RuntimeError("two tasks receive from one line; hold transport.lock for an exchange")
        self._deadline = deadline
        if deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            loop = arrival.get_loop()
            self._timer, self._timer_at = loop.call_at(deadline, self._expire, loop), deadline
        return arrival

    def taken(self) -> bytes:
        """Return what has come, b"" for nothing.  Errors: the stream's end, once nothing is left."""
        if not self._buffer and self._failure is not None:
            raise ProtocolFault(self._failure)
        return self.take()

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer, self._timer_at = None, math.inf
        arrival = self._arrival
        if arrival is None or not arrival.is_awaited:
            return
        if loop.time() >= self._deadline:
            arrival.happen()
        elif self._deadline < math.inf:
            self._timer_at = self._deadline
            self._timer = loop.call_at(self._deadline, self._expire, loop)


class OctetProtocol(Inbox, asyncio.Protocol):
    """An asyncio protocol that one pulls from.  TCP and serial share it.

    What is sent is written at once.  What is held is written with what is sent next; else by a timer,
    left running from one exchange to the next, so that an ACK costs neither a write nor a turn of the
    loop of its own while requests follow each other.
    """

    __slots__ = ("_echo", "_ending", "_held", "_held_since", "_holding", "_is_full", "_is_paused", "_name",
                 "_senders", "_transport", "_words")  # fmt: skip

    def __init__(self, name: str, words: EndInWords, *, echo: bool) -> None:
        super().__init__()
        self._name, self._words = name, words
        self._echo = EchoCanceller() if echo else None
        self._transport: asyncio.Transport | None = None
        self._is_paused = False  # we asked the line to wait
        self._is_full = False  # the line asked us to wait
        self._held = b""
        self._held_since = 0  # the round of `Holding`
        self._holding: Holding | None = None
        self._senders: list[asyncio.Future[None]] = []
        self._ending: list[asyncio.Future[None]] | None = []  # None once the connection has ended

    # -- called by the event loop ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport to write to."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass of it
        self._loop = asyncio.get_running_loop()
        self._holding = Holding.on(self._loop)

    def data_received(self, data: bytes) -> None:
        """Buffer what came, less our own echo; ask the line to wait when too much is unread."""
        if self._echo is not None:
            data = self._echo.received(data)
            if not data:
                return
        # As `put`, without the call: every answer comes this way.
        self._buffer = self._buffer + data if self._buffer else data
        if (arrival := self._arrival) is not None:
            arrival.happen()
        if len(self._buffer) > INBOX_LIMIT and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """Let the transport close: a meter that stops talking has stopped listening."""
        self.fail(transport_error(self._name, self._words(None)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Record why, and wake everybody."""
        self.fail(transport_error(self._name, self._words(exc)))
        ending, self._ending = self._ending or [], None
        for future in ending:
            if not future.done():
                future.set_result(None)

    def pause_writing(self) -> None:
        """Hold senders back: the line's buffer is full."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._is_full = False
        self._wake_senders()

    # -- called by the transports ---------------------------------------------------------------

    @property
    def transport(self) -> asyncio.Transport | None:
        """The asyncio transport underneath, once the connection is made."""
        return self._transport

    @property
    def is_full(self) -> bool:
        """Whether the asyncio transport asked to be given no more for now."""
        return self._is_full

    @property
    def is_alive(self) -> bool:
        """Whether octets can still be exchanged."""
        return self._failure is None and self._transport is not None

    def fail(self, error: MeterError) -> None:
        """End the stream in both directions, for the reason `error`."""
        super().fail(error)
        self._held = b""
        self._wake_senders()

    def take(self) -> bytes:
        """Return all that came, and let the line go on if it was told to wait."""
        octets, self._buffer = self._buffer, b""
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            if self._failure is None:
                self._transport.resume_reading()
        return octets

    async def send(self, octets: bytes) -> None:
        """Write `octets`, behind what was held; wait first while the line's buffer is full.

        Errors: TRANSPORT when the line has ended; nothing was written then, nor when cancelled.
        """
        while not self.put_out(octets):
            await self.writable()

    def put_out(self, octets: bytes) -> bool:
        """Write `octets`, behind what was held; False, and nothing is, while the line's buffer is full.

        Errors: TRANSPORT when the line has ended.
        """
        if self._failure is not None:
            raise ProtocolFault(self._failure)
        if self._is_full:
            return False
        if self._held:
            octets, self._held = self._held + octets, b""
        self._write(octets)
        return True

    def hold(self, octets: bytes) -> None:
        """Keep `octets` for the next `send`, for a few milliseconds at most.

        Errors: TRANSPORT when the line has ended.
        """
        if self._failure is not None:
            raise ProtocolFault(self._failure)
        self._held += octets
        assert self._holding is not None
        self._held_since = self._holding.add(self)

    def flush(self) -> None:
        """Hand what is held to the asyncio transport."""
        if self._held and self._failure is None:
            octets, self._held = self._held, b""
            self._write(octets)

    def _write(self, octets: bytes) -> None:
        if self._echo is not None:
            self._echo.sent(octets)
        if self._transport is not None:
            self._transport.write(octets)

    def hold_ended(self, number: int) -> None:
        """Hand over what is held since round `number` of the loop's holds."""
        if self._held and self._held_since == number:
            self.flush()

    async def writable(self) -> None:
        """Wait while the line's buffer is above its limit, and the line alive."""
        while self._is_full and self._failure is None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._senders.append(future)
            try:
                await future
            finally:
                self._senders.remove(future)

    async def ended(self) -> None:
        """Wait until the event loop has let go of the connection and its descriptor."""
        if self._ending is not None:
            future = asyncio.get_running_loop().create_future()
            self._ending.append(future)
            await future

    def _wake_senders(self) -> None:
        for future in self._senders:
            if not future.done():
                future.set_result(None)


class StreamTransport(Transport):
    """What TCP and serial share: an `OctetProtocol`, opened and closed one at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._octets: OctetProtocol | None = None
        self._door = Turns()  # held by whoever opens or closes

    @property
    def is_open(self) -> bool:
        """Whether `open` succeeded and the line has not broken or been closed since."""
        return self._octets is not None and self._octets.is_alive

    @property
    def is_full(self) -> bool:
        """Whether `send` would have to wait."""
        return self._octets is not None and self._octets.is_full

    async def open(self) -> None:
        """Open the line with its initial settings; open already: do nothing.

        A line that broke is closed first.  Errors: TRANSPORT, in words a technician can act on.
        """
        door = self._door
        if not door.take():
            await door.wait()
        try:
            if not self.is_open:
                await self._let_go()
                self.lane = self._octets = await self._connect()
        finally:
            door.release()

    async def close(self) -> None:
        """Send what is queued, then close, both in bounded time.  Never raises."""
        if self._octets is not None:
            self._octets.flush()
        door = self._door
        if not door.take():
            await door.wait()
        try:
            await self._let_go()
        finally:
            door.release()

    def put(self, octets: bytes) -> bool:
        """Write `octets`, behind what was held, unless the line's buffer is full or the line not open.

        Errors: TRANSPORT when the line has ended.
        """
        return self._octets is not None and self._octets.put_out(octets)

    async def send(self, octets: bytes) -> None:
        """Write `octets`, behind what was held; wait first while the line's buffer is full.

        Errors: TRANSPORT when the line is not open or has ended.
        """
        protocol = self._octets
        if protocol is None:
            raise self._not_open()
        await protocol.send(octets)

    async def hold(self, octets: bytes) -> None:
        """Keep `octets` for the next `send`; they leave by themselves within 2 to 4 milliseconds.

        Errors: TRANSPORT when the line is not open or has ended.
        """
        protocol = self._octets
        if protocol is None:
            raise self._not_open()
        protocol.hold(octets)

    def receive(self, timeout: float) -> Coroutine[Any, Any, bytes]:
        """Return what has come; b"" when `timeout` seconds passed in silence.

        Errors: TRANSPORT when the line is not open, or has ended and all it brought was received.
        """
        protocol = self._octets
        if protocol is None:
            raise self._not_open()
        return protocol.receive(timeout)

    def discard(self) -> bytes:
        """Throw away, and return, what came and was not received."""
        return b"" if self._octets is None else self._octets.take()

    @abstractmethod
    async def _connect(self) -> OctetProtocol:
        """Open the line; cancelled or failed, leave nothing behind."""

    @abstractmethod
    async def _disconnect(self, protocol: OctetProtocol) -> None:
        """Close the line in bounded time; cancelled, close it at once."""

    async def _let_go(self) -> None:
        protocol, self._octets = self._octets, None
        self.lane = None
        if protocol is not None:
            try:
                await self._disconnect(protocol)
            finally:
                if protocol.failure is None:
                    protocol.fail(transport_error(self.name, "the line was closed"))

    def _not_open(self) -> ProtocolFault:
        return ProtocolFault(transport_error(self.name, "the line is not open"))
