"""A clock that jumps: on its event loop a minute of waiting costs no time, and a run is the same every time.

    run_virtual(main, limit=3600)          main(clock) on such a loop; TimeoutError after an hour of its time

With nothing to do but wait, the loop moves its clock to the next timer.  With nothing to do and no timer,
nothing can ever happen again: that is a `Deadlock`, told at once instead of hanging.  For lines in memory:
sockets are heard, but what comes over them takes real time, which this clock doesn't have.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

T = TypeVar("T")
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE: Final = 5.0  # real seconds for a thread (a name look-up, say) to wake the loop


class Deadlock(RuntimeError):
    """Every task waits for another and no timer is set."""


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type,unused-ignore]  # platform's own
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(PATIENCE)
            if not ready:
                raise Deadlock("every task waits and no timer is set")
            return ready
        self.now += timeout
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual: 0.0 s when it is made."""

    _clock_resolution: float
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)
        # The loop asks for a nanosecond less or more than it means: let it fire what is due.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self.jumping.now

    @property
    def timers(self) -> list[asyncio.TimerHandle]:
        """Those that are set and were not cancelled."""
        return [handle for handle in self._scheduled if not handle.cancelled()]

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads, which end in real time: a limit in virtual time would be reached at once."""
        await super().shutdown_default_executor()


class VirtualClock:
    """The time of a `VirtualClockLoop` as a date: give `clock.now` to emulated meters.

    `set` moves the date without moving the loop's time, as a correction of a computer's clock does.
    """

    def __init__(self, start: datetime = START) -> None:
        if start.tzinfo is None:
            raise ValueError(f"start={start.isoformat()}: a time with its zone expected, such as tzinfo=UTC")
        self._start = start.astimezone(UTC)
        self.loop: VirtualClockLoop | None = None

    def make_loop(self) -> VirtualClockLoop:
        """Return a new loop whose time this is from now on, beginning at `start`."""
        self.loop = VirtualClockLoop()
        return self.loop

    def monotonic(self) -> float:
        """Return the loop's seconds."""
        return 0.0 if self.loop is None else self.loop.time()

    def now(self) -> datetime:
        """Return the date, in UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def timestamp(self) -> float:
        """Return the date in seconds since 1970, as `time.time` does."""
        return self.now().timestamp()

    def set(self, date: datetime) -> None:
        """Let it be `date`, aware, from now on; the loop's own time goes on as it did."""
        self._start = date.astimezone(UTC) - timedelta(seconds=self.monotonic())


def run_virtual(
    main: Callable[[VirtualClock], Awaitable[T]], *, start: datetime = START, limit: float | None = None
) -> T:
    """Run `main(clock)` on a loop of its own, and return what it returns.

    `start`: the date at which the clock begins, aware; `limit`: virtual seconds that it may take.
    Raises: TimeoutError beyond them; Deadlock where nothing can ever happen again; what `main` raises.
    """
    clock = VirtualClock(start)

    async def limited() -> T:
        async with asyncio.timeout(limit):
            return await main(clock)

    return run_on(clock.make_loop, limited())


def run_on(make_loop: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=make_loop) as runner:
        return runner.run(main)


#: For `anyio_backend` of anyio's pytest plugin.
VIRTUAL_CLOCK: Final = ("asyncio", {"loop_factory": VirtualClockLoop})
