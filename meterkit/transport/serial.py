"""A serial port with an optical probe or a converter on it: pyserial-asyncio behind a thin adapter.

What pyserial-asyncio does badly is done here: ports open in a thread and for one process only, what was
sent leaves before the port closes or changes speed, and nothing of that holds up the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from meterkit.errors import ProtocolFault
from meterkit.options import SerialOptions
from meterkit.transport.octets import OctetProtocol, StreamTransport, transport_error

if TYPE_CHECKING:
    from meterkit.transport.serial_port import Port, PortTransport

DRAIN_GRACE: Final = 1.0  # s beyond the time the octets need on the wire
WRITE_BUFFER: Final = 4096  # octets; 4 s at 9600 bits per second


class SerialTransport(StreamTransport):
    """Octets over a serial port.  One process, one transport at a time, unless `exclusive` is off."""

    def __init__(self, options: SerialOptions) -> None:
        super().__init__()
        self.options = options
        self._port: Port | None = None
        self._rate = options.baud_rate
        self._loss: Exception | None = None

    @property
    def name(self) -> str:
        """Such as "serial /dev/ttyUSB0"."""
        return f"serial {self.options.port}"

    @property
    def is_noisy(self) -> bool:
        """True: probes and converters give stray octets when they wake."""
        return True

    @property
    def baud_rate(self) -> int:
        """Bits per second, as last set."""
        return self._rate

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Let what was sent leave, then change the speed (bits per second).

        Errors: TRANSPORT when the octets do not leave in their time + DRAIN_GRACE seconds, when the
        port cannot do that speed, or when it is not open.  ValueError: not a speed at all.
        """
        if baud_rate <= 0:
            raise ValueError(f"a baud rate is a positive number of bits per second, not {baud_rate}")
        protocol, port = self._octets, self._port
        if protocol is None or port is None:
            raise self._not_open()
        protocol.flush()
        is_drained = protocol.failure is None and await self._drain(protocol, port)
        if protocol.failure is not None:
            raise ProtocolFault(protocol.failure)
        if not is_drained:
            raise self._fault("what was sent does not leave the port; does flow control hold it up?")
        try:
            port.baudrate = baud_rate
        except Exception as error:  # OSError, ValueError or termios.error, as the driver likes
            with contextlib.suppress(Exception):
                port.baudrate = self._rate
            raise self._fault(f"the port cannot do {baud_rate} bits per second ({error})") from None
        self._rate = baud_rate

    async def _connect(self) -> OctetProtocol:
        from meterkit.transport import serial_port

        self._loss = None
        try:
            port = await serial_port.in_thread(
                lambda: serial_port.open_port(self.options), lambda port: port.close()
            )
        except Exception as error:
            caught = error
            words = await serial_port.in_thread(lambda: serial_port.why_not_open(self.options, caught))
            raise self._fault(words) from None
        protocol = OctetProtocol(self.name, self._loss_in_words, echo=self.options.echo)
        port.on_loss = lambda error: self._on_loss(protocol, error)
        try:
            transport: PortTransport = await serial_port.attach(port, protocol)
            transport.set_write_buffer_limits(high=WRITE_BUFFER)
            protocol.connection_made(transport)
        except BaseException:
            port.close()
            raise
        self._port, self._rate = port, self.options.baud_rate
        return protocol

    async def _disconnect(self, protocol: OctetProtocol) -> None:
        """Let the last octets leave in bounded time, then close; cancelled, close at once."""
        port, self._port = self._port, None
        transport: PortTransport = protocol.transport
        if port is None or transport is None:
            return
        is_drained = False
        try:
            is_drained = protocol.failure is None and await self._drain(protocol, port)
        finally:
            if not is_drained:
                _drop_output(port)
            if not transport.is_closing() or transport.get_write_buffer_size():
                transport.abort()
        await protocol.ended()

    async def _drain(self, protocol: OctetProtocol, port: Port) -> bool:
        """Wait until all octets are on the wire; False when they are not in their time + DRAIN_GRACE."""
        from meterkit.transport import serial_port

        transport: PortTransport = protocol.transport
        waiting = transport.get_write_buffer_size() + _waiting_in_driver(port)
        bits = 1 + self.options.data_bits + (self.options.parity != "N") + self.options.stop_bits
        try:
            async with asyncio.timeout(waiting * bits / self._rate + DRAIN_GRACE):
                transport.set_write_buffer_limits(high=0)  # so that empty alone counts as writable
                await protocol.writable()
                await serial_port.in_thread(port.drain)
        except TimeoutError:
            return False
        except Exception as error:  # the port went while it drained
            self._on_loss(protocol, error)
        finally:
            transport.set_write_buffer_limits(high=WRITE_BUFFER)
        return protocol.failure is None

    def _on_loss(self, protocol: OctetProtocol, error: Exception) -> None:
        self._loss = error
        protocol.fail(transport_error(self.name, self._loss_in_words(error)))

    def _loss_in_words(self, error: Exception | None) -> str:
        from meterkit.transport import serial_port

        return serial_port.why_lost(error or self._loss)

    def _fault(self, message: str) -> ProtocolFault:
        return ProtocolFault(transport_error(self.name, message))


def _waiting_in_driver(port: Port) -> int:
    try:
        return port.out_waiting
    except (OSError, ValueError):
        return 0


def _drop_output(port: Port) -> None:
    """Drop what the driver still holds: closing the port would wait for it, in the event loop.

    Not after a drain: on a pseudo-terminal that may drop octets that left, and that nobody has read yet.
    """
    with contextlib.suppress(Exception):  # a port that is gone has nothing to drop
        port.reset_output_buffer()
