"""Records a line in memory, to save it or to play it again: `Recorder(inner)`, then `recorder.replay()`."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from meterkit.testing.replay import ReplayTransport
from meterkit.testing.virtual_clock import START
from meterkit.transport.base import Transport
from meterkit.transport.recorder import RecordingTransport, Redactor


class Recorder(RecordingTransport):
    """A `RecordingTransport` that keeps what it writes.

    Unlike that, it keeps passwords and challenges unless a `redactor` takes them out: without them nothing
    can be played again.  So record emulated meters, or lock the file away.
    `now`: the date, such as `clock.now` of a VirtualClock; without, all happens at once.
    """

    def __init__(
        self,
        inner: Transport,
        *,
        redactor: Redactor | None = None,
        now: Callable[[], datetime] = lambda: START,
    ) -> None:
        self.lines: list[str] = []
        super().__init__(
            inner,
            self.lines.append,
            redactor=redactor,
            keep_secrets=redactor is None,
            clock=lambda: now().timestamp(),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file that `ReplayTransport.load` reads.  Raises: OSError."""
        Path(path).write_text("".join(self.lines), encoding="utf-8")

    def replay(self, *, is_paced: bool = False) -> ReplayTransport:
        """Return a line that plays what was recorded so far.  Raises: as `ReplayTransport`."""
        return ReplayTransport(
            self.lines,
            name=f"replay of {self.name}",
            is_noisy=self.is_noisy,
            is_paced=is_paced,
            baud_rate=self.baud_rate,
        )
