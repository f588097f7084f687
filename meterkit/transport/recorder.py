"""A transport that writes down what passes through another: PSEM, DLMS, EM1000, whatever it carries.

    {"time": "2026-03-01T12:00:00.250000Z", "direction": "sent", "hex": "aa010fdec2"}

Passwords and challenges that stand in a login are taken out, each octet as "..", unless one says otherwise
(`meterkit.passwords`).  All else that was said stands in a recording, and is as secret as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

from meterkit.passwords import PasswordRedactor
from meterkit.recording import Direction, Recorded
from meterkit.transport.around import AroundTransport
from meterkit.transport.base import Transport

#: Gives the hex of octets as they shall be recorded: two digits for each, or ".." for one that is secret.
Redactor: TypeAlias = Callable[[Direction, bytes], str]
#: Takes one line, its end included: the `write` of a file, say.
Write: TypeAlias = Callable[[str], object]


class RecordingTransport(AroundTransport):
    """Passes everything on to `inner`, and writes a line of JSON for all octets that pass.

    `redactor`: such as `meterkit.em1000.Redactor()`; None hides what logins of PSEM, DLMS and EM1000 send.
    `keep_secrets`: write every octet, passwords included; a redactor makes no sense then.
    `listens_only`: what comes was said by either side, as a head beside another's head hears it.
    `clock`: seconds since 1970.
    What `write` raises passes through: a recording that cannot be kept is not kept on silently.
    """

    def __init__(
        self,
        inner: Transport,
        write: Write,
        *,
        redactor: Redactor | None = None,
        keep_secrets: bool = False,
        listens_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(inner)
        if keep_secrets and redactor is not None:
            raise ValueError("keep_secrets=True and a redactor: one of them, since a redactor hides secrets")
        self._write = write
        self._redactor = None if keep_secrets else redactor or PasswordRedactor()
        self._heard = Direction.OVERHEARD if listens_only else Direction.RECEIVED
        self._clock = clock

    async def send(self, octets: bytes) -> None:
        """Send through `inner`, and record.  Errors: as `inner`; what it refused is not recorded."""
        await self.inner.send(octets)
        self._record(Direction.SENT, octets)

    async def hold(self, octets: bytes) -> None:
        """Hold in `inner`, and record as sent.  Errors: as `inner`."""
        await self.inner.hold(octets)
        self._record(Direction.SENT, octets)

    async def receive(self, timeout: float) -> bytes:
        """Receive from `inner`, and record.  Errors: as `inner`."""
        octets = await self.inner.receive(timeout)
        self._record(self._heard, octets)
        return octets

    def discard(self) -> bytes:
        """Throw away what came to `inner`, but record it."""
        octets = self.inner.discard()
        self._record(self._heard, octets)
        return octets

    def _record(self, direction: Direction, octets: bytes) -> None:
        if octets:
            shown = octets.hex() if self._redactor is None else self._redactor(direction, octets)
            moment = datetime.fromtimestamp(self._clock(), UTC)
            self._write(Recorded(moment, direction, shown).line() + "\n")
