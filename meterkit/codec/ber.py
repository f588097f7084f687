"""The little BER that ACSE needs: elements of tag, length and contents, nested; integers, object identifiers.

    tag  length  contents
    60   1D      A1 09 06 07 60 85 74 05 08 01 01 ...     AARQ [APPLICATION 0], 29 octets
    tag    1 octet, or more when its low five bits are all ones (5F 1F: conformance)
    length 00 to 7F, or 81 xx, 82 xxxx, 83 xxxxxx, 84 xxxxxxxx; never indefinite (80)

Source: ITU-T X.690 8.1 (identifier, length), 8.3 (INTEGER), 8.19 (OBJECT IDENTIFIER); Green Book 9.4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from meterkit.errors import ErrorKind, ProtocolFault, fault

_LONG_TAG = 0x1F  # low five bits of a tag that goes on in the next octet; X.690 8.1.2.4
_TAG_OCTETS = 3  # the longest tag taken: enough for numbers below 16,384
_LENGTH_OCTETS = 4  # the longest length taken
_MORE = 0x80  # the top bit of an octet of a tag or identifier that is not the last
_OBJECT_IDENTIFIER_OCTETS = 64  # the longest object identifier taken; those of ACSE have 7


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag with all octets (0x60, 0x5F1F) and what it holds."""

    tag: int
    contents: bytes
    offset: int = field(default=0, compare=False)  #: of the contents within the octets read, for messages

    @property
    def is_constructed(self) -> bool:
        """Tell whether the contents are elements themselves.  Source: X.690 8.1.2.5."""
        return bool(_tag_octets(self.tag)[0] & 0x20)

    def elements(self, *, strict: bool = True) -> tuple[Element, ...]:
        """Return the elements within the contents, their offsets counted as this one's.

        Errors: `ProtocolFault` (DECODE) when the contents are not whole elements.
        """
        found = _elements(self.contents, self.offset, strict)
        return tuple(found)

    def encode(self) -> bytes:
        """Return tag, length and contents."""
        return encode_element(self.tag, self.contents)


# ---------------------------------------------------------------- reading
def read_element(octets: bytes, offset: int = 0, *, strict: bool = True) -> tuple[Element, int]:
    """Return the element at `offset` and where it ends.

    With `strict` off, contents that are cut short are taken as far as they go: some meters' RLRE has a wrong
    length.  Errors: `ProtocolFault` (DECODE) with the position and what was expected there.
    """
    return _element(octets, offset, 0, strict)


def read_elements(octets: bytes, *, strict: bool = True) -> tuple[Element, ...]:
    """Return the elements that fill `octets` from end to end.

    Errors: `ProtocolFault` (DECODE).
    """
    return tuple(_elements(octets, 0, strict))


def decode_length(octets: bytes, offset: int = 0) -> tuple[int, int]:
    """Return the length at `offset`, at most the octets left after it, and where it ends.

    Errors: `ProtocolFault` (DECODE).
    """
    length, at = _length(octets, offset, 0)
    if length > len(octets) - at:
        raise _expected(at, f"{length} octets expected, {len(octets) - at} left")
    return length, at


def _elements(octets: bytes, base: int, strict: bool) -> Iterator[Element]:
    at = 0
    while at < len(octets):
        element, at = _element(octets, at, base, strict)
        yield element


def _element(octets: bytes, offset: int, base: int, strict: bool) -> tuple[Element, int]:
    tag, at = _tag(octets, offset, base)
    length, at = _length(octets, at, base)
    if length > len(octets) - at and strict:
        left = len(octets) - at
        raise _expected(base + at, f"tag {tag:02X}: {length} octets expected, {left} left")
    contents = bytes(octets[at : at + length])
    return Element(tag, contents, base + at), at + len(contents)


def _tag(octets: bytes, at: int, base: int) -> tuple[int, int]:
    if at >= len(octets):
        raise _expected(base + at, "a tag expected, nothing left")
    tag, end = octets[at], at + 1
    if tag & _LONG_TAG != _LONG_TAG:
        return tag, end
    while end < len(octets) and end - at < _TAG_OCTETS:
        tag, end = tag << 8 | octets[end], end + 1
        if not tag & _MORE:
            return tag, end
    raise _expected(
        base + at, f"a tag of at most {_TAG_OCTETS} octets expected, {octets[at:end].hex(' ')} came"
    )


def _length(octets: bytes, at: int, base: int) -> tuple[int, int]:
    if at >= len(octets):
        raise _expected(base + at, "a length expected, nothing left")
    first = octets[at]
    if first < _MORE:
        return first, at + 1
    count = first & ~_MORE
    if not 1 <= count <= _LENGTH_OCTETS:
        raise _expected(base + at, f"a length expected (00 to 7F, 81 to 84), {first:02x} came")
    end = at + 1 + count
    if end > len(octets):
        raise _expected(base + at, f"a length of {count} octets expected, {len(octets) - at - 1} left")
    return int.from_bytes(octets[at + 1 : end], "big"), end


def _expected(position: int, message: str) -> ProtocolFault:
    return fault(ErrorKind.DECODE, f"at {position}: {message}", where="BER")


def decode_integer(contents: bytes) -> int:
    """Return the INTEGER in `contents`: two's complement, 1 to 8 octets.

    Errors: `ProtocolFault` (DECODE).
    """
    if not 1 <= len(contents) <= 8:
        raise fault(
            ErrorKind.DECODE, f"an integer of 1 to 8 octets expected, {len(contents)} came", where="BER"
        )
    return int.from_bytes(contents, "big", signed=True)


def decode_object_identifier(contents: bytes) -> str:
    """Return the OBJECT IDENTIFIER in `contents` in dots, such as "2.16.756.5.8.1.1".

    Errors: `ProtocolFault` (DECODE) when it is empty, ends within a number or is longer than 64 octets.
    """
    if not contents or contents[-1] & _MORE or len(contents) > _OBJECT_IDENTIFIER_OCTETS:
        raise fault(
            ErrorKind.DECODE, f"an object identifier expected, {contents[:16].hex(' ')} came", where="BER"
        )
    numbers = [0]
    for octet in contents:
        numbers[-1] = numbers[-1] << 7 | octet & ~_MORE
        if not octet & _MORE:
            numbers.append(0)
    first = min(numbers[0] // 40, 2)  # the first two numbers share an octet: 40 a + b
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:-1]]))


# ---------------------------------------------------------------- writing
def encode_element(tag: int, *contents: bytes) -> bytes:
    """Return an element of `tag` (0x60, 0x5F1F) around `contents`, put together.

    Errors: ValueError when the tag is none.
    """
    within = b"".join(contents)
    return _tag_octets(tag) + encode_length(len(within)) + within


@lru_cache(maxsize=256)  # ACSE has about thirty, and asks for them again and again
def _tag_octets(tag: int) -> bytes:
    """Return the octets of `tag`, as `_tag` would read them again."""
    if 0 <= tag < 1 << 8 * _TAG_OCTETS:
        octets = tag.to_bytes(max(1, (tag.bit_length() + 7) // 8), "big")
        first, *more = octets
        goes_on = [first & _LONG_TAG == _LONG_TAG, *(bool(octet & _MORE) for octet in more)]
        if goes_on == [True] * len(more) + [False]:
            return octets
    raise ValueError(f"{tag:X} is no tag of at most {_TAG_OCTETS} octets")


def encode_length(length: int) -> bytes:
    """Return `length` in the fewest octets.

    Errors: ValueError when it is negative or needs more than 4 octets.
    """
    if 0 <= length < _MORE:
        return bytes([length])
    if not 0 <= length < 1 << 8 * _LENGTH_OCTETS:
        raise ValueError(f"{length} is no length that BER can tell in {_LENGTH_OCTETS} octets")
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([_MORE | len(octets)]) + octets


def encode_integer(value: int) -> bytes:
    """Return the contents of an INTEGER: two's complement, in the fewest octets.

    Errors: ValueError when it needs more than 8 octets.
    """
    magnitude = value if value >= 0 else ~value
    size = magnitude.bit_length() // 8 + 1
    if size > 8:
        raise ValueError(f"{value} does not fit an integer of 8 octets")
    return value.to_bytes(size, "big", signed=True)


def encode_object_identifier(text: str) -> bytes:
    """Return the contents of an OBJECT IDENTIFIER given in dots, such as "2.16.756.5.8.1.1".

    Errors: ValueError when it is none.
    """
    try:
        first, second, *rest = map(int, text.split("."))
    except ValueError:
        raise ValueError(f"{text!r} is no object identifier") from None
    if not 0 <= first <= 2 or min(second, *rest, 0) < 0 or (first < 2 and second > 39):
        raise ValueError(f"{text!r} is no object identifier")
    octets = bytearray()
    for number in [40 * first + second, *rest]:
        low, number = [number & 0x7F], number >> 7
        while number:
            low, number = [*low, number & 0x7F | _MORE], number >> 7
        octets += bytes(reversed(low))
    return bytes(octets)
