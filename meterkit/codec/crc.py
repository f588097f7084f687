"""CRC-16/X-25, the check of both PSEM packets and HDLC frames, at C speed.

`binascii.crc_hqx` computes the same polynomial most significant bit first.  Reversing the bits of
each octet on the way in, and of the register on the way out, turns it into the reflected CRC.
"""

from __future__ import annotations

from binascii import crc_hqx

_REVERSED = bytes(int(f"{octet:08b}"[::-1], 2) for octet in range(256))
_INITIAL = 0xFFFF  # CRC-16/X-25: register starts at all ones and is complemented at the end
_GOOD = 0x1D0F  # register, most significant bit first, after a good frame with its own CRC
CRC_SIZE = 2  # octets


def crc16(octets: bytes | bytearray) -> int:
    """Return the CRC-16/X-25 of `octets`, 0..65535.

    Source: ITU-T X.25 (HDLC FCS); check value of "123456789" is 0x906E.
    """
    register = crc_hqx(octets.translate(_REVERSED), _INITIAL) ^ 0xFFFF
    return _REVERSED[register & 0xFF] << 8 | _REVERSED[register >> 8]


def crc16_wire(octets: bytes | bytearray) -> bytes:
    """Return the CRC as its two octets go on the line: low octet first, in PSEM and in HDLC."""
    return (crc_hqx(octets.translate(_REVERSED), _INITIAL) ^ 0xFFFF).to_bytes(2, "big").translate(_REVERSED)


def is_intact(octets: bytes | bytearray) -> bool:
    """Tell whether `octets`, which end in their own CRC, arrived undamaged."""
    return crc_hqx(octets.translate(_REVERSED), _INITIAL) == _GOOD
