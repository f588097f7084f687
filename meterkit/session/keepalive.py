"""Keep-alive: a deadline that activity pushes back, and a beat when it passes.

A C12.18 meter hangs up after 6 s without traffic.  One Wait stretches that once, until the next
packet; so after ordinary traffic the beat is due soon, and after a Wait only when its time runs out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from meterkit.session.exchange import Exchange


class KeepAlive:
    """Keeps one session alive while its user is busy elsewhere.  Never raises.

    `allowed` tells how many seconds of silence the meter bears, as of the last exchange; `usual` is what
    it bears after ordinary traffic.  `beat` performs one exchange.  A beat that fails for good leaves
    `exchange.lost` set, and the user's next call returns that error.
    """

    def __init__(
        self,
        exchange: Exchange,
        beat: Callable[[], Awaitable[None]],
        allowed: Callable[[], float],
        usual: float,
    ) -> None:
        self.exchange = exchange
        self.beat = beat
        self.allowed = allowed
        self.usual = usual
        self._is_stopping = False

    def stop(self) -> None:
        """Begin no further beat; one that is under way is not disturbed."""
        self._is_stopping = True

    async def run(self) -> None:
        """Beat until the session is lost, or this is stopped."""
        while True:
            await self.exchange.until_idle(self.allowed, self.usual)
            if self._is_stopping or self.exchange.lost is not None:
                return
            await self.beat()
