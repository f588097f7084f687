"""What a service is about: an attribute, a method, a part of an attribute.  Source: IEC 62056-53.

cosem-attribute-descriptor   class-id (2) | instance-id (6) | attribute-id (1)
cosem-method-descriptor      class-id (2) | instance-id (6) | method-id (1)
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Final, Self, TypeAlias

from meterkit.dlms.apdu.reader import ApduReader, sequence_of
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.apdu.selective_access import (
    CLOCK_COLUMN,
    CaptureObject,
    EntryDescriptor,
    Limit,
    RangeDescriptor,
    Selection,
    Selector,
    encode_selection,
    read_selection,
)
from meterkit.dlms.cosem.obis import ObisCode

__all__ = [
    "CLOCK_COLUMN",
    "ActionResult",
    "AttributeDescriptor",
    "CaptureObject",
    "DataAccessResult",
    "EntryDescriptor",
    "Limit",
    "MethodDescriptor",
    "RangeDescriptor",
    "SelectedAttribute",
    "Selection",
    "Selector",
    "encode_attributes",
    "encode_methods",
    "encode_selection",
    "read_attributes",
    "read_methods",
    "read_selection",
]

_DESCRIPTOR: Final = Struct(">H6Bb")


@dataclass(frozen=True, slots=True)
class AttributeDescriptor:
    """One attribute of one object."""

    class_id: int  #: 0..65535
    obis: ObisCode
    attribute: int  #: -128..127; 0 stands for all attributes, negative ones are the manufacturer's

    def encode(self) -> bytes:
        """Return the 9 octets.  Raises: ValueError when a number does not fit."""
        return _packed(self.class_id, self.obis, self.attribute)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take one off `reader`.  Errors: `ProtocolFault` (DECODE)."""
        return cls(reader.unsigned(2, "class-id"), reader.obis(), reader.signed(1, "attribute-id"))

    def __str__(self) -> str:
        return f"{self.class_id}/{self.obis}/{self.attribute}"


@dataclass(frozen=True, slots=True)
class MethodDescriptor:
    """One method of one object."""

    class_id: int  #: 0..65535
    obis: ObisCode
    method: int  #: -128..127; negative ones are the manufacturer's

    def encode(self) -> bytes:
        """Return the 9 octets.  Raises: ValueError when a number does not fit."""
        return _packed(self.class_id, self.obis, self.method)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take one off `reader`.  Errors: `ProtocolFault` (DECODE)."""
        return cls(reader.unsigned(2, "class-id"), reader.obis(), reader.signed(1, "method-id"))

    def __str__(self) -> str:
        return f"{self.class_id}/{self.obis}/{self.method}"


#: cosem-attribute-descriptor-with-selection
SelectedAttribute: TypeAlias = tuple[AttributeDescriptor, Selection | None]


def encode_attributes(attributes: tuple[SelectedAttribute, ...]) -> bytes:
    """Return an attribute-descriptor-list: count, then descriptor and access-selection of each."""
    return sequence_of(
        attribute.encode() + encode_selection(selection) for attribute, selection in attributes
    )


def read_attributes(reader: ApduReader) -> tuple[SelectedAttribute, ...]:
    """Take an attribute-descriptor-list off `reader`."""
    count = reader.count("attribute-descriptor-list")
    return tuple((AttributeDescriptor.read(reader), read_selection(reader)) for _ in range(count))


def encode_methods(methods: tuple[MethodDescriptor, ...]) -> bytes:
    """Return a method-descriptor-list: count and descriptors."""
    return sequence_of(method.encode() for method in methods)


def read_methods(reader: ApduReader) -> tuple[MethodDescriptor, ...]:
    """Take a method-descriptor-list off `reader`."""
    count = reader.count("cosem-method-descriptor-list")
    return tuple(MethodDescriptor.read(reader) for _ in range(count))


def _packed(class_id: int, obis: ObisCode, index: int) -> bytes:
    try:
        return _DESCRIPTOR.pack(class_id, obis.a, obis.b, obis.c, obis.d, obis.e, obis.f, index)
    except StructError as odd:
        raise ValueError(f"{class_id}/{obis}/{index}: {odd}") from None
