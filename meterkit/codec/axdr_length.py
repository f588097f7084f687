"""Lengths of A-XDR, which count octets, bits or elements.

    00 to 7F           the length itself
    81 xx  82 xxxx     the length in so many octets, most significant first; 83 and 84 likewise

A length of octets or elements is never believed past the octets left, so that nothing is made room for
that cannot come.  Source: IEC 61334-6 (A-XDR) 6.1, which takes BER's definite lengths.
"""

from __future__ import annotations

from meterkit.errors import ErrorKind, ProtocolFault, fault

_LONG = 0x80  # top bit of the first octet: the other bits tell how many octets follow
_LONGEST = 4  # octets


def encode_length(length: int) -> bytes:
    """Return `length` in the fewest octets.  Errors: ValueError when it is negative or needs more than 4."""
    if 0 <= length < _LONG:
        return bytes((length,))
    if not 0 <= length < 1 << 8 * _LONGEST:
        raise ValueError(f"{length} is no length that A-XDR can tell in {_LONGEST} octets")
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((_LONG | len(octets),)) + octets


def decode_length(octets: bytes, offset: int = 0) -> tuple[int, int]:
    """Return the length at `offset`, at most the octets left after it, and where it ends.

    Errors: `ProtocolFault` (DECODE).
    """
    length, at = decode_bit_length(octets, offset)
    if length > len(octets) - at:
        raise expected(offset, f"a length of at most the {len(octets) - at} octets left", f"{length}")
    return length, at


def decode_bit_length(octets: bytes, offset: int = 0) -> tuple[int, int]:
    """Return the length at `offset`, whatever it counts and however long, and where it ends.

    Errors: `ProtocolFault` (DECODE).
    """
    if offset >= len(octets):
        raise expected(offset, "a length", "nothing")
    first = octets[offset]
    if first < _LONG:
        return first, offset + 1
    count = first & ~_LONG
    if not 1 <= count <= _LONGEST:
        raise expected(offset, "a length (00 to 7f, 81 to 84)", f"{first:02x}")
    end = offset + 1 + count
    if end > len(octets):
        raise expected(offset, f"a length of {count} octets", octets[offset:end].hex(" "))
    return int.from_bytes(octets[offset + 1 : end], "big"), end


def expected(position: int, what: str, came: str) -> ProtocolFault:
    """Return the fault that says what was expected at `position` and what came; ready to raise."""
    return fault(ErrorKind.DECODE, f"at {position}: {what} expected, {came} came", where="A-XDR")
