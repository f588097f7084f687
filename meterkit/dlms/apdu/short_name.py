"""Read and Write: objects by short names.  Source: IEC 62056-53, SN referencing; IEC 61334-4-41.

05 count access...                     0C count (00 data | 01 result | 02 block | 03 block-number)...
06 count access... count data...       0D count (00 | 01 result | 02 block-number)...
16 count access... count data...       not answered
18 00 or 01 current-time | count access... count data...       sent by the meter unasked

access   02 name (2) | 04 name (2) selector (1) data | 05 block-number (2)
         06 last-block (1) block-number (2) raw-data | 07 last-block (1) block-number (2)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from meterkit.dlms.apdu.reader import ApduReader, octet_string, optional, sequence_of, unsigned
from meterkit.dlms.apdu.results import DataAccessResult

_NAME_SIZE: Final = 2  # octets of a short name
_NUMBER_SIZE: Final = 2  # octets of a block number; GET and SET have 4
_VARIABLE_NAME, _PARAMETERISED, _BLOCK_NUMBER, _READ_DATA_BLOCK, _WRITE_DATA_BLOCK = 2, 4, 5, 6, 7
_DATA, _ERROR, _DATA_BLOCK, _READ_BLOCK_NUMBER = 0, 1, 2, 3  # ReadResponse
_SUCCESS, _WRITE_BLOCK_NUMBER = 0, 2  # WriteResponse


@dataclass(frozen=True, slots=True)
class VariableName:
    """One attribute, or a method written to."""

    name: int  #: base name of the object + offset of the attribute, 0..65535

    def encode(self) -> bytes:
        """Return the access specification.  Raises: ValueError when the name does not fit."""
        return bytes((_VARIABLE_NAME,)) + _name(self.name)


@dataclass(frozen=True, slots=True)
class ParameterisedAccess:
    """One attribute, by selective access; or a method with its parameter."""

    name: int
    selector: int  #: 0..255, as of a `Selection`
    parameters: bytes = field(repr=False)  #: encoded Data; may be a proof

    def encode(self) -> bytes:
        """Return the access specification.  Raises: ValueError when a number does not fit."""
        return bytes((_PARAMETERISED,)) + _name(self.name) + bytes((self.selector,)) + self.parameters


@dataclass(frozen=True, slots=True)
class BlockNumberAccess:
    """Asks for the block after `block_number`, which came."""

    block_number: int

    def encode(self) -> bytes:
        """Return the access specification.  Raises: ValueError when the number does not fit."""
        return bytes((_BLOCK_NUMBER,)) + _number(self.block_number)


@dataclass(frozen=True, slots=True)
class ReadDataBlockAccess:
    """A piece of a ReadRequest too long for one PDU."""

    is_last: bool
    block_number: int
    raw: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Return the access specification.  Raises: ValueError when the number does not fit."""
        return bytes((_READ_DATA_BLOCK, self.is_last)) + _number(self.block_number) + octet_string(self.raw)


@dataclass(frozen=True, slots=True)
class WriteDataBlockAccess:
    """Announces a piece of a WriteRequest too long for one PDU; the piece is an octet-string of the data."""

    is_last: bool
    block_number: int

    def encode(self) -> bytes:
        """Return the access specification.  Raises: ValueError when the number does not fit."""
        return bytes((_WRITE_DATA_BLOCK, self.is_last)) + _number(self.block_number)


VariableAccess: TypeAlias = (
    VariableName | ParameterisedAccess | BlockNumberAccess | ReadDataBlockAccess | WriteDataBlockAccess
)


@dataclass(frozen=True, slots=True)
class DataBlockResult:
    """A piece of a ReadResponse too long for one PDU."""

    is_last: bool
    block_number: int  #: from 1
    raw: bytes

    def encode(self) -> bytes:
        """Return block-number and octets.  Raises: ValueError when the number does not fit."""
        return bytes((_DATA_BLOCK, self.is_last)) + _number(self.block_number) + octet_string(self.raw)


@dataclass(frozen=True, slots=True)
class BlockNumber:
    """The block of the request with this number came; go on."""

    block_number: int


ReadResult: TypeAlias = bytes | DataAccessResult | DataBlockResult | BlockNumber
WriteResult: TypeAlias = DataAccessResult | BlockNumber


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Read variables."""

    variables: tuple[VariableAccess, ...]

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return b"\x05" + _variables(self.variables)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 05 off `reader`."""
        return cls(_read_variables(reader))


@dataclass(frozen=True, slots=True)
class ReadResponse:
    """The variables' values as encoded Data, or why there are none, in the order of the request."""

    results: tuple[ReadResult, ...]

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return b"\x0c" + sequence_of(map(_encode_read_result, self.results))

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 0C off `reader`.

        A single value ends the APDU; see `ApduReader.last_data`.
        """
        count = reader.count("ReadResponse")
        if count == 1 and reader.begins_with(bytes((_DATA,))):
            reader.take(1)
            return cls((reader.last_data("data"),))
        return cls(tuple(_read_result(reader) for _ in range(count)))


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """Write variables."""

    variables: tuple[VariableAccess, ...]
    data: tuple[bytes, ...] = field(repr=False)  #: encoded Data, one for each variable

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return b"\x06" + _variables(self.variables) + sequence_of(self.data)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 06 off `reader`."""
        return cls(_read_variables(reader), reader.data_list("list-of-data"))


@dataclass(frozen=True, slots=True)
class WriteResponse:
    """Which variables were written, in the order of the request."""

    results: tuple[WriteResult, ...]

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return b"\x0d" + sequence_of(map(_encode_write_result, self.results))

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 0D off `reader`."""
        count = reader.count("WriteResponse")
        return cls(tuple(_read_write_result(reader) for _ in range(count)))


@dataclass(frozen=True, slots=True)
class UnconfirmedWriteRequest:
    """Write variables; the meter does not answer."""

    variables: tuple[VariableAccess, ...]
    data: tuple[bytes, ...] = field(repr=False)  #: encoded Data, one for each variable

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return b"\x16" + _variables(self.variables) + sequence_of(self.data)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 16 off `reader`."""
        return cls(_read_variables(reader), reader.data_list("list-of-data"))


@dataclass(frozen=True, slots=True)
class InformationReport:
    """Variables' values that the meter sends unasked."""

    current_time: bytes | None  #: GeneralizedTime in ASCII: 20260101120000Z
    variables: tuple[VariableAccess, ...]
    data: tuple[bytes, ...]  #: encoded Data, one for each variable

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        time = None if self.current_time is None else octet_string(self.current_time)
        return b"\x18" + optional(time) + _variables(self.variables) + sequence_of(self.data)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows 18 off `reader`."""
        time = reader.octet_string("current-time") if reader.is_present("current-time") else None
        return cls(time, _read_variables(reader), reader.data_list("list-of-data"))


def _name(name: int) -> bytes:
    return unsigned("variable-name", name, _NAME_SIZE)


def _number(block_number: int) -> bytes:
    return unsigned("block-number", block_number, _NUMBER_SIZE)


def _variables(variables: tuple[VariableAccess, ...]) -> bytes:
    return sequence_of(variable.encode() for variable in variables)


def _read_variables(reader: ApduReader) -> tuple[VariableAccess, ...]:
    count = reader.count("variable-access-specification")
    return tuple(_read_variable(reader) for _ in range(count))


def _read_variable(reader: ApduReader) -> VariableAccess:
    what = "variable-access-specification"
    choices = (_VARIABLE_NAME, _PARAMETERISED, _BLOCK_NUMBER, _READ_DATA_BLOCK, _WRITE_DATA_BLOCK)
    choice = reader.choice(what, *choices)
    if choice == _VARIABLE_NAME:
        return VariableName(reader.unsigned(_NAME_SIZE, "variable-name"))
    if choice == _PARAMETERISED:
        name = reader.unsigned(_NAME_SIZE, "variable-name")
        return ParameterisedAccess(name, reader.octet("selector"), reader.data("parameter"))
    if choice == _BLOCK_NUMBER:
        return BlockNumberAccess(_read_number(reader))
    is_last, number = reader.boolean("last-block"), _read_number(reader)
    if choice == _READ_DATA_BLOCK:
        return ReadDataBlockAccess(is_last, number, reader.octet_string("raw-data"))
    return WriteDataBlockAccess(is_last, number)


def _read_number(reader: ApduReader) -> int:
    return reader.unsigned(_NUMBER_SIZE, "block-number")


def _encode_read_result(result: ReadResult) -> bytes:
    match result:
        case bytes():
            return bytes((_DATA,)) + result
        case DataAccessResult():
            return bytes((_ERROR, result))
        case DataBlockResult():
            return result.encode()
        case _:  # BlockNumber
            return bytes((_READ_BLOCK_NUMBER,)) + _number(result.block_number)


def _read_result(reader: ApduReader) -> ReadResult:
    choice = reader.choice("ReadResponse", _DATA, _ERROR, _DATA_BLOCK, _READ_BLOCK_NUMBER)
    if choice == _DATA:
        return reader.data("data")
    if choice == _ERROR:
        return DataAccessResult(reader.octet("data-access-error"))
    if choice == _READ_BLOCK_NUMBER:
        return BlockNumber(_read_number(reader))
    is_last, number = reader.boolean("last-block"), _read_number(reader)
    return DataBlockResult(is_last, number, reader.octet_string("raw-data"))


def _encode_write_result(result: WriteResult) -> bytes:
    if isinstance(result, BlockNumber):
        return bytes((_WRITE_BLOCK_NUMBER,)) + _number(result.block_number)
    return bytes((_ERROR, result)) if result else bytes((_SUCCESS,))


def _read_write_result(reader: ApduReader) -> WriteResult:
    choice = reader.choice("WriteResponse", _SUCCESS, _ERROR, _WRITE_BLOCK_NUMBER)
    if choice == _WRITE_BLOCK_NUMBER:
        return BlockNumber(_read_number(reader))
    return DataAccessResult(reader.octet("data-access-error")) if choice else DataAccessResult.SUCCESS
