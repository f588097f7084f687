"""A certification authority for tests: P-256 or P-384 certificates for titles, and its own."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from meterkit.dlms.security import SecuritySuite
from meterkit.dlms.security.key_agreement import generate_key

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


class Authority:
    """Issues certificates under one name."""

    def __init__(self, suite=1, name="meters of nowhere"):
        self.suite = SecuritySuite(suite)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = generate_key(self.suite)
        self._serial = 6

    @property
    def certificate(self):
        """Its own, DER."""
        return self._issue(self.name, self.key.public_key(), ("key_cert_sign",), True)

    def issue(self, title, public_key, usage="digital_signature", **changes):
        """Return a certificate for a title, DER."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title.hex().upper())])
        return self._issue(subject, public_key, (usage,), False, **changes)

    def _issue(self, subject, public_key, usages, ca, begin=BEGIN):
        self._serial += 1
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(self._serial)
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**{name: name in usages for name in _USAGES}), critical=True)
        )
        digest = hashes.SHA384() if self.suite is SecuritySuite.SUITE_2 else hashes.SHA256()
        return builder.sign(self.key, digest).public_bytes(Encoding.DER)
