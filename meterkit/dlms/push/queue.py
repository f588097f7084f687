"""Pushes that came and were not yet taken, and the one who waits for them."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from meterkit.dlms.push.opening import OpenedPush
from meterkit.dlms.push.reader import Heard, Item, PushAddress
from meterkit.dlms.stream import Notification, notification
from meterkit.errors import MeterError
from meterkit.result import Err, Ok, Result


@dataclass(frozen=True, slots=True)
class Push:
    """One thing that a meter said unasked."""

    peer: str  #: where it came from, such as "10.0.0.7:51234", or the line's name
    source: PushAddress  #: the meter's logical device: a wPort, or an HDLC address
    destination: PushAddress
    notification: Notification
    raw: bytes  #: the APDU, deciphered
    sender: bytes | None = None  #: the system title that a tag or signature vouches for; else None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was heard, and not yet looked into."""

    peer: str
    item: Item


class PushQueue:
    """What was heard, in the order it came; `limit` of it is enough for the lines to wait."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_over = False  #: nothing more will come
        self.dropped = 0  #: of what was heard, how much gave way to what came later
        self._waiting: deque[Waiting] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be put in."""
        return len(self._waiting) >= self.limit

    @property
    def has_room(self) -> bool:
        """Whether those who wait may go on: half of it is empty."""
        return len(self._waiting) <= self.limit // 2

    def put(self, peer: str, items: list[Item]) -> None:
        """Add what was heard from `peer`; once it is over, nothing counts."""
        if self.is_over:
            return
        self._waiting.extend(Waiting(peer, item) for item in items)
        if items:
            self._wake()

    def drop_oldest(self) -> None:
        """Let the oldest give way to what was put in beyond the limit."""
        while len(self._waiting) > self.limit:
            self._waiting.popleft()
            self.dropped += 1

    def end(self) -> None:
        """Nothing more will come."""
        self.is_over = True
        self._wake()

    def take(self) -> Waiting | None:
        """Return the oldest, or None if there is none."""
        return self._waiting.popleft() if self._waiting else None

    async def arrival(self) -> None:
        """Wait until something is put in, or nothing more will come.

        RuntimeError: somebody else is waiting.
        """
        if self._waiter is not None:
            raise RuntimeError("two tasks iterate over one push listener")
        if self._waiting or self.is_over:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def told(waiting: Waiting, opened: OpenedPush | None = None) -> Result[Push]:
    """Return what was heard as the listener gives it; `opened` is what is under its ciphers, if any are."""
    peer, item = waiting.peer, waiting.item
    if isinstance(item, MeterError):
        return Err(item.at(peer))
    apdu, sender = (item.apdu, None) if opened is None else (opened.apdu, opened.sender)
    match notification(apdu):
        case Ok(value):
            return Ok(Push(peer, item.source, item.destination, value, apdu, sender))
        case Err(error):
            return Err(error.at(place_of(peer, item)))


def place_of(peer: str, heard: Heard) -> str:
    """Return who sent something to whom, for errors."""
    return f"{peer}: from {heard.source} to {heard.destination}"
