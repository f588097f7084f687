"""An answer that leaves in blocks, and a value that comes in blocks.

Source: IEC 62056-53, DataBlock-SA; general knowledge.  Numbers begin at 1, the pieces are octets of the
encoding and end anywhere.
"""

from __future__ import annotations

from enum import Enum, auto

from meterkit.emulator.dlms.terms import LONGEST_VALUE

OVERHEAD = 12  # octets of a block's APDU beside its raw-data: C4 02 invoke last number(4) 00 length(3)


class Outgoing:
    """A long answer: each piece is taken by the number of the one before."""

    def __init__(self, octets: bytes, max_send: int, *, has_wrong_number: bool = False) -> None:
        self._octets = octets
        self._room = max(max_send - OVERHEAD, 1)
        self._sent = 0
        self._has_wrong_number = has_wrong_number
        self._number = 0

    @property
    def number(self) -> int:
        """The number of the piece taken last."""
        return self._number + (self._has_wrong_number and self._number > 1)

    @property
    def is_last(self) -> bool:
        """Whether the piece taken last ends the answer."""
        return self._sent >= len(self._octets)

    def take(self) -> bytes:
        """Return the next piece."""
        piece = self._octets[self._sent : self._sent + self._room]
        self._sent += len(piece)
        self._number += 1
        return piece


class Taken(Enum):
    """What became of an incoming block."""

    MORE = auto()  #: taken, more will come
    WHOLE = auto()  #: taken, and it was the last
    WRONG_NUMBER = auto()
    TOO_LONG = auto()


class Incoming:
    """A value on its way in."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._number = 0

    def take(self, number: int, is_last: bool, raw: bytes) -> Taken:
        """Take one block."""
        if number != self._number + 1:
            return Taken.WRONG_NUMBER
        if len(self._octets) + len(raw) > LONGEST_VALUE:
            return Taken.TOO_LONG
        self._number = number
        self._octets += raw
        return Taken.WHOLE if is_last else Taken.MORE

    @property
    def octets(self) -> bytes:
        """Everything taken so far."""
        return bytes(self._octets)
