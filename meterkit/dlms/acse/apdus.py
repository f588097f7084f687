"""ACSE: how an association begins and ends.  Source: IEC 62056-53 (ACSE), Green Book 9.4.2; ISO 8650-1.

    60 AARQ  80 version  A1 context  A2-A5 called  A6-A9 calling  8A requirements  8B mechanism
             AC authentication value  9D implementation  BE user-information
    61 AARE  80 version  A1 context  A2 result  A3 diagnostic  A4-A7 responding  88 requirements
             89 mechanism  AA authentication value  9D implementation  BE user-information
    62 RLRQ  80 reason  BE user-information
    63 RLRE  80 reason  BE user-information

The user-information is an APDU of its own: Initiate, plain or ciphered, or a confirmedServiceError.
Elements that nobody knows are passed over.  Unless `strict`, lengths may be wrong, and octets follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Self

from meterkit.codec.ber import encode_element, encode_integer
from meterkit.dlms.acse.elements import (
    Elements,
    explicit_identifier,
    explicit_integer,
    explicit_octets,
    implicit,
    implicit_identifier,
)
from meterkit.dlms.acse.names import (
    AcseServiceProvider,
    AcseServiceUser,
    ApplicationContext,
    AssociationResult,
    AuthenticationMechanism,
    AuthenticationValueKind,
    ReleaseRequestReason,
    ReleaseResponseReason,
    context_octets,
    context_of,
    kind_of,
    mechanism_octets,
    mechanism_of,
)

__all__ = [
    "Aare",
    "Aarq",
    "AcseServiceProvider",
    "AcseServiceUser",
    "ApplicationContext",
    "AssociationResult",
    "AuthenticationMechanism",
    "AuthenticationValueKind",
    "ReleaseRequestReason",
    "ReleaseResponseReason",
    "Rlre",
    "Rlrq",
    "decode_aare",
]

_AARQ, _AARE, _RLRQ, _RLRE = 0x60, 0x61, 0x62, 0x63
_CONTEXT, _IMPLEMENTATION, _USER_INFORMATION = 0xA1, 0x9D, 0xBE
_PROTOCOL_VERSION, _REASON = 0x80, 0x80
_RESULT, _DIAGNOSTIC, _SERVICE_USER, _SERVICE_PROVIDER = 0xA2, 0xA3, 0xA1, 0xA2
_AUTHENTICATION: Final = b"\x07\x80"  # requirements: one bit, authentication


@dataclass(frozen=True, slots=True, kw_only=True)
class Aarq:
    """The client asks for an association.  Its repr shows no secret."""

    application_context: ApplicationContext | bytes = ApplicationContext.LOGICAL_NAME  #: bytes: another OID
    mechanism: AuthenticationMechanism | bytes = AuthenticationMechanism.NONE  #: bytes: another OID
    authentication_value: bytes | None = field(default=None, repr=False)  #: password or challenge
    authentication_value_kind: int = AuthenticationValueKind.CHARSTRING
    called_ap_title: bytes | None = None
    called_ae_qualifier: bytes | None = None
    called_ap_invocation_id: int | None = None
    called_ae_invocation_id: int | None = None
    calling_ap_title: bytes | None = None  #: the client's system title, 8 octets
    calling_ae_qualifier: bytes | None = field(default=None, repr=False)  #: the client's certificate
    calling_ap_invocation_id: int | None = None
    calling_ae_invocation_id: int | None = None  #: which user of the client
    implementation_information: bytes | None = None
    user_information: bytes | None = field(default=None, repr=False)  #: InitiateRequest, plain or ciphered
    protocol_version: bytes | None = None  #: contents of the BIT STRING; usually left out

    def encode(self) -> bytes:
        """Return the APDU."""
        return encode_element(
            _AARQ,
            implicit(_PROTOCOL_VERSION, self.protocol_version),
            explicit_identifier(_CONTEXT, context_octets(self.application_context)),
            explicit_octets(0xA2, self.called_ap_title),
            explicit_octets(0xA3, self.called_ae_qualifier),
            explicit_integer(0xA4, self.called_ap_invocation_id),
            explicit_integer(0xA5, self.called_ae_invocation_id),
            explicit_octets(0xA6, self.calling_ap_title),
            explicit_octets(0xA7, self.calling_ae_qualifier),
            explicit_integer(0xA8, self.calling_ap_invocation_id),
            explicit_integer(0xA9, self.calling_ae_invocation_id),
            _authentication((0x8A, 0x8B, 0xAC), self),
            implicit(_IMPLEMENTATION, self.implementation_information),
            explicit_octets(_USER_INFORMATION, self.user_information),
        )

    @classmethod
    def decode(cls, octets: bytes, *, strict: bool = False) -> Self:
        """Return the AARQ that `octets` are.  Errors: `ProtocolFault` (DECODE)."""
        found = Elements(octets, _AARQ, "AARQ", is_strict=strict)
        mechanism = _mechanism(found, 0x8B)
        kind, value = _authentication_value(found, 0xAC, mechanism)
        return cls(
            application_context=_context(found),
            mechanism=mechanism,
            authentication_value=value,
            authentication_value_kind=kind,
            called_ap_title=found.octet_string(0xA2, "called-AP-title"),
            called_ae_qualifier=found.octet_string(0xA3, "called-AE-qualifier"),
            called_ap_invocation_id=found.integer(0xA4, "called-AP-invocation-id"),
            called_ae_invocation_id=found.integer(0xA5, "called-AE-invocation-id"),
            calling_ap_title=found.octet_string(0xA6, "calling-AP-title"),
            calling_ae_qualifier=found.octet_string(0xA7, "calling-AE-qualifier"),
            calling_ap_invocation_id=found.integer(0xA8, "calling-AP-invocation-id"),
            calling_ae_invocation_id=found.integer(0xA9, "calling-AE-invocation-id"),
            implementation_information=found.contents(_IMPLEMENTATION),
            user_information=found.octet_string(_USER_INFORMATION, "user-information"),
            protocol_version=found.contents(_PROTOCOL_VERSION),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Aare:
    """The meter's answer.  Look at `result` before `user_information`."""

    result: AssociationResult
    diagnostic: AcseServiceUser | AcseServiceProvider = AcseServiceUser.NULL
    application_context: ApplicationContext | bytes = ApplicationContext.LOGICAL_NAME  #: bytes: another OID
    mechanism: AuthenticationMechanism | bytes = AuthenticationMechanism.NONE  #: bytes: another OID
    authentication_value: bytes | None = field(default=None, repr=False)  #: the meter's challenge
    authentication_value_kind: int = AuthenticationValueKind.CHARSTRING
    responding_ap_title: bytes | None = None  #: the meter's system title, 8 octets
    responding_ae_qualifier: bytes | None = field(default=None, repr=False)  #: the meter's certificate
    responding_ap_invocation_id: int | None = None
    responding_ae_invocation_id: int | None = None
    implementation_information: bytes | None = None
    user_information: bytes | None = None  #: InitiateResponse or confirmedServiceError, plain or ciphered
    protocol_version: bytes | None = None  #: contents of the BIT STRING; usually left out

    @property
    def is_accepted(self) -> bool:
        """Whether there is an association now; with high level security it has to be completed yet."""
        return self.result is AssociationResult.ACCEPTED

    @property
    def words(self) -> str:
        """Result and diagnostic for an engineer."""
        if not self.diagnostic:
            return self.result.words
        source = (
            "acse-service-user" if isinstance(self.diagnostic, AcseServiceUser) else "acse-service-provider"
        )
        return f"{self.result.words}; {source}: {self.diagnostic.words}"

    def encode(self) -> bytes:
        """Return the APDU."""
        is_user = isinstance(self.diagnostic, AcseServiceUser)
        diagnostic = explicit_integer(_SERVICE_USER if is_user else _SERVICE_PROVIDER, self.diagnostic)
        return encode_element(
            _AARE,
            implicit(_PROTOCOL_VERSION, self.protocol_version),
            explicit_identifier(_CONTEXT, context_octets(self.application_context)),
            explicit_integer(_RESULT, self.result),
            encode_element(_DIAGNOSTIC, diagnostic),
            explicit_octets(0xA4, self.responding_ap_title),
            explicit_octets(0xA5, self.responding_ae_qualifier),
            explicit_integer(0xA6, self.responding_ap_invocation_id),
            explicit_integer(0xA7, self.responding_ae_invocation_id),
            _authentication((0x88, 0x89, 0xAA), self),
            implicit(_IMPLEMENTATION, self.implementation_information),
            explicit_octets(_USER_INFORMATION, self.user_information),
        )

    @classmethod
    def decode(cls, octets: bytes, *, strict: bool = False) -> Self:
        """Return the AARE that `octets` are.  Errors: `ProtocolFault` (DECODE)."""
        found = Elements(octets, _AARE, "AARE", is_strict=strict)
        result = found.inner(_RESULT, "result")
        if result is None:
            raise found.odd("result: a2 expected, there is none")
        mechanism = _mechanism(found, 0x89)
        kind, value = _authentication_value(found, 0xAA, mechanism)
        return cls(
            result=AssociationResult(found.code(result.contents, "result")),
            diagnostic=_diagnostic(found),
            application_context=_context(found),
            mechanism=mechanism,
            authentication_value=value,
            authentication_value_kind=kind,
            responding_ap_title=found.octet_string(0xA4, "responding-AP-title"),
            responding_ae_qualifier=found.octet_string(0xA5, "responding-AE-qualifier"),
            responding_ap_invocation_id=found.integer(0xA6, "responding-AP-invocation-id"),
            responding_ae_invocation_id=found.integer(0xA7, "responding-AE-invocation-id"),
            implementation_information=found.contents(_IMPLEMENTATION),
            user_information=found.octet_string(_USER_INFORMATION, "user-information"),
            protocol_version=found.contents(_PROTOCOL_VERSION),
        )


@lru_cache(maxsize=64)  # an association looks twice, and meters of one kind say the same, octet by octet
def decode_aare(octets: bytes) -> Aare:
    """Return the AARE that `octets` are, as `Aare.decode` does.  Errors: `ProtocolFault` (DECODE)."""
    return Aare.decode(octets)


@dataclass(frozen=True, slots=True)
class Rlrq:
    """The client releases the association."""

    reason: ReleaseRequestReason | None = ReleaseRequestReason.NORMAL
    user_information: bytes | None = field(default=None, repr=False)  #: InitiateRequest, mostly ciphered

    def encode(self) -> bytes:
        """Return the APDU."""
        return _release(_RLRQ, self.reason, self.user_information)

    @classmethod
    def decode(cls, octets: bytes, *, strict: bool = False) -> Self:
        """Return the RLRQ that `octets` are.  Errors: `ProtocolFault` (DECODE)."""
        found = Elements(octets, _RLRQ, "RLRQ", is_strict=strict)
        reason = found.contents(_REASON)
        return cls(
            None if reason is None else ReleaseRequestReason(found.code(reason, "reason")),
            found.octet_string(_USER_INFORMATION, "user-information"),
        )


@dataclass(frozen=True, slots=True)
class Rlre:
    """The meter's answer; the association is gone whatever it says."""

    reason: ReleaseResponseReason | None = ReleaseResponseReason.NORMAL
    user_information: bytes | None = None  #: InitiateResponse, mostly ciphered

    def encode(self) -> bytes:
        """Return the APDU."""
        return _release(_RLRE, self.reason, self.user_information)

    @classmethod
    def decode(cls, octets: bytes, *, strict: bool = False) -> Self:
        """Return the RLRE that `octets` are.  Errors: `ProtocolFault` (DECODE)."""
        found = Elements(octets, _RLRE, "RLRE", is_strict=strict)
        reason = found.contents(_REASON)
        return cls(
            None if reason is None else ReleaseResponseReason(found.code(reason, "reason")),
            found.octet_string(_USER_INFORMATION, "user-information"),
        )


def _authentication(tags: tuple[int, int, int], apdu: Aarq | Aare) -> bytes:
    """Return requirements, mechanism-name and authentication-value, as far as there are any."""
    requirements, name, value = tags
    has_mechanism = apdu.mechanism != AuthenticationMechanism.NONE
    if not has_mechanism and not apdu.authentication_value:
        return b""
    octets = encode_element(requirements, _AUTHENTICATION)
    if has_mechanism:
        octets += implicit_identifier(name, mechanism_octets(apdu.mechanism))
    if apdu.authentication_value is None:
        return octets
    return octets + encode_element(
        value, encode_element(apdu.authentication_value_kind, apdu.authentication_value)
    )


def _authentication_value(
    found: Elements, tag: int, mechanism: AuthenticationMechanism | bytes
) -> tuple[int, bytes | None]:
    """Return kind and octets; an empty password without a mechanism is none, as `_authentication` has it."""
    inner = found.inner(tag, "authentication-value")
    if inner is None or (mechanism == AuthenticationMechanism.NONE and not inner.contents):
        return AuthenticationValueKind.CHARSTRING, None
    return kind_of(inner.tag), inner.contents


def _context(found: Elements) -> ApplicationContext | bytes:
    octets = found.object_identifier(_CONTEXT, "application-context-name")
    return ApplicationContext.LOGICAL_NAME if octets is None else context_of(octets)


def _mechanism(found: Elements, tag: int) -> AuthenticationMechanism | bytes:
    octets = found.object_identifier(tag, "mechanism-name")
    return AuthenticationMechanism.NONE if octets is None else mechanism_of(octets)


def _diagnostic(found: Elements) -> AcseServiceUser | AcseServiceProvider:
    """Return why; meters that accept leave it out, or say null even when they want a proof yet."""
    source = found.inner(_DIAGNOSTIC, "result-source-diagnostic")
    if source is None:
        return AcseServiceUser.NULL
    code = found.code(found.within(source, "diagnostic").contents, "diagnostic")
    return AcseServiceProvider(code) if source.tag == _SERVICE_PROVIDER else AcseServiceUser(code)


def _release(tag: int, reason: int | None, user_information: bytes | None) -> bytes:
    told = None if reason is None else encode_integer(reason)
    return encode_element(tag, implicit(_REASON, told), explicit_octets(_USER_INFORMATION, user_information))
