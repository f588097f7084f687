"""Observer: what goes on in a fleet, for metrics and live views.

Subclass it and override what you want to hear of.  What is not overridden costs nothing; what an observer
raises is logged once, and disturbs no meter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import ParamSpec

from meterkit.errors import MeterError
from meterkit.fleet.report import MeterReport

__all__ = ["MeterState", "Observer"]

P = ParamSpec("P")
_log = logging.getLogger("meterkit.fleet")


class MeterState(Enum):
    """Where a meter is in its turn."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    READING = "reading"
    WAITING = "waiting"  #: for its next attempt; it holds nothing meanwhile
    IDLE = "idle"  #: its session is kept open for the next poll
    DONE = "done"


class Observer:
    """Hears what goes on.  Called on the event loop: be quick, and never block."""

    def state(self, meter: str, state: MeterState) -> None:
        """A meter has come to `state`."""

    def retry(self, meter: str, attempt: int, delay: float, error: MeterError) -> None:
        """Attempt number `attempt` failed; the next begins after `delay` seconds."""

    def exchange(self, meter: str, sent: int, received: int, seconds: float) -> None:
        """One turn on the line: octets sent, and octets that came until the next were sent; 0: silence."""

    def report(self, report: MeterReport) -> None:
        """A meter's turn has ended so; its state becomes DONE next."""

    def octets(self, meter: str, sent: int, received: int) -> None:
        """So many octets passed just now.  Contents may be secret: `RecordingTransport` has those."""


class Watch:
    """An observer behind a pane: it is told only what it wants, and its errors stay with it."""

    def __init__(self, observer: Observer | None) -> None:
        self._has_failed = False
        self.state = self._told(observer, "state", Observer.state)
        self.retry = self._told(observer, "retry", Observer.retry)
        self.exchange = self._told(observer, "exchange", Observer.exchange)
        self.report = self._told(observer, "report", Observer.report)
        self.octets = self._told(observer, "octets", Observer.octets)

    @property
    def hears_lines(self) -> bool:
        """Whether what passes over lines is of interest."""
        return self.exchange is not None or self.octets is not None

    def _told(
        self, observer: Observer | None, name: str, silent: Callable[..., None]
    ) -> Callable[..., None] | None:
        if observer is None or getattr(type(observer), name, silent) is silent:
            return None
        heard: Callable[..., None] = getattr(observer, name)

        def told(*news: object) -> None:
            try:
                heard(*news)
            except Exception:
                if not self._has_failed:
                    self._has_failed = True
                    _log.exception(
                        "the fleet's observer failed in %s; no further failure of it is told", name
                    )

        return told
