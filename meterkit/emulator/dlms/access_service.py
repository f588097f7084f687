"""ACCESS on the meter's side: reads, writes and methods in one request.  Source: IEC 62056-5-3, ACCESS."""

from __future__ import annotations

from meterkit.codec import axdr
from meterkit.dlms.apdu.access import (
    AccessAction,
    AccessGet,
    AccessRequest,
    AccessResponse,
    AccessResult,
    AccessSet,
    AccessSpecification,
)
from meterkit.dlms.apdu.descriptors import ActionResult, DataAccessResult
from meterkit.dlms.apdu.errors import ServiceError
from meterkit.dlms.conformance import Conformance
from meterkit.emulator.dlms.terms import Terms, refusal

_GET, _SET, _ACTION = 1, 2, 3  # access-response-specification
_BREAK_ON_ERROR = 1 << 29  # long-invoke-id-and-priority
_NULL = axdr.encode_null()


def access(terms: Terms, request: AccessRequest) -> bytes:
    """Answer an ACCESS request; with break-on-error nothing is done after the first refusal."""
    if len(request.data) != len(request.specifications):
        return refusal(service=ServiceError.OTHER_REASON)
    data: list[bytes] = []
    results: list[AccessResult] = []
    is_broken = False
    for specification, parameters in zip(request.specifications, request.data, strict=True):
        value, result = _refused(specification) if is_broken else _perform(terms, specification, parameters)
        data.append(value)
        results.append(result)
        is_broken |= bool(request.long_invoke & _BREAK_ON_ERROR and result.result)
    response = AccessResponse(request.long_invoke, b"", None, tuple(data), tuple(results)).encode()
    if terms.fits(response) or terms.grants(Conformance.GENERAL_BLOCK_TRANSFER):
        return response
    return refusal(service=ServiceError.PDU_TOO_LONG)


def _perform(terms: Terms, specification: AccessSpecification, octets: bytes) -> tuple[bytes, AccessResult]:
    match specification:
        case AccessGet(attribute, selection):
            value = terms.view.get(attribute, selection)
            if isinstance(value, bytes):
                return value, AccessResult(_GET, DataAccessResult.SUCCESS)
            return _NULL, AccessResult(_GET, value)
        case AccessSet(attribute, selection):
            return _NULL, AccessResult(_SET, terms.view.set(attribute, selection, octets))
        case AccessAction(method):
            result, returned = terms.view.action(method, octets)
            return returned if isinstance(returned, bytes) else _NULL, AccessResult(_ACTION, result)


def _refused(specification: AccessSpecification) -> tuple[bytes, AccessResult]:
    match specification:
        case AccessGet():
            return _NULL, AccessResult(_GET, DataAccessResult.OTHER_REASON)
        case AccessSet():
            return _NULL, AccessResult(_SET, DataAccessResult.OTHER_REASON)
        case AccessAction():
            return _NULL, AccessResult(_ACTION, ActionResult.OTHER_REASON)
