"""HDLC and WRAPPER frames as JSON and as XML, and back to the very same octets.

    7E A0 19 ... 7E         {"frame": "hdlc", "destination": {"logical": 1, "physical": 17}, "source": ...
    00 01 00 10 00 01 ...   {"frame": "wrapper", "source": 16, "destination": 1, "pdu": {...}}

Lengths and checks are not told: they follow from the rest.  A frame that is damaged stands as octets.
Source: IEC 62056-46 and 62056-47; the element names are those the field's translators write.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec import json_parts
from meterkit.codec.json_parts import Members
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.control import HdlcControl, HdlcFrameType
from meterkit.dlms.hdlc.frame import FLAG, HdlcFrame
from meterkit.dlms.translate import apdu_documents
from meterkit.dlms.translate.apdu_documents import raw_json, raw_xml
from meterkit.dlms.translate.forms.hdlc_parameters import HdlcParametersForm
from meterkit.dlms.translate.forms.leaves import hex_number, hex_octets
from meterkit.dlms.translate.xml_text import Cursor, Element
from meterkit.dlms.wrapper import HEADER_SIZE, WrapperHeader, WrapperMessage
from meterkit.errors import ProtocolFault

LLC: Final = {"request": b"\xe6\xe6\x00", "response": b"\xe6\xe7\x00"}
_LLC_WORDS: Final = {octets: word for word, octets in LLC.items()}
_LLC_SIZE: Final = 3
_FLAGS: Final = {"both": (FLAG, FLAG), "start": (FLAG, b""), "end": (b"", FLAG), "none": (b"", b"")}
_TYPES: Final = {str(kind): kind for kind in HdlcFrameType}
_SEQUENCES: Final = ("send_sequence", "receive_sequence")
_WITH_PARAMETERS: Final = {HdlcFrameType.SNRM: "Snrm", HdlcFrameType.UA: "Ua"}
_PARAMETERS: Final = HdlcParametersForm()
HDLC_NAME, WRAPPER_NAME, LLC_NAME = "HDLC", "WRAPPER", "LLC"
_HALF: Final = {1: 0, 2: 7, 4: 14}  # bits of a lower address, by the octets of the whole


# ---------------------------------------------------------------- HDLC: octets to documents
def _opened(octets: bytes) -> tuple[HdlcFrame | None, str, str]:
    """Return the frame, which flags are its own, and why there is none."""
    start, end = octets[:1] == FLAG, octets[-1:] == FLAG
    flags = {(True, True): "both", (True, False): "start", (False, True): "end"}.get((start, end), "none")
    body = octets[start : len(octets) - end]
    try:
        frame = HdlcFrame.decode(body)
    except ProtocolFault as odd:
        return None, flags, odd.error.message
    if frame.encode() != FLAG + body + FLAG:
        return None, flags, "written otherwise than it would be again"
    return frame, flags, ""


def hdlc_json(octets: bytes) -> dict[str, object]:
    """Return one frame, with the flags that are its own, for JSON."""
    frame, flags, why = _opened(octets)
    if frame is None:
        return raw_json(octets, why)
    told: dict[str, object] = {"frame": "hdlc"}
    if flags != "both":
        told["flags"] = flags
    told |= {"destination": _address_json(frame.destination), "source": _address_json(frame.source)}
    control = frame.control
    told |= {"frame_type": str(control.frame_type), "poll_final": control.poll_final}
    told |= {name: number for name in _SEQUENCES if (number := getattr(control, name))}
    if frame.is_segmented:
        told["is_segmented"] = True
    return told | _information_json(frame)


def _address_json(address: HdlcAddress) -> dict[str, object]:
    told: dict[str, object] = {"logical": address.logical}
    if address.physical is not None:
        told |= {"physical": address.physical, "size": address.size}
    return told


def _information_json(frame: HdlcFrame) -> dict[str, object]:
    information, kind = frame.information, frame.control.frame_type
    if not information:
        return {}
    if kind in _WITH_PARAMETERS:
        if _PARAMETERS.is_exact(information):
            return {"parameters": _PARAMETERS.to_json(information)}
    elif not frame.is_segmented and (word := _LLC_WORDS.get(information[:_LLC_SIZE])):
        return {"llc": word, "pdu": apdu_documents.to_json(information[_LLC_SIZE:])}
    return {"information": information.hex()}


def hdlc_xml(octets: bytes) -> Element:
    """Return the element of one frame with the flags that are its own."""
    frame, flags, why = _opened(octets)
    if frame is None:
        return raw_xml(octets, why)
    attributes = {"len": f"{len(octets):X}"} | ({} if flags == "both" else {"Flags": flags})
    if frame.is_segmented:
        attributes["Segmented"] = "01"
    parts = [
        _address_xml("TargetAddress", frame.destination),
        _address_xml("SourceAddress", frame.source),
        Element.of("FrameType", f"{frame.control.encode():02X}"),
    ]
    return Element(HDLC_NAME, attributes, parts + _information_xml(frame))


def _address_xml(name: str, address: HdlcAddress) -> Element:
    number = address.logical << _HALF[address.size] | (address.physical or 0)
    size = {} if address.size == 1 else {"Size": str(address.size)}
    return Element(name, {"Value": f"{number:X}"} | size)


def _information_xml(frame: HdlcFrame) -> list[Element]:
    information, kind = frame.information, frame.control.frame_type
    if kind in _WITH_PARAMETERS:
        if information and _PARAMETERS.is_exact(information):
            return [Element(_WITH_PARAMETERS[kind], {}, _PARAMETERS.to_xml(information))]
    elif not frame.is_segmented and information[:_LLC_SIZE] in _LLC_WORDS:
        head = information[:_LLC_SIZE].hex().upper()
        return [Element("PDU", {"LLC": head}, [apdu_documents.to_xml(information[_LLC_SIZE:])])]
    return [Element.of("Information", information.hex().upper())] if information else []


# ---------------------------------------------------------------- HDLC: documents to octets
_MEMBERS: Final = ("frame", "flags", "destination", "source", "frame_type", "poll_final", *_SEQUENCES)
_CARRIED: Final = ("is_segmented", "parameters", "llc", "pdu", "information")


def hdlc_from_json(told: Members, where: str) -> bytes:
    """Return a frame's octets.  Errors: ValueError naming the place."""
    json_parts.only(told, where, *_MEMBERS, *_CARRIED)
    kind = _TYPES.get(str(told.get("frame_type")))
    if kind is None:
        raise json_parts.wrong(f"{where}.frame_type", f"one of {', '.join(_TYPES)}", told.get("frame_type"))
    numbers = [json_parts.whole(told.get(name, 0), f"{where}.{name}", 0, 7) for name in _SEQUENCES]
    poll = json_parts.boolean(told.get("poll_final"), f"{where}.poll_final")
    segmented = json_parts.boolean(told.get("is_segmented", False), f"{where}.is_segmented")
    flags = str(told.get("flags", "both"))
    if flags not in _FLAGS:
        raise json_parts.wrong(f"{where}.flags", f"one of {', '.join(_FLAGS)}", flags)
    try:
        octets = HdlcFrame(
            _address_from_json(told.get("destination"), f"{where}.destination"),
            _address_from_json(told.get("source"), f"{where}.source"),
            HdlcControl(kind, poll, *numbers),
            _information_from_json(told, where),
            segmented,
        ).encode()
    except ValueError as odd:
        raise ValueError(str(odd) if where in str(odd) else f"{where}: {odd}") from None
    return _flagged(octets, flags)


def _flagged(octets: bytes, flags: str) -> bytes:
    start, end = _FLAGS[flags]
    return start + octets[1:-1] + end


def _address_from_json(told: object, where: str) -> HdlcAddress:
    found = json_parts.members(told, where)
    json_parts.only(found, where, "logical", "physical", "size")
    logical = json_parts.whole(found.get("logical"), f"{where}.logical", 0, 0x3FFF)
    size = json_parts.whole(found.get("size", 0), f"{where}.size", 0, 4)
    physical = found.get("physical")
    if physical is not None:
        physical = json_parts.whole(physical, f"{where}.physical", 0, 0x3FFF)
    return HdlcAddress(logical, physical, size)


def _information_from_json(told: Members, where: str) -> bytes:
    if "parameters" in told:
        return _PARAMETERS.from_json(told["parameters"], f"{where}.parameters")
    if "pdu" in told:
        return llc_octets(told, where) + apdu_documents.from_json(told["pdu"], f"{where}.pdu")
    return json_parts.octets(told.get("information", ""), f"{where}.information")


def llc_octets(told: Members, where: str) -> bytes:
    """Return the three octets of "request" or "response"."""
    word = str(told.get("llc"))
    if word not in LLC:
        raise json_parts.wrong(f"{where}.llc", "request or response", told.get("llc"))
    return LLC[word]


def hdlc_from_xml(element: Element) -> bytes:
    """Return a frame's octets.  Errors: ValueError naming the line."""
    at = Cursor(element)
    destination, source = (
        _address_from_xml(at.take("TargetAddress")),
        _address_from_xml(at.take("SourceAddress")),
    )
    kind = at.take("FrameType")
    flags = element.attributes.get("Flags", "both")
    try:
        control = HdlcControl.decode(hex_number(kind, 1))
    except ProtocolFault as odd:
        raise ValueError(f"{kind.place}: {odd.error.message}") from None
    if flags not in _FLAGS:
        raise ValueError(f"{element.place}: Flags are one of {', '.join(_FLAGS)}")
    information = _information_from_xml(at)
    at.finish()
    frame = HdlcFrame(
        destination, source, control, information, element.attributes.get("Segmented", "00") == "01"
    )
    try:
        return _flagged(frame.encode(), flags)
    except ValueError as odd:
        raise ValueError(f"{element.place}: {odd}") from None


def _address_from_xml(element: Element) -> HdlcAddress:
    number = hex_number(element, 4)
    try:
        size = int(element.attributes.get("Size", "1" if number <= 0x7F else "2"))
        bits = _HALF[size]
        return HdlcAddress(number >> bits, number & (1 << bits) - 1 if bits else None, size)
    except (ValueError, KeyError) as odd:
        raise ValueError(f"{element.place}: an address in 1, 2 or 4 octets expected: {odd}") from None


def _information_from_xml(at: Cursor) -> bytes:
    if at.next_name == "Command":  # what other translators say of RR and the like; FrameType has said it
        at.take()
    match at.next_name:
        case "":
            return b""
        case "Information":
            return hex_octets(at.take())
        case "Snrm" | "Ua":
            return _PARAMETERS.from_xml(Cursor(at.take()))
        case _:
            element = at.take("PDU")
    within = Cursor(element)
    if within.next_name in _WITH_PARAMETERS.values():
        return _PARAMETERS.from_xml(Cursor(within.take()))
    octets = apdu_documents.from_xml(within.take())
    within.finish()
    return hex_octets(element, "LLC") + octets if "LLC" in element.attributes else octets


# ---------------------------------------------------------------- WRAPPER, LLC alone
def wrapper_json(octets: bytes) -> dict[str, object]:
    """Return one message with its header for JSON."""
    header = WrapperHeader.decode(octets)
    apdu = apdu_documents.to_json(octets[HEADER_SIZE:])
    return {"frame": "wrapper", "source": header.source, "destination": header.destination, "pdu": apdu}


def wrapper_from_json(told: Members, where: str) -> bytes:
    """Return a message's octets.  Errors: ValueError naming the place."""
    json_parts.only(told, where, "frame", "source", "destination", "pdu")
    source, destination = (
        json_parts.whole(told.get(name), f"{where}.{name}", 0, 0xFFFF) for name in ("source", "destination")
    )
    return _wrapped(source, destination, apdu_documents.from_json(told.get("pdu"), f"{where}.pdu"), where)


def wrapper_xml(octets: bytes) -> Element:
    """Return the element of one message with its header."""
    header = WrapperHeader.decode(octets)
    parts = [
        Element.of("TargetAddress", f"{header.destination:X}"),
        Element.of("SourceAddress", f"{header.source:X}"),
        Element("PDU", {}, [apdu_documents.to_xml(octets[HEADER_SIZE:])]),
    ]
    return Element(WRAPPER_NAME, {"len": f"{len(octets):X}"}, parts)


def wrapper_from_xml(element: Element) -> bytes:
    """Return a message's octets.  Errors: ValueError naming the line."""
    at = Cursor(element)
    destination, source = hex_number(at.take("TargetAddress"), 2), hex_number(at.take("SourceAddress"), 2)
    apdu = _pdu(at.take("PDU"))
    at.finish()
    return _wrapped(source, destination, apdu, element.place)


def _wrapped(source: int, destination: int, apdu: bytes, where: str) -> bytes:
    try:
        return WrapperMessage(WrapperHeader(source, destination, len(apdu)), apdu).encode()
    except ValueError as odd:
        raise ValueError(f"{where}: {odd}") from None


def _pdu(element: Element) -> bytes:
    within = Cursor(element)
    octets = apdu_documents.from_xml(within.take())
    within.finish()
    return octets


def llc_xml(octets: bytes) -> Element:
    """Return the element of an LLC header with its APDU."""
    apdu = apdu_documents.to_xml(octets[_LLC_SIZE:])
    return Element(LLC_NAME, {"Value": octets[:_LLC_SIZE].hex().upper()}, [apdu])


def llc_from_xml(element: Element) -> bytes:
    """Return the octets of both."""
    return hex_octets(element) + _pdu(element)


def llc_json(octets: bytes) -> dict[str, object]:
    """Return an LLC header with its APDU for JSON."""
    head, apdu = octets[:_LLC_SIZE], octets[_LLC_SIZE:]
    return {"frame": "llc", "llc": _LLC_WORDS[head], "pdu": apdu_documents.to_json(apdu)}
