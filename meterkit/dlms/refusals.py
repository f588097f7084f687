"""What a meter's "no" means, as a `MeterError`: data-access-results, exceptions, answers of another kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.dlms.apdu import decode_as
from meterkit.dlms.apdu.errors import ConfirmedServiceError, ExceptionResponse, ServiceError
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.errors import ErrorKind, MeterError, ProtocolFault

#: First octets of what answers any request with a no.
EXCEPTIONS: Final = frozenset(
    (bytes((ApduTag.EXCEPTION_RESPONSE,)), bytes((ApduTag.CONFIRMED_SERVICE_ERROR,)))
)
_SHOWN = 24  # octets of an answer that a message shows
_CIPHERING: Final = frozenset((ServiceError.DECIPHERING_ERROR, ServiceError.INVOCATION_COUNTER_ERROR))
_APPLICATION_REFERENCE, _DECIPHERING_ERROR = 0, 6  # error class and value of a confirmedServiceError


@dataclass(frozen=True, slots=True)
class ResultRefusal(MeterError):
    """A refusal by the result of the service itself, which is protected as any answer is.

    A refusal of the whole APDU is none: it may come in clear where all else is ciphered, from anybody.
    """


def exception(octets: bytes) -> MeterError | None:
    """Return what an exception-response or confirmedServiceError says; None for any other APDU."""
    if octets[:1] not in EXCEPTIONS:
        return None
    try:
        if octets[0] == ApduTag.EXCEPTION_RESPONSE:
            return _of_exception(decode_as(ExceptionResponse, octets, strict=False))
        return _of_service_error(decode_as(ConfirmedServiceError, octets, strict=False))
    except ProtocolFault as odd:
        return odd.error


def _of_exception(refusal: ExceptionResponse) -> MeterError:
    kind = ErrorKind.SECURITY if refusal.service_error in _CIPHERING else ErrorKind.REFUSED
    return MeterError(kind, refusal.words, int(refusal.service_error))


def _of_service_error(refusal: ConfirmedServiceError) -> MeterError:
    is_security = (refusal.error_class, refusal.value) == (_APPLICATION_REFERENCE, _DECIPHERING_ERROR)
    kind = ErrorKind.SECURITY if is_security else ErrorKind.REFUSED
    return MeterError(kind, refusal.words, int(refusal.value))


def expected_counter(octets: bytes) -> int | None:
    """Return the invocation counter that an exception-response asks for; None for any other APDU."""
    if octets[:1] != bytes((ApduTag.EXCEPTION_RESPONSE,)):
        return None
    try:
        return decode_as(ExceptionResponse, octets, strict=False).invocation_counter
    except ProtocolFault:
        return None


def refused(result: DataAccessResult | ActionResult) -> ResultRefusal:
    """Return what a result other than success says.  Its number is the error's `code`."""
    return ResultRefusal(ErrorKind.REFUSED, result.words, int(result))


def unexpected(octets: bytes, expected: str) -> MeterError:
    """Return the error of an answer that is none: `expected` names what should have come."""
    shown = octets[:_SHOWN].hex(" ") + (" ..." if len(octets) > _SHOWN else "")
    return MeterError(
        ErrorKind.PROTOCOL,
        f"{expected} was expected, {apdu_name(octets)} of {len(octets)} octets came: {shown}",
    )
