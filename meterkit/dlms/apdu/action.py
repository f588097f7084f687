"""ACTION: methods performed.  Source: IEC 62056-53, ACTION-Request and ACTION-Response.

C3 01 invoke method 00 | 01 data                     C7 01 invoke answer
C3 02 invoke block-number                            C7 02 invoke block
C3 03 invoke count method... count data...           C7 03 invoke count answer...
C3 04 invoke method block                            C7 04 invoke block-number
C3 05 invoke count method... block
C3 06 invoke block
                                 answer = result (1) | 00 or 01 (00 data | 01 data-access-result)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self, TypeAlias

from meterkit.dlms.apdu.datablock import encode_block, encode_number, read_block, read_number
from meterkit.dlms.apdu.descriptors import MethodDescriptor, encode_methods, read_methods
from meterkit.dlms.apdu.get import encode_result, read_last_result, read_result
from meterkit.dlms.apdu.reader import ApduReader, optional, sequence_of
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult

#: What a method returned: encoded Data, why there is none though there should be, or None: nothing.
ReturnValue: TypeAlias = bytes | DataAccessResult | None


@dataclass(frozen=True, slots=True)
class ActionRequestNormal:
    """Perform one method."""

    invoke: int
    method: MethodDescriptor
    parameters: bytes | None = field(default=None, repr=False)  #: encoded Data; may be a secret

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(1, self.invoke) + self.method.encode() + optional(self.parameters)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C3 01 off `reader`."""
        invoke, method = reader.octet("invoke-id"), MethodDescriptor.read(reader)
        has_parameters = reader.is_present("method-invocation-parameters")
        return cls(invoke, method, reader.last_data("parameters") if has_parameters else None)


@dataclass(frozen=True, slots=True)
class ActionRequestNextBlock:
    """Ask for the block of the results after `block_number`, which came."""

    invoke: int
    block_number: int

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(2, self.invoke) + encode_number(self.block_number)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C3 02 off `reader`."""
        return cls(reader.octet("invoke-id"), read_number(reader))


@dataclass(frozen=True, slots=True)
class ActionRequestWithList:
    """Perform several methods."""

    invoke: int
    methods: tuple[MethodDescriptor, ...]
    #: Encoded Data, one for each method; null-data 00 for none.
    parameters: tuple[bytes, ...] = field(repr=False)

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(3, self.invoke) + encode_methods(self.methods) + sequence_of(self.parameters)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C3 03 off `reader`."""
        return cls(reader.octet("invoke-id"), read_methods(reader), reader.data_list("parameters"))


@dataclass(frozen=True, slots=True)
class ActionRequestFirstBlock:
    """Begin to send one method's parameters in blocks."""

    invoke: int
    method: MethodDescriptor
    is_last: bool
    block_number: int  #: 1
    raw: bytes = field(repr=False)  #: a piece of the encoded Data

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        block = encode_block(self.is_last, self.block_number, self.raw)
        return _head(4, self.invoke) + self.method.encode() + block

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C3 04 off `reader`."""
        return cls(reader.octet("invoke-id"), MethodDescriptor.read(reader), *read_block(reader))


@dataclass(frozen=True, slots=True)
class ActionRequestWithListFirstBlock:
    """Begin to send several methods' parameters in blocks; together the blocks hold count and parameters."""

    invoke: int
    methods: tuple[MethodDescriptor, ...]
    is_last: bool
    block_number: int  #: 1
    raw: bytes = field(repr=False)  #: a piece of the encoded parameter list

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        block = encode_block(self.is_last, self.block_number, self.raw)
        return _head(5, self.invoke) + encode_methods(self.methods) + block

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C3 05 off `reader`."""
        return cls(reader.octet("invoke-id"), read_methods(reader), *read_block(reader))


@dataclass(frozen=True, slots=True)
class ActionRequestBlock:
    """Go on sending parameters."""

    invoke: int
    is_last: bool
    block_number: int
    raw: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return _head(6, self.invoke) + encode_block(self.is_last, self.block_number, self.raw)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C3 06 off `reader`."""
        return cls(reader.octet("invoke-id"), *read_block(reader))


@dataclass(frozen=True, slots=True)
class ActionResponseNormal:
    """Whether the method was performed, and what it returned: that can fail on its own."""

    invoke: int
    result: ActionResult
    return_value: ReturnValue = None

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0xC7, 1, self.invoke)) + _answer(self.result, self.return_value)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C7 01 off `reader`.

        Where octets too many are put up with, so is one too few: the last 00 of a method that returns
        nothing.
        """
        invoke, result = reader.octet("invoke-id"), ActionResult(reader.octet("action-result"))
        if not reader.left and not reader.is_strict:
            return cls(invoke, result)
        if not reader.is_present("return-parameters"):
            return cls(invoke, result)
        return cls(invoke, result, read_last_result(reader))


@dataclass(frozen=True, slots=True)
class ActionResponseBlock:
    """A piece of the results."""

    invoke: int
    is_last: bool
    block_number: int
    raw: bytes

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        head = bytes((0xC7, 2, self.invoke))
        return head + encode_block(self.is_last, self.block_number, self.raw)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C7 02 off `reader`."""
        return cls(reader.octet("invoke-id"), *read_block(reader))


@dataclass(frozen=True, slots=True)
class ActionResponseWithList:
    """Which methods were performed, and what they returned, in the order of the request."""

    invoke: int
    results: tuple[tuple[ActionResult, ReturnValue], ...]

    def encode(self) -> bytes:
        """Return the APDU."""
        return bytes((0xC7, 3, self.invoke)) + sequence_of(_answer(*one) for one in self.results)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C7 03 off `reader`."""
        invoke = reader.octet("invoke-id")
        count = reader.count("list-of-responses")
        return cls(invoke, tuple(_read_answer(reader) for _ in range(count)))


@dataclass(frozen=True, slots=True)
class ActionResponseNextBlock:
    """The block of parameters came; go on."""

    invoke: int
    block_number: int

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        return bytes((0xC7, 4, self.invoke)) + encode_number(self.block_number)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows C7 04 off `reader`."""
        return cls(reader.octet("invoke-id"), read_number(reader))


def _head(choice: int, invoke: int) -> bytes:
    return bytes((0xC3, choice, invoke))


def _answer(result: ActionResult, value: ReturnValue) -> bytes:
    return bytes((result,)) + optional(None if value is None else encode_result(value))


def _read_answer(reader: ApduReader) -> tuple[ActionResult, ReturnValue]:
    result = ActionResult(reader.octet("action-result"))
    return result, read_result(reader) if reader.is_present("return-parameters") else None
