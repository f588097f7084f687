"""Certificates through Security setup: key pairs and requests of the meter's own, import, export, removal.

    generate_key_pair           the meter makes a new pair for one purpose; the old one goes on until ...
    generate_certificate_request    ... a request for it went out, an authority answered it, and ...
    import_certificate          ... the certificate came back: from then on the meter signs with the new pair

Everything is asked once, and never again by itself.  Source: Blue Book, class 64, methods 4 to 8.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from meterkit.codec import axdr
from meterkit.codec.axdr_data import Data
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.cosem import security_setup as cosem
from meterkit.dlms.cosem.declare import AttributeRef, MethodRef
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security import Certificate, CertificateType
from meterkit.dlms.security.certificate_names import CertificateBySerial, CertificateName
from meterkit.dlms.security.certificate_requests import CertificateRequest
from meterkit.errors import ProtocolFault
from meterkit.result import Err, Ok, Result

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")
DEFAULT_SETUP = "0.0.43.0.0.255"

SecuritySetupName = ObisCode | str


class TypedCalls(Protocol):
    """What these calls stand on; `DlmsClient` has it."""

    async def get(self, ref: AttributeRef[T], selection: Selection | None = None) -> Result[T]:
        """Read one attribute as its type."""
        ...

    async def call(
        self, ref: MethodRef[P, R], value: P | None = None, *, confirmed: bool = True
    ) -> Result[R]:
        """Invoke a method, once, and return what it returns as its type."""
        ...


class CertificateCalls(TypedCalls):
    """The certificates of one meter.

    Errors of each: REFUSED the meter's action-result, mostly because this client has no right to it; SECURITY
    what the meter sent is no certificate; as `DlmsClient.action`.
    """

    async def generate_key_pair(
        self, purpose: CertificateType, *, security_setup: SecuritySetupName = DEFAULT_SETUP
    ) -> Result[None]:
        """Have the meter make a new key pair.  It comes into use with the certificate for it."""
        return await self.call(_setup(security_setup).generate_key_pair, _declared(purpose))

    async def generate_certificate_request(
        self, purpose: CertificateType, *, security_setup: SecuritySetupName = DEFAULT_SETUP
    ) -> Result[CertificateRequest]:
        """Have the meter ask for a certificate of the key pair it made last, or else of the one in use."""
        ref = _setup(security_setup).generate_certificate_request
        answer = await self.call(ref, _declared(purpose))
        if isinstance(answer, Err):
            return answer
        try:
            return Ok(CertificateRequest.decode(answer.value))
        except ProtocolFault as odd:
            return Err(odd.error)

    async def import_certificate(
        self, certificate: Certificate | bytes, *, security_setup: SecuritySetupName = DEFAULT_SETUP
    ) -> Result[None]:
        """Give the meter a certificate (DER): its own, a client's, or an authority's.

        Raises: ValueError for octets that are no certificate of P-256 or P-384.
        """
        if not isinstance(certificate, Certificate):
            try:
                certificate = Certificate.decode(certificate)
            except ProtocolFault as odd:
                raise ValueError(odd.error.message) from None
        return await self.call(_setup(security_setup).import_certificate, certificate.octets)

    async def export_certificate(
        self, name: CertificateName, *, security_setup: SecuritySetupName = DEFAULT_SETUP
    ) -> Result[Certificate]:
        """Read one certificate.  Whether it may be believed is `Certificate.check`'s to say."""
        answer = await self.call(_setup(security_setup).export_certificate, _identification(name))
        if isinstance(answer, Err):
            return answer
        try:
            return Ok(Certificate.decode(answer.value))
        except ProtocolFault as odd:
            return Err(odd.error)

    async def remove_certificate(
        self, name: CertificateName, *, security_setup: SecuritySetupName = DEFAULT_SETUP
    ) -> Result[None]:
        """Have the meter forget one certificate."""
        return await self.call(_setup(security_setup).remove_certificate, _identification(name))


def _setup(name: SecuritySetupName) -> cosem.SecuritySetupV1:
    return cosem.SecuritySetupV1(name)


def _declared(purpose: CertificateType) -> cosem.CertificateType:
    return cosem.CertificateType(purpose.value)


def _identification(name: CertificateName) -> cosem.CertificateIdentification:
    kinds = cosem.CertificateIdentificationType
    if isinstance(name, CertificateBySerial):
        by_serial = (_octets(name.serial), _octets(name.issuer))
        return cosem.CertificateIdentification(
            certificate_identification_type=kinds.SERIAL,
            certificate_identification_options=Data(axdr.Tag.STRUCTURE, by_serial),
        )
    by_entity = (
        Data(axdr.Tag.ENUM, int(name.entity)),
        Data(axdr.Tag.ENUM, name.certificate_type.value),
        _octets(name.system_title),
    )
    return cosem.CertificateIdentification(
        certificate_identification_type=kinds.ENTITY,
        certificate_identification_options=Data(axdr.Tag.STRUCTURE, by_entity),
    )


def _octets(octets: bytes) -> Data:
    return Data(axdr.Tag.OCTET_STRING, octets)
