"""A meter's refusals of a whole APDU, in words.  Source: IEC 62056-53, ExceptionResponse; IEC 61334-4-41.

D8 state-error (1) | service-error (1) | invocation-counter (4) with service-error 06
0E service (1) | error class (1) | value (1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from meterkit.dlms.apdu.reader import ApduReader, unsigned
from meterkit.dlms.codes import Code

_COUNTER_SIZE: Final = 4  # octets of an invocation counter


class StateError(Code):
    """What of an exception-response is the server's state."""

    SERVICE_NOT_ALLOWED = 1, "not in this state; there may be no association any more, or it must be ciphered"
    SERVICE_UNKNOWN = 2, "the meter does not know this service"


class ServiceError(Code):
    """What of an exception-response is the service."""

    OPERATION_NOT_POSSIBLE = 1, "the meter cannot do that now"
    SERVICE_NOT_SUPPORTED = 2, "the meter does not have this service"
    OTHER_REASON = 3, "the meter gives no reason"
    PDU_TOO_LONG = 4, "the request or its answer is too long; use blocks or ask for less"
    DECIPHERING_ERROR = 5, "the meter could not decipher the request: wrong key, or ciphering expected"
    INVOCATION_COUNTER_ERROR = 6, "the request's invocation counter is not the one the meter expects"


@dataclass(frozen=True, slots=True)
class ExceptionResponse:
    """The meter did not process the request."""

    state_error: StateError
    service_error: ServiceError
    invocation_counter: int | None = None  #: the one expected, with INVOCATION_COUNTER_ERROR

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when the counter does not fit."""
        head = bytes((0xD8, self.state_error, self.service_error))
        if self.invocation_counter is None:
            return head
        return head + unsigned("invocation-counter", self.invocation_counter, _COUNTER_SIZE)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows D8 off `reader`."""
        state, service = StateError(reader.octet("state-error")), ServiceError(reader.octet("service-error"))
        # Some meters refuse the counter without saying which one they expect.
        if service is not ServiceError.INVOCATION_COUNTER_ERROR or not reader.left:
            return cls(state, service)
        if reader.left < _COUNTER_SIZE and not reader.is_strict:
            return cls(state, service)
        return cls(state, service, reader.unsigned(_COUNTER_SIZE, "invocation-counter"))

    @property
    def words(self) -> str:
        """The refusal for an engineer."""
        text = f"{self.state_error.standard_name} ({int(self.state_error)}), {self.service_error.words}"
        if self.invocation_counter is None:
            return text
        return f"{text}; the meter expects {self.invocation_counter}"


#: Services of a confirmedServiceError by their tags.
_SERVICES: Final = {
    1: "initiate",
    2: "get-status",
    3: "get-name-list",
    4: "get-variable-attribute",
    5: "read",
    6: "write",
    7: "get-data-set-attribute",
    8: "get-ti-attribute",
    9: "change-scope",
    10: "start",
    11: "stop",
    12: "resume",
    13: "make-usable",
    14: "initiate-load",
    15: "load-segment",
    16: "terminate-load",
    17: "initiate-upload",
    18: "upload-segment",
    19: "terminate-upload",
}
#: Error classes of a ServiceError by their tags, and the values of each.
_ERRORS: Final[dict[int, tuple[str, tuple[str, ...]]]] = {
    0: (
        "application-reference",
        (
            "other",
            "time-elapsed",
            "application-unreachable",
            "application-reference-invalid",
            "application-context-unsupported",
            "provider-communication-error",
            "deciphering-error",
        ),
    ),
    1: (
        "hardware-resource",
        (
            "other",
            "memory-unavailable",
            "processor-resource-unavailable",
            "mass-storage-unavailable",
            "other-resource-unavailable",
        ),
    ),
    2: (
        "vde-state-error",
        ("other", "no-dlms-context", "loading-data-set", "status-nochange", "status-inoperable"),
    ),
    3: ("service", ("other", "pdu-size", "service-unsupported")),
    4: (
        "definition",
        ("other", "object-undefined", "object-class-inconsistent", "object-attribute-inconsistent"),
    ),
    5: (
        "access",
        (
            "other",
            "scope-of-access-violated",
            "object-access-invalid",
            "hardware-fault",
            "object-unavailable",
        ),
    ),
    6: (
        "initiate",
        (
            "other",
            "dlms-version-too-low",
            "incompatible-conformance",
            "pdu-size-too-short",
            "refused-by-the-VDE-handler",
        ),
    ),
    7: (
        "load-data-set",
        (
            "other",
            "primitive-out-of-sequence",
            "not-loadable",
            "dataset-size-too-large",
            "not-awaited-segment",
            "interpretation-failure",
            "storage-failure",
            "data-set-not-ready",
        ),
    ),
    8: ("change-scope", ("other",)),
    9: ("task", ("other", "no-remote-control", "ti-stopped", "ti-running", "ti-unusable")),
    10: ("other", ("other",)),
}


@dataclass(frozen=True, slots=True)
class ConfirmedServiceError:
    """The meter refused a service: Initiate in an association, Read or Write with short names."""

    service: int  #: 1 initiate, 5 read, 6 write ...
    error_class: int  #: 0 application-reference ... 10 other
    value: int  #: what it means depends on the class

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0x0E, self.service, self.error_class, self.value))

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 0E off `reader`."""
        return cls(reader.octet("service"), reader.octet("error class"), reader.octet("value"))

    @property
    def words(self) -> str:
        """The refusal for an engineer: "initiate refused: service, service-unsupported (0e 01 03 02)"."""
        service = _SERVICES.get(self.service, f"service {self.service}")
        name, values = _ERRORS.get(self.error_class, (f"error class {self.error_class}", ()))
        value = values[self.value] if self.value < len(values) else f"value {self.value}"
        return f"{service} refused: {name}, {value} ({self.encode().hex(' ')})"
