"""Opens pushes in a thread, one after the other, and loses none: who is cancelled meanwhile finds it opened.

queue -> Waiting -> PushOpener (keys and counters on disk) -> Result[Push]
"""

from __future__ import annotations

import asyncio

from meterkit.dlms.push.opening import PushOpener
from meterkit.dlms.push.protection import PushProtection
from meterkit.dlms.push.queue import Push, PushQueue, Waiting, place_of, told
from meterkit.errors import MeterError, MeterFailure, ProtocolFault
from meterkit.result import Err, Result


class PushDesk:
    """Takes what was heard off the queue and gives it out opened."""

    def __init__(self, queue: PushQueue, protection: PushProtection | None) -> None:
        self._queue, self._protection = queue, protection
        self._opener: PushOpener | None = None
        self._under_way: asyncio.Future[Result[Push] | None] | None = None

    def prepare(self) -> None:
        """Find a place for counters.  Raises: MeterFailure (SECURITY) there is none."""
        if self._protection is None:
            return
        try:
            self._opener = PushOpener(self._protection)
        except ProtocolFault as refused:
            raise MeterFailure(refused.error) from None

    async def take(self) -> Result[Push] | None:
        """Return the next result; None where the queue is empty.

        Errors: besides those of the octets, SECURITY whatever is not as the protection demands.
        """
        while True:
            if self._under_way is None:
                waiting = self._queue.take()
                if waiting is None:
                    return None
                if self._opener is None or isinstance(waiting.item, MeterError):
                    return told(waiting)
                loop = asyncio.get_running_loop()
                self._under_way = loop.run_in_executor(None, _opened, self._opener, waiting)
            try:
                result = await asyncio.shield(self._under_way)
            except Exception:  # of a key provider; told once, and the others go on
                self._under_way = None
                raise
            self._under_way = None
            if result is not None:
                return result


def _opened(opener: PushOpener, waiting: Waiting) -> Result[Push] | None:
    """Return what was pushed; None for a part of it that is not the last."""
    peer, heard = waiting.peer, waiting.item
    assert not isinstance(heard, MeterError)
    try:
        opened = opener.open(peer, heard.apdu)
    except ProtocolFault as refused:
        return Err(refused.error.at(place_of(peer, heard)))
    return None if opened is None else told(waiting, opened)
