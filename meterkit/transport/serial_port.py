"""pyserial's port, kept from stalling the event loop, and what its errors mean to a person.

This is the only file that imports pyserial; `transport.serial` imports it when a port is opened.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import anyio
import serial
import serial.tools.list_ports
import serial_asyncio

from meterkit.options import SerialOptions

T = TypeVar("T")

OPEN_GRACE: Final = 1.0  # s a cancelled call waits for its thread, so that the port is free when it returns

#: pyserial-asyncio's transport, for which there are no types: `flush` drops what it has not yet written.
PortTransport = Any


class Port(serial.Serial):
    """A serial port for pyserial-asyncio, which would otherwise drain it, and log, inside the event loop."""

    def __init__(self, options: SerialOptions) -> None:
        self.on_loss: Callable[[Exception], None] | None = None  #: told of the first read or write that fails
        super().__init__(
            baudrate=options.baud_rate,
            bytesize=options.data_bits,
            parity=options.parity,
            stopbits=options.stop_bits,
            timeout=0,
            write_timeout=0,
            exclusive=True if options.exclusive else None,
        )
        # Set before the port opens: a probe that lives on these wires must not see them toggle.
        if options.rts is not None:
            self.rts = options.rts
        if options.dtr is not None:
            self.dtr = options.dtr
        self.port = options.port

    @property
    def timeout(self) -> float | None:
        """0 s: reading never waits."""
        return self._timeout

    @timeout.setter
    def timeout(self, timeout: float | None) -> None:
        """Set it before the port opens.  Later pyserial would set the whole port up anew, and may fail."""
        if not self.is_open:
            self._timeout = timeout

    @property
    def write_timeout(self) -> float | None:
        """0 s: writing never waits."""
        return self._write_timeout

    @write_timeout.setter
    def write_timeout(self, timeout: float | None) -> None:
        """Set it before the port opens, as `timeout`."""
        if not self.is_open:
            self._write_timeout = timeout

    def read(self, size: int = 1, /) -> bytes:
        """Read what is there, and tell of a loss."""
        try:
            return super().read(size)
        except serial.SerialException as error:
            self._lost(error)
            raise

    def write(self, octets: Any, /) -> int | None:
        """Write what fits.  A loss is told, not raised: pyserial-asyncio would write it to the log."""
        try:
            return super().write(octets)
        except serial.SerialException as error:
            self._lost(error)
            return len(octets)

    def flush(self) -> None:
        """Do nothing: pyserial-asyncio calls this in the event loop.  See `drain`."""

    def drain(self) -> None:
        """Wait, in a thread, until the last octet has left the machine."""
        super().flush()

    def _lost(self, error: Exception) -> None:
        on_loss, self.on_loss = self.on_loss, None
        if on_loss is not None:
            on_loss(error)


def open_port(options: SerialOptions) -> Port:
    """Open the port with every setting of `options`; blocks, so call it in a thread."""
    port = Port(options)
    port.open()
    return port


async def attach(port: Port, protocol: asyncio.Protocol) -> PortTransport:
    """Let pyserial-asyncio feed `protocol` from `port`, and return its transport."""
    untyped: Any = serial_asyncio
    transport, _ = await untyped.connection_for_serial(asyncio.get_running_loop(), lambda: protocol, port)
    return transport


async def in_thread(function: Callable[[], T], unclaimed: Callable[[T], object] | None = None) -> T:
    """Run `function` in a thread of its own and return its result.

    A thread of the loop's pool would keep the program from ending while a driver hangs; this one does
    not.  A result that comes after this call was cancelled goes to `unclaimed`, for which a cancelled
    call waits OPEN_GRACE seconds.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()
    is_abandoned = False

    def settle(result: T | None, error: BaseException | None) -> None:
        if is_abandoned and error is None and unclaimed is not None:
            unclaimed(cast("T", result))
        if outcome.done():
            return
        if error is None:
            outcome.set_result(cast("T", result))
        else:
            outcome.set_exception(error)
            outcome.exception()  # an abandoned one is nobody's surprise

    def work() -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = function()
        except BaseException as caught:
            error = caught
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop has closed meanwhile
            if error is None and unclaimed is not None:
                unclaimed(cast("T", result))

    threading.Thread(target=work, name="meterkit serial", daemon=True).start()
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        is_abandoned = True
        if outcome.done():
            if outcome.exception() is None and unclaimed is not None:
                unclaimed(outcome.result())
        elif unclaimed is not None:
            with anyio.move_on_after(OPEN_GRACE, shield=True):
                await asyncio.wait({outcome})
        raise


def why_not_open(options: SerialOptions, error: Exception) -> str:
    """Tell why the port did not open and what to do; blocks, so call it in a thread."""
    port, code = options.port, _errno(error)
    if "://" in port:
        return "is a URL, not a port of this machine; for a converter on the network use TcpTransport"
    if code in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in str(error):
        return f"no such port; {_ports_here()}"
    if code in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or "PermissionError" in str(error):
        return "the port is busy: another program, or another transport of this one, holds it"
    if code in (errno.EACCES, errno.EPERM):
        return f"permission denied; {_group_hint(port)}"
    if code in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
        return f"is not a serial port, or cannot do {settings(options)} ({_reason(error)}); {_ports_here()}"
    if code == errno.EIO:
        return "the driver has no device behind this port (built-in port without hardware, or unplugged)"
    return f"could not open the port with {settings(options)} ({_reason(error)})"


def why_lost(error: Exception | None) -> str:
    """Tell why an open port stopped working."""
    detail = f" ({_reason(error)})" if error is not None else ""
    return f"the port stopped working in mid-session: adapter unplugged or switched off?{detail}"


def settings(options: SerialOptions) -> str:
    """Return the settings as technicians write them, such as "9600 8N1"."""
    return f"{options.baud_rate} {options.data_bits}{options.parity}{options.stop_bits}"


def _ports_here() -> str:
    found = sorted(port.device for port in serial.tools.list_ports.comports())
    return f"this machine has {', '.join(found)}" if found else "this machine has no serial port at all"


def _group_hint(port: str) -> str:
    group = "dialout"
    try:
        import grp

        group = grp.getgrgid(os.stat(port).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        pass
    if group == "root":  # owned by no group one should join; a udev rule is missing
        group = "dialout"
    return f'add yourself to the group that owns it (sudo usermod -a -G {group} "$USER"), then log in again'


def _errno(error: BaseException | None) -> int | None:
    """Return the operating system's code, which pyserial sometimes only keeps in the cause."""
    while error is not None:
        for candidate in (getattr(error, "errno", None), *error.args[:1]):
            if isinstance(candidate, int):
                return candidate
        error = error.__cause__ or error.__context__
    return None


def _reason(error: Exception) -> str:
    code = _errno(error)
    return os.strerror(code) if code is not None else str(error) or type(error).__name__
