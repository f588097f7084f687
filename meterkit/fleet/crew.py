"""Crew: the tasks that read meters, one a session, each as cheap as asyncio's own.

A task of an anyio task group has a cancel scope, an event and a coroutine around it: 40 us where a task
takes 10.  The hands of a crew are plain tasks.  Nobody cancels them: what they read is cut, as at the end of
a run's grace, and their farewells, which are bounded, are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from anyio.abc import TaskGroup

__all__ = ["Crew"]


class Crew:
    """Tasks that end in bounded time once `cut` was called; `see_off` waits for them."""

    def __init__(self, tasks: TaskGroup, cut: Callable[[], None]) -> None:
        self._tasks, self._cut = tasks, cut
        self._loop = asyncio.get_running_loop()
        self._hands: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` begin soon."""
        hand = self._loop.create_task(work, name="meterkit fleet")
        self._hands.add(hand)
        hand.add_done_callback(self._ended)

    async def see_off(self) -> None:
        """Wait until all have ended; once a scope around the task group is cancelled, cut them."""
        try:
            await self._all_ended()
        finally:
            if self._hands:
                self._cut()
                with anyio.CancelScope(shield=True):
                    await self._all_ended()

    async def _all_ended(self) -> None:
        while self._hands:
            await asyncio.wait(self._hands)

    def _ended(self, hand: asyncio.Task[None]) -> None:
        self._hands.discard(hand)
        if not hand.cancelled() and (mistake := hand.exception()) is not None:
            self._tasks.start_soon(_raise, mistake)


async def _raise(mistake: BaseException) -> None:
    """End the task group with what a hand raised, which is a mistake of meterkit's."""
    raise mistake
