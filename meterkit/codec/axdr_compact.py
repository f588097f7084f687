"""Compact arrays: one description of an element, then the contents of all elements without tags.

    13  02 02 12 11  06  00 01 0A  00 02 0B      two structures of long-unsigned and unsigned, 6 octets
        description  length in octets

A description is a tag; of a structure the number of its parts and their descriptions; of an array the number
of its elements in two octets and the description of one.  Source: Green Book 9.5 (Data, TypeDescription).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from meterkit.codec.axdr_length import decode_length, encode_length, expected
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag, tag_words
from meterkit.codec.axdr_types import SIZES

_COUNT = 2  # octets of an array's number of elements
_SIZELESS_PER_OCTET = 4  # ours: so many null-data and the like may come of one octet of contents


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """What one element of a compact array is."""

    tag: Tag
    parts: tuple[TypeDescription, ...] = ()  #: of a structure all of them, of an array its one element
    count: int = 0  #: elements of an array
    #: the fewest octets that an element takes: all of them unless there are strings in it
    least: int = field(init=False, repr=False, compare=False)
    #: how many values of an element, itself included, take no octets
    sizeless: int = field(init=False, repr=False, compare=False)
    is_fixed: bool = field(init=False, repr=False, compare=False)  #: every element takes `least` octets

    def __post_init__(self) -> None:
        is_nested = self.tag in (Tag.ARRAY, Tag.STRUCTURE)
        times = self.count if self.tag is Tag.ARRAY else 1
        within = times * sum(part.least for part in self.parts)
        least = within if is_nested else SIZES.get(self.tag, 1)  # a string has at least its length
        is_fixed = all(part.is_fixed for part in self.parts) if is_nested else self.tag in SIZES
        object.__setattr__(self, "least", least)
        object.__setattr__(self, "is_fixed", is_fixed)
        sizeless = times * sum(part.sizeless for part in self.parts) + (least == 0)
        object.__setattr__(self, "sizeless", sizeless)

    def encode(self) -> bytes:
        """Return the description's octets.  Errors: ValueError when a number does not fit."""
        if self.tag is Tag.STRUCTURE:
            head = encode_length(len(self.parts))
        elif self.tag is Tag.ARRAY:
            if not 0 <= self.count < 1 << 8 * _COUNT:
                raise ValueError(f"{self.count} elements do not fit the description of an array")
            head = self.count.to_bytes(_COUNT, "big")
        else:
            head = b""
        return bytes((self.tag,)) + head + b"".join(part.encode() for part in self.parts)


def open_compact_array(octets: bytes, offset: int, depth: int) -> tuple[TypeDescription, int, int]:
    """Return the description after a compact array's tag, where its contents begin and where they end.

    `depth` is how many arrays and structures it lies in.  Errors: `ProtocolFault` (DECODE), also when the
    description would make more values than the contents can account for.
    """
    description, at = _describe(octets, offset, depth + 1)
    length, begin = decode_length(octets, at)
    least = description.least
    if length and not 0 < least <= length:
        raise expected(begin, f"elements of at least {least} octets", f"{length} octets for all")
    if least and length // least * description.sizeless > length * _SIZELESS_PER_OCTET:
        came = f"an element with {description.sizeless}"
        raise expected(offset, f"at most {_SIZELESS_PER_OCTET} values without octets for each octet", came)
    return description, begin, begin + length


def _describe(octets: bytes, at: int, depth: int) -> tuple[TypeDescription, int]:
    if at >= len(octets):
        raise expected(at, "the type of an element", "nothing")
    number = octets[at]
    if number in (Tag.ARRAY, Tag.STRUCTURE) and depth >= MAX_DEPTH:
        raise expected(at, f"at most {MAX_DEPTH} arrays and structures within one another", "one more")
    if number == Tag.STRUCTURE:
        width, at = decode_length(octets, at + 1)
        parts: list[TypeDescription] = []
        for _ in range(width):
            part, at = _describe(octets, at, depth + 1)
            parts.append(part)
        return TypeDescription(Tag.STRUCTURE, tuple(parts)), at
    if number == Tag.ARRAY:
        if at + 1 + _COUNT > len(octets):
            raise expected(at + 1, "a number of elements in 2 octets", octets[at + 1 :].hex(" ") or "nothing")
        count = int.from_bytes(octets[at + 1 : at + 1 + _COUNT], "big")
        part, at = _describe(octets, at + 1 + _COUNT, depth + 1)
        return TypeDescription(Tag.ARRAY, (part,), count), at
    if number not in _SIMPLE:
        raise expected(at, "the type of an element", tag_words(number))
    return TypeDescription(Tag(number)), at + 1


_SIMPLE = frozenset(Tag) - {Tag.ARRAY, Tag.STRUCTURE, Tag.COMPACT_ARRAY}
