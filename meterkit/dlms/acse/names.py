"""The names and codes of ACSE.  Source: IEC 62056-53 (ACSE), Green Book 9.4.2.2; general knowledge.

60 85 74 05 08 | 01 | n     application context, such as 01 logical names without ciphering
60 85 74 05 08 | 02 | n     authentication mechanism, such as 01 low level security
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from meterkit.dlms.codes import Code

_DLMS_UA: Final = bytes.fromhex(
    "6085740508"
)  # joint-iso-ccitt(2) country(16) 756 identified-organization(5) 8
_CONTEXT: Final = _DLMS_UA + b"\x01"
_MECHANISM: Final = _DLMS_UA + b"\x02"


class ApplicationContext(IntEnum):
    """How objects are referred to, and whether APDUs are ciphered."""

    LOGICAL_NAME = 1
    SHORT_NAME = 2
    LOGICAL_NAME_CIPHERED = 3
    SHORT_NAME_CIPHERED = 4


class AuthenticationMechanism(IntEnum):
    """How the client shows who it is; names as SharpMeter's."""

    NONE = 0
    LOW_LEVEL_SECURITY = 1  #: a password
    HIGH_LEVEL_SECURITY = 2  #: the manufacturer's own challenge and response
    HIGH_LEVEL_SECURITY_MD5 = 3
    HIGH_LEVEL_SECURITY_SHA1 = 4
    HIGH_LEVEL_SECURITY_GMAC = 5
    HIGH_LEVEL_SECURITY_SHA256 = 6
    HIGH_LEVEL_SECURITY_ECDSA = 7


class AssociationResult(Code):
    """Whether the meter associates."""

    ACCEPTED = 0, ""
    REJECTED_PERMANENT = 1, "the meter refuses this association; asking again the same way is of no use"
    REJECTED_TRANSIENT = 2, "the meter refuses for now; try again later"


class AcseServiceUser(Code):
    """Why, says the meter's application."""

    NULL = 0, ""
    NO_REASON_GIVEN = 1, ""
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = 2, "check logical or short names, and ciphering on or off"
    CALLING_AP_TITLE_NOT_RECOGNIZED = 3, "the meter does not know the client's system title"
    CALLING_AP_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 4, ""
    CALLING_AE_QUALIFIER_NOT_RECOGNIZED = 5, "the meter does not take the client's certificate"
    CALLING_AE_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 6, "the meter does not know this user of the client"
    CALLED_AP_TITLE_NOT_RECOGNIZED = 7, "the meter's system title is another one"
    CALLED_AP_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 8, ""
    CALLED_AE_QUALIFIER_NOT_RECOGNIZED = 9, ""
    CALLED_AE_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 10, ""
    AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED = (
        11,
        "the meter wants another authentication from this client",
    )
    AUTHENTICATION_MECHANISM_NAME_REQUIRED = 12, "the meter wants authentication from this client"
    AUTHENTICATION_FAILURE = 13, "wrong password or key"
    AUTHENTICATION_REQUIRED = 14, "the meter wants the client to prove itself"


class AcseServiceProvider(Code):
    """Why, says the meter's ACSE."""

    NULL = 0, ""
    NO_REASON_GIVEN = 1, ""
    NO_COMMON_ACSE_VERSION = 2, "the meter speaks another version of ACSE"


class ReleaseRequestReason(Code):
    """Why the client releases."""

    NORMAL = 0, ""
    URGENT = 1, ""
    USER_DEFINED = 30, ""


class ReleaseResponseReason(Code):
    """What the meter says to it."""

    NORMAL = 0, ""
    NOT_FINISHED = 1, "the meter has not finished"
    USER_DEFINED = 30, ""


class AuthenticationValueKind(IntEnum):
    """CHOICE of an authentication-value by its tag."""

    CHARSTRING = 0x80
    BITSTRING = 0x81
    EXTERNAL = 0xA2
    OTHER = 0xA3


def kind_of(tag: int) -> int:
    """Return the kind of authentication-value with this tag; the tag when it is none of the four."""
    try:
        return AuthenticationValueKind(tag)
    except ValueError:
        return tag


def context_octets(context: ApplicationContext | bytes) -> bytes:
    """Return the contents of the object identifier."""
    return context if isinstance(context, bytes) else _CONTEXT + bytes((context,))


def context_of(octets: bytes) -> ApplicationContext | bytes:
    """Return the context whose object identifier `octets` are; the octets when it is none of DLMS."""
    try:
        return ApplicationContext(_last_of(octets, _CONTEXT))
    except ValueError:
        return octets


def mechanism_octets(mechanism: AuthenticationMechanism | bytes) -> bytes:
    """Return the contents of the object identifier."""
    return mechanism if isinstance(mechanism, bytes) else _MECHANISM + bytes((mechanism,))


def mechanism_of(octets: bytes) -> AuthenticationMechanism | bytes:
    """Return the mechanism whose object identifier `octets` are; the octets when it is none of DLMS."""
    try:
        return AuthenticationMechanism(_last_of(octets, _MECHANISM))
    except ValueError:
        return octets


def _last_of(octets: bytes, family: bytes) -> int:
    return octets[-1] if octets[:-1] == family else -1
