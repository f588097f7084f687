"""AARQ, deciphered: whose keys it goes by, and whether it is refused before anything is negotiated.

    wrong key, or no ciphering where there has to be   D8 01 05
    a counter that does not rise                       D8 01 06 and the one expected
    no system title, or another client's               AARE, calling-AP-title not recognised

Source: Green Book 9.2, 9.4.2; what public servers were seen to answer.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from meterkit.dlms.acse.apdus import Aarq, AcseServiceUser, ApplicationContext
from meterkit.dlms.apdu.errors import ExceptionResponse, ServiceError, StateError
from meterkit.dlms.security import Security, StaleCounter
from meterkit.emulator.dlms.client_security import ClientSecurity
from meterkit.emulator.dlms.protection import Protection
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.terms import refusal
from meterkit.errors import ProtocolFault

CIPHERED = frozenset((ApplicationContext.LOGICAL_NAME_CIPHERED, ApplicationContext.SHORT_NAME_CIPHERED))


class Refused(Exception):
    """The meter answers with `answer` and does nothing."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer.hex())
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Entry:
    """An AARQ in clear."""

    aarq: Aarq
    title: bytes  #: the meter's system title, as it gives it
    information: bytes | None = field(repr=False)  #: the Initiate
    keys: ClientSecurity | None = None
    protection: Protection | None = None  #: of a ciphered application context
    diagnostic: AcseServiceUser = AcseServiceUser.NULL  #: why it is refused already

    @property
    def client_title(self) -> bytes:
        """The client's system title; empty if it tells none."""
        return self.aarq.calling_ap_title or b""


def enter(aarq: Aarq, title: bytes, keys: ClientSecurity | None, quirks: AbstractSet[DlmsQuirk]) -> Entry:
    """Return the AARQ in clear.  Errors: Refused."""
    if DlmsQuirk.LYING_TITLE in quirks:
        title = title[:-1] + bytes((title[-1] ^ 0x01,))
    if keys is None:
        return Entry(aarq, title, aarq.user_information)
    client_title = aarq.calling_ap_title or b""
    if client_title and keys.client_title not in (None, client_title):
        return Entry(aarq, title, None, keys, None, AcseServiceUser.CALLING_AP_TITLE_NOT_RECOGNIZED)
    if aarq.application_context not in CIPHERED:
        if keys.required is not Security.NONE:
            raise Refused(refusal(service=ServiceError.DECIPHERING_ERROR))
        return Entry(aarq, title, aarq.user_information, keys)
    if keys.unicast is None:
        unknown = AcseServiceUser.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
        return Entry(aarq, title, None, keys, None, unknown)
    try:
        protection = Protection(keys, keys.unicast, title, client_title, quirks)
    except ValueError:
        return Entry(aarq, title, None, keys, None, AcseServiceUser.CALLING_AP_TITLE_NOT_RECOGNIZED)
    information = opened(protection, aarq.user_information or b"")
    keys.last_client_title = client_title
    return Entry(aarq, title, information, keys, protection)


def opened(protection: Protection, octets: bytes) -> bytes:
    """Return the APDU that `octets` protect.  Errors: Refused."""
    try:
        return protection.open(octets)
    except StaleCounter as stale:
        raise Refused(
            ExceptionResponse(
                StateError.SERVICE_NOT_ALLOWED, ServiceError.INVOCATION_COUNTER_ERROR, stale.expected
            ).encode()
        ) from None
    except ProtocolFault:
        raise Refused(refusal(service=ServiceError.DECIPHERING_ERROR)) from None
