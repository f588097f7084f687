"""EM1000 frames: payloads wrapped for the line, and found again in whatever comes off it.

    +------+--------+------------------+---------+----------+
    | 0xAA | length | payload (length) | crc low | crc high |      length + 4 octets
    +------+--------+------------------+---------+----------+

The check is CRC-16/XMODEM over length and payload.  No document says so: it is computed from the five
frames that are public, and fits all of them.  0xAA is not escaped inside a payload, so that a false
start can swallow a true one: the decoder goes back behind it.
Source: docs/em1000.md, "Framing".
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from typing import Final, TypeAlias

SYNC: Final = 0xAA
OVERHEAD: Final = 4  # octets around a payload: sync, length, two of the check
MAX_PAYLOAD: Final = 255  # octets that one octet of length can say; the meter's own limit is unknown


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame whose check fits."""

    at: int  #: octets of the stream before it
    payload: bytes

    @property
    def octets(self) -> bytes:
        """The frame as it was on the line."""
        return encode(self.payload)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Octets that are part of no frame."""

    at: int  #: octets of the stream before the first of them
    octets: bytes


@dataclass(frozen=True, slots=True)
class BadCrc:
    """What would have been a frame, but for its check.  Its octets come again: skipped, or in frames."""

    at: int  #: octets of the stream before its 0xAA
    length: int  #: octets of payload it claims
    found: int  #: check that came, 0..65535
    computed: int  #: check that would have fitted, 0..65535


FrameEvent: TypeAlias = Frame | Skipped | BadCrc


def crc(octets: bytes | bytearray) -> int:
    """Return the check over `octets`, which are the length octet and the payload; 0..65535.

    Source: CRC-16/XMODEM, polynomial 0x1021, initial value 0, computed from the five public frames.
    """
    return crc_hqx(octets, 0)


def encode(payload: bytes) -> bytes:
    """Return the frame around a payload of 1 to 255 octets.  Raises: ValueError for any other size."""
    if not 1 <= len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a payload has 1 to {MAX_PAYLOAD} octets, not {len(payload)}")
    covered = bytes((len(payload),)) + payload
    return b"\xaa" + covered + crc_hqx(covered, 0).to_bytes(2, "little")


class FrameDecoder:
    """Finds frames.  Feed it octets in pieces of any size; every octet comes back in exactly one event,
    a `Frame` or a `Skipped`, in the order of the line.

    It holds at most the 259 octets of one unfinished frame.  A false start holds back what follows until
    its length has come, which on a half-duplex line may be never: say `idle` when the line falls quiet.
    `accepts_empty`: take AA 00 00 00 for a frame; no meter was seen to send one.
    """

    __slots__ = ("_accepts_empty", "_at", "_held")

    def __init__(self, *, accepts_empty: bool = False) -> None:
        self._accepts_empty = accepts_empty
        self._at = 0  # octets of the stream before the held ones
        self._held = b""

    @property
    def held(self) -> bytes:
        """What has come of a frame that is not whole yet."""
        return self._held

    def feed(self, octets: bytes) -> list[FrameEvent]:
        """Take octets as they came; return what became of them, and of those held before."""
        return self._scan(self._held + octets if self._held else bytes(octets), is_over=False)

    def idle(self) -> list[FrameEvent]:
        """Take the news that the line is quiet: give up the unfinished frame, and look behind its start."""
        return self._scan(self._held, is_over=True) if self._held else []

    def _scan(self, octets: bytes, *, is_over: bool) -> list[FrameEvent]:
        events: list[FrameEvent] = []
        size, base, find = len(octets), self._at, octets.find
        told = 0  # octets that events have accounted for
        at = find(SYNC)
        while at >= 0:
            end = at + OVERHEAD + octets[at + 1] if at + 1 < size else size + 1
            if end > size:
                if not is_over:
                    break
            elif end > at + OVERHEAD or self._accepts_empty:
                found, computed = octets[end - 2] | octets[end - 1] << 8, crc_hqx(octets[at + 1 : end - 2], 0)
                if found == computed:
                    if at > told:
                        events.append(Skipped(base + told, octets[told:at]))
                    events.append(Frame(base + at, octets[at + 2 : end - 2]))
                    told = end
                    at = find(SYNC, end)
                    continue
                events.append(BadCrc(base + at, end - at - OVERHEAD, found, computed))
            at = find(SYNC, at + 1)
        left = at if at >= 0 else size
        if left > told:
            events.append(Skipped(base + told, octets[told:left]))
        self._at, self._held = base + left, octets[left:]
        return events
