"""A recorded line, played to whoever speaks the same again: the file that a `RecordingTransport` wrote.

    sent      aa010f...     what is sent has to be this, octet for octet, however it is cut up
    received  aa09ff...     comes once all of it was sent

Octets that a redactor took out stand as ".." and are compared with nothing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Final, Self

from meterkit.errors import ErrorKind, fault
from meterkit.recording import HIDDEN, Direction, Recorded
from meterkit.transport.base import Transport

_SHOWN: Final = 16  # octets on either side of one that differs


class ReplayMismatch(AssertionError):
    """What was sent is not what the recording has: at which octet, in hex."""


class ReplayTransport(Transport):
    """Serves `lines` of a recording.

    `is_noisy`: as the line that was recorded; `is_paced`: let what comes take the time it took then.
    Opened anew, it goes on where it was.
    Raises: ReplayMismatch where something else is sent; ValueError for a recording that hides what came:
    record it with `keep_secrets=True`.  Errors: TRANSPORT the line is not open; DECODE no recording.
    """

    def __init__(
        self,
        lines: Iterable[str],
        *,
        name: str = "replay",
        is_noisy: bool = False,
        is_paced: bool = False,
        baud_rate: int | None = None,
    ) -> None:
        super().__init__()
        self._name = name
        self._is_noisy = is_noisy
        self._baud_rate = baud_rate
        self._is_open = False
        told = [Recorded.parse(line) for line in lines if line.strip()]
        self._waits = [0.0] + [
            (b.time - a.time).total_seconds() if is_paced else 0.0 for a, b in pairwise(told)
        ]
        self._told = told
        self._place = 0  # of the line that is played next
        self._position = 0  # octets sent so far
        self._within = 0  # octets of that line that were sent already
        for one in told:
            if one.direction is not Direction.SENT and HIDDEN in one.hex:
                raise ValueError(f"{name}: {one.hex} came with octets hidden: record with keep_secrets=True")

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, is_noisy: bool = False, is_paced: bool = False) -> Self:
        """Return the recording in a file.  Raises: OSError; as the class."""
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        return cls(lines, name=os.fspath(path), is_noisy=is_noisy, is_paced=is_paced)

    @property
    def name(self) -> str:
        """The file, or what it was called."""
        return self._name

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and not closed since."""
        return self._is_open

    @property
    def is_noisy(self) -> bool:
        """As it was made."""
        return self._is_noisy

    @property
    def baud_rate(self) -> int | None:
        """Bits per second, remembered and not obeyed."""
        return self._baud_rate

    @property
    def is_finished(self) -> bool:
        """Whether all of the recording was played."""
        return self._place == len(self._told)

    def check_finished(self) -> None:
        """Raise ReplayMismatch if the recording goes on."""
        if not self.is_finished:
            left = self._told[self._place]
            raise ReplayMismatch(
                f"{self._name}: {len(self._told) - self._place} of {len(self._told)} lines were not played; "
                f"the next is {left.direction.value} {left.hex}"
            )

    async def open(self) -> None:
        """Open; nothing else."""
        self._is_open = True

    async def close(self) -> None:
        """Close; nothing else."""
        self._is_open = False

    async def send(self, octets: bytes) -> None:
        """Compare with what was sent then.  Raises: ReplayMismatch."""
        self._check_open()
        for place, octet in enumerate(octets):
            expected = self._next_sent()
            if expected not in (HIDDEN, f"{octet:02x}"):
                self._differ(octets, place, expected)
            self._position += 1
            self._within += 1
            if 2 * self._within == len(self._told[self._place].hex):
                self._place, self._within = self._place + 1, 0

    async def receive(self, timeout: float) -> bytes:
        """Return what came then, once all before it was sent; b"" after `timeout` seconds without."""
        self._check_open()
        await asyncio.sleep(0)
        if not self._has_next():
            await asyncio.sleep(timeout)
            return b""
        wait = self._waits[self._place]
        if wait > timeout:
            self._waits[self._place] -= timeout
            await asyncio.sleep(timeout)
            return b""
        if wait:
            await asyncio.sleep(wait)
        return self._take()

    def discard(self) -> bytes:
        """Throw nothing away: what comes next is what an answer to come is made of."""
        return b""

    async def set_baud_rate(self, baud_rate: int) -> None:
        """Remember the speed (bits per second), where there is one."""
        self._check_open()
        if self._baud_rate is not None:
            self._baud_rate = baud_rate

    # ---------------------------------------------------------------- inside
    def _has_next(self) -> bool:
        return not self.is_finished and self._told[self._place].direction is not Direction.SENT

    def _take(self) -> bytes:
        octets = bytes.fromhex(self._told[self._place].hex)
        self._place += 1
        return octets

    def _next_sent(self) -> str:
        """Return the two digits that were sent next; "" where something else came next."""
        if self.is_finished or self._told[self._place].direction is not Direction.SENT:
            return ""
        return self._told[self._place].hex[2 * self._within : 2 * self._within + 2]

    def _differ(self, octets: bytes, place: int, expected: str) -> None:
        around = octets[max(place - _SHOWN, 0) : place + _SHOWN].hex(" ")
        if self.is_finished:
            told = "the recording is over"
        elif not expected:
            told = f"the meter spoke next: {self._told[self._place].hex}"
        else:
            told = f"{expected} expected (line {self._place + 1} of the recording, octet {self._within})"
        raise ReplayMismatch(
            f"{self._name}: octet {self._position} of all that was sent: {told}, {octets[place]:02x} came, "
            f"in {around}"
        )

    def _check_open(self) -> None:
        if not self._is_open:
            raise fault(ErrorKind.TRANSPORT, "the line is not open", where=self._name)
