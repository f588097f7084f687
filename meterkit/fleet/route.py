"""Route: the meters behind one socket or line, read one at a time over one transport that stays open.

    tcp 10.0.0.9:4059 --- meter 1, meter 2 ... meter 16        dialled once

Meters that share no line have a route each.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from meterkit.address import MeterAddress
from meterkit.errors import ProtocolFault
from meterkit.fleet.access import Dial
from meterkit.fleet.gate import Key
from meterkit.fleet.observer import Watch
from meterkit.fleet.watched_line import WatchedLine
from meterkit.session.opening import close_line
from meterkit.transport.base import Transport
from meterkit.transport.line import Line, MeterOnLine

if TYPE_CHECKING:
    from meterkit.fleet.turn import Turn

__all__ = ["Route", "RouteLine"]

#: Kind of the key that every route has: one at a time over one socket or line, in the whole fleet.
PLACE = "place"


class Route:
    """The meters behind one place, and those of them that are due now."""

    __slots__ = ("_due", "begin", "is_at_work", "is_busy", "is_shared", "is_withdrawn", "keys")

    def __init__(self, keys: Sequence[Key], begin: Callable[[Route], None], *, is_shared: bool) -> None:
        self.begin = begin  #: called with this route once it has its permits
        self.keys = tuple(keys)  #: what a permit is needed for
        self.is_shared = is_shared  #: several meters have it
        self.is_busy = False  #: it waits at the gate, or is being worked on
        self.is_at_work = False  #: it is being worked on
        self.is_withdrawn = False  #: nothing of it is to be begun any more
        self._due: list[tuple[int, int, Turn]] = []

    @property
    def rank(self) -> int:
        """That of its most urgent meter; the lower goes first."""
        return self._due[0][0] if self._due else 0

    @property
    def has_session(self) -> bool:
        """Whether its next meter's session is open since the last poll."""
        return bool(self._due) and self._due[0][2].is_open

    @property
    def holds_session(self) -> bool:
        """Whether its next meter has had a session since the last poll, open still or not."""
        return bool(self._due) and self._due[0][2].client is not None

    def drop_session(self) -> None:
        """Let the next meter's session go, which broke while it was idle."""
        self._due[0][2].abandon_client()

    @property
    def is_due(self) -> bool:
        """Whether a meter waits."""
        return bool(self._due)

    def add(self, turn: Turn) -> None:
        """Let a meter wait for its turn."""
        heappush(self._due, (-turn.entry.priority, turn.place, turn))

    def take(self) -> Turn | None:
        """Return the meter whose turn it is, or None."""
        return heappop(self._due)[2] if self._due else None

    def clear(self) -> None:
        """Forget who waits."""
        self._due.clear()


class RouteLine:
    """The transport of a route while it is worked on."""

    def __init__(self, dial: Dial, watch: Watch, *, is_shared: bool) -> None:
        self._dial, self._watch = dial, watch
        self._is_shared = is_shared
        self._line: Line | None = None
        self._settings: object = None  # of the line, as the meters' addresses have them
        self._keeper: MeterOnLine | None = None  # a member that never speaks: the line stays open with it

    async def transport(self, meter: str, address: MeterAddress) -> Transport:
        """Return a transport to the next meter: over the line as it is, where its settings are the same."""
        if not self._is_shared:
            return self._watched(meter, self._dial(address))
        if self._line is None or self._settings != address.line:
            await self.close()
            self._line, self._settings = Line(self._dial(address)), address.line
        return self._watched(meter, self._line.meter())

    async def keep(self) -> None:
        """Keep the line open when the meter that has it now leaves it."""
        if self._line is None or not self._line.transport.is_open:
            return
        self._keeper = self._keeper or self._line.meter()
        with contextlib.suppress(ProtocolFault):  # it broke just now: the next meter opens it anew
            await self._keeper.open()

    async def close(self) -> None:
        """Close the line, in bounded time."""
        keeper, self._keeper, self._line = self._keeper, None, None
        if keeper is not None:
            await close_line(keeper)

    def _watched(self, meter: str, transport: Transport) -> Transport:
        return WatchedLine(transport, meter, self._watch) if self._watch.hears_lines else transport
