"""Packets as octets: every captured frame both ways, and every way a frame can be wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.packet import ACK, NAK, OVERHEAD_SIZE, STP, ControlByte, ControlFlags, PsemFrame

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
CAPTURES = [v for v in VECTORS if v["kind"] in ("frame", "multi-packet", "duplicate")]
FRAMES = [
    pytest.param(frame, id=f"{capture['name']}-{number}")
    for capture in CAPTURES
    for number, frame in enumerate(capture["expected"]["decoded"])
    if frame != "ACK"
]
IDENTIFY = bytes.fromhex("ee0000000001201310")


def build(frame):
    control = ControlByte.decode(frame["ctrl"])
    return PsemFrame(frame["identity"], control, frame["seq"], bytes.fromhex(frame["data"]))


@pytest.mark.parametrize("capture", [pytest.param(c, id=c["name"]) for c in CAPTURES])
def test_a_capture_is_rebuilt_from_its_parts(capture):
    parts = capture["expected"]["decoded"]
    octets = b"".join(bytes([ACK]) if part == "ACK" else build(part).encode() for part in parts)
    assert octets.hex() == capture["hex"]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_captured_frame_reads_as_published(frame):
    octets = build(frame).encode()
    decoded = PsemFrame.decode(octets)
    assert decoded == build(frame)
    assert decoded.total_length == len(octets) == frame["length"] + OVERHEAD_SIZE
    assert decoded.crc.to_bytes(2, "little").hex() == frame["crc"]
    control = decoded.control
    assert (control.is_multi_packet, control.is_first, control.is_toggled, control.data_format) == (
        frame["multi"],
        frame["first"],
        frame["toggle"],
        frame["data_format"],
    )


@pytest.mark.parametrize("frame", FRAMES[:30])
def test_every_flipped_bit_is_noticed(frame):
    octets = build(frame).encode()
    for bit in range(len(octets) * 8):
        damaged = bytearray(octets)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolFault) as caught:
            PsemFrame.decode(bytes(damaged))
        assert caught.value.error.kind in (ErrorKind.CRC, ErrorKind.FRAMING)


def test_every_cut_and_every_tail_is_noticed():
    for length in range(len(IDENTIFY)):
        with pytest.raises(ProtocolFault) as caught:
            PsemFrame.decode(IDENTIFY[:length])
        assert caught.value.error.kind is ErrorKind.FRAMING
    with pytest.raises(ProtocolFault, match="says 9 octets, 10 came"):
        PsemFrame.decode(IDENTIFY + b"\x00")


def test_a_damaged_frame_says_which_crc_was_expected():
    damaged = bytes.fromhex(next(v for v in VECTORS if v["kind"] == "frame-negative")["hex"])
    with pytest.raises(ProtocolFault, match="ends in CRC 13 11 where 13 10 was expected") as caught:
        PsemFrame.decode(damaged)
    assert caught.value.error.kind is ErrorKind.CRC


def test_a_frame_without_data_is_refused_both_ways():
    with pytest.raises(ValueError, match="1 to 8184 octets, not 0"):
        PsemFrame().encode()
    with pytest.raises(ProtocolFault, match="without data"):
        PsemFrame.decode(bytes.fromhex("ee0000000000") + b"\0\0")


def test_a_field_that_does_not_fit_its_octet_is_a_mistake():
    for frame in (PsemFrame(identity=256, data=b"x"), PsemFrame(sequence=-1, data=b"x")):
        with pytest.raises(ValueError):
            frame.encode()
    with pytest.raises(ValueError, match="not 8185"):
        PsemFrame(data=bytes(8185)).encode()


def test_the_names_of_the_standard_and_of_sharpmeter_have_their_values():
    assert (STP, ACK, NAK, OVERHEAD_SIZE) == (0xEE, 0x06, 0x15, 8)
    assert (ControlFlags.TOGGLE, ControlFlags.FIRST, ControlFlags.MULTI) == (0x20, 0x40, 0x80)
    assert ControlFlags.SINGLE_PACKET is ControlFlags.FIRST


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(min_size=1, max_size=200))
def test_what_was_encoded_decodes(identity, control, sequence, data):
    frame = PsemFrame(identity, ControlByte.decode(control), sequence, data)
    assert PsemFrame.decode(frame.encode()) == frame
    assert frame.control.encode() == control


@given(st.binary(max_size=40))
def test_any_octets_give_a_frame_or_a_fault(octets):
    for candidate in (octets, b"\xee" + octets):
        try:
            encoded = PsemFrame.decode(candidate).encode()
        except ProtocolFault:
            continue
        assert encoded == candidate
