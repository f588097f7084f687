"""Several emulated meters on one line, told apart by their addresses: RS-485, a gateway, a concentrator.

Every meter hears everything, as on a pair of wires; the one that is addressed answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from meterkit.emulator.line import Emulator, LineKind, LineSession

__all__ = ["SharedLine"]


class SharedLine:
    """An `Emulator` made of others.  Their addresses have to differ: identity, server or physical address."""

    def __init__(self, name: str, meters: Sequence[Emulator]) -> None:
        self.name = name
        self.meters = tuple(meters)

    def begin_session(self, on_unasked: Callable[[], None]) -> LineSession:
        """Return the meters' end of a new line."""
        return _SharedSession([meter.begin_session(on_unasked) for meter in self.meters])

    def url(self, kind: LineKind, place: str) -> str:
        """Return the address of the first meter at a place."""
        return self.meters[0].url(kind, place)


class _SharedSession:
    """The end of a line that all its meters have."""

    def __init__(self, sessions: Sequence[LineSession]) -> None:
        self._sessions = sessions

    @property
    def is_hung_up(self) -> bool:
        """Whether a meter dropped the line, which it does for all."""
        return any(session.is_hung_up for session in self._sessions)

    @property
    def deadline(self) -> float:
        """When `wake` is due."""
        return min(session.deadline for session in self._sessions)

    @property
    def baud_rate(self) -> int:
        """Bits per second of the first meter: the line itself has none."""
        return self._sessions[0].baud_rate

    def receive(self, octets: bytes, now: float) -> bytes:
        """Let every meter hear; return what those say who are addressed."""
        return b"".join([session.receive(octets, now) for session in self._sessions])

    def wake(self, now: float) -> bytes:
        """Let every meter do what has become due."""
        return b"".join([session.wake(now) for session in self._sessions if session.deadline <= now])

    def close(self) -> None:
        """Tell every meter that the line is gone."""
        for session in self._sessions:
            session.close()
