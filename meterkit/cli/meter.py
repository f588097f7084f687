"""How a verb reaches its meter: the URL and the flags become a connected client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from pydantic import ValidationError

from meterkit.address import AddressError, MeterAddress
from meterkit.cli.access import Access
from meterkit.cli.interruption import interruptible
from meterkit.cli.usage import UsageMistake, find_password
from meterkit.options import PsemClientOptions
from meterkit.psem.client import PsemClient
from meterkit.psem.tables import TableRegistry
from meterkit.wording import flaw_text


def on_meter(
    url: str,
    access: Access,
    body: Callable[[PsemClient], Awaitable[int]],
    *,
    registry: TableRegistry | None = None,
) -> int:
    """Connect to the meter at `url`, await `body`, log off; return `body`'s exit status.

    `registry`: declarations that the client decodes with; None: those that are built in.
    Errors: MeterFailure where the session cannot be opened; UsageMistake for the URL or the flags;
    KeyboardInterrupt after Ctrl-C or SIGTERM, once the meter is logged off.
    """
    address = parse_address(url)
    if not isinstance(address.options, PsemClientOptions):
        raise UsageMistake(f"{address.scheme} leads to no PSEM meter; psem+tcp:// and psem+serial:// do")
    options = merge(address.options, access)
    password = find_password(access.password_file, ask=access.ask_password)

    async def session() -> int:
        transport = address.transport()

        async def work() -> int:
            async with PsemClient(transport, options, registry) as client:
                (await client.connect(password)).unwrap()
                return await body(client)

        return await interruptible(work, transport)

    return anyio.run(session)


def parse_address(url: str) -> MeterAddress:
    """Return the address that was typed.  Errors: UsageMistake, quoting the values that came."""
    try:
        return MeterAddress.parse(url)
    except AddressError as mistake:
        raise UsageMistake(mistake.quoting) from None


def merge(options: PsemClientOptions, access: Access) -> PsemClientOptions:
    """Return the URL's options with the flags of the command line over them.  Errors: UsageMistake."""
    flags = {"user_id": access.user_id, "user_name": access.user_name, "baud_rates": access.baud_rate or None}
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return PsemClientOptions.model_validate(options.model_dump() | given)
    except ValidationError as invalid:
        raise UsageMistake(flaw_text(invalid, _flag)) from None


def _flag(place: str) -> str:
    """Return the flag that sets a field of the options: "--baud-rate" for "baud_rates"."""
    return "--" + place.partition(".")[0].removesuffix("s").replace("_", "-")
