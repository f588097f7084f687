"""One request, one answer: drives a Link over a Transport.  The only code of meterkit that sleeps.

    request -> link.send -> Transmit -> line -> octets -> link.receive -> ... -> Message -> answer
                                          `-> silence -> link.timed_out -> Transmit again, or Broken

The transport's lock is held for one exchange, never longer, so that keep-alive and other calls slip in
between the reads of a stream.  An exchange that breaks in the middle leaves the line in a state nobody
knows: the session is lost, the line is closed, and every later call gets the same error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import anyio

from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.link import Link, Message, Transmit
from meterkit.result import Err, Ok, Result
from meterkit.transport.base import Transport

CLOSE_GRACE = 3.0  # s to close a line whose exchange was cut short; decisions.md: 1 s and the wire time
MAX_BACKOFF = 30.0  # s between two tries to open a line

_log = logging.getLogger("meterkit.link")


class Exchange:
    """The driver of one link: call it with a request, get the answer.

    `timeout` bounds one request with its whole answer, in seconds, however slowly octets drip in.
    `turnaround_delay` is waited before answering what the meter sent, in seconds.
    """

    def __init__(
        self, link: Link, transport: Transport, *, timeout: float, turnaround_delay: float = 0.0
    ) -> None:
        self.link = link
        self.transport = transport
        self.timeout = timeout
        self.turnaround_delay = turnaround_delay
        self.lost: MeterError | None = None  #: why the session ended, once it has
        self.last_activity = 0.0  #: the loop's time, in seconds, when the last exchange ended
        self.is_busy = False
        self._active: anyio.Event | None = None
        self._clock: Callable[[], float] = anyio.current_time  # the running loop's own, once it runs

    async def __call__(self, request: bytes) -> Result[bytes]:
        """Send `request` and return its answer.

        Errors: whatever broke the link or the transport; it is also kept as `lost`.
        """
        async with self.transport.lock:
            if self.lost is not None:
                return Err(self.lost)
            self.is_busy = True
            try:
                answer = await self._drive(request)
            except ProtocolFault as broken:
                await self.lose(broken.error)
                return Err(broken.error)
            except BaseException:
                await self.lose(
                    MeterError(
                        ErrorKind.STATE,
                        "an exchange was cancelled before its answer came, so the line's state is unknown: "
                        "connect again",
                    )
                )
                raise
            finally:
                self.is_busy = False
                self.last_activity = self._clock()
                if self._active is not None:
                    self._active.set()
            return Ok(answer)

    async def _drive(self, request: bytes) -> bytes:
        link, transport, clock = self.link, self.transport, self._clock
        deadline = clock() + self.timeout
        events = link.send(request)
        delay = 0.0
        while True:
            answer = None
            reply = b""
            for event in events:
                if isinstance(event, Transmit):
                    reply = reply + event.octets if reply else event.octets
                elif isinstance(event, Message):
                    answer = event.octets
                else:
                    raise ProtocolFault(event.error)
            if reply and delay:
                await anyio.sleep(delay)
            if answer is not None:
                # The last packet's ACK may travel with the next request.
                await transport.hold(reply)
                return answer
            if reply:
                await transport.send(reply)
            left = deadline - clock()
            octets = await transport.receive(min(link.timeout, left)) if left > 0 else b""
            if octets:
                delay = self.turnaround_delay
                events = link.receive(octets)
            elif clock() >= deadline:
                raise self._too_slow()
            else:
                events = link.timed_out()

    def _too_slow(self) -> ProtocolFault:
        return fault(
            ErrorKind.TIMEOUT,
            f"the whole answer was expected within {self.timeout:g} s; octets kept coming, but too slowly",
            where=self.transport.name,
        )

    async def lose(self, error: MeterError) -> None:
        """Give the session up for `error` and close the line, shielded and in bounded time."""
        if self.lost is None:
            self.lost = error
            _log.debug("%s: session lost: %s", self.transport.name, error)
        await close_line(self.transport)

    def begin(self) -> None:
        """Start anew on an open line: nothing is lost yet."""
        self.lost = None
        self._clock = asyncio.get_running_loop().time
        self.last_activity = self._clock()

    async def pause(self, seconds: float) -> None:
        """Wait without holding the line, in seconds."""
        await anyio.sleep(seconds)

    async def until_idle(self, seconds: float) -> None:
        """Return once no exchange has been under way for `seconds`."""
        while True:
            now = self._clock()
            due = (now if self.is_busy else self.last_activity) + seconds
            if due <= now:
                return
            await anyio.sleep(due - now)

    async def until_active(self, seconds: float) -> None:
        """Return as soon as another exchange has ended, or after `seconds`."""
        self._active = anyio.Event()
        try:
            with anyio.move_on_after(seconds):
                await self._active.wait()
        finally:
            self._active = None


async def close_line(transport: Transport) -> None:
    """Close `transport` even while the caller is being cancelled, within `CLOSE_GRACE` seconds."""
    with anyio.move_on_after(CLOSE_GRACE, shield=True):
        await transport.close()


async def open_line(transport: Transport, attempts: int) -> Result[None]:
    """Open `transport`, trying `attempts` times with 1, 2, 4 ... seconds in between.

    Errors: TRANSPORT, the last attempt's, saying how many there were.
    """
    delay = 1.0
    for attempt in range(1, attempts + 1):
        try:
            await transport.open()
        except ProtocolFault as failed:
            if attempt == attempts:
                tried = f"{attempts} attempts to open the line failed; the last" if attempts > 1 else ""
                return Err(failed.error.at(tried) if tried else failed.error)
            await anyio.sleep(delay)
            delay = min(delay * 2, MAX_BACKOFF)
        else:
            break
    return Ok(None)
