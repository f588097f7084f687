"""Octets of any kind as trees: HDLC or WRAPPER frames, application PDUs, bare Data.  Never an exception.

    7E A0 ...       HDLC        00 01 00 10 00 01 00 1F ...   WRAPPER        E6 E6 00 ...   LLC
    C0 01 C1 ...    APDU        02 02 11 05 ...               Data

What they are is found out by trying; an APDU comes before Data where both would do.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec import axdr
from meterkit.codec.cosem_time import DATE_TIME_SIZE
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.translate.data import data_node
from meterkit.dlms.translate.hdlc import HdlcTranslator, find_frames
from meterkit.dlms.translate.messages import Messages
from meterkit.dlms.translate.words import time_meaning
from meterkit.dlms.wrapper import HEADER_SIZE, VERSION, WrapperHeader
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, moved, not_understood, strange_octets

_FLAG: Final = b"\x7e"
_VERSION: Final = VERSION.to_bytes(2, "big")  # what a WRAPPER header begins with
LLCS: Final = (b"\xe6\xe6\x00", b"\xe6\xe7\x00")
_CONFORMANCES: Final = (b"\x5f\x1f\x04\x00", b"\x5f\x04\x00")
_TAGS: Final = frozenset(map(int, ApduTag))
_SAMPLE: Final = 1 << 20  # octets that are searched for a frame before it is held to be none


def translate(*pieces: bytes) -> tuple[Node, ...]:
    """Return what captured octets say, a tree for each frame, APDU or value.

    Several `pieces` (lines of a log, say) are one stream if frames are in it; else each is looked at by
    itself, unless only all together make sense.
    """
    whole = b"".join(pieces)
    if len(pieces) > 1 and not has_frames(whole):
        apart = _apart(pieces)
        if strange_octets(apart) <= strange_octets(together := _stream(whole)):
            return apart
        return together
    return _stream(whole)


def translate_hdlc(*pieces: bytes) -> tuple[Node, ...]:
    """Return what captured octets say, held to be HDLC frames."""
    return tuple(HdlcTranslator(Messages()).nodes(b"".join(pieces), 0))


def _apart(pieces: tuple[bytes, ...]) -> tuple[Node, ...]:
    messages, at = Messages(), 0
    nodes: list[Node] = []
    for piece in pieces:
        nodes.append(_bare(piece, at, messages))
        at += len(piece)
    return tuple(nodes)


def has_frames(octets: bytes) -> bool:
    """Tell whether octets are, or hold, HDLC or WRAPPER frames."""
    return octets[:1] == _FLAG or is_wrapper(octets) or bool(find_frames(octets[:_SAMPLE]))


def _stream(octets: bytes) -> tuple[Node, ...]:
    messages = Messages()
    if is_wrapper(octets):
        return tuple(_wrapped(octets, messages))
    if octets[:1] != _FLAG:
        bare = _bare(octets, 0, messages)
        if not strange_octets([bare]) or not find_frames(octets[:_SAMPLE]):
            return (bare,)
    return tuple(HdlcTranslator(Messages()).nodes(octets, 0))


def is_wrapper(octets: bytes) -> bool:
    """Tell whether octets begin with a WRAPPER header and an APDU behind it."""
    try:
        header = WrapperHeader.decode(octets)
    except ProtocolFault:
        return False
    return header.length > 0 and (len(octets) == HEADER_SIZE or octets[HEADER_SIZE] in _TAGS)


def next_header(octets: bytes, at: int) -> int:
    """Return where the next WRAPPER header with an APDU behind it begins after `at`; the end if nowhere."""
    while (at := octets.find(_VERSION, at + 1)) >= 0:
        if is_wrapper(octets[at : at + HEADER_SIZE + 1]):
            return at
    return len(octets)


def _wrapped(octets: bytes, messages: Messages) -> list[Node]:
    nodes: list[Node] = []
    at = 0
    while at < len(octets):
        try:
            header = WrapperHeader.decode(octets[at : at + HEADER_SIZE])
        except ProtocolFault as odd:
            end = next_header(octets, at)
            nodes.append(not_understood(octets[at:end], at, odd.error.message))
            at = end
            continue
        begin, end = at + HEADER_SIZE, at + HEADER_SIZE + header.length
        parts = [
            Node("version", header.version, "", at, 2),
            Node("source", header.source, "wPort", at + 2, 2),
            Node("destination", header.destination, "wPort", at + 4, 2),
            Node("length", header.length, "octets", at + 6, 2),
        ]
        apdu = octets[begin:end]
        if len(apdu) < header.length:
            parts.append(not_understood(b"", begin, f"{header.length} octets expected, {len(apdu)} came"))
        if apdu:
            parts.append(messages.apdu_node(apdu, begin))
        nodes.append(Node("WRAPPER", None, str(header), at, min(end, len(octets)) - at, tuple(parts)))
        at = end
    return nodes


def _bare(octets: bytes, offset: int, messages: Messages) -> Node:
    """Return the tree of octets without a frame around them."""
    if octets[:3] in LLCS:
        return messages.llc_node(octets, offset)
    as_apdu = octets[:1] != b"" and octets[0] in _TAGS
    if as_apdu and is_whole_apdu(octets):
        return messages.apdu_node(octets, offset)
    if is_whole_data(octets):
        return data_node(octets, offset)
    if octets.startswith(_CONFORMANCES):
        return _conformance(octets, offset)
    if len(octets) == DATE_TIME_SIZE and (time := time_meaning(octets)):
        return Node("date-time", octets, time, offset, len(octets))
    text = _text(octets, offset)
    if text is None and as_apdu:
        return messages.apdu_node(octets, offset)
    return text or not_understood(octets, offset)


def is_whole_apdu(octets: bytes) -> bool:
    """Tell whether octets are one plain APDU."""
    try:
        decode_apdu(octets)
    except ProtocolFault:
        return False
    return True


def is_whole_data(octets: bytes) -> bool:
    """Tell whether octets are one value; text that nobody would read is none."""
    try:
        value = axdr.decode(octets)
    except ProtocolFault:
        return False
    return value.isprintable() if isinstance(value, str) else True


def _conformance(octets: bytes, offset: int) -> Node:
    try:
        block, end = Conformance.decode(octets)
    except ProtocolFault as odd:
        return not_understood(octets, offset, odd.error.message)
    node = Node("conformance", octets[:end], block.words, offset, end)
    if end == len(octets):
        return node
    rest = not_understood(octets[end:], moved(offset, end), "octets behind the block")
    return Node("octets", None, "", offset, len(octets), (node, rest))


def _text(octets: bytes, offset: int) -> Node | None:
    """Return octets that are lines of text, such as an IEC 62056-21 sign-on, as such."""
    shown = octets.strip(b"\x06\r\n")
    if not shown or not all(32 <= octet < 127 or octet in b"\r\n\x02\x03" for octet in shown):
        return None
    words = shown.decode("ascii").replace("\r\n", " ").replace("\x02", "").replace("\x03", "")
    is_sign_on = octets[:1] in (b"/", b"\x06")
    return Node("text", words.strip(), "IEC 62056-21 sign-on" if is_sign_on else "", offset, len(octets))
