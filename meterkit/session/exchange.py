"""One request, one answer: drives a Link over a Transport.  The only code of meterkit that sleeps.

    request -> link.send -> Transmit -> line -> octets -> link.receive -> ... -> Message -> answer
                                          `-> silence -> link.timed_out -> Transmit again, or Broken

What a meter says unasked comes as a Notice, in the middle of an exchange or between two, and waits here
for whoever listens.

The transport's lock is held for one exchange, never longer, so that keep-alive and other calls slip in
between the reads of a stream.  An exchange that breaks in the middle leaves the line in a state nobody
knows: the session is lost, the line is closed, and every later call gets the same error.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import anyio

from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.link import (
    Advanced,
    Bare,
    Broken,
    Events,
    Failed,
    Link,
    Message,
    Notice,
    Transmit,
    bare_verbs,
    sent,
)
from meterkit.result import Err, Ok, Result
from meterkit.session.notices import Notices
from meterkit.session.opening import close_line
from meterkit.transport.base import Hearing, Lane, Transport

LISTENING = 1.0  # s the line is held at a time for nothing but listening; who wants it gets it at once

_CUT_SHORT = MeterError(
    ErrorKind.STATE,
    "an exchange was cancelled before its answer came, so the line's state is unknown: connect again",
)

_octets = logging.getLogger("meterkit.octets")
_log = logging.getLogger("meterkit.link")


class Exchange:
    """The driver of one link: call it with a request, get the answer.

    `timeout` bounds one request with its whole answer, in seconds, however slowly octets drip in.
    `turnaround_delay` is waited before answering what the meter sent, in seconds.
    """

    def __init__(
        self, link: Link, transport: Transport, *, timeout: float, turnaround_delay: float = 0.0
    ) -> None:
        self.link = link  # by the property: its verbs are looked up once
        self.transport = transport
        self.timeout = timeout
        self.turnaround_delay = turnaround_delay
        self.lost: MeterError | None = None  #: why the session ended, once it has
        self.last_activity = 0.0  #: the loop's time, in seconds, when the last exchange ended
        self.is_busy = False
        self.notices = Notices()  #: said unasked and not yet listened to
        self._noticed: anyio.Event | None = None
        self._active: anyio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # once it runs
        self._clock: Callable[[], float] = anyio.current_time  # the loop's own, once it runs

    @property
    def link(self) -> Link:
        """The link that is driven; another may take its place between two exchanges."""
        return self._link

    @link.setter
    def link(self, link: Link) -> None:
        self._link = link
        self._send_bare, self._receive_bare = bare_verbs(link)

    def __call__(
        self, request: bytes, *, check: Callable[[], MeterError | None] | None = None, is_secret: bool = False
    ) -> Coroutine[Any, Any, Result[bytes]]:
        """Send `request` and return its answer; as `perform`."""
        return self._exchange(self._link, None, request, check, is_secret, None)

    def perform(
        self,
        begin: Callable[[], Events],
        *,
        link: Link | None = None,
        check: Callable[[], MeterError | None] | None = None,
        is_secret: bool = False,
        patience: float | None = None,
    ) -> Coroutine[Any, Any, Result[bytes]]:
        """Let the link `begin` an exchange, and return the message that ends it.

        `link` is a lower one of a stack of links, where the exchange is its own affair.
        `check` is asked once it is this exchange's turn; an error it returns is the result, and nothing is
        sent.  Of a secret request the log shows sizes only.  An exchange with `patience` (s) may come to
        nothing: once that has passed it is given up, and the session goes on, on a link that bears it.
        Errors: whatever broke the link or the transport; it is also kept as `lost`.  An exchange that
        failed on a link that is well (`Failed`) leaves the session as it is.
        """
        return self._exchange(link or self._link, begin, b"", check, is_secret, patience)

    async def _exchange(
        self,
        link: Link,
        begin: Callable[[], Events] | None,
        request: bytes,
        check: Callable[[], MeterError | None] | None,
        is_secret: bool,
        patience: float | None,
    ) -> Result[bytes]:
        """Begin with whatever `begin` says, else with a request; see `perform`."""
        transport = self.transport
        turns = transport.lock
        if (hearing := transport.hearing).scope is not None:
            hearing.interrupt()
        if not turns.take(self._loop):
            await turns.wait()
        try:
            if self.lost is not None:
                return Err(self.lost)
            if check is not None and (objection := check()) is not None:
                return Err(objection)
            self.is_busy = True
            try:
                now = self._clock()
                deadline = now + self.timeout if patience is None else now + min(patience, self.timeout)
                begun = self._send_bare(request) if begin is None else begin()
                octets = begun if isinstance(begun, bytes) else _lone_request(begun)
                lane, delay = transport.lane, 0.0
                log = self._logger(is_secret) if _octets.isEnabledFor(logging.DEBUG) else None
                if octets and lane is not None and log is None and lane.put_out(octets):
                    # The usual exchange needs no more than this: one request, and its answer in one piece.
                    silent_until = now + link.timeout
                    arrival = lane.arrival(silent_until if silent_until < deadline else deadline)
                    if arrival is not None:
                        await arrival
                    octets, delay = lane.taken(), self.turnaround_delay
                    if not octets:
                        taken: Bare = self._silence(link, deadline, patience)
                    else:
                        taken = self._receive_bare(octets) if begin is None else link.receive(octets)
                    if isinstance(taken, bytes):
                        return Ok(taken)
                    if (answer := _answered(taken, lane, delay)) is not None:
                        return answer
                    events = taken
                else:
                    events = sent(begun)
                return await self._drive(link, events, deadline, delay, patience, log)
            except ProtocolFault as broken:
                return Err(await self.lose(broken.error))
            except BaseException:
                await self.lose(_CUT_SHORT)
                raise
            finally:
                self.is_busy = False
                self.last_activity = self._clock()
                if self._active is not None:
                    self._active.set()
        finally:
            turns.release()

    async def _drive(
        self,
        link: Link,
        events: Events,
        deadline: float,
        delay: float,
        patience: float | None,
        log: Callable[[str, bytes], None] | None,
    ) -> Result[bytes]:
        """Do what `events` say, `delay` seconds late, and go on with the exchange until its end."""
        transport, clock = self.transport, self._clock
        allowed = self.timeout if patience is None else min(patience, self.timeout)
        left = deadline - clock()
        while True:
            answer: Result[bytes] | None = None
            reply = b""
            for event in events:
                if isinstance(event, Transmit):
                    reply = reply + event.octets if reply else event.octets
                elif isinstance(event, Message):
                    answer = Ok(event.octets)
                elif isinstance(event, Failed):
                    answer = Err(event.error)
                elif isinstance(event, Advanced):
                    deadline, left = clock() + allowed, allowed
                elif isinstance(event, Notice):
                    self._notice(event.octets)
                else:
                    raise ProtocolFault(event.error)
            if reply:
                if delay:
                    await anyio.sleep(delay)
                    left -= delay
                if log:
                    log(">", reply)
                if answer is not None:  # the last packet's ACK may travel with the next request
                    await transport.hold(reply)
                elif not transport.put(reply):
                    await self._send(reply, deadline)
                    left = deadline - clock()
            if answer is not None:
                return answer
            octets = await transport.receive(min(link.timeout, left)) if left > 0 else b""
            if octets:
                if log:
                    log("<", octets)
                events = link.receive(octets)
                if len(events) == 1 and type(events[0]) is Message:  # the usual end
                    return Ok(events[0].octets)
                delay = self.turnaround_delay
            else:
                events = self._silence(link, deadline, patience)
            left = deadline - clock()

    def _silence(self, link: Link, deadline: float, patience: float | None) -> Events:
        """Return what the link makes of a silence; past the deadline, the end of the exchange."""
        if self._clock() < deadline:
            return link.timed_out()
        error = self._too_slow()
        if patience is None:
            raise error
        return [Failed(error.error)]

    async def _send(self, octets: bytes, deadline: float) -> None:
        """Send; over a line that takes no octets just now, within what is left of the exchange's time."""
        if not self.transport.is_full:
            await self.transport.send(octets)
            return
        with anyio.CancelScope(deadline=deadline) as scope:
            await self.transport.send(octets)
        if scope.cancelled_caught:
            raise fault(
                ErrorKind.TIMEOUT,
                f"the line takes no octets: {len(octets)} could not be sent within {self.timeout:g} s",
                where=self.transport.name,
            )

    def _logger(self, is_secret: bool) -> Callable[[str, bytes], None]:
        """Return what writes octets into the log; wanted only where that is enabled."""

        def log(way: str, octets: bytes) -> None:
            shown = f"({len(octets)} octets of a secret)" if is_secret else octets.hex(" ")
            _octets.debug("%s %s %s", self.transport.name, way, shown)

        return log

    def _too_slow(self) -> ProtocolFault:
        return fault(
            ErrorKind.TIMEOUT,
            f"the whole answer was expected within {self.timeout:g} s; octets kept coming, but too slowly",
            where=self.transport.name,
        )

    async def lose(self, error: MeterError) -> MeterError:
        """Give the session up for `error` and close the line, shielded and in bounded time.

        Returns the error, marked as the session's end.
        """
        error = replace(error, has_ended_session=True)
        if self.lost is None:
            self.lost = error
            _log.debug("%s: session lost: %s", self.transport.name, error)
        await close_line(self.transport)
        return error

    def _notice(self, octets: bytes) -> None:
        self.notices.add(octets)
        if self._noticed is not None:
            self._noticed.set()
            self._noticed = None

    async def listen(self) -> Result[bytes]:
        """Return the next thing the meter said unasked; wait for it, however long.

        Exchanges go on meanwhile: one that begins interrupts the listening, and what comes during it counts.
        Errors: what ended the session.
        """
        hearing = self.transport.hearing
        hearing.audience.add(self)
        while not self.notices:
            if self.lost is not None:
                return Err(self.lost)
            if hearing.scope is not None or self.is_busy:
                self._noticed = self._noticed or anyio.Event()
                with anyio.move_on_after(LISTENING):
                    await self._noticed.wait()
            else:
                await self._hear(hearing)
        return Ok(self.notices.take())

    async def _hear(self, hearing: Hearing) -> None:
        """Receive for a while, for all who listen on this line, as long as nobody wants to speak."""
        octets = b""
        with anyio.CancelScope() as scope:
            hearing.scope = scope  # before the lock is had: one listener is enough to wait for it
            try:
                async with self.transport.lock:
                    is_wanted = self.transport.lock.is_wanted
                    if is_wanted or self.notices or self.lost is not None:
                        return
                    octets = await self.transport.receive(LISTENING)
                    hearing.scope = None  # from here on it is not to be cut short
                    for listener in list(hearing.audience) if octets else ():
                        await listener.overhear(octets)
            except ProtocolFault as broken:
                await self.lose(broken.error)
            finally:
                if hearing.scope is scope:
                    hearing.scope = None

    async def overhear(self, octets: bytes) -> None:
        """Take octets that nobody asked for: notices are kept, answers to nothing are dropped."""
        if self.lost is not None:
            return
        if _octets.isEnabledFor(logging.DEBUG):
            self._logger(False)("<", octets)
        for event in self.link.receive(octets):
            if isinstance(event, Notice):
                self._notice(event.octets)
            elif isinstance(event, Broken):
                await self.lose(event.error)

    async def begin(self) -> None:
        """Start anew on an open line: nothing is lost yet, and what came before is thrown away."""
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self.transport.hearing.audience.discard(self)
        self.transport.hearing.interrupt()
        async with self.transport.lock:
            self.transport.discard()
            self.lost = None
            self.notices.clear()
            self.last_activity = self._clock()

    async def wake(self, octets: bytes, delay: float) -> Result[None]:
        """Send octets that are no message, and leave the line alone for `delay` seconds.

        Errors: TRANSPORT, and the session is lost.
        """
        self.transport.hearing.interrupt()
        async with self.transport.lock:
            try:
                await self.transport.send(octets)
                await anyio.sleep(delay)
            except ProtocolFault as broken:
                return Err(await self.lose(broken.error))
        return Ok(None)

    async def set_baud_rate(self, baud_rate: int) -> Result[None]:
        """Change the line's speed (bits per second) between two exchanges.

        Errors: TRANSPORT, and the session is lost.
        """
        self.transport.hearing.interrupt()
        async with self.transport.lock:
            try:
                await self.transport.set_baud_rate(baud_rate)
            except ProtocolFault as broken:
                return Err(await self.lose(broken.error))
        return Ok(None)

    async def pause(self, seconds: float) -> None:
        """Wait without holding the line, in seconds."""
        await anyio.sleep(seconds)

    async def until_idle(self, allowed: Callable[[], float], usual: float) -> None:
        """Return once no exchange has been under way for `allowed()` seconds, as of then.

        Beyond the `usual` silence, another exchange may shorten what is allowed: it is waited for.
        """
        while True:
            now, seconds = self._clock(), allowed()
            due = (now if self.is_busy else self.last_activity) + seconds
            if due <= now:
                return
            if seconds <= usual:
                await anyio.sleep(due - now)
            else:
                await self._until_active(due - now)

    async def _until_active(self, seconds: float) -> None:
        """Return as soon as another exchange has ended, or after `seconds`."""
        self._active = anyio.Event()
        try:
            with anyio.move_on_after(seconds):
                await self._active.wait()
        finally:
            self._active = None


def _lone_request(events: Events) -> bytes:
    """Return the octets to put on the line, if that is all there is to do; else none."""
    return event.octets if len(events) == 1 and type(event := events[0]) is Transmit else b""


def _answered(events: Events, lane: Lane, delay: float) -> Ok[bytes] | None:
    """Return the message that ends an exchange, alone or behind its last packet's ACK, which is held."""
    if len(events) == 1 and type(event := events[0]) is Message:
        return Ok(event.octets)
    if len(events) == 2 and not delay:
        ack, message = events
        if type(ack) is Transmit and type(message) is Message:
            lane.hold(ack.octets)
            return Ok(message.octets)
    return None
