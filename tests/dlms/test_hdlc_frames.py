"""HDLC addresses, control octets, frames and parameters: the vectors both ways, and every damage."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec.crc import crc16, crc16_wire
from meterkit.dlms.hdlc.control import CONTROLS
from meterkit.dlms.hdlc.frame import HdlcAddress, HdlcControl, HdlcFrame, HdlcFrameType
from meterkit.dlms.hdlc.parameters import HdlcParameters
from meterkit.errors import ErrorKind, ProtocolFault

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
BY_NAME = {v["name"]: bytes.fromhex(v["hex"]) for v in VECTORS if v["kind"] in ("hdlc", "hdlc-push", "fcs")}
FRAMES = [
    pytest.param(bytes.fromhex(v["hex"]), id=v["name"])
    for v in VECTORS
    if v["name"].startswith("hdlc-") and v["kind"] in ("hdlc", "hdlc-push")
]
CLIENT, METER = HdlcAddress(16), HdlcAddress(1, 17)


def kinds(octets):
    with pytest.raises(ProtocolFault) as caught:
        HdlcFrame.decode(octets)
    assert caught.value.error.message
    return caught.value.error.kind


@pytest.mark.parametrize("octets", FRAMES)
def test_a_captured_frame_goes_both_ways(octets):
    frame = HdlcFrame.decode(octets)
    assert frame.encode() == octets
    assert HdlcFrame.decode(octets[1:-1]) == frame
    assert frame.has_information == bool(frame.information)


def test_captured_frames_say_what_they_are():
    def told(name):
        return str(HdlcFrame.decode(BY_NAME[name]))

    assert told("hdlc-snrm-phys") == "SNRM P/F=1 from 16 to 1/17"
    assert told("hdlc-aarq") == "I N(S)=0 N(R)=0 P/F=1 from 16 to 1/17, 34 octets"
    assert told("hdlc-aare") == "I N(S)=0 N(R)=1 P/F=1 from 1/17 to 16, 46 octets"
    assert told("hdlc-rr") == "RR N(R)=7 P/F=1 from 16 to 1"
    assert told("hdlc-disc") == "DISC P/F=1 from 16 to 1"
    assert told("hdlc-dm") == "DM P/F=1 from 1 to 16"
    assert told("hdlc-frmr") == "FRMR P/F=1 from 1 to 16"
    assert told("hdlc-ui-kamstrup-han") == "UI P/F=1 from 16 to 21, 217 octets"


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in VECTORS if v["kind"] == "fcs"])
def test_the_check_is_the_vectors(vector):
    octets, expected = bytes.fromhex(vector["hex"]), vector["expected"]
    assert crc16_wire(octets).hex().upper() == expected["fcs_on_wire"]
    assert crc16(octets) == int.from_bytes(bytes.fromhex(expected["fcs_on_wire"]), "little")


@pytest.mark.parametrize("name", ["fcs-A02321000200", "fcs-A01E7595966F"])
def test_a_body_with_its_check_is_a_frame(name):
    body = BY_NAME[name] + crc16_wire(BY_NAME[name])
    if len(body) == (body[0] & 7) << 8 | body[1]:
        assert HdlcFrame.decode(body).encode() == b"\x7e" + body + b"\x7e"
    else:
        assert kinds(body) is ErrorKind.FRAMING


@pytest.mark.parametrize("octets", FRAMES)
def test_no_flipped_bit_is_taken_for_a_frame(octets):
    for bit in range(8, len(octets) * 8 - 8):
        damaged = bytearray(octets)
        damaged[bit // 8] ^= 1 << bit % 8
        assert kinds(bytes(damaged)) in (ErrorKind.CRC, ErrorKind.FRAMING, ErrorKind.PROTOCOL)


@pytest.mark.parametrize("octets", FRAMES)
def test_no_part_and_no_tail_is_taken_for_a_frame(octets):
    for end in range(len(octets) - 1):
        assert kinds(octets[:end]) is ErrorKind.FRAMING
    assert kinds(octets + b"\x00") is ErrorKind.FRAMING


@given(st.binary(max_size=80))
def test_any_octets_are_a_frame_or_a_fault(octets):
    for candidate in (octets, b"\x7e\xa0" + octets, octets + crc16_wire(octets)):
        try:
            frame = HdlcFrame.decode(candidate)
        except ProtocolFault:
            continue
        assert HdlcFrame.decode(frame.encode()) == frame


addresses = st.one_of(
    st.builds(HdlcAddress, st.integers(0, 0x7F)),
    st.builds(HdlcAddress, st.integers(0, 0x3FFF), st.integers(0, 0x3FFF)),
    st.builds(HdlcAddress, st.integers(0, 0x7F), st.integers(0, 0x7F), st.sampled_from([2, 4])),
)


@given(
    addresses,
    addresses,
    st.sampled_from(sorted(CONTROLS)),
    st.one_of(st.binary(max_size=300), st.just(b"\x7e" * 2030), st.just(b"\xa0" * 2030)),
    st.booleans(),
)
def test_every_frame_goes_both_ways(destination, source, control, information, is_segmented):
    frame = HdlcFrame(destination, source, HdlcControl.decode(control), information, is_segmented)
    back = HdlcFrame.decode(frame.encode())
    assert back == frame
    assert (back.destination.size, back.source.size) == (destination.size, source.size)


def test_a_frame_with_hcs_but_without_information_is_understood():
    header = b"\xa0\x09\x21\x03\x11"
    header += crc16_wire(header)
    body = header + crc16_wire(header)
    assert HdlcFrame.decode(body) == HdlcFrame(
        CLIENT, HdlcAddress(1), HdlcControl(HdlcFrameType.RR, True, 0, 0)
    )


def test_a_frame_holds_2030_octets_and_more_than_2047_in_all_is_refused():
    control = HdlcControl(HdlcFrameType.UI)
    assert len(HdlcFrame(HdlcAddress(1, 2, 4), CLIENT, control, bytes(2030)).encode()) == 2044
    with pytest.raises(ValueError, match="2047 is most"):
        HdlcFrame(METER, CLIENT, control, bytes(2040)).encode()


@pytest.mark.parametrize(
    ("octets", "logical", "physical"),
    [
        ("c9", 100, None),
        ("0223", 1, 17),
        ("03", 1, None),
        ("00020023", 1, 17),
        ("02462c85", 0x01 << 7 | 0x23, 0x16 << 7 | 0x42),
        ("fefefeff", 0x3FFF, 0x3FFF),
    ],
)
def test_an_address_goes_both_ways(octets, logical, physical):
    address = HdlcAddress.decode(bytes.fromhex(octets))
    assert (address.logical, address.physical) == (logical, physical)
    assert address.encode().hex() == octets
    assert address.encoded_length == len(octets) // 2


def test_the_addresses_of_the_vectors():
    for vector in VECTORS:
        if vector["kind"] == "hdlc-address":
            octets = bytes.fromhex(vector["hex"])
            address = HdlcAddress.decode(octets)
            assert HdlcAddress(address.logical, address.physical).encode() == octets


@pytest.mark.parametrize("octets", ["", "02", "0303", "020203", "02020202", "0202020203", "02030203"])
def test_an_address_of_another_shape_is_refused(octets):
    with pytest.raises(ProtocolFault, match="1, 2 or 4 octets"):
        HdlcAddress.decode(bytes.fromhex(octets))


def test_an_address_is_the_same_station_in_any_width():
    assert HdlcAddress(1, 17) == HdlcAddress(1, 17, 4)
    assert hash(HdlcAddress(1, 17)) == hash(HdlcAddress(1, 17, 4))
    assert HdlcAddress(1, -1) == HdlcAddress(1) != HdlcAddress(1, 0)
    assert HdlcAddress(1, 200).size == HdlcAddress(200, 1).size == 4


@pytest.mark.parametrize(
    "arguments",
    [(128,), (-2,), (1, 17, 1), (1, None, 2), (1, 17, 3), (1, 200, 2), (0x4000, 1), (1, 0x4000), (1, -2)],
)
def test_an_address_that_does_not_fit_is_the_programmers_error(arguments):
    with pytest.raises(ValueError, match="address"):
        HdlcAddress(*arguments)


def test_the_address_from_a_serial_number():
    address = HdlcAddress.from_serial_number(12345678)
    assert (address.logical, address.physical, address.size) == (1, 6678, 4)
    assert HdlcAddress.from_serial_number(9999, logical=3).encode().hex() == "0006aaef"
    with pytest.raises(ValueError, match="negative"):
        HdlcAddress.from_serial_number(-1)


def test_addresses_of_nobody_and_everybody():
    assert HdlcAddress(0).is_no_station
    assert HdlcAddress(0, 0, 4).is_no_station
    assert not HdlcAddress(0, 17).is_no_station
    groups = [(0x7F,), (0x3FFF, 0x3FFF), (1, 0x7F), (1, 0x3FFF), (1, 0x7E), (1, 0x3FFE)]
    assert all(HdlcAddress(*group).is_group for group in groups)
    assert not any(
        a.is_group for a in (CLIENT, METER, HdlcAddress.MANAGEMENT_CLIENT, HdlcAddress.METER_SERVER)
    )
    assert HdlcAddress.ALL_STATIONS.encode() == b"\xff"
    assert HdlcAddress.PUBLIC_CLIENT.encode() == b"\x21"


def test_every_control_octet_goes_both_ways():
    for octet in range(256):
        if octet in CONTROLS:
            assert HdlcControl.decode(octet).encode() == octet
        else:
            with pytest.raises(ProtocolFault, match=f"{octet:02x}"):
                HdlcControl.decode(octet)
    assert len(CONTROLS) == 128 + 3 * 16 + 6 * 2
    assert [c.encode() for c in (HdlcControl.SNRM, HdlcControl.DISC, HdlcControl.UA, HdlcControl.DM)] == [
        0x93, 0x53, 0x73, 0x1F,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        (HdlcFrameType.INFORMATION, True, 8, 0),
        (HdlcFrameType.RR, True, 1, 0),
        (HdlcFrameType.RR, True, 0, -1),
        (HdlcFrameType.SNRM, True, 0, 1),
    ],
)
def test_sequence_numbers_that_do_not_fit_are_the_programmers_error(arguments):
    with pytest.raises(ValueError, match="expected"):
        HdlcControl(*arguments)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("", (128, 128, 1, 1)),
        ("818000", (128, 128, 1, 1)),
        ("8180120501800601800704000000010804 00000001", (128, 128, 1, 1)),
        ("818014 05020080 06020080 070400000001 080400000001", (128, 128, 1, 1)),
        ("81800e 05020400 06020200 070103 080107", (1024, 512, 3, 7)),
        ("818009 050100 070100 080100", (128, 128, 1, 1)),
        ("818004 0502ffff", (2030, 128, 1, 1)),
        ("818006 070400000009", (128, 128, 7, 1)),
        ("81 90020102 8003050140", (64, 128, 1, 1)),
        ("818006 4401ff 060120", (128, 32, 1, 1)),
        ("818007 05050000000001", None),
        ("818002 0500", None),
        ("818003 050180 06", None),
        ("808003 050180", None),
    ],
)
def test_parameters_are_read_in_every_width(octets, expected):
    if expected is None:
        with pytest.raises(ProtocolFault):
            HdlcParameters.decode(bytes.fromhex(octets))
    else:
        assert HdlcParameters.decode(bytes.fromhex(octets)) == HdlcParameters(*expected)


def test_parameters_of_captured_ua_frames():
    for name, size in (("hdlc-ua-default", 128), ("hdlc-ua-0x9A", 154)):
        information = HdlcFrame.decode(BY_NAME[name]).information
        parameters = HdlcParameters.decode(information)
        assert parameters == HdlcParameters(size, size, 1, 1)
        assert parameters.encode() == information


@given(st.integers(1, 2030), st.integers(1, 2030), st.integers(1, 7), st.integers(1, 7))
def test_parameters_go_both_ways(transmit, receive, window_transmit, window_receive):
    parameters = HdlcParameters(transmit, receive, window_transmit, window_receive)
    assert HdlcParameters.decode(parameters.encode()) == parameters
    assert parameters.as_seen_by_the_other_end().as_seen_by_the_other_end() == parameters


@given(st.binary(max_size=40))
def test_any_octets_are_parameters_or_a_fault(octets):
    for candidate in (octets, b"\x81\x80" + octets, b"\x81\x80" + bytes([len(octets)]) + octets):
        try:
            assert HdlcParameters.decode(candidate).max_info_transmit >= 1
        except ProtocolFault:
            continue


def test_every_cut_of_parameters_is_a_fault():
    whole = HdlcParameters(1024, 512, 3, 7).encode()
    for end in range(2, len(whole)):
        with pytest.raises(ProtocolFault):
            HdlcParameters.decode(whole[:end])


@pytest.mark.parametrize("numbers", [(0,), (2031,), (128, 0), (128, 128, 0), (128, 128, 8), (128, 128, 1, 8)])
def test_parameters_that_do_not_fit_are_the_programmers_error(numbers):
    with pytest.raises(ValueError, match="expected"):
        HdlcParameters(*numbers)
