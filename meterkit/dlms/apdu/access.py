"""ACCESS: reads, writes and methods mixed in one request.  Source: IEC 62056-5-3, ACCESS; Green Book 9.3.10.

D9 long-invoke (4) | date-time OCTET STRING | count specification... | count data...
DA long-invoke (4) | date-time OCTET STRING | 00 or 01 count specification... | count data... |
   count (service result)...

specification   01 attribute | 02 attribute | 03 method | 04 attribute selection | 05 attribute selection
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from meterkit.dlms.apdu.descriptors import AttributeDescriptor, MethodDescriptor, Selection
from meterkit.dlms.apdu.long_invoke import encode_long_invoke, read_long_invoke, read_time
from meterkit.dlms.apdu.reader import ApduReader, octet_string, optional, sequence_of
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult

_GET, _SET, _ACTION, _GET_WITH_SELECTION, _SET_WITH_SELECTION = 1, 2, 3, 4, 5  # specification
_SERVICES: Final = (_GET, _SET, _ACTION)


@dataclass(frozen=True, slots=True)
class AccessGet:
    """Read an attribute, or the part of it that `selection` names."""

    attribute: AttributeDescriptor
    selection: Selection | None = None

    def encode(self) -> bytes:
        """Return the specification.  Raises: ValueError when a number does not fit."""
        return _attribute(_GET, _GET_WITH_SELECTION, self.attribute, self.selection)


@dataclass(frozen=True, slots=True)
class AccessSet:
    """Write an attribute, or the part of it that `selection` names."""

    attribute: AttributeDescriptor
    selection: Selection | None = None

    def encode(self) -> bytes:
        """Return the specification.  Raises: ValueError when a number does not fit."""
        return _attribute(_SET, _SET_WITH_SELECTION, self.attribute, self.selection)


@dataclass(frozen=True, slots=True)
class AccessAction:
    """Perform a method."""

    method: MethodDescriptor

    def encode(self) -> bytes:
        """Return the specification.  Raises: ValueError when a number does not fit."""
        return bytes((_ACTION,)) + self.method.encode()


AccessSpecification: TypeAlias = AccessGet | AccessSet | AccessAction


@dataclass(frozen=True, slots=True)
class AccessResult:
    """How one specification of the request fared."""

    service: int  #: 1 get, 2 set, 3 action
    result: DataAccessResult | ActionResult  #: the latter for an action

    def encode(self) -> bytes:
        """Return service and result."""
        return bytes((self.service, self.result))

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take one off `reader`."""
        service, code = reader.choice("access-response-specification", *_SERVICES), reader.octet("result")
        return cls(service, ActionResult(code) if service == _ACTION else DataAccessResult(code))


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Reads, writes and methods in one; `data` has an item for each, null-data 00 where none is needed."""

    long_invoke: int  #: long-invoke-id-and-priority, 32 bits
    date_time: bytes  #: 12 octets, or none
    specifications: tuple[AccessSpecification, ...]
    data: tuple[bytes, ...] = field(repr=False)  #: encoded Data

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        head = b"\xd9" + encode_long_invoke(self.long_invoke) + octet_string(self.date_time)
        return head + _specifications(self.specifications) + sequence_of(self.data)

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows D9 off `reader`."""
        long_invoke, date_time = read_long_invoke(reader), read_time(reader)
        return cls(long_invoke, date_time, _read_specifications(reader), reader.data_list("data"))


@dataclass(frozen=True, slots=True)
class AccessResponse:
    """The values and results, in the order of the request."""

    long_invoke: int
    date_time: bytes  #: 12 octets, or none
    specifications: tuple[AccessSpecification, ...] | None  #: the request's, if the meter repeats them
    data: tuple[bytes, ...]  #: encoded Data; null-data 00 where there is no value
    results: tuple[AccessResult, ...]

    def encode(self) -> bytes:
        """Return the APDU.  Raises: ValueError when a number does not fit."""
        head = b"\xda" + encode_long_invoke(self.long_invoke) + octet_string(self.date_time)
        repeated = None if self.specifications is None else _specifications(self.specifications)
        results = sequence_of(result.encode() for result in self.results)
        return head + optional(repeated) + sequence_of(self.data) + results

    @classmethod
    def read(cls, reader: ApduReader) -> Self:
        """Take what follows DA off `reader`."""
        long_invoke, date_time = read_long_invoke(reader), read_time(reader)
        are_repeated = reader.is_present("access-request-specification")
        specifications = _read_specifications(reader) if are_repeated else None
        data = reader.data_list("data")
        count = reader.count("access-response-specification")
        results = tuple(AccessResult.read(reader) for _ in range(count))
        return cls(long_invoke, date_time, specifications, data, results)


def _attribute(
    plain: int, selecting: int, attribute: AttributeDescriptor, selection: Selection | None
) -> bytes:
    if selection is None:
        return bytes((plain,)) + attribute.encode()
    return bytes((selecting,)) + attribute.encode() + selection.encode()


def _specifications(specifications: tuple[AccessSpecification, ...]) -> bytes:
    return sequence_of(one.encode() for one in specifications)


def _read_specifications(reader: ApduReader) -> tuple[AccessSpecification, ...]:
    count = reader.count("access-request-specification")
    return tuple(_read_specification(reader) for _ in range(count))


def _read_specification(reader: ApduReader) -> AccessSpecification:
    choice = reader.choice(
        "access-request-specification", *_SERVICES, _GET_WITH_SELECTION, _SET_WITH_SELECTION
    )
    if choice == _ACTION:
        return AccessAction(MethodDescriptor.read(reader))
    attribute = AttributeDescriptor.read(reader)
    selection = Selection.read(reader) if choice >= _GET_WITH_SELECTION else None
    is_get = choice in (_GET, _GET_WITH_SELECTION)
    return AccessGet(attribute, selection) if is_get else AccessSet(attribute, selection)
