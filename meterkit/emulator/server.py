"""An emulated meter, PSEM or DLMS, on a TCP port or a pseudo-terminal.

async with serve_tcp(emulator, port=1153) as server:
    print(server.address)                    # psem+tcp://127.0.0.1:1153
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from types import TracebackType
from typing import Self, cast

from meterkit.emulator.line import Emulator
from meterkit.emulator.timed_line import TimedLine

_log = logging.getLogger("meterkit.emulator")
_MAX_BACKLOG = 1 << 20  # octets; a client that reads nothing loses its line
_READ_SIZE = 65536  # octets


class _TcpLine(TimedLine, asyncio.Protocol):
    """One TCP client: its own session over the shared meter."""

    def __init__(self, emulator: Emulator, lines: set[_TcpLine]) -> None:
        super().__init__(emulator)
        self._lines = lines
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.get_running_loop().create_future()  #: done when the line is gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a session; answers leave at once."""
        self._transport = cast(asyncio.Transport, transport)
        sock: socket.socket | None = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines.add(self)

    def data_received(self, data: bytes) -> None:
        """Let the meter answer."""
        self.hear(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the session: the client is gone, with or without Terminate."""
        self._lines.discard(self)
        self.stop()
        self.session.close()
        self._transport = None
        self.lost.set_result(None)

    def speak(self, octets: bytes) -> None:
        """Write to the client; a client that takes nothing is cut off."""
        if self._transport is None:
            return
        self._transport.write(octets)
        if self._transport.get_write_buffer_size() > _MAX_BACKLOG:
            _log.debug("client reads nothing: line cut")
            self._transport.abort()

    def hang_up(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Drop the line without a word."""
        if self._transport is not None:
            self._transport.abort()


class TcpEmulatorServer:
    """Serves one meter to any number of TCP clients at once, each with its own session."""

    def __init__(self, emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> None:
        self.emulator = emulator
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._lines: set[_TcpLine] = set()

    @property
    def port(self) -> int:
        """The port it listens on; RuntimeError before `open`."""
        if self._server is None:
            raise RuntimeError("the server is not open")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def address(self) -> str:
        """Where it listens, as the URL that `meterkit.connect` takes."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return self.emulator.url("tcp", f"{host}:{self.port}")

    @property
    def nbr_clients(self) -> int:
        """How many lines are up."""
        return len(self._lines)

    async def open(self) -> None:
        """Begin to listen; OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _TcpLine(self.emulator, self._lines), self._host, self._port, start_serving=False
        )
        try:
            await self._server.start_serving()
        except BaseException:  # cancelled: the port is not to stay behind
            self._server.close()
            self._server = None
            raise

    def drop_lines(self) -> None:
        """Cut every client's line, as a failing gateway would."""
        for line in list(self._lines):
            line.cut()

    async def close(self) -> None:
        """Stop listening and drop every line."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        lost = [line.lost for line in self._lines]
        self.drop_lines()
        await server.wait_closed()
        await asyncio.gather(*lost)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class PtyEmulatorServer(TimedLine):
    """Serves one meter on a pseudo-terminal: a serial port that exists only in memory.

    A pseudo-terminal has no speed and no hang-up: a client that goes away is noticed by the channel
    traffic time-out, or by the next client's Identify.
    """

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(emulator)
        self._master, self._slave = -1, -1
        self._backlog = bytearray()

    @property
    def path(self) -> str:
        """The device a client opens, such as /dev/pts/4; RuntimeError before `open`."""
        if self._slave < 0:
            raise RuntimeError("the pseudo-terminal is not open")
        return os.ttyname(self._slave)

    @property
    def address(self) -> str:
        """The device, as the URL that `meterkit.connect` takes."""
        return self.emulator.url("serial", self.path)

    async def open(self) -> None:
        """Make the pseudo-terminal; OSError when the system has none left."""
        self._master, self._slave = os.openpty()
        import tty  # not on Windows, which has no pseudo-terminals either

        tty.setraw(self._slave)  # and kept open, so that clients may come and go
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)

    async def close(self) -> None:
        """Remove the pseudo-terminal."""
        if self._master < 0:
            return
        self.stop()
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._master)
        loop.remove_writer(self._master)
        os.close(self._slave)
        os.close(self._master)
        self._master = self._slave = -1
        self._backlog.clear()
        self.session.close()

    def speak(self, octets: bytes) -> None:
        """Write to the client; what does not fit waits, what nobody reads is lost."""
        if not self._backlog:
            asyncio.get_running_loop().add_writer(self._master, self._write)
        if len(self._backlog) < _MAX_BACKLOG:
            self._backlog += octets
        self._write()

    def hang_up(self) -> None:
        """Begin anew: there is no carrier to drop, and the next client finds the meter waiting."""
        self.session = self.emulator.begin_session(self.rearm)

    def _read(self) -> None:
        try:
            data = os.read(self._master, _READ_SIZE)
        except BlockingIOError:
            return
        self.hear(data)

    def _write(self) -> None:
        try:
            del self._backlog[: os.write(self._master, self._backlog)]
        except BlockingIOError:
            return
        if not self._backlog:
            asyncio.get_running_loop().remove_writer(self._master)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def serve_tcp(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> TcpEmulatorServer:
    """Return a server to enter with `async with`; port 0 takes any free one."""
    return TcpEmulatorServer(emulator, host, port)


def open_pty(emulator: Emulator) -> PtyEmulatorServer:
    """Return a pseudo-terminal to enter with `async with`."""
    return PtyEmulatorServer(emulator)
