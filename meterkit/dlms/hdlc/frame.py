"""HDLC frames: one frame of the data link as octets.

Source: IEC 62056-46 6.4.1, frame format type 3 of ISO/IEC 13239.  There is no octet stuffing: the length
says where a frame ends, and 7E may stand anywhere within.

    7E | format, length (2) | destination | source | control | HCS (2) | information ... | FCS (2) | 7E
         1010 S LLLLLLLLLLL   1, 2 or 4     1, 2, 4    1       only with information

S: segmented, more of the message follows in the next frame.  The length counts everything between the
flags.  HCS and FCS are CRC-16/X-25, low octet first; the FCS covers everything before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from meterkit.codec.crc import crc16_wire, is_intact
from meterkit.dlms.hdlc.address import HdlcAddress, decode_address
from meterkit.dlms.hdlc.control import HdlcControl, HdlcFrameType
from meterkit.errors import ErrorKind, fault

__all__ = ["HdlcAddress", "HdlcControl", "HdlcFrame", "HdlcFrameType"]

FLAG: Final = b"\x7e"
FORMAT_TYPE_3: Final = 0xA0  # in the high four bits of the first octet
SEGMENTED: Final = 0x08
CHECK_SIZE: Final = 2  # octets of HCS, and of FCS
MAX_FRAME_LENGTH: Final = 0x7FF  # octets between the flags: 11 bits
MAX_INFO_LENGTH: Final = 2030  # octets of information; IEC 62056-6-2, class IEC HDLC setup
SHORTEST_HEADER: Final = 5  # octets: format and length, two addresses, control
LONGEST_HEADER: Final = 11


@dataclass(frozen=True, slots=True)
class HdlcFrame:
    """One frame."""

    destination: HdlcAddress
    source: HdlcAddress
    control: HdlcControl
    information: bytes = b""
    is_segmented: bool = False

    FLAG: ClassVar[int] = 0x7E
    FORMAT_TYPE_3: ClassVar[int] = FORMAT_TYPE_3
    MAX_INFO_LENGTH: ClassVar[int] = MAX_INFO_LENGTH  #: octets

    @property
    def has_information(self) -> bool:
        """Whether there is an information field, and so an HCS."""
        return bool(self.information)

    def __str__(self) -> str:
        """Name the frame without showing its information."""
        carried = f", {len(self.information)} octets" if self.information else ""
        return f"{self.control} from {self.source} to {self.destination}{carried}"

    def encode(self) -> bytes:
        """Return the frame's octets, a flag at each end.

        Errors: ValueError for more information than a frame holds.
        """
        return encode_frame(
            self.destination.octets + self.source.octets,
            self.control.encode(),
            self.information,
            self.is_segmented,
        )

    @classmethod
    def decode(cls, octets: bytes) -> HdlcFrame:
        """Return the one whole frame that `octets` are; either flag may be missing.

        Errors: ProtocolFault FRAMING (no type 3 format, addresses, cut short, octets left over), CRC
        (damaged), PROTOCOL (unknown control octet).
        """
        start = 1 if octets[:1] == FLAG else 0
        if len(octets) < start + SHORTEST_HEADER + CHECK_SIZE or octets[start] & 0xF0 != FORMAT_TYPE_3:
            raise fault(
                ErrorKind.FRAMING,
                "a frame starts with 7e a0..af and has 7 octets or more, not "
                f"{octets[:LONGEST_HEADER].hex(' ')} ({len(octets)} octets)",
            )
        end = start + ((octets[start] & 0x07) << 8 | octets[start + 1])
        if octets[end:] not in (FLAG, b""):
            raise fault(
                ErrorKind.FRAMING,
                f"header {octets[start : start + 2].hex(' ')} says {end - start} octets between the flags, "
                f"{len(octets) - start} came after the first",
            )
        return _read(octets[start:end], end - start)


def _read(body: bytes, length: int) -> HdlcFrame:
    """Read what is between the flags."""
    if len(body) != length:
        raise fault(ErrorKind.FRAMING, f"header {body[:2].hex(' ')} says {length} octets, {len(body)} came")
    middle = _address_end(body, 2)
    after = _address_end(body, middle)
    header_size = after + 1
    rest = length - header_size
    if rest < CHECK_SIZE or rest == CHECK_SIZE + 1:
        raise fault(
            ErrorKind.FRAMING,
            f"frame {body[:LONGEST_HEADER].hex(' ')} of {length} octets has no room for its checks",
        )
    if not is_intact(body):
        raise fault(ErrorKind.CRC, describe_damage(body, "FCS"))
    has_header_check = rest > CHECK_SIZE
    if has_header_check and not is_intact(body[: header_size + CHECK_SIZE]):
        raise fault(ErrorKind.CRC, describe_damage(body[: header_size + CHECK_SIZE], "HCS"))
    return HdlcFrame(
        decode_address(body[2:middle]),
        decode_address(body[middle:after]),
        HdlcControl.decode(body[after]),
        body[header_size + CHECK_SIZE : -CHECK_SIZE] if has_header_check else b"",
        bool(body[0] & SEGMENTED),
    )


def _address_end(body: bytes, start: int) -> int:
    """Return where the address at `start` ends."""
    for size in (1, 2, 4):
        address = body[start : start + size]
        if len(address) == size and address[-1] & 1:
            if any(octet & 1 for octet in address[:-1]):
                break
            return start + size
    raise fault(
        ErrorKind.FRAMING,
        f"no address of 1, 2 or 4 octets at octet {start} of {body[:LONGEST_HEADER].hex(' ')}",
    )


def encode_frame(
    addresses: bytes, control: int, information: bytes = b"", is_segmented: bool = False
) -> bytes:
    """Return a frame's octets; `addresses` are destination and source as on the wire.

    Errors: ValueError for more information than a frame holds.
    """
    length = 3 + len(addresses) + CHECK_SIZE
    if information:
        length += CHECK_SIZE + len(information)
    if length > MAX_FRAME_LENGTH:
        raise ValueError(f"{len(information)} octets of information make a frame of {length}, 2047 is most")
    format_octet = FORMAT_TYPE_3 | length >> 8
    if is_segmented:
        format_octet |= SEGMENTED
    body = b"%c%c%b%c" % (format_octet, length & 0xFF, addresses, control)
    if information:
        body = b"%b%b%b" % (body, crc16_wire(body), information)
    return b"\x7e%b%b\x7e" % (body, crc16_wire(body))


def describe_damage(octets: bytes, check: str) -> str:
    """Say which check (FCS or HCS) a damaged frame carries and which it should, behind its first octets."""
    shown = octets[: min(LONGEST_HEADER, len(octets) - CHECK_SIZE)].hex(" ")
    expected = crc16_wire(octets[:-CHECK_SIZE]).hex(" ")
    return (
        f"frame {shown} ends its {len(octets)} octets in {check} {octets[-CHECK_SIZE:].hex(' ')} "
        f"where {expected} was expected"
    )
