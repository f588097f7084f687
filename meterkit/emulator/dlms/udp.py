"""The emulated DLMS meter on a UDP port: WRAPPER, one message in one datagram.  Source: IEC 62056-47.

async with serve_udp(emulator, port=4059) as server:
    print(server.address)                    # dlms+udp://127.0.0.1:4059
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from types import TracebackType
from typing import Any, Self, cast

from meterkit.dlms.wrapper import HEADER_SIZE, WrapperHeader
from meterkit.emulator.dlms.meter import DlmsMeterEmulator
from meterkit.emulator.timed_line import TimedLine
from meterkit.errors import ProtocolFault

_log = logging.getLogger("meterkit.emulator")
_MAX_PEERS = 1000  # the one that was silent longest is forgotten
Peer = tuple[Any, ...]  # host, port, and what IPv6 adds


class _UdpLine(TimedLine):
    """One client's address: its own session over the shared meter."""

    def __init__(self, emulator: DlmsMeterEmulator, transport: asyncio.DatagramTransport, peer: Peer) -> None:
        super().__init__(emulator)
        self._transport, self._peer = transport, peer

    def speak(self, octets: bytes) -> None:
        """Send each message in a datagram of its own; what is cut short goes as it is."""
        while octets:
            end = len(octets)
            if end >= HEADER_SIZE:
                end = min(HEADER_SIZE + int.from_bytes(octets[6:HEADER_SIZE], "big"), end)
            self._transport.sendto(octets[:end], self._peer)
            octets = octets[end:]

    def hang_up(self) -> None:
        """Do nothing: nothing holds a datagram's sender."""


class UdpEmulatorServer(asyncio.DatagramProtocol):
    """Serves one meter to any number of UDP clients at once, each with its own associations."""

    def __init__(self, emulator: DlmsMeterEmulator, host: str = "127.0.0.1", port: int = 0) -> None:
        if emulator.configuration.interface != "wrapper":
            raise ValueError(f"only WRAPPER runs over UDP, not {emulator.configuration.interface}")
        self.emulator = emulator
        self._host, self._port = host, port
        self._transport: asyncio.DatagramTransport | None = None
        self._lines: OrderedDict[Peer, _UdpLine] = OrderedDict()

    @property
    def port(self) -> int:
        """The port it listens on; RuntimeError before `open`."""
        if self._transport is None:
            raise RuntimeError("the server is not open")
        return int(self._transport.get_extra_info("sockname")[1])

    @property
    def address(self) -> str:
        """Where it listens, as the URL that `meterkit.connect` takes."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return self.emulator.url("udp", f"{host}:{self.port}")

    @property
    def nbr_clients(self) -> int:
        """How many clients were heard."""
        return len(self._lines)

    async def open(self) -> None:
        """Begin to listen; OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, (self._host, self._port))

    async def close(self) -> None:
        """Stop listening and forget every client."""
        if self._transport is None:
            return
        self._transport.close()
        self._transport = None
        for line in self._lines.values():
            line.stop()
            line.session.close()
        self._lines.clear()
        await asyncio.sleep(0)  # the socket is closed by the loop's next turn

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the news that the port is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Peer) -> None:
        """Let the meter answer one datagram; one that holds no whole message is dropped."""
        try:
            header = WrapperHeader.decode(data)
        except ProtocolFault as odd:
            _log.debug("datagram dropped: %s", odd)
            return
        if self._transport is None or len(data) != HEADER_SIZE + header.length:
            return
        line = self._lines.get(addr)
        if line is None:
            line = self._lines[addr] = _UdpLine(self.emulator, self._transport, addr)
            if len(self._lines) > _MAX_PEERS:
                _, oldest = self._lines.popitem(last=False)
                oldest.stop()
                oldest.session.close()
        self._lines.move_to_end(addr)
        line.hear(data)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def serve_udp(emulator: DlmsMeterEmulator, host: str = "127.0.0.1", port: int = 0) -> UdpEmulatorServer:
    """Return a server to enter with `async with`; port 0 takes any free one.

    Raises: ValueError for a meter that does not speak WRAPPER.
    """
    return UdpEmulatorServer(emulator, host, port)
