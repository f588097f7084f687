"""Certificate requests: a public key, whose it is, and a signature that proves its owner has the private one.

    CertificationRequest   SEQUENCE { info { version 0, subject CN = system title, public key, [0] }, ECDSA }

The meter makes one for a key pair of its own; an authority makes a certificate of it.
Source: PKCS #10 (RFC 2986); Blue Book, class 64, generate_certificate_request.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from meterkit.dlms.security.keys import PrivateKey, PublicKey, check_curve
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE, SecuritySuite, check_title
from meterkit.errors import ErrorKind, ProtocolFault, fault

_WHERE = "certificate request"


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """One request, its signature verified."""

    suite: SecuritySuite
    system_title: bytes | None  #: of its subject; None where the CN is none
    subject: str
    public_key: PublicKey = field(repr=False)
    octets: bytes = field(repr=False)  #: DER

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the request with this DER.

        Errors: `ProtocolFault` SECURITY no request, not with a key of P-256 or P-384, or not signed by it.
        """
        try:
            parsed = x509.load_der_x509_csr(octets)
            key, is_signed = parsed.public_key(), parsed.is_signature_valid
        except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as odd:
            raise _odd(f"PKCS #10 expected, {octets[:8].hex(' ') or 'nothing'} came: {odd}") from None
        if not is_signed:
            raise _odd("the signature does not verify: its sender may not have the private key")
        names = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        subject = str(names[0].value) if names else ""
        suite, public = _elliptic(key)
        return cls(suite, _title(subject), subject, public, parsed.public_bytes(Encoding.DER))

    @property
    def pem(self) -> str:
        """The request as authorities take it, in PEM."""
        return x509.load_der_x509_csr(self.octets).public_bytes(Encoding.PEM).decode("ascii")


def make_request(suite: SecuritySuite, key: PrivateKey, system_title: bytes) -> bytes:
    """Return a request in DER for `key`, signed by it, whose subject is the system title in hex.

    Raises: ValueError for a key of another curve than the suite's, or no system title.
    """
    check_curve(suite, "key", key)
    name = check_title("system_title", system_title).hex().upper()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    digest = SHA384() if suite is SecuritySuite.SUITE_2 else SHA256()
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, digest)
    return request.public_bytes(Encoding.DER)


def _elliptic(key: object) -> tuple[SecuritySuite, PublicKey]:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _odd(f"an elliptic curve key expected, {type(key).__name__} came")
    for suite in (SecuritySuite.SUITE_1, SecuritySuite.SUITE_2):
        if suite.curve.name == key.curve.name:
            return suite, key
    raise _odd(f"a key of secp256r1 or secp384r1 expected, one of {key.curve.name} came")


def _title(subject: str) -> bytes | None:
    try:
        title = bytes.fromhex(subject)
    except ValueError:
        return None
    return title if len(title) == SYSTEM_TITLE_SIZE else None


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
