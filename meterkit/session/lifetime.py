"""A client's life in `async with`: a place for its keep-alive task, and an orderly farewell.

Entering opens nothing.  Leaving disconnects in bounded time, even while another task connects, and even
when the block is left by an exception or a cancellation.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

import anyio
from anyio import AsyncContextManagerMixin
from anyio.abc import TaskGroup

from meterkit.session.keepalive import KeepAlive
from meterkit.session.opening import close_line
from meterkit.transport.base import Transport
from meterkit.transport.cancellation import is_cancelled
from meterkit.transport.turns import Turns

LEAVING = 30.0  # s for a connect() of another task and the farewell, when the client is left


class Lifetime(AsyncContextManagerMixin):
    """What the clients of all protocols have in common: their door, their keep-alive, their end."""

    def __init__(self, transport: Transport) -> None:
        if not isinstance(transport, Transport):  # pyright: ignore[reportUnnecessaryIsInstance]
            hint = "; connect(url) makes a client of an address" if isinstance(transport, str) else ""
            raise TypeError(f"a Transport expected, not {transport!r}{hint}")
        self.transport = transport
        self._door = Turns()  # held by whoever connects or disconnects
        self._tasks: TaskGroup | None = None
        self._keep_alive: KeepAlive | None = None
        self._keep_alive_timer: asyncio.TimerHandle | None = None  # until its first beat may be due
        self._keep_alive_scope: anyio.CancelScope | None = None

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        # The keep-alive never raises, so an exception can only be the user's own: it leaves as it came,
        # not wrapped in the task group's ExceptionGroup.
        failure: BaseException | None = None
        async with anyio.create_task_group() as tasks:
            self.live_in(tasks)
            try:
                yield self
            except (Exception, SystemExit, KeyboardInterrupt) as raised:
                failure = raised
            finally:
                await self.leave()
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def live_in(self, tasks: TaskGroup) -> None:
        """Let the keep-alive run among the tasks of somebody who has many clients, instead of `async with`.

        `leave` ends it, in whatever task, before the task group does.
        """
        self._tasks = tasks

    async def leave(self) -> None:
        """Disconnect in bounded time, even while cancelled, and end the keep-alive."""
        self._tasks = None
        has_left = False
        try:
            if self._door.locked() or _is_being_cancelled():
                with anyio.move_on_after(LEAVING, shield=True):
                    await self.disconnect()
                    has_left = True
            else:  # it passes the door at once, and what comes then has shields and bounds of its own
                await self.disconnect()
                has_left = True
        finally:
            if not has_left:  # another task's connect() held the door; or asyncio cancelled it, shield or not
                await close_line(self.transport)
            self._cancel_keep_alive()

    @abstractmethod
    async def disconnect(self) -> None:
        """End the session and close the line: in bounded time, whatever the meter does."""

    def _check_entered(self) -> None:
        if self._tasks is None:
            name = type(self).__name__
            raise RuntimeError(f"connect() outside 'async with {name}(...) as client:'")

    def _start_keep_alive(self, keep_alive: KeepAlive) -> None:
        """Keep the session alive from now on; it takes a task once a beat may be due, and many end before."""
        self._cancel_keep_alive()
        if self._tasks is None:  # about to be disconnected, by leaving
            return
        self._keep_alive = keep_alive
        loop = asyncio.get_running_loop()
        self._keep_alive_timer = loop.call_later(keep_alive.usual, self._run_keep_alive, keep_alive)

    def _run_keep_alive(self, keep_alive: KeepAlive) -> None:
        self._keep_alive_timer = None
        if self._tasks is None:
            return
        scope = self._keep_alive_scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await keep_alive.run()

        self._tasks.start_soon(run, name="meterkit keep-alive")

    def _stop_keep_alive(self) -> None:
        """Begin no further beat; one under way is let finish: cut short, it would end the session."""
        if self._keep_alive is not None:
            self._keep_alive.stop()

    def _cancel_keep_alive(self) -> None:
        if self._keep_alive_timer is not None:
            self._keep_alive_timer.cancel()
            self._keep_alive_timer = None
        if self._keep_alive_scope is not None:
            self._keep_alive_scope.cancel()
            self._keep_alive_scope = None


def _is_being_cancelled() -> bool:
    """Tell whether the next wait of the running task would end at once, unless shielded."""
    task = asyncio.current_task()
    return task is not None and is_cancelled(task)
