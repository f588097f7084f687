"""One object of the emulated meter: attributes and methods by number, each with its access rights.

Values are A-XDR octets on their way in and out, so that a buffer of half a megabyte is never taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult, DataAccessResult, Selection
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.configuration import Clearance
from meterkit.errors import ProtocolFault


class AttributeRefused(Exception):
    """The meter will not read or write this attribute."""

    def __init__(self, result: DataAccessResult) -> None:
        super().__init__(result.name)
        self.result = result


class ActionRefused(Exception):
    """The meter will not invoke this method."""

    def __init__(self, result: ActionResult) -> None:
        super().__init__(result.name)
        self.result = result


def type_unmatched() -> AttributeRefused:
    """Return the refusal of a value of the wrong type, ready to raise."""
    return AttributeRefused(DataAccessResult.TYPE_UNMATCHED)


def value_refused() -> AttributeRefused:
    """Return the refusal of a value of the right type that makes no sense, ready to raise."""
    return AttributeRefused(DataAccessResult.OTHER_REASON)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.  None in place of a function or a clearance: nobody may."""

    read: Callable[[], bytes] | None
    write: Callable[[bytes], None] | None = None
    select: Callable[[Selection], bytes] | None = None  #: selective access
    selectors: tuple[int, ...] = ()
    reader: Clearance = Clearance.PUBLIC  #: who may read at least
    writer: Clearance = Clearance.MANAGER  #: who may write at least
    mode: int | None = None  #: what the view tells whoever may do all of it; None: what follows from the rest

    def is_readable(self, clearance: Clearance) -> bool:
        """Whether a client of that clearance may read."""
        return self.read is not None and clearance >= self.reader

    def is_writable(self, clearance: Clearance) -> bool:
        """Whether a client of that clearance may write."""
        return self.write is not None and clearance >= self.writer


@dataclass(frozen=True, slots=True)
class Method:
    """One method: takes its parameters' octets, returns octets or nothing."""

    invoke: Callable[[bytes | None], bytes | None]
    invoker: Clearance = Clearance.MANAGER  #: who may invoke at least
    mode: int | None = None  #: what the view tells whoever may; None: that it may be invoked


@dataclass(slots=True)
class CosemObject:
    """An object: its class, its name, what can be done with it.  Attribute 1 is the logical name."""

    class_id: int
    version: int
    obis: ObisCode
    attributes: dict[int, Attribute] = field(default_factory=dict[int, Attribute])
    methods: dict[int, Method] = field(default_factory=dict[int, Method])
    base_name: int | None = None  #: short name; None: the next that is free

    def __post_init__(self) -> None:
        name = axdr.encode_octet_string(self.obis.to_bytes())
        self.attributes = {1: Attribute(lambda: name)} | self.attributes


class Cell:
    """A stored value: octets that may be read, and written by octets of the same type."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def read(self) -> bytes:
        """Return the value."""
        return self.octets

    def write(self, octets: bytes) -> None:
        """Store another value.  Errors: AttributeRefused when its type is another."""
        if octets[:1] != self.octets[:1]:
            raise type_unmatched()
        self.octets = octets

    @property
    def attribute(self) -> Attribute:
        """An attribute to read only."""
        return Attribute(self.read)

    @property
    def writable(self) -> Attribute:
        """An attribute to read and to write."""
        return Attribute(self.read, self.write)


def fixed(octets: bytes) -> Attribute:
    """Return an attribute that never changes."""
    return Attribute(lambda: octets)


def plain(octets: bytes) -> axdr.Value:
    """Return a written value as plain Python.  Errors: AttributeRefused for octets that are no value."""
    try:
        return axdr.decode(octets)
    except ProtocolFault:
        raise type_unmatched() from None


def scaler_unit(scaler: int, unit: int) -> bytes:
    """Return a scaler_unit structure.  Source: Blue Book, Register (class 3), attribute 3."""
    return axdr.encode_structure([axdr.encode_integer(scaler), axdr.encode_enum(unit)])
