"""Certificates as files have them: PEM, the DER in base64 between two lines of words.

    -----BEGIN CERTIFICATE-----
    MIIB...
    -----END CERTIFICATE-----

Source: RFC 7468.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from meterkit.dlms.security.certificates import Certificate
from meterkit.errors import ErrorKind, fault

_BEGIN: Final = b"-----BEGIN"


def from_pem(content: bytes) -> bytes:
    """Return the DER of the first certificate in a file's content; what is no PEM is taken for DER.

    Errors: `ProtocolFault` SECURITY PEM without a certificate.
    """
    if _BEGIN not in content:
        return content
    try:
        return x509.load_pem_x509_certificate(content).public_bytes(Encoding.DER)
    except (ValueError, x509.InvalidVersion) as odd:
        told = f"a certificate in PEM expected: {odd}"
        raise fault(ErrorKind.SECURITY, told, where="certificate") from None


def to_pem(certificate: Certificate) -> str:
    """Return the certificate in PEM."""
    return x509.load_der_x509_certificate(certificate.octets).public_bytes(Encoding.PEM).decode("ascii")
