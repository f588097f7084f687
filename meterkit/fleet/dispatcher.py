"""Dispatcher: opens the gate whenever something may begin, on the loop's clock.  One for a fleet."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from meterkit.fleet.gate import Gate, TokenBucket
from meterkit.fleet.limits import FleetLimits
from meterkit.fleet.route import PLACE, Route
from meterkit.fleet.turn import Turn

__all__ = ["Dispatcher"]

_CLOSING = 64  # idle sessions closed at once to make room


class Dispatcher:
    """Begins routes as sessions, connections and permits allow; closes idle sessions when others wait."""

    def __init__(self, limits: FleetLimits) -> None:
        bucket = TokenBucket(limits.connections_per_second, limits.connection_burst)
        self._gate: Gate[Route] = Gate(
            limits.sessions,
            bucket,
            {PLACE: 1, **{str(kind): count for kind, count in limits.permits.items()}},
        )
        self._idle: OrderedDict[Turn, Callable[[Turn], None]] = OrderedDict()  # with how to close each
        self._closing = 0
        self._loop = asyncio.get_running_loop()
        self._is_pump_due = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open_sessions(self) -> int:
        """Sessions that are open, or being opened or closed."""
        return self._gate.open_sessions

    @property
    def idle_sessions(self) -> int:
        """Sessions that are open, and nobody reads."""
        return len(self._idle)

    def put(self, route: Route) -> None:
        """Let a route wait until it may begin."""
        self._gate.put(route)
        self._pump_soon()

    def release(self, route: Route, *, session: bool) -> None:
        """Take back a route's permits, and its session unless that stays open."""
        self._gate.release(route, session=session)
        self._pump_soon()

    def rest(self, turn: Turn, close: Callable[[Turn], None]) -> None:
        """Let a meter's session stay open until it is wanted, or another needs its place."""
        self._idle[turn] = close
        self._pump_soon()

    def rouse(self, turn: Turn) -> bool:
        """Take a meter from among the idle; tell whether it was there."""
        return self._idle.pop(turn, None) is not None

    def closed(self) -> None:
        """Take the news that an idle session has been closed."""
        self._closing -= 1
        self._gate.release_session()
        self._pump_soon()

    def close_idle(self, turn: Turn) -> None:
        """Close a meter's idle session, if it has one."""
        close = self._idle.pop(turn, None)
        if close is not None:
            self._closing += 1
            close(turn)

    def wake(self) -> None:
        """Look again: a route was withdrawn."""
        self._pump_soon()

    def end(self) -> None:
        """Begin nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._is_pump_due = True

    def _pump_soon(self) -> None:
        if not self._is_pump_due:
            self._is_pump_due = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._is_pump_due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            found = self._gate.next(self._loop.time())
            if isinstance(found, Route):
                found.begin(found)
                continue
            if found is not None:
                self._timer = self._loop.call_at(found, self._pump_soon)
            break
        while self._gate.is_full and self._idle and self._closing < min(self._gate.opening, _CLOSING):
            self.close_idle(next(iter(self._idle)))
