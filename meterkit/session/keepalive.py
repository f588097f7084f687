"""Keep-alive: a deadline that activity pushes back, and a beat when it passes.

A C12.18 meter hangs up after 6 s without traffic.  One Wait stretches that once, until the next
packet; so after ordinary traffic the beat is due soon, and after a beat only when its time runs out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from meterkit.session.exchange import Exchange


class KeepAlive:
    """Keeps one session alive while its user is busy elsewhere.  Never raises.

    `interval` is the silence, in seconds, after which a beat is due.  `beat` performs one exchange and
    returns for how many seconds the session is safe if nothing else moves.  A beat that fails leaves
    `exchange.lost` set, and the user's next call returns that error.
    """

    def __init__(self, exchange: Exchange, beat: Callable[[], Awaitable[float]], interval: float) -> None:
        self.exchange = exchange
        self.beat = beat
        self.interval = interval

    async def run(self) -> None:
        """Beat until the session is lost or this task is cancelled."""
        exchange = self.exchange
        while exchange.lost is None:
            await exchange.until_idle(self.interval)
            if exchange.lost is not None:
                return
            safe = await self.beat()
            if exchange.lost is None:
                await exchange.until_active(safe)
