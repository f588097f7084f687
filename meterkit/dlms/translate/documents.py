r"""Captured octets as one JSON document or one XML text, and either back to the very same octets.

    to_json(b"\xc0\x02\xc1\0\0\0\x07")    {"schema": "meterkit.dlms/1", "messages": [{"apdu": ...}]}
    to_xml(...)                            <GetRequest> ... </GetRequest>, or several within <Messages>

A message is a frame (HDLC, WRAPPER, LLC) with its APDU, an APDU, a Data value, or octets that are none of
these.  `decipher` is asked for what is under each cipher: that is shown beside the cipher text, which alone
counts on the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias, cast

from meterkit.codec import axdr_json, json_parts
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.hdlc.frame import FLAG
from meterkit.dlms.translate import apdu_documents, frame_documents
from meterkit.dlms.translate.apdu_documents import PLAINTEXT, raw_json, raw_xml
from meterkit.dlms.translate.capture import (
    LLCS,
    has_frames,
    is_whole_apdu,
    is_whole_data,
    is_wrapper,
    next_header,
)
from meterkit.dlms.translate.forms import data_xml
from meterkit.dlms.translate.hdlc import find_frames
from meterkit.dlms.translate.xml_text import Cursor, Element, parse_xml, write_xml
from meterkit.dlms.wrapper import HEADER_SIZE, WrapperHeader
from meterkit.errors import ProtocolFault

SCHEMA: Final = "meterkit.dlms/1"  # changes when what is written today would be read otherwise
#: Takes each ciphered APDU in turn and returns the plain one, None where it cannot.  It is shown each AARQ
#: and AARE, too, for the titles in them.
Decipher: TypeAlias = Callable[[bytes], bytes | None]
_Message: TypeAlias = tuple[str, bytes]  # kind and octets
_BESIDE: Final = ("kind", "octets", "not_understood", "tree")  # what `meterkit decode --json` has, too
_MESSAGES: Final = "Messages"
_DATA: Final = "Data"
_NO_MESSAGE: Final = "no frame, APDU or value"
_CIPHERED: Final = frozenset(tag.standard_name for tag in ApduTag if tag.is_ciphered)
_ASSOCIATING: Final = ("aarq", "aare", "AssociationRequest", "AssociationResponse")
_KEY, _HIDDEN = "dedicated_key", "not shown"  # a key that lay under a cipher stays secret
_TAGS: Final = frozenset(map(int, ApduTag))
_MAX_NESTING: Final = 8  # APDUs under one another's ciphers


# ---------------------------------------------------------------- octets to documents
def to_json(*pieces: bytes, decipher: Decipher | None = None) -> dict[str, object]:
    """Return what captured octets say as a document for JSON; nothing raises.

    `pieces`: as of `translate`, lines of a log, say.
    """
    messages = [_JSON[kind](octets) for kind, octets in _split(pieces)]
    if decipher is not None:
        for message in messages:
            _decipher_json(message, decipher, 0)
    return {"schema": SCHEMA, "messages": messages}


def to_xml(*pieces: bytes, decipher: Decipher | None = None) -> str:
    """Return what captured octets say as XML; nothing raises.

    `pieces`: as of `translate`, lines of a log, say.
    """
    elements = [_XML[kind](octets) for kind, octets in _split(pieces)]
    if decipher is not None:
        for element in elements:
            _decipher_xml(element, decipher, 0)
    return write_xml(elements if len(elements) == 1 else [Element(_MESSAGES, {}, elements)])


def _split(pieces: tuple[bytes, ...]) -> Iterator[_Message]:
    """Yield messages and what stands between them, all the octets there are."""
    whole = b"".join(pieces)
    if is_wrapper(whole):
        yield from _wrapped(whole)
    elif has_frames(whole):
        yield from _framed(whole)
    else:
        yield from ((_kind(piece), piece) for piece in pieces if piece)


def _kind(octets: bytes) -> str:
    if octets[:3] in LLCS:
        return "llc"
    if octets[0] in _TAGS and (is_whole_apdu(octets) or not is_whole_data(octets)):
        return "apdu"
    return "data" if is_whole_data(octets) else "octets"


def _wrapped(octets: bytes) -> Iterator[_Message]:
    while octets:
        kind = "wrapper"
        try:
            end = HEADER_SIZE + WrapperHeader.decode(octets).length
        except ProtocolFault:
            kind, end = "octets", next_header(octets, 0)
        if end > len(octets):
            kind, end = "octets", len(octets)
        yield kind, octets[:end]
        octets = octets[end:]


def _framed(octets: bytes) -> Iterator[_Message]:
    at = 0
    for found in find_frames(octets):
        start = (
            found.start - 1
            if found.start > at and octets[found.start - 1 : found.start] == FLAG
            else found.start
        )
        end = found.end + (octets[found.end : found.end + 1] == FLAG)
        if start > at:
            yield "octets", octets[at:start]
        yield "hdlc", octets[start:end]
        at = end
    if at < len(octets):
        yield "octets", octets[at:]


_JSON: Final[dict[str, Callable[[bytes], dict[str, object]]]] = {
    "hdlc": frame_documents.hdlc_json,
    "wrapper": frame_documents.wrapper_json,
    "llc": frame_documents.llc_json,
    "apdu": apdu_documents.to_json,
    "data": lambda octets: _data_json(octets),
    "octets": lambda octets: raw_json(octets, _NO_MESSAGE),
}
_XML: Final[dict[str, Callable[[bytes], Element]]] = {
    "hdlc": frame_documents.hdlc_xml,
    "wrapper": frame_documents.wrapper_xml,
    "llc": frame_documents.llc_xml,
    "apdu": apdu_documents.to_xml,
    "data": lambda octets: _data_xml(octets),
    "octets": lambda octets: raw_xml(octets, _NO_MESSAGE),
}


def _data_json(octets: bytes) -> dict[str, object]:
    told = axdr_json.to_json(octets)
    if axdr_json.from_json(told) != octets:
        return raw_json(octets, "a value with lengths longer than they need be")
    return {"data": told}


def _data_xml(octets: bytes) -> Element:
    element = data_xml.to_xml(octets)
    if data_xml.from_xml(element) != octets:
        return raw_xml(octets, "a value with lengths longer than they need be")
    return Element(_DATA, {}, [element])


# ---------------------------------------------------------------- what is under a cipher
def _decipher_json(told: object, decipher: Decipher, depth: int) -> None:
    if isinstance(told, list):
        for item in cast("list[object]", told):
            _decipher_json(item, decipher, depth)
    if not isinstance(told, dict) or depth > _MAX_NESTING:
        return
    found = cast("dict[str, object]", told)
    if found.get("apdu") in _CIPHERED:
        plain = decipher(apdu_documents.from_json(found))
        if plain is not None:
            inner = apdu_documents.to_json(plain)
            if _KEY in inner:
                inner[_KEY] = _HIDDEN
            found["plaintext"] = inner
            _decipher_json(inner, decipher, depth + 1)
        return
    if found.get("apdu") in _ASSOCIATING:
        decipher(apdu_documents.from_json(found))
    for item in found.values():
        _decipher_json(item, decipher, depth)


def _decipher_xml(element: Element, decipher: Decipher, depth: int) -> None:
    if depth > _MAX_NESTING:
        return
    if apdu_documents.is_ciphered(element.name):
        plain = decipher(apdu_documents.from_xml(element))
        if plain is not None:
            inner = apdu_documents.to_xml(plain)
            for child in inner.children:
                if child.name == "DedicatedKey":
                    child.attributes["Value"] = _HIDDEN
            _decipher_xml(inner, decipher, depth + 1)
            element.children.append(Element(PLAINTEXT, {}, [inner]))
        return
    if element.name in _ASSOCIATING:
        decipher(apdu_documents.from_xml(element))
    for child in element.children:
        _decipher_xml(child, decipher, depth)


# ---------------------------------------------------------------- documents to octets
def from_json(document: object) -> tuple[bytes, ...]:
    """Return the octets of each message: of a whole document, a list of messages or a single one.

    Errors: ValueError naming the place, what was expected there and what came.
    """
    messages = document
    if isinstance(messages, dict) and "messages" in messages:
        told = json_parts.members(cast("dict[str, object]", messages), "document")
        json_parts.only(told, "document", "schema", "messages", *_BESIDE)
        if told.get("schema") != SCHEMA:
            raise json_parts.wrong("document.schema", SCHEMA, told.get("schema"))
        messages = json_parts.items(told["messages"], "document.messages")
    if not isinstance(messages, list):
        return (_message_from_json(document, "message"),)
    found = cast("list[object]", messages)
    return tuple(_message_from_json(one, f"messages[{number}]") for number, one in enumerate(found))


def _message_from_json(document: object, where: str) -> bytes:
    told = json_parts.members(document, where, "a message")
    match told.get("frame"):
        case "hdlc":
            return frame_documents.hdlc_from_json(told, where)
        case "wrapper":
            return frame_documents.wrapper_from_json(told, where)
        case "llc":
            json_parts.only(told, where, "frame", "llc", "pdu")
            apdu = apdu_documents.from_json(told.get("pdu"), f"{where}.pdu")
            return frame_documents.llc_octets(told, where) + apdu
        case None if "data" in told and "apdu" not in told:
            json_parts.only(told, where, "data")
            return axdr_json.from_json(told["data"], f"{where}.data")
        case None:
            return apdu_documents.from_json(told, where)
        case other:
            raise json_parts.wrong(f"{where}.frame", "hdlc, wrapper or llc", other)


def from_xml(text: str) -> tuple[bytes, ...]:
    """Return the octets of each message in `text`, side by side or within <Messages>.

    Errors: ValueError naming the line, what was expected there and what came.
    """
    elements = parse_xml(text)
    if len(elements) == 1 and elements[0].name == _MESSAGES:
        return tuple(map(_message_from_xml, elements[0].children))
    if not elements:
        raise ValueError("no message in it: an element such as <GetRequest> expected")
    return tuple(map(_message_from_xml, elements))


def _message_from_xml(element: Element) -> bytes:
    match element.name:
        case frame_documents.HDLC_NAME:
            return frame_documents.hdlc_from_xml(element)
        case frame_documents.WRAPPER_NAME:
            return frame_documents.wrapper_from_xml(element)
        case frame_documents.LLC_NAME:
            return frame_documents.llc_from_xml(element)
        case name if name == _DATA:
            within = Cursor(element)
            octets = data_xml.from_xml(within.take())
            within.finish()
            return octets
        case _:
            return apdu_documents.from_xml(element)
