"""Ciphered and signed APDUs: their forms, the cipher text as it came.

    C8 1E 30 ...      <glo_GetRequest Value="30..." />
    DB 08 ...         <GeneralGloCiphering> <SystemTitle Value="..." /> <CipheredService Value="30..." />

The content is security control, invocation counter, text and tag; JSON tells them apart.
Source: Green Book 9.2.7 and 9.5; names as the field's translators write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from meterkit.codec import json_parts
from meterkit.dlms.apdu.reader import ApduReader, octet_string
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.translate.forms.composites import Either, Optional, Record, Within
from meterkit.dlms.translate.forms.form import Form
from meterkit.dlms.translate.forms.leaves import Number, Octets
from meterkit.dlms.translate.xml_text import Cursor, Element

_AUTHENTICATED: Final = 0x10  # security-control
_HEAD, _TAG = 5, 12  # octets: control and counter; authentication tag
_COUNTER: Final = 0xFFFFFFFF


class Content:
    """security-control, invocation counter, text and tag, or octets too short to be that."""

    def __init__(self, name: str) -> None:
        self.name = name

    def to_json(self, value: bytes) -> object:
        """Return the parts by name."""
        if len(value) < _HEAD:
            return {"hex": value.hex()}
        told: dict[str, object] = {
            "security_control": value[0],
            "invocation_counter": int.from_bytes(value[1:_HEAD], "big"),
        }
        end = len(value) - _TAG if value[0] & _AUTHENTICATED and len(value) >= _HEAD + _TAG else len(value)
        told["text"] = value[_HEAD:end].hex()
        return told | ({"tag": value[end:].hex()} if end < len(value) else {})

    def from_json(self, told: object, where: str) -> bytes:
        """Return the octets."""
        found = json_parts.members(told, where)
        if "hex" in found:
            json_parts.only(found, where, "hex")
            return json_parts.octets(found["hex"], f"{where}.hex")
        json_parts.only(found, where, "security_control", "invocation_counter", "text", "tag")
        control = json_parts.whole(found.get("security_control"), f"{where}.security_control", 0, 0xFF)
        counter = json_parts.whole(
            found.get("invocation_counter"), f"{where}.invocation_counter", 0, _COUNTER
        )
        text = json_parts.octets(found.get("text"), f"{where}.text")
        tag = json_parts.octets(found.get("tag", ""), f"{where}.tag")
        return bytes((control,)) + counter.to_bytes(4, "big") + text + tag

    def to_xml(self, value: bytes) -> list[Element]:
        """Return the octets."""
        return Octets(self.name).to_xml(value)

    def from_xml(self, at: Cursor) -> bytes:
        """Take the octets."""
        return Octets(self.name).from_xml(at)


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """Which key: known by a number (0), wrapped by another (1), or agreed on (2)."""

    choice: int
    key_id: int = 0  #: of choice 0; of the key that wraps, of choice 1
    parameters: bytes = b""  #: of choice 2
    data: bytes = b""  #: of choices 1 and 2

    def encode(self) -> bytes:
        """Return choice and contents."""
        match self.choice:
            case 0:
                return bytes((0, self.key_id))
            case 1:
                return bytes((1, self.key_id)) + octet_string(self.data)
            case _:
                return b"\x02" + octet_string(self.parameters) + octet_string(self.data)

    @classmethod
    def read(cls, reader: ApduReader) -> KeyInfo:
        """Take one off `reader`."""
        choice = reader.choice("key-info", 0, 1, 2)
        if choice == 0:
            return cls(0, reader.octet("key-id"))
        if choice == 1:
            return cls(1, reader.octet("kek-id"), b"", reader.octet_string("key-ciphered-data"))
        return cls(2, 0, reader.octet_string("key-parameters"), reader.octet_string("key-ciphered-data"))


def _key(choice: int, name: str, *parts: tuple[str, Form[Any]]) -> Form[Any]:
    return Within(name, Record(partial(KeyInfo, choice), *parts))


_DATA: Final = ("data", Octets("KeyCipheredData"))
_KEYS: Final = {
    "identified_key": _key(0, "IdentifiedKey", ("key_id", Number("KeyId"))),
    "wrapped_key": _key(1, "WrappedKey", ("key_id", Number("KekId")), _DATA),
    "agreed_key": _key(2, "AgreedKey", ("parameters", Octets("KeyParameters")), _DATA),
}


class _KeyChoice(Either):
    """The CHOICE of a key-info, told by its number."""

    def __init__(self) -> None:
        super().__init__(*((key, KeyInfo, form) for key, form in _KEYS.items()))

    def _case(self, value: object) -> tuple[str, Form[Any]]:
        assert isinstance(value, KeyInfo)
        return tuple(_KEYS.items())[value.choice]


@dataclass(frozen=True, slots=True)
class Ciphered:
    """Any of them: what its tag has of this."""

    tag: ApduTag
    parts: tuple[bytes, ...]  #: OCTET STRINGs, in order
    key_info: KeyInfo | None = None  #: of general-ciphering, in front of the last part

    def encode(self) -> bytes:
        """Return the APDU."""
        strings = [octet_string(part) for part in self.parts]
        if self.tag is ApduTag.GENERAL_CIPHERING:
            strings.insert(-1, b"\0" if self.key_info is None else b"\x01" + self.key_info.encode())
        return bytes((self.tag,)) + b"".join(strings)

    @classmethod
    def decode(cls, octets: bytes) -> Ciphered:
        """Return what `octets` are.  Errors: `ProtocolFault` (DECODE)."""
        tag = ApduTag(octets[0])
        reader = ApduReader(octets, tag.standard_name, 1)
        names = part_names(tag)
        parts = [reader.octet_string(name) for name in names[:-1]]
        key_info = None
        if tag is ApduTag.GENERAL_CIPHERING and reader.is_present("key-info"):
            key_info = KeyInfo.read(reader)
        parts.append(reader.octet_string(names[-1]))
        reader.finish()
        return cls(tag, tuple(parts), key_info)


_ADDRESSED: Final = {
    "transaction_id": "TransactionId",
    "originator_system_title": "OriginatorSystemTitle",
    "recipient_system_title": "RecipientSystemTitle",
    "date_time": "DateTime",
    "other_information": "OtherInformation",
}
_TITLED: Final = {"system_title": "SystemTitle", "ciphered_service": "CipheredService"}
_PARTS: Final = {
    ApduTag.GENERAL_GLO_CIPHERING: _TITLED,
    ApduTag.GENERAL_DED_CIPHERING: _TITLED,
    ApduTag.GENERAL_CIPHERING: _ADDRESSED | {"ciphered_content": "CipheredContent"},
    ApduTag.GENERAL_SIGNING: _ADDRESSED | {"content": "Content", "signature": "Signature"},
}
_CONTENTS: Final = ("ciphered_service", "ciphered_content")


def part_names(tag: ApduTag) -> tuple[str, ...]:
    """Return the names of an APDU's OCTET STRINGs; a glo- or ded- one has its content alone."""
    return tuple(_PARTS.get(tag, ("content",)))


class CipheredForm:
    """The form of one tag."""

    def __init__(self, tag: ApduTag, name: str) -> None:
        self.tag, self.name = tag, name
        named = _PARTS.get(tag, {})
        self.is_plain = not named  # glo- and ded-: the content stands in the APDU's own element
        self._key = Optional(Within("KeyInfo", _KeyChoice()))
        self._forms: dict[str, Form[bytes]] = {
            part: Content(xml) if part in _CONTENTS else Octets(xml) for part, xml in named.items()
        }

    def to_json(self, value: Ciphered) -> dict[str, object]:
        """Return the parts by name."""
        if self.is_plain:
            return {"content": Content("").to_json(value.parts[0])}
        pairs = zip(self._forms.items(), value.parts, strict=True)
        told = {part: form.to_json(octets) for (part, form), octets in pairs}
        return told | ({} if value.key_info is None else {"key_info": self._key.to_json(value.key_info)})

    def from_json(self, told: object, where: str) -> Ciphered:
        """Return the APDU."""
        found = json_parts.members(told, where)
        if self.is_plain:
            json_parts.only(found, where, "content")
            return Ciphered(self.tag, (Content("").from_json(found.get("content"), f"{where}.content"),))
        json_parts.only(found, where, *self._forms, "key_info")
        parts = tuple(form.from_json(found.get(n), f"{where}.{n}") for n, form in self._forms.items())
        return Ciphered(self.tag, parts, self._key.from_json(found.get("key_info"), f"{where}.key_info"))

    def to_xml(self, value: Ciphered) -> list[Element]:
        """Return the parts' elements."""
        elements: list[Element] = []
        for number, (form, octets) in enumerate(zip(self._forms.values(), value.parts, strict=True)):
            if number == len(self._forms) - 1:
                elements += self._key.to_xml(value.key_info)
            elements += form.to_xml(octets)
        return elements

    def from_xml(self, at: Cursor) -> Ciphered:
        """Take the parts' elements."""
        *before, last = self._forms.values()
        parts = [form.from_xml(at) for form in before]
        key_info = self._key.from_xml(at)
        return Ciphered(self.tag, (*parts, last.from_xml(at)), key_info)
