"""What a run leaves behind on its event loop: tasks, timers, errors that nobody took, file descriptors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from meterkit.testing.virtual_clock import VirtualClockLoop

_DESCRIPTORS: Final = Path("/proc/self/fd")  # where the platform has it
_TURNS: Final = 3  # of the loop, for what was cancelled to end


def nbr_descriptors() -> int:
    """Return how many files and sockets this process has open; 0 where the platform doesn't tell."""
    return len(os.listdir(_DESCRIPTORS)) if _DESCRIPTORS.exists() else 0


class Leftovers:
    """Begins to watch the running loop when it is made; `found` tells what there is more than then."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = asyncio.all_tasks()
        self._timers = self._set_timers()
        self._descriptors = nbr_descriptors()
        self._errors: list[str] = []
        self._loop.set_exception_handler(self._note)

    async def found(self) -> list[str]:
        """Return what was left behind, each in words; after a few turns of the loop for what is ending."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        left = [f"a task is left: {task.get_name()}" for task in asyncio.all_tasks() - self._tasks]
        left += [f"a timer is left: {timer!r}" for timer in self._set_timers() if timer not in self._timers]
        descriptors = nbr_descriptors()
        if descriptors > self._descriptors:
            left.append(f"file descriptors are left: {self._descriptors} before, {descriptors} now")
        return left + self._errors

    def _set_timers(self) -> list[asyncio.TimerHandle]:
        return self._loop.timers if isinstance(self._loop, VirtualClockLoop) else []

    def _note(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        raised = context.get("exception")
        self._errors.append(f"an error that nobody took: {context['message']}: {raised!r}")
