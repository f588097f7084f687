"""The meter's certificates: pairs, requests, import, list, export, removal; client and meter together."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pydantic import SecretBytes

from meterkit import DlmsClient, DlmsClientOptions, Err, ErrorKind, MeterError
from meterkit.codec import axdr
from meterkit.dlms.cosem import security_setup as cosem
from meterkit.dlms.security import Certificate, CertificateType, KeyKind, SecuritySuite
from meterkit.dlms.security.certificate_names import (
    CertificateByEntity,
    CertificateBySerial,
    alternative_names_of,
    common_name,
    issuer_of,
    serial_number_of,
    serial_octets,
)
from meterkit.dlms.security.certificate_requests import CertificateRequest, make_request
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.keys import public_key_octets
from meterkit.errors import ProtocolFault
from tests.dlms.authority import Authority
from tests.dlms.rig import line
from tests.dlms.security_rig import BOTH, ECDSA, METER_TITLE, TITLE, secured, secured_meter
from tests.virtual_clock import VIRTUAL_CLOCK

pytestmark = pytest.mark.anyio

SIGNING, AGREEMENT = CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT
MASTER = {1: bytes(range(0x40, 0x50)), 2: bytes(range(0x40, 0x60))}
SERVER, CLIENT, AUTHORITY = 0, 1, 2


@pytest.fixture
def anyio_backend():
    return VIRTUAL_CLOCK


def meter(suite=1, mechanism=ECDSA):
    return secured_meter(mechanism, suite=suite, of_client={"master_key": SecretBytes(MASTER[suite])})


@pytest.mark.parametrize("suite", [1, 2])
async def test_a_new_key_pair_comes_into_use_with_its_certificate(suite):
    emulator, authority = meter(suite), Authority(suite)
    async with secured(emulator, ECDSA, BOTH, suite) as (client, _):
        (await client.connect()).unwrap()
        (await client.import_certificate(authority.certificate)).unwrap()
        (await client.generate_key_pair(SIGNING)).unwrap()
        request = (await client.generate_certificate_request(SIGNING)).unwrap()
        assert request.system_title == METER_TITLE
        assert request.pem.startswith("-----BEGIN CERTIFICATE REQUEST-----")
        issued = authority.issue(METER_TITLE, request.public_key)
        (await client.import_certificate(issued)).unwrap()
        await client.disconnect()
        error = (await client.connect()).error  # it signs with the new key now
        assert error.kind is ErrorKind.SECURITY
    public = public_key_octets(request.public_key)
    async with secured(emulator, ECDSA, BOTH, suite, server_signing_key=public, **above(client)) as (
        client,
        _,
    ):
        (await client.connect()).unwrap()
        (await client.agree_keys()).unwrap()


def above(client):
    """Go on with the counters of another client."""
    return {"counters": client.options.counters}


async def test_the_clients_own_certificate_tells_the_meter_whom_to_believe():
    emulator, authority, own = meter(), Authority(), generate_key(SecuritySuite.SUITE_1)
    async with secured(emulator, ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        (await client.import_certificate(authority.certificate)).unwrap()
        (await client.import_certificate(authority.issue(TITLE, own.public_key()))).unwrap()
        await client.disconnect()
        assert (await client.connect()).is_failure
    private = own.private_numbers().private_value.to_bytes(32, "big")
    async with secured(emulator, ECDSA, BOTH, 1, signing_key=private, **above(client)) as (client, _):
        (await client.connect()).unwrap()


async def test_certificates_are_listed_exported_and_removed_by_either_name():
    emulator, authority = meter(), Authority()
    async with secured(emulator, ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        (await client.import_certificate(authority.certificate)).unwrap()
        request = (await client.generate_certificate_request(SIGNING)).unwrap()
        issued = authority.issue(METER_TITLE, request.public_key)
        (await client.import_certificate(Certificate.decode(issued))).unwrap()
        first, second = (await client.read_security_setup()).unwrap().certificates
        assert (first.entity, first.subject) == (AUTHORITY, "meters of nowhere")
        assert (second.entity, second.certificate_type) == (SERVER, cosem.CertificateType.DIGITAL_SIGNATURE)
        assert (second.subject, second.issuer) == (METER_TITLE.hex().upper(), "meters of nowhere")
        by_serial = (await client.export_certificate(second.name)).unwrap()
        assert by_serial.octets == issued
        assert CertificateBySerial.of(by_serial) == second.name
        by_entity = CertificateByEntity(SERVER, SIGNING, METER_TITLE)
        assert (await client.export_certificate(by_entity)).unwrap() == by_serial
        (await client.remove_certificate(by_entity)).unwrap()
        assert (await client.export_certificate(second.name)).error.kind is ErrorKind.REFUSED
        assert (await client.remove_certificate(by_entity)).error.kind is ErrorKind.REFUSED
        assert len((await client.read_security_setup()).unwrap().certificates) == 1


async def test_the_meter_believes_no_certificate_that_nobody_vouches_for():
    emulator, authority = meter(), Authority()
    other, own = Authority(name="meters of elsewhere"), generate_key(SecuritySuite.SUITE_1)
    late = authority.issue(TITLE, own.public_key(), begin=datetime(2027, 1, 1, tzinfo=UTC))
    stranger = generate_key(SecuritySuite.SUITE_1)  # no key of the meter's
    async with secured(emulator, ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        before = await client.import_certificate(authority.issue(TITLE, own.public_key()))
        (await client.import_certificate(authority.certificate)).unwrap()
        for der in (
            other.certificate,
            other.issue(TITLE, own.public_key()),
            late,
            authority.issue(METER_TITLE, stranger.public_key()),
            Authority(2).certificate,
        ):
            assert (await client.import_certificate(der)).error.kind is ErrorKind.REFUSED
        assert before.error.kind is ErrorKind.REFUSED
        assert len((await client.read_security_setup()).unwrap().certificates) == 1
        with pytest.raises(ValueError, match=r"X\.509 expected"):
            await client.import_certificate(b"no certificate")


async def test_there_are_no_key_pairs_in_suite_0_and_none_for_other_purposes():
    async with secured(secured_meter()) as (client, _):
        (await client.connect()).unwrap()
        assert (await client.generate_key_pair(SIGNING)).error.kind is ErrorKind.REFUSED
        assert (await client.generate_certificate_request(AGREEMENT)).error.kind is ErrorKind.REFUSED
    async with secured(meter(), ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        assert (await client.generate_key_pair(CertificateType.OTHER)).error.kind is ErrorKind.REFUSED
        assert (await client.generate_certificate_request(AGREEMENT)).error.kind is ErrorKind.REFUSED
        (await client.generate_key_pair(AGREEMENT)).unwrap()
        assert (await client.generate_certificate_request(AGREEMENT)).is_success


# ------------------------------------------------------------------ another client
@pytest.fixture(scope="module")
def gurux():
    """What gurux-dlms sends to a Security setup: the parameters of each method."""
    authority = Certificate.decode(Authority().certificate)
    job = {"encryption": "11" * 16, "authentication": "22" * 16, "master": MASTER[1].hex()}
    job |= {"title": METER_TITLE.hex(), "serial": 300, "issuer": issuer_of(authority).hex()}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("gurux_security_setup.py"))],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    told = json.loads(done.stdout)
    return {name: bytes.fromhex(octets)[8:] for name, octets in told.items()}, job


async def test_our_requests_are_those_of_gurux(gurux):
    theirs, job = gurux
    keys = {
        KeyKind.GLOBAL_UNICAST_ENCRYPTION: bytes.fromhex(job["encryption"]),
        KeyKind.AUTHENTICATION: bytes.fromhex(job["authentication"]),
    }
    by_serial = CertificateBySerial(job["serial"], bytes.fromhex(job["issuer"]))
    asked = []

    class Overhearing(DlmsClient):
        async def call(self, ref, value=None, *, confirmed=True):
            asked.append((ref.index, ref.encode(value)))
            return Err(MeterError(ErrorKind.REFUSED, "only heard"))

    async with Overhearing(line(meter()), DlmsClientOptions()) as client:
        await client.transfer_keys(keys, master_key=MASTER[1])
        await client.generate_key_pair(SIGNING)
        await client.generate_certificate_request(SIGNING)
        await client.export_certificate(CertificateByEntity(SERVER, SIGNING, METER_TITLE))
        await client.export_certificate(by_serial)
    head = 13  # octets: c3 01, invoke id, descriptor, 01
    assert [(apdu[head - 2], apdu[head:]) for apdu in theirs.values()] == asked


# ------------------------------------------------------------------ octets
def test_a_request_that_was_altered_is_none():
    title, key = METER_TITLE, generate_key(SecuritySuite.SUITE_2)
    der = make_request(SecuritySuite.SUITE_2, key, title)
    assert CertificateRequest.decode(der).suite is SecuritySuite.SUITE_2
    for at in range(150):  # what is signed is longer
        altered = der[:at] + bytes((der[at] ^ 0x01,)) + der[at + 1 :]
        with pytest.raises(ProtocolFault) as refused:
            CertificateRequest.decode(altered)
        assert refused.value.error.kind is ErrorKind.SECURITY
    with pytest.raises(ProtocolFault, match="PKCS #10 expected, nothing came"):
        CertificateRequest.decode(b"")


@pytest.mark.parametrize(
    ("number", "octets"),
    [(0, "020100"), (1, "020101"), (127, "02017f"), (128, "02020080"), (0x1234, "02021234")],
)
def test_a_serial_number_is_a_der_integer_and_its_contents_are_understood_too(number, octets):
    assert serial_octets(number).hex() == octets
    assert serial_number_of(bytes.fromhex(octets)) == number
    assert serial_number_of(bytes.fromhex(octets)[2:]) == number
    with pytest.raises(ValueError, match="0 or more"):
        serial_octets(-1)


@pytest.mark.parametrize(
    ("octets", "text"),
    [(b"CN=someone", "CN=someone"), (b"\x30\x05\x01", "300501"), (b"", ""), (b"\xff\xfe", "fffe")],
)
def test_a_name_that_is_no_name_is_shown_as_it_is(octets, text):
    assert common_name(octets) == text


def name_of(*attributes):
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in attributes])


def test_a_common_name_is_found_wherever_it_stands_in_a_name():
    name = name_of((NameOID.ORGANIZATION_NAME, "meters"), (NameOID.COMMON_NAME, "4D4B54"))
    assert common_name(name.public_bytes()) == "4D4B54"


@pytest.mark.parametrize(
    "octets",
    ["3000", "3002 3100", "300b 3109 3007 0603 550406 1300", "3006 3104 3002 0500", "3004 3102 3000"],
    ids=["empty", "no attribute", "a country", "an attribute of one part", "an attribute of none"],
)
def test_a_name_without_a_common_name_is_shown_in_hex(octets):
    assert common_name(bytes.fromhex(octets)) == octets.replace(" ", "")


def certificate_with(*extensions):
    key = generate_key(SecuritySuite.SUITE_1)
    subject = name_of((NameOID.COMMON_NAME, TITLE.hex().upper()))
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 7, begin, begin + timedelta(days=9))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Certificate.decode(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def test_alternative_names_are_told_in_der_where_there_are_any():
    named = certificate_with(x509.SubjectAlternativeName([x509.DNSName("m1")]))
    assert alternative_names_of(named).hex(" ") == "30 04 82 02 6d 31"  # SEQUENCE { [2] "m1" }
    assert alternative_names_of(certificate_with()) == b""


def request_with(key, *attributes):
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(*attributes))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (((NameOID.COMMON_NAME, "a meter"),), "a meter"),
        (((NameOID.COMMON_NAME, "4D4B"),), "4D4B"),
        (((NameOID.ORGANIZATION_NAME, "meters"),), ""),
    ],
    ids=["words", "too short", "none"],
)
def test_a_request_for_a_name_that_is_no_system_title_has_none(subject, words):
    request = CertificateRequest.decode(request_with(generate_key(SecuritySuite.SUITE_1), *subject))
    assert (request.system_title, request.subject) == (None, words)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (rsa.generate_private_key(65537, 2048), "an elliptic curve key expected, RSAPublicKey came"),
        (ec.generate_private_key(ec.SECP521R1()), "secp256r1 or secp384r1 expected, one of secp521r1 came"),
    ],
    ids=["RSA", "P-521"],
)
def test_a_request_for_a_key_of_no_suite_is_refused(key, told):
    with pytest.raises(ProtocolFault, match=f"certificate request: .*{told}") as refused:
        CertificateRequest.decode(request_with(key, (NameOID.COMMON_NAME, METER_TITLE.hex())))
    assert refused.value.error.kind is ErrorKind.SECURITY


async def test_an_export_that_is_no_certificate_is_told():
    emulator = meter()
    setup = next(one for one in emulator.device.objects if one.class_id == 64)
    from meterkit.emulator.dlms.cosem_object import Method

    setup.methods[7] = Method(lambda _: axdr.encode_octet_string(b"nonsense"))
    setup.methods[5] = setup.methods[7]
    async with secured(emulator, ECDSA, BOTH, 1) as (client, _):
        (await client.connect()).unwrap()
        exported = await client.export_certificate(CertificateBySerial(7, b"\x30\x00"))
        assert exported.error.kind is ErrorKind.SECURITY
        assert (await client.generate_certificate_request(SIGNING)).error.kind is ErrorKind.SECURITY
