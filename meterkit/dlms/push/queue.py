"""Pushes that came and were not yet taken, and the one who waits for them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

from meterkit.dlms.push.reader import Heard, Item, PushAddress
from meterkit.dlms.stream import Notification, notification
from meterkit.errors import MeterError
from meterkit.result import Err, Ok, Result

_service = logging.getLogger("meterkit.service")


@dataclass(frozen=True, slots=True)
class Push:
    """One thing that a meter said unasked."""

    peer: str  #: where it came from, such as "10.0.0.7:51234", or the line's name
    source: PushAddress  #: the meter's logical device: a wPort, or an HDLC address
    destination: PushAddress
    notification: Notification
    raw: bytes  #: the APDU


class PushQueue:
    """Results in the order they came; `limit` of them are many enough for the lines to wait."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.is_over = False  #: nothing more will come
        self.dropped = 0  #: results that gave way to later ones
        self._results: deque[Result[Push]] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._results)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be put in."""
        return len(self._results) >= self.limit

    @property
    def has_room(self) -> bool:
        """Whether those who wait may go on: half of it is empty."""
        return len(self._results) <= self.limit // 2

    def put(self, peer: str, items: list[Item]) -> None:
        """Add what was heard from `peer`; once it is over, nothing counts."""
        if self.is_over:
            return
        for item in items:
            result = _result(peer, item)
            _service.debug("%s pushed: %s", peer, "ok" if isinstance(result, Ok) else result.error)
            self._results.append(result)
        if items:
            self._wake()

    def drop_oldest(self) -> None:
        """Let the oldest give way to what was put in beyond the limit."""
        while len(self._results) > self.limit:
            self._results.popleft()
            self.dropped += 1

    def end(self) -> None:
        """Nothing more will come."""
        self.is_over = True
        self._wake()

    def take(self) -> Result[Push] | None:
        """Return the oldest, or None if there is none."""
        return self._results.popleft() if self._results else None

    async def arrival(self) -> None:
        """Wait until something is put in, or nothing more will come.

        RuntimeError: somebody else is waiting.
        """
        if self._waiter is not None:
            raise RuntimeError("two tasks iterate over one push listener")
        if self._results or self.is_over:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _result(peer: str, item: Item) -> Result[Push]:
    if isinstance(item, MeterError):
        return Err(item.at(peer))
    match notification(item.apdu):
        case Ok(value):
            return Ok(Push(peer, item.source, item.destination, value, item.apdu))
        case Err(error):
            return Err(error.at(_sender(peer, item)))


def _sender(peer: str, heard: Heard) -> str:
    return f"{peer}: from {heard.source} to {heard.destination}"
