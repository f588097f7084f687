"""AARQ, AARE, RLRQ: who gets an association with the emulated meter, and what it shows."""

import pytest

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import Aare, Aarq, AcseServiceUser, AuthenticationMechanism
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.errors import ConfirmedServiceError, ExceptionResponse
from meterkit.dlms.apdu.initiate import InitiateRequest, InitiateResponse
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms import DlmsQuirk
from tests.emulator.dlms.meters import CLOCK_OCTETS, GET_CLOCK, WrapperClient, make_meter, manager

RELEASE = "6203800100"
OBJECT_LIST = "c001c1000f0000280000ff0200"


def aare_for(sap=16, **fields):
    initiate = InitiateRequest(conformance=Conformance.GET, max_pdu=1200)
    fields.setdefault("user_information", initiate.encode())
    return Aare.decode(WrapperClient(make_meter(), sap).ask(Aarq(**fields).encode()))


def test_a_public_client_is_granted_what_it_proposed_of_what_there_is():
    aare = Aare.decode(WrapperClient(make_meter()).associate("00ffffff"))
    assert aare.is_accepted
    response = decode_apdu(aare.user_information)
    assert isinstance(response, InitiateResponse)
    assert Conformance.GET | Conformance.ACCESS in response.conformance
    assert Conformance.READ not in response.conformance
    assert Conformance.GENERAL_PROTECTION not in response.conformance
    assert (response.max_pdu, response.vaa_name) == (1024, 7)


@pytest.mark.parametrize(
    ("sap", "fields", "diagnostic"),
    [
        (1, {}, AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_REQUIRED),
        (
            1,
            {"mechanism": AuthenticationMechanism.LOW_LEVEL_SECURITY, "authentication_value": b"87654321"},
            AcseServiceUser.AUTHENTICATION_FAILURE,
        ),
        (
            1,
            {"mechanism": AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5, "authentication_value": b"x" * 8},
            AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED,
        ),
        (16, {"application_context": 2}, AcseServiceUser.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED),
        (99, {}, AcseServiceUser.NO_REASON_GIVEN),
    ],
)
def test_a_refusal_tells_why(sap, fields, diagnostic):
    aare = aare_for(sap, **fields)
    assert not aare.is_accepted
    assert aare.diagnostic == diagnostic


@pytest.mark.parametrize(
    ("initiate", "value"),
    [
        (InitiateRequest(conformance=Conformance.GET, dlms_version=5), 1),
        (InitiateRequest(conformance=Conformance.READ), 2),
        (InitiateRequest(conformance=Conformance.GET, max_pdu=11), 3),
    ],
)
def test_an_impossible_initiate_gets_a_confirmed_service_error_inside_the_aare(initiate, value):
    aare = aare_for(user_information=initiate.encode())
    assert not aare.is_accepted
    assert decode_apdu(aare.user_information) == ConfirmedServiceError(1, 6, value)


def test_without_an_association_requests_are_refused():
    client = WrapperClient(make_meter())
    assert client.ask(GET_CLOCK).hex() == "d80101"
    assert client.ask(RELEASE).hex() == "d80102"


def test_a_service_that_was_not_granted_is_refused():
    client = WrapperClient(make_meter())
    client.associate(conformance="00000010")  # GET alone
    assert client.ask(GET_CLOCK)[4:] == CLOCK_OCTETS
    assert client.ask("c101c100080000010000ff0200" + CLOCK_OCTETS.hex()).hex() == "d80102"


def test_each_client_on_a_line_has_an_association_of_its_own():
    emulator = make_meter()
    client = WrapperClient(emulator)
    client.associate()
    client.sap = 1
    assert client.ask(GET_CLOCK).hex() == "d80101"
    client.sap = 16
    assert client.ask(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_after_a_release_there_is_no_association():
    client = manager()
    assert client.ask(RELEASE).hex() == "6303800100"
    assert isinstance(client.ask_decoded(GET_CLOCK), ExceptionResponse)


def test_another_logical_device_is_met_with_silence():
    client = WrapperClient(make_meter(logical_device=2))
    assert client.send(GET_CLOCK) == []


def test_what_is_no_request_is_refused_and_the_association_goes_on():
    client = manager()
    for octets in ("", "ff", "c0", "c001", "c001c1", "c4010000", "60", "e0"):
        answer = client.ask(octets)
        assert answer[0] in (0xD8, 0x61), octets
    assert client.ask(GET_CLOCK)[4:] == CLOCK_OCTETS


def test_a_request_longer_than_agreed_is_refused():
    client = manager(max_pdu=100)
    assert (
        client.ask("c101c1000100006 00d00ff0200".replace(" ", "") + "0982" + "0080" + "00" * 128).hex()
        == "d80104"
    )


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_the_object_list_tells_class_version_name_and_rights(version):
    client = WrapperClient(make_meter(association_version=version))
    client.associate(max_pdu="ffff")
    objects = axdr.decode(client.ask(OBJECT_LIST)[4:])
    by_name = {(one[0], one[2]): one for one in objects}
    _, _, _, (attributes, methods) = by_name[7, bytes.fromhex("0100630100ff")]
    assert attributes[1] == (2, 1, [1, 2])  # buffer: read access, by range and by entry
    assert [index for index, _ in methods] == [1]
    assert by_name[15, bytes.fromhex("0000280000ff")][1] == version
    secret = by_name[15, bytes.fromhex("0000280000ff")][3][0][6]
    assert secret[:2] == (7, 0)


def test_a_manager_sees_that_it_may_write_and_switch():
    client = manager(max_pdu_transmit=65000)
    client.associate(max_pdu="ffff", password=True)
    objects = axdr.decode(client.ask(OBJECT_LIST)[4:])
    rights = {one[0]: one[3] for one in objects}
    assert rights[8][0][1][:2] == (2, 3)
    assert rights[70][1][0] == (1, 1)


@pytest.mark.parametrize(
    ("quirk", "answer"),
    [
        (DlmsQuirk.NO_ANSWER_TO_RELEASE, []),
        (DlmsQuirk.EXCEPTION_TO_RELEASE, ["d80102"]),
        (DlmsQuirk.WRONG_RLRE_LENGTHS, ["6302800100"]),
    ],
)
def test_a_release_can_be_odd(quirk, answer):
    client = manager(quirks=[quirk])
    assert [apdu.hex() for _, _, apdu in client.send(RELEASE)] == answer


def test_an_aare_can_be_odd():
    client = WrapperClient(make_meter(), sap=1)
    plain = client.associate()
    client.emulator.quirks.add(DlmsQuirk.AARE_WITHOUT_USER_INFORMATION)
    assert Aare.decode(client.associate()).user_information is None
    client.emulator.quirks.add(DlmsQuirk.EXPLICIT_PROTOCOL_VERSION)
    assert client.associate()[2:6].hex() == "80020780"
    client.emulator.quirks = {DlmsQuirk.WRONG_AARE_LENGTHS}
    fresh = WrapperClient(client.emulator, sap=1)
    assert fresh.associate()[1] == plain[1] - 1
    client.emulator.quirks = {DlmsQuirk.ERROR_TO_AARQ}
    assert WrapperClient(client.emulator).associate().hex() == "0e010302"
    client.emulator.quirks = {DlmsQuirk.SILENT_TO_UNKNOWN_CLIENT}
    assert (
        WrapperClient(client.emulator, sap=99).send(
            "601da109060760857405080101be10040e01000000065f1f0400007e1f04b0"
        )
        == []
    )
