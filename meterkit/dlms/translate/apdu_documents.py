"""Application PDUs as JSON and as XML, and back to the very same octets.

    C0 02 C1 00 00 00 07    {"apdu": "get-request-next", "invoke": 193, "block_number": 7}
                            <GetRequest> <GetRequestForNextDataBlock> <InvokeIdAndPriority Value="C1" /> ...

What would not come back octet for octet (lengths written longer than they need be, octets behind the end,
no APDU at all) stands as octets, with the reason: {"octets": "...", "why": "..."}, <Octets Value="..." />.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from meterkit.codec import json_parts
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.translate.apdu import spoken
from meterkit.dlms.translate.forms import access, initiate, services, short_names
from meterkit.dlms.translate.forms.acse import acse_forms
from meterkit.dlms.translate.forms.ciphered import Ciphered, CipheredForm
from meterkit.dlms.translate.forms.composites import Record
from meterkit.dlms.translate.forms.leaves import hex_octets
from meterkit.dlms.translate.xml_text import Cursor, Element
from meterkit.errors import ProtocolFault

OCTETS: Final = "Octets"  # XML element of what has no better form
PLAINTEXT: Final = "Plaintext"  # XML element of what is under a cipher; passed over on the way back
_NOT_SAME: Final = "written otherwise than it would be again, such as with longer lengths"
_CIPHERED: Final = frozenset(tag for tag in ApduTag if tag.is_ciphered)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of APDU: its name in JSON, its elements in XML, the form of what is in it."""

    word: str
    service: str  #: the outer element; empty where there is but one
    name: str
    form: Any  #: a Form of the APDU's class


# ---------------------------------------------------------------- octets to documents
def to_json(octets: bytes) -> dict[str, object]:
    """Return the APDU that `octets` are for JSON; what is none as octets."""
    apdu, why = _decoded(octets)
    if apdu is None:
        return raw_json(octets, why)
    kind = _kind_of(apdu)
    told: dict[str, object] = kind.form.to_json(apdu)
    return {"apdu": kind.word} | told


def to_xml(octets: bytes) -> Element:
    """Return the element of the APDU that `octets` are; what is none as octets."""
    apdu, why = _decoded(octets)
    if apdu is None:
        return raw_xml(octets, why)
    kind = _kind_of(apdu)
    if isinstance(apdu, Ciphered) and kind.form.is_plain:
        return Element.of(kind.name, apdu.parts[0].hex().upper())
    listed = short_names.LISTS.get(kind.name)
    if listed is not None:
        return listed[2].to_xml(getattr(apdu, listed[1]))[0]
    element = Element(kind.name, {}, kind.form.to_xml(apdu))
    return Element(kind.service, {}, [element]) if kind.service else element


def raw_json(octets: bytes, why: str) -> dict[str, object]:
    """Return octets as they are, and why."""
    return {"octets": octets.hex(), "why": why}


def raw_xml(octets: bytes, why: str) -> Element:
    """Return octets as they are, and why."""
    return Element(OCTETS, {"Value": octets.hex().upper(), "Why": why})


def _decoded(octets: bytes) -> tuple[Any, str]:
    """Return the APDU that encodes to the very same octets; None and the reason if there is none."""
    try:
        is_ciphered = bool(octets) and octets[0] in _CIPHERED
        apdu = Ciphered.decode(octets) if is_ciphered else decode_apdu(octets)
        if apdu.encode() == octets:
            return apdu, ""
    except ProtocolFault as odd:
        return None, odd.error.message
    return None, _NOT_SAME


def _kind_of(apdu: Any) -> _Kind:
    return _BY_TAG[apdu.tag] if isinstance(apdu, Ciphered) else _BY_CLASS[type(apdu)]


# ---------------------------------------------------------------- documents to octets
def from_json(document: object, where: str = "apdu") -> bytes:
    """Return the octets of an APDU in JSON.

    Errors: ValueError naming the place, what was expected there and what came.
    """
    told = dict(json_parts.members(document, where))
    if "octets" in told:
        json_parts.only(told, where, "octets", "why")
        return json_parts.octets(told["octets"], f"{where}.octets")
    told.pop("plaintext", None)
    word = told.pop("apdu", None)
    kind = _BY_WORD.get(str(word))
    if kind is None:
        raise json_parts.wrong(f"{where}.apdu", "the name of an APDU, such as get-request-normal,", word)
    return _encoded(kind.form.from_json(told, where), where)


def from_xml(element: Element) -> bytes:
    """Return the octets of an APDU's element.

    Errors: ValueError naming the line, what was expected there and what came.
    """
    if element.name == OCTETS:
        return hex_octets(element)
    listed = short_names.LISTS.get(element.name)
    if listed is not None:
        parent = Element("", {}, [element])
        return _encoded(listed[0](listed[2].from_xml(Cursor(parent))), element.place)
    kind = _BY_NAME.get(element.name)
    if kind is not None and isinstance(kind.form, CipheredForm) and kind.form.is_plain:
        return Ciphered(kind.form.tag, (hex_octets(element),)).encode()
    if kind is None or kind.service:
        element, kind = _chosen(element)
    if element.children and element.children[-1].name == PLAINTEXT:
        element.children.pop()
    at = Cursor(element)
    apdu = kind.form.from_xml(at)
    at.finish()
    return _encoded(apdu, element.place)


def is_ciphered(name: str) -> bool:
    """Tell whether elements of that name are ciphered APDUs."""
    return name in _BY_NAME and isinstance(_BY_NAME[name].form, CipheredForm)


def _chosen(element: Element) -> tuple[Element, _Kind]:
    """Return the element within that of a service, and its kind."""
    if element.name not in _SERVICES:
        raise ValueError(f"{element.place}: an APDU expected, such as <GetRequest>")
    within = Cursor(element)
    inner = within.take(*_SERVICES[element.name])
    within.finish()
    return inner, _BY_NAME[inner.name]


def _encoded(apdu: Any, where: str) -> bytes:
    try:
        octets: bytes = apdu.encode()
    except ValueError as odd:
        raise ValueError(f"{where}: {odd}") from None
    return octets


class _Nested:
    """The APDU in an ACSE APDU's user-information; None where there is none."""

    name = "InitiateRequest"

    def to_json(self, value: bytes | None) -> object:
        """Return the APDU."""
        return None if value is None else to_json(value)

    def from_json(self, told: object, where: str) -> Any:
        """Return the APDU's octets."""
        return None if told is None else from_json(told, where)

    def to_xml(self, value: bytes | None) -> list[Element]:
        """Return the APDU's element."""
        return [] if value is None else [to_xml(value)]

    def from_xml(self, at: Cursor) -> Any:
        """Take the APDU's element, if there is one."""
        return from_xml(at.take()) if at.next_name else None


# ---------------------------------------------------------------- every kind there is
_TOP: Final = {
    ApduTag.GENERAL_GLO_CIPHERING: "GeneralGloCiphering",
    ApduTag.GENERAL_DED_CIPHERING: "GeneralDedCiphering",
    ApduTag.GENERAL_CIPHERING: "GeneralCiphering",
    ApduTag.GENERAL_SIGNING: "GeneralSigning",
}


def _ciphered_name(tag: ApduTag) -> str:
    """Return GeneralGloCiphering, or glo_GetRequest and the like."""
    if tag in _TOP:
        return _TOP[tag]
    prefix, _, plain = tag.name.partition("_")
    words = plain.split("_")
    return f"{prefix.lower()}_" + "".join(word.capitalize() for word in words)


def _kinds() -> dict[type, _Kind]:
    found: dict[type, _Kind] = {}
    for table in (services.GET, services.SET, services.ACTION):
        for name, (service, form) in table.items():
            found[form.kind] = _Kind(spoken(form.kind.__name__), service, name, form)
    plain: dict[str, Any] = access.FORMS | short_names.FORMS | acse_forms(_Nested())
    for name, form in plain.items():
        found[form.kind] = _Kind(spoken(form.kind.__name__), "", name, form)
    for name, form in initiate.FORMS.items():
        apdu = initiate.CLASSES[name]
        found[apdu] = _Kind(spoken(name), "", name, form)
    for name, (apdu, member, many) in short_names.LISTS.items():
        found[apdu] = _Kind(spoken(name), "", name, Record(apdu, (member, many)))
    return found


_BY_CLASS: Final = _kinds()
_BY_TAG: Final = {
    tag: _Kind(tag.standard_name, "", _ciphered_name(tag), CipheredForm(tag, _ciphered_name(tag)))
    for tag in ApduTag
    if tag.is_ciphered
}
_ALL: Final = (*_BY_CLASS.values(), *_BY_TAG.values())
_BY_WORD: Final = {kind.word: kind for kind in _ALL}
_BY_NAME: Final = {kind.name: kind for kind in _ALL}
_SERVICES: Final = {
    service: tuple(kind.name for kind in _ALL if kind.service == service)
    for service in dict.fromkeys(kind.service for kind in _ALL if kind.service)
}
