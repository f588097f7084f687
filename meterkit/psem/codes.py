"""The codes of PSEM: services, responses, speeds.  Source: C12.18-1996, C12.18-2006, C12.21."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Self

LAST_RESPONSE_CODE = 0x1F  # 0x20 and above are requests; C12.18-2006
MAX_INDICES = 9  # of an index read or write; the code counts them
MAX_BAUD_RATES = 11  # a Negotiate can offer; the code counts them


class ServiceCode(IntEnum):
    """First octet of a request.  Source: C12.18-2006; names as SharpMeter's."""

    IDENTIFY = 0x20
    TERMINATE = 0x21
    DISCONNECT = 0x22  #: C12.21
    READ_FULL = 0x30
    READ_INDEX = 0x31  #: 0x31..0x39 with 1..9 indices
    READ_DEFAULT = 0x3E
    READ_OFFSET = 0x3F
    WRITE_FULL = 0x40
    WRITE_INDEX = 0x41  #: 0x41..0x49 with 1..9 indices
    WRITE_OFFSET = 0x4F
    LOGON = 0x50
    SECURITY = 0x51
    LOGOFF = 0x52
    AUTHENTICATE = 0x53  #: C12.21
    NEGOTIATE = 0x60  #: 0x60..0x6B with 0..11 baud rates
    WAIT = 0x70
    TIMING_SETUP = 0x71  #: C12.21


class ResponseCode(IntEnum):
    """First octet of a response.  Source: C12.18-2006; 0x0B and above C12.22.

    Any of the 32 codes a response may begin with is a member; those nobody defined are RESERVED_13 and
    the like.  Other numbers are a ValueError.
    """

    OK = 0x00
    ERROR = 0x01
    SERVICE_NOT_SUPPORTED = 0x02
    INSUFFICIENT_SECURITY_CLEARANCE = 0x03
    OPERATION_NOT_POSSIBLE = 0x04
    INAPPROPRIATE_ACTION_REQUESTED = 0x05
    DEVICE_BUSY = 0x06
    DATA_NOT_READY = 0x07
    DATA_LOCKED = 0x08
    RENEGOTIATE_REQUEST = 0x09
    INVALID_SERVICE_SEQUENCE_STATE = 0x0A
    SECURITY_MECHANISM_ERROR = 0x0B
    UNKNOWN_APPLICATION_TITLE = 0x0C
    NETWORK_TIMEOUT = 0x0D
    NETWORK_NOT_REACHABLE = 0x0E
    REQUEST_TOO_LARGE = 0x0F
    RESPONSE_TOO_LARGE = 0x10
    SEGMENTATION_NOT_POSSIBLE = 0x11
    SEGMENTATION_ERROR = 0x12
    NOT_READY = 0x1E

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= LAST_RESPONSE_CODE:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"RESERVED_{value:02X}"
        member._value_ = value
        return cls._value2member_map_.setdefault(value, member)  # type: ignore[return-value]


class BaudCode(IntEnum):
    """Speeds that Negotiate can name; a member's number is its code on the wire.

    Source: C12.18-2006; 0x0A is 57600 and 0x0B is 38400 (SharpMeter 2024 has them otherwise).
    """

    EXTERNAL = 0x00  #: set by other means
    BAUD_300 = 0x01
    BAUD_600 = 0x02
    BAUD_1200 = 0x03
    BAUD_2400 = 0x04
    BAUD_4800 = 0x05
    BAUD_9600 = 0x06
    BAUD_14400 = 0x07
    BAUD_19200 = 0x08
    BAUD_28800 = 0x09
    BAUD_57600 = 0x0A
    BAUD_38400 = 0x0B
    BAUD_115200 = 0x0C
    BAUD_128000 = 0x0D
    BAUD_256000 = 0x0E


#: Bits per second by code; EXTERNAL is none.
BAUD_RATES: Final = {int(code): int(code.name.removeprefix("BAUD_")) for code in BaudCode if code}
#: Codes by bits per second.
BAUD_CODES: Final = {rate: code for code, rate in BAUD_RATES.items()}


def _requests() -> dict[int, ServiceCode]:
    """Return every request code there is: 0x33, an index read with three indices, is READ_INDEX."""
    counted = {
        ServiceCode.READ_INDEX: MAX_INDICES,
        ServiceCode.WRITE_INDEX: MAX_INDICES,
        ServiceCode.NEGOTIATE: MAX_BAUD_RATES + 1,  # from none on
    }
    return {service + n: service for service in ServiceCode for n in range(counted.get(service, 1))}


_SERVICES: Final = _requests()


def service_of(code: int) -> ServiceCode | None:
    """Return the service a request's code asks for, whatever it counts; None for unknown codes."""
    return _SERVICES.get(code)
