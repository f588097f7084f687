"""Captures as JSON and XML, and both back to the very same octets: every APDU, value and frame."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.acse.apdus import Aarq
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.control import CONTROLS
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.translate import documents
from meterkit.dlms.translate.xml_text import MAX_DEPTH
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


# ---------------------------------------------------------------- what people get wrong
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no message in it"),
        ("<a", "line 1: no XML"),
        ("<GetRequest>\n<x/>\n</GetRequest>", "line 2: <x>: <GetRequestNormal> or"),
        ("<GetRequest />", "line 1: <GetRequest>: <GetRequestNormal> or"),
        ("<Nothing />", "line 1: <Nothing>: an APDU expected"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><GetRequest />', "a document type is not read"),
        ("<GetRequest>text</GetRequest>", "text between elements: 'text'"),
        ("<a>" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} elements"),
        ("<Data><UInt8 /></Data>", 'an attribute Value="..." expected'),
        ('<Data><UInt8 Value="123" /></Data>', "2 hex digits expected, '123' came"),
        ('<Data><UInt8 Value="1" /><UInt8 Value="1" /></Data>', "not expected within <Data>"),
        ('<Data><OctetString Value="1" /></Data>', "line 1: <OctetString>"),
        (
            '<Data><CompactArray><ContentsDescription><Array Qty="x"><Enum /></Array></ContentsDescription>'
            '<ArrayContents Value="" /></CompactArray></Data>',
            "<Array>: Qty is up to four hex digits, 'x' came",
        ),
        (
            "<Data><CompactArray><ContentsDescription><Enum /></ContentsDescription>"
            '<ArrayContents Value="1" /></CompactArray></Data>',
            "<ArrayContents>: octets in hex expected",
        ),
        ('<Data><BitString Hex="00" Bits="x" /></Data>', "Bits is a decimal number, 'x' came"),
        ('<Octets Value="xx" />', "octets in hex expected, 'xx' came"),
        ('<HDLC><TargetAddress Value="FFFF" Size="3" /></HDLC>', "1, 2 or 4 octets"),
    ],
)
def test_wrong_xml_is_told_with_its_line(text, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        documents.from_xml(text)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (5, "message: a message expected, 5 came"),
        ([{}], "messages[0].apdu: the name of an APDU"),
        ({"schema": "meterkit.dlms/2", "messages": []}, "document.schema: meterkit.dlms/1 expected"),
        ({"apdu": "get-request-next", "invoke": 300}, "message.invoke: a whole number, 0 to 255, expected"),
        ({"apdu": "get-request-next", "invoke": 1, "bloc": 1}, "'bloc' came"),
        ({"frame": "hdlc", "frame_type": "X"}, "message.frame_type: one of I, RR"),
        ({"frame": "tcp"}, "message.frame: hdlc, wrapper or llc expected, 'tcp' came"),
        ({"frame": "llc", "llc": "up", "pdu": {"octets": ""}}, "message.llc: request or response"),
        (
            {"apdu": "get-response-normal", "invoke": 1, "result": {"error": "no-idea"}},
            "message.result.error: one of success",
        ),
        (
            {
                "apdu": "set-request-normal",
                "invoke": 1,
                "attribute": {"class_id": 1, "obis": "x", "attribute": 2},
            },
            "message.attribute.obis: an OBIS code such as 1-0:1.8.0*255 expected, 'x' came",
        ),
    ],
)
def test_wrong_json_is_told_with_its_place(document, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        documents.from_json(document)


@given(any_apdu, st.data())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_documents_with_a_part_changed_give_octets_or_a_value_error(apdu, draw):
    written = documents.to_xml(apdu.encode())
    at = draw.draw(st.integers(0, len(written) - 1))
    odd = written[:at] + draw.draw(st.sampled_from('<>"/x0 A')) + written[at + 1 :]
    document = json.dumps(documents.to_json(apdu.encode()))
    at = draw.draw(st.integers(0, len(document) - 1))
    changed = document[:at] + draw.draw(st.sampled_from('{}[],"x0')) + document[at + 1 :]
    for read in (lambda: documents.from_xml(odd), lambda: documents.from_json(json.loads(changed))):
        try:
            assert isinstance(read(), tuple)
        except ValueError:
            continue


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
