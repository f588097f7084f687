"""Data as JSON knows it, with its types, both ways: octet for octet the same again.

    12 13 91                       {"type": "long-unsigned", "value": 5009}
    02 02 11 05 09 02 AA BB        {"type": "structure", "value": [{"type": "unsigned", "value": 5},
                                                                   {"type": "octet-string", "value": "aabb"}]}
    03 FF                          {"type": "boolean", "hex": "ff"}

Types have the standard's names.  Octet-strings, dates and times are hex, bits a row of 0 and 1; "hex" holds
the contents where a plain value would not give them back.  Written by hand, an octet-string may have "text".
Source: Green Book 9.5 (Data); the JSON is ours.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

from meterkit.codec.axdr_compact import TypeDescription
from meterkit.codec.axdr_data import CompactArray, Data, DataValue, parse
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag
from meterkit.codec.axdr_types import EMPTY, LAYOUTS, TEXTS
from meterkit.codec.axdr_values import BcdString, BitString
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.codec.json_parts import Members, items, members, only, text, whole, wrong
from meterkit.codec.json_parts import octets as octets_of

Document: TypeAlias = dict[str, object]

WORDS: Final = {tag: tag.words for tag in Tag}
TAGS: Final = {words: tag for tag, words in WORDS.items()}
_TIMES: Final = (Tag.DATE_TIME, Tag.DATE, Tag.TIME)
_FLOATS: Final = (Tag.FLOAT32, Tag.FLOAT64)
_NUMBERS: Final = frozenset(LAYOUTS) - {Tag.BOOLEAN, Tag.BCD, *_TIMES, *_FLOATS}
_ALWAYS: Final = ("type", "meaning")  # a meaning is for people
_EXAMPLE: Final = 'a value such as {"type": "unsigned", "value": 5}'


def to_json(octets: bytes) -> Document:
    """Return the one value that `octets` are, for JSON.

    Errors: `ProtocolFault` (DECODE) for octets that are none.
    """
    return document_of(parse(octets))


def from_json(document: object, where: str = "value") -> bytes:
    """Return the octets of a value in JSON; `where` it stands is for messages.

    Errors: ValueError naming the place, what was expected and what came.
    """
    data = data_of(document, where)
    try:
        return data.encode()
    except ValueError as odd:
        raise ValueError(f"{where}: {odd}") from None


# ---------------------------------------------------------------- to JSON
def document_of(data: Data) -> Document:
    """Return a parsed value for JSON."""
    tag, value = data.tag, data.value
    if isinstance(value, tuple):
        return {"type": WORDS[tag], "value": [document_of(item) for item in value]}
    if isinstance(value, CompactArray):
        items = [document_of(item) for item in value.items]
        return {"type": WORDS[tag], "element": _description(value.element), "value": items}
    if tag in EMPTY:
        return {"type": WORDS[tag]}
    return {"type": WORDS[tag]} | _leaf(tag, value)


def _leaf(tag: Tag, value: DataValue) -> Document:
    match value:
        case bytes():
            return {"value" if tag is Tag.OCTET_STRING else "hex": value.hex()}
        case float() if not math.isfinite(value):
            return {"hex": LAYOUTS[tag].pack(value).hex()}
        case BitString():
            if BitString.from_text(str(value)) == value:
                return {"value": str(value)}
            return {"bits": value.length, "hex": value.octets.hex()}  # bits behind the last one are set
        case CosemDateTime() | CosemDate() | CosemTime():
            return {"value": value.encode().hex()}
        case bool() | float() | str():
            return {"value": value}
        case int():
            return {"value": int(value)}
        case _:
            raise ValueError(f"{value!r} is no {tag.words}")


def _description(element: TypeDescription) -> Document:
    document: Document = {"type": WORDS[element.tag]}
    if element.tag is Tag.STRUCTURE:
        return document | {"parts": [_description(part) for part in element.parts]}
    if element.tag is Tag.ARRAY:
        return document | {"count": element.count, "element": _description(element.parts[0])}
    return document


# ---------------------------------------------------------------- from JSON
def data_of(document: object, where: str, depth: int = 0) -> Data:
    """Return a value in JSON with its type.  Errors: ValueError."""
    told = members(document, where, _EXAMPLE)
    tag = _tag(told, where)
    if depth > MAX_DEPTH:
        raise ValueError(f"{where}: more than {MAX_DEPTH} arrays and structures within one another")
    if tag in EMPTY:
        only(told, where, *_ALWAYS)
        return Data(tag, EMPTY[tag])
    if tag in (Tag.ARRAY, Tag.STRUCTURE):
        only(told, where, *_ALWAYS, "value")
        return Data(tag, _items(told, where, depth))
    if tag is Tag.COMPACT_ARRAY:
        only(told, where, *_ALWAYS, "element", "value")
        element = _described(told.get("element"), f"{where}.element", depth)
        return Data(tag, CompactArray(element, _items(told, where, depth)))
    return Data(tag, _value(tag, told, where))


def _items(told: Members, where: str, depth: int) -> tuple[Data, ...]:
    found = items(told.get("value"), f"{where}.value")
    return tuple(data_of(item, f"{where}[{number}]", depth + 1) for number, item in enumerate(found))


def _value(tag: Tag, told: Members, where: str) -> DataValue:
    if "hex" in told:
        return _contents(tag, told, where)
    if "text" in told and tag is Tag.OCTET_STRING:
        only(told, where, *_ALWAYS, "text")
        return text(told["text"], f"{where}.text").encode()
    only(told, where, *_ALWAYS, "value")
    value = told.get("value")
    if tag is Tag.OCTET_STRING or tag in _TIMES:
        return octets_of(value, f"{where}.value")
    match value:
        case bool() if tag is Tag.BOOLEAN:
            return value
        case int() if tag in _NUMBERS and not isinstance(value, bool):
            return value
        case int() | float() if tag in _FLOATS and not isinstance(value, bool):
            return float(value)
        case str() if tag is Tag.BIT_STRING and not set(value) - {"0", "1"}:
            return BitString.from_text(value)
        case str() if tag in TEXTS:
            return value
        case str() if tag is Tag.BCD:
            return BcdString(value)
        case _:
            raise wrong(f"{where}.value", f"{_EXPECTED.get(tag, 'a number')} for {tag.words}", value)


_EXPECTED: Final = {
    Tag.BOOLEAN: "true or false",
    Tag.BIT_STRING: "a row of 0 and 1",
    Tag.VISIBLE_STRING: "text",
    Tag.UTF8_STRING: "text",
    Tag.BCD: "two digits",
} | dict.fromkeys(_NUMBERS, "a whole number")


def _contents(tag: Tag, told: Members, where: str) -> DataValue:
    octets = octets_of(told["hex"], f"{where}.hex")
    if tag is not Tag.BIT_STRING:
        only(told, where, *_ALWAYS, "hex")
        return octets
    only(told, where, *_ALWAYS, "hex", "bits")
    most = 8 * len(octets)
    return BitString(octets, whole(told.get("bits", most), f"{where}.bits", max(most - 7, 0), most))


def _described(document: object, where: str, depth: int) -> TypeDescription:
    told = members(document, where, _EXAMPLE)
    tag = _tag(told, where)
    if tag is Tag.COMPACT_ARRAY or depth >= MAX_DEPTH:
        raise ValueError(f"{where}: {tag.words} is no element of a compact array, or lies too deep")
    if tag is Tag.STRUCTURE:
        parts = items(told.get("parts"), f"{where}.parts")
        within = (_described(part, f"{where}.parts[{n}]", depth + 1) for n, part in enumerate(parts))
        return TypeDescription(tag, tuple(within))
    if tag is Tag.ARRAY:
        count = whole(told.get("count"), f"{where}.count", 0, 0xFFFF)
        return TypeDescription(tag, (_described(told.get("element"), f"{where}.element", depth + 1),), count)
    return TypeDescription(tag)


def _tag(told: Members, where: str) -> Tag:
    tag = TAGS.get(str(told.get("type")))
    if tag is None:
        raise wrong(f"{where}.type", f"one of {', '.join(TAGS)}", told.get("type"))
    return tag
