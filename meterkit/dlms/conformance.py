"""The conformance block: which services two ends agreed on.  Source: IEC 62056-53 (xDLMS), general knowledge.

    5F 1F | 04 | 00 | 24 bits, bit 0 first       tag [APPLICATION 31], length, unused bits, bits

Some peers shorten the tag to 5F.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from meterkit.errors import ErrorKind, fault

_BITS: Final = 24
_HEAD: Final = b"\x5f\x1f\x04\x00"
_SHORT_HEAD: Final = b"\x5f\x04\x00"
_SIZE: Final = 3  # octets of the bits


class Conformance(IntFlag):
    """Services by the standard's names; bit 0 of the standard is the most significant of 24."""

    RESERVED_ZERO = 1 << 23
    GENERAL_PROTECTION = 1 << 22
    GENERAL_BLOCK_TRANSFER = 1 << 21
    READ = 1 << 20
    WRITE = 1 << 19
    UNCONFIRMED_WRITE = 1 << 18
    DELTA_VALUE_ENCODING = 1 << 17  #: reserved in older editions
    RESERVED_SEVEN = 1 << 16
    ATTRIBUTE0_SUPPORTED_WITH_SET = 1 << 15
    PRIORITY_MGMT_SUPPORTED = 1 << 14
    ATTRIBUTE0_SUPPORTED_WITH_GET = 1 << 13
    BLOCK_TRANSFER_WITH_GET_OR_READ = 1 << 12
    BLOCK_TRANSFER_WITH_SET_OR_WRITE = 1 << 11
    BLOCK_TRANSFER_WITH_ACTION = 1 << 10
    MULTIPLE_REFERENCES = 1 << 9
    INFORMATION_REPORT = 1 << 8
    DATA_NOTIFICATION = 1 << 7
    ACCESS = 1 << 6
    PARAMETERIZED_ACCESS = 1 << 5
    GET = 1 << 4
    SET = 1 << 3
    SELECTIVE_ACCESS = 1 << 2
    EVENT_NOTIFICATION = 1 << 1
    ACTION = 1

    def encode(self) -> bytes:
        """Return the 7 octets, tag first.  Raises: ValueError for more than 24 bits."""
        if not 0 <= self < 1 << _BITS:
            raise ValueError(f"conformance {int(self):x}: {_BITS} bits expected")
        return _HEAD + int(self).to_bytes(_SIZE, "big")

    @classmethod
    def decode(cls, octets: bytes, offset: int = 0) -> tuple[Conformance, int]:
        """Return the block that begins at `offset`, and where it ends.

        Errors: ProtocolFault DECODE.
        """
        for head in (_HEAD, _SHORT_HEAD):
            if octets.startswith(head, offset):
                begin = offset + len(head)
                bits = octets[begin : begin + _SIZE]
                if len(bits) == _SIZE:
                    return cls(int.from_bytes(bits, "big")), begin + _SIZE
        came = octets[offset : offset + len(_HEAD) + _SIZE].hex(" ") or "nothing"
        raise fault(
            ErrorKind.DECODE, f"conformance at {offset}: 5f 1f 04 00 and 3 octets expected, {came} came"
        )

    @property
    def words(self) -> str:
        """The services in the standard's names, bit 0 first: "get, set, selective-access"."""
        names = (bit.name or "" for bit in Conformance if bit & self)
        return ", ".join(name.lower().replace("_", "-") for name in names) or "none"
