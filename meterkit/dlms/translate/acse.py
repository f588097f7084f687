"""AARQ, AARE, RLRQ and RLRE as trees: their elements by name, and the APDU in the user-information.

    61 29 | A1 09 06 07 60 85 74 05 08 01 01 | A2 03 02 01 00 | A3 05 A1 03 02 01 00 | BE 10 04 0E 08 00 ...

Lengths that do not fit are shown as they are, and what can be read is read.  Source: Green Book 9.4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from meterkit.codec.ber import Element, decode_integer, read_element
from meterkit.dlms.acse.apdus import Aare, Aarq
from meterkit.dlms.acse.names import (
    AcseServiceProvider,
    AcseServiceUser,
    ApplicationContext,
    AssociationResult,
    AuthenticationMechanism,
    ReleaseRequestReason,
    ReleaseResponseReason,
    context_of,
    mechanism_of,
)
from meterkit.dlms.translate.words import octets_meaning
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, Value, moved, not_understood

Within: TypeAlias = Callable[[bytes, int | None], Node]

_AARQ, _AARE, _RLRQ, _RLRE = 0x60, 0x61, 0x62, 0x63
_COMMON: Final = {0x80: "protocol-version", 0xA1: "application-context-name"}
_TAIL: Final = {0x9D: "implementation-information", 0xBE: "user-information"}
_NAMES: Final[dict[int, dict[int, str]]] = {
    _AARQ: _COMMON
    | {
        0xA2: "called-AP-title",
        0xA3: "called-AE-qualifier",
        0xA4: "called-AP-invocation-id",
        0xA5: "called-AE-invocation-id",
        0xA6: "calling-AP-title",
        0xA7: "calling-AE-qualifier",
        0xA8: "calling-AP-invocation-id",
        0xA9: "calling-AE-invocation-id",
        0x8A: "sender-acse-requirements",
        0x8B: "mechanism-name",
        0xAC: "calling-authentication-value",
    }
    | _TAIL,
    _AARE: _COMMON
    | {
        0xA2: "result",
        0xA3: "result-source-diagnostic",
        0xA4: "responding-AP-title",
        0xA5: "responding-AE-qualifier",
        0xA6: "responding-AP-invocation-id",
        0xA7: "responding-AE-invocation-id",
        0x88: "responder-acse-requirements",
        0x89: "mechanism-name",
        0xAA: "responding-authentication-value",
    }
    | _TAIL,
    _RLRQ: {0x80: "reason"} | _TAIL,
    _RLRE: {0x80: "reason"} | _TAIL,
}
_OCTET_STRING: Final = 0x04
_SERVICE_PROVIDER: Final = 0xA2


def acse_nodes(octets: bytes, offset: int | None, within: Within) -> tuple[tuple[Node, ...], str]:
    """Return the elements of the APDU that `octets` begin with, and what it says in words.

    `within` makes the tree of the APDU in the user-information.
    """
    tag = octets[0]
    nodes: list[Node] = []
    try:
        apdu, end = read_element(octets, strict=False)
        at = apdu.offset
        # An outer length too small must not hide what the inner ones say.
        while at < len(octets):
            element, after = read_element(octets, at, strict=False)
            if at >= end and element.tag not in _NAMES[tag]:
                break
            nodes.append(_element(octets, tag, element, at, after, offset, within))
            at = after
    except ProtocolFault as odd:
        at = _end_of(nodes, offset)
        nodes.append(not_understood(octets[at:], moved(offset, at), odd.error.message))
        return tuple(nodes), _words(octets)
    if at < len(octets):
        nodes.append(not_understood(octets[at:], moved(offset, at), "octets behind the APDU"))
    return tuple(nodes), _words(octets)


def _end_of(nodes: list[Node], offset: int | None) -> int:
    """Return how many octets of the APDU the nodes account for, its tag at least."""
    if not nodes or nodes[-1].offset is None or offset is None:
        return 1 + sum(node.length for node in nodes)
    return nodes[-1].offset + nodes[-1].length - offset


def _words(octets: bytes) -> str:
    """Return what an AARE decides, or an AARQ asks for."""
    try:
        if octets[0] == _AARE:
            return Aare.decode(octets).words
        if octets[0] == _AARQ:
            mechanism = Aarq.decode(octets).mechanism
            return _mechanism(mechanism)[1]
    except ProtocolFault:
        pass
    return ""


def _element(
    octets: bytes, apdu: int, element: Element, at: int, end: int, base: int | None, within: Within
) -> Node:
    name = _NAMES[apdu].get(element.tag)
    place, length = moved(base, at), end - at
    if name is None:
        return Node(f"element {element.tag:02x}", element.contents, "unknown here", place, length)
    if name == "user-information":
        return _user_information(octets, element, place, length, base, within)
    value, told = _value(name, apdu, element)
    return Node(name, value, told, place, length)


def _user_information(
    octets: bytes, element: Element, place: int | None, length: int, base: int | None, within: Within
) -> Node:
    begin, end = element.offset, element.offset + len(element.contents)
    try:
        inner, _ = read_element(octets, begin, strict=False)
        if inner.tag == _OCTET_STRING:
            begin, end = inner.offset, max(end, inner.offset + len(inner.contents))
    except ProtocolFault:
        pass
    apdu = within(octets[begin:end], moved(base, begin))
    return Node("user-information", None, "", place, length, (apdu,))


def _value(name: str, apdu: int, element: Element) -> tuple[Value, str]:
    """Return an element's value and what it means; its octets where they do not fit the standard."""
    try:
        return _known(name, apdu, element)
    except (ProtocolFault, ValueError):
        return element.contents, "not as the standard has it"


def _known(name: str, apdu: int, element: Element) -> tuple[Value, str]:
    match name:
        case "application-context-name":
            return _context(_identifier(element.contents))
        case "mechanism-name":
            return _mechanism(mechanism_of(_identifier(element.contents)))
        case "result":
            result = AssociationResult(_inner_number(element))
            return int(result), result.words
        case "result-source-diagnostic":
            return _diagnostic(element)
        case "reason":
            code = decode_integer(element.contents)
            reason = ReleaseRequestReason(code) if apdu == _RLRQ else ReleaseResponseReason(code)
            return code, reason.words
        case _ if "authentication-value" in name:
            value = read_element(element.contents, strict=False)[0].contents
            return value, "a password or a challenge; a password is to be kept secret"
        case _ if "invocation-id" in name:
            return _inner_number(element), ""
        case _ if element.is_constructed:
            contents = read_element(element.contents, strict=False)[0].contents
            return contents, octets_meaning(contents)
        case _:
            return element.contents, ""


def _identifier(contents: bytes) -> bytes:
    return read_element(contents, strict=False)[0].contents if contents[:1] == b"\x06" else contents


def _inner_number(element: Element) -> int:
    return decode_integer(read_element(element.contents, strict=False)[0].contents)


def _diagnostic(element: Element) -> tuple[Value, str]:
    source = read_element(element.contents, strict=False)[0]
    code = _inner_number(source)
    if source.tag == _SERVICE_PROVIDER:
        return code, f"acse-service-provider: {AcseServiceProvider(code).words}"
    return code, f"acse-service-user: {AcseServiceUser(code).words}"


def _context(octets: bytes) -> tuple[Value, str]:
    context = context_of(octets)
    if isinstance(context, bytes):
        return context, "no context of DLMS"
    names = {
        ApplicationContext.LOGICAL_NAME: "logical names, no ciphering",
        ApplicationContext.SHORT_NAME: "short names, no ciphering",
        ApplicationContext.LOGICAL_NAME_CIPHERED: "logical names, with ciphering",
        ApplicationContext.SHORT_NAME_CIPHERED: "short names, with ciphering",
    }
    return int(context), names[context]


def _mechanism(mechanism: AuthenticationMechanism | bytes) -> tuple[Value, str]:
    if isinstance(mechanism, bytes):
        return mechanism, "no mechanism of DLMS"
    words = mechanism.name.lower().replace("_", " ")
    return int(mechanism), words if mechanism else "no authentication"
