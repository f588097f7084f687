"""A meter, gateway, modem or serial converter behind a TCP port."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from typing import Any, Final, TypeAlias

from meterkit.errors import ProtocolFault
from meterkit.options import TcpOptions
from meterkit.transport.octets import OctetProtocol, StreamTransport, transport_error

CLOSE_GRACE: Final = 1.0  # s for the last octets to leave before the connection is cut

# s and counts; a dead gateway is noticed after 60 + 4 * 15 s without traffic
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))

_SOCKET_OPTIONS: Final = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, int(getattr(socket, option)), value)
        for option, value in _KEEP_ALIVE
        if hasattr(socket, option)
    ),
)

#: Whether any event loop here can tell when a socket is writable; that of Windows can't.
_WATCHES_SOCKETS: Final = sys.platform != "win32"

_SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
_Address: TypeAlias = tuple[socket.AddressFamily, _SocketAddress]

_CONNECT_WORDS: Final = {
    errno.ECONNREFUSED: "connection refused: the machine is there, but nothing listens on that port",
    errno.EHOSTUNREACH: "no route to the host: is it on, and in a network one can reach from here?",
    errno.ENETUNREACH: "no route to its network: is the link, modem or VPN up?",
    errno.ECONNRESET: "the meter or gateway closed the connection while it was being made",
    errno.ETIMEDOUT: "no answer to the connection request",
    errno.EADDRNOTAVAIL: "this address cannot be reached from here: is the address right?",
    errno.EACCES: "this machine forbids the connection (firewall?)",
    errno.EPERM: "this machine forbids the connection (firewall?)",
    errno.EMFILE: "this process has too many open files; raise the limit (ulimit -n)",
    errno.EINVAL: "this address needs its network interface, such as fe80::1%eth0",
}

_LOSS_WORDS: Final = {
    errno.ECONNRESET: "the meter or gateway closed the connection (reset by peer)",
    errno.EPIPE: "the meter or gateway closed the connection",
    errno.ECONNABORTED: "the connection was cut by this machine's network",
    errno.ETIMEDOUT: "the connection went dead: octets or keep-alive probes were not acknowledged",
    errno.EHOSTUNREACH: "the connection went dead: no route to the host any more",
    errno.ENETUNREACH: "the connection went dead: no route to its network any more",
}


class TcpTransport(StreamTransport):
    """Octets over one TCP connection, IPv4 or IPv6; never delayed by Nagle's algorithm."""

    def __init__(self, options: TcpOptions) -> None:
        super().__init__()
        self.options = options
        host = f"[{options.host}]" if ":" in options.host else options.host
        self._name = f"tcp {host}:{options.port}"

    @property
    def name(self) -> str:
        """Such as "tcp 10.0.0.7:1153"."""
        return self._name

    @property
    def is_noisy(self) -> bool:
        """Whether the options say that a serial line lies behind the connection."""
        return self.options.is_noisy

    async def _connect(self) -> OctetProtocol:
        """Try the host's addresses in turn; each has its share of the time that is left."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.options.connect_timeout
        addresses = await self._resolve()
        failures: list[str] = []
        for index, address in enumerate(addresses):
            share = (deadline - loop.time()) / (len(addresses) - index)
            try:
                return await self._connect_to(*address, share)
            except OSError as error:
                place = "" if address[1][0] == self.options.host else f"{address[1][0]}: "
                failures.append(place + _refusal_in_words(error, share))
        raise self._fault(f"could not connect: {'; '.join(failures)}")

    async def _connect_to(
        self, family: socket.AddressFamily, address: _SocketAddress, patience: float
    ) -> OctetProtocol:
        loop = asyncio.get_running_loop()
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            for level, option, value in _SOCKET_OPTIONS:
                connection.setsockopt(level, option, value)
            await _reach(connection, address, patience, loop)
            protocol = OctetProtocol(self._name, _loss_in_words, echo=self.options.echo)
            await loop.create_connection(lambda: protocol, sock=connection)
        except BaseException:
            connection.close()
            raise
        return protocol

    async def _resolve(self) -> list[_Address]:
        host, port = self.options.host, self.options.port
        if _is_ipv4(host):
            return [(socket.AF_INET, (host, port))]
        try:  # an address in figures needs no thread
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):
            limit = self.options.connect_timeout
            try:
                async with asyncio.timeout(limit):
                    loop = asyncio.get_running_loop()
                    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except TimeoutError:
                raise self._fault(f"could not connect: timed out: no answer in {limit:g} s") from None
            except (socket.gaierror, UnicodeError) as error:
                raise self._fault(f"the host name is not known here ({_reason(error)})") from None
        addresses: list[_Address] = []
        address: Any
        for family, _, _, _, address in found:
            # A Python built without IPv6 answers with plain octets; such an address is of no use.
            if isinstance(address[0], str) and (family, address) not in addresses:
                addresses.append((family, address))
        return addresses

    async def _disconnect(self, protocol: OctetProtocol) -> None:
        """Let the last octets leave, for CLOSE_GRACE seconds at most; cancelled, cut at once."""
        transport = protocol.transport
        if transport is None:
            return
        cut: asyncio.TimerHandle | None = None
        try:
            transport.close()
            if transport.get_write_buffer_size():  # else it ends in the loop's next turn
                cut = asyncio.get_running_loop().call_later(CLOSE_GRACE, transport.abort)
            await protocol.ended()
        except BaseException:
            transport.abort()
            raise
        finally:
            if cut is not None:
                cut.cancel()

    def _fault(self, message: str) -> ProtocolFault:
        return ProtocolFault(transport_error(self._name, message))


async def _reach(
    connection: socket.socket, address: _SocketAddress, patience: float, loop: asyncio.AbstractEventLoop
) -> None:
    """Connect to `address`, which is in figures, within `patience` seconds.

    The loop's `sock_connect` within `asyncio.timeout` does the same for more: it looks the address up again,
    and a time-out that has to cancel the task costs more than a timer.
    Errors: OSError the system's; TimeoutError without an errno ours.
    """
    if not _WATCHES_SOCKETS:
        async with asyncio.timeout(patience):
            await loop.sock_connect(connection, address)
        return
    try:
        connection.connect(address)
        return
    except (BlockingIOError, InterruptedError):
        pass  # it goes on by itself; once the socket is writable, it is connected or has an error
    reached: asyncio.Future[bool] = loop.create_future()
    timer = loop.call_later(patience, _settle, reached, False)
    loop.add_writer(connection.fileno(), _settle, reached, True)
    try:
        if not await reached:
            raise TimeoutError
    finally:
        timer.cancel()
        loop.remove_writer(connection.fileno())
    if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise OSError(code, os.strerror(code))


def _settle(reached: asyncio.Future[bool], is_reached: bool) -> None:
    if not reached.done():  # time may run out in the very turn of the loop that brings the connection
        reached.set_result(is_reached)


def _is_ipv4(host: str) -> bool:
    """Tell whether `host` is an IPv4 address as it is usually written."""
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True


def _refusal_in_words(error: OSError, share: float) -> str:
    if isinstance(error, TimeoutError) and error.errno is None:  # our own time-out, not the system's
        return f"timed out: no answer in {share:.3g} s"
    words = _CONNECT_WORDS.get(error.errno or 0)
    return f"{words} ({_reason(error)})" if words else _reason(error)


def _loss_in_words(error: Exception | None) -> str:
    if error is None:
        return "the meter or gateway closed the connection"
    words = _LOSS_WORDS.get(getattr(error, "errno", None) or 0)
    return words or f"the connection broke ({_reason(error)})"


def _reason(error: Exception) -> str:
    """Return what the operating system says, without Python's wrapping."""
    if isinstance(error, socket.gaierror):
        return str(error.strerror)
    code = getattr(error, "errno", None)
    return os.strerror(code) if isinstance(code, int) and code > 0 else str(error) or type(error).__name__
