"""What SNRM proposes and UA grants: its form, which keeps how many octets each value takes.

    81 80 12 05 01 80 06 01 80 07 04 00 00 00 01 08 04 00 00 00 01
    {"max_info_transmit": 128, ...}                  <MaxInfoTX Value="128" /> ...
    05 02 00 80     {"value": 128, "size": 2}        <MaxInfoTX Value="128" Size="2" />

Source: IEC 62056-46 6.4.4.4.3.2; the element names are those the field's translators write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.codec import json_parts
from meterkit.dlms.translate.xml_text import Cursor, Element

_HEAD: Final = b"\x81\x80"
_NAMES: Final = {
    5: ("max_info_transmit", "MaxInfoTX"),
    6: ("max_info_receive", "MaxInfoRX"),
    7: ("window_transmit", "WindowSizeTX"),
    8: ("window_receive", "WindowSizeRX"),
}
_SIZES: Final = (1, 2, 4)
_LARGEST: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Limit:
    """One value, and how many octets it takes."""

    identifier: int
    value: int
    size: int

    @property
    def is_usual(self) -> bool:
        """Whether it takes the octets that it usually does: lengths as few as do, windows 4."""
        return self.size == _usual(self.identifier, self.value)


def _usual(identifier: int, value: int) -> int:
    if identifier > 6:
        return 4
    return next(size for size in _SIZES if value < 1 << 8 * size)


class HdlcParametersForm:
    """The form of an information field of SNRM or UA."""

    name = "MaxInfoTX"

    def is_exact(self, octets: bytes) -> bool:
        """Tell whether `octets` are an information field that would be written just so again."""
        return self._octets(_limits(octets)) == octets

    def to_json(self, value: bytes) -> object:
        """Return the limits by name."""
        return {
            _NAMES[one.identifier][0]: one.value if one.is_usual else {"value": one.value, "size": one.size}
            for one in _limits(value)
        }

    def from_json(self, told: object, where: str) -> bytes:
        """Return the information field."""
        found = json_parts.members(told, where)
        json_parts.only(found, where, *(name for name, _ in _NAMES.values()))
        limits: list[_Limit] = []
        for identifier, (name, _) in _NAMES.items():
            if name in found:
                limits.append(self._limit(identifier, found[name], f"{where}.{name}"))
        return self._octets(limits)

    def _limit(self, identifier: int, told: object, where: str) -> _Limit:
        if isinstance(told, int):
            value = json_parts.whole(told, where, 0, _LARGEST)
            return _Limit(identifier, value, _usual(identifier, value))
        found = json_parts.members(told, where)
        json_parts.only(found, where, "value", "size")
        size = json_parts.whole(found.get("size"), f"{where}.size", 1, 4)
        return _Limit(identifier, json_parts.whole(found.get("value"), where, 0, (1 << 8 * size) - 1), size)

    def to_xml(self, value: bytes) -> list[Element]:
        """Return an element for each limit."""
        elements: list[Element] = []
        for one in _limits(value):
            element = Element.of(_NAMES[one.identifier][1], str(one.value))
            if not one.is_usual:
                element.attributes["Size"] = str(one.size)
            elements.append(element)
        return elements

    def from_xml(self, at: Cursor) -> bytes:
        """Take all the elements there are."""
        limits: list[_Limit] = []
        identifiers = {xml: identifier for identifier, (_, xml) in _NAMES.items()}
        while at.next_name:
            element = at.take(*identifiers)
            identifier, digits = identifiers[element.name], element.attribute()
            if not digits.isdecimal() or int(digits) > _LARGEST:
                raise ValueError(f"{element.place}: a decimal number expected, {digits[:40]!r} came")
            size = element.attributes.get("Size", str(_usual(identifier, int(digits))))
            if size not in ("1", "2", "4") or int(digits) >= 1 << 8 * int(size):
                raise ValueError(f"{element.place}: Size 1, 2 or 4 expected that holds {digits}")
            limits.append(_Limit(identifier, int(digits), int(size)))
        return self._octets(limits)

    def _octets(self, limits: list[_Limit]) -> bytes:
        within = b"".join(
            bytes((one.identifier, one.size)) + one.value.to_bytes(one.size, "big") for one in limits
        )
        return _HEAD + bytes((len(within),)) + within if within else b""


def _limits(octets: bytes) -> list[_Limit]:
    """Return the limits in an information field, as far as they go."""
    limits: list[_Limit] = []
    at = len(_HEAD) + 1
    while octets.startswith(_HEAD) and at + 2 <= len(octets):
        identifier, size = octets[at], octets[at + 1]
        value = octets[at + 2 : at + 2 + size]
        if identifier not in _NAMES or size not in _SIZES or len(value) < size:
            break
        limits.append(_Limit(identifier, int.from_bytes(value, "big"), size))
        at += 2 + size
    return limits
