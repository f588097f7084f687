"""Transfers in blocks that a meter, or a programmer, leads astray: each ends in a fault with words."""

from dataclasses import replace

import pytest

from meterkit.codec.crc import crc16_wire
from meterkit.dlms.acse.apdus import Aare, Aarq, ApplicationContext, AssociationResult
from meterkit.dlms.acse.names import AcseServiceUser, AuthenticationMechanism
from meterkit.dlms.agreement import agree, check_terms
from meterkit.dlms.apdu import decode_apdu, decode_as
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.get import GetResponseNormal
from meterkit.dlms.apdu.initiate import InitiateRequest, InitiateResponse
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.classes import Register
from meterkit.dlms.cosem.data_types import UNSIGNED
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.dlms.object_list import parse_object_list, parse_short_name_list, with_short_name_rights
from meterkit.dlms.refusals import exception, expected_counter
from meterkit.dlms.short_name_places import method_name
from meterkit.dlms.transfer.action import ActionTransfer
from meterkit.dlms.transfer.general_block import GeneralTransfer
from meterkit.dlms.transfer.get import GetTransfer
from meterkit.dlms.transfer.late_blocks import LateBlocks
from meterkit.dlms.transfer.set import SetTransfer
from meterkit.dlms.transfer.short_name import ReadTransfer, WriteTransfer
from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.link import Broken
from tests.dlms.vectors import octets_of

ENERGY = ObisCode.parse("1-0:1.8.0")


def told(call, *arguments, kind=None):
    with pytest.raises(ProtocolFault) as caught:
        call(*arguments)
    assert kind is None or caught.value.error.kind is kind
    return str(caught.value.error)


# ---------------------------------------------------------------- APDUs, frames
def test_a_known_tag_that_nobody_speaks_here_is_named():
    assert "an APDU expected" in told(decode_apdu, b"\x02\x00", kind=ErrorKind.DECODE)


def test_an_apdu_of_another_class_than_the_one_asked_for_is_told():
    said = told(decode_as, GetResponseNormal, bytes.fromhex("c40201"), kind=ErrorKind.DECODE)
    assert "get-response-with-block" in said
    said = told(decode_as, GetResponseNormal, bytes.fromhex("c501c100"), kind=ErrorKind.PROTOCOL)
    assert "get-response-normal was expected, c5 01 c1 00 came" in said


def test_a_quality_of_service_has_one_octet_with_a_sign():
    with pytest.raises(ValueError, match="-128 to 127"):
        InitiateRequest(quality_of_service=128).encode()


def test_a_damaged_header_within_an_intact_frame_is_told_by_its_hcs():
    frame = bytearray(octets_of("hdlc-aarq"))
    frame[8] ^= 1  # the header check; then the frame check made right again
    frame[-3:-1] = crc16_wire(bytes(frame[1:-3]))
    assert "HCS" in told(HdlcFrame.decode, bytes(frame), kind=ErrorKind.CRC)


def test_an_unconfirmed_message_needs_octets_a_connection_and_its_turn():
    link = HdlcLink(HdlcAddress(16), HdlcAddress(1))
    with pytest.raises(ValueError, match="1 octet or more"):
        link.send_unconfirmed(b"")
    assert isinstance(link.send_unconfirmed(b"\xc0")[0], Broken)
    with pytest.raises(RuntimeError, match="there was no Message"):
        link.ask_on()


# ---------------------------------------------------------------- transfers
GET, SET = "c001c100080000010000ff0200", "c101c1000100002a0000ff0200" + "0904" + "30313233"
ACTION = "c301c1000f0000280000ff0101" + "0904" + "30313233"
SET_RESPONSE, GET_RESPONSE = bytes.fromhex("c501c100"), bytes.fromhex("c401c100120001")


@pytest.mark.parametrize(
    ("transfer", "response", "expected"),
    [
        (
            GetTransfer(bytes.fromhex(GET), 99),
            SET_RESPONSE,
            "the next block of the GET's answer was expected",
        ),
        (ActionTransfer(bytes.fromhex(ACTION), 99), GET_RESPONSE, "the next step of the ACTION was expected"),
        (SetTransfer(bytes.fromhex(SET), 24), GET_RESPONSE, "the acknowledgement of the SET's block 0 was"),
        (WriteTransfer(b"\x06\x00\x00", 24), GET_RESPONSE, "write-response was expected"),
    ],
)
def test_the_answer_of_another_service_is_no_step_of_a_transfer(transfer, response, expected):
    said = told(transfer.take, response, kind=ErrorKind.PROTOCOL)
    assert expected in said
    assert response.hex(" ") in said


@pytest.mark.parametrize(
    ("transfer", "arguments", "expected"),
    [
        (SetTransfer, ("c103c1010000000204" + "30313233", 24), "a whole SET request was expected, c1 03"),
        (
            ActionTransfer,
            ("c306c1010000000204" + "30313233", 99, 24),
            "a whole ACTION request was expected, c3",
        ),
    ],
)
def test_a_request_that_is_a_block_already_is_not_cut_again(transfer, arguments, expected):
    request, *sizes = arguments
    assert expected in told(transfer, bytes.fromhex(request), *sizes, kind=ErrorKind.PROTOCOL)


@pytest.mark.parametrize(
    ("transfer", "arguments", "room"),
    # A PDU of 10 octets has room for 10 - 7 octets of a Read's block, 05 01 06 last number (2) length; of a
    # Write's, 06 01 07 last number (2) 01 09 length, for 1.
    [(ReadTransfer, (99, 10), 3), (WriteTransfer, (10,), 1)],
)
def test_a_request_with_more_blocks_than_can_be_numbered_is_refused_before_the_first(
    transfer, arguments, room
):
    most = bytes(1 + 0xFFFF * room)
    assert len(transfer(most, *arguments).begin()) == 10
    said = told(transfer, most + b"\0", *arguments, kind=ErrorKind.STATE)
    assert (
        f"{len(most)} octets in PDUs of 10 make 65536 blocks, 65535 can be numbered; nothing was sent" in said
    )


def test_an_acknowledgement_beyond_the_last_number_of_a_general_block_is_refused():
    transfer = GeneralTransfer(None, max_pdu=99, window=1, send_window=1, limit=99)
    # A meter may count the request, which went out whole, however it likes: ours go on from there.
    assert transfer.take(GeneralBlockTransfer(False, False, 1, 1, 0xFFFE, b"\xc4"))
    (last,) = transfer.our_turn()
    assert last.hex() == "e081ffff000100"
    assert transfer.take(GeneralBlockTransfer(False, False, 1, 2, 0xFFFF, b"\x01"))
    assert "more than 65535 blocks" in told(transfer.our_turn, kind=ErrorKind.PROTOCOL)


def test_late_blocks_are_remembered_64_at_a_time():
    late = LateBlocks()
    late.expect({(number, b"\x00"): 1 for number in range(1, 66)})
    assert not late.claims(GeneralBlockTransfer(False, False, 1, 1, 0, b"\x00"))
    assert late.claims(GeneralBlockTransfer(False, False, 1, 2, 0, b"\x00"))
    assert late.claims(GeneralBlockTransfer(False, False, 1, 65, 0, b"\x00"))


@pytest.mark.parametrize(
    ("octets", "kind", "expected"),
    [
        ("d801", ErrorKind.DECODE, "exception-response: service-error: an octet expected"),
        ("d80102", ErrorKind.REFUSED, "service-not-allowed"),
        ("0e0106", ErrorKind.DECODE, "confirmed-service-error: value: an octet expected"),
        ("0e010601", ErrorKind.REFUSED, "dlms-version-too-low"),
    ],
)
def test_a_refusal_is_told_though_it_is_cut_short(octets, kind, expected):
    error = exception(bytes.fromhex(octets))
    assert error is not None
    assert error.kind is kind
    assert expected in str(error)


# ---------------------------------------------------------------- what clients read
def test_attribute_data_has_the_size_of_its_octets():
    data = AttributeData.decoded(3, ENERGY, 2, b"\x11\x05\x00")
    assert (len(data), data.value) == (3, 5)


def test_objects_and_types_can_be_kept_in_sets_and_shown():
    assert len({Register("1-0:1.8.0"), Register("1-0:1.8.0"), Register("1-0:2.8.0")}) == 2
    assert repr(UNSIGNED) == "<unsigned>"


NAME = "0906" + ENERGY.to_bytes().hex()
RIGHTS = "0202 0100 0100"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("1105", "an array of objects expected, 11 05 came"),
        ("0101 1105", "class_id, version, logical_name, access_rights"),
        (f"0101 0204 120003 1100 0905{ENERGY.to_bytes().hex()[:10]} {RIGHTS}", "a logical name of 6 octets"),
        (f"0101 0204 120003 1100 {NAME} 0202 0101 1101 0100", "attribute_id, access_mode, access_selectors"),
        (f"0101 0204 120003 1100 {NAME} 0202 0100 0101 1101", "method_id, access_mode"),
    ],
)
def test_an_object_list_with_something_else_in_it_is_told_by_element(octets, expected):
    assert expected in told(parse_object_list, bytes.fromhex(octets), kind=ErrorKind.DECODE)


def test_a_list_without_the_current_association_has_the_oldest_rights():
    (one,) = parse_object_list(bytes.fromhex(f"0101 0204 120003 1100 {NAME} {RIGHTS}"))
    assert hash(one) == hash((3, 0, ENERGY))


def test_a_short_name_list_is_told_by_element_and_keeps_what_has_no_rights():
    element = f"0204 10fa00 120003 1100 {NAME}"
    view = parse_short_name_list(bytes.fromhex(f"0101 {element}"))
    assert "base_name, class_id" in told(parse_short_name_list, bytes.fromhex("0101 1105"))
    assert "base_name, attribute_access" in told(with_short_name_rights, view, bytes.fromhex("0101 1105"))
    assert with_short_name_rights(view, bytes.fromhex("0100")) == view


def test_short_names_of_methods_are_known_for_some_classes_and_end_at_ffff():
    assert "no short names are known" in told(method_name, 999, 0x100, 1, kind=ErrorKind.STATE)
    assert "has no short name" in told(method_name, 70, 0xFFF8, 3, kind=ErrorKind.STATE)


@pytest.mark.parametrize("octets", ["", "c401", "d8", "d80209", "0e"])
def test_only_an_exception_asks_for_a_counter(octets):
    assert expected_counter(bytes.fromhex(octets)) is None


# ---------------------------------------------------------------- an AARE that does not fit
def terms(wanted, **answer):
    asked = Aarq(application_context=ApplicationContext.LOGICAL_NAME, mechanism=wanted)
    return asked, Aare(
        result=AssociationResult.ACCEPTED, application_context=ApplicationContext.LOGICAL_NAME, **answer
    )


def test_high_level_security_that_was_not_asked_for_is_refused():
    low = AuthenticationMechanism.LOW_LEVEL_SECURITY
    asked, answer = terms(low, diagnostic=AcseServiceUser.AUTHENTICATION_REQUIRED)
    assert "wants high level security" in told(check_terms, asked, answer, kind=ErrorKind.SECURITY)


def test_another_mechanism_than_the_one_asked_for_is_refused():
    asked, answer = terms(AuthenticationMechanism.NONE, mechanism=AuthenticationMechanism.LOW_LEVEL_SECURITY)
    assert "was asked for, the meter answers" in told(check_terms, asked, answer, kind=ErrorKind.SECURITY)


OFFER = InitiateRequest(conformance=Conformance.GET | Conformance.SET)
NO_AUTHENTICATION = AuthenticationMechanism.NONE
VERSION_TOO_LOW = bytes.fromhex("0e010601")  # confirmedServiceError: initiate refused


def test_an_aare_that_tells_nothing_but_yes_grants_what_was_asked_for():
    asked, answer = terms(NO_AUTHENTICATION)
    granted = agree(asked, OFFER, answer)
    assert (granted.conformance, granted.max_pdu, granted.vaa_name) == (OFFER.conformance, 0, 7)


def test_what_two_meters_grant_alike_is_equal_yet_two_agreements():
    told_twice = InitiateResponse(conformance=Conformance.GET | Conformance.ACTION, max_pdu=500).encode()
    asked, answer = terms(NO_AUTHENTICATION, user_information=told_twice)
    first, second = agree(asked, OFFER, answer), agree(asked, OFFER, answer)
    assert first == second
    assert first is not second, "what was learned in one association is told apart by it"
    assert (first.conformance, first.max_pdu) == (Conformance.GET, 500)
    narrow = InitiateRequest(conformance=Conformance.ACTION)
    assert agree(asked, narrow, answer).conformance is Conformance.ACTION


def test_a_yes_with_a_service_error_in_it_is_a_no():
    asked, answer = terms(NO_AUTHENTICATION, user_information=VERSION_TOO_LOW)
    assert "initiate refused: initiate, dlms-version-too-low" in told(
        agree, asked, OFFER, answer, kind=ErrorKind.REFUSED
    )


def test_a_yes_with_another_apdu_than_an_initiate_response_is_told():
    asked, answer = terms(NO_AUTHENTICATION, user_information=GET_RESPONSE)
    said = told(agree, asked, OFFER, answer, kind=ErrorKind.PROTOCOL)
    assert "an initiate-response was expected, c4 get-response came" in said


def test_another_application_context_than_the_one_asked_for_is_refused():
    asked, answer = terms(NO_AUTHENTICATION)
    answer = replace(answer, application_context=ApplicationContext.SHORT_NAME)
    assert "the meter answers" in told(check_terms, asked, answer, kind=ErrorKind.SECURITY)


@pytest.mark.parametrize("information", [b"\x28\x05", b"\x08", b""])
def test_a_no_is_told_though_what_stands_beside_it_cannot_be_read(information):
    asked, answer = terms(NO_AUTHENTICATION, user_information=information)
    answer = replace(answer, result=AssociationResult.REJECTED_PERMANENT)
    assert "rejected-permanent (1)" in told(agree, asked, OFFER, answer, kind=ErrorKind.REFUSED)


def test_a_no_with_a_service_error_tells_both():
    asked, answer = terms(NO_AUTHENTICATION, user_information=VERSION_TOO_LOW)
    answer = replace(answer, result=AssociationResult.REJECTED_PERMANENT)
    said = told(agree, asked, OFFER, answer, kind=ErrorKind.REFUSED)
    assert "rejected-permanent (1)" in said
    assert "dlms-version-too-low" in said
