"""`meterkit.connect`: one URL, one connected client; the short way for scripts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from meterkit.address import MeterAddress
from meterkit.psem.client import PsemClient


@asynccontextmanager
async def connect(url: str, password: bytes | str | None = None) -> AsyncGenerator[PsemClient]:
    """Open the meter at `url`, connect, and yield the client; log off and close when leaving.

    `url`: such as psem+tcp://127.0.0.1:1153 or psem+serial:///dev/ttyUSB0?baud_rate=9600; the query
    takes the fields of the transport's and the client's options.  The password never goes in there.

    Errors: raises `MeterFailure` where `PsemClient.connect` would return an `Err`, and ValueError for a
    URL that makes no sense.
    """
    address = MeterAddress.parse(url)
    async with PsemClient(address.transport(), address.options) as client:
        (await client.connect(password)).unwrap()
        yield client
