"""A line is opened before a session and closed after it, however that ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import anyio

from meterkit.errors import ProtocolFault
from meterkit.result import Err, Ok, Result
from meterkit.transport.base import Transport

CLOSE_GRACE = 3.0  # s to close a line whose exchange was cut short; a serial port takes 1 s and the wire time
MAX_BACKOFF = 30.0  # s between two tries to open a line


async def close_line(transport: Transport) -> None:
    """Close `transport` even while the caller is being cancelled, within `CLOSE_GRACE` seconds."""
    deadline = asyncio.get_running_loop().time() + CLOSE_GRACE
    with anyio.CancelScope(deadline=deadline, shield=True):
        await transport.close()


async def farewell(
    transport: Transport, part: Callable[[], Awaitable[None]], over: Callable[[], bool], patience: float
) -> None:
    """Take leave of the meter, `part`, within `patience` seconds; then close the line if `over` says so.

    All of it under one shield, since one costs more than closing, and in bounded time: at most
    `CLOSE_GRACE` seconds more.  `over` is called once, when there is nothing more to say.
    """
    clock = asyncio.get_running_loop().time
    has_parted = False
    with anyio.CancelScope(deadline=clock() + patience, shield=True) as scope:
        await part()
        has_parted = not scope.cancel_called  # the time may be over just as the last answer comes
        if has_parted and over():
            if scope.deadline < (needed := clock() + CLOSE_GRACE):
                scope.deadline = needed
            await transport.close()
    if not has_parted and over():
        await close_line(transport)


async def open_line(transport: Transport, attempts: int) -> Result[None]:
    """Open `transport`, trying `attempts` times with 1, 2, 4 ... seconds in between.

    Errors: TRANSPORT, the last attempt's, saying how many there were.
    """
    delay = 1.0
    for attempt in range(1, attempts + 1):
        try:
            await transport.open()
        except ProtocolFault as failed:
            if attempt == attempts:
                tried = f"{attempts} attempts to open the line failed; the last" if attempts > 1 else ""
                return Err(failed.error.at(tried) if tried else failed.error)
            await anyio.sleep(delay)
            delay = min(delay * 2, MAX_BACKOFF)
        else:
            break
    return Ok(None)
