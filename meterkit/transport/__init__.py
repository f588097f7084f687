"""The rooms that touch the world: octets to a meter and back."""

from meterkit.transport.base import Transport
from meterkit.transport.line import Line
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.tcp import TcpTransport

__all__ = ["Line", "LoopbackTransport", "SerialTransport", "TcpTransport", "Transport"]
