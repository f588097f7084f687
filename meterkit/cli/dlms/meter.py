"""How a DLMS verb reaches its meter: the URL and the flags become an associated client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import Final

import anyio
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from meterkit.address import MeterAddress
from meterkit.cli.console import messages
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.secured import ask_for_keys, secured_address
from meterkit.cli.interruption import interruptible
from meterkit.cli.meter import parse_address
from meterkit.cli.usage import UsageMistake, find_password
from meterkit.dlms.client import DlmsClient
from meterkit.options import DlmsClientOptions
from meterkit.recording import Direction
from meterkit.transport.base import Transport
from meterkit.transport.recorder import RecordingTransport

SCHEMES: Final = "dlms+tcp://, dlms+udp://, dlms+hdlc+tcp:// and dlms+hdlc+serial://"


def dlms_address(url: str, access: DlmsAccess | None = None) -> tuple[MeterAddress, DlmsClientOptions]:
    """Return the address of a DLMS meter, and its options, the flags over them.  Errors: UsageMistake."""
    address = parse_address(url) if _is_elsewhere(url) else secured_address(url, access or DlmsAccess())
    if not isinstance(address.options, DlmsClientOptions):
        raise UsageMistake(f"{address.scheme} leads to no DLMS meter; {SCHEMES} do")
    return address, address.options


def _is_elsewhere(url: str) -> bool:
    """Whether the address leads to no DLMS meter, which has no use for our flags."""
    return "://" in url and not url.strip().lower().startswith("dlms+")


def on_dlms_meter(
    url: str,
    access: DlmsAccess,
    body: Callable[[DlmsClient], Awaitable[int]],
    *,
    tells_octets: bool = True,
) -> int:
    """Associate with the meter at `url`, await `body`, release; return `body`'s exit status.

    Octets that come are counted on a terminal if it `tells_octets`; False for a body with a bar of its own.

    Errors: MeterFailure where there is no association; UsageMistake for the URL or the flags;
    KeyboardInterrupt after Ctrl-C or SIGTERM, once the association is released.
    """
    address, options = dlms_address(url, access)
    ask_for_keys(options)
    password = find_password(access.password_file, ask=access.ask_password, most=None)

    async def session() -> int:
        line = address.transport()
        with progress(line) if tells_octets else nullcontext(line) as transport:

            async def work() -> int:
                async with DlmsClient(transport, options) as client:
                    (await client.connect(password)).unwrap()
                    return await body(client)

            return await interruptible(work, transport)

    return anyio.run(session)


@contextmanager
def progress(transport: Transport) -> Generator[Transport]:
    """Show on standard error, if that is a terminal, how much came; yields the transport to use."""
    console = messages()
    if not console.is_terminal:
        yield transport
        return
    columns = (SpinnerColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, told=f"calling {transport.name}")
        tally = 0

        def count(direction: Direction, octets: bytes) -> str:
            nonlocal tally
            if direction is Direction.RECEIVED:
                tally += len(octets)
                bar.update(task, told=f"{tally} octets came from {transport.name}")
            return ""

        yield RecordingTransport(transport, lambda _: None, redactor=count)
