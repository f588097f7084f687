"""One function for each type of Data: a value of that type in A-XDR, its tag first.

    encode_double_long_unsigned(12345)  ->  06 00 00 30 39

Errors: every function raises ValueError for a value that is none of its type or does not fit.
Source: Green Book 9.5 (Data).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time

from meterkit.codec.axdr_compact import TypeDescription
from meterkit.codec.axdr_data import CompactArray, Data, parse
from meterkit.codec.axdr_length import encode_length
from meterkit.codec.axdr_tags import Tag
from meterkit.codec.axdr_types import encode_contents
from meterkit.codec.axdr_values import BitString
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime


def _encoded(tag: Tag, value: object) -> bytes:
    return bytes((tag,)) + encode_contents(tag, value)


def encode_null() -> bytes:
    """Return null-data."""
    return _encoded(Tag.NULL_DATA, None)


def encode_boolean(value: bool) -> bytes:
    """Return `value` as a boolean."""
    return _encoded(Tag.BOOLEAN, value)


def encode_bit_string(value: BitString) -> bytes:
    """Return `value` as a bit-string."""
    return _encoded(Tag.BIT_STRING, value)


def encode_double_long(value: int) -> bytes:
    """Return `value` as a double-long: signed, 4 octets."""
    return _encoded(Tag.DOUBLE_LONG, value)


def encode_double_long_unsigned(value: int) -> bytes:
    """Return `value` as a double-long-unsigned: 4 octets."""
    return _encoded(Tag.DOUBLE_LONG_UNSIGNED, value)


def encode_octet_string(value: bytes) -> bytes:
    """Return `value` as an octet-string."""
    return _encoded(Tag.OCTET_STRING, value)


def encode_visible_string(value: str) -> bytes:
    """Return `value` as a visible-string: ASCII, at most Latin-1."""
    return _encoded(Tag.VISIBLE_STRING, value)


def encode_utf8_string(value: str) -> bytes:
    """Return `value` as a utf8-string."""
    return _encoded(Tag.UTF8_STRING, value)


def encode_bcd(value: str) -> bytes:
    """Return `value` as a bcd: two digits in one octet."""
    return _encoded(Tag.BCD, value)


def encode_integer(value: int) -> bytes:
    """Return `value` as an integer: signed, 1 octet."""
    return _encoded(Tag.INTEGER, value)


def encode_long(value: int) -> bytes:
    """Return `value` as a long: signed, 2 octets."""
    return _encoded(Tag.LONG, value)


def encode_unsigned(value: int) -> bytes:
    """Return `value` as an unsigned: 1 octet."""
    return _encoded(Tag.UNSIGNED, value)


def encode_long_unsigned(value: int) -> bytes:
    """Return `value` as a long-unsigned: 2 octets."""
    return _encoded(Tag.LONG_UNSIGNED, value)


def encode_long64(value: int) -> bytes:
    """Return `value` as a long64: signed, 8 octets."""
    return _encoded(Tag.LONG64, value)


def encode_long64_unsigned(value: int) -> bytes:
    """Return `value` as a long64-unsigned: 8 octets."""
    return _encoded(Tag.LONG64_UNSIGNED, value)


def encode_enum(value: int) -> bytes:
    """Return `value` as an enum: 1 octet."""
    return _encoded(Tag.ENUM, value)


def encode_float32(value: float) -> bytes:
    """Return `value` as a float32: 4 octets."""
    return _encoded(Tag.FLOAT32, value)


def encode_float64(value: float) -> bytes:
    """Return `value` as a float64: 8 octets."""
    return _encoded(Tag.FLOAT64, value)


def encode_date_time(value: CosemDateTime | datetime) -> bytes:
    """Return `value` as a date-time: 12 octets."""
    return _encoded(Tag.DATE_TIME, value)


def encode_date(value: CosemDate | date) -> bytes:
    """Return `value` as a date: 5 octets."""
    return _encoded(Tag.DATE, value)


def encode_time(value: CosemTime | time) -> bytes:
    """Return `value` as a time: 4 octets."""
    return _encoded(Tag.TIME, value)


def encode_array(items: Iterable[bytes]) -> bytes:
    """Return an array of `items`, each encoded with its tag."""
    return _sequence(Tag.ARRAY, items)


def encode_structure(items: Iterable[bytes]) -> bytes:
    """Return a structure of `items`, each encoded with its tag."""
    return _sequence(Tag.STRUCTURE, items)


def _sequence(tag: Tag, items: Iterable[bytes]) -> bytes:
    encoded = list(items)
    return bytes((tag,)) + encode_length(len(encoded)) + b"".join(encoded)


def encode_compact_array(items: Iterable[bytes], element: TypeDescription | None = None) -> bytes:
    """Return a compact-array of `items`, each encoded with its tag and all of one type.

    Without items, `element` has to say of which.
    Errors: ValueError, and `ProtocolFault` (DECODE) for an item that is no value.
    """
    parsed = tuple(map(parse, items))
    array = CompactArray.of(parsed) if element is None else CompactArray(element, parsed)
    return Data(Tag.COMPACT_ARRAY, array).encode()
