"""PSEM packets and services as trees: any captured octets, and never an exception.

    EE 00 00 00 00 03 30 00 01 CRC      packet: read ST1        06   ACK
    EE 00 20 00 00 1C 00 00 18 ... CRC  packet: ok, 24 octets of ST1, checksum

A response is read by the request before it.  Source: C12.18-2006.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from meterkit.codec.crc import is_intact
from meterkit.errors import ProtocolFault
from meterkit.psem.codes import BAUD_RATES, ServiceCode, service_of
from meterkit.psem.identification import parse_identification
from meterkit.psem.packet import (
    ACK,
    HEADER_SIZE,
    LARGEST_PACKET_SIZE,
    NAK,
    OVERHEAD_SIZE,
    STP,
    ControlByte,
    describe_damage,
    packet_length,
)
from meterkit.psem.refusals import refusal
from meterkit.psem.services import ServiceRequest, ServiceResponse, parse_table_data
from meterkit.tree import Node, moved, not_understood

_CRC_SIZE: Final = 2
_SECRET: Final = (ServiceCode.SECURITY, ServiceCode.AUTHENTICATE)


def translate(*pieces: bytes) -> tuple[Node, ...]:
    """Return what captured octets say: a tree for each packet, ACK and NAK, in order.

    Octets without a packet around them are taken for one request or response.
    """
    octets = b"".join(pieces)
    if not octets:
        return (not_understood(b"", 0, "no octets came"),)
    translator = _Translator()
    nodes = translator.packets(octets)
    if any(node.name == "packet" for node in nodes) or all(node.is_understood for node in nodes):
        return tuple(nodes)
    bare = translator.message(octets, 0)
    return (bare,) if bare.is_understood else tuple(nodes)


@dataclass(slots=True)
class _Translator:
    """Knows the last request, and the pieces of a message in several packets."""

    request: ServiceRequest | None = None
    _held: bytes = field(default=b"")

    def packets(self, octets: bytes) -> list[Node]:
        """Return a tree for each packet and acknowledgement, and one for what stands between."""
        nodes: list[Node] = []
        at = strange = 0
        while at < len(octets):
            if octets[at] in (ACK, NAK):
                node = Node("ACK" if octets[at] == ACK else "NAK", octets[at : at + 1], "", at, 1)
            elif (packet := _packet_at(octets, at)) is not None:
                node = self._packet(packet, at)
            else:
                at += 1
                continue
            nodes += _between(octets, strange, at)
            nodes.append(node)
            at = strange = at + node.length
        return nodes + _between(octets, strange, at)

    def _packet(self, packet: bytes, at: int) -> Node:
        control, data = ControlByte.decode(packet[2]), packet[HEADER_SIZE:-_CRC_SIZE]
        crc = len(packet) - _CRC_SIZE
        parts = [
            Node("STP", packet[:1], "", at, 1),
            Node("identity", packet[1], "", at + 1, 1),
            Node("control", packet[2:3], _control_words(control), at + 2, 1),
            Node("sequence", packet[3], "packets still to come", at + 3, 1),
            Node("length", len(data), "octets", at + 4, 2),
            *self._data(control, packet[3], data, at + HEADER_SIZE),
            Node("CRC", packet[crc:], "", at + crc, _CRC_SIZE),
        ]
        return Node("packet", None, "", at, len(packet), tuple(parts))

    def _data(self, control: ControlByte, sequence: int, data: bytes, at: int) -> list[Node]:
        if not control.is_multi_packet:
            self._held = b""
            return [self.message(data, at)]
        self._held = data if control.is_first else self._held + data
        piece = Node("data", data, "a piece of a message", at, len(data))
        if sequence:
            return [piece]
        whole, self._held = self._held, b""
        return [piece, self.message(whole, None)]

    def message(self, octets: bytes, at: int | None) -> Node:
        """Return the tree of a whole request or response: any octets, at least one, are either."""
        if octets[0] >= ServiceCode.IDENTIFY:
            self.request = ServiceRequest.decode(octets)
            return _request(self.request, at)
        return _response(ServiceResponse.decode(octets), self.request, at)


def _packet_at(octets: bytes, at: int) -> bytes | None:
    """Return the intact packet that begins at `at`."""
    if octets[at] != STP or len(octets) - at < OVERHEAD_SIZE:
        return None
    size = packet_length(octets[at : at + HEADER_SIZE])
    packet = octets[at : at + size]
    if not OVERHEAD_SIZE < size <= LARGEST_PACKET_SIZE or len(packet) != size or not is_intact(packet):
        return None
    return packet


def _between(octets: bytes, start: int, end: int) -> list[Node]:
    if start == end:
        return []
    came = octets[start:end]
    why = "between packets"
    if came[0] == STP and len(came) >= OVERHEAD_SIZE:
        is_cut = packet_length(came[:HEADER_SIZE]) > len(came)
        why = f"a packet of {packet_length(came[:HEADER_SIZE])} octets, cut short" if is_cut else ""
        why = why or describe_damage(came[: packet_length(came[:HEADER_SIZE])])
    return [not_understood(came, start, why)]


def _control_words(control: ControlByte) -> str:
    words = ["toggled"] if control.is_toggled else []
    if control.is_multi_packet:
        words.append("first of several packets" if control.is_first else "one of several packets")
    return ", ".join(words)


def _request(request: ServiceRequest, at: int | None) -> Node:
    service = service_of(request.code)
    name = "request" if service is None else f"{service.name.lower().replace('_', '-')} request"
    parts = [Node("code", f"{request.code:02x}", request.name, at, 1)]
    if request.payload:
        secret = "a password or a proof: keep it to yourself" if service in _SECRET else ""
        parts.append(Node("parameters", request.payload, secret, moved(at, 1), len(request.payload)))
    known = service is not None
    return Node(name, None, request.name, at, len(request.encode()), tuple(parts), is_understood=known)


def _response(response: ServiceResponse, request: ServiceRequest | None, at: int | None) -> Node:
    told = response.code.name.lower().replace("_", " ")
    if not response.is_ok and request is not None:
        told = refusal(request, response.code).message
    parts = [Node("code", f"{int(response.code):02x}", told, at, 1)]
    if response.data:
        parts += _answer(response.data, request, moved(at, 1))
    to = f" to {request.name}" if request is not None else ""
    return Node("response", None, f"{told}{to}", at, 1 + len(response.data), tuple(parts))


def _answer(data: bytes, request: ServiceRequest | None, at: int | None) -> list[Node]:
    """Return what follows a response's code, by the request it answers."""
    service = None if request is None else service_of(request.code)
    try:
        if service is ServiceCode.IDENTIFY:
            told = parse_identification(data)
            features = ", ".join(feature.name for feature in told.features) or "no features"
            return [Node("identification", data, f"{told}, {features}", at, len(data))]
        if (request is not None and request.table_id is not None) or _is_table_data(data):
            octets = parse_table_data(data)
            return [
                Node("count", len(octets), "octets", at, 2),
                Node("table data", octets, "", moved(at, 2), len(octets)),
                Node("checksum", data[-1:], "", moved(at, 2 + len(octets)), 1),
            ]
    except ProtocolFault as odd:
        return [not_understood(data, at, odd.error.message)]
    if service is ServiceCode.NEGOTIATE and len(data) in (3, 4):
        speed = _speed(data[3]) if len(data) > 3 else ""
        words = f"packets of {int.from_bytes(data[:2], 'big')} octets, {data[2]} a message{speed}"
        return [Node("negotiated", data, words, at, len(data))]
    return [Node("data", data, "", at, len(data))]


def _speed(code: int) -> str:
    return f", {BAUD_RATES[code]} baud" if code in BAUD_RATES else f", no known speed ({code:02x})"


def _is_table_data(data: bytes) -> bool:
    """Tell whether octets are count, table octets and the right checksum, whatever was asked."""
    try:
        return len(data) > 3 and bool(parse_table_data(data))
    except ProtocolFault:
        return False
