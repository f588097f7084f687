"""Cancels a call at every place where it waits, in turn: 1st, 2nd, 3rd ... until it waits no more.

    async def scenario(cut):
        async with PsemClient(EmulatorTransport(MeterEmulator())) as client:
            (await client.connect()).unwrap()
            await cut(client.read_table(1))         this is cancelled
            ...                                     what must hold afterwards

    cancel_sweep(scenario)          ->  CancelReport(nbr_places=5)

Each time on a loop of its own, with a virtual clock.  A cancellation has to come out again, and nothing may
be left behind: no task, no timer, no file descriptor, no error that nobody took.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, Final

import anyio

from meterkit.testing.leftovers import Leftovers
from meterkit.testing.virtual_clock import VirtualClock, run_virtual

MOST_PLACES: Final = 10_000  # a call that waits more often is endless
MOST_TOLD: Final = 10  # failures


class CancelBy(Enum):
    """How it is cancelled."""

    TASK = "task"  #: `task.cancel()`: once, as asyncio does
    SCOPE = "scope"  #: the cancel scope of anyio around it: at every await, until it is left


@dataclass(frozen=True, slots=True)
class CancelReport:
    """What a sweep did."""

    nbr_places: int  #: where the calls waited, and were cancelled


class CancelSweepFailure(AssertionError):
    """What went wrong, and at which place."""


class Cut:
    """Calls what is to be cancelled.  Several calls in a row are one sequence of places."""

    def __init__(self, place: int, by: CancelBy) -> None:
        self.place = place  #: at which it is cancelled, counted from 1
        self.passed = 0  #: places so far
        self.where = ""  #: file, line and function of the place
        self.failures: list[str] = []
        self._by = by

    @property
    def has_struck(self) -> bool:
        """Whether the cancellation has been."""
        return self.passed >= self.place

    async def __call__(self, call: Awaitable[Any]) -> Any:
        """Await `call`, and return what it returns; None if it was cancelled."""
        if self.has_struck:
            return await call
        run = self._run_in_scope if self._by is CancelBy.SCOPE else self._run
        task: asyncio.Task[Any] = asyncio.create_task(run(call), name="the call that is cancelled")
        await asyncio.wait([task])
        if task.cancelled():
            return None
        if self.has_struck and self._by is CancelBy.TASK:
            raised = task.exception()
            came = f"it raised {raised!r}" if raised else f"it returned {task.result()!r}"
            self.failures.append(f"the cancellation was swallowed: {came}")
            return None
        return task.result()

    async def _run(self, call: Awaitable[Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        return await _Steps(call, self, task.cancel)

    async def _run_in_scope(self, call: Awaitable[Any]) -> Any:
        with anyio.CancelScope() as scope:
            return await _Steps(call, self, scope.cancel)
        return None

    def wait(self, call: Awaitable[Any]) -> bool:
        """Note that `call` waits, and tell whether this is the place."""
        self.passed += 1
        if self.passed == self.place:
            self.where = _place_of(call)
        return self.passed == self.place


class _Steps:
    """Awaits a call, and cancels it where it waits for the n-th time."""

    def __init__(self, call: Awaitable[Any], cut: Cut, cancel: Callable[[], object]) -> None:
        self._call: Coroutine[Any, Any, Any] = _awaited(call)
        self._cut = cut
        self._cancel = cancel

    def __await__(self) -> Generator[Any, Any, Any]:
        raised: BaseException | None = None
        while True:
            try:
                waiting = self._call.send(None) if raised is None else self._call.throw(raised)
            except StopIteration as end:
                return end.value
            if self._cut.wait(self._call):
                self._cancel()
            raised = None
            try:
                yield waiting
            except BaseException as came:  # whatever comes belongs to the call
                raised = came


async def _awaited(call: Awaitable[Any]) -> Any:
    return await call


def _place_of(call: Any) -> str:
    """Return file, line and function of the innermost coroutine that waits."""
    place = "?"
    while call is not None:
        frame = getattr(call, "cr_frame", None) or getattr(call, "ag_frame", None)
        if frame is not None:
            code = frame.f_code
            if "meterkit" in code.co_filename or place == "?":
                place = f"{code.co_filename.rpartition('/')[2]}:{frame.f_lineno} {code.co_qualname}"
        call = getattr(call, "cr_await", None) or getattr(call, "ag_await", None)
    return place


def cancel_sweep(
    scenario: Callable[[Cut], Awaitable[None]],
    *,
    by: CancelBy = CancelBy.TASK,
    limit: float = 3600.0,
    has_sockets: bool = False,
) -> CancelReport:
    """Run `scenario` again and again, cancelling what it gives to `cut` at the next place each time.

    `limit`: seconds that one run may take, virtual ones but for a scenario that `has_sockets`, which runs on
    an ordinary loop since what comes over sockets takes real time.  The scenario makes everything anew each
    time; what it raises is a failure.
    Raises: CancelSweepFailure, telling every place where a cancellation was swallowed, something was left
    behind, or the scenario failed.
    """
    failures: list[str] = []
    for place in range(1, MOST_PLACES + 1):
        cut = Cut(place, by)
        told = (
            asyncio.run(_run_once(scenario, cut, limit))
            if has_sockets
            else run_virtual(partial(_run_on_virtual_clock, scenario, cut, limit))
        )
        failures += [f"place {place} ({cut.where or 'never reached'}): {one}" for one in told]
        if not cut.has_struck:
            gc.collect()
            if failures:
                more = f"\nand {len(failures) - MOST_TOLD} more" if len(failures) > MOST_TOLD else ""
                raise CancelSweepFailure("\n".join(failures[:MOST_TOLD]) + more)
            return CancelReport(cut.passed)
    raise CancelSweepFailure(f"the call waits more than {MOST_PLACES} times: is it endless?")


async def _run_on_virtual_clock(
    scenario: Callable[[Cut], Awaitable[None]], cut: Cut, limit: float, clock: VirtualClock
) -> list[str]:
    return await _run_once(scenario, cut, limit)


async def _run_once(scenario: Callable[[Cut], Awaitable[None]], cut: Cut, limit: float) -> list[str]:
    left = Leftovers()
    failures: list[str] = []
    try:
        async with asyncio.timeout(limit):
            await scenario(cut)
    except TimeoutError:
        failures.append(f"it hangs: not over after {limit:g} s")
    except Exception as raised:  # told with its place
        failures.append(f"{type(raised).__name__}: {raised}")
    return failures + cut.failures + await left.found()
