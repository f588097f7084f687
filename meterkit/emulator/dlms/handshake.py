"""AARQ to AARE: whether a client gets an association, and on what terms.

Source: IEC 62056-53 (ACSE, xDLMS Initiate); Green Book 9.2 (high level security); general knowledge.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from hmac import compare_digest

from meterkit.dlms.acse.apdus import (
    Aare,
    AcseServiceUser,
    ApplicationContext,
    AssociationResult,
    AuthenticationMechanism,
    Rlre,
)
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.errors import ConfirmedServiceError
from meterkit.dlms.apdu.initiate import LOGICAL_NAMES, SHORT_NAMES, InitiateRequest, InitiateResponse
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.configuration import (
    LN_SERVICES,
    SN_SERVICES,
    ClientConfiguration,
    DlmsEmulatorConfiguration,
)
from meterkit.emulator.dlms.entry import Entry
from meterkit.emulator.dlms.protection import Protection
from meterkit.emulator.dlms.proving import Proving, begin_proving
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.errors import ProtocolFault

_DLMS_VERSION = 6
_SHORTEST_PDU = 12  # octets that a client has to take at least; 0 stands for any number
_INITIATE = 1  # service of a confirmedServiceError
_INITIATE_ERROR, _SERVICE_ERROR = 6, 3  # its error classes
_OTHER, _VERSION_TOO_LOW, _INCOMPATIBLE_CONFORMANCE, _PDU_SIZE_TOO_SHORT = 0, 1, 2, 3
_UNSUPPORTED = 2
_VERSION_1 = b"\x07\x80"  # protocol-version, a bit string of one bit
_ASSURED_LENGTHS = 0x7F  # a length of one octet
_HIGH_LEVEL = AuthenticationMechanism.HIGH_LEVEL_SECURITY  # and those above


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was agreed."""

    conformance: Conformance
    client_max_pdu: int
    context: ApplicationContext
    information: bytes = field(repr=False)  #: the InitiateResponse
    protection: Protection | None = None
    proving: Proving | None = None  #: of high level security


def negotiate(
    entry: Entry,
    client: ClientConfiguration | None,
    configuration: DlmsEmulatorConfiguration,
    quirks: AbstractSet[DlmsQuirk],
) -> tuple[Accepted | None, bytes]:
    """Return what was agreed, or None, and the answer."""
    if DlmsQuirk.ERROR_TO_AARQ in quirks:
        return None, ConfirmedServiceError(_INITIATE, _SERVICE_ERROR, _UNSUPPORTED).encode()
    diagnostic = _diagnose(entry, client, configuration)
    initiate = _initiate(entry)
    error = None if diagnostic else _initiate_error(initiate, entry.protection)
    offered = _offer(client, configuration, entry)
    granted = offered & initiate.conformance if isinstance(initiate, InitiateRequest) else Conformance(0)
    if not diagnostic and error is None and not granted:
        error = _INCOMPATIBLE_CONFORMANCE
    proving, challenge = None, None
    if not diagnostic and error is None and client is not None and client.mechanism >= _HIGH_LEVEL:
        try:
            proving, challenge = begin_proving(entry, client, quirks)
        except ProtocolFault:  # a challenge or a title that is none
            diagnostic = AcseServiceUser.AUTHENTICATION_FAILURE
    names = SHORT_NAMES if configuration.short_name_referencing else LOGICAL_NAMES
    information = InitiateResponse(
        conformance=granted or offered, max_pdu=configuration.max_pdu, vaa_name=names
    ).encode()
    if error is not None:
        information = ConfirmedServiceError(_INITIATE, _INITIATE_ERROR, error).encode()
        diagnostic = AcseServiceUser.NO_REASON_GIVEN
    context = _context(configuration, entry)
    accepted = None
    if not diagnostic and isinstance(initiate, InitiateRequest):
        if DlmsQuirk.DOWNGRADED_AARE in quirks:
            entry, proving, challenge = replace(entry, keys=None, protection=None), None, None
            context = _context(configuration, entry)
        accepted = Accepted(granted, initiate.max_pdu, context, information, entry.protection, proving)
    return accepted, _aare(entry, context, diagnostic, information, challenge, quirks)


def release(accepted: Accepted, quirks: AbstractSet[DlmsQuirk]) -> bytes:
    """Return the answer to RLRQ; in a ciphered association it repeats the InitiateResponse."""
    protection = accepted.protection
    rlre = Rlre(
        user_information=None if protection is None else protection.seal_initiate(accepted.information)
    ).encode()
    return _shortened(rlre) if DlmsQuirk.WRONG_RLRE_LENGTHS in quirks else rlre


def _aare(
    entry: Entry,
    context: ApplicationContext,
    diagnostic: AcseServiceUser,
    information: bytes,
    challenge: bytes | None,
    quirks: AbstractSet[DlmsQuirk],
) -> bytes:
    """Return the AARE; a `challenge` is the meter's, of high level security."""
    is_refused = bool(diagnostic)
    # Who cannot be told in ciphers is told nothing.
    no_information = bool(entry.diagnostic) or (
        is_refused and DlmsQuirk.AARE_WITHOUT_USER_INFORMATION in quirks
    )
    if entry.protection is not None:
        information = entry.protection.seal_initiate(information)
    if challenge is not None:
        diagnostic = AcseServiceUser.AUTHENTICATION_REQUIRED
    has_title = entry.keys is not None or challenge is not None
    aare = Aare(
        result=AssociationResult.REJECTED_PERMANENT if is_refused else AssociationResult.ACCEPTED,
        diagnostic=diagnostic,
        application_context=context,
        mechanism=AuthenticationMechanism.NONE if challenge is None else entry.aarq.mechanism,
        authentication_value=challenge,
        responding_ap_title=entry.title if has_title else None,
        user_information=None if no_information else information,
        protocol_version=_VERSION_1 if DlmsQuirk.EXPLICIT_PROTOCOL_VERSION in quirks else None,
    ).encode()
    return _shortened(aare) if DlmsQuirk.WRONG_AARE_LENGTHS in quirks else aare


def _shortened(apdu: bytes) -> bytes:
    """Return an APDU whose outer length is one too small."""
    return apdu[:1] + bytes((apdu[1] - 1,)) + apdu[2:] if apdu[1] <= _ASSURED_LENGTHS else apdu


def _context(configuration: DlmsEmulatorConfiguration, entry: Entry) -> ApplicationContext:
    is_ciphered = entry.protection is not None
    if configuration.short_name_referencing:
        return ApplicationContext.SHORT_NAME_CIPHERED if is_ciphered else ApplicationContext.SHORT_NAME
    return ApplicationContext.LOGICAL_NAME_CIPHERED if is_ciphered else ApplicationContext.LOGICAL_NAME


def _offer(
    client: ClientConfiguration | None, configuration: DlmsEmulatorConfiguration, entry: Entry
) -> Conformance:
    services = SN_SERVICES if configuration.short_name_referencing else LN_SERVICES
    if entry.protection is not None:
        services |= Conformance.GENERAL_PROTECTION
    return services if client is None else services & client.services


def _diagnose(
    entry: Entry, client: ClientConfiguration | None, configuration: DlmsEmulatorConfiguration
) -> AcseServiceUser:
    if entry.diagnostic:
        return entry.diagnostic
    aarq = entry.aarq
    if aarq.application_context != _context(configuration, entry):
        return AcseServiceUser.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
    if client is None:
        return AcseServiceUser.NO_REASON_GIVEN
    if client.mechanism == AuthenticationMechanism.NONE:
        if aarq.mechanism in (AuthenticationMechanism.NONE, AuthenticationMechanism.LOW_LEVEL_SECURITY):
            return AcseServiceUser.NULL  # a password is more than this client needs
        return AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED
    if aarq.mechanism == AuthenticationMechanism.NONE:
        return AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_REQUIRED
    if aarq.mechanism != client.mechanism:
        return AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED
    if client.mechanism >= _HIGH_LEVEL or client.password is None:
        return AcseServiceUser.NULL  # the proof is yet to come
    if not compare_digest(aarq.authentication_value or b"", client.password.get_secret_value()):
        return AcseServiceUser.AUTHENTICATION_FAILURE
    return AcseServiceUser.NULL


def _initiate(entry: Entry) -> InitiateRequest | None:
    try:
        initiate = decode_apdu(entry.information or b"")
    except ProtocolFault:
        return None
    return initiate if isinstance(initiate, InitiateRequest) else None


def _initiate_error(initiate: InitiateRequest | None, protection: Protection | None) -> int | None:
    if initiate is None:
        return _OTHER
    if initiate.dlms_version < _DLMS_VERSION:
        return _VERSION_TOO_LOW
    overhead = 0 if protection is None else protection.most_overhead
    if 0 < initiate.max_pdu < _SHORTEST_PDU + overhead:
        return _PDU_SIZE_TOO_SHORT
    if protection is not None and initiate.dedicated_key is not None:
        try:
            protection.use_dedicated_key(initiate.dedicated_key)
        except ValueError:  # of another size than the suite's
            return _OTHER
    return None
