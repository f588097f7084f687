"""What came during an exchange and answered nothing: dropped, and told if the answer never comes."""

from __future__ import annotations

from enum import Enum
from typing import Final

_SHOWN: Final = 8  # octets of a dropped message: its tag, kind and invoke id


class Stray(Enum):
    """Why a message was dropped, in words."""

    LATE = "nothing had been asked, or its exchange was given up"
    OTHER_INVOKE_ID = "another invoke id"
    OTHER_SERVICE = "no answer to this service"
    OTHER_STATION = "an answer to somebody else"
    REPEATED = "the same block again"
    UNASKED = "a block before it was asked for"
    MUTILATED = "a general block that cannot be"


class Strays:
    """Counts of what was dropped since an answer last came, by reason, with the last of each."""

    def __init__(self) -> None:
        self.dropped: dict[Stray, tuple[int, bytes]] = {}  #: how many, and the head of the last

    def add(self, reason: Stray, message: bytes) -> None:
        """Remember that `message` was dropped."""
        count, _ = self.dropped.get(reason, (0, b""))
        self.dropped[reason] = (count + 1, message[:_SHOWN])

    def clear(self) -> None:
        """Forget them."""
        self.dropped.clear()

    def describe(self) -> str:
        """Return what was dropped in words; empty if nothing was."""
        return "; ".join(
            f"{count} dropped, {reason.value}: {sample.hex(' ') or 'empty'}"
            for reason, (count, sample) in self.dropped.items()
        )
