"""Listening for what meters push: one listener, any number of meters.

async with PushListener.tcp(port=4059) as listener:
    async for result in listener:
        if result.is_success:
            print(result.value.peer, axdr.decode(result.value.notification.body))

Nothing is ever answered.  What secured meters push is opened with `protection=PushProtection(keys=...)`.  For
a meter that a client is connected to, there is `DlmsClient.listen`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

import anyio

from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.push.desk import PushDesk
from meterkit.dlms.push.lines import PushLine, PushPort, TcpPushPort, TransportPushLine, UdpPushPort
from meterkit.dlms.push.protection import PushProtection
from meterkit.dlms.push.queue import Push, PushQueue
from meterkit.dlms.push.reader import HdlcPushReader, PushReader, WrapperPushReader
from meterkit.result import Result
from meterkit.session.opening import CLOSE_GRACE
from meterkit.transport.base import Transport

__all__ = ["Push", "PushListener", "PushProtection"]

PORT: Final = 4059  # IANA's for DLMS/COSEM
QUEUE_SIZE: Final = 1000  # pushes that wait for whoever iterates

Interface: TypeAlias = Literal["wrapper", "hdlc"]


class PushListener:
    """What meters push, as an endless stream of Results.

    An `Err` among them concerns one message or one meter, which its error names, and the others go on.  A
    connection whose octets make no sense is closed.  The stream ends when the listener is left, or when the
    one transport it listens to has ended.  `break` costs nothing.
    Made by `tcp`, `udp` or `transport`; begins to listen when it is entered.
    """

    def __init__(
        self,
        make_line: Callable[[PushQueue], PushLine],
        queue_size: int = QUEUE_SIZE,
        protection: PushProtection | None = None,
    ) -> None:
        """Raises: ValueError for a queue of no size."""
        if queue_size < 1:
            raise ValueError(f"queue_size {queue_size}: 1 or more expected")
        self._queue = PushQueue(queue_size)
        self._line = make_line(self._queue)
        self._desk = PushDesk(self._queue, protection)

    @classmethod
    def tcp(
        cls,
        host: str = "0.0.0.0",  # meters come from elsewhere
        port: int = PORT,
        interface: Interface = "wrapper",
        *,
        client_address: int = 16,
        queue_size: int = QUEUE_SIZE,
        protection: PushProtection | None = None,
    ) -> Self:
        """Listen on a TCP port; 0 takes any free one.  While nobody takes pushes, meters have to wait."""
        make_reader = _reader(interface, client_address)
        return cls(lambda queue: TcpPushPort(queue, host, port, make_reader), queue_size, protection)

    @classmethod
    def udp(
        cls,
        host: str = "0.0.0.0",
        port: int = PORT,
        *,
        queue_size: int = QUEUE_SIZE,
        protection: PushProtection | None = None,
    ) -> Self:
        """Listen on a UDP port, WRAPPER; 0 takes any free one.  While nobody takes pushes, some are lost."""
        return cls(lambda queue: UdpPushPort(queue, host, port), queue_size, protection)

    @classmethod
    def transport(
        cls,
        transport: Transport,
        interface: Interface = "hdlc",
        *,
        client_address: int = 16,
        protection: PushProtection | None = None,
    ) -> Self:
        """Listen on one line, such as the serial customer port of a meter."""
        reader = _reader(interface, client_address)()
        return cls(lambda queue: TransportPushLine(queue, transport, reader), protection=protection)

    @property
    def name(self) -> str:
        """Where it listens, such as "tcp 0.0.0.0:4059"."""
        return self._line.name

    @property
    def port(self) -> int:
        """The port it listens on.  Raises: RuntimeError before it is entered, or if it listens on none."""
        if isinstance(self._line, PushPort):
            return self._line.port
        raise RuntimeError(f"{self.name} is no port")

    @property
    def dropped(self) -> int:
        """Results that were lost because nobody took them in time: UDP only."""
        return self._queue.dropped

    async def __aenter__(self) -> Self:
        """Begin to listen.

        Raises: MeterFailure TRANSPORT where that is not possible, SECURITY no place for received counters.
        """
        self._desk.prepare()
        await self._line.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.end()
        with anyio.move_on_after(CLOSE_GRACE, shield=True):  # cancelled or not, the line is left closed
            await self._line.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Result[Push]:
        while (result := await self._desk.take()) is None:
            if self._queue.is_over:
                raise StopAsyncIteration
            await self._line.more()
        self._line.taken()
        return result


def _reader(interface: Interface, client_address: int) -> Callable[[], PushReader]:
    if interface == "wrapper":
        return WrapperPushReader
    client = HdlcAddress(client_address)
    return lambda: HdlcPushReader(client)
