"""Whose turn it is on a line: a lock, first come, first served, that costs little while nobody else wants it.

    take() -> True                          the line is free: no wait, no turn of the event loop
    take() -> False, await wait()           it is handed over when the holder gives it up

Whoever is being cancelled already gets no turn, so that nothing is said on the line that nobody will hear.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Any

from anyio.lowlevel import checkpoint_if_cancelled

from meterkit.transport.cancellation import is_cancelled


class Turns:
    """The lock of one line.  Drive it from one event loop."""

    __slots__ = ("_holder", "_is_held", "_waiting")

    def __init__(self) -> None:
        self._is_held = False
        self._holder: asyncio.Task[Any] | None = None
        self._waiting: deque[tuple[asyncio.Future[None], asyncio.Task[Any] | None]] = deque()

    @property
    def holder(self) -> asyncio.Task[Any] | None:
        """The task whose turn it is, or None."""
        return self._holder

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits."""
        return bool(self._waiting)

    def locked(self) -> bool:
        """Whether it is somebody's turn."""
        return self._is_held

    def take(self, loop: asyncio.AbstractEventLoop | None = None) -> bool:
        """Take the turn if that needs no waiting; else, or while being cancelled, return False: `wait`.

        `loop` is the running one, of whoever knows it: to find it takes a system call.
        """
        task = asyncio.current_task(loop)
        if self._is_held or (task is not None and is_cancelled(task)):
            return False
        self._is_held = True
        self._holder = task
        return True

    async def wait(self) -> None:
        """Wait for the turn.  Raises: RuntimeError where it is this task's already."""
        await checkpoint_if_cancelled()
        if self.take():
            return
        task = asyncio.current_task()
        if self._holder is task:
            raise RuntimeError("it is this task's turn already: it would wait for itself")
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (place, task)
        self._waiting.append(entry)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # it had just been handed over
                self.release()
            elif entry in self._waiting:
                self._waiting.remove(entry)
            raise

    def release(self) -> None:
        """Give the turn up, to whoever waits longest."""
        while self._waiting:
            place, task = self._waiting.popleft()
            if not place.cancelled():
                self._holder = task
                place.set_result(None)
                return
        self._is_held = False
        self._holder = None

    async def __aenter__(self) -> None:
        if not self.take():
            await self.wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
