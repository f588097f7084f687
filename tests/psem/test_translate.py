"""Captured PSEM octets become trees, and nothing raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.psem.packet import ControlByte, ControlFlags, PsemFrame
from meterkit.psem.services import ServiceRequest, checksum
from meterkit.psem.translate import translate
from meterkit.tree import NOT_UNDERSTOOD, strange_octets, text


def packet(data: bytes, flags: ControlFlags = ControlFlags.NONE, sequence: int = 0) -> bytes:
    return PsemFrame(control=ControlByte(flags), sequence=sequence, data=data).encode()


def response(octets: bytes) -> bytes:
    return b"\0" + len(octets).to_bytes(2, "big") + octets + bytes((checksum(octets),))


def test_a_session_is_told_packet_by_packet():
    capture = (
        packet(ServiceRequest.identify().encode())
        + b"\x06"
        + packet(bytes.fromhex("0000010000"), ControlFlags.TOGGLE)
        + b"\x06"
        + packet(ServiceRequest.read_full(1).encode(), ControlFlags.TOGGLE)
        + b"\x06"
        + packet(response(b"MKT meter"))
        + b"\x15"
    )
    nodes = translate(capture)
    assert [node.name for node in nodes] == ["packet", "ACK"] * 3 + ["packet", "NAK"]
    told = text(nodes)
    assert "identify request" in told
    assert "C12.18 version 1.0, no features" in told
    assert "response (ok to read ST1)" in told
    assert strange_octets(nodes) == 0
    json.dumps([node.document() for node in nodes])


def test_a_message_in_several_packets_is_put_together():
    message = response(bytes(100))
    multi = ControlFlags.MULTI
    nodes = translate(packet(message[:60], multi | ControlFlags.FIRST, 1) + packet(message[60:], multi, 0))
    assert nodes[0].find("response") is None
    table = nodes[1].find("table data")
    assert table is not None
    assert table.value == bytes(100)


@pytest.mark.parametrize(
    ("request_", "answer", "told"),
    [
        (
            ServiceRequest.identify(),
            "00 0200",
            "identify: standard, version and revision expected, 02 00 came",
        ),
        (
            ServiceRequest.read_full(1),
            "00 0002 0a0b 00",
            "read response: checksum 00 came where eb fits 2 octets; read again, "
            "and if it stays so, suspect the meter's memory or firmware",
        ),
        (
            ServiceRequest.read_full(1),
            "00 0003 0a0b eb",
            "read response: count 00 03 asks for 6 octets with checksum, 5 came",
        ),
    ],
)
def test_an_answer_that_does_not_fit_its_request_says_why(request_, answer, told):
    octets = bytes.fromhex(answer)
    nodes = translate(packet(request_.encode()) + packet(octets))
    (strange,) = (part for part in nodes[1].find("response").children if part.name == NOT_UNDERSTOOD)
    assert (strange.value, strange.meaning) == (octets[1:], told)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("00 0040 02 06", "packets of 64 octets, 2 a message, 9600 baud"),
        ("00 0200 04", "packets of 512 octets, 4 a message"),
        ("00 0040 01 0f", "packets of 64 octets, 1 a message, no known speed (0f)"),
    ],
)
def test_what_was_negotiated_is_told_in_words(answer, told):
    asked = ServiceRequest.negotiate(64, 2, [9600])
    nodes = translate(packet(asked.encode()) + packet(bytes.fromhex(answer)))
    assert nodes[1].find("negotiated").meaning == told


def test_a_refusal_comes_with_advice():
    nodes = translate(packet(ServiceRequest.read_full(64).encode()) + packet(b"\x03"))
    assert "insufficient security clearance" in text(nodes)


def test_a_damaged_packet_is_shown_with_its_crc():
    damaged = bytearray(packet(b"\x20"))
    damaged[-1] ^= 1
    (node,) = translate(bytes(damaged))
    assert node.name == NOT_UNDERSTOOD
    assert "CRC" in node.meaning


@pytest.mark.parametrize(("octets", "name"), [("300001", "read-full request"), ("03", "response")])
def test_a_service_without_a_packet_is_read_too(octets, name):
    assert translate(bytes.fromhex(octets))[0].name == name


@given(st.lists(st.sampled_from([b"\x06", b"\x15", b"\xee", packet(b"\x20"), packet(b"\0")]), max_size=8))
def test_any_mixture_gives_trees_that_account_for_every_octet(parts):
    octets = b"".join(parts)
    nodes = translate(octets)
    assert sum(node.length for node in nodes) == len(octets)


@given(st.binary(max_size=100))
def test_any_octets_give_a_tree(octets):
    assert text(translate(octets))
