"""The certificates that an emulated meter keeps, and the key pairs it makes: Security setup, methods 4 to 8.

    array of { entity, type, serial number, issuer, subject, subject alternative name }      attribute 6

The first authority is taken as it comes, as in a factory; all else has to be issued by one that is kept, now,
for this meter's suite.  A new key pair of the meter comes into use with its certificate, after the answer.
Source: Blue Book, Security setup (class 64, version 1); RFC 5280; general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.security import Certificate, CertificateType
from meterkit.dlms.security.certificate_names import (
    alternative_names_of,
    issuer_of,
    serial_number_of,
    serial_octets,
    subject_of,
)
from meterkit.dlms.security.certificate_requests import make_request
from meterkit.dlms.security.key_agreement import generate_key
from meterkit.dlms.security.keys import PrivateKey, public_key_octets
from meterkit.emulator.dlms.client_security import ClientSecurity
from meterkit.emulator.dlms.cosem_object import ActionRefused, Method, plain, type_unmatched
from meterkit.errors import ProtocolFault

_SERVER, _CLIENT, _AUTHORITY, _OTHER = range(4)  # certificate_entity
_SIGNING, _AGREEMENT, _TLS = (
    CertificateType.DIGITAL_SIGNATURE,
    CertificateType.KEY_AGREEMENT,
    CertificateType.TLS,
)
_MOST: Final = 64  # certificates


@dataclass(frozen=True, slots=True)
class _Kept:
    entity: int
    certificate_type: CertificateType
    certificate: Certificate

    @property
    def number_and_issuer(self) -> tuple[int, bytes]:
        return self.certificate.serial_number, issuer_of(self.certificate)

    def encode(self) -> bytes:
        """Return what the list says of it."""
        number, issuer = self.number_and_issuer
        return axdr.encode_structure(
            [
                axdr.encode_enum(self.entity),
                axdr.encode_enum(self.certificate_type.value),
                axdr.encode_octet_string(serial_octets(number)),
                axdr.encode_octet_string(issuer),
                axdr.encode_octet_string(subject_of(self.certificate)),
                axdr.encode_octet_string(alternative_names_of(self.certificate)),
            ]
        )


class CertificateStore:
    """What one Security setup keeps of certificates."""

    def __init__(self, keys: ClientSecurity, now: Callable[[], datetime]) -> None:
        self._keys, self._now = keys, now
        self._kept: list[_Kept] = []
        self._made: dict[CertificateType, PrivateKey] = {}  # key pairs that wait for their certificates

    @property
    def methods(self) -> dict[int, Method]:
        """Methods 4 to 8."""
        return {
            4: Method(self._generate),
            5: Method(self._request),
            6: Method(self._import),
            7: Method(self._export),
            8: Method(self._remove),
        }

    def listed(self) -> bytes:
        """Return attribute 6."""
        return axdr.encode_array([one.encode() for one in self._kept])

    # ---------------------------------------------------------------- key pairs
    def _generate(self, octets: bytes | None) -> None:
        """generate_key_pair."""
        purpose = self._purpose(octets)
        self._made[purpose] = generate_key(self._keys.suite)

    def _request(self, octets: bytes | None) -> bytes:
        """generate_certificate_request: for the pair that was made last, or the one in use."""
        keys, purpose = self._keys, self._purpose(octets)
        key = self._made.get(purpose) or self._in_use(purpose)
        if key is None:
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        return axdr.encode_octet_string(make_request(keys.suite, key, keys.title))

    def _in_use(self, purpose: CertificateType) -> PrivateKey | None:
        return {_SIGNING: self._keys.signing, _AGREEMENT: self._keys.agreement}.get(purpose)

    def _purpose(self, octets: bytes | None) -> CertificateType:
        number = plain(octets or b"")
        if not isinstance(number, int) or isinstance(number, bool):
            raise type_unmatched()
        if not self._keys.suite.has_public_keys:
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        if number not in (_SIGNING.value, _AGREEMENT.value, _TLS.value):
            raise ActionRefused(ActionResult.OTHER_REASON)
        return CertificateType(number)

    # ---------------------------------------------------------------- import
    def _import(self, octets: bytes | None) -> None:
        """import_certificate."""
        der = plain(octets or b"")
        if not isinstance(der, bytes):
            raise type_unmatched()
        if len(self._kept) >= _MOST:
            raise ActionRefused(ActionResult.TEMPORARY_FAILURE)
        try:
            certificate = Certificate.decode(der)
            self._take(certificate)
        except ProtocolFault:
            raise ActionRefused(ActionResult.READ_WRITE_DENIED) from None

    def _take(self, certificate: Certificate) -> None:
        """Errors: `ProtocolFault` not to be believed; ActionRefused of no use to this meter."""
        if certificate.is_authority:
            self._take_authority(certificate)
            return
        title, purpose = certificate.system_title, _purpose_of(certificate)
        if title is None or purpose is None:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._check(certificate, purpose, title)
        if title == self._keys.title:
            self._take_own(certificate, purpose)
        elif title in (self._keys.client_title, self._keys.last_client_title):
            self._keep(_CLIENT, purpose, certificate)
            self._keys.pending.append(lambda: self._believe(certificate, purpose))
        else:
            self._keep(_OTHER, purpose, certificate)

    def _take_authority(self, certificate: Certificate) -> None:
        authorities = self._authorities
        if certificate.suite != self._keys.suite:
            raise ActionRefused(ActionResult.OTHER_REASON)
        if authorities and not any(_issued(certificate, one) for one in authorities):
            raise ActionRefused(ActionResult.READ_WRITE_DENIED)
        self._keep(_AUTHORITY, CertificateType.OTHER, certificate)

    def _take_own(self, certificate: Certificate, purpose: CertificateType) -> None:
        """Take a certificate of the meter's own, if it has the private key."""
        public = public_key_octets(certificate.public_key)
        for key in (self._made.get(purpose), self._in_use(purpose)):
            if key is not None and public_key_octets(key) == public:
                break
        else:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._keep(_SERVER, purpose, certificate)
        self._keys.pending.append(lambda: self._use(key, purpose))

    @property
    def _authorities(self) -> list[Certificate]:
        return [one.certificate for one in self._kept if one.entity == _AUTHORITY]

    def _check(self, certificate: Certificate, purpose: CertificateType, title: bytes) -> None:
        authority = next((one for one in self._authorities if _issued(certificate, one)), None)
        if authority is None:
            raise ActionRefused(ActionResult.READ_WRITE_DENIED)
        certificate.check(self._keys.suite, purpose, title, self._now(), authority)

    def _keep(self, entity: int, purpose: CertificateType, certificate: Certificate) -> None:
        """Keep a certificate; of server and client one for each purpose."""
        kept = _Kept(entity, purpose, certificate)
        self._kept = [
            one
            for one in self._kept
            if one.number_and_issuer != kept.number_and_issuer
            and not (entity in (_SERVER, _CLIENT) and (one.entity, one.certificate_type) == (entity, purpose))
        ]
        self._kept.append(kept)

    def _use(self, key: PrivateKey, purpose: CertificateType) -> None:
        self._made.pop(purpose, None)
        if purpose is _SIGNING:
            self._keys.signing = key
        elif purpose is _AGREEMENT:
            self._keys.agreement = key

    def _believe(self, certificate: Certificate, purpose: CertificateType) -> None:
        if purpose is _SIGNING:
            self._keys.client_signing = certificate.public_key
        elif purpose is _AGREEMENT:
            self._keys.client_agreement = certificate.public_key

    # ---------------------------------------------------------------- by name
    def _export(self, octets: bytes | None) -> bytes:
        """export_certificate."""
        return axdr.encode_octet_string(self._named(octets).certificate.octets)

    def _remove(self, octets: bytes | None) -> None:
        """remove_certificate; keys that were taken from it stay in use."""
        self._kept.remove(self._named(octets))

    def _named(self, octets: bytes | None) -> _Kept:
        """Return the certificate that a certificate_identification names."""
        match plain(octets or b""):
            case (0, (int(entity), int(purpose), bytes(title))):
                found = (one for one in self._kept if _is_of(one, entity, purpose, title))
            case (1, (bytes(serial), bytes(issuer))):
                wanted = serial_number_of(serial), issuer
                found = (one for one in self._kept if one.number_and_issuer == wanted)
            case _:
                raise type_unmatched()
        named = next(found, None)
        if named is None:
            raise ActionRefused(ActionResult.OBJECT_UNDEFINED)
        return named


def _is_of(one: _Kept, entity: int, purpose: int, title: bytes) -> bool:
    is_same = (one.entity, one.certificate_type.value) == (entity, purpose)
    return is_same and (one.certificate.system_title or b"") == title


def _purpose_of(certificate: Certificate) -> CertificateType | None:
    if _TLS in certificate.usages:
        return _TLS
    return next(iter(certificate.usages), None)


def _issued(certificate: Certificate, authority: Certificate) -> bool:
    try:
        certificate.check_issuer(authority)
    except ProtocolFault:
        return False
    return True
