"""SET: attributes written.  Source: IEC 62056-53, SET-Request and SET-Response.

C1 01 invoke attribute selection data                        C5 01 invoke result
C1 02 invoke attribute selection block                       C5 02 invoke block-number
C1 03 invoke block                                           C5 03 invoke result block-number
C1 04 invoke count (attribute selection)... count data...    C5 05 invoke count result...
C1 05 invoke count (attribute selection)... block            C5 04 invoke count result... block-number
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from meterkit.dlms.apdu.datablock import encode_block, encode_number, read_block, read_number
from meterkit.dlms.apdu.descriptors import (
    AttributeDescriptor,
    SelectedAttribute,
    Selection,
    encode_attributes,
    encode_selection,
    read_attributes,
    read_selection,
)
from meterkit.dlms.apdu.reader import ApduReader, sequence_of
from meterkit.dlms.apdu.results import DataAccessResult


@dataclass(frozen=True, slots=True)
class SetRequestNormal:
    """Write one attribute, or the part of it that `selection` names."""

    invoke: int
    attribute: AttributeDescriptor
    selection: Selection | None
    value: bytes = field(repr=False)  #: encoded Data; may be a secret

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(1, self.invoke) + _target(self.attribute, self.selection) + self.value

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C1 01 off `reader`."""
        invoke, attribute = reader.octet("invoke-id"), AttributeDescriptor.read(reader)
        return cls(invoke, attribute, read_selection(reader), reader.last_data("value"))


@dataclass(frozen=True, slots=True)
class SetRequestFirstBlock:
    """Begin to write one attribute in blocks."""

    invoke: int
    attribute: AttributeDescriptor
    selection: Selection | None
    is_last: bool
    block_number: int  #: 1
    raw: bytes = field(repr=False)  #: a piece of the encoded Data

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        block = encode_block(self.is_last, self.block_number, self.raw)
        return _head(2, self.invoke) + _target(self.attribute, self.selection) + block

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C1 02 off `reader`."""
        invoke, attribute = reader.octet("invoke-id"), AttributeDescriptor.read(reader)
        return cls(invoke, attribute, read_selection(reader), *read_block(reader))


@dataclass(frozen=True, slots=True)
class SetRequestBlock:
    """Go on writing."""

    invoke: int
    is_last: bool
    block_number: int
    raw: bytes = field(repr=False)  #: a piece of the encoded Data

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(3, self.invoke) + encode_block(self.is_last, self.block_number, self.raw)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C1 03 off `reader`."""
        return cls(reader.octet("invoke-id"), *read_block(reader))


@dataclass(frozen=True, slots=True)
class SetRequestWithList:
    """Write several attributes at once."""

    invoke: int
    attributes: tuple[SelectedAttribute, ...]
    values: tuple[bytes, ...] = field(repr=False)  #: encoded Data, one for each attribute

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(4, self.invoke) + encode_attributes(self.attributes) + sequence_of(self.values)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C1 04 off `reader`."""
        return cls(reader.octet("invoke-id"), read_attributes(reader), reader.data_list("value-list"))


@dataclass(frozen=True, slots=True)
class SetRequestWithListFirstBlock:
    """Begin to write several attributes in blocks; together the blocks hold count and values."""

    invoke: int
    attributes: tuple[SelectedAttribute, ...]
    is_last: bool
    block_number: int  #: 1
    raw: bytes = field(repr=False)  #: a piece of the encoded value-list

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        block = encode_block(self.is_last, self.block_number, self.raw)
        return _head(5, self.invoke) + encode_attributes(self.attributes) + block

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C1 05 off `reader`."""
        return cls(reader.octet("invoke-id"), read_attributes(reader), *read_block(reader))


@dataclass(frozen=True, slots=True)
class SetResponseNormal:
    """Whether the attribute was written."""

    invoke: int
    result: DataAccessResult

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0xC5, 1, self.invoke, self.result))

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C5 01 off `reader`."""
        return cls(reader.octet("invoke-id"), _read_result(reader))


@dataclass(frozen=True, slots=True)
class SetResponseBlock:
    """The block came; go on."""

    invoke: int
    block_number: int

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return bytes((0xC5, 2, self.invoke)) + encode_number(self.block_number)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C5 02 off `reader`."""
        return cls(reader.octet("invoke-id"), read_number(reader))


@dataclass(frozen=True, slots=True)
class SetResponseLastBlock:
    """The last block came; whether the attribute was written."""

    invoke: int
    result: DataAccessResult
    block_number: int

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return bytes((0xC5, 3, self.invoke, self.result)) + encode_number(self.block_number)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C5 03 off `reader`."""
        return cls(reader.octet("invoke-id"), _read_result(reader), read_number(reader))


@dataclass(frozen=True, slots=True)
class SetResponseLastBlockWithList:
    """The last block came; which attributes were written."""

    invoke: int
    results: tuple[DataAccessResult, ...]
    block_number: int

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return bytes((0xC5, 4, self.invoke)) + _results(self.results) + encode_number(self.block_number)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C5 04 off `reader`."""
        return cls(reader.octet("invoke-id"), _read_results(reader), read_number(reader))


@dataclass(frozen=True, slots=True)
class SetResponseWithList:
    """Which attributes were written, in the order of the request."""

    invoke: int
    results: tuple[DataAccessResult, ...]

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0xC5, 5, self.invoke)) + _results(self.results)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C5 05 off `reader`."""
        return cls(reader.octet("invoke-id"), _read_results(reader))


def _head(choice: int, invoke: int) -> bytes:
    return bytes((0xC1, choice, invoke))


def _target(attribute: AttributeDescriptor, selection: Selection | None) -> bytes:
    return attribute.encode() + encode_selection(selection)


def _read_result(reader: ApduReader) -> DataAccessResult:
    return DataAccessResult(reader.octet("data-access-result"))


def _results(results: tuple[DataAccessResult, ...]) -> bytes:
    return sequence_of(bytes((result,)) for result in results)


def _read_results(reader: ApduReader) -> tuple[DataAccessResult, ...]:
    count = reader.count("result")
    return tuple(_read_result(reader) for _ in range(count))
