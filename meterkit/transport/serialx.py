"""A serial port through serialx, the other backend (extra: serialx): also ports behind rfc2217:// and socket://.

serialx drains and reconfigures without holding up the event loop, so little is left to do here.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

from meterkit.errors import ProtocolFault
from meterkit.options import SerialOptions
from meterkit.transport.octets import OctetProtocol, StreamTransport, transport_error

if TYPE_CHECKING:
    import serialx

DRAIN_GRACE: Final = 1.0  # s beyond the time the octets need on the wire
BITS: Final = 12  # of an octet at most: start, 8 data, parity, 2 stop


class SerialxTransport(StreamTransport):
    """Octets over a serial port that serialx opens.  Same options and behaviour as `SerialTransport`."""

    def __init__(self, options: SerialOptions) -> None:
        super().__init__()
        self.options = options
        self._rate = options.baud_rate

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

        Errors: TRANSPORT when the octets do not leave in time, the port cannot do that speed, or it is
        not open.  ValueError: not a speed at all.
        """
        if baud_rate <= 0:
            raise ValueError(f"a baud rate is a positive number of bits per second, not {baud_rate}")
        if self._octets is None:
            raise self._not_open()
        port = self._serialx(self._octets)
        self._octets.flush()
        if not await self._drain(port):
            raise self._fault("what was sent does not leave the port; does flow control hold it up?")
        try:
            await port.reconfigure_port(baudrate=baud_rate)
        except Exception as error:  # as the driver or the far converter likes
            raise self._fault(f"the port cannot do {baud_rate} bits per second ({error})") from None
        self._rate = baud_rate

    async def _connect(self) -> OctetProtocol:
        try:
            import serialx
        except ImportError:
            raise self._fault("serialx is not installed: pip install 'meterkit[serialx]'") from None
        options = self.options
        protocol = OctetProtocol(self.name, _loss_in_words, echo=options.echo)
        try:
            port, _ = await serialx.create_serial_connection(
                asyncio.get_running_loop(),
                lambda: protocol,
                options.port,
                options.baud_rate,
                parity=serialx.Parity(options.parity),
                stopbits=serialx.StopBits(options.stop_bits),
                exclusive=options.exclusive,
                byte_size=options.data_bits,
            )
        except Exception as error:
            raise self._fault(f"could not open the port ({error or type(error).__name__})") from None
        try:
            if options.rts is not None or options.dtr is not None:
                await port.set_modem_pins(rts=options.rts, dtr=options.dtr)
        except BaseException as error:
            port.abort()
            if isinstance(error, Exception):
                raise self._fault(f"could not set RTS or DTR ({error})") from None
            raise
        self._rate = options.baud_rate
        return protocol

    async def _disconnect(self, protocol: OctetProtocol) -> None:
        """Let the last octets leave in bounded time, then close; cancelled, close at once."""
        port = self._serialx(protocol)
        try:
            if protocol.failure is None and await self._drain(port):
                port.close()
        finally:
            if not port.is_closing():
                port.abort()
        await protocol.ended()

    async def _drain(self, port: serialx.BaseSerialTransport) -> bool:
        """Wait until all octets are on the wire; False when they are not in their time + DRAIN_GRACE."""
        waiting = port.get_write_buffer_size() * BITS / self._rate
        try:
            async with asyncio.timeout(waiting + DRAIN_GRACE):
                await port.flush()
        except TimeoutError:
            return False
        except Exception:  # the port went while it drained; the protocol is told
            return False
        return True

    @staticmethod
    def _serialx(protocol: OctetProtocol) -> serialx.BaseSerialTransport:
        return cast("serialx.BaseSerialTransport", protocol.transport)

    def _fault(self, message: str) -> ProtocolFault:
        return ProtocolFault(transport_error(self.name, message))


def _loss_in_words(error: Exception | None) -> str:
    detail = f" ({error})" if error is not None else ""
    return f"the port stopped working in mid-session: adapter unplugged or switched off?{detail}"
