"""Where a meter is reached: TCP, UDP, serial ports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from meterkit.options.base import Options, Seconds


class TcpOptions(Options):
    """Where a meter, modem or serial converter listens."""

    host: Annotated[str, Field(min_length=1)]  #: IPv4, IPv6 or host name
    port: Annotated[int, Field(ge=1, le=65535)] = 1153  #: IANA's port for C12.22, also used for C12.18
    connect_timeout: Seconds = 10.0
    is_noisy: bool = False  #: a serial converter is at the far end: skip stray octets
    echo: bool = False  #: the far end sends our own octets back (optical probe behind a converter)


class UdpOptions(Options):
    """Where a meter takes datagrams: one application PDU each, behind a WRAPPER header."""

    host: Annotated[str, Field(min_length=1)]  #: IPv4, IPv6 or host name
    port: Annotated[int, Field(ge=1, le=65535)] = 4059  #: IANA's port for DLMS/COSEM


class SerialOptions(Options):
    """A serial port with an optical probe or RS-232/485 converter on it."""

    port: Annotated[str, Field(min_length=1)]  #: such as /dev/ttyUSB0 or COM3
    baud_rate: Annotated[int, Field(ge=50, le=4_000_000)] = 9600  #: C12.18 sessions begin at 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    rts: bool | None = None  #: level to set after opening; many probes draw power from RTS or DTR
    dtr: bool | None = None
    #: "serialx" needs the extra of that name; then `port` may also be rfc2217://HOST:PORT.
    backend: Literal["pyserial", "serialx"] = "pyserial"
    exclusive: bool = True  #: refuse a port that another process holds
    echo: bool = False  #: the probe sends our own octets back: drop exactly those
