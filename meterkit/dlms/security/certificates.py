"""Certificates of meters and clients: X.509, read by cryptography's own parser.

    subject CN    the system title in hex, "4D4D4D0000BC614E"
    key usage     digitalSignature: ECDSA    keyAgreement: ECDH    keyCertSign: an authority
    public key    P-256 in suite 1, P-384 in suite 2

Source: Green Book 9.2 (certificate profile); Blue Book, class 64, attribute 6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from meterkit.dlms.security.keys import PublicKey
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE, SecuritySuite
from meterkit.errors import ErrorKind, ProtocolFault, fault

_WHERE = "certificate"


class CertificateType(Enum):
    """What its key may be used for; the value is Security setup's number.  Source: Blue Book, class 64."""

    DIGITAL_SIGNATURE = 0
    KEY_AGREEMENT = 1
    TLS = 2
    OTHER = 3


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, its key known to be of a suite's curve."""

    suite: SecuritySuite
    system_title: bytes | None  #: of its subject; None for an authority whose CN is a name
    subject: str
    issuer: str
    serial_number: int
    not_before: datetime  #: aware, UTC
    not_after: datetime  #: aware, UTC
    usages: frozenset[CertificateType]
    is_authority: bool
    public_key: PublicKey = field(repr=False)
    octets: bytes = field(repr=False)  #: DER
    _parsed: x509.Certificate = field(repr=False, compare=False)

    @classmethod
    def decode(cls, octets: bytes) -> Self:
        """Return the certificate with this DER.

        Errors: `ProtocolFault` SECURITY no certificate, or not with a key of P-256 or P-384.
        """
        try:
            parsed = x509.load_der_x509_certificate(octets)
            key = parsed.public_key()
            subject, issuer = _common_name(parsed.subject), _common_name(parsed.issuer)
            usages, is_authority = _usages(parsed)
        except (
            ValueError,
            TypeError,
            x509.InvalidVersion,
            x509.DuplicateExtension,
            UnsupportedAlgorithm,
        ) as odd:
            raise _odd(f"X.509 expected, {octets[:8].hex(' ') or 'nothing'} came: {odd}") from None
        return cls(
            suite=_suite_of(key),
            system_title=_title(subject),
            subject=subject,
            issuer=issuer,
            serial_number=parsed.serial_number,
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            usages=usages,
            is_authority=is_authority,
            public_key=_elliptic(key),
            octets=parsed.public_bytes(Encoding.DER),
            _parsed=parsed,
        )

    def check(
        self,
        suite: SecuritySuite,
        usage: CertificateType,
        title: bytes,
        now: datetime,
        authority: Certificate,
    ) -> PublicKey:
        """Return the public key if the certificate may be believed for this `usage` of `title` at `now`.

        Errors: `ProtocolFault` SECURITY with what was expected and what came.
        """
        if self.suite != suite:
            raise _odd(f"a key of suite {int(suite)} expected, one of suite {int(self.suite)} came")
        if self.system_title != title:
            raise _odd(f"system title {title.hex()} expected, subject {self.subject!r} came")
        if usage not in self.usages:
            uses = ", ".join(sorted(one.name for one in self.usages)) or "none"
            raise _odd(f"key usage {usage.name} expected, {uses} came")
        for one in (self, authority):
            if not one.not_before <= now <= one.not_after:
                raise _odd(
                    f"{one.subject!r} is valid from {one.not_before:%Y-%m-%d} to {one.not_after:%Y-%m-%d}, "
                    f"now is {now:%Y-%m-%d}"
                )
        self.check_issuer(authority)
        return self.public_key

    def check_issuer(self, authority: Certificate) -> None:
        """Make sure that `authority`, which may issue certificates, signed this one.

        Errors: `ProtocolFault` SECURITY.
        """
        if not authority.is_authority:
            raise _odd(f"issuer {authority.subject!r} is no authority: it may not sign certificates")
        try:
            self._parsed.verify_directly_issued_by(authority._parsed)
        except (InvalidSignature, ValueError, TypeError):
            raise _odd(f"{self.subject!r} was not issued by {authority.subject!r}") from None


def _common_name(name: x509.Name) -> str:
    names = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _title(subject: str) -> bytes | None:
    try:
        title = bytes.fromhex(subject)
    except ValueError:
        return None
    return title if len(title) == SYSTEM_TITLE_SIZE else None


def _usages(parsed: x509.Certificate) -> tuple[frozenset[CertificateType], bool]:
    """Return what the key may be used for, and whether it may sign certificates."""
    found: set[CertificateType] = set()
    may_sign = False
    try:
        usage = parsed.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset(), False
    if usage.digital_signature:
        found.add(CertificateType.DIGITAL_SIGNATURE)
    if usage.key_agreement:
        found.add(CertificateType.KEY_AGREEMENT)
    if found == {CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT}:
        found.add(CertificateType.TLS)
    if usage.key_cert_sign:
        try:
            may_sign = parsed.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        except x509.ExtensionNotFound:
            may_sign = False
    return frozenset(found), may_sign


def _elliptic(key: object) -> PublicKey:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key
    raise _odd(f"an elliptic curve key expected, {type(key).__name__} came")


def _suite_of(key: object) -> SecuritySuite:
    name = _elliptic(key).curve.name
    for suite in (SecuritySuite.SUITE_1, SecuritySuite.SUITE_2):
        if suite.curve.name == name:
            return suite
    raise _odd(f"a key of secp256r1 or secp384r1 expected, one of {name} came")


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
