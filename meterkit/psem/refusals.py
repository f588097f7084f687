"""What a meter's refusal means, and what a technician can do about it.

Source: C12.18-2006 response codes; meters use them loosely.
"""

from __future__ import annotations

from meterkit.errors import ErrorKind, MeterError
from meterkit.psem.codes import ResponseCode, ServiceCode, service_of
from meterkit.psem.services import ServiceRequest

_READS = (ServiceCode.READ_FULL, ServiceCode.READ_INDEX, ServiceCode.READ_DEFAULT, ServiceCode.READ_OFFSET)
_WRITES = (ServiceCode.WRITE_FULL, ServiceCode.WRITE_INDEX, ServiceCode.WRITE_OFFSET)
_LOG_IN = (ServiceCode.SECURITY, ServiceCode.AUTHENTICATE)
_PROCEDURE_INITIATE = 7  # table that starts procedures

#: For each code its letters in the standard, its words, and general advice.
_MEANINGS: dict[int, tuple[str, str, str]] = {
    ResponseCode.ERROR: (
        "ERR",
        "error, without a reason",
        "check the request; some meters answer so to any fault",
    ),
    ResponseCode.SERVICE_NOT_SUPPORTED: (
        "SNS",
        "service not supported",
        "this meter does not have the service",
    ),
    ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE: (
        "ISC",
        "insufficient security clearance",
        "connect with a password that has more rights",
    ),
    ResponseCode.OPERATION_NOT_POSSIBLE: (
        "ONP",
        "operation not possible",
        "the offset or length may lie outside of the table, or the meter's mode forbids it now",
    ),
    ResponseCode.INAPPROPRIATE_ACTION_REQUESTED: (
        "IAR",
        "inappropriate action requested",
        "the meter has no such table, or not for this",
    ),
    ResponseCode.DEVICE_BUSY: ("BSY", "device busy", "try again in a few seconds"),
    ResponseCode.DATA_NOT_READY: ("DNR", "data not ready", "try again in a few seconds"),
    ResponseCode.DATA_LOCKED: ("DLK", "data locked", "another access holds the table: try again later"),
    ResponseCode.RENEGOTIATE_REQUEST: (
        "RNO",
        "renegotiate request",
        "the message does not fit what was negotiated: connect again, or move less at a time",
    ),
    ResponseCode.INVALID_SERVICE_SEQUENCE_STATE: (
        "ISSS",
        "invalid service sequence state",
        "the meter is not in the state we took it for, its session may have timed out: connect again",
    ),
    ResponseCode.SECURITY_MECHANISM_ERROR: ("SME", "security mechanism error", "check keys and mechanism"),
    ResponseCode.UNKNOWN_APPLICATION_TITLE: ("UAT", "unknown application title", "check the addressed node"),
    ResponseCode.NETWORK_TIMEOUT: ("NETT", "network time-out", "the node behind the relay did not answer"),
    ResponseCode.NETWORK_NOT_REACHABLE: ("NETR", "network not reachable", "no route to the addressed node"),
    ResponseCode.REQUEST_TOO_LARGE: ("RQTL", "request too large", "write less at a time"),
    ResponseCode.RESPONSE_TOO_LARGE: ("RSTL", "response too large", "read less at a time, by offset"),
    ResponseCode.SEGMENTATION_NOT_POSSIBLE: ("SGNP", "segmentation not possible", "move less at a time"),
    ResponseCode.SEGMENTATION_ERROR: ("SGERR", "segmentation error", "try again with less at a time"),
    ResponseCode.NOT_READY: ("NRY", "not ready", "try again in a few seconds"),
}

#: Advice that knows the service: (code, services, advice), the first that applies.
_ADVICE: tuple[tuple[ResponseCode, tuple[ServiceCode, ...], str], ...] = (
    (ResponseCode.ERROR, _LOG_IN, "wrong password or key; check also its padding, NUL or space"),
    (ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE, _LOG_IN, "wrong password or key, or it has been disabled"),
    (
        ResponseCode.ERROR,
        (ServiceCode.NEGOTIATE,),
        "try a smaller packet_size, fewer max_packets or baud_rates=()",
    ),
    (ResponseCode.ERROR, _WRITES, "the meter may have found a wrong count, checksum or value"),
    (
        ResponseCode.SERVICE_NOT_SUPPORTED,
        (ServiceCode.READ_OFFSET, ServiceCode.READ_INDEX, ServiceCode.READ_DEFAULT),
        "this meter has no such partial reads: read the table whole",
    ),
    (
        ResponseCode.SERVICE_NOT_SUPPORTED,
        (ServiceCode.WRITE_OFFSET, ServiceCode.WRITE_INDEX),
        "this meter has no such partial writes: write the table whole",
    ),
    (
        ResponseCode.SERVICE_NOT_SUPPORTED,
        (ServiceCode.NEGOTIATE,),
        "the defaults hold: packets of 64 octets, one a message, at 9600 baud",
    ),
    (ResponseCode.SERVICE_NOT_SUPPORTED, (ServiceCode.WAIT,), "keep the session alive with reads instead"),
    (
        ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE,
        _READS,
        "the table needs a password, or another one: OSGP meters name the keys (MK, PK, RK) for each table",
    ),
    (
        ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE,
        _WRITES,
        "writing needs a password with more rights, or the meter's hardware lock forbids it",
    ),
    (
        ResponseCode.OPERATION_NOT_POSSIBLE,
        _READS,
        "no such table in this meter, or the offset is past its end",
    ),
    (ResponseCode.OPERATION_NOT_POSSIBLE, _WRITES, "no such table, or the octets do not fit into it"),
    (ResponseCode.INAPPROPRIATE_ACTION_REQUESTED, _READS, "no such table in this meter"),
    (ResponseCode.INAPPROPRIATE_ACTION_REQUESTED, _WRITES, "no such table in this meter, or it is read-only"),
    (
        ResponseCode.INVALID_SERVICE_SEQUENCE_STATE,
        (ServiceCode.IDENTIFY,),
        "an earlier session is still open: Terminate it, or let its time-out pass (6 s, or as Wait asked)",
    ),
)

_PROCEDURE_ADVICE: dict[int, str] = {
    ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE: "the procedure needs a password with more rights",
    ResponseCode.INAPPROPRIATE_ACTION_REQUESTED: "this meter runs no procedures, or not this one",
    ResponseCode.OPERATION_NOT_POSSIBLE: "the procedure is unknown here, or its parameters do not fit",
}


def refusal(request: ServiceRequest, code: int) -> MeterError:
    """Return the error that `request` was answered with response code `code`, with advice.

    Kind SECURITY for lack of clearance, and for whatever refuses a password or key; otherwise REFUSED.
    `where` is the request's name: a table and a range, never a secret.
    """
    service = service_of(request.code)
    letters, words, _ = _MEANINGS.get(code, ("reserved", "a code the standard does not define", ""))
    advice = _advise(request, service, code)
    is_security = code in (
        ResponseCode.INSUFFICIENT_SECURITY_CLEARANCE,
        ResponseCode.SECURITY_MECHANISM_ERROR,
    ) or (service in _LOG_IN and code not in _SAYS_NOTHING_OF_THE_KEY)
    return MeterError(
        ErrorKind.SECURITY if is_security else ErrorKind.REFUSED,
        f"the meter refused: {words} ({letters}, 0x{code:02X}){'; ' if advice else ''}{advice}",
        code,
        request.name,
    )


#: Refusals of Security or Authenticate that are not about the password: wrong time, wrong meter.
_SAYS_NOTHING_OF_THE_KEY = frozenset(
    {
        ResponseCode.SERVICE_NOT_SUPPORTED,
        ResponseCode.DEVICE_BUSY,
        ResponseCode.DATA_NOT_READY,
        ResponseCode.RENEGOTIATE_REQUEST,
        ResponseCode.INVALID_SERVICE_SEQUENCE_STATE,
        ResponseCode.NOT_READY,
    }
)


def _advise(request: ServiceRequest, service: ServiceCode | None, code: int) -> str:
    if service in _WRITES and request.table_id == _PROCEDURE_INITIATE and code in _PROCEDURE_ADVICE:
        return _PROCEDURE_ADVICE[code]
    for known, services, advice in _ADVICE:
        if known == code and service in services:
            return advice
    return _MEANINGS[code][2] if code in _MEANINGS else ""
