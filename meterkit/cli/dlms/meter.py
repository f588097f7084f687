"""How a DLMS verb reaches its meter: the URL and the flags become an associated client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Final

import anyio
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from meterkit.address import MeterAddress
from meterkit.cli.console import messages
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.interruption import interruptible
from meterkit.cli.meter import parse_address
from meterkit.cli.usage import UsageMistake, find_password
from meterkit.dlms.client import DlmsClient
from meterkit.options import DlmsClientOptions
from meterkit.recording import Direction
from meterkit.transport.base import Transport
from meterkit.transport.recorder import RecordingTransport

SCHEMES: Final = "dlms+tcp://, dlms+udp://, dlms+hdlc+tcp:// and dlms+hdlc+serial://"


def dlms_address(url: str) -> tuple[MeterAddress, DlmsClientOptions]:
    """Return the address of a DLMS meter, and its options.  Errors: UsageMistake."""
    address = parse_address(url)
    if not isinstance(address.options, DlmsClientOptions):
        raise UsageMistake(f"{address.scheme} leads to no DLMS meter; {SCHEMES} do")
    return address, address.options


def on_dlms_meter(url: str, access: DlmsAccess, body: Callable[[DlmsClient], Awaitable[int]]) -> int:
    """Associate with the meter at `url`, await `body`, release; return `body`'s exit status.

    Errors: MeterFailure where there is no association; UsageMistake for the URL or the flags;
    KeyboardInterrupt after Ctrl-C or SIGTERM, once the association is released.
    """
    address, options = dlms_address(url)
    password = find_password(access.password_file, ask=access.ask_password, most=None)

    async def session() -> int:
        with progress(address.transport()) as transport:

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
