"""Certificates: whose they are, what for, until when, and who says so."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from meterkit.dlms.security import Certificate, CertificateType
from meterkit.dlms.security.certificate_pem import from_pem, to_pem
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.keys import public_key_octets
from meterkit.errors import ErrorKind, ProtocolFault
from tests.dlms.security.material import METER, SUITE_1, SUITE_2

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SIGNING, AGREEMENT = CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT
ROOT, ROOT_KEY = "meters of nowhere", generate_key(SUITE_1)


def certificate(
    subject: str = METER.hex().upper(),
    *,
    key: object = None,
    issuer_key: ec.EllipticCurvePrivateKey = ROOT_KEY,
    usages: tuple[str, ...] = ("digital_signature",),
    ca: bool | None = False,
    begin: datetime = NOW - timedelta(days=1),
) -> bytes:
    """Return a certificate in DER."""
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    own = generate_key(SUITE_1) if key is None else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ROOT)]))
        .public_key(own.public_key())  # type: ignore[attr-defined]
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if usages:
        builder = builder.add_extension(
            x509.KeyUsage(**{name: name in usages for name in names}), critical=True
        )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


def root(**changes: object) -> Certificate:
    told = {"subject": ROOT, "key": ROOT_KEY, "usages": ("key_cert_sign",), "ca": True, **changes}
    return Certificate.decode(certificate(**told))  # type: ignore[arg-type]


def refusal(octets: bytes, authority: Certificate, **changes: object) -> str:
    told = {"suite": SUITE_1, "usage": SIGNING, "title": METER, "now": NOW, "authority": authority, **changes}
    with pytest.raises(ProtocolFault) as refused:
        Certificate.decode(octets).check(**told)  # type: ignore[arg-type]
    assert refused.value.error.kind is ErrorKind.SECURITY
    return str(refused.value.error)


def test_a_certificate_tells_whose_key_it_is_and_what_for() -> None:
    key = generate_key(SUITE_1)
    octets = certificate(key=key)
    told = Certificate.decode(octets)
    assert told.system_title == METER
    assert told.suite is SUITE_1
    assert told.usages == {SIGNING}
    assert not told.is_authority
    assert (told.issuer, told.serial_number) == (ROOT, 7)
    assert told.octets == octets
    believed = told.check(SUITE_1, SIGNING, METER, NOW, root())
    assert public_key_octets(believed) == public_key_octets(key)


def test_usages_are_told_apart() -> None:
    assert Certificate.decode(certificate(usages=("key_agreement",))).usages == {AGREEMENT}
    both = Certificate.decode(certificate(usages=("digital_signature", "key_agreement"))).usages
    assert both == {SIGNING, AGREEMENT, CertificateType.TLS}
    assert Certificate.decode(certificate(usages=())).usages == frozenset()
    assert "key usage KEY_AGREEMENT expected, DIGITAL_SIGNATURE came" in refusal(
        certificate(), root(), usage=AGREEMENT
    )


def test_p_384_is_suite_2() -> None:
    octets = certificate(key=generate_key(SUITE_2))
    assert Certificate.decode(octets).suite is SUITE_2
    assert "a key of suite 1 expected, one of suite 2 came" in refusal(octets, root())


def test_another_title_time_or_issuer_is_refused() -> None:
    assert f"system title {METER.hex()} expected, subject 'FFFFFFFFFFFFFFFF' came" in refusal(
        certificate("FFFFFFFFFFFFFFFF"), root()
    )
    assert Certificate.decode(certificate("a name")).system_title is None
    assert "valid from 2026-06-02" in refusal(certificate(begin=NOW + timedelta(days=1)), root())
    assert "to 2026-05-30" in refusal(certificate(begin=NOW - timedelta(days=367)), root())
    stranger = generate_key(SUITE_1)
    assert "was not issued by" in refusal(certificate(issuer_key=stranger), root())
    assert f"{ROOT!r} is valid from" in refusal(certificate(), root(begin=NOW + timedelta(days=1)))
    assert "is no authority" in refusal(certificate(), root(ca=False))
    assert "is no authority" in refusal(certificate(), root(usages=("digital_signature",)))
    assert "is no authority" in refusal(certificate(), root(ca=None))


def test_what_is_no_certificate_is_refused_in_words() -> None:
    for octets in (b"", b"\x30\x82", bytes(100), certificate()[:-1]):
        with pytest.raises(ProtocolFault, match=r"certificate: X\.509 expected") as refused:
            Certificate.decode(octets)
        assert refused.value.error.kind is ErrorKind.SECURITY
    with pytest.raises(ProtocolFault, match="an elliptic curve key expected, RSAPublicKey came"):
        Certificate.decode(certificate(key=rsa.generate_private_key(65537, 2048)))
    with pytest.raises(ProtocolFault, match="secp256r1 or secp384r1 expected, one of secp521r1 came"):
        Certificate.decode(certificate(key=ec.generate_private_key(ec.SECP521R1())))


def test_a_certificate_is_read_from_pem_and_from_der_alike() -> None:
    octets = certificate()
    pem = to_pem(Certificate.decode(octets)).encode()
    assert pem.startswith(b"-----BEGIN CERTIFICATE-----\n")
    assert b64encode(octets)[:64] in pem
    assert from_pem(b"a word before it\n" + pem) == octets
    assert from_pem(octets) == octets


def test_a_certificate_in_pem_of_an_unknown_version_is_refused_in_words() -> None:
    octets = certificate().replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"))
    pem = b"-----BEGIN CERTIFICATE-----\n" + b64encode(octets) + b"\n-----END CERTIFICATE-----\n"
    with pytest.raises(ProtocolFault, match="a certificate in PEM expected: 5 is not a valid X509 version"):
        from_pem(pem)


def test_every_altered_octet_is_refused_or_not_believed() -> None:
    octets, authority = certificate(), root()
    for place in range(0, len(octets), 3):
        altered = bytearray(octets)
        altered[place] ^= 1 << place % 8
        with pytest.raises(ProtocolFault):
            Certificate.decode(bytes(altered)).check(SUITE_1, SIGNING, METER, NOW, authority)
