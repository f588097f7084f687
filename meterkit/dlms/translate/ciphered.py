"""Ciphered and signed APDUs: their headers by name, what is under the cipher as octets.

    C8 | length | security control | invocation counter (4) | cipher text and tag     glo- and ded-
    DB | system title OCTET STRING | length | control | counter | ...                 general-glo, general-ded
    DD | five OCTET STRINGs | key-info | length | control | counter | ...             general-ciphering
    DF | five OCTET STRINGs | content OCTET STRING | signature OCTET STRING           general-signing

Source: Green Book 9.2.7 and 9.5.  Keys are no matter of this room.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.translate.tracing import TracingReader
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, moved, not_understood

_AUTHENTICATED, _ENCRYPTED = 0x10, 0x20
_BROADCAST, _COMPRESSED, _SUITE = 0x40, 0x80, 0x0F
_COUNTER: Final = 4  # octets
_TAG: Final = 12  # octets of the authentication tag
_GENERAL: Final = (ApduTag.GENERAL_GLO_CIPHERING, ApduTag.GENERAL_DED_CIPHERING)
_ADDRESSED: Final = (
    "transaction-id",
    "originator-system-title",
    "recipient-system-title",
    "date-time",
    "other-information",
)


def ciphered_nodes(tag: ApduTag, octets: bytes, offset: int | None) -> tuple[Node, ...]:
    """Return the parts of a ciphered or signed APDU, its tag included in none of them."""
    reader = TracingReader(octets, tag.standard_name, 1, offset)
    try:
        _read(tag, reader)
    except ProtocolFault as odd:
        rest = octets[reader.position :]
        reader.nodes.append(not_understood(rest, moved(offset, reader.position), odd.error.message))
        return tuple(reader.nodes)
    if reader.left:
        rest = octets[reader.position :]
        reader.nodes.append(not_understood(rest, moved(offset, reader.position), "octets behind the APDU"))
    return tuple(_told(node) for node in reader.nodes)


def _read(tag: ApduTag, reader: TracingReader) -> None:
    if tag in _GENERAL:
        reader.octet_string("system-title")
    elif tag in (ApduTag.GENERAL_CIPHERING, ApduTag.GENERAL_SIGNING):
        for name in _ADDRESSED:
            reader.octet_string(name)
    if tag is ApduTag.GENERAL_SIGNING:
        reader.octet_string("content")
        reader.octet_string("signature")
        return
    if tag is ApduTag.GENERAL_CIPHERING and reader.is_present("key-info"):
        _read_key_info(reader)
    _read_content(reader)


def _read_key_info(reader: TracingReader) -> None:
    match reader.choice("key-info", 0, 1, 2):
        case 0:
            reader.octet("key-id")
        case 1:
            reader.octet("kek-id")
            reader.octet_string("key-ciphered-data")
        case _:
            reader.octet_string("key-parameters")
            reader.octet_string("key-ciphered-data")


def _read_content(reader: TracingReader) -> None:
    length = reader.count("ciphered-content")
    control = reader.octet("security-control")
    reader.unsigned(_COUNTER, "invocation-counter")
    left = length - 1 - _COUNTER
    has_tag = control & _AUTHENTICATED and left >= _TAG
    text = left - _TAG if has_tag else left
    reader.take(max(text, 0), "cipher-text" if control & _ENCRYPTED else "plain-text")
    if has_tag:
        reader.take(_TAG, "authentication-tag")


def _told(node: Node) -> Node:
    if node.name != "security-control" or not isinstance(node.value, int):
        return node
    bits = node.value
    words = [f"suite {bits & _SUITE}"]
    words += ["authenticated"] if bits & _AUTHENTICATED else []
    words += ["encrypted"] if bits & _ENCRYPTED else []
    words += ["broadcast key"] if bits & _BROADCAST else []
    words += ["compressed"] if bits & _COMPRESSED else []
    return Node(node.name, f"{bits:02x}", ", ".join(words), node.offset, node.length)
