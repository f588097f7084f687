"""Cuts: the attempts under way, which are cut when their meters' time is over, or all at once.

One timer for all of them, at the earliest end: nearly every attempt ends long before its own would ring.
"""

from __future__ import annotations

import asyncio
from math import inf

import anyio

__all__ = ["Cuts"]


class Cuts:
    """Scopes of attempts, and until when each may take, on the loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._scopes: dict[anyio.CancelScope, float] = {}  # with the end of each
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = inf

    def begin(self, scope: anyio.CancelScope, end: float) -> None:
        """Take note of an attempt; `end` is inf where it has all the time there is."""
        self._scopes[scope] = end
        if end < self._rings_at:
            self._ring_at(end)

    def end(self, scope: anyio.CancelScope) -> None:
        """Forget an attempt: from here on it is not cut."""
        self._scopes.pop(scope, None)

    def cut(self) -> None:
        """Cut all."""
        for scope in list(self._scopes):
            scope.cancel()

    def close(self) -> None:
        """Let go of the timer: nothing is under way any more."""
        self._ring_at(inf)

    def _ring_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = when
        self._timer = None if when == inf else self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        for scope in [scope for scope, end in self._scopes.items() if end <= now]:
            del self._scopes[scope]
            scope.cancel()
        self._ring_at(min(self._scopes.values(), default=inf))
