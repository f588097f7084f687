"""AARQ, AARE, RLRQ and RLRE: from real meters, odd ones too, and in words."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterkit.dlms.acse.apdus import (
    Aare,
    Aarq,
    AcseServiceProvider,
    AcseServiceUser,
    ApplicationContext,
    AssociationResult,
    AuthenticationMechanism,
    AuthenticationValueKind,
    ReleaseRequestReason,
    ReleaseResponseReason,
    Rlre,
    Rlrq,
    decode_aare,
)
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.errors import ConfirmedServiceError
from meterkit.dlms.apdu.initiate import InitiateRequest, InitiateResponse
from meterkit.dlms.conformance import Conformance
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.apdus import APDUS
from tests.dlms.vectors import VECTORS, names_of, octets_of

ACSE = names_of("aarq", "aare", "rlrq")
PLAIN = Conformance(0x7E1F)


@pytest.mark.parametrize("name", ACSE)
@pytest.mark.parametrize("strict", [True, False])
def test_every_vector_decodes_and_encodes_to_itself(name, strict):
    octets = octets_of(name)
    assert decode_apdu(octets, strict=strict).encode() == octets


def test_the_lowest_security_has_no_mechanism():
    request = Aarq.decode(octets_of("aarq-lowest-security"))
    assert request == Aarq(user_information=InitiateRequest(conformance=PLAIN, max_pdu=1200).encode())
    assert request.mechanism is AuthenticationMechanism.NONE
    assert request.authentication_value is None


def test_a_password_goes_as_it_is_and_never_into_a_repr():
    request = Aarq(
        mechanism=AuthenticationMechanism.LOW_LEVEL_SECURITY,
        authentication_value=b"12345678",
        user_information=InitiateRequest(conformance=PLAIN, max_pdu=1200).encode(),
    )
    assert request.encode() == octets_of("aarq-lls-12345678")
    assert "12345678" not in repr(request)
    assert "user_information" not in repr(request)
    assert "key" not in repr(InitiateRequest(dedicated_key=b"0123456789abcdef"))


def test_no_password_with_no_security_leaves_all_authentication_out():
    assert Aarq(authentication_value=b"").encode() == Aarq().encode()
    asked = Aarq(mechanism=AuthenticationMechanism.LOW_LEVEL_SECURITY, authentication_value=b"").encode()
    assert asked.endswith(bytes.fromhex("8a020780 8b0760857405080201 ac028000"))


@pytest.mark.parametrize("value", ["ac028000", "ac026e00", "8b0760857405080200 ac026e00"])
@pytest.mark.parametrize("strict", [True, False])
def test_an_empty_password_with_no_security_is_read_as_none(value, strict):
    elements = bytes.fromhex("a109060760857405080101" + value)
    request = Aarq.decode(bytes((0x60, len(elements))) + elements, strict=strict)
    assert request == Aarq()
    assert request.authentication_value_kind is AuthenticationValueKind.CHARSTRING


@pytest.mark.parametrize("strict", [True, False])
def test_an_empty_challenge_with_no_mechanism_in_an_answer_is_read_as_none(strict):
    octets = bytes.fromhex("6109 a203020100 aa028000")
    assert Aare.decode(octets, strict=strict) == Aare(result=AssociationResult.ACCEPTED)


def test_a_challenge_and_titles_come_back():
    octets = octets_of("aarq-hls-gmac")
    request = Aarq.decode(octets)
    assert request.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
    assert request.authentication_value == b"K56iVagY"
    assert request.authentication_value_kind is AuthenticationValueKind.CHARSTRING
    titled = Aarq(
        application_context=ApplicationContext.LOGICAL_NAME_CIPHERED,
        calling_ap_title=b"MMM\x00\x00\xbc\x61\x4e",
        calling_ae_invocation_id=5,
        authentication_value=b"\x01\x80",
        authentication_value_kind=AuthenticationValueKind.BITSTRING,
    )
    encoded = titled.encode()
    assert bytes.fromhex("a60a04084d4d4d0000bc614e a903020105 8a020780 ac0481020180") in encoded
    assert Aarq.decode(encoded, strict=True) == titled


def test_an_initiate_of_an_aarq_keeps_its_dedicated_key():
    octets = octets_of("initiate-request-dedicated-key")
    initiate = decode_apdu(octets)
    assert initiate == InitiateRequest(
        dedicated_key=bytes.fromhex("00112233445566778899aabbccddeeff"), conformance=PLAIN, max_pdu=1200
    )
    assert initiate.encode() == octets


@pytest.mark.parametrize("form", ["00", "0101", "01ff"])
def test_response_allowed_is_true_by_default_and_when_told(form):
    assert decode_apdu(bytes.fromhex(f"0100{form}00065f1f0400007e1f04b0")).response_allowed


def test_response_allowed_can_be_false():
    octets = InitiateRequest(response_allowed=False, quality_of_service=-1).encode()
    assert octets.startswith(bytes.fromhex("01 00 0100 01ff 06"))
    assert not decode_apdu(octets).response_allowed


def test_an_initiate_takes_the_short_form_of_the_conformance():
    short = bytes.fromhex("0800065f040000501f01f40007")
    assert decode_apdu(short) == InitiateResponse(conformance=Conformance(0x501F), max_pdu=500)


def test_an_accepting_meter_tells_what_it_grants():
    answer = Aare.decode(octets_of("aare-accepted"))
    assert answer.is_accepted
    assert answer.words == "accepted (0)"
    assert decode_apdu(answer.user_information) == InitiateResponse(
        conformance=Conformance(0x501F), max_pdu=500, vaa_name=7
    )


def test_short_names_are_another_context_with_another_vaa_name():
    answer = Aare.decode(octets_of("aare-sn-context"))
    assert answer.application_context is ApplicationContext.SHORT_NAME
    granted = decode_apdu(answer.user_information)
    assert (granted.vaa_name, granted.max_pdu, granted.conformance) == (0xFA00, 1024, Conformance(0x1C0320))


def test_a_meter_that_wants_a_proof_sends_its_challenge():
    answer = Aare.decode(octets_of("aare-hls-required"))
    assert answer.is_accepted
    assert answer.diagnostic is AcseServiceUser.AUTHENTICATION_REQUIRED
    assert answer.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
    assert answer.authentication_value == b"P6wRJ21F"


def test_a_meter_that_wants_a_proof_may_say_so_with_diagnostic_0():
    odd = octets_of("aare-hls-required").replace(bytes.fromhex("a10302010e"), bytes.fromhex("a103020100"))
    answer = Aare.decode(odd, strict=True)
    assert (answer.diagnostic, answer.authentication_value) == (AcseServiceUser.NULL, b"P6wRJ21F")
    assert answer.is_accepted


def test_a_refusal_is_told_in_words():
    answer = Aare.decode(octets_of("aare-rejected-context"))
    assert not answer.is_accepted
    assert answer.words.startswith("rejected-permanent (1)")
    assert "acse-service-user: application-context-name-not-supported (2)" in answer.words


def test_a_refusal_may_hold_a_confirmed_service_error():
    answer = Aare.decode(octets_of("aare-rejected-with-confirmedServiceError"))
    error = decode_apdu(answer.user_information)
    assert error == ConfirmedServiceError(1, 6, 1)
    assert error.words == "initiate refused: initiate, dlms-version-too-low (0e 01 06 01)"


@pytest.mark.parametrize("diagnostic", [*AcseServiceUser, *AcseServiceProvider, AcseServiceUser(77)])
def test_every_diagnostic_names_its_source_and_number(diagnostic):
    answer = Aare(result=AssociationResult.REJECTED_TRANSIENT, diagnostic=diagnostic)
    again = Aare.decode(answer.encode(), strict=True)
    assert again == answer
    assert type(again.diagnostic) is type(diagnostic)
    if diagnostic:
        source = "user" if isinstance(diagnostic, AcseServiceUser) else "provider"
        assert f"acse-service-{source}: " in again.words
        assert f"({int(diagnostic)})" in again.words


def test_a_wrong_password_says_so():
    answer = Aare(
        result=AssociationResult.REJECTED_PERMANENT, diagnostic=AcseServiceUser.AUTHENTICATION_FAILURE
    )
    assert "authentication-failure (13): wrong password or key" in answer.words


def test_an_aare_without_user_information_is_read():
    octets = bytes.fromhex("6117 a109060760857405080101 a203020101 a305a10302010d")
    answer = Aare.decode(octets, strict=True)
    assert answer.user_information is None
    assert answer.diagnostic is AcseServiceUser.AUTHENTICATION_FAILURE


@pytest.mark.parametrize("version", ["80020780", "80020284"])
def test_an_explicit_protocol_version_is_put_up_with(version):
    plain = VECTORS["aare-accepted"]["hex"]
    answer = Aare.decode(bytes.fromhex("612d" + version + plain[4:]), strict=True)
    assert answer.is_accepted
    assert answer.protocol_version == bytes.fromhex(version)[2:]
    assert decode_apdu(answer.user_information).max_pdu == 500


def test_an_aare_is_decoded_once_and_no_aare_is_told_each_time():
    octets = octets_of("aare-accepted")
    assert decode_aare(octets) == Aare.decode(octets)
    assert decode_aare(bytes(bytearray(octets))) is decode_aare(octets)
    for _ in range(2):
        with pytest.raises(ProtocolFault, match="61 expected, 62 came"):
            decode_aare(Rlrq().encode())


def test_an_aare_of_nothing_but_a_result_is_read():
    answer = Aare.decode(bytes.fromhex("6105 a203020100"), strict=True)
    assert answer == Aare(result=AssociationResult.ACCEPTED)


def test_elements_nobody_knows_are_passed_over():
    octets = bytes.fromhex("612f 9f7f0155 8200") + octets_of("aare-accepted")[2:]
    assert len(octets) == 2 + 0x2F
    assert Aare.decode(octets, strict=True) == Aare.decode(octets_of("aare-accepted"))


def test_names_that_are_no_dlms_names_stay_octets():
    other = bytes.fromhex("2a8648ce3d")
    answer = Aare(result=AssociationResult.ACCEPTED, application_context=other, mechanism=other)
    assert Aare.decode(answer.encode(), strict=True) == answer


@pytest.mark.parametrize("name", ["", "06", "0600", "06020600", "0606080106"])
def test_a_mechanism_that_begins_like_an_element_is_read_as_it_was_written(name):
    asked = Aarq(mechanism=bytes.fromhex(name), authentication_value=b"")
    answer = Aare(result=AssociationResult.ACCEPTED, mechanism=bytes.fromhex(name))
    assert Aarq.decode(asked.encode(), strict=True) == asked
    assert Aare.decode(answer.encode(), strict=True) == answer


@pytest.mark.parametrize(
    "wrong",
    [
        "612b",  # the whole: two octets more than there are
        "6127",  # the whole: two octets fewer
        "61819f",
    ],
)
def test_a_wrong_length_of_the_whole_is_put_up_with(wrong):
    octets = bytes.fromhex(wrong + VECTORS["aare-accepted"]["hex"][4:])
    answer = Aare.decode(octets)
    assert decode_apdu(answer.user_information, strict=False).max_pdu == 500
    with pytest.raises(ProtocolFault) as odd:
        Aare.decode(octets, strict=True)
    assert odd.value.error.kind is ErrorKind.DECODE


@pytest.mark.parametrize(
    "lengths", ["be0e040e", "be12040e", "be100410", "be10040c", "be0e040c", "be00040e"], ids=str
)
def test_wrong_lengths_of_the_user_information_are_put_up_with(lengths):
    plain = VECTORS["aare-accepted"]["hex"]
    octets = bytes.fromhex(plain.replace("be10040e", lengths))
    answer = Aare.decode(octets)
    assert answer.is_accepted
    if lengths not in ("be00040e", "be0e040c"):
        assert decode_apdu(answer.user_information, strict=False).max_pdu == 500
    with pytest.raises(ProtocolFault):
        Aare.decode(octets, strict=True)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("6303800100", ReleaseResponseReason.NORMAL),
        ("6300", None),
        ("6303800101", ReleaseResponseReason.NOT_FINISHED),
        ("630380011e", ReleaseResponseReason.USER_DEFINED),
        ("6328800100be230421281f3001234567891214a0845e475714383f65bc19745ca235906525e4f3e1c893",
         ReleaseResponseReason.NORMAL),
        ("6303800100be230421281f3001234567", ReleaseResponseReason.NORMAL),
        ("63508001 00", ReleaseResponseReason.NORMAL),
        ("6305800100be", ReleaseResponseReason.NORMAL),
    ],
)  # fmt: skip
def test_an_rlre_is_read_whatever_its_lengths_say(octets, reason):
    assert Rlre.decode(bytes.fromhex(octets)).reason is reason


def test_an_rlrq_carries_the_ciphered_initiate_as_it_is():
    request = Rlrq.decode(octets_of("rlrq-ciphered"))
    assert request.reason is ReleaseRequestReason.NORMAL
    assert request.user_information[:2] == b"\x21\x30"
    assert Rlrq().encode() == octets_of("rlrq-normal")
    assert Rlrq(reason=None).encode() == bytes.fromhex("6200")


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("", "AARE: AARE: at 0: a tag expected, nothing left"),
        ("0e010302", "AARE: 61 expected, 0e came"),
        ("6100", "AARE: result: a2 expected, there is none"),
        ("6104a2030201", "AARE: at "),
        ("6107a20502030fffff", "AARE: result: a code of 0 to 255 expected, 0f ff ff came"),
    ],
)
def test_a_fault_says_which_element_and_what_came(octets, expected):
    with pytest.raises(ProtocolFault) as odd:
        Aare.decode(bytes.fromhex(octets), strict=True)
    assert str(odd.value).startswith(expected)


@given(st.sampled_from(ACSE), st.data())
@settings(max_examples=300, derandomize=True, deadline=None)
def test_a_flipped_bit_or_a_cut_is_a_value_or_a_fault(name, draw):
    octets = bytearray(octets_of(name))
    at = draw.draw(st.integers(0, 8 * len(octets) - 1))
    octets[at // 8] ^= 1 << at % 8
    cut = draw.draw(st.integers(0, len(octets)))
    for strict in (True, False):
        for tried in (bytes(octets), octets_of(name)[:cut]):
            with suppress(ProtocolFault):
                decode_apdu(tried, strict=strict)


@given(st.one_of(APDUS[Aarq], APDUS[Aare], APDUS[Rlrq], APDUS[Rlre]))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_an_apdu_with_octets_behind_it_is_read_without_them(apdu):
    assert decode_apdu(apdu.encode() + b"\xbe\x03\x04\x01\xff", strict=False) == apdu
