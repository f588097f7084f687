"""One function for each type of Data: the value of octets that must be of that type.

    decode_double_long_unsigned(06 00 00 30 39)  ->  12345

Errors: every function raises `ProtocolFault` (DECODE) for another type, which it names, and for octets that
are no value or more than one.  Source: Green Book 9.5 (Data).
"""

from __future__ import annotations

from typing import TypeVar, cast

from meterkit.codec.axdr_decode import decode
from meterkit.codec.axdr_length import expected
from meterkit.codec.axdr_tags import Tag, tag_words
from meterkit.codec.axdr_values import BcdString, BitString, Value
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime

_Kind = TypeVar("_Kind", bound=object)


def _of_type(octets: bytes, tag: Tag) -> Value:
    if not octets:
        raise expected(0, tag_words(tag), "nothing")
    if octets[0] != tag:
        raise expected(0, tag_words(tag), tag_words(octets[0]))
    return decode(octets)


def _decoded(octets: bytes, tag: Tag, _kind: type[_Kind]) -> _Kind:
    """Return the value of `octets`, of type `tag`, which `decode` gives as a `_kind`."""
    return cast(_Kind, _of_type(octets, tag))


def decode_null(octets: bytes) -> None:
    """Make sure `octets` are null-data."""
    _decoded(octets, Tag.NULL_DATA, type(None))


def decode_boolean(octets: bytes) -> bool:
    """Return the value of a boolean."""
    return _decoded(octets, Tag.BOOLEAN, bool)


def decode_bit_string(octets: bytes) -> BitString:
    """Return the value of a bit-string."""
    return _decoded(octets, Tag.BIT_STRING, BitString)


def decode_double_long(octets: bytes) -> int:
    """Return the value of a double-long: signed, 4 octets."""
    return _decoded(octets, Tag.DOUBLE_LONG, int)


def decode_double_long_unsigned(octets: bytes) -> int:
    """Return the value of a double-long-unsigned: 4 octets."""
    return _decoded(octets, Tag.DOUBLE_LONG_UNSIGNED, int)


def decode_octet_string(octets: bytes) -> bytes:
    """Return the value of an octet-string."""
    return _decoded(octets, Tag.OCTET_STRING, bytes)


def decode_visible_string(octets: bytes) -> str:
    """Return the value of a visible-string: ASCII, at most Latin-1."""
    return _decoded(octets, Tag.VISIBLE_STRING, str)


def decode_utf8_string(octets: bytes) -> str:
    """Return the value of a utf8-string."""
    return _decoded(octets, Tag.UTF8_STRING, str)


def decode_bcd(octets: bytes) -> BcdString:
    """Return the value of a bcd: two digits in one octet."""
    return _decoded(octets, Tag.BCD, BcdString)


def decode_integer(octets: bytes) -> int:
    """Return the value of an integer: signed, 1 octet."""
    return _decoded(octets, Tag.INTEGER, int)


def decode_long(octets: bytes) -> int:
    """Return the value of a long: signed, 2 octets."""
    return _decoded(octets, Tag.LONG, int)


def decode_unsigned(octets: bytes) -> int:
    """Return the value of an unsigned: 1 octet."""
    return _decoded(octets, Tag.UNSIGNED, int)


def decode_long_unsigned(octets: bytes) -> int:
    """Return the value of a long-unsigned: 2 octets."""
    return _decoded(octets, Tag.LONG_UNSIGNED, int)


def decode_long64(octets: bytes) -> int:
    """Return the value of a long64: signed, 8 octets."""
    return _decoded(octets, Tag.LONG64, int)


def decode_long64_unsigned(octets: bytes) -> int:
    """Return the value of a long64-unsigned: 8 octets."""
    return _decoded(octets, Tag.LONG64_UNSIGNED, int)


def decode_enum(octets: bytes) -> int:
    """Return the value of an enum: 1 octet."""
    return _decoded(octets, Tag.ENUM, int)


def decode_float32(octets: bytes) -> float:
    """Return the value of a float32: 4 octets."""
    return _decoded(octets, Tag.FLOAT32, float)


def decode_float64(octets: bytes) -> float:
    """Return the value of a float64: 8 octets."""
    return _decoded(octets, Tag.FLOAT64, float)


def decode_date_time(octets: bytes) -> CosemDateTime:
    """Return the value of a date-time: 12 octets."""
    return _decoded(octets, Tag.DATE_TIME, CosemDateTime)


def decode_date(octets: bytes) -> CosemDate:
    """Return the value of a date: 5 octets."""
    return _decoded(octets, Tag.DATE, CosemDate)


def decode_time(octets: bytes) -> CosemTime:
    """Return the value of a time: 4 octets."""
    return _decoded(octets, Tag.TIME, CosemTime)


def decode_array(octets: bytes) -> list[Value]:
    """Return the elements of an array."""
    return cast("list[Value]", _of_type(octets, Tag.ARRAY))


def decode_structure(octets: bytes) -> tuple[Value, ...]:
    """Return the elements of a structure."""
    return cast("tuple[Value, ...]", _of_type(octets, Tag.STRUCTURE))


def decode_compact_array(octets: bytes) -> list[Value]:
    """Return the elements of a compact-array."""
    return cast("list[Value]", _of_type(octets, Tag.COMPACT_ARRAY))
