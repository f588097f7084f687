"""The lines that pushes come in on: a TCP port, a UDP port, or one transport.

TCP   many meters at once, each on its connection; while nobody takes pushes, reading stops
UDP   many meters, whole datagrams; while nobody takes pushes, the oldest give way
line  one transport (a customer port, an optical probe); octets are pulled when a push is wanted
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, cast

from meterkit.dlms.push.queue import PushQueue
from meterkit.dlms.push.reader import PushReader, WrapperPushReader
from meterkit.errors import ErrorKind, MeterError, MeterFailure, ProtocolFault
from meterkit.transport.base import Transport
from meterkit.transport.udp import open_datagrams

MAX_CONNECTIONS: Final = 10_000  # at once; further ones are closed as they come
MAX_PEERS: Final = 64  # UDP senders whose unfinished pushes are kept
PIECE: Final = 4096  # octets read in one go before the queue is looked at again
ACCEPTING: Final = 2  # turns of asyncio's loop from a caller that was accepted to one that is known
OCTET_GAP: Final = 4.0  # s of silence within a frame after which it is given up; meters pause 3 s

_WORDS: Final = {
    errno.EADDRINUSE: "another program listens there already",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "ports below 1024 are for the administrator",
}


class PushLine(ABC):
    """Where pushes come from."""

    def __init__(self, queue: PushQueue) -> None:
        self.queue = queue

    @property
    @abstractmethod
    def name(self) -> str:
        """The line as a person would call it, such as "tcp 0.0.0.0:4059"."""

    @abstractmethod
    async def open(self) -> None:
        """Begin to listen.  Errors: raises MeterFailure, TRANSPORT."""

    @abstractmethod
    async def close(self) -> None:
        """Stop listening.  Never raises."""

    async def more(self) -> None:
        """Wait until the queue has something, or never will."""
        await self.queue.arrival()

    def taken(self) -> None:
        """Take the news that something was taken out of the queue."""
        return


class PushPort(PushLine):
    """A port of this machine."""

    kind = ""

    def __init__(self, queue: PushQueue, host: str, port: int) -> None:
        super().__init__(queue)
        self.host, self._asked_port = host, port

    @property
    @abstractmethod
    def port(self) -> int:
        """The port it listens on."""

    @property
    def name(self) -> str:
        """Such as "tcp 0.0.0.0:4059"."""
        return f"{self.kind} {_place(self.host, self._asked_port)}"

    def failure(self, error: Exception) -> MeterFailure:
        """Return what to raise when the port cannot be had."""
        code = getattr(error, "errno", None)
        reason = os.strerror(code) if isinstance(code, int) and code > 0 else str(error)
        words = _WORDS.get(code or 0)
        told = f"{words} ({reason})" if words else reason
        return MeterFailure(MeterError(ErrorKind.TRANSPORT, f"{self.name}: cannot listen: {told}"))


class TcpPushPort(PushPort):
    """A TCP port that meters connect to."""

    kind = "tcp"

    def __init__(self, queue: PushQueue, host: str, port: int, make_reader: Callable[[], PushReader]) -> None:
        super().__init__(queue, host, port)
        self.make_reader = make_reader
        self.callers: set[Caller] = set()
        self.held_up: dict[Caller, None] = {}  #: those with octets that found no room, in turn
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on; RuntimeError before `open`."""
        if self._server is None:
            raise RuntimeError("the port is not open")
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self) -> None:
        """Begin to listen.  Errors: raises MeterFailure, TRANSPORT."""
        loop = asyncio.get_running_loop()
        try:
            # In two steps: cancelled while it begins to serve, create_server would leave the port open.
            self._server = await loop.create_server(
                lambda: Caller(self), self.host, self._asked_port, start_serving=False
            )
            await self._server.start_serving()
        except (OSError, UnicodeError) as error:
            await self.close()
            raise self.failure(error) from None
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        server, self._server = self._server, None
        if server is None:
            return
        gone: list[asyncio.Future[None]] = []
        try:
            for _ in range(ACCEPTING):  # or Python 3.11 forgets, unclosed, whoever was just accepted
                await asyncio.sleep(0)
        finally:
            server.close()
            for caller in self.callers:
                gone.append(caller.gone)
                caller.cut()
            self.held_up.clear()
        if gone:
            await asyncio.wait(gone)
        await server.wait_closed()

    def taken(self) -> None:
        """Let those go on who wait, in turn, once there is room."""
        if self.held_up and self.queue.has_room:
            waiting, self.held_up = self.held_up, {}
            for caller in waiting:
                caller.go_on()


class Caller(asyncio.Protocol):
    """One meter that connected."""

    def __init__(self, port: TcpPushPort) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._port = port
        self._queue = port.queue
        self._reader = port.make_reader()
        self._octets = b""  # came, and not yet read
        self._at = 0  # octets of those that were read
        self._is_held_up = False
        self._has_ended = False
        self._peer = ""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember who it is; one too many is sent away."""
        self._transport = cast("asyncio.Transport", transport)
        peer: Any = transport.get_extra_info("peername") or ("?", 0)
        self._peer = _place(peer[0], peer[1])
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if len(self._port.callers) >= MAX_CONNECTIONS:
            self._transport.abort()
        self._port.callers.add(self)

    def data_received(self, data: bytes) -> None:
        """Read what came, as far as there is room for what it says."""
        self._octets = self._octets[self._at :] + data
        self._at = 0
        self.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of a message that broke off, after all that came."""
        self._port.callers.discard(self)
        self._has_ended = True
        self.gone.set_result(None)
        if not self._is_held_up:
            self.go_on()

    def go_on(self) -> None:
        """Read on while the queue has room; wait when it has not."""
        reader, queue = self._reader, self._queue
        while self._at < len(self._octets) and not queue.is_full and not reader.is_lost:
            queue.put(self._peer, reader.feed(self._octets[self._at : self._at + PIECE]))
            self._at += PIECE
        if reader.is_lost:
            self._octets = b""
            self.cut()
        is_held_up = self._at < len(self._octets)
        if is_held_up:
            self._port.held_up[self] = None
        elif self._has_ended and not reader.is_lost:
            queue.put(self._peer, reader.silence())
        self._hold_up(is_held_up)

    def _hold_up(self, is_held_up: bool) -> None:
        was_held_up, self._is_held_up = self._is_held_up, is_held_up
        if is_held_up == was_held_up or self._transport is None or self._transport.is_closing():
            return
        if is_held_up:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def cut(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()


class UdpPushPort(PushPort, asyncio.DatagramProtocol):
    """A UDP port that meters send to."""

    kind = "udp"

    def __init__(self, queue: PushQueue, host: str, port: int) -> None:
        super().__init__(queue, host, port)
        self._readers: OrderedDict[str, PushReader] = OrderedDict()
        self._transport: asyncio.DatagramTransport | None = None
        self._gone: asyncio.Future[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on; RuntimeError before `open`."""
        if self._transport is None:
            raise RuntimeError("the port is not open")
        return int(self._transport.get_extra_info("sockname")[1])

    async def open(self) -> None:
        """Begin to listen.  Errors: raises MeterFailure, TRANSPORT."""
        self._gone = asyncio.get_running_loop().create_future()
        try:
            self._transport = await open_datagrams(
                self, self.host, self._asked_port, lambda s, place: s.bind(place)
            )
        except (OSError, UnicodeError) as error:
            raise self.failure(error) from None

    async def close(self) -> None:
        """Stop listening."""
        transport, self._transport = self._transport, None
        if transport is not None and self._gone is not None:
            transport.abort()
            await self._gone

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Read one datagram; each sender's blocks are put together on their own."""
        peer = _place(addr[0], addr[1])
        reader = self._readers.pop(peer, None) or WrapperPushReader(is_datagram=True)
        self._readers[peer] = reader
        if len(self._readers) > MAX_PEERS:
            self._readers.popitem(last=False)
        self.queue.put(peer, reader.feed(bytes(data)))
        self.queue.drop_oldest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the socket, or tell that the system took it away."""
        if self._gone is not None:
            self._gone.set_result(None)
        if self._transport is not None:
            self.queue.put(self.name, [MeterError(ErrorKind.TRANSPORT, f"the port was lost ({exc})")])
            self.queue.end()


class TransportPushLine(PushLine):
    """One transport, listened to while somebody wants a push."""

    def __init__(self, queue: PushQueue, transport: Transport, reader: PushReader) -> None:
        super().__init__(queue)
        self.transport = transport
        self._reader = reader

    @property
    def name(self) -> str:
        """The transport's."""
        return self.transport.name

    async def open(self) -> None:
        """Open the transport.  Errors: raises MeterFailure, TRANSPORT."""
        try:
            await self.transport.open()
        except ProtocolFault as failed:
            raise MeterFailure(failed.error) from None

    async def close(self) -> None:
        """Close the transport."""
        await self.transport.close()

    async def more(self) -> None:
        """Receive once; a line that ended is told, and nothing more comes."""
        try:
            async with self.transport.lock:
                octets = await self.transport.receive(OCTET_GAP)
        except ProtocolFault as ended:
            self.queue.put(self.name, [*self._reader.silence(), ended.error])
            self.queue.end()
            return
        items = self._reader.feed(octets) if octets else self._reader.silence()
        self.queue.put(self.name, items)
        if self._reader.is_lost and isinstance(self._reader, WrapperPushReader):
            self.queue.end()


def _place(host: object, port: object) -> str:
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"
