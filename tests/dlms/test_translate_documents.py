"""Captures as JSON and XML, and both back to the very same octets: every APDU, value and frame."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.codec.crc import crc16_wire
from meterkit.dlms.acse.apdus import Aarq
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.control import CONTROLS
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.translate import documents
from meterkit.dlms.wrapper import WrapperHeader, WrapperMessage
from tests.codec.axdr_trees import trees
from tests.dlms.apdus import APDUS, any_apdu

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
GET = bytes.fromhex("c001c100080000010000ff0200")


def check(*pieces: bytes) -> str:
    """Both ways come back; return the JSON."""
    written = json.dumps(documents.to_json(*pieces), allow_nan=False)
    assert b"".join(documents.from_json(json.loads(written))) == b"".join(pieces)
    assert b"".join(documents.from_xml(documents.to_xml(*pieces))) == b"".join(pieces)
    return written


@pytest.mark.parametrize("kind", APDUS, ids=lambda kind: kind.__name__)
def test_every_apdu_comes_back_octet_for_octet(kind):
    @given(APDUS[kind])
    @settings(max_examples=60, derandomize=True, deadline=None)
    def try_one(apdu):
        (message,) = json.loads(check(apdu.encode()))["messages"]
        assert message["apdu"]

    try_one()


@given(trees)
@settings(max_examples=300, derandomize=True, deadline=None)
def test_every_value_comes_back_octet_for_octet(data):
    check(b"\xc4\x01\xc1\x00" + data.encode())
    check(data.encode())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_comes_back_whole_and_broken(vector):
    octets = bytes.fromhex(vector["hex"])
    check(octets)
    for at in range(0, len(octets), 3):
        check(octets[:at] + bytes((octets[at] ^ 0x55,)) + octets[at + 1 :])
        check(octets[:at], octets[at:])


@given(st.binary(max_size=120))
@settings(max_examples=400, derandomize=True, deadline=None)
def test_any_octets_come_back(octets):
    check(octets)


addresses = st.one_of(
    st.builds(HdlcAddress, st.integers(0, 0x7F)),
    st.builds(HdlcAddress, st.integers(0, 0x7F), st.integers(0, 0x7F), st.just(2)),
    st.builds(HdlcAddress, st.integers(0, 0x3FFF), st.integers(0, 0x3FFF), st.just(4)),
)
llcs = st.sampled_from((b"", b"\xe6\xe6\x00", b"\xe6\xe7\x00"))
frames = st.builds(
    lambda to, sender, control, llc, apdu, more: HdlcFrame(to, sender, control, llc + apdu, more).encode(),
    addresses,
    addresses,
    st.sampled_from(list(CONTROLS.values())),
    llcs,
    st.just(b"") | any_apdu.map(lambda apdu: apdu.encode()[:500]) | st.binary(max_size=40),
    st.booleans(),
)


@given(st.lists(frames, min_size=1, max_size=3), st.booleans())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_hdlc_frames_come_back_with_the_flags_they_had(several, is_shared):
    check(several[0] + b"".join(frame[1:] if is_shared else frame for frame in several[1:]))


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), any_apdu), min_size=1, max_size=3))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_wrapper_messages_come_back(several):
    apdus = [(port, apdu.encode()) for port, apdu in several]
    octets = b"".join(WrapperMessage(WrapperHeader(p, 1, len(a)), a).encode() for p, a in apdus)
    assert len(json.loads(check(octets))["messages"]) == len(several)


@pytest.mark.parametrize(
    "information", ["8180140502008006020080070400000001080400000001", "8180060501f00701 07"]
)
def test_what_snrm_and_ua_negotiate_is_told_with_the_octets_it_takes(information):
    octets = HdlcFrame(HdlcAddress(16), HdlcAddress(1), CONTROLS[0x73], bytes.fromhex(information)).encode()
    (message,) = json.loads(check(octets))["messages"]
    assert "parameters" in message


@pytest.mark.parametrize(
    "information",
    ["818003090107", "81800405030080", "818004 05 03 000080"],
    ids=["unknown", "cut", "3 octets"],
)
def test_parameters_that_are_none_stand_as_octets(information):
    octets = HdlcFrame(HdlcAddress(16), HdlcAddress(1), CONTROLS[0x73], bytes.fromhex(information)).encode()
    (message,) = json.loads(check(octets))["messages"]
    assert message["information"] == information.replace(" ", "")


def test_a_frame_with_a_header_check_and_nothing_behind_it_stands_as_octets():
    body = bytes.fromhex("a00921 03 93")  # SNRM; 9 octets with both checks
    body += crc16_wire(body)
    body += crc16_wire(body)
    (message,) = json.loads(check(b"\x7e" + body + b"\x7e"))["messages"]
    assert message["why"] == "written otherwise than it would be again"


@pytest.mark.parametrize("octets", ["098101aa", "01810111 05"])
def test_a_value_with_longer_lengths_than_it_needs_stands_as_octets(octets):
    (message,) = json.loads(check(bytes.fromhex(octets)))["messages"]
    assert message == {
        "octets": octets.replace(" ", ""),
        "why": "a value with lengths longer than they need be",
    }


@pytest.mark.parametrize("head", ["e6e600", "e6e700"])
def test_an_apdu_behind_its_llc_header_alone_comes_back(head):
    (message,) = json.loads(check(bytes.fromhex(head) + GET))["messages"]
    assert (message["frame"], message["pdu"]["apdu"]) == ("llc", "get-request-normal")


def test_bits_behind_the_last_of_a_bit_string_come_back():
    (message,) = json.loads(check(bytes.fromhex("0403ff")))["messages"]
    assert message["data"] == {"type": "bit-string", "bits": 3, "hex": "ff"}


def test_a_cipher_text_too_short_for_its_head_comes_back():
    (message,) = json.loads(check(bytes.fromhex("c8023000")))["messages"]
    assert message["content"] == {"hex": "3000"}


@pytest.mark.parametrize("tag", [tag for tag in ApduTag if tag.is_ciphered], ids=lambda tag: tag.name)
def test_ciphered_apdus_come_back(tag):
    title, content = b"\x08METER001", bytes.fromhex("1e 30 01234567") + bytes(25)
    if tag in (ApduTag.GENERAL_GLO_CIPHERING, ApduTag.GENERAL_DED_CIPHERING):
        octets = bytes((tag,)) + title + content
    elif tag is ApduTag.GENERAL_SIGNING:
        octets = bytes((tag,)) + b"\x01\x05" + title + title + b"\x00\x00" + content + b"\x02\xaa\xbb"
    elif tag is ApduTag.GENERAL_CIPHERING:
        octets = (
            bytes((tag,)) + b"\x01\x05" + title + title + b"\x00\x00" + b"\x01\x02\x01\x02\x01\xcc" + content
        )
    else:
        octets = bytes((tag,)) + content
    (message,) = json.loads(check(octets))["messages"]
    assert message["apdu"] == tag.standard_name


@pytest.mark.parametrize("key_info", ["00", "01 00 01", "01 01 00 02 aabb", "01 02 01 01 00"])
def test_every_way_to_say_which_key_comes_back(key_info):
    head = bytes.fromhex("dd 01 05 08 4d45544552303031 00 00 00")
    octets = head + bytes.fromhex(key_info) + b"\x06" + bytes(6)
    assert "octets" not in json.loads(check(octets))["messages"][0]


def test_what_is_under_a_cipher_stands_beside_the_cipher_text_which_alone_counts():
    octets = bytes.fromhex("c8 1e 30 01234567") + bytes(25)
    asked: list[bytes] = []

    def decipher(apdu: bytes) -> bytes:
        asked.append(apdu)
        return GET

    document = documents.to_json(octets, decipher=decipher)
    assert '"plaintext": {"apdu": "get-request-normal"' in json.dumps(document)
    assert documents.from_json(document) == (octets,)
    written = documents.to_xml(octets, decipher=decipher)
    assert "<Plaintext>" in written
    assert "<GetRequestNormal>" in written
    assert documents.from_xml(written) == (octets,)
    assert asked == [octets, octets]


def test_ciphers_within_ciphers_end_somewhere():
    octets = bytes.fromhex("c8 1e 30 01234567") + bytes(25)
    document = documents.to_json(octets, decipher=lambda apdu: apdu)
    # The outer one, and 8 under one another's ciphers, each with what is under it.
    assert json.dumps(document).count('"plaintext"') == 9
    assert documents.to_xml(octets, decipher=lambda apdu: apdu).count("<Plaintext>") == 9


def test_a_list_under_a_cipher_is_looked_through():
    octets = bytes.fromhex("c8 1e 30 01234567") + bytes(25)
    listed = bytes.fromhex("c003c101 0008 0000010000ff 02 00")
    document = documents.to_json(octets, decipher=lambda _: listed)
    assert '"apdu": "get-request-with-list"' in json.dumps(document)


def test_a_cipher_within_an_aarq_is_deciphered_too():
    initiate = bytes.fromhex("21 11 20 01234567") + bytes(12)
    aarq = Aarq(user_information=initiate).encode()
    found: list[int] = []
    documents.to_json(aarq, decipher=lambda apdu: found.append(apdu[0]))
    documents.to_xml(aarq, decipher=lambda apdu: found.append(apdu[0]))
    assert found == [0x60, 0x21] * 2  # the AARQ first: its sender's title is part of the nonce


def test_a_dedicated_key_that_lay_under_a_cipher_is_not_shown():
    key = bytes(range(16))
    plain = InitiateRequest(dedicated_key=key).encode()
    octets = bytes.fromhex("21 11 20 01234567") + bytes(12)
    for write in (
        lambda **how: json.dumps(documents.to_json(octets, **how)),
        lambda **how: documents.to_xml(octets, **how),
    ):
        told = write(decipher=lambda _: plain)
        assert key.hex() not in told.lower()
        assert "not shown" in told


def test_the_json_has_a_schema_and_names_from_the_standard():
    assert documents.to_json(GET) == {
        "schema": "meterkit.dlms/1",
        "messages": [
            {
                "apdu": "get-request-normal",
                "invoke": 0xC1,
                "attribute": {"class_id": 8, "obis": "0-0:1.0.0*255", "attribute": 2},
            }
        ],
    }


def test_damage_in_a_stream_is_octets_and_what_follows_is_read():
    good = WrapperMessage(WrapperHeader(1, 16, len(GET)), GET).encode()
    messages = json.loads(check(good + b"\xff\x00\x07" + good))["messages"]
    assert [message.get("frame") for message in messages] == ["wrapper", None, "wrapper"]


def hdlc(parts: str) -> str:
    return f'<HDLC><TargetAddress Value="1" /><SourceAddress Value="10" />{parts}</HDLC>'


def test_what_other_translators_write_otherwise_is_read_all_the_same():
    (octets,) = documents.from_xml(
        '<?xml version="1.0"?>\n<!-- a comment -->\n<Data><Boolean Value="True"/></Data>'
    )
    assert octets == b"\x03\x01"
    (octets,) = documents.from_xml(
        '<GetRequest><GetRequestForNextDataBlock><InvokeIdAndPriority Value="C1"/>'
        '<BlockNumber Value="7"/></GetRequestForNextDataBlock></GetRequest>'
    )
    assert octets == bytes.fromhex("c002c100000007")
    (octets,) = documents.from_xml(hdlc('<FrameType Value="11" /><Command Value="RR" />'))
    assert octets == HdlcFrame(HdlcAddress(1), HdlcAddress(16), CONTROLS[0x11]).encode()
    (octets,) = documents.from_xml(
        hdlc('<FrameType Value="93" /><PDU><Snrm><WindowSizeTX Value="7" /></Snrm></PDU>')
    )
    assert HdlcFrame.decode(octets).information == bytes.fromhex("818006 0704 00000007")
