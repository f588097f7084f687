"""How a verb reaches its meter: the URL and the flags become a connected client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from pydantic import ValidationError

from meterkit.address import MeterAddress
from meterkit.cli.access import Access
from meterkit.cli.interruption import interruptible
from meterkit.cli.usage import UsageMistake, find_password
from meterkit.options import PsemClientOptions
from meterkit.psem.client import PsemClient


def on_meter(url: str, access: Access, body: Callable[[PsemClient], Awaitable[int]]) -> int:
    """Connect to the meter at `url`, await `body`, log off; return `body`'s exit status.

    Errors: MeterFailure where the session cannot be opened; UsageMistake for the URL or the flags;
    KeyboardInterrupt after Ctrl-C or SIGTERM, once the meter is logged off.
    """
    try:
        address = MeterAddress.parse(url)
    except ValueError as mistake:
        raise UsageMistake(str(mistake)) from None
    options = merge(address.options, access)
    password = find_password(access.password_file, ask=access.ask_password)

    async def session() -> int:
        transport = address.transport()

        async def work() -> int:
            async with PsemClient(transport, options) as client:
                (await client.connect(password)).unwrap()
                return await body(client)

        return await interruptible(work, transport)

    return anyio.run(session)


def merge(options: PsemClientOptions, access: Access) -> PsemClientOptions:
    """Return the URL's options with the flags of the command line over them.  Errors: UsageMistake."""
    flags = {"user_id": access.user_id, "user_name": access.user_name, "baud_rates": access.baud_rate or None}
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return PsemClientOptions.model_validate(options.model_dump() | given)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        flag = str(first["loc"][0]).replace("_", "-").removesuffix("s")
        raise UsageMistake(f"--{flag}: {first['msg']}") from None
