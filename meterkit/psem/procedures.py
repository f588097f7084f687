"""Procedures as octets: what table 7 is written with, and what table 8 answers.

    ST7:  procedure (2, meter's octet order) | sequence | parameters
    ST8:  procedure (2, meter's octet order) | sequence | result | response data

    procedure:  bits 0-10 number, bit 11 manufacturer's, bits 12-15 when table 8 is to be filled

Source: C12.19, tables 7 and 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal, Self

from meterkit import arguments
from meterkit.errors import ErrorKind, MeterError, fault

_ID_SIZE: Final = 2  # octets of the procedure field
_RESPONSE_HEADER_SIZE: Final = 4  # octets of ST8 before its data
_NUMBER_MASK: Final = 0x07FF
_MANUFACTURER: Final = 0x0800
_SELECTOR_SHIFT: Final = 12


class ProcedureResult(IntEnum):
    """How a procedure ended.  Source: C12.19, table 8; names as SharpMeter's.

    Any octet is a member; those nobody defined are RESULT_7F and the like.
    """

    COMPLETED = 0
    ACCEPTED_NOT_COMPLETE = 1  #: under way: read table 8 again
    INVALID_PARAMETER = 2
    CONFLICT = 3  #: with the meter's setup
    TIMING_CONSTRAINT = 4
    NO_AUTHORIZATION = 5
    UNRECOGNIZED = 6

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= 0xFF:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"RESULT_{value:02X}"
        member._value_ = value
        return cls._value2member_map_.setdefault(value, member)  # type: ignore[return-value]


class ResponseSelector(IntEnum):
    """When the meter fills table 8.  Source: C12.19, table 7."""

    ON_COMPLETION = 0
    ON_EXCEPTION = 1
    NEVER = 2
    AT_ONCE_AND_ON_COMPLETION = 3


class StandardProcedure(IntEnum):
    """Numbers of the standard procedures.  Source: C12.19; 23 to 26 are C12.22's."""

    COLD_START = 0
    WARM_START = 1
    SAVE_CONFIGURATION = 2
    CLEAR_DATA = 3
    RESET_LIST_POINTERS = 4
    UPDATE_LAST_READ_ENTRY = 5
    CHANGE_END_DEVICE_MODE = 6
    CLEAR_STANDARD_STATUS_FLAGS = 7
    CLEAR_MANUFACTURER_STATUS_FLAGS = 8
    REMOTE_RESET = 9
    SET_DATE_TIME = 10
    EXECUTE_DIAGNOSTICS = 11
    ACTIVATE_ALL_PENDING_TABLES = 12
    ACTIVATE_SPECIFIC_PENDING_TABLES = 13
    CLEAR_ALL_PENDING_TABLES = 14
    CLEAR_SPECIFIC_PENDING_TABLES = 15
    START_LOAD_PROFILE = 16
    STOP_LOAD_PROFILE = 17
    LOG_IN = 18
    LOG_OUT = 19
    INITIATE_IMMEDIATE_CALL = 20
    DIRECT_LOAD_CONTROL = 21
    MODIFY_CREDIT = 22
    REGISTER = 23
    DEREGISTER = 24
    NETWORK_INTERFACE_CONTROL = 25
    EXCEPTION_REPORT = 26
    CLEAR_PENDING_CALL_STATUS = 27
    START_QUALITY_OF_SERVICE_MONITORS = 28
    STOP_QUALITY_OF_SERVICE_MONITORS = 29
    START_SECURED_REGISTERS = 30
    STOP_SECURED_REGISTERS = 31
    SET_PRECISION_DATE_TIME = 32


@dataclass(frozen=True, slots=True)
class ProcedureResponse:
    """What table 8 says of a procedure that was started."""

    result: ProcedureResult
    data: bytes = b""  #: the procedure's own answer; most have none
    sequence: int = 0  #: the number its request carried
    id_field: int = 0  #: procedure field as a number: number, manufacturer's, selector

    @property
    def number(self) -> int:
        """The procedure's number, 0..2047."""
        return self.id_field & _NUMBER_MASK

    @property
    def is_manufacturer(self) -> bool:
        """Whether it is a manufacturer's procedure."""
        return bool(self.id_field & _MANUFACTURER)

    def answers(self, number: int, manufacturer: bool, sequence: int) -> bool:
        """Tell whether this is about the procedure started with these; table 8 may hold an older one.

        The selector is not compared: some meters clear it.
        """
        return (self.number, self.is_manufacturer, self.sequence) == (number, manufacturer, sequence)


def encode_initiate(
    number: int,
    manufacturer: bool,
    sequence: int,
    parameters: bytes = b"",
    byte_order: str = "<",
    *,
    selector: ResponseSelector = ResponseSelector.ON_COMPLETION,
) -> bytes:
    """Return what to write table 7 with, whole, to start a procedure once.

    `number` 0..2047; `sequence` 0..255, another one for each start; `byte_order` "<" or ">" as the
    meter's table 0 says.
    Raises: ValueError; TypeError for values of another kind.
    """
    number = arguments.whole("procedure number", number, 0, _NUMBER_MASK)
    sequence = arguments.whole("sequence", sequence, 0, 0xFF)
    parameters = arguments.octets("parameters", parameters)
    field = selector << _SELECTOR_SHIFT | (_MANUFACTURER if manufacturer else 0) | number
    return field.to_bytes(_ID_SIZE, _order(byte_order)) + bytes([sequence]) + parameters


def decode_response(octets: bytes, byte_order: str = "<") -> ProcedureResponse:
    """Return what table 8 holds.

    Errors: ProtocolFault DECODE under four octets.  Raises: ValueError for a byte order not "<" or ">".
    """
    order = _order(byte_order)
    if len(octets) < _RESPONSE_HEADER_SIZE:
        raise fault(
            ErrorKind.DECODE,
            f"table 8 begins with procedure (2 octets), sequence and result; {len(octets)} octets came: "
            f"{octets.hex(' ')}",
        )
    field = int.from_bytes(octets[:_ID_SIZE], order)
    return ProcedureResponse(ProcedureResult(octets[3]), octets[_RESPONSE_HEADER_SIZE:], octets[2], field)


def procedure_name(number: int, manufacturer: bool = False) -> str:
    """Return a procedure as a person would call it: "SP10 set date time", "MP67"."""
    if manufacturer:
        return f"MP{number}"
    try:
        return f"SP{number} {StandardProcedure(number).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"SP{number}"


_MEANINGS: Final[dict[ProcedureResult, str]] = {
    ProcedureResult.ACCEPTED_NOT_COMPLETE: "accepted, but not fully completed yet",
    ProcedureResult.INVALID_PARAMETER: "an invalid parameter; it was not carried out",
    ProcedureResult.CONFLICT: "in conflict with how the meter is set up; it was not carried out",
    ProcedureResult.TIMING_CONSTRAINT: "a timing constraint; it was not carried out: try again later",
    ProcedureResult.NO_AUTHORIZATION: "no authorization: connect with a password that has more rights",
    ProcedureResult.UNRECOGNIZED: "it does not know the procedure",
}


def procedure_failure(number: int, manufacturer: bool, result: ProcedureResult) -> MeterError:
    """Return the error of a procedure that did not complete: kind PROCEDURE, code its result."""
    meaning = _MEANINGS.get(result, "a result the standard does not define")
    return MeterError(
        ErrorKind.PROCEDURE,
        f"the meter answered: {meaning} (result {int(result)})",
        int(result),
        procedure_name(number, manufacturer),
    )


def _order(byte_order: str) -> Literal["little", "big"]:
    if byte_order not in ("<", ">"):
        raise ValueError(f"byte_order {byte_order!r}: '<' or '>' expected")
    return "little" if byte_order == "<" else "big"
