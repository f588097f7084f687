"""Data in XML, both ways: octet for octet the same again.

    12 13 91                <UInt16 Value="1391" />
    02 02 11 05 09 01 AA    <Structure Qty="02"> <UInt8 Value="05" /> <OctetString Value="AA" /> </Structure>
    13 12 02 00 01          <CompactArray> <ContentsDescription> <UInt16 /> </ContentsDescription>
                                           <ArrayContents Value="0001" /> </CompactArray>

Element names are those the field's translators write.  Numbers, floats, dates and times are hex of their
octets, bits a row of 0 and 1; text with letters that XML or a terminal cannot show stands in Hex="...".
"""

from __future__ import annotations

import re
from typing import Final

from meterkit.codec import axdr
from meterkit.codec.axdr_compact import TypeDescription, open_compact_array
from meterkit.codec.axdr_data import CompactArray, Data, DataValue, parse
from meterkit.codec.axdr_tags import MAX_DEPTH, Tag
from meterkit.codec.axdr_types import EMPTY, SIZES, encode_contents
from meterkit.codec.axdr_values import BitString
from meterkit.dlms.translate.xml_text import Cursor, Element
from meterkit.errors import ProtocolFault

_NAMES: Final = {
    Tag.NULL_DATA: "None",
    Tag.ARRAY: "Array",
    Tag.STRUCTURE: "Structure",
    Tag.BOOLEAN: "Boolean",
    Tag.BIT_STRING: "BitString",
    Tag.DOUBLE_LONG: "Int32",
    Tag.DOUBLE_LONG_UNSIGNED: "UInt32",
    Tag.OCTET_STRING: "OctetString",
    Tag.VISIBLE_STRING: "String",
    Tag.UTF8_STRING: "StringUTF8",
    Tag.BCD: "BCD",
    Tag.INTEGER: "Int8",
    Tag.LONG: "Int16",
    Tag.UNSIGNED: "UInt8",
    Tag.LONG_UNSIGNED: "UInt16",
    Tag.COMPACT_ARRAY: "CompactArray",
    Tag.LONG64: "Int64",
    Tag.LONG64_UNSIGNED: "UInt64",
    Tag.ENUM: "Enum",
    Tag.FLOAT32: "Float32",
    Tag.FLOAT64: "Float64",
    Tag.DATE_TIME: "DateTime",
    Tag.DATE: "Date",
    Tag.TIME: "Time",
    Tag.DELTA_INTEGER: "DeltaInt8",
    Tag.DELTA_LONG: "DeltaInt16",
    Tag.DELTA_DOUBLE_LONG: "DeltaInt32",
    Tag.DELTA_UNSIGNED: "DeltaUInt8",
    Tag.DELTA_LONG_UNSIGNED: "DeltaUInt16",
    Tag.DELTA_DOUBLE_LONG_UNSIGNED: "DeltaUInt32",
    Tag.DONT_CARE: "DontCare",
}
_TAGS: Final = {name: tag for tag, name in _NAMES.items()}
_TEXTS: Final = (Tag.VISIBLE_STRING, Tag.UTF8_STRING)
_TRUTHS: Final = {"true": 1, "false": 0}
_QTY: Final = "Qty"


def to_xml(octets: bytes) -> Element:
    """Return the element of the one value that `octets` are.  Errors: `ProtocolFault` (DECODE)."""
    return _element(parse(octets))


def from_xml(element: Element) -> bytes:
    """Return the octets of a value.  Errors: ValueError with the line, what was expected and what came."""
    return _octets(element, 0)


def _element(data: Data) -> Element:
    tag, value = data.tag, data.value
    name = _NAMES[tag]
    if isinstance(value, tuple):
        return Element(name, {_QTY: f"{len(value):02X}"}, [_element(item) for item in value])
    if isinstance(value, CompactArray):
        _, begin, end = open_compact_array(encoded := data.encode(), 1, 0)
        described = Element("ContentsDescription", {}, [_description(value.element)])
        return Element(name, {}, [described, Element.of("ArrayContents", encoded[begin:end].hex().upper())])
    if tag in EMPTY:
        return Element(name)
    return Element(name, _attributes(tag, value))


def _attributes(tag: Tag, value: DataValue) -> dict[str, str]:
    match value:
        case BitString():
            if BitString.from_text(str(value)) == value:
                return {"Value": str(value)}
            return {"Hex": value.octets.hex().upper(), "Bits": str(value.length)}
        case str() if tag in _TEXTS:
            octets = value.encode("latin-1" if tag is Tag.VISIBLE_STRING else "utf-8")
            return {"Value": value} if value.isprintable() else {"Hex": octets.hex().upper()}
        case bytes():
            is_text = tag in _TEXTS
            return {"Hex" if is_text else "Value": value.hex().upper()}
        case _:
            return {"Value": encode_contents(tag, value).hex().upper()}


def _description(element: TypeDescription) -> Element:
    name = _NAMES[element.tag]
    if element.tag is Tag.ARRAY:
        return Element(name, {_QTY: f"{element.count:04X}"}, [_description(element.parts[0])])
    if element.tag is Tag.STRUCTURE:
        return Element(
            name, {_QTY: f"{len(element.parts):02X}"}, [_description(part) for part in element.parts]
        )
    return Element(name)


# ---------------------------------------------------------------- reading
def _octets(element: Element, depth: int) -> bytes:
    tag = _tag(element)
    if tag in (Tag.ARRAY, Tag.STRUCTURE):
        if depth >= MAX_DEPTH:
            raise ValueError(
                f"{element.place}: more than {MAX_DEPTH} arrays and structures within one another"
            )
        items = [_octets(child, depth + 1) for child in element.children]
        return bytes((tag,)) + axdr.encode_length(len(items)) + b"".join(items)
    if tag is Tag.COMPACT_ARRAY:
        return _compact_array(element, depth)
    if element.children:
        raise ValueError(f"{element.children[0].place}: nothing stands within <{element.name}>")
    return bytes((tag,)) + _contents(tag, element)


def _contents(tag: Tag, element: Element) -> bytes:
    if tag in EMPTY:
        return b""
    try:
        if tag in SIZES:
            return _fixed(tag, element)
        if tag is Tag.BIT_STRING:
            return encode_contents(tag, _bits(element))
        if tag in _TEXTS and "Hex" not in element.attributes:
            return encode_contents(tag, element.attribute())
        digits = element.attribute("Hex" if tag in _TEXTS else "Value")
        return encode_contents(tag, bytes.fromhex(digits))
    except ValueError as odd:
        told = str(odd)
        raise ValueError(told if element.place in told else f"{element.place}: {told}") from None


def _fixed(tag: Tag, element: Element) -> bytes:
    if tag is Tag.BOOLEAN:
        return bytes((truth(element),))
    digits, size = element.attribute(), SIZES[tag]
    if not re.fullmatch(rf"[0-9A-Fa-f]{{1,{2 * size}}}", digits):
        raise ValueError(f"{element.place}: {2 * size} hex digits expected, {digits[:40]!r} came")
    return bytes.fromhex(digits.zfill(2 * size))


def truth(element: Element) -> int:
    """Return a BOOLEAN's octet: 00, 01 or another in hex, or as some translators write it, True and False."""
    written = element.attribute()
    if written.lower() in _TRUTHS:
        return _TRUTHS[written.lower()]
    if not re.fullmatch(r"[0-9A-Fa-f]{1,2}", written):
        raise ValueError(f"{element.place}: 00 or 01 expected, {written[:40]!r} came")
    return int(written, 16)


def _bits(element: Element) -> BitString:
    if "Hex" not in element.attributes:
        return BitString.from_text(element.attribute())
    return BitString(bytes.fromhex(element.attribute("Hex")), _decimal(element, "Bits"))


def _decimal(element: Element, name: str) -> int:
    digits = element.attribute(name)
    if not re.fullmatch(r"[0-9]{1,9}", digits):
        raise ValueError(f"{element.place}: {name} is a decimal number, {digits[:40]!r} came")
    return int(digits)


def _quantity(element: Element) -> int:
    digits = element.attribute(_QTY)
    if not re.fullmatch(r"[0-9A-Fa-f]{1,4}", digits):
        raise ValueError(f"{element.place}: {_QTY} is up to four hex digits, {digits[:40]!r} came")
    return int(digits, 16)


def _compact_array(element: Element, depth: int) -> bytes:
    within = Cursor(element)
    described = Cursor(within.take("ContentsDescription"))
    description = _described(described.take(), depth)
    described.finish()
    held = within.take("ArrayContents")
    try:
        contents = bytes.fromhex(held.attribute())
    except ValueError:
        raise ValueError(f"{held.place}: octets in hex expected") from None
    within.finish()
    octets = bytes((Tag.COMPACT_ARRAY,)) + description.encode() + axdr.encode_length(len(contents)) + contents
    try:
        axdr.measure(octets, 0, depth=depth)
    except ProtocolFault as odd:
        raise ValueError(f"{element.place}: {odd.error.message}") from None
    return octets


def _described(element: Element, depth: int) -> TypeDescription:
    tag = _tag(element)
    if depth >= MAX_DEPTH or tag is Tag.COMPACT_ARRAY:
        raise ValueError(f"{element.place}: no element of a compact array, or too deep")
    parts = tuple(_described(child, depth + 1) for child in element.children)
    if tag is Tag.STRUCTURE:
        return TypeDescription(tag, parts)
    if tag is Tag.ARRAY and len(parts) == 1:
        return TypeDescription(tag, parts, _quantity(element))
    if parts or tag is Tag.ARRAY:
        raise ValueError(f"{element.place}: one type within an array expected, within others none")
    return TypeDescription(tag)


def _tag(element: Element) -> Tag:
    tag = _TAGS.get(element.name)
    if tag is None:
        raise ValueError(f'{element.place}: a value expected, such as <UInt16 Value="1391" />')
    return tag
