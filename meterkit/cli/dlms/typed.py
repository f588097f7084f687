"""A value with its type, as a person types it: double-long-unsigned:42, structure(unsigned:1, enum:2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from meterkit.cli.usage import UsageMistake, parse_octets
from meterkit.codec import axdr
from meterkit.codec.axdr_tags import MAX_DEPTH
from meterkit.codec.axdr_values import DONT_CARE, BitString, Scalar
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.errors import ProtocolFault

Tag = axdr.Tag

EXAMPLES: Final = (
    "double-long-unsigned:42, octet-string:0102, visible-string:abc or structure(unsigned:1, enum:2)"
)
_NESTED: Final = re.compile(r"\s*(structure|array)\s*\((.*)\)\s*", re.DOTALL)
_NUMBERS: Final = (
    Tag.DOUBLE_LONG,
    Tag.DOUBLE_LONG_UNSIGNED,
    Tag.INTEGER,
    Tag.LONG,
    Tag.UNSIGNED,
    Tag.LONG_UNSIGNED,
    Tag.LONG64,
    Tag.LONG64_UNSIGNED,
    Tag.ENUM,
)
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


def parse_value(text: str) -> bytes:
    """Return the A-XDR octets of what was typed.

    TYPE:VALUE with the standard's types; hex:... are A-XDR octets as they are.  Errors: UsageMistake.
    """
    if text.strip().startswith("hex:"):
        octets = parse_octets(text.strip()[4:])
        try:
            axdr.decode(octets)
        except ProtocolFault as odd:
            raise UsageMistake(f"{text!r} is no A-XDR value: {odd.error.message}") from None
        return octets
    data = _data(text, 0)
    try:
        return data.encode()
    except ValueError as odd:
        raise UsageMistake(f"{text!r}: {odd}") from None


def _data(text: str, depth: int) -> axdr.Data:
    if depth > MAX_DEPTH:
        raise UsageMistake(f"more than {MAX_DEPTH} structures and arrays within one another")
    nested = _NESTED.fullmatch(text)
    if nested is not None:
        items = tuple(_data(item, depth + 1) for item in _items(nested[2]))
        return axdr.Data(Tag.STRUCTURE if nested[1] == "structure" else Tag.ARRAY, items)
    name, colon, value = text.partition(":")
    tag = Tag.__members__.get(name.strip().upper().replace("-", "_"))
    if tag is None or (tag not in _PARSERS and tag not in _EMPTY):
        known = ", ".join(one.words for one in [*_EMPTY, *_PARSERS])
        raise UsageMistake(f"{text!r} is no value with a type: write {EXAMPLES}; types are {known}")
    if tag in _EMPTY:
        return axdr.Data(tag, _EMPTY[tag])
    if not colon:
        raise UsageMistake(f"{text!r}: a value is missing, as in {EXAMPLES}")
    try:
        return axdr.Data(tag, _PARSERS[tag](value))
    except ValueError as odd:
        raise UsageMistake(f"{text!r} is no {tag.words}: {odd}") from None


def _items(text: str) -> list[str]:
    """Return the items between commas that stand in no inner parentheses."""
    items, depth, item = list[str](), 0, ""
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            items.append(item)
            item = ""
        else:
            item += letter
    return [one for one in [*items, item] if one.strip() or items]


def _whole(text: str) -> int:
    try:
        return int(text.strip(), 0)
    except ValueError:
        raise ValueError("a whole number is allowed, decimal or 0x hex") from None


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("a number is allowed") from None


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError("true or false is allowed") from None


def _octets(text: str) -> bytes:
    """Read hex, or obis=1-0:1.8.0, time=2026-03-01T12:00, text=abc."""
    kind, equals, value = text.partition("=")
    match kind.strip() if equals else "":
        case "obis":
            return ObisCode.parse(value).to_bytes()
        case "time":
            return _date_time(value).encode()
        case "text":
            return value.encode()
        case _:
            try:
                return parse_octets(text)
            except UsageMistake:
                raise ValueError(
                    "hex is allowed, or text=..., obis=1-0:1.8.0, time=2026-03-01T12:00+01:00"
                ) from None


def _date_time(text: str) -> CosemDateTime:
    written = text.strip()
    moment = datetime.now().astimezone() if written == "now" else datetime.fromisoformat(written)
    return CosemDateTime.from_datetime(moment)


_EMPTY: Final[dict[axdr.Tag, Scalar]] = {Tag.NULL_DATA: None, Tag.DONT_CARE: DONT_CARE}
_PARSERS: Final[dict[axdr.Tag, Callable[[str], Scalar]]] = {
    Tag.BOOLEAN: _boolean,
    **dict.fromkeys(_NUMBERS, _whole),
    Tag.FLOAT32: _real,
    Tag.FLOAT64: _real,
    Tag.OCTET_STRING: _octets,
    Tag.VISIBLE_STRING: str,
    Tag.UTF8_STRING: str,
    Tag.BIT_STRING: lambda text: BitString.from_text(text.strip()),
    Tag.DATE_TIME: _date_time,
    Tag.DATE: lambda text: CosemDate.from_date(datetime.fromisoformat(text.strip()).date()),
    Tag.TIME: lambda text: CosemTime.from_time(datetime.fromisoformat(f"2000-01-01T{text.strip()}").time()),
}
