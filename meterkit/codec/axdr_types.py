"""How the contents of one value lie in octets, type by type; arrays and structures are made of these.

    fixed size    numbers, boolean, enum, bcd, dates and times; null-data and dont-care have none
    counted       octet-, visible- and utf8-string: a length in octets first; bit-string: in bits

The contents are the same after a tag and, without one, within a compact-array.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import date, datetime, time
from struct import Struct

from meterkit.codec.axdr_length import encode_length
from meterkit.codec.axdr_tags import Tag
from meterkit.codec.axdr_values import DONT_CARE, BcdString, BitString, Delta, Scalar, Value
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime

_Octets = (bytes, bytearray)

#: How `struct` writes the contents of each type of fixed size.
CODES: dict[Tag, str] = {
    Tag.BOOLEAN: "?",
    Tag.DOUBLE_LONG: "i",
    Tag.DOUBLE_LONG_UNSIGNED: "I",
    Tag.BCD: "1s",
    Tag.INTEGER: "b",
    Tag.LONG: "h",
    Tag.UNSIGNED: "B",
    Tag.LONG_UNSIGNED: "H",
    Tag.LONG64: "q",
    Tag.LONG64_UNSIGNED: "Q",
    Tag.ENUM: "B",
    Tag.FLOAT32: "f",
    Tag.FLOAT64: "d",
    Tag.DATE_TIME: "12s",
    Tag.DATE: "5s",
    Tag.TIME: "4s",
    Tag.DELTA_INTEGER: "b",
    Tag.DELTA_LONG: "h",
    Tag.DELTA_DOUBLE_LONG: "i",
    Tag.DELTA_UNSIGNED: "B",
    Tag.DELTA_LONG_UNSIGNED: "H",
    Tag.DELTA_DOUBLE_LONG_UNSIGNED: "I",
}
LAYOUTS = {tag: Struct(f">{code}") for tag, code in CODES.items()}
SIZES = {tag: layout.size for tag, layout in LAYOUTS.items()} | {Tag.NULL_DATA: 0, Tag.DONT_CARE: 0}
EMPTY: dict[Tag, Scalar] = {Tag.NULL_DATA: None, Tag.DONT_CARE: DONT_CARE}  # what has no contents
TEXTS = (Tag.OCTET_STRING, Tag.VISIBLE_STRING, Tag.UTF8_STRING)
NESTED = (Tag.ARRAY, Tag.STRUCTURE, Tag.COMPACT_ARRAY)
DELTAS = frozenset(tag for tag in Tag if tag.name.startswith("DELTA_"))
_INTEGERS = frozenset(tag for tag, code in CODES.items() if code in "bhiqBHIQ")
_FLOATS = (Tag.FLOAT32, Tag.FLOAT64)


# ---------------------------------------------------------------- reading
def visible_text(octets: bytes) -> str:
    """Return a visible-string: ASCII, and Latin-1 where a meter knows no better."""
    return octets.decode("latin-1")


def utf8_text(octets: bytes) -> str:
    r"""Return a utf8-string; octets that are none appear as \xff and the like."""
    return octets.decode("utf-8", "backslashreplace")


def bcd_digits(octets: bytes) -> BcdString:
    """Return the digits of a bcd octet."""
    return BcdString(octets.hex().upper())


#: What makes a value of what `struct` gives, or of the octets of a string; types not named need nothing.
CONVERTERS: dict[Tag, Callable[..., Value]] = {
    Tag.VISIBLE_STRING: visible_text,
    Tag.UTF8_STRING: utf8_text,
    Tag.BCD: bcd_digits,
    Tag.DATE_TIME: CosemDateTime.from_octets,
    Tag.DATE: CosemDate.from_octets,
    Tag.TIME: CosemTime.from_octets,
    **dict.fromkeys(DELTAS, Delta),
}


# ---------------------------------------------------------------- writing
def encode_contents(tag: Tag, value: object) -> bytes:
    """Return the contents of a value of any type but the nested ones; octets stand for themselves.

    Errors: ValueError when `value` is none of that type or does not fit it.
    """
    if tag in EMPTY:
        octets = b"" if value is EMPTY[tag] or value is None else None
    elif tag is Tag.BIT_STRING:
        octets = encode_length(value.length) + value.octets if isinstance(value, BitString) else None
    elif tag in TEXTS:
        within = _text_octets(tag, value)
        octets = None if within is None else encode_length(len(within)) + within
    else:
        octets = _fixed_octets(tag, value)
    if octets is None:
        raise ValueError(f"{value!r} is no {tag.words}")
    return octets


def _text_octets(tag: Tag, value: object) -> bytes | None:
    if isinstance(value, _Octets):
        return bytes(value)
    if isinstance(value, str) and tag is not Tag.OCTET_STRING:
        try:
            return value.encode("utf-8" if tag is Tag.UTF8_STRING else "latin-1")
        except UnicodeEncodeError:
            return None
    return None


def _fixed_octets(tag: Tag, value: object) -> bytes | None:
    if isinstance(value, _Octets):
        octets = bytes(value)
    elif tag is Tag.BCD:
        octets = _bcd_octets(value)
    elif tag in (Tag.DATE_TIME, Tag.DATE, Tag.TIME):
        octets = _time_octets(tag, value)
    else:
        octets = _number_octets(tag, value)
    return octets if len(octets) == SIZES[tag] else None


def _number_octets(tag: Tag, value: object) -> bytes:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    kinds = {Tag.BOOLEAN: isinstance(value, bool), **dict.fromkeys(_INTEGERS, is_number)}
    kinds |= dict.fromkeys(_FLOATS, is_number or isinstance(value, float))
    try:
        return LAYOUTS[tag].pack(value) if kinds[tag] else b""
    except (struct.error, OverflowError):
        raise ValueError(f"{value!r} does not fit {tag.words}") from None


def _bcd_octets(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""


def _time_octets(tag: Tag, value: object) -> bytes:
    match value:
        case CosemDateTime() if tag is Tag.DATE_TIME:
            return value.encode()
        case CosemDate() if tag is Tag.DATE:
            return value.encode()
        case CosemTime() if tag is Tag.TIME:
            return value.encode()
        case datetime() if tag is Tag.DATE_TIME:
            return CosemDateTime.from_datetime(value).encode()
        case date() if tag is Tag.DATE and not isinstance(value, datetime):
            return CosemDate.from_date(value).encode()
        case time() if tag is Tag.TIME:
            return CosemTime.from_time(value).encode()
        case _:
            return b""
