"""Data with its types: the tree that A-XDR writes, both ways.

    parse(01 02 11 05 11 06)  ->  Data(ARRAY, (Data(UNSIGNED, 5), Data(UNSIGNED, 6)))  ->  encode()

For whoever must write what was read, or show it: `decode` is for whoever wants the values.  Encoding gives
the octets that were parsed, but for lengths written longer than they need be.  Source: Green Book 9.5 (Data).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from meterkit.codec.axdr_compact import TypeDescription, open_compact_array
from meterkit.codec.axdr_decode import decode, decode_contents
from meterkit.codec.axdr_length import decode_length, encode_length, expected
from meterkit.codec.axdr_measure import measure
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag
from meterkit.codec.axdr_types import EMPTY, NESTED, encode_contents
from meterkit.codec.axdr_values import DONT_CARE, BitString, Scalar, Value
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime


@dataclass(frozen=True, slots=True)
class Data:
    """One value and its type.

    The value is as `decode` gives it, but that arrays and structures hold `Data`, in a tuple, and that octets
    stand for themselves where Python's own value would not give them back, such as a boolean of FF.
    """

    tag: Tag
    value: DataValue = None

    def encode(self) -> bytes:
        """Return the tag and the contents.  Errors: ValueError when the value is none of that type."""
        return bytes((self.tag,)) + _contents(self, 0)

    def plain(self) -> Value:
        """Return the value as `decode` would.  Errors: ValueError when the value is none of that type."""
        return decode(self.encode())


@dataclass(frozen=True, slots=True)
class CompactArray:
    """The value of a compact-array: what an element is, and the elements."""

    element: TypeDescription
    items: tuple[Data, ...] = ()

    @classmethod
    def of(cls, items: Iterable[Data]) -> CompactArray:
        """Return `items`, all of one type, as a compact array.

        Errors: ValueError when there are none to tell the type by, or when they differ.
        """
        items = tuple(items)
        if not items:
            raise ValueError("a compact array without items needs a description of them")
        described = describe(items[0])
        for number, item in enumerate(items):
            if describe(item) != described:
                raise ValueError(f"item {number} of a compact array differs in type from the first")
        return cls(described, items)


DataValue: TypeAlias = Scalar | CompactArray | tuple[Data, ...]
Plain: TypeAlias = Data | Scalar | list["Plain"] | tuple["Plain", ...]


# ---------------------------------------------------------------- writing
def encode(data: Plain) -> bytes:
    """Return `data` in A-XDR; plain Python is taken where its type is unambiguous, see `from_plain`.

    Errors: ValueError.
    """
    return (data if isinstance(data, Data) else from_plain(data)).encode()


def from_plain(value: Plain) -> Data:
    """Return `value` with its type, where only one is possible.

    Errors: ValueError for numbers and text, which have many types: those want `Data` or encode_...().
    """
    match value:
        case Data():
            return value
        case None:
            return Data(Tag.NULL_DATA)
        case bool():
            return Data(Tag.BOOLEAN, value)
        case bytes():
            return Data(Tag.OCTET_STRING, value)
        case list():
            return Data(Tag.ARRAY, tuple(map(from_plain, value)))
        case tuple():
            return Data(Tag.STRUCTURE, tuple(map(from_plain, value)))
        case _ if value is DONT_CARE:
            return Data(Tag.DONT_CARE, value)
        case BitString() | CosemDateTime() | CosemDate() | CosemTime():
            return Data(_TAGS[type(value)], value)
        case _:
            raise ValueError(f"{value!r} has more than one type in A-XDR: say which, as in Data(Tag.LONG, 5)")


_TAGS = {BitString: Tag.BIT_STRING, CosemDateTime: Tag.DATE_TIME, CosemDate: Tag.DATE, CosemTime: Tag.TIME}


def _contents(data: Data, depth: int) -> bytes:
    """Return the contents of `data`, which lies in `depth` arrays and structures."""
    tag, value = data.tag, data.value
    if tag not in NESTED:
        return encode_contents(tag, value)
    if depth >= MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} arrays and structures within one another")
    if tag is Tag.COMPACT_ARRAY and isinstance(value, CompactArray):
        within = b"".join(_element_contents(item, value.element, depth + 1) for item in value.items)
        if value.items and not within:
            raise ValueError("items without octets cannot be told apart in a compact array")
        return value.element.encode() + encode_length(len(within)) + within
    if tag is not Tag.COMPACT_ARRAY and isinstance(value, tuple):
        items = [bytes((item.tag,)) + _contents(item, depth + 1) for item in value]
        return encode_length(len(items)) + b"".join(items)
    raise ValueError(f"{value!r} is no {tag.words}")


def _element_contents(data: Data, element: TypeDescription, depth: int) -> bytes:
    """Return `data` as an element of a compact array, without tags."""
    if data.tag is not element.tag:
        raise ValueError(f"{data.tag.words} where the compact array has {element.tag.words}")
    if element.tag not in (Tag.ARRAY, Tag.STRUCTURE):
        return _contents(data, MAX_DEPTH)
    if depth >= MAX_DEPTH:
        raise ValueError(f"more than {MAX_DEPTH} arrays and structures within one another")
    parts = element.parts * element.count if element.tag is Tag.ARRAY else element.parts
    if not isinstance(data.value, tuple) or len(data.value) != len(parts):
        raise ValueError(f"{data.value!r} where the compact array has {element.tag.words} of {len(parts)}")
    pairs = zip(data.value, parts, strict=True)
    return b"".join(_element_contents(item, part, depth + 1) for item, part in pairs)


def describe(data: Data) -> TypeDescription:
    """Return the description of `data` as an element of a compact array.

    Errors: ValueError for a compact array, and for an array of various types.
    """
    if data.tag is Tag.COMPACT_ARRAY:
        raise ValueError("a compact array cannot be an element of another")
    if data.tag not in NESTED or not isinstance(data.value, tuple):
        return TypeDescription(data.tag)
    parts = tuple(map(describe, data.value))
    if data.tag is Tag.STRUCTURE:
        return TypeDescription(Tag.STRUCTURE, parts)
    if len(set(parts)) > 1:
        raise ValueError("an array of various types cannot be an element of a compact array")
    return TypeDescription(Tag.ARRAY, parts[:1] or (TypeDescription(Tag.NULL_DATA),), len(parts))


# ---------------------------------------------------------------- reading
def parse(octets: bytes, *, strict: bool = True) -> Data:
    """Return the value that fills `octets` as a tree of `Data`.

    With `strict` off, octets after the value are left alone.
    Errors: `ProtocolFault` (DECODE) with the position and what was expected there.
    """
    end = measure(octets)
    if strict and end != len(octets):
        raise expected(end, "the end of the value", f"{len(octets) - end} octets more")
    data, _ = _parse(octets, 0, 0)
    return data


def _parse(octets: bytes, at: int, depth: int) -> tuple[Data, int]:
    """Return the value at `at`, which `measure` has walked, and where it ends."""
    tag = Tag(octets[at])
    if tag in (Tag.ARRAY, Tag.STRUCTURE):
        count, at = decode_length(octets, at + 1)
        items: list[Data] = []
        for _ in range(count):
            item, at = _parse(octets, at, depth + 1)
            items.append(item)
        return Data(tag, tuple(items)), at
    if tag is not Tag.COMPACT_ARRAY:
        return _simple(octets, at + 1, tag)
    element, at, end = open_compact_array(octets, at + 1, depth)
    found: list[Data] = []
    while at < end:
        item, at = _parse_element(octets, at, element)
        found.append(item)
    return Data(tag, CompactArray(element, tuple(found))), end


def _parse_element(octets: bytes, at: int, element: TypeDescription) -> tuple[Data, int]:
    tag = element.tag
    if tag not in (Tag.ARRAY, Tag.STRUCTURE):
        return _simple(octets, at, tag)
    items: list[Data] = []
    for part in element.parts * element.count if tag is Tag.ARRAY else element.parts:
        item, at = _parse_element(octets, at, part)
        items.append(item)
    return Data(tag, tuple(items)), at


def _simple(octets: bytes, begin: int, tag: Tag) -> tuple[Data, int]:
    """Return the value of type `tag` whose contents begin at `begin`, and where it ends."""
    if tag in _EMPTY:
        return _EMPTY[tag], begin
    value, end = decode_contents(octets, begin, tag)
    if tag is Tag.UTF8_STRING and isinstance(value, str):
        _, begin = decode_length(octets, begin)
        is_exact = value.encode() == octets[begin:end]
    else:
        is_exact = tag not in _MAY_DIFFER or encode_contents(tag, value) == octets[begin:end]
    return Data(tag, value if is_exact else octets[begin:end]), end


_EMPTY = {tag: Data(tag, value) for tag, value in EMPTY.items()}
_MAY_DIFFER = (Tag.BOOLEAN, Tag.FLOAT32, Tag.FLOAT64)  # a boolean beyond 01, a NaN with something to say
