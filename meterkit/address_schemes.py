"""The schemes of addresses: what each begins with, what stands before its ?, whose settings follow.

psem+tcp://HOST:PORT        dlms+tcp://HOST:PORT       WRAPPER      dlms+hdlc+tcp://HOST:PORT
psem+serial://DEVICE        dlms+udp://HOST:PORT       WRAPPER      dlms+hdlc+serial://DEVICE
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import SplitResult, unquote

from meterkit.options import (
    DlmsClientOptions,
    Em1000Options,
    Em1000SerialOptions,
    PsemClientOptions,
    SerialOptions,
    TcpOptions,
    UdpOptions,
)

LineOptions: TypeAlias = TcpOptions | UdpOptions | SerialOptions
ClientOptions: TypeAlias = PsemClientOptions | DlmsClientOptions | Em1000Options

DLMS_PORT: Final = 4059  # IANA's for DLMS/COSEM
EXAMPLES: Final = "psem+tcp://10.0.0.7:1153 or psem+serial:///dev/ttyUSB0?baud_rate=9600"


class AddressError(ValueError):
    """An address that names no meter.  The message teaches, and repeats nothing that may be secret.

    `quoting` is the message with the values that came, for the person who typed them.
    """

    def __init__(self, message: str, quoting: str | None = None) -> None:
        super().__init__(message)
        self.quoting = message if quoting is None else quoting


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of address."""

    place: Callable[[SplitResult], dict[str, Any]]  #: what stands before the question mark
    line: type[LineOptions]
    options: type[ClientOptions]
    #: Settings that the scheme itself decides: nobody writes them.
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: Short names of settings, by the names that they stand for.
    short: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The settings of the line that stand after the question mark.
    line_names: frozenset[str] = field(init=False)
    #: The settings of the protocol that may be written, by their full names; secrets are none.
    option_names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        # Once: a fleet reads an address for each of its meters, again and again.
        line = frozenset(self.line.model_fields) - {"host", "port"}
        shown = frozenset(name for name, info in self.options.model_fields.items() if info.repr)
        object.__setattr__(self, "line_names", line)
        object.__setattr__(self, "option_names", shown - set(self.fixed))

    def full_name(self, name: str) -> str:
        """Return a setting's full name: "client_address" for "client"."""
        return next((full for full, short in self.short.items() if short == name), name)


def _host_and_port(default: int | None) -> Callable[[SplitResult], dict[str, Any]]:
    """Return what reads HOST:PORT; without a default the port must be there."""

    def place(parts: SplitResult) -> dict[str, Any]:
        port_like = default or 4001
        like = f"write it like {parts.scheme}://10.0.0.7:{port_like}"
        if parts.path not in ("", "/"):
            raise AddressError(f"the address ends with its port, without a path; {like}")
        if parts.netloc.count(":") > 1 and not parts.netloc.startswith("["):
            raise AddressError(
                f"an IPv6 address stands in brackets, such as {parts.scheme}://[2001:db8::7]:{port_like}; "
                "otherwise the host and its port are separated by one colon"
            )
        if not parts.hostname:
            raise AddressError(f"the address names no host; {like}")
        try:
            port = parts.port
        except ValueError:
            port = 0
        if port == 0:
            raise AddressError(
                f"the port after the host is not a number from 1 to 65535, such as {port_like}"
            )
        if port is None and default is None:
            raise AddressError(f"the address names no port; {like}: there is none that everybody uses")
        return {"host": unquote(parts.hostname), "port": default if port is None else port}

    return place


def _device(parts: SplitResult) -> dict[str, Any]:
    """Read the name of a serial port."""
    host, path = unquote(parts.netloc), unquote(parts.path)
    if host and path not in ("", "/"):
        raise AddressError(f"a serial port's path begins with a third slash: {parts.scheme}:///{host}{path}")
    port = host or path
    if port in ("", "/"):
        raise AddressError(
            f"the address names no port, such as {parts.scheme}:///dev/ttyUSB0 or {parts.scheme}://COM3"
        )
    return {"port": port}


_WRAPPER: Final = {"interface": "wrapper"}
_HDLC: Final = {"interface": "hdlc"}
_SAPS: Final = {"client_address": "client", "server_address": "server"}
_psem_host, _dlms_host = _host_and_port(TcpOptions.model_fields["port"].default), _host_and_port(DLMS_PORT)

SCHEMES: Final[Mapping[str, Scheme]] = {
    "psem+tcp": Scheme(_psem_host, TcpOptions, PsemClientOptions),
    "psem+serial": Scheme(_device, SerialOptions, PsemClientOptions),
    "dlms+tcp": Scheme(_dlms_host, TcpOptions, DlmsClientOptions, _WRAPPER, _SAPS),
    "dlms+udp": Scheme(_dlms_host, UdpOptions, DlmsClientOptions, _WRAPPER, _SAPS),
    "dlms+hdlc+tcp": Scheme(_dlms_host, TcpOptions, DlmsClientOptions, _HDLC, _SAPS),
    "dlms+hdlc+serial": Scheme(_device, SerialOptions, DlmsClientOptions, _HDLC, _SAPS),
    "em1000+tcp": Scheme(_host_and_port(None), TcpOptions, Em1000Options),
    "em1000+serial": Scheme(_device, Em1000SerialOptions, Em1000Options),
}
