"""One message in numbered I frames, each way: what is still to be sent, and what has come.

Source: IEC 62056-46 6.4.4.4.3, LLC from 6.3.

    Outgoing   | acknowledged | in the window, sent, not acknowledged | not sent |
    Incoming   E6 E7 00 first part | part ... | last part (not segmented)  -> message

The LLC header stands before the first part alone and counts for its size.  Numbers are modulo 8.  When it
is our turn, everything not acknowledged goes out again, numbered as before (go back N).
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.hdlc.control import MODULO

LLC_COMMAND: Final = b"\xe6\xe6\x00"  # client to meter; destination and source LSAP, quality
LLC_RESPONSE: Final = b"\xe6\xe7\x00"  # meter to client


class Outgoing:
    """A message on its way, in frames of at most `size` octets; the first is numbered `number`."""

    __slots__ = ("_octets", "_size", "count", "done", "first_number", "sent")

    def __init__(self, octets: bytes, size: int, number: int) -> None:
        self._octets = octets
        self._size = size
        self.count = -(-len(octets) // size)  #: frames in all
        self.done = 0  #: frames acknowledged
        self.sent = 0  #: frames sent so far, acknowledged or not
        self.first_number = number  #: N(S) of the first frame

    @property
    def is_unfinished(self) -> bool:
        """Whether frames are left that are not acknowledged."""
        return self.done < self.count

    @property
    def is_in_doubt(self) -> bool:
        """Whether frames were sent that are not acknowledged."""
        return self.done < self.sent

    @property
    def next_number(self) -> int:
        """N(S) of the first frame that is not acknowledged."""
        return (self.first_number + self.done) % MODULO

    def describe(self) -> str:
        """Name the first frame that is not acknowledged."""
        return f"I frame N(S)={self.next_number}, {self.done + 1} of {self.count} of the request"

    def burst(self, window: int) -> list[tuple[int, bytes, bool]]:
        """Return the frames whose turn it is, as N(S), information and whether more follow."""
        end = min(self.done + window, self.count)
        self.sent = max(self.sent, end)
        size = self._size
        return [
            (
                (self.first_number + index) % MODULO,
                self._octets[index * size : (index + 1) * size],
                index + 1 < self.count,
            )
            for index in range(self.done, end)
        ]

    def acknowledge(self, number: int) -> int | None:
        """Take an N(R); return how many frames it acknowledges anew, None if it cannot be."""
        count = (number - self.next_number) % MODULO
        if count > self.sent - self.done:
            return None
        self.done += count
        return count


class Incoming:
    """The parts of the message coming in, and the whole ones not handed over yet."""

    __slots__ = ("_limit", "_parts", "_size", "whole")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self.whole: list[bytes] = []  #: messages, without their LLC header

    @property
    def is_begun(self) -> bool:
        """Whether a message has begun and is not whole."""
        return bool(self._parts)

    def take(self, part: bytes, is_segmented: bool) -> bool:
        """Add the next part; False when what is held grew beyond the limit."""
        self._parts.append(part)
        self._size += len(part) + 1  # so that empty parts are bounded too
        if not is_segmented:
            message = without_llc(b"".join(self._parts))
            self._parts = []
            if message:
                self.whole.append(message)
        return self._size <= self._limit

    def hand_over(self) -> list[bytes]:
        """Return the whole messages and forget them."""
        whole, self.whole = self.whole, []
        self._size = sum(len(part) + 1 for part in self._parts)
        return whole

    def clear(self) -> None:
        """Forget everything."""
        self._parts = []
        self.whole = []
        self._size = 0


def without_llc(information: bytes) -> bytes:
    """Return a message without its LLC header; some meters push without one, or with a command's."""
    return information[3:] if information.startswith((LLC_RESPONSE, LLC_COMMAND)) else information
