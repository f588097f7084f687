"""Finding packets and acknowledgements in octets as they come off a line, in pieces of any size.

A line may put stray octets before a packet, and a stray octet may be EE.  What is believed at once:

    (fewer than 6 stray octets) ACK | NAK | intact packet

Behind more stray octets, or behind a damaged packet, only what the burst ends with is believed, and
only once the line fell silent.  The reason: a table may hold octets that look like a whole packet.
Inside a packet whose own start was hit they lie 6 octets (its header) or more from where the burst
began and are followed by at least a CRC; a real packet is the last thing the meter sends, because it
then waits for its acknowledgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from meterkit.codec.crc import is_intact
from meterkit.psem.packet import (
    ACK,
    DEFAULT_PACKET_SIZE,
    HEADER_SIZE,
    NAK,
    OVERHEAD_SIZE,
    STP,
    describe_damage,
    packet_length,
)

_STP = bytes([STP])
_ANSWERED: Final = bytes([ACK, STP])
_STARTS: Final = frozenset({STP, ACK, NAK})


@dataclass(frozen=True, slots=True)
class Noise:
    """Octets that belong to no packet."""

    octets: bytes
    is_stray: bool = True  #: False for what follows a damaged packet, and may be part of it


@dataclass(frozen=True, slots=True)
class Damage:
    """A packet came, but not intact; the line is quiet now, so it may be answered with a NAK."""

    reason: str  #: for an engineer; shows the header and the CRC, never the data


#: ACK or NAK as a number, an intact packet as its octets, or what went wrong.
Item: TypeAlias = int | bytes | Noise | Damage


class PacketReader:
    """Cuts a stream of octets into `Item`s.  Never holds more than one packet's octets."""

    __slots__ = ("_buffer", "_damage", "_skipped", "is_fresh", "packet_size")

    def __init__(self, packet_size: int = DEFAULT_PACKET_SIZE) -> None:
        self.packet_size = packet_size  #: the largest packet agreed on, in octets, framing included
        self._buffer = bytearray()
        self._skipped = 0  # stray octets since the burst began
        self._damage: str | None = None  # why the burst's first packet was no good
        self.is_fresh = True  #: nothing was fed since the last `clear`

    @property
    def is_waiting(self) -> bool:
        """Whether octets are held that only more octets, or silence, can settle."""
        return bool(self._buffer)

    def clear(self) -> None:
        """Forget everything: a new session, or octets that are no longer of interest."""
        self._buffer.clear()
        self._skipped = 0
        self._damage = None
        self.is_fresh = True

    def turn(self) -> None:
        """Take note that we spoke: what comes next begins a new burst."""
        if self._skipped < HEADER_SIZE:
            self._skipped = 0

    def lone_answer(self, octets: bytes) -> bytes | None:
        """Take an ACK and one intact packet, where that is all that came since `clear`; return the packet.

        None: it is something else, and nothing was taken; `feed` tells all of it.
        """
        if octets[:2] != _ANSWERED or not self.is_fresh:
            return None
        packet = octets[1:]
        size = len(packet)
        if not OVERHEAD_SIZE < size <= self.packet_size or packet_length(packet) != size:
            return None
        return packet if is_intact(packet) else None

    def feed(self, octets: bytes) -> list[Item]:
        """Take what came and return what can be told by now."""
        self.is_fresh = False
        items: list[Item] = []
        buffer = self._buffer
        buffer += octets
        while buffer:
            if self._skipped >= HEADER_SIZE:
                self._keep_the_end(items)
                break
            first = buffer[0]
            if first == STP:
                if not self._take_packet(items):
                    break
            elif first in (ACK, NAK):
                items.append(first)
                del buffer[0]
            else:
                self._skip_noise(items)
        return items

    def silence(self) -> list[Item]:
        """Take the news that nothing came for the inter-character time-out, and settle what is held."""
        buffer = self._buffer
        items: list[Item] = []
        start = self._packet_at_the_end()
        if start is not None:
            if start:
                items.append(Noise(bytes(buffer[:start]), self._damage is None))
            items.append(bytes(buffer[start:]))
        elif self._damage is not None:
            items.append(Damage(self._damage))
        elif self._skipped < HEADER_SIZE:
            if buffer:
                items.append(Damage(self._describe_the_cut()))
        elif buffer:
            last = buffer.pop() if buffer[-1] in (ACK, NAK) else None
            items.append(Noise(bytes(buffer)))
            if last is not None:
                items.append(last)
        self.clear()
        return items

    def _take_packet(self, items: list[Item]) -> bool:
        """Take the packet at the buffer's front; False when more octets are needed to judge it."""
        buffer = self._buffer
        if len(buffer) < HEADER_SIZE:
            return False
        size = packet_length(buffer)
        if not OVERHEAD_SIZE < size <= self.packet_size:
            self._reject(
                f"header {buffer[:HEADER_SIZE].hex(' ')} announces {size - OVERHEAD_SIZE} octets of data, "
                f"1 to {self.packet_size - OVERHEAD_SIZE} were agreed",
                items,
            )
            return True
        if len(buffer) < size:
            return False
        packet = bytes(buffer[:size])
        if is_intact(packet):
            del buffer[:size]
            self._skipped = 0
            self._damage = None
            items.append(packet)
            return True
        if len(buffer) > size or self._damage is not None or self._next_start() > 0:
            self._reject(describe_damage(packet), items)
            return True
        # Nothing follows, so the meter awaits its answer.  Should more come after all, it is not to
        # be taken for a packet at once: the repetition asked for starts with EE and nothing before.
        buffer.clear()
        self._skipped = HEADER_SIZE - 1
        items.append(Damage(describe_damage(packet)))
        return True

    def _next_start(self) -> int:
        """Return where behind the EE in front another packet may start and be believed; -1: nowhere."""
        return self._buffer.find(_STP, 1, HEADER_SIZE - self._skipped)

    def _reject(self, reason: str, items: list[Item]) -> None:
        """Give up the packet in front: go on with the next one, or wait for silence."""
        self._damage = self._damage or reason
        start = self._next_start()
        if start < 0:
            self._skipped = HEADER_SIZE
            return
        self._skipped += start
        items.append(Noise(bytes(self._buffer[:start]), is_stray=False))
        del self._buffer[:start]

    def _skip_noise(self, items: list[Item]) -> None:
        buffer = self._buffer
        end = min(len(buffer), HEADER_SIZE - self._skipped)
        count = 1
        while count < end and buffer[count] not in _STARTS:
            count += 1
        self._skipped += count
        items.append(Noise(bytes(buffer[:count])))
        del buffer[:count]

    def _keep_the_end(self, items: list[Item]) -> None:
        """Hold no more than the last packet of this burst can be long."""
        excess = len(self._buffer) - self.packet_size
        if excess > 0:
            items.append(Noise(bytes(self._buffer[:excess]), self._damage is None))
            del self._buffer[:excess]

    def _packet_at_the_end(self) -> int | None:
        """Return where the intact packet starts that the held octets end with."""
        buffer = self._buffer
        length = len(buffer)
        start = buffer.find(_STP)
        while 0 <= start < length - OVERHEAD_SIZE:
            if packet_length(buffer[start : start + HEADER_SIZE]) == length - start and is_intact(
                buffer[start:]
            ):
                return start
            start = buffer.find(_STP, start + 1)
        return None

    def _describe_the_cut(self) -> str:
        buffer = self._buffer
        if len(buffer) < HEADER_SIZE:
            return f"a packet broke off in its header: {buffer.hex(' ')}"
        return (
            f"a packet broke off: header {buffer[:HEADER_SIZE].hex(' ')} announces "
            f"{packet_length(buffer)} octets in all, {len(buffer)} came"
        )
