"""The invocation counters of one client while it is connected: reserved in time, never twice.

    reserve 1000 ... 500 left -> reserve 1000 more, in a thread, while messages go on

Counters are kept by key, for it is the key that a counter must not be used twice with: meters that share
one share its counters, and a new key begins anew.  The name is a digest of the key, which tells nobody what
it is.  The disk is never waited for in the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from anyio import to_thread

from meterkit.dlms.secured.counter_store import MemoryCounterStore, SqliteCounterStore
from meterkit.dlms.secured.link import LOW
from meterkit.dlms.security import CounterBlock, CounterName, CounterStore
from meterkit.errors import ErrorKind, ProtocolFault, fault

RESERVED: Final = 1000  # numbers reserved at once
_NAME_SIZE: Final = 8  # octets of a key's digest

T = TypeVar("T")
_service = logging.getLogger("meterkit.service")


def default_store() -> CounterStore:
    """Return the store of this user: one file for all programs.

    Errors: `ProtocolFault` SECURITY there is no place for it.
    """
    return _store_in(_state_folder())


@cache
def _store_in(folder: Path) -> CounterStore:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as broken:
        raise fault(
            ErrorKind.SECURITY,
            f"{folder}: {broken.strerror}. Without a place to keep counters nothing is sent ciphered",
            where="invocation counters",
        ) from None
    return SqliteCounterStore(folder / "counters.db")


def _state_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "meterkit"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "meterkit"


def counter_name(encryption_key: bytes, sender: bytes) -> CounterName:
    """Return the name of the counters that `sender`, a system title, uses with a key."""
    digest = hashlib.sha256(b"meterkit invocation counters" + encryption_key).digest()
    return CounterName(digest[:_NAME_SIZE], sender)


class CounterSupply:
    """What one client takes its counters from.  Errors: as the store's, `ProtocolFault` SECURITY."""

    def __init__(self, store: CounterStore, encryption_key: bytes, title: bytes) -> None:
        self.store = store
        self.block = CounterBlock(0, 0)
        self._key = encryption_key
        self._name = counter_name(encryption_key, title)
        self._refill: asyncio.Future[CounterBlock] | None = None

    def __repr__(self) -> str:
        return f"CounterSupply({self.block!r})"

    async def prepare(self) -> CounterBlock:
        """Return counters enough to begin with."""
        if self.block.left < LOW:
            self.block.add(await self._stored(lambda: self.store.reserve(self._name, RESERVED)))
        return self.block

    @property
    def is_refilling(self) -> bool:
        """Whether more are being reserved."""
        return self._refill is not None

    def top_up(self) -> None:
        """Begin to reserve more; they are there once they are on disk."""
        if isinstance(self.store, MemoryCounterStore):
            self.block.add(self.store.reserve(self._name, RESERVED))
            return
        loop = asyncio.get_running_loop()
        self._refill = loop.run_in_executor(None, self.store.reserve, self._name, RESERVED)
        self._refill.add_done_callback(self._refilled)

    def _refilled(self, refill: asyncio.Future[CounterBlock]) -> None:
        if self._refill is refill:
            self._refill = None
        if refill.cancelled():
            return
        if (failed := refill.exception()) is not None:  # told once the last counter is used
            _service.warning("no further invocation counters: %s", failed)
            return
        try:
            self.block.add(refill.result())
        except ValueError:  # the meter's count was followed meanwhile: these are too low
            _service.debug("reserved invocation counters were given up")

    async def raise_to(self, number: int) -> None:
        """Go on at `number` or above: what the meter told, without proof."""
        store = self.store

        def reserve() -> CounterBlock:
            store.raise_to(self._name, number)
            return store.reserve(self._name, RESERVED)

        fresh = await self._stored(reserve)
        self.block.void()
        self.block.add(fresh)

    async def succeed(self, former: CounterSupply) -> None:
        """Go on above the counters of another key: meters may count on when keys change."""
        await self.raise_to(former.block.take())
        former.block.void()

    def keep_received(self, sender: bytes, number: int) -> None:
        """Begin to keep the highest counter that came from `sender`; a failure is logged."""
        name = counter_name(self._key, sender)
        if isinstance(self.store, MemoryCounterStore):
            self.store.note_received(name, number)
            return
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, self.store.note_received, name, number).add_done_callback(_kept)

    async def received(self, sender: bytes) -> int | None:
        """Return the highest counter that came from `sender` with this key."""
        name = counter_name(self._key, sender)
        return await self._stored(lambda: self.store.received(name))

    async def note_received(self, sender: bytes, number: int) -> None:
        """Keep the highest counter that came from `sender` with this key."""
        name = counter_name(self._key, sender)
        await self._stored(lambda: self.store.note_received(name, number))

    async def _stored(self, work: Callable[[], T]) -> T:
        if isinstance(self.store, MemoryCounterStore):  # no disk to wait for
            return work()
        return await to_thread.run_sync(work)


def _kept(kept: asyncio.Future[None]) -> None:
    if not kept.cancelled() and (failed := kept.exception()) is not None:
        _service.warning("the meter's invocation counter was not kept: %s", failed)


async def note_quietly(supply: CounterSupply, sender: bytes, number: int) -> None:
    """Keep a received counter where a failure must not stop anything; it is logged."""
    try:
        await supply.note_received(sender, number)
    except ProtocolFault as down:
        _service.warning("the meter's invocation counter was not kept: %s", down)
