"""Requests and responses as octets, and refusals in words."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterkit.errors import ErrorKind, ProtocolFault
from meterkit.psem.refusals import refusal
from meterkit.psem.services import (
    BAUD_CODES,
    Feature,
    Identification,
    Negotiated,
    ResponseCode,
    ServiceCode,
    ServiceRequest,
    ServiceResponse,
    checksum,
    parse_identification,
    parse_negotiated,
    parse_table_data,
    service_of,
    table_name,
)

VECTORS = {
    v["name"]: v for v in json.loads((Path(__file__).parents[1] / "vectors" / "psem.json").read_text())
}
TIME = bytes.fromhex("13031313040300020000")
PUBLISHED = {
    "l7_read_full_1234": ServiceRequest.read_full(0x1234),
    "l7_read_offset_1234_500_1000": ServiceRequest.read_offset(0x1234, 500, 1000),
    "l7_read_offset_24bit": ServiceRequest.read_offset(0x17, 0x012345, 8),
    "l7_write_offset_19": ServiceRequest.write_offset(19, 0x010203, TIME),
    "l7_negotiate_no_baud": ServiceRequest.negotiate(64, 1),
    "l7_negotiate_3_bauds": ServiceRequest.negotiate(512, 4, (9600, 57600, 115200)),
    "l7_negotiate_osgp": ServiceRequest.negotiate(64, 2, [9600]),
    "l7_pread_index": ServiceRequest.read_index(0, (0,), 1),
    "l7_timing_setup": ServiceRequest.timing_setup(30, 1, 4, 3),
}
CAPTURED = {
    "identify_request": ServiceRequest.identify(),
    "negotiate_request_1baud_1024x128": ServiceRequest.negotiate(1024, 128, (9600,)),
    "negotiate_request_sharpmeter_128x254": ServiceRequest.negotiate(128, 254, (9600,)),
    "logon_request_administra": ServiceRequest.logon(2, "Administra"),
    "security_request_ascii_zeros": ServiceRequest.security(b"0" * 20),
    "security_request_space_padded": ServiceRequest.security(b"SECRET", "space"),
    "security_request_nul_padded_termineter": ServiceRequest.security(b"SECRET"),
    "read_full_st1": ServiceRequest.read_full(1),
    "read_offset_st28_real": ServiceRequest.read_offset(28, 0, 40),
    "read_offset_st200": ServiceRequest.read_offset(200, 32, 16),
    "write_full_st5": ServiceRequest.write_full(5, b"WRITTEN".ljust(20)),
    "write_offset_st200": ServiceRequest.write_offset(200, 4, b"\xde\xad"),
    "wait_30s": ServiceRequest.wait(30),
    "logoff_request": ServiceRequest.logoff(),
    "terminate_request": ServiceRequest.terminate(),
}


def captured(name):
    return bytes.fromhex(VECTORS[name]["expected"]["decoded"][-1]["data"])


def test_every_published_request_is_tried():
    assert {name for name, v in VECTORS.items() if v["kind"] == "l7-request"} == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_request_comes_out(name):
    assert PUBLISHED[name].encode().hex() == VECTORS[name]["hex"]


@pytest.mark.parametrize("name", CAPTURED)
def test_a_captured_request_comes_out(name):
    assert CAPTURED[name].encode() == captured(name)
    assert ServiceRequest.decode(captured(name)) == CAPTURED[name]


def test_a_checksum_is_twos_complement_of_the_data_alone():
    for vector in VECTORS.values():
        if vector["kind"] == "checksum":
            assert f"{checksum(bytes.fromhex(vector['hex'])):02x}" == vector["expected"]["cksum"]
    wrong = bytes.fromhex(VECTORS["l7_write_full_55_ones_complement"]["hex"])
    right = ServiceRequest.write_full(55, TIME).encode()
    assert right[:-1] == wrong[:-1]
    assert (right[-1], wrong[-1]) == (0xBB, 0xBA)


@given(st.binary(max_size=300))
def test_data_and_checksum_add_up_to_nothing(data):
    assert (sum(data) + checksum(data)) % 256 == 0


def test_the_code_counts_indices_and_speeds():
    for count in range(1, 10):
        assert ServiceRequest.read_index(1, range(count)).code == 0x30 + count
        assert ServiceRequest.write_index(1, range(count), b"").code == 0x40 + count
    for count in range(12):
        assert ServiceRequest.negotiate(64, 1, list(BAUD_CODES)[:count]).code == 0x60 + count
    assert ServiceRequest.write_index(8, (1, 2), b"\x01\xff").encode().hex() == "42000800010002000201ff00"
    assert service_of(0x39) is ServiceCode.READ_INDEX
    assert service_of(0x3A) is None
    assert service_of(0x6B) is ServiceCode.NEGOTIATE
    assert service_of(0x6C) is None


def test_the_other_requests_are_as_the_standard_says():
    assert ServiceRequest.disconnect().encode() == b"\x22"
    assert ServiceRequest.read_default().encode() == b"\x3e"
    assert ServiceRequest.logon(0x1234, "me").encode() == b"\x50\x12\x34me        "
    assert ServiceRequest.authenticate(b"\x00" + b"12345678").encode() == b"\x53\x09\x00" + b"12345678"


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (ServiceRequest.read_full(23), "read ST23"),
        (ServiceRequest.read_full(4150), "read ST54 pending"),
        (ServiceRequest.read_offset(2112, 1482, 64), "read MT64 offset 1482 count 64"),
        (ServiceRequest.read_index(5, (0, 3), 2), "read ST5 index 0.3 count 2"),
        (ServiceRequest.read_default(), "read default"),
        (ServiceRequest.write_full(7, bytes(13)), "write ST7 count 13"),
        (ServiceRequest.write_offset(5, 4, bytes(2)), "write ST5 offset 4 count 2"),
        (ServiceRequest.negotiate(1024, 16, (9600,)), "negotiate 1024 octets x 16"),
        (ServiceRequest.logon(2, "me"), "logon user 2"),
        (ServiceRequest.wait(75), "wait 75 s"),
        (ServiceRequest.security(b"x"), "security"),
        (ServiceRequest.timing_setup(30, 1, 4, 3), "timing setup"),
        (ServiceRequest(0x99, b"abc"), "service 0x99"),
        (ServiceRequest(0x3F, b"\x00"), "read offset"),
        (ServiceRequest(0x60), "negotiate"),
    ],
)
def test_requests_have_readable_names(request_, name):
    assert request_.name == name


@given(st.integers(0x20, 0xFF), st.binary(max_size=30))
def test_any_request_has_a_name(code, payload):
    assert ServiceRequest.decode(bytes([code]) + payload).name


def test_secrets_are_never_shown():
    password = b"SECRET-PASSWORD-1234"
    for request in (ServiceRequest.security(password), ServiceRequest.write_full(42, password)):
        assert "SECRET" not in repr(request)
        assert "5345" not in repr(request)
    assert "SECRET" not in repr(ServiceResponse.decode(b"\x00" + password))
    with pytest.raises(ValueError, match="21 octets; at most 20") as caught:
        ServiceRequest.security(password + b"5")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: ServiceRequest.logon(65536, "me"),
        lambda: ServiceRequest.logon(2, "eleven char"),
        lambda: ServiceRequest.logon(2, "mü"),
        lambda: ServiceRequest.security(b"", "zero"),
        lambda: ServiceRequest.read_full(65536),
        lambda: ServiceRequest.read_full(-1),
        lambda: ServiceRequest.read_offset(1, 1 << 24, 1),
        lambda: ServiceRequest.read_offset(1, 0, 65536),
        lambda: ServiceRequest.read_index(1, ()),
        lambda: ServiceRequest.read_index(1, range(10)),
        lambda: ServiceRequest.write_full(1, bytes(65536)),
        lambda: ServiceRequest.wait(256),
        lambda: ServiceRequest.negotiate(63, 1),
        lambda: ServiceRequest.negotiate(64, 0),
        lambda: ServiceRequest.negotiate(64, 1, (1234,)),
        lambda: ServiceRequest.negotiate(64, 1, (9600,) * 12),
        lambda: ServiceRequest.timing_setup(256, 1, 4, 3),
        lambda: ServiceRequest.authenticate(bytes(256)),
    ],
)
def test_what_does_not_fit_is_a_mistake(mistake):
    with pytest.raises(ValueError):
        mistake()


def test_a_request_is_no_response_and_the_other_way_round():
    for octets in (b"", b"\x20", b"\xff"):
        with pytest.raises(ProtocolFault):
            ServiceResponse.decode(octets)
    for octets in (b"", b"\x00", b"\x1f"):
        with pytest.raises(ProtocolFault):
            ServiceRequest.decode(octets)


def test_every_response_code_has_a_name():
    for code in range(0x20):
        response = ServiceResponse.decode(bytes([code]) + b"x")
        assert response.code.name
        assert response.code == code
        assert response.encode() == bytes([code]) + b"x"
    assert ServiceResponse.decode(b"\x13").code.name == "RESERVED_13"


@pytest.mark.parametrize("number", [-1, 0x20, "OK"])
def test_what_no_response_can_begin_with_is_no_response_code(number):
    with pytest.raises(ValueError, match="is not a valid ResponseCode"):
        ResponseCode(number)
    assert ServiceResponse.decode(b"\x13").code is ServiceResponse.decode(b"\x13").code
    assert ServiceResponse.decode(captured("onp_response")).code is ResponseCode.OPERATION_NOT_POSSIBLE


def test_a_captured_table_is_taken_out_of_its_response():
    response = ServiceResponse.decode(captured("read_st1_response"))
    assert response.is_ok
    assert parse_table_data(response.data) == b"MKITEMULATOR\x01\x00\x02\x01SN00000000000001"


def test_count_and_checksum_are_verified():
    good = b"\x00\x02\x01\x02\xfd"
    assert parse_table_data(good) == b"\x01\x02"
    assert parse_table_data(b"\x00\x00\x00") == b""
    for length in range(len(good)):
        with pytest.raises(ProtocolFault):
            parse_table_data(good[:length])
    with pytest.raises(ProtocolFault, match="count 00 02 asks for 5 octets with checksum, 6 came"):
        parse_table_data(good + b"\x00")
    for bit in range(len(good) * 8):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProtocolFault) as caught:
            parse_table_data(bytes(damaged))
        assert caught.value.error.kind is ErrorKind.PROTOCOL


def test_a_wrong_checksum_shows_both():
    with pytest.raises(ProtocolFault, match="checksum fe came where fd fits 2 octets"):
        parse_table_data(b"\x00\x02\x01\x02\xfe")


def test_the_plain_identification_of_1996_is_read():
    response = ServiceResponse.decode(captured("identify_response_c1218_1996"))
    identification = parse_identification(response.data)
    assert identification == Identification(0, 1, 0)
    assert str(identification) == "C12.18 version 1.0"


def test_a_c1222_identification_is_read_feature_by_feature():
    apdu = bytes.fromhex(VECTORS["epsem_ident_response"]["hex"])
    response = ServiceResponse.decode(apdu[-42:])
    identification = parse_identification(response.data)
    assert (identification.standard, identification.version, identification.revision) == (3, 1, 0)
    assert [feature.name for feature in identification.features] == [
        "security mechanism",
        "session control",
        "device class",
        "device identity",
    ]
    assert identification.features[1].data == b"\x08"
    assert identification.device_identity == bytes.fromhex("000102030a040d050607")
    assert identification.ticket is None


def test_a_ticket_for_authentication_is_found():
    ticket = bytes.fromhex("0123456789abcdef")
    identification = parse_identification(b"\x02\x01\x00\x01\x01\x00\x02\x01\x00\x08" + ticket + b"\x00")
    assert identification.ticket == ticket
    assert identification.features[0] == Feature(1, b"\x01\x00")


def test_an_unknown_or_cut_feature_is_kept_raw():
    assert parse_identification(b"\x00\x01\x00\x33\x01\x02\x00").features == (
        Feature(0x33, b"\x01\x02", is_whole=False),
    )
    cut = parse_identification(b"\x02\x01\x00\x02\x01\x00\x08\x01")
    assert cut.features == (Feature(2, b"\x01\x00\x08\x01", is_whole=False),)
    assert cut.ticket is None
    assert parse_identification(b"\x00\x02\x00") == Identification(0, 2, 0)


@given(st.binary(max_size=40))
def test_any_octets_identify_or_are_a_fault(octets):
    if len(octets) < 3:
        with pytest.raises(ProtocolFault):
            parse_identification(octets)
    else:
        identification = parse_identification(octets)
        assert sum(len(feature.data) for feature in identification.features) <= len(octets)


def test_what_was_negotiated_is_read():
    response = ServiceResponse.decode(captured("negotiate_response_1024x128_9600"))
    asked = {"packet_size": 1024, "max_packets": 128, "baud_rates": (9600,)}
    assert parse_negotiated(response.data, **asked) == Negotiated(1024, 128, 9600)
    assert parse_negotiated(b"\x00\x40\x01", **asked) == Negotiated(64, 1, None)
    assert parse_negotiated(b"\x00\x40\x01\x00", **asked) == Negotiated(64, 1, None)
    assert parse_negotiated(b"\x00\x40\x01\x0b", **asked) == Negotiated(64, 1, 38400)


def test_a_speed_nobody_asked_for_means_nothing():
    for octet in (b"\x06", b"\x00", b"\xff"):
        assert parse_negotiated(b"\x00\x40\x01" + octet, packet_size=64, max_packets=1).baud_rate is None


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "0 came"),
        (b"\x00\x40", "2 came"),
        (b"\x00\x40\x01\x06\x00", "5 came"),
        (b"\x02\x01\x02\x06", "513 octets; 64 to 512"),
        (b"\x00\x3f\x02\x06", "63 octets"),
        (b"\x02\x00\x03\x06", "3 packets a message; 1 to 2"),
        (b"\x02\x00\x00\x06", "0 packets"),
        (b"\x02\x00\x02\x0f", "baud code 0f"),
    ],
)
def test_more_than_was_asked_for_is_a_fault(octets, why):
    with pytest.raises(ProtocolFault, match=why) as caught:
        parse_negotiated(octets, packet_size=512, max_packets=2, baud_rates=(9600,))
    assert caught.value.error.kind is ErrorKind.PROTOCOL


def test_tables_have_their_usual_names():
    assert [table_name(n) for n in (1, 2047, 2048, 2112, 4150, 6191)] == [
        "ST1",
        "ST2047",
        "MT0",
        "MT64",
        "ST54 pending",
        "MT47 pending",
    ]


READ, WRITE = ServiceRequest.read_full(2069), ServiceRequest.write_full(5, b"x")
SECURITY = ServiceRequest.security(b"SECRET")
START = ServiceRequest.write_full(7, bytes(3))


def test_a_refusal_says_service_table_code_and_what_to_do():
    error = refusal(READ, ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE)
    assert error.kind is ErrorKind.SECURITY
    assert error.code == 3
    assert str(error) == (
        "read MT21: the meter refused: insufficient security clearance (ISC, 0x03); the table needs a "
        "password, or another one: OSGP meters name the keys (MK, PK, RK) for each table [security]"
    )


@pytest.mark.parametrize(
    ("request_", "code", "kind", "advice"),
    [
        (READ, 0x05, ErrorKind.REFUSED, "no such table"),
        (WRITE, 0x05, ErrorKind.REFUSED, "or it is read-only"),
        (READ, 0x04, ErrorKind.REFUSED, "past its end"),
        (READ, 0x06, ErrorKind.REFUSED, "try again in a few seconds"),
        (READ, 0x07, ErrorKind.REFUSED, "try again in a few seconds"),
        (READ, 0x09, ErrorKind.REFUSED, "connect again"),
        (READ, 0x0A, ErrorKind.REFUSED, "connect again"),
        (ServiceRequest.identify(), 0x0A, ErrorKind.REFUSED, "an earlier session is still open"),
        (ServiceRequest.read_offset(1, 0, 1), 0x02, ErrorKind.REFUSED, "read the table whole"),
        (ServiceRequest.negotiate(64, 1), 0x02, ErrorKind.REFUSED, "the defaults hold"),
        (SECURITY, 0x01, ErrorKind.SECURITY, "wrong password"),
        (SECURITY, 0x03, ErrorKind.SECURITY, "wrong password"),
        (SECURITY, 0x06, ErrorKind.REFUSED, "try again"),
        (SECURITY, 0x0A, ErrorKind.REFUSED, "connect again"),
        (START, 0x03, ErrorKind.SECURITY, "the procedure needs a password"),
        (START, 0x05, ErrorKind.REFUSED, "runs no procedures"),
        (START, 0x06, ErrorKind.REFUSED, "try again"),
        (ServiceRequest.logon(2, "me"), 0x01, ErrorKind.REFUSED, "check the request"),
    ],
)
def test_a_refusal_is_judged_by_service_and_code(request_, code, kind, advice):
    error = refusal(request_, code)
    assert (error.kind, error.code) == (kind, code)
    assert advice in error.message
    assert f"0x{code:02X}" in error.message
    assert error.where == request_.name


def test_every_code_can_refuse_every_service():
    for code in range(1, 0x20):
        for service in (*ServiceCode, 0x99):
            assert refusal(ServiceRequest(service, bytes(5)), code).message
