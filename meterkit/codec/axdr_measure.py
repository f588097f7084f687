"""Where a value of A-XDR ends, and what is wrong with octets that hold none.

Makes no values: slices Data out of APDUs, and tells `decode`, which is in a hurry, why it failed.
"""

from __future__ import annotations

from meterkit.codec.axdr_compact import TypeDescription, open_compact_array
from meterkit.codec.axdr_length import decode_bit_length, decode_length, expected
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag, tag_words
from meterkit.codec.axdr_types import SIZES

_UNKNOWN, _TEXT, _BITS, _SEQUENCE, _COMPACT = -1, -2, -3, -4, -5
_KINDS = {
    **SIZES,
    **dict.fromkeys((Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING), _TEXT),
    Tag.BIT_STRING: _BITS,
    **dict.fromkeys((Tag.ARRAY, Tag.STRUCTURE), _SEQUENCE),
    Tag.COMPACT_ARRAY: _COMPACT,
}
_KIND = tuple(_KINDS.get(Tag(number), _UNKNOWN) if number in set(Tag) else _UNKNOWN for number in range(256))


def measure(octets: bytes, offset: int = 0, *, depth: int = 0) -> int:
    """Return where the value at `offset` ends, having walked all of it.

    `depth` is how many arrays and structures it lies in.
    Errors: `ProtocolFault` (DECODE) with the position and what was expected there.
    """
    return _sequence_end(octets, offset, 1, depth)


def _sequence_end(octets: bytes, at: int, count: int, depth: int) -> int:
    """Return where `count` values with their tags end."""
    size = len(octets)
    for _ in range(count):
        if at >= size:
            raise expected(at, "a type", "nothing")
        tag = octets[at]
        kind = _KIND[tag]
        if kind >= 0:
            end = at + 1 + kind
        elif kind == _TEXT and at + 1 < size and octets[at + 1] < 0x80:
            end = at + 2 + octets[at + 1]
        else:
            end = _contents_end(octets, tag, at + 1, depth)
        if end > size:
            raise expected(at, f"{tag_words(tag)} of {end - at} octets", f"{size - at}")
        at = end
    return at


def _contents_end(octets: bytes, tag: int, at: int, depth: int) -> int:
    """Return where the contents of a value that is not of a fixed size end."""
    kind = _KIND[tag]
    if kind == _UNKNOWN:
        raise expected(at - 1, "a type", tag_words(tag))
    if kind == _BITS:
        bits, at = decode_bit_length(octets, at)
        return at + (bits + 7) // 8
    if kind == _TEXT:
        length, at = decode_length(octets, at)
        return at + length
    if depth >= MAX_DEPTH:
        raise expected(at - 1, f"at most {MAX_DEPTH} arrays and structures within one another", "one more")
    if kind == _SEQUENCE:
        count, at = decode_length(octets, at)  # an element has at least its tag: no more than octets left
        return _sequence_end(octets, at, count, depth + 1)
    return _compact_end(octets, at, depth)


def _compact_end(octets: bytes, at: int, depth: int) -> int:
    description, at, end = open_compact_array(octets, at, depth)
    if description.is_fixed and end > at:
        at += (end - at) // description.least * description.least
    while at < end:
        at = _element_end(octets, description, at, end)
    return at


def _element_end(octets: bytes, description: TypeDescription, at: int, end: int) -> int:
    """Return where an element without tags ends, in a compact array that ends at `end`."""
    tag = description.tag
    if tag is Tag.STRUCTURE:
        for part in description.parts:
            at = _element_end(octets, part, at, end)
        return at
    if tag is Tag.ARRAY:
        for _ in range(description.count):
            at = _element_end(octets, description.parts[0], at, end)
        return at
    size = SIZES.get(tag)
    stop = _contents_end(octets, tag, at, 0) if size is None else at + size
    if stop > end:
        raise expected(at, f"{tag_words(tag)} of {stop - at} octets within a compact-array", f"{end - at}")
    return stop
