"""The emulated meter's own connections: a push goes out to the written destination, over TCP.

async with serve_tcp(emulator), PushClient(emulator) as pushes:
    ...                                    # a push is heard at the push setup's destination
    print(pushes.sent, pushes.failed)

Each push has a connection of its own, WRAPPER, closed once it is out.  What cannot be delivered is counted
and given up: meters do no more.  Source: Blue Book, Push setup (class 40), send_destination_and_method.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

MOST_AT_ONCE: Final = 8  # connections; further pushes are given up
PATIENCE: Final = 10.0  # s for a connection, and for what goes out

_log = logging.getLogger("meterkit.emulator")


class PushingMeter(Protocol):
    """A meter that pushes."""

    on_push: list[Callable[[str, bytes], None]]  #: told where each push goes, "host:port", and its octets


class PushClient:
    """Delivers what `emulator` pushes, from where it is entered on an asyncio loop until it is left."""

    def __init__(self, emulator: PushingMeter) -> None:
        self.sent = 0  #: pushes that went out whole
        self.failed = 0  #: pushes that did not
        self._emulator = emulator
        self._under_way: set[asyncio.Task[None]] = set()

    def __call__(self, destination: str, octets: bytes) -> None:
        """Begin to deliver a push; one too many is given up."""
        if len(self._under_way) >= MOST_AT_ONCE:
            self.failed += 1
            return
        task = asyncio.get_running_loop().create_task(self._deliver(destination, octets))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, destination: str, octets: bytes) -> None:
        host, _, port = destination.rpartition(":")
        try:
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
                try:
                    writer.write(octets)
                    await writer.drain()
                finally:
                    writer.close()
                    await writer.wait_closed()
        except (OSError, ValueError, OverflowError, TimeoutError) as failed:
            self.failed += 1
            _log.debug("push to %s failed: %s", destination, failed)
            return
        self.sent += 1

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def __aenter__(self) -> Self:
        self._emulator.on_push.append(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._emulator.on_push.remove(self)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
