"""What Ctrl-C and SIGTERM do: they wait for the exchange in progress, so that the meter can be logged off.

Cutting an exchange short would leave a session open in the meter, and the next caller would find the
line taken.  A second Ctrl-C cuts it all the same.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.lowlevel import checkpoint

from meterkit.cli.running import OK, say_hint
from meterkit.transport.base import Transport

#: How long Ctrl-C waits for the exchange in progress, in seconds: C12.18's time-outs with one repeat.
PATIENCE = 10.0


async def interruptible(work: Callable[[], Awaitable[int]], transport: Transport | None = None) -> int:
    """Await `work`; let Ctrl-C and SIGTERM cancel it, but only between two exchanges on `transport`.

    Errors: KeyboardInterrupt, once `work` has been left in order.
    """
    interruption = _Interruption(transport)
    status = OK
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":  # there Ctrl-C cancels at once: its loop knows no signal handlers
            await tasks.start(interruption.watch, tasks)
        with interruption.scope:
            try:
                status = await work()
            except Exception as error:  # kept, so that it leaves as it is and not inside a group
                failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if interruption.came:
        raise KeyboardInterrupt
    return status


class _Interruption:
    """Waits for signals and turns the first into an orderly cancellation."""

    def __init__(self, transport: Transport | None) -> None:
        self.transport = transport
        self.scope = anyio.CancelScope()
        self.came = False

    async def watch(self, tasks: TaskGroup, *, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for _ in signals:
                if self.came:
                    self.scope.cancel()
                else:
                    self.came = True
                    tasks.start_soon(self._stop)

    async def _stop(self) -> None:
        if self.transport is not None and self.transport.is_open:
            say_hint("stopping: the meter is logged off first (Ctrl-C again cuts the line)")
            with anyio.move_on_after(PATIENCE):
                async with self.transport.lock:
                    self.scope.cancel()
                    # Whoever was about to begin an exchange finds the line taken and is cancelled there.
                    await checkpoint()
                    await checkpoint()
        self.scope.cancel()
