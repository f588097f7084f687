"""HDLC frames as trees: format, addresses, control, checks, and what the information field holds.

    7E | A0 2C | 02 23 | 21 | 10 | HCS | E6 E6 00 | APDU ... | FCS | 7E

A message in segments is shown once more, whole, below its last frame.  Source: IEC 62056-46.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from meterkit.codec.crc import crc16_wire
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.control import HdlcFrameType
from meterkit.dlms.hdlc.frame import CHECK_SIZE, SEGMENTED, HdlcFrame
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.dlms.translate.messages import Messages
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, moved, not_understood

_START: Final = re.compile(rb"[\xa0-\xaf]")
_FLAGS: Final = re.compile(rb"\x7e+")
_SHORTEST: Final = 7  # octets between the flags
_WITH_PARAMETERS: Final = (HdlcFrameType.SNRM, HdlcFrameType.UA)
_WITH_MESSAGE: Final = (HdlcFrameType.INFORMATION, HdlcFrameType.UI)
_MEANINGS: Final = {
    HdlcFrameType.INFORMATION: "a numbered piece of a message",
    HdlcFrameType.RR: "receive ready: acknowledges, and hands over the turn",
    HdlcFrameType.RNR: "receive not ready: acknowledges, and asks for a pause",
    HdlcFrameType.REJ: "reject: everything from N(R) on again",
    HdlcFrameType.UI: "unnumbered information: a push, mostly",
    HdlcFrameType.DM: "disconnected mode: there is no connection",
    HdlcFrameType.DISC: "disconnect",
    HdlcFrameType.UA: "unnumbered acknowledge of SNRM or DISC",
    HdlcFrameType.SNRM: "set normal response mode: connect",
    HdlcFrameType.FRMR: "frame reject: something that repetition does not mend",
}


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """A frame in a capture: intact, or what is wrong with it."""

    start: int  #: of the format octet
    end: int  #: behind the FCS
    frame: HdlcFrame | None  #: None: damaged
    why: str = ""


def find_frames(octets: bytes) -> list[FoundFrame]:
    """Return the intact frames in `octets`, and the damaged ones that stand right behind a flag."""
    found: list[FoundFrame] = []
    at = 0
    while (match := _START.search(octets, at)) is not None:
        start = match.start()
        end = start + _announced(octets, start)
        at = start + 1
        if end - start < _SHORTEST or end > len(octets):
            continue
        try:
            found.append(FoundFrame(start, end, HdlcFrame.decode(octets[start:end])))
            at = end
        except ProtocolFault as odd:
            is_framed = octets[start - 1 : start] == b"\x7e" and octets[end : end + 1] == b"\x7e"
            if is_framed:
                found.append(FoundFrame(start, end, None, odd.error.message))
                at = end
    return found


def _announced(octets: bytes, start: int) -> int:
    if start + 2 > len(octets):
        return 0
    return (octets[start] & 0x07) << 8 | octets[start + 1]


@dataclass(slots=True)
class HdlcTranslator:
    """Makes trees of frames, in the order they came, and puts messages in segments together."""

    messages: Messages
    _segments: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict[tuple[bytes, bytes], bytes])

    def nodes(self, octets: bytes, base: int | None) -> list[Node]:
        """Return a tree for each frame in `octets`, and one for what stands between frames."""
        nodes: list[Node] = []
        at = 0
        for found in find_frames(octets):
            nodes += _noise(octets, at, found.start, base)
            place = moved(base, found.start)
            body = octets[found.start : found.end]
            if found.frame is None:
                nodes.append(self._damaged(body, place, found.why))
            else:
                nodes.append(self._frame(found.frame, body, place))
            at = found.end
        nodes += _noise(octets, at, len(octets), base)
        return nodes or [Node("flags", octets, "no frame between them", base, len(octets))]

    def _frame(self, frame: HdlcFrame, body: bytes, place: int | None) -> Node:
        parts = _header(frame, body, place)
        begin = 3 + frame.destination.size + frame.source.size
        if len(body) > begin + CHECK_SIZE:
            parts.append(Node("HCS", body[begin : begin + CHECK_SIZE], "", moved(place, begin), CHECK_SIZE))
            parts += self._information(frame, moved(place, begin + CHECK_SIZE))
        end = len(body) - CHECK_SIZE
        parts.append(Node("FCS", body[end:], "", moved(place, end), CHECK_SIZE))
        carried = f"{len(frame.information)} octets of information" if frame.information else ""
        return Node("HDLC frame", str(frame.control), carried, place, len(body), tuple(parts))

    def _damaged(self, body: bytes, place: int | None, why: str) -> Node:
        """Return a frame whose checks are wrong, as far as it can be read all the same."""
        frame = _mended(body)
        if frame is None:
            children: tuple[Node, ...] = (not_understood(body, place, why),)
            return Node("HDLC frame", None, "damaged", place, len(body), children)
        # What was damaged is no part of any message: it gets a translator of its own.
        sound = HdlcTranslator(Messages())._frame(frame, body, place)
        parts = [_checked(node, body, place) for node in sound.children]
        return Node("HDLC frame", str(frame.control), "damaged", place, len(body), tuple(parts))

    def _information(self, frame: HdlcFrame, place: int | None) -> list[Node]:
        information, kind = frame.information, frame.control.frame_type
        if not information:
            return []
        if kind in _WITH_PARAMETERS:
            return [_parameters(information, place)]
        if kind not in _WITH_MESSAGE:
            return [Node("information", information, "", place, len(information))]
        key = (frame.destination.octets, frame.source.octets)
        held = self._segments.pop(key, b"")
        if kind is HdlcFrameType.UI:
            held = b""  # a push stands between the segments of another message, and is none of them
        if not held and not frame.is_segmented:
            return [self.messages.llc_node(information, place)]
        whole = held + information
        segment = Node("segment", information, "", place, len(information))
        if frame.is_segmented:
            self._segments[key] = whole
            return [segment]
        told = f"{len(whole)} octets, put together from the segments"
        message = self.messages.llc_node(whole, None)
        return [segment, Node("message", None, told, None, len(whole), (message,))]


def _header(frame: HdlcFrame, body: bytes, place: int | None) -> list[Node]:
    segmented = "more segments follow" if body[0] & SEGMENTED else "not segmented, or the last segment"
    to, sender = frame.destination.size, frame.source.size
    return [
        Node("format", body[:2], f"type 3, {len(body)} octets, {segmented}", place, 2),
        _address("destination", frame.destination, moved(place, 2)),
        _address("source", frame.source, moved(place, 2 + to)),
        Node(
            "control",
            f"{body[2 + to + sender]:02x} {frame.control}",
            _MEANINGS[frame.control.frame_type],
            moved(place, 2 + to + sender),
            1,
        ),
    ]


def _address(name: str, address: HdlcAddress, place: int | None) -> Node:
    words = f"logical {address.logical}"
    if address.physical is not None:
        words += f", physical {address.physical}"
    return Node(name, address.octets, words, place, address.size)


def _parameters(octets: bytes, place: int | None) -> Node:
    name = "HDLC parameters"
    try:
        told = HdlcParameters.decode(octets)
    except ProtocolFault as odd:
        return Node(name, None, "", place, len(octets), (not_understood(octets, place, odd.error.message),))
    parts = (
        Node("max-info-transmit", told.max_info_transmit, "octets"),
        Node("max-info-receive", told.max_info_receive, "octets"),
        Node("window-transmit", told.window_transmit, "frames"),
        Node("window-receive", told.window_receive, "frames"),
    )
    return Node(name, octets, "", place, len(octets), parts)


def _checked(node: Node, body: bytes, place: int | None) -> Node:
    """Return a check as not understood where it does not fit; any other part as it is."""
    if node.name not in ("HCS", "FCS") or not isinstance(node.value, bytes):
        return node
    end = len(body) - CHECK_SIZE if node.name == "FCS" else (node.offset or 0) - (place or 0)
    expected = crc16_wire(body[:end])
    if node.value == expected:
        return node
    return Node(node.name, node.value, f"wrong: {expected.hex(' ')} expected", node.offset, 2, (), False)


def _mended(body: bytes) -> HdlcFrame | None:
    """Return what a damaged frame would be with checks that fit; None if it makes no sense even so."""
    head = body[:-CHECK_SIZE]
    try:
        addresses = _address_size(body, 2)
        header = 3 + addresses + _address_size(body, 2 + addresses)
        if len(head) > header + CHECK_SIZE:
            head = head[:header] + crc16_wire(head[:header]) + head[header + CHECK_SIZE :]
        return HdlcFrame.decode(head + crc16_wire(head))
    except (ProtocolFault, IndexError):
        return None


def _address_size(body: bytes, at: int) -> int:
    return next(size for size in (1, 2, 4) if body[at + size - 1] & 1 or size == 4)


def _why_no_frame(octets: bytes, at: int, piece: bytes) -> str:
    """Return what is wrong with octets between flags, if they begin as a frame does."""
    if octets[at - 1 : at] != b"\x7e" or not _START.match(piece):
        return "between frames"
    said, came = _announced(piece, 0), len(piece)
    if not said:
        return "a frame cut short"
    if said != came:
        return f"an HDLC frame of {said} octets expected, as its format says; {came} came"
    why = "between frames"
    try:
        _ = HdlcFrame.decode(piece)
    except ProtocolFault as odd:
        why = odd.error.message
    return why


def _noise(octets: bytes, start: int, end: int, base: int | None) -> list[Node]:
    """Return what stands between two frames, flags left out."""
    nodes: list[Node] = []
    for piece in _FLAGS.split(octets[start:end]):
        if piece:
            at = octets.index(piece, start)
            nodes.append(not_understood(piece, moved(base, at), _why_no_frame(octets, at, piece)))
            start = at + len(piece)
    return nodes
