"""An event loop whose clock jumps: a minute of waiting costs no time, and the same run every time.

It is for tests whose lines are in memory.  With nothing to do but wait, the loop moves its clock to
the next timer.  With nothing to do and no timer, nothing can ever happen again: that is a deadlock,
and it fails the test at once instead of hanging it.
"""

import asyncio
import selectors


class Deadlock(RuntimeError):
    """Every task waits for another and no timer is set."""


class _JumpingSelector(selectors.DefaultSelector):
    PATIENCE = 5.0  # real seconds for a thread (a name look-up, say) to wake the loop

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(self.PATIENCE)
            if not ready:
                raise Deadlock("every task waits and no timer is set")
            return ready
        self.now += timeout
        return []


class VirtualClockLoop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.jumping = _JumpingSelector()
        super().__init__(self.jumping)
        # The loop asks for a nanosecond less or more than it means: let it fire what is due.
        self._clock_resolution = 1e-6

    def time(self):
        return self.jumping.now

    async def shutdown_default_executor(self, timeout=None):
        # Threads end in real time; since Python 3.12 a Runner sets them a limit, which this clock would reach
        # at once.
        await super().shutdown_default_executor()


VIRTUAL_CLOCK = ("asyncio", {"loop_factory": VirtualClockLoop})
