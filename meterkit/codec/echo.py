"""Our own octets, sent back by an optical probe or a two-wire converter, taken out of what is received.

On two wires the echo comes before any answer, octet by octet as we sent it.  Exactly that is dropped:
octets that only look like its beginning are held back until the next ones decide, and then given out.
"""

from __future__ import annotations

EXPECTED_LIMIT = 65536  # octets; an echo this far behind is not coming
STRAY_LIMIT = 16  # octets of noise that may precede an echo: probes click when they wake


class EchoCanceller:
    """Feed it what was sent and what came; it answers with what the other end said."""

    __slots__ = ("_expected", "_held", "_strays")

    def __init__(self) -> None:
        self._expected = b""  # sent, and not yet heard back
        self._held = 0  # octets of `_expected` heard so far, in a row
        self._strays = 0  # octets given out while an echo was expected

    @property
    def expected(self) -> int:
        """Octets of echo still to come."""
        return len(self._expected) - self._held

    def sent(self, octets: bytes) -> None:
        """Note that `octets` go out now, so their echo follows.

        If the other end spoke since the last call, the echo of what was sent before was lost, and is
        expected no longer.
        """
        if self._strays and not self._held:
            self._expected = b""
        self._strays = 0
        if len(self._expected) + len(octets) > EXPECTED_LIMIT:
            self._expected, self._held = b"", 0
        self._expected += octets

    def received(self, octets: bytes) -> bytes:
        """Return `octets` without the echo; b"" when there was nothing else."""
        expected, held = self._expected, self._held
        if not expected:
            return octets
        if held + len(octets) <= len(expected) and expected.startswith(octets, held):
            self._advance(held + len(octets))
            return b""
        return self._search(expected[:held] + octets)

    def _search(self, octets: bytes) -> bytes:
        """Look for the echo in `octets`, which begin with those held back."""
        at = 0
        while at < len(octets):
            length = min(len(octets) - at, len(self._expected))
            if octets.startswith(self._expected[:length], at):
                self._advance(length)
                return octets[:at] + octets[at + length :]
            at += 1
            self._strays += 1
            if self._strays > STRAY_LIMIT:
                break
        if self._strays > STRAY_LIMIT:
            self._expected = b""
        self._held = 0
        return octets

    def _advance(self, held: int) -> None:
        if held == len(self._expected):
            self._expected, held, self._strays = b"", 0, 0
        self._held = held
