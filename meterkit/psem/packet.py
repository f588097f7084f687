"""PSEM packets: one frame of the data link as octets.

Source: C12.18-2006, layer 2.

    EE | identity | control | sequence | length (2, high first) | data ... | CRC (2, low first)

The CRC is CRC-16/X-25 over everything from EE to the last data octet.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from functools import lru_cache
from typing import Final, Self

from meterkit.codec.crc import crc16, crc16_wire, is_intact
from meterkit.errors import ErrorKind, fault

STP: Final = 0xEE  # start of packet
ACK: Final = 0x06  # packet received intact
NAK: Final = 0x15  # packet received damaged
HEADER_SIZE: Final = 6  # octets before the data
OVERHEAD_SIZE: Final = 8  # octets of a packet that are not data: header and CRC
DEFAULT_PACKET_SIZE: Final = 64  # octets, framing included; until Negotiate says otherwise
DEFAULT_MAX_PACKETS: Final = 1  # packets a message may span; until Negotiate says otherwise
SMALLEST_PACKET_SIZE: Final = 64  # octets; C12.18 Negotiate
LARGEST_PACKET_SIZE: Final = 8192  # octets; C12.18 Negotiate
_MOST_DATA: Final = LARGEST_PACKET_SIZE - OVERHEAD_SIZE
LARGEST_MAX_PACKETS: Final = 255  # C12.18 Negotiate: one octet, 0 reserved
SHORT: Final = 8  # octets of an offset read's request; whoever presents a secret needs more
_REMEMBERED: Final = 1024  # short packets


class ControlFlags(IntFlag):
    """Bits of the control octet.  Source: C12.18-2006; bits 2 to 4 are reserved and ignored here."""

    NONE = 0
    DATA_FORMAT_MASK = 0x03  #: 0 C12.18 and C12.21, 1 C12.22
    TOGGLE = 0x20  #: flips with every new packet, so that a repeated one is recognised
    FIRST = 0x40  #: first packet of several
    MULTI = 0x80  #: one packet of several
    SINGLE_PACKET = 0x40  #: SharpMeter's name for FIRST; single packets do not carry it


@dataclass(frozen=True, slots=True)
class ControlByte:
    """The control octet of a packet."""

    flags: ControlFlags = ControlFlags.NONE

    @property
    def is_multi_packet(self) -> bool:
        """Whether the packet is one of several that make up a message."""
        return bool(self.flags & ControlFlags.MULTI)

    @property
    def is_first(self) -> bool:
        """Whether the packet is the first of several."""
        return bool(self.flags & ControlFlags.FIRST)

    @property
    def is_toggled(self) -> bool:
        """Whether the toggle bit is set."""
        return bool(self.flags & ControlFlags.TOGGLE)

    @property
    def data_format(self) -> int:
        """What the data is: 0 C12.18 or C12.21, 1 C12.22, 2 and 3 reserved."""
        return int(self.flags & ControlFlags.DATA_FORMAT_MASK)

    def encode(self) -> int:
        """Return the octet, 0..255."""
        return int(self.flags)

    @classmethod
    def decode(cls, octet: int) -> Self:
        """Return what the octet says; reserved bits are kept."""
        return cls(ControlFlags(octet))


@dataclass(frozen=True, slots=True)
class PsemFrame:
    """One packet.  `sequence` counts the packets still to come: 0 in the last or only one."""

    identity: int = 0  #: device on a multi-drop line (C12.21), else 0
    control: ControlByte = ControlByte()
    sequence: int = 0
    data: bytes = b""  #: 1..8184 octets

    @property
    def crc(self) -> int:
        """The frame's CRC as a number, 0..65535; on the wire its low octet goes first."""
        return crc16(self.encode()[:-2])

    @property
    def total_length(self) -> int:
        """Octets of the whole frame, framing included."""
        return len(self.data) + OVERHEAD_SIZE

    def encode(self) -> bytes:
        """Return the frame's octets.

        Errors: ValueError when a field does not fit its octets.
        """
        return encode_packet(self.identity, self.control.encode(), self.sequence, self.data)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the one whole frame that `octets` are.

        Errors: ProtocolFault FRAMING (no EE, cut short, octets left over), CRC (damaged).
        """
        if octets[:1] != bytes([STP]):
            raise fault(ErrorKind.FRAMING, f"a packet starts with ee, not {octets[:1].hex() or 'nothing'}")
        if len(octets) < HEADER_SIZE:
            raise fault(
                ErrorKind.FRAMING, f"a packet's header is 6 octets, {len(octets)} came: {octets.hex(' ')}"
            )
        size = packet_length(octets)
        if len(octets) != size:
            raise fault(
                ErrorKind.FRAMING,
                f"header {octets[:HEADER_SIZE].hex(' ')} says {size} octets, {len(octets)} came",
            )
        if size == OVERHEAD_SIZE:
            raise fault(ErrorKind.FRAMING, f"packet without data: {octets.hex(' ')}")
        if not is_intact(octets):
            raise fault(ErrorKind.CRC, describe_damage(octets))
        return cls(octets[1], ControlByte.decode(octets[2]), octets[3], bytes(octets[HEADER_SIZE:-2]))


def encode_packet(identity: int, control: int, sequence: int, data: bytes) -> bytes:
    """Return a packet's octets; `control` is the control octet as a number.

    Errors: ValueError when a field does not fit, or there is no data.
    """
    length = len(data)
    if not 0 < length <= _MOST_DATA:
        raise ValueError(f"a packet carries 1 to {_MOST_DATA} octets, not {length}")
    body = bytes((STP, identity, control, sequence, length >> 8, length & 0xFF)) + data
    return body + crc16_wire(body)


#: The same, remembered: for messages of up to `SHORT` octets, in which the meters of a fleet are asked alike.
encode_short_packet = lru_cache(_REMEMBERED)(encode_packet)


def packet_length(header: bytes | bytearray) -> int:
    """Return the octets of the whole packet that a header (6 octets or more) announces."""
    return (header[4] << 8 | header[5]) + OVERHEAD_SIZE


def describe_damage(packet: bytes | bytearray) -> str:
    """Say which CRC a damaged packet carries and which its octets ask for; its data is not shown."""
    expected = crc16_wire(packet[:-2])
    return (
        f"packet {packet[:HEADER_SIZE].hex(' ')} with {len(packet) - OVERHEAD_SIZE} octets of data "
        f"ends in CRC {packet[-2:].hex(' ')} where {expected.hex(' ')} was expected"
    )
