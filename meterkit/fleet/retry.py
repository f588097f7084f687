"""RetryPolicy: after which errors a meter is tried again, and when.  Reads only: a plan has nothing else."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from meterkit.errors import ErrorKind, MeterError
from meterkit.options import Options, Seconds

__all__ = ["RetryPolicy"]

#: The line's errors.  A refused password is none: some meters lock themselves after a few.
_PASSING = (ErrorKind.TRANSPORT, ErrorKind.TIMEOUT, ErrorKind.FRAMING, ErrorKind.CRC)


class RetryPolicy(Options):
    """How often, and how long in between: `backoff`, then `factor` times as long, up to `max_backoff`.

    Source: 30 s doubling twice is what the open head-end GXF ships with.
    """

    attempts: Annotated[int, Field(ge=1, le=100)] = 3  #: with the first
    backoff: Seconds = 30.0  #: s before the second attempt
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    max_backoff: Seconds = 600.0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2  #: a delay is up to this share longer or shorter
    kinds: tuple[ErrorKind, ...] = _PASSING

    def delay(self, attempt: int, error: MeterError, random: Random) -> float | None:
        """Return the seconds to wait after `attempt` (1 is the first) failed; None to give up."""
        if attempt >= self.attempts or error.kind not in self.kinds:
            return None
        wait = min(self.backoff * self.factor ** (attempt - 1), self.max_backoff)
        return wait * (1 + self.jitter * random.uniform(-1, 1))
