"""Captured octets become trees: every vector, every truncation, every kind of nonsense, and no exception."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.codec import axdr
from meterkit.codec.crc import crc16_wire
from meterkit.dlms.acse.apdus import Aare, Aarq, AssociationResult
from meterkit.dlms.acse.names import AcseServiceProvider
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.get import GetResponseWithBlock
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.control import HdlcControl, HdlcFrameType
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.translate import translate, translate_hdlc
from meterkit.dlms.wrapper import WrapperHeader, WrapperMessage
from meterkit.tree import NOT_UNDERSTOOD, Node, lines, strange_octets, text

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "dlms.json").read_text())
#: Vectors that are no frame, APDU or value by themselves: keys, challenges, M-Bus, frames cut off.
BARE = {"hls", "key-wrap", "kdf", "ecdsa", "mbus", "fcs", "gbt"}
METER, CLIENT = HdlcAddress(1), HdlcAddress(16)


def octets_of(name: str) -> bytes:
    return bytes.fromhex(next(vector["hex"] for vector in VECTORS if vector["name"] == name))


def check(nodes: tuple[Node, ...], octets: bytes) -> None:
    """Every part lies within the capture and within the part around it; text and JSON can be made."""
    for root in nodes:
        for node in root.walk():
            assert node.length >= 0
            if node.offset is not None:
                assert 0 <= node.offset <= node.offset + node.length <= len(octets)
            for child in node.children:
                if child.offset is not None and node.offset is not None:
                    assert node.offset <= child.offset
                    assert child.offset + child.length <= node.offset + node.length
    assert len(text(nodes).splitlines()) == sum(1 for root in nodes for _ in root.walk())
    json.dumps([node.document() for node in nodes], allow_nan=True)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_gives_a_tree(vector):
    octets = bytes.fromhex(vector["hex"])
    nodes = translate(octets)
    assert nodes
    check(nodes, octets)
    if vector["kind"] not in BARE and "junk" not in vector["name"]:
        assert strange_octets(nodes) == 0, text(nodes)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_truncation_and_every_flipped_octet_gives_a_tree(vector):
    octets = bytes.fromhex(vector["hex"])
    for at in range(len(octets)):
        for odd in (octets[:at], octets[at:], octets[:at] + bytes((octets[at] ^ 0x55,)) + octets[at + 1 :]):
            check(translate(odd), odd)
            check(translate_hdlc(odd), odd)


@given(st.binary(max_size=120))
def test_any_octets_give_a_tree(octets):
    check(translate(octets), octets)
    check(translate(octets[:40], octets[40:]), octets)


@given(
    st.sampled_from([0x01, 0x05, 0x0C, 0x0F, 0x18, 0x60, 0x61, 0x63, 0xC0, 0xC1, 0xC4, 0xC7, 0xD9, 0xDA]),
    st.lists(st.sampled_from([0, 1, 2, 3, 6, 9, 17, 18, 19, 22, 0x81, 0x84, 0xFF]), max_size=60),
)
def test_octets_that_nearly_are_apdus_give_a_tree(tag, rest):
    octets = bytes((tag, *rest))
    check(translate(octets), octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"\xa0" * 20000,
        b"\x7e" * 20000,
        b"\x01\x7f" * 5000,
        b"\x02\x01" * 5000,
        b"\x01\x82\xff\xff" + bytes(65535),
        b"\x13\x02\x82\xff\xff" + bytes(1000),
        b"\x60\x02\xbe\x00" * 2000,
        b"\xe0\x80\x00\x01\x00\x00\x30" * 500,
    ],
)
def test_hostile_octets_cost_no_more_than_they_are_worth(octets):
    assert sum(1 for root in translate(octets) for _ in root.walk()) <= 2 * len(octets) + 10


def test_apdus_within_apdus_end_somewhere():
    octets = b"\xc0\x02\x01\x00\x00\x00\x01"
    for _ in range(30):
        octets = GeneralBlockTransfer(True, False, 0, 1, 0, octets).encode()
    told = text(translate(octets))
    assert "more than 8 APDUs within one another" in told


def test_a_request_names_class_object_and_attribute():
    (node,) = translate(bytes.fromhex("c001c10003 0100010800ff 0200"))
    assert node.name == "get-request-normal"
    descriptor = node.find("cosem-attribute-descriptor")
    assert descriptor is not None
    assert (descriptor.value, descriptor.meaning) == (
        "3/1-0:1.8.0*255/2",
        "Register, active energy import, total",
    )
    assert (descriptor.offset, descriptor.length) == (3, 9)
    invoke = node.find("invoke-id")
    assert invoke is not None
    assert invoke.meaning == "id 1, confirmed, high priority"


def test_results_come_in_words():
    assert "read-write-denied (3)" in text(translate(octets_of("get-response-error")))
    assert "application-context-name-not-supported (2)" in text(translate(octets_of("aare-rejected-context")))
    assert "service-not-supported (2)" in text(translate(octets_of("exception-response")))


def test_times_names_and_texts_in_octet_strings_are_explained():
    told = text(translate(octets_of("push-data-notification")))
    assert "(0-0:25.9.0*255, push setup)" in told
    assert '("GRX0000000123456")' in told
    assert "2020-01-06 00:03:00+01:00" in text(translate(octets_of("datetime-minus-60")))


def test_a_frame_is_nested_down_to_the_value():
    (frame,) = translate(octets_of("hdlc-ui-flag-inside-fcs-or-info"))
    path = ["HDLC frame", "information", "data-notification", "notification-body", "structure"]
    node = frame
    for name in path[1:]:
        node = next(child for child in node.children if child.name == name)
    assert node.children[0].value == 5502
    assert frame.find("LLC") is not None


def test_a_ciphered_apdu_shows_its_header_and_no_plain_text():
    (node,) = translate(octets_of("general-glo-kaifa-push-encrypt-only"))
    assert [child.name for child in node.children] == [
        "system-title",
        "ciphered-content count",
        "security-control",
        "invocation-counter",
        "cipher-text",
    ]
    control = node.find("security-control")
    assert control is not None
    assert control.meaning == "suite 1, encrypted"


def test_a_password_is_told_to_be_one():
    value = translate(octets_of("aarq-lls-12345678"))[0].find("calling-authentication-value")
    assert value is not None
    assert value.value == b"12345678"
    assert "secret" in value.meaning


def test_octets_behind_the_value_are_shown_as_such():
    (node,) = translate(octets_of("get-response-clock-trailing-junk"))
    strange = node.find(NOT_UNDERSTOOD)
    assert strange is not None
    assert (strange.offset, strange.meaning) == (18, "octets behind the APDU")
    assert node.find("octet-string") is not None


def test_a_value_that_breaks_off_is_shown_as_far_as_it_goes():
    (node,) = translate(bytes.fromhex("c401c100 0203 1105 1206"))
    assert node.find("unsigned") is not None
    assert strange_octets([node]) == 2


def test_a_value_too_deep_is_shown_as_far_as_it_goes():
    (node,) = translate(bytes.fromhex("c401c100" + "0101" * 17 + "1105"))
    assert sum(one.name == "array" for one in node.walk()) == 16
    strange = node.find(NOT_UNDERSTOOD)
    assert strange is not None
    assert strange.meaning == "more than 16 arrays and structures within one another"
    assert (strange.offset, strange.length) == (4 + 32, 4)


def test_a_compact_array_of_structures_is_shown_element_by_element():
    # structure of 2 (unsigned, long-unsigned), 6 octets of contents: {1, 2}, {3, 4}
    (node,) = translate(bytes.fromhex("c401c100 13 0202 11 12 06 01 0002 03 0004"))
    (compact,) = (one for one in node.walk() if one.name == "compact-array")
    assert compact.meaning == "2 elements of structure in 6 octets"
    told = [[child.value for child in item.children] for item in compact.children]
    assert told == [[1, 2], [3, 4]]


def test_an_association_refused_by_the_service_provider_says_so():
    refused = Aare(
        result=AssociationResult.REJECTED_PERMANENT, diagnostic=AcseServiceProvider.NO_COMMON_ACSE_VERSION
    )
    (node,) = translate(refused.encode())
    diagnostic = node.find("result-source-diagnostic")
    assert diagnostic is not None
    assert (diagnostic.value, diagnostic.meaning[:37]) == (2, "acse-service-provider: no-common-acse")


def test_an_invocation_is_told_by_its_number():
    (node,) = translate(Aarq(calling_ap_invocation_id=300).encode())
    number = node.find("calling-AP-invocation-id")
    assert number is not None
    assert (number.value, number.length) == (300, 6)  # A8 04 | 02 02 01 2C


def test_a_context_that_is_none_of_dlms_stays_octets():
    (node,) = translate(Aarq(application_context=bytes.fromhex("2a0304")).encode())
    context = node.find("application-context-name")
    assert context is not None
    assert (context.value, context.meaning) == (bytes.fromhex("2a0304"), "no context of DLMS")


def frame(information: bytes, *, more: bool = False, number: int = 0) -> bytes:
    control = HdlcControl(HdlcFrameType.INFORMATION, not more, number, 0)
    return HdlcFrame(CLIENT, METER, control, information, more).encode()


def test_a_message_in_segments_is_put_together_below_its_last_frame():
    message = b"\xe6\xe7\x00" + octets_of("get-response-normal")
    capture = frame(message[:5], more=True) + frame(message[5:9], more=True, number=1)
    nodes = translate(capture + frame(message[9:], number=2))
    assert len(nodes) == 3
    assert nodes[0].find("get-response-normal") is None
    whole = nodes[2].find("message")
    assert whole is not None
    assert whole.find("double-long-unsigned") is not None
    assert whole.offset is None


def test_frames_with_noise_between_and_shared_flags_are_all_found():
    snrm = octets_of("hdlc-snrm-1byte")
    nodes = translate(b"\x00\x11" + snrm[:-1] + snrm + b"\x55" + octets_of("hdlc-rr"))
    assert [node.name for node in nodes] == [
        NOT_UNDERSTOOD,
        "HDLC frame",
        "HDLC frame",
        NOT_UNDERSTOOD,
        "HDLC frame",
    ]
    assert strange_octets(nodes) == 3


def test_a_frame_with_a_header_check_and_nothing_behind_it_carries_nothing():
    body = bytes.fromhex("a009 03 21 93")  # SNRM; 9 octets with both checks
    body += crc16_wire(body)
    body += crc16_wire(body)
    (node,) = translate(b"\x7e" + body + b"\x7e")
    assert [child.name for child in node.children] == [
        *("format", "destination", "source", "control", "HCS", "FCS")
    ]
    assert strange_octets([node]) == 0


def test_a_damaged_frame_is_named_with_its_check():
    snrm = bytearray(octets_of("hdlc-snrm-1byte"))
    snrm[5] ^= 1
    (node,) = translate(bytes(snrm))
    assert node.meaning == "damaged"
    assert "FCS: 0f 01 (wrong: 86 10 expected)" in text([node])


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("7ea0210002002303939af47e", "an HDLC frame of 33 octets expected, as its format says; 10 came"),
        ("7ea01c7e", "an HDLC frame of 28 octets expected, as its format says; 2 came"),
        ("7ea0020002002303939af47e", "an HDLC frame of 2 octets expected, as its format says; 10 came"),
        ("7ea07e", "a frame cut short"),
        ("7ea0070321930000", "frame a0 07 03 21 93 ends its 7 octets in FCS 00 00 where 0f 01 was expected"),
        ("7e0102037e", "between frames"),
    ],
)
def test_a_frame_of_another_length_than_it_says_is_told_with_both(octets, why):
    translated = text(translate(octets_of("hdlc-snrm-1byte") + bytes.fromhex(octets)))
    assert f"({why})" in translated


def test_a_damaged_frame_is_read_all_the_same_and_nothing_of_it_joins_a_message():
    message = b"\xe6\xe7\x00" + octets_of("get-response-normal")
    damaged = bytearray(frame(message))
    damaged[-6] ^= 1
    nodes = translate(frame(message[:5], more=True) + bytes(damaged) + frame(message[5:], number=1))
    assert nodes[1].find("get-response-normal") is not None
    assert strange_octets([nodes[1]]) == 2
    whole = nodes[2].find("message")
    assert whole is not None
    assert whole.find("get-response-normal") is not None


def test_damage_between_wrapper_messages_is_passed_over():
    apdu = octets_of("get-response-normal")
    whole = WrapperMessage(WrapperHeader(1, 16, len(apdu)), apdu).encode()
    nodes = translate(whole + b"\x00\x07\xff" + whole)
    assert [node.name for node in nodes] == ["WRAPPER", NOT_UNDERSTOOD, "WRAPPER"]


def test_blocks_of_a_long_answer_are_put_together_below_the_last_one():
    value = axdr.encode_array([axdr.encode_unsigned(number) for number in range(100)])
    pieces = [
        GetResponseWithBlock(0xC1, number == 3, number, piece).encode()
        for number, piece in enumerate((value[:70], value[70:140], value[140:]), 1)
    ]
    nodes = translate(*pieces)
    assert len(nodes) == 3
    whole = nodes[2].find("whole")
    assert whole is not None
    assert sum(node.name == "unsigned" for node in whole.walk()) == 100
    assert nodes[1].find("whole") is None


def test_octets_behind_the_value_of_joined_blocks_are_shown_as_such():
    pieces = [GetResponseWithBlock(0xC1, number == 2, number, b"\x11\x05").encode() for number in (1, 2)]
    whole = translate(*pieces)[-1].find("whole")
    assert whole is not None
    strange = whole.find(NOT_UNDERSTOOD)
    assert strange is not None
    assert (strange.value, strange.meaning) == (b"\x11\x05", "octets behind the value")


def test_general_blocks_are_put_together_too():
    apdu = octets_of("push-data-notification")
    pieces = [
        GeneralBlockTransfer(at + 30 >= len(apdu), True, 0, number, 0, apdu[at : at + 30]).encode()
        for number, at in enumerate(range(0, len(apdu), 30), 1)
    ]
    whole = translate(*pieces)[-1].find("whole")
    assert whole is not None
    assert whole.find("data-notification") is not None


def test_blocks_that_begin_in_the_middle_are_left_as_they_are():
    nodes = translate(GetResponseWithBlock(0xC1, True, 3, b"\x11\x05").encode())
    assert nodes[0].find("whole") is None
    assert strange_octets(nodes) == 0


def test_wrapper_messages_follow_one_another():
    capture = octets_of("wrapper-aarq") + octets_of("push-wrapper")
    nodes = translate(capture)
    assert [node.name for node in nodes] == ["WRAPPER", "WRAPPER"]
    check(nodes, capture)
    assert nodes[0].find("AARQ") is not None


def test_a_line_each_of_bare_apdus_is_a_tree_each():
    nodes = translate(octets_of("get-request-normal"), octets_of("get-response-normal"))
    assert [node.name for node in nodes] == ["get-request-normal", "get-response-normal"]
    assert nodes[1].offset == len(octets_of("get-request-normal"))


def test_an_apdu_over_several_lines_is_one_tree():
    octets = octets_of("push-data-notification")
    nodes = translate(octets[:16], octets[16:32], octets[32:])
    assert [node.name for node in nodes] == ["data-notification"]


def test_one_octet_too_few_in_the_outer_length_of_an_aare_hides_nothing():
    octets = bytearray(octets_of("aare-accepted"))
    octets[1] -= 1
    (node,) = translate(bytes(octets))
    assert node.find("initiate-response") is not None
    assert strange_octets([node]) == 0


def test_a_sign_on_is_text():
    (node,) = translate(octets_of("mode-e-ident"))
    assert (node.name, node.value) == ("text", "/GRX512345678")


def test_long_octets_are_cut_in_text_and_whole_in_json():
    (node,) = translate(axdr.encode_octet_string(bytes(200)))
    assert "and 136 octets more" in text([node])
    assert bytes(200).hex() in json.dumps(node.document())
    assert [line.offset for line in lines([node])] == ["0000", "0000"]
