"""A meter that takes datagrams: each `send` is one, each `receive` returns one, whole.

Nothing tells whether a datagram arrived.  If the far machine says that nobody listens there (ICMP), that is
heard and ends the line; a far machine that is switched off is silence.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

import anyio

from meterkit.errors import MeterError, ProtocolFault
from meterkit.options import UdpOptions
from meterkit.transport.base import Transport
from meterkit.transport.octets import INBOX_LIMIT, Inbox, transport_error

LARGEST: Final = 65507  # octets of one datagram over IPv4: 65535 less the headers of IP and UDP
RESOLVE_TIMEOUT: Final = 10.0  # s for the host's name; there is nothing else to wait for
_OWN_COST: Final = 64  # octets that a datagram counts besides its own, so that empty ones are bounded too

_WORDS: Final = {
    errno.ECONNREFUSED: "the machine is there, but nothing takes datagrams on that port",
    errno.EHOSTUNREACH: "no route to the host: is it on, and in a network one can reach from here?",
    errno.ENETUNREACH: "no route to its network: is the link, modem or VPN up?",
    errno.EADDRNOTAVAIL: "this address cannot be reached from here: is the address right?",
    errno.EACCES: "this machine forbids it (firewall, or a broadcast address?)",
    errno.EPERM: "this machine forbids it (firewall?)",
    errno.EMFILE: "this process has too many open files; raise the limit (ulimit -n)",
    errno.EINVAL: "this address needs its network interface, such as fe80::1%eth0",
}


def udp_error_in_words(error: Exception) -> str:
    """Return what an exception of the operating system means for a technician."""
    if isinstance(error, socket.gaierror):
        return f"the host name is not known here ({error.strerror})"
    code = getattr(error, "errno", None)
    if not isinstance(code, int) or code <= 0:
        return str(error) or type(error).__name__
    words = _WORDS.get(code)
    return f"{words} ({os.strerror(code)})" if words else os.strerror(code)


async def open_datagrams(
    protocol: asyncio.DatagramProtocol,
    host: str,
    port: int,
    settle: Callable[[socket.socket, Any], None],
) -> asyncio.DatagramTransport:
    """Give `protocol` a socket for `host` and `port`; `settle` binds or connects it to the address found.

    The loop could do that itself, but uvloop then hides what the system says, and leaves the socket open.
    Errors: OSError, UnicodeError for a name that is none.
    """
    loop = asyncio.get_running_loop()
    try:  # an address in figures needs no thread
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, _, _, _, place = found[0]
    datagrams = socket.socket(family, socket.SOCK_DGRAM)
    try:
        datagrams.setblocking(False)
        settle(datagrams, place)
    except BaseException:
        datagrams.close()
        raise
    # A few turns of the loop, which wait for nothing.  Cancelled within them, uvloop never closes again.
    opening = asyncio.ensure_future(loop.create_datagram_endpoint(lambda: protocol, sock=datagrams))
    try:
        transport, _ = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_abort)
        with anyio.CancelScope(shield=True):  # a scope around this cancels again at every turn
            await asyncio.wait({opening})
        raise
    return transport


def _abort(opening: asyncio.Future[tuple[asyncio.DatagramTransport, asyncio.DatagramProtocol]]) -> None:
    """Close what was opened for a call that was cancelled; what failed is nobody's surprise."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result()[0].abort()


class DatagramInbox(Inbox):
    """Whole datagrams, in the order they came.

    Nobody can tell the other end to wait: when more than INBOX_LIMIT octets are unread, the oldest
    datagrams give way, because an answer that is still wanted came last.
    """

    __slots__ = ("_queue", "_size", "dropped")

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[bytes] = deque()  # those behind the one in `_buffer`
        self._size = 0  # what all of them count
        self.dropped = 0  #: datagrams that gave way

    @property
    def size(self) -> int:
        """Octets that came and were not yet received."""
        return len(self._buffer) + sum(map(len, self._queue))

    def put(self, octets: bytes) -> None:
        """Take one datagram; an empty one says nothing."""
        if not octets:
            return
        self._size += len(octets) + _OWN_COST
        if self._buffer:
            self._queue.append(octets)
        else:
            super().put(octets)
        while self._size > INBOX_LIMIT and self._queue:
            self.take()
            self.dropped += 1

    def take(self) -> bytes:
        """Return the oldest datagram, and forget it."""
        octets = self._buffer
        if octets:
            self._size -= len(octets) + _OWN_COST
        self._buffer = self._queue.popleft() if self._queue else b""
        return octets

    def take_all(self) -> bytes:
        """Return all that came in a row, and forget it."""
        octets = self._buffer + b"".join(self._queue)
        self._buffer = b""
        self._queue.clear()
        self._size = 0
        return octets


class DatagramProtocol(DatagramInbox, asyncio.DatagramProtocol):
    """An asyncio protocol that one pulls datagrams from."""

    __slots__ = ("_ended", "_name", "_transport", "_writable")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._transport: asyncio.DatagramTransport | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport to write to."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is no subclass of it

    def fail(self, error: MeterError) -> None:
        """End the line for the reason `error`, for whoever receives and whoever waits to send."""
        super().fail(error)
        self._writable.set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Keep what came; only the meter's datagrams come at all."""
        self.put(bytes(data))

    def error_received(self, exc: Exception) -> None:
        """Take what ICMP or this machine says against it: nothing more will come."""
        self.fail(transport_error(self._name, udp_error_in_words(exc)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Record why, and wake everybody."""
        reason = udp_error_in_words(exc) if exc else "the line was closed"
        self.fail(transport_error(self._name, reason))
        self._ended.set()

    def pause_writing(self) -> None:
        """Hold senders back: the socket's buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Let senders go on."""
        self._writable.set()

    @property
    def is_full(self) -> bool:
        """Whether the asyncio transport asked to be given no more for now."""
        return not self._writable.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether datagrams can still be exchanged."""
        return self._failure is None and self._transport is not None

    async def send(self, octets: bytes) -> None:
        """Send one datagram; wait first while the socket's buffer is full.  Errors: TRANSPORT."""
        if self.is_full:
            await self._writable.wait()
        if self._failure is None and self._transport is not None:
            self._transport.sendto(octets)
        if self._failure is not None:  # the system may refuse at once
            raise ProtocolFault(self._failure)

    async def end(self) -> None:
        """Close the socket, and wait until the loop has let go of it."""
        if self._transport is not None:
            self._transport.abort()
            await self._ended.wait()


class UdpTransport(Transport):
    """Datagrams to one meter and from it alone, IPv4 or IPv6.

    Of a host with several addresses the first is used: there is no connection that could fail.
    """

    def __init__(self, options: UdpOptions) -> None:
        super().__init__()
        self.options = options
        host = f"[{options.host}]" if ":" in options.host else options.host
        self._name = f"udp {host}:{options.port}"
        self._datagrams: DatagramProtocol | None = None
        self._door = anyio.Lock(fast_acquire=True)  # held by whoever opens or closes

    @property
    def name(self) -> str:
        """Such as "udp 10.0.0.7:4059"."""
        return self._name

    @property
    def is_open(self) -> bool:
        """Whether `open` succeeded, and no refusal came and nobody closed since."""
        return self._datagrams is not None and self._datagrams.is_alive

    @property
    def is_noisy(self) -> bool:
        """False: a datagram is whole or does not come."""
        return False

    @property
    def is_datagram(self) -> bool:
        """True."""
        return True

    @property
    def is_full(self) -> bool:
        """Whether `send` would have to wait."""
        return self._datagrams is not None and self._datagrams.is_full

    @property
    def dropped(self) -> int:
        """Datagrams that came and gave way unread, since the line was opened."""
        return 0 if self._datagrams is None else self._datagrams.dropped

    async def open(self) -> None:
        """Get a socket towards the meter; open already: do nothing.  Nothing is sent.

        Errors: TRANSPORT, in words a technician can act on.
        """
        async with self._door:
            if self.is_open:
                return
            await self._let_go()
            self._datagrams = await self._connect()

    async def close(self) -> None:
        """Close the socket.  Never raises."""
        async with self._door:
            await self._let_go()

    async def send(self, octets: bytes) -> None:
        """Send `octets` as one datagram; no octets are none.

        Errors: TRANSPORT when the line is not open or has ended, or for more than LARGEST octets.
        """
        datagrams = self._opened()
        if len(octets) > LARGEST:
            raise self._fault(f"{len(octets)} octets do not fit into one datagram, {LARGEST} is most")
        if octets:
            await datagrams.send(octets)

    async def receive(self, timeout: float) -> bytes:
        """Return the next datagram; b"" when `timeout` seconds passed in silence.

        Errors: TRANSPORT when the line is not open, or has ended and all that came was received.
        """
        return await self._opened().receive(timeout)

    def discard(self) -> bytes:
        """Throw away, and return, what came and was not received."""
        return b"" if self._datagrams is None else self._datagrams.take_all()

    async def _connect(self) -> DatagramProtocol:
        protocol = DatagramProtocol(self._name)
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                await open_datagrams(
                    protocol, self.options.host, self.options.port, lambda s, place: s.connect(place)
                )
        except TimeoutError:
            raise self._fault(f"the host's name was not resolved in {RESOLVE_TIMEOUT:g} s") from None
        except (OSError, UnicodeError) as error:
            raise self._fault(f"could not open: {udp_error_in_words(error)}") from None
        return protocol

    async def _let_go(self) -> None:
        datagrams, self._datagrams = self._datagrams, None
        if datagrams is not None:
            datagrams.fail(transport_error(self._name, "the line was closed"))
            await datagrams.end()

    def _opened(self) -> DatagramProtocol:
        if self._datagrams is None:
            raise self._fault("the line is not open")
        return self._datagrams

    def _fault(self, message: str) -> ProtocolFault:
        return ProtocolFault(transport_error(self._name, message))
