"""Takes challenge and response out of a recording, so that it can be shown to others.

    sent       aa 01 0f de c2                            asks for a challenge
    received   aa 09 ff .. .. .. .. .. .. .. .. .. ..    the challenge and its check
    sent       aa 06 01 .. .. .. .. .. .. ..             the response and its check

It goes by the first three octets of a frame, as they pass, and not by whole frames: a frame torn over
two records, or one whose check is damaged, hides its secret all the same.  In doubt it hides too much.
"""

from __future__ import annotations

from typing import Final

from meterkit.em1000.frame import OVERHEAD, SYNC
from meterkit.em1000.meanings import ACCEPTED, CHALLENGE_SIZE, LOG_IN, REQUEST_CHALLENGE
from meterkit.recording import HIDDEN, Direction

_HEAD: Final = 3  # octets that tell: sync, length, command or status
_CHALLENGE_HEAD: Final = bytes((SYNC, 1 + CHALLENGE_SIZE, ACCEPTED))
_REQUEST_HEAD: Final = bytes((SYNC, 1, REQUEST_CHALLENGE))


class Redactor:
    """Give it to a `RecordingTransport`; one for each line, since it remembers what passed."""

    def __init__(self) -> None:
        self._tails = dict.fromkeys(Direction, b"")  # the last two octets each way
        self._left = dict.fromkeys(Direction, 0)  # octets still to be hidden each way
        self._awaits_challenge = False

    def __call__(self, direction: Direction, octets: bytes) -> str:
        """Return the hex of `octets`, with ".." for those that are secret."""
        shown: list[str] = []
        tail, left = self._tails[direction], self._left[direction]
        for octet in octets:
            shown.append(HIDDEN if left else f"{octet:02x}")
            left = max(left - 1, 0)
            head = tail + bytes((octet,))
            left = max(left, self._secret_behind(head))
            tail = head[1 - _HEAD :]
        self._tails[direction], self._left[direction] = tail, left
        return "".join(shown)

    def _secret_behind(self, head: bytes) -> int:
        """Return how many octets behind these three are secret."""
        if len(head) < _HEAD or head[0] != SYNC:
            return 0
        if head == _REQUEST_HEAD:
            self._awaits_challenge = True
        elif head == _CHALLENGE_HEAD and self._awaits_challenge:
            self._awaits_challenge = False
            return head[1] + OVERHEAD - _HEAD
        elif head[2] == LOG_IN and head[1] > 1:
            return head[1] + OVERHEAD - _HEAD
        return 0
