"""Leaves: numbers, octets, flags, codes, logical names and Data, in JSON and in XML.

Number("ClassId", 2)      3   <->   JSON 3           XML <ClassId Value="0003" />
Flag("LastBlock")      True   <->   JSON true        XML <LastBlock Value="01" />
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from meterkit.codec import axdr_json, json_parts
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.obis import SIZE, ObisCode
from meterkit.dlms.translate.forms import data_xml
from meterkit.dlms.translate.xml_text import Cursor, Element

C = TypeVar("C", bound=Code)
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")


def hex_number(element: Element, size: int, *, is_signed: bool = False) -> int:
    """Return an element's value of `size` octets in hex; leading zeroes may be left out."""
    digits = element.attribute()
    if not _HEX.fullmatch(digits) or int(digits, 16) >= 1 << 8 * size:
        raise ValueError(f"{element.place}: at most {2 * size} hex digits expected, {digits!r} came")
    number = int(digits, 16)
    return number - (1 << 8 * size) if is_signed and number >= 1 << 8 * size - 1 else number


def hex_octets(element: Element, attribute: str = "Value") -> bytes:
    """Return an element's value as octets."""
    digits = element.attribute(attribute)
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise ValueError(f"{element.place}: octets in hex expected, {digits[:40]!r} came") from None


@dataclass(frozen=True, slots=True)
class Number:
    """A number of so many octets."""

    name: str
    size: int = 1
    is_signed: bool = False

    def to_json(self, value: int) -> object:
        """Return the number."""
        return int(value)

    def from_json(self, told: object, where: str) -> int:
        """Return the number, if it fits."""
        least, most = (-1 << 8 * self.size - 1, 8 * self.size - 1) if self.is_signed else (0, 8 * self.size)
        return json_parts.whole(told, where, least, (1 << most) - 1)

    def to_xml(self, value: int) -> list[Element]:
        """Return it in hex, two's complement."""
        return [Element.of(self.name, f"{value & (1 << 8 * self.size) - 1:0{2 * self.size}X}")]

    def from_xml(self, at: Cursor) -> int:
        """Take the element."""
        return hex_number(at.take(self.name), self.size, is_signed=self.is_signed)


@dataclass(frozen=True, slots=True)
class Whole:
    """A number of any size, with its sign: an INTEGER of BER."""

    name: str

    def to_json(self, value: int) -> object:
        """Return the number."""
        return value

    def from_json(self, told: object, where: str) -> int:
        """Return the number."""
        return json_parts.whole(told, where, -1 << 63, (1 << 63) - 1)

    def to_xml(self, value: int) -> list[Element]:
        """Return it in decimal where it is negative, in hex else."""
        return [Element.of(self.name, str(value) if value < 0 else f"{value:02X}")]

    def from_xml(self, at: Cursor) -> int:
        """Take the element."""
        element = at.take(self.name)
        if re.fullmatch(r"-[0-9]{1,19}", element.attribute()):
            return int(element.attribute())
        return hex_number(element, 8)


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets as they are."""

    name: str

    def to_json(self, value: bytes) -> object:
        """Return them in hex."""
        return value.hex()

    def from_json(self, told: object, where: str) -> bytes:
        """Return the octets."""
        return json_parts.octets(told, where)

    def to_xml(self, value: bytes) -> list[Element]:
        """Return them in hex."""
        return [Element.of(self.name, value.hex().upper())]

    def from_xml(self, at: Cursor) -> bytes:
        """Take the element."""
        return hex_octets(at.take(self.name))


@dataclass(frozen=True, slots=True)
class LogicalName:
    """An OBIS code: as people write it in JSON, six octets in XML."""

    name: str = "InstanceId"

    def to_json(self, value: ObisCode) -> object:
        """Return A-B:C.D.E*F."""
        return str(value)

    def from_json(self, told: object, where: str) -> ObisCode:
        """Return the code."""
        try:
            return ObisCode.parse(json_parts.text(told, where))
        except ValueError:
            raise json_parts.wrong(where, "an OBIS code such as 1-0:1.8.0*255", told) from None

    def to_xml(self, value: ObisCode) -> list[Element]:
        """Return the octets."""
        return [Element.of(self.name, value.to_bytes().hex().upper())]

    def from_xml(self, at: Cursor) -> ObisCode:
        """Take the element."""
        element = at.take(self.name)
        octets = hex_octets(element)
        if len(octets) != SIZE:
            raise ValueError(f"{element.place}: 6 octets of a logical name expected, {len(octets)} came")
        return ObisCode(*octets)


@dataclass(frozen=True, slots=True)
class Flag:
    """A BOOLEAN."""

    name: str

    def to_json(self, value: bool) -> object:
        """Return true or false."""
        return value

    def from_json(self, told: object, where: str) -> bool:
        """Return true or false."""
        return json_parts.boolean(told, where)

    def to_xml(self, value: bool) -> list[Element]:
        """Return 01 or 00."""
        return [Element.of(self.name, f"{value:02X}")]

    def from_xml(self, at: Cursor) -> bool:
        """Take the element."""
        return data_xml.truth(at.take(self.name)) != 0


def camel(name: str) -> str:
    """Return a name of the standard as XML elements are spelled: read-write-denied is ReadWriteDenied."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[-_]", name))


class Coded(Generic[C]):
    """A code with names: the standard's in JSON, the field's in XML, its number where it has none."""

    def __init__(self, name: str, codes: type[C], names: Mapping[int, str] | None = None) -> None:
        self.name = name
        self._codes = codes
        self._json = {int(code): code.standard_name for code in codes}
        self._xml = dict(names or {number: camel(word) for number, word in self._json.items()})
        self._by_json = {word: number for number, word in self._json.items()}
        self._by_xml = {word: number for number, word in self._xml.items()}

    def to_json(self, value: C) -> object:
        """Return its name, or its number."""
        return self._json.get(int(value), int(value))

    def from_json(self, told: object, where: str) -> C:
        """Return the code."""
        if isinstance(told, str):
            if told not in self._by_json:
                raise json_parts.wrong(where, f"one of {', '.join(self._by_json)} or a number", told)
            return self._codes(self._by_json[told])
        return self._codes(json_parts.whole(told, where, 0, 0xFF))

    def to_xml(self, value: C) -> list[Element]:
        """Return its name, or its number in hex."""
        return [Element.of(self.name, self._xml.get(int(value), f"{int(value):02X}"))]

    def from_xml(self, at: Cursor) -> C:
        """Take the element."""
        element = at.take(self.name)
        number = self._by_xml.get(element.attribute())
        return self._codes(hex_number(element, 1) if number is None else number)


class Value:
    """Encoded Data; with a name within an element of that name."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def to_json(self, value: bytes) -> object:
        """Return the value with its type."""
        return axdr_json.to_json(value)

    def from_json(self, told: object, where: str) -> bytes:
        """Return the Data's octets."""
        return axdr_json.from_json(told, where)

    def to_xml(self, value: bytes) -> list[Element]:
        """Return the value's element."""
        element = data_xml.to_xml(value)
        return [Element(self.name, {}, [element])] if self.name else [element]

    def from_xml(self, at: Cursor) -> bytes:
        """Take the element."""
        if not self.name:
            return data_xml.from_xml(at.take())
        within = Cursor(at.take(self.name))
        octets = data_xml.from_xml(within.take())
        within.finish()
        return octets
