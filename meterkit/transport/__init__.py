"""The rooms that touch the world: octets to a meter and back."""

from meterkit.transport.base import Transport
from meterkit.transport.line import Line
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.recorder import RecordingTransport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.tcp import TcpTransport
from meterkit.transport.udp import UdpTransport

__all__ = [
    "Line",
    "LoopbackTransport",
    "RecordingTransport",
    "SerialTransport",
    "TcpTransport",
    "Transport",
    "UdpTransport",
]
