"""GET: attributes read.  Source: IEC 62056-53, GET-Request and GET-Response.

C0 01 invoke attribute selection        C4 01 invoke 00 data | 01 result
C0 02 invoke block-number               C4 02 invoke last-block block-number 00 raw-data | 01 result
C0 03 invoke count (attribute selection)...     C4 03 invoke count (00 data | 01 result)...
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Final, Self

from meterkit.codec import axdr
from meterkit.dlms.apdu.datablock import encode_number, read_number
from meterkit.dlms.apdu.descriptors import (
    AttributeDescriptor,
    SelectedAttribute,
    Selection,
    encode_attributes,
    read_attributes,
    read_selection,
)
from meterkit.dlms.apdu.reader import ApduReader, octet_string, sequence_of
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.errors import ErrorKind, ProtocolFault, fault

_NORMAL_REQUEST: Final = Struct(">3BH6BbB")
_NORMAL_RESPONSE: Final = "get-response-normal"
_DATA, _RESULT = 0, 1  # CHOICE of a Get-Data-Result
_NORMAL_HEAD: Final = 4  # octets before the data of a normal response


def encode_get(invoke: int, wanted: AttributeDescriptor, *, has_selection: bool = False) -> bytes:
    """Return a GET-request-normal up to its selection, in one go: clients read register after register.

    Raises: ValueError when a number does not fit.
    """
    obis = wanted.obis
    try:
        return _NORMAL_REQUEST.pack(
            0xC0, 1, invoke, wanted.class_id, obis.a, obis.b, obis.c, obis.d, obis.e, obis.f,
            wanted.attribute, has_selection,
        )  # fmt: skip
    except StructError as odd:
        raise ValueError(f"{wanted}: {odd}") from None


@dataclass(frozen=True, slots=True)
class GetRequestNormal:
    """Read one attribute, or the part of it that `selection` names."""

    invoke: int
    attribute: AttributeDescriptor
    selection: Selection | None = None

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        selection = self.selection
        octets = encode_get(self.invoke, self.attribute, has_selection=selection is not None)
        return octets if selection is None else octets + selection.encode()

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C0 01 off `reader`."""
        return cls(reader.octet("invoke-id"), AttributeDescriptor.read(reader), read_selection(reader))


@dataclass(frozen=True, slots=True)
class GetRequestNext:
    """Ask for the block after `block_number`, which came."""

    invoke: int
    block_number: int

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return bytes((0xC0, 2, self.invoke)) + encode_number(self.block_number)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C0 02 off `reader`."""
        return cls(reader.octet("invoke-id"), read_number(reader))


@dataclass(frozen=True, slots=True)
class GetRequestWithList:
    """Read several attributes at once."""

    invoke: int
    attributes: tuple[SelectedAttribute, ...]

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return bytes((0xC0, 3, self.invoke)) + encode_attributes(self.attributes)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C0 03 off `reader`."""
        return cls(reader.octet("invoke-id"), read_attributes(reader))


@dataclass(frozen=True, slots=True)
class GetResponseNormal:
    """The attribute's value as encoded Data, or why there is none."""

    invoke: int
    result: bytes | DataAccessResult

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0xC4, 1, self.invoke)) + encode_result(self.result)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C4 01 off `reader`."""
        return cls(reader.octet("invoke-id"), read_last_result(reader))

    @classmethod
    def decode(cls, octets: bytes, strict: bool = True) -> Self:
        """Return the response that `octets`, which begin with C4 01, are; the short way for one value.

        Errors: `ProtocolFault` (DECODE).
        """
        has_data = len(octets) > _NORMAL_HEAD and octets[3] == _DATA
        try:
            if has_data and (not strict or axdr.measure(octets, _NORMAL_HEAD) == len(octets)):
                return cls(octets[2], octets[_NORMAL_HEAD:])
        except ProtocolFault as odd:
            raise fault(ErrorKind.DECODE, f"data: {odd.error.message}", where=_NORMAL_RESPONSE) from None
        reader = ApduReader(octets, _NORMAL_RESPONSE, 2, is_strict=strict)
        response = cls.read(reader)
        reader.finish()
        return response


@dataclass(frozen=True, slots=True)
class GetResponseWithBlock:
    """A piece of the attribute's encoded Data, or why there is none."""

    invoke: int
    is_last: bool
    block_number: int  #: from 1
    result: bytes | DataAccessResult

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        head = bytes((0xC4, 2, self.invoke, self.is_last)) + encode_number(self.block_number)
        if isinstance(self.result, DataAccessResult):
            return head + bytes((_RESULT, self.result))
        return head + bytes((_DATA,)) + octet_string(self.result)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C4 02 off `reader`."""
        invoke, is_last, number = reader.octet("invoke-id"), reader.boolean("last-block"), read_number(reader)
        result: bytes | DataAccessResult
        if reader.choice("result", _DATA, _RESULT) == _RESULT:
            result = DataAccessResult(reader.octet("data-access-result"))
        else:
            result = reader.octet_string("raw-data")
        return cls(invoke, is_last, number, result)


@dataclass(frozen=True, slots=True)
class GetResponseWithList:
    """Several attributes' values as encoded Data, or why there are none, in the order of the request."""

    invoke: int
    results: tuple[bytes | DataAccessResult, ...]

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0xC4, 3, self.invoke)) + sequence_of(map(encode_result, self.results))

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C4 03 off `reader`."""
        invoke = reader.octet("invoke-id")
        count = reader.count("result")
        return cls(invoke, tuple(read_result(reader) for _ in range(count)))


def encode_result(result: bytes | DataAccessResult) -> bytes:
    """Return a Get-Data-Result: 00 and Data, or 01 and the data-access-result."""
    if isinstance(result, DataAccessResult):
        return bytes((_RESULT, result))
    return b"\0" + result


def read_result(reader: ApduReader) -> bytes | DataAccessResult:
    """Take a Get-Data-Result off `reader`."""
    if reader.choice("result", _DATA, _RESULT) == _RESULT:
        return DataAccessResult(reader.octet("data-access-result"))
    return reader.data("data")


def read_last_result(reader: ApduReader) -> bytes | DataAccessResult:
    """Take the Get-Data-Result that ends the APDU off `reader`; see `ApduReader.last_data`."""
    if reader.choice("result", _DATA, _RESULT) == _RESULT:
        return DataAccessResult(reader.octet("data-access-result"))
    return reader.last_data("data")
