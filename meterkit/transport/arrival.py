"""What the task on a line waits for: it goes on within the very callback that brings the octets.

    task:        await arrival ------.           .--> goes on: decodes, sends, waits again
    event loop:                 data_received --'

A Future has the loop call its task in the next turn; asking the system for news in between costs more than
the rest of an answered request.  Where another task is running, as between two ends in one process, the next
turn it is here, too.  Once woken, no cancellation can come in between: what came is not lost with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from typing import Self, final


@final
class Arrival:
    """Awaited by one task at a time, again and again; drive it from one event loop.

    To asyncio's tasks it is a future: their protocol is this attribute and these methods.
    """

    __slots__ = ("_asyncio_future_blocking", "_cancellation", "_context", "_loop", "_wake", "is_awaited")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False  # set by an await, cleared by the task that sees it
        self._loop = loop
        self._wake: Callable[[Self], object] | None = None  # of the task that waits
        self._context: Context = copy_context()  # of that task
        self._cancellation: asyncio.CancelledError | None = None
        self.is_awaited = False  #: a task waits, or has been woken and did not go on yet

    def happen(self) -> None:
        """Let the task that waits go on, at once if no other is running; nobody waits: do nothing."""
        wake = self._wake
        if wake is None:
            return
        if asyncio.current_task(self._loop) is None:
            self._wake = None
            try:
                self._context.run(wake, self)
            except RuntimeError:  # whoever called this runs in the task's own context, which was not entered
                self._wake = wake
                self.happen_soon()
        else:
            self.happen_soon()

    def happen_soon(self) -> None:
        """Let the task that waits go on in the loop's next turn; nobody waits: do nothing."""
        if self._wake is not None:
            self._loop.call_soon(self._wake, self, context=self._context)
            self._wake = None

    def __await__(self) -> Generator[Self, None, None]:
        self._asyncio_future_blocking = True
        yield self

    # ---------------------------------------------------------------- as the task sees it
    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop it belongs to."""
        return self._loop

    def add_done_callback(self, callback: Callable[[Self], object], *, context: Context) -> None:
        """Remember how to wake the task."""
        self._wake = callback
        self._context = context
        self.is_awaited = True

    def cancel(self, msg: object = None) -> bool:
        """Have the wait end in CancelledError; False: the task was woken already."""
        if self._wake is None:
            return False
        self._cancellation = asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)
        self.happen_soon()
        return True

    def result(self) -> None:
        """End the wait, for the task that goes on.  Raises: CancelledError."""
        self.is_awaited = False
        if self._cancellation is not None:
            cancellation, self._cancellation = self._cancellation, None
            raise cancellation
