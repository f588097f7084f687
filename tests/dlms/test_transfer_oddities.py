"""Transfers in blocks that a meter, or a programmer, leads astray: each ends in a fault with words."""

import pytest

from meterkit.codec.crc import crc16_wire
from meterkit.dlms.acse.apdus import Aare, Aarq, ApplicationContext, AssociationResult
from meterkit.dlms.acse.names import AcseServiceUser, AuthenticationMechanism
from meterkit.dlms.agreement import check_terms
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.attribute_data import AttributeData
from meterkit.dlms.cosem.classes import Register
from meterkit.dlms.cosem.data_types import UNSIGNED
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.hdlc.address import HdlcAddress
from meterkit.dlms.hdlc.frame import HdlcFrame
from meterkit.dlms.hdlc_link import HdlcLink
from meterkit.dlms.object_list import parse_object_list, parse_short_name_list, with_short_name_rights
from meterkit.dlms.refusals import expected_counter
from meterkit.dlms.short_name_places import method_name
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
