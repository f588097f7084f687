"""How Security setup names a certificate, and the parts of one that it is named by.

    0   { certificate_entity, certificate_type, system_title }
    1   { serial_number, issuer }      a DER INTEGER, 02 01 07; the issuer's Name in DER

The class says octet-string for all of them.  That they are DER is what a public client (gurux-dlms) sends;
a serial number without tag and length is understood, too.
Source: Blue Book, class 64, certificate_identification and certificate_info; RFC 5280 (Name).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from meterkit.codec.ber import Element, encode_element, read_element
from meterkit.dlms.security.certificates import Certificate, CertificateType
from meterkit.errors import ProtocolFault

_COMMON_NAME: Final = bytes.fromhex("550403")  # 2.5.4.3
_INTEGER: Final = 0x02


@dataclass(frozen=True, slots=True)
class CertificateBySerial:
    """The one with this number among those of one issuer."""

    serial_number: int
    issuer: bytes  #: its Name in DER, as `issuer_of` and Security setup's list give it
    told: bytes | None = field(default=None, compare=False, repr=False)  #: the number as the meter writes it

    @property
    def serial(self) -> bytes:
        """The number as the meter writes it, or else as a DER INTEGER."""
        return serial_octets(self.serial_number) if self.told is None else self.told

    @classmethod
    def of(cls, certificate: Certificate) -> CertificateBySerial:
        """Return the name of a certificate at hand."""
        return cls(certificate.serial_number, issuer_of(certificate))


@dataclass(frozen=True, slots=True)
class CertificateByEntity:
    """The one of this entity, for this purpose."""

    entity: int  #: 0 the meter, 1 the client, 2 the certification authority, 3 another
    certificate_type: CertificateType
    system_title: bytes


CertificateName: TypeAlias = CertificateBySerial | CertificateByEntity


def issuer_of(certificate: Certificate) -> bytes:
    """Return the issuer's Name in DER."""
    return x509.load_der_x509_certificate(certificate.octets).issuer.public_bytes()


def subject_of(certificate: Certificate) -> bytes:
    """Return the subject's Name in DER."""
    return x509.load_der_x509_certificate(certificate.octets).subject.public_bytes()


def alternative_names_of(certificate: Certificate) -> bytes:
    """Return the subject's alternative names in DER; empty if there are none."""
    extensions = x509.load_der_x509_certificate(certificate.octets).extensions
    try:
        found = extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return b""
    return found.value.public_bytes()


def serial_octets(number: int) -> bytes:
    """Return a serial number as a DER INTEGER.

    Raises: ValueError for a negative one, which no certificate has.
    """
    if number < 0:
        raise ValueError(f"serial number {number}: 0 or more expected")
    return encode_element(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def serial_number_of(octets: bytes) -> int:
    """Return the number that octets write: a DER INTEGER, or its contents alone."""
    try:
        element, end = read_element(octets)
    except ProtocolFault:
        return int.from_bytes(octets, "big")
    is_integer = element.tag == _INTEGER and end == len(octets) and element.contents
    return int.from_bytes(element.contents if is_integer else octets, "big")


def common_name(octets: bytes) -> str:
    """Return the CN in a Name in DER; octets that are none as text or in hex: meters differ."""
    try:
        name, _ = read_element(octets)
        for relative in name.elements():
            for attribute in relative.elements():
                match attribute.elements():
                    case (Element(tag=0x06, contents=kind), Element(contents=value)) if kind == _COMMON_NAME:
                        return value.decode("utf-8", "replace")
                    case _:
                        continue
    except ProtocolFault:
        pass
    text = octets.decode("ascii", "replace")
    return text if text.isprintable() and "\ufffd" not in text else octets.hex()
