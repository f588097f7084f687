"""What a client asks for in its AARQ: services, names, PDU size, and how it shows who it is.

Source: IEC 62056-53, InitiateRequest and ACSE; Green Book 9.4.2.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.acse.apdus import Aarq, ApplicationContext, AuthenticationMechanism
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.security.control import Security
from meterkit.options import DlmsClientOptions

_COMMON: Final = (
    Conformance.MULTIPLE_REFERENCES
    | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
)
#: What is asked for unless the options say otherwise: all that this client knows.
LOGICAL_NAME_SERVICES: Final = (
    _COMMON
    | Conformance.GET
    | Conformance.SET
    | Conformance.ACTION
    | Conformance.SELECTIVE_ACCESS
    | Conformance.EVENT_NOTIFICATION
    | Conformance.BLOCK_TRANSFER_WITH_ACTION
    | Conformance.PRIORITY_MGMT_SUPPORTED
    | Conformance.ACCESS
    | Conformance.DATA_NOTIFICATION
    | Conformance.GENERAL_BLOCK_TRANSFER
)
SHORT_NAME_SERVICES: Final = (
    _COMMON
    | Conformance.READ
    | Conformance.WRITE
    | Conformance.UNCONFIRMED_WRITE
    | Conformance.INFORMATION_REPORT
    | Conformance.PARAMETERIZED_ACCESS
)


def propose(options: DlmsClientOptions, *, is_datagram: bool = False) -> InitiateRequest:
    """Return the InitiateRequest, in clear.

    A network that doubles and delays a datagram may bring a general block into the next answer, where
    nothing tells it from that answer's own: they bear no invoke id.  So in clear over datagrams they are
    asked for only by those who name them; under a cipher the tag of the whole tells.
    """
    known = SHORT_NAME_SERVICES if options.referencing == "short_name" else LOGICAL_NAME_SERVICES
    if is_datagram and options.security is Security.NONE:
        known &= ~Conformance.GENERAL_BLOCK_TRANSFER
    return InitiateRequest(conformance=options.conformance or known, max_pdu=options.max_pdu)


def plain_aarq(options: DlmsClientOptions, offer: InitiateRequest, password: bytes | None) -> Aarq:
    """Return the AARQ of an association without ciphering; `password` stands in for that of the options."""
    secret = options.password if password is None else password
    mechanism = options.authentication
    if secret is not None and mechanism is AuthenticationMechanism.NONE:
        mechanism = AuthenticationMechanism.LOW_LEVEL_SECURITY
    short = options.referencing == "short_name"
    return Aarq(
        application_context=ApplicationContext.SHORT_NAME if short else ApplicationContext.LOGICAL_NAME,
        mechanism=mechanism,
        authentication_value=secret,
        user_information=offer.encode(),
    )
