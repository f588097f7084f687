"""What an AARE grants, held against the AARQ it answers.

A refusal is told in the meter's own words.  What an AARE leaves out is taken as asked for: some meters
leave out everything but the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from meterkit.dlms.acse.apdus import Aare, Aarq, AcseServiceUser, AuthenticationMechanism
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.errors import ConfirmedServiceError
from meterkit.dlms.apdu.initiate import LOGICAL_NAMES, InitiateRequest, InitiateResponse
from meterkit.dlms.apdu.tags import apdu_name
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.security.policy import check_mechanism
from meterkit.errors import ErrorKind, ProtocolFault, fault

_SECURITY: Final = frozenset(
    (
        AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED,
        AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_REQUIRED,
        AcseServiceUser.AUTHENTICATION_FAILURE,
        AcseServiceUser.AUTHENTICATION_REQUIRED,
    )
)


@dataclass(frozen=True, slots=True)
class NegotiatedAssociation:
    """What the meter granted."""

    conformance: Conformance  #: the services it will perform
    max_pdu: int  #: octets the meter takes in one PDU; 0: any number
    vaa_name: int = LOGICAL_NAMES  #: 0x0007 with logical names, 0xFA00 with short names
    dlms_version: int = 6


def agree(asked: Aarq, offer: InitiateRequest, answer: Aare) -> NegotiatedAssociation:
    """Return what `answer` grants of `asked` and its `offer`.

    Errors: `ProtocolFault` REFUSED or SECURITY the meter says no, with its diagnostic as the code; SECURITY
    it changes the context or the mechanism; DECODE an initiate-response that is none.
    """
    check_terms(asked, answer)
    if answer.user_information is None:
        return NegotiatedAssociation(offer.conformance, 0)
    granted = _granted(answer.user_information, offer.conformance)
    # A new one for each association: what was learned of a meter in an earlier one is told apart by it.
    return NegotiatedAssociation(granted.conformance, granted.max_pdu, granted.vaa_name, granted.dlms_version)


@lru_cache(maxsize=64)  # meters of one kind grant the same
def _granted(octets: bytes, offered: Conformance) -> InitiateResponse:
    """Return the initiate-response in `octets`, less what was not `offered`.  Errors: as `agree`."""
    initiated = _initiate_response(octets)
    if isinstance(initiated, ConfirmedServiceError):
        raise fault(ErrorKind.REFUSED, initiated.words, code=initiated.value)
    # Nobody grants what was not asked for; a bit too many is the meter's mistake.
    return replace(initiated, conformance=initiated.conformance & offered)


def check_terms(asked: Aarq, answer: Aare) -> None:
    """Make sure that the meter accepts, and repeats context and mechanism.  Errors: as `agree`."""
    if not answer.is_accepted:
        raise _refusal(answer)
    _check_mechanism(asked, answer)
    if answer.application_context != asked.application_context:
        raise fault(
            ErrorKind.SECURITY,
            f"application context {asked.application_context!r} was asked for, "
            f"the meter answers {answer.application_context!r}",
        )


def _refusal(answer: Aare) -> ProtocolFault:
    message = answer.words
    if answer.user_information is not None:
        try:
            said = _initiate_response(answer.user_information)
        except ProtocolFault:
            said = None
        if isinstance(said, ConfirmedServiceError):
            message += f"; {said.words}"
    is_security = isinstance(answer.diagnostic, AcseServiceUser) and answer.diagnostic in _SECURITY
    kind = ErrorKind.SECURITY if is_security else ErrorKind.REFUSED
    return fault(kind, message, code=int(answer.diagnostic))


def _check_mechanism(asked: Aarq, answer: Aare) -> None:
    """Refuse a meter that wants more proof than was offered, or changes the way it is given."""
    asked_for = asked.mechanism
    if (
        isinstance(asked_for, AuthenticationMechanism)
        and asked_for >= AuthenticationMechanism.HIGH_LEVEL_SECURITY
    ):
        check_mechanism(asked_for, answer.mechanism)
        return
    if answer.diagnostic == AcseServiceUser.AUTHENTICATION_REQUIRED:
        raise fault(
            ErrorKind.SECURITY,
            f"the meter wants high level security ({answer.mechanism!r}), {asked.mechanism!r} was asked for",
            code=int(answer.diagnostic),
        )
    # A meter need not repeat a mechanism that asks nothing more of it: most leave LLS out.
    if answer.mechanism not in (AuthenticationMechanism.NONE, asked.mechanism):
        raise fault(
            ErrorKind.SECURITY,
            f"authentication by {asked.mechanism!r} was asked for, the meter answers {answer.mechanism!r}",
        )


def _initiate_response(octets: bytes) -> InitiateResponse | ConfirmedServiceError:
    apdu = decode_apdu(octets, strict=False)
    if isinstance(apdu, InitiateResponse | ConfirmedServiceError):
        return apdu
    raise fault(ErrorKind.PROTOCOL, f"an initiate-response was expected, {apdu_name(octets)} came")
