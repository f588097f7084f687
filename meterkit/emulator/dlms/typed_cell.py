"""A stored value of a declared type: what is written has to be of that type, to its last element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from meterkit.dlms.cosem.composite_types import Declared, type_of
from meterkit.emulator.dlms.cosem_object import Attribute, type_unmatched, value_refused
from meterkit.errors import ProtocolFault

T = TypeVar("T")


class TypedCell(Generic[T]):
    """A value, its octets on the line, and a word on whether another may take its place."""

    def __init__(self, kind: Declared[T], value: T, is_allowed: Callable[[T], bool] = lambda _: True) -> None:
        self._type, self.value, self._is_allowed = type_of(kind), value, is_allowed

    def read(self) -> bytes:
        """Return the value's octets."""
        return self._type.encode(self.value)

    def parse(self, octets: bytes | None) -> T:
        """Return what octets say, as this type.  Errors: AttributeRefused for another type, or no value."""
        try:
            value = self._type.decode(octets or b"")
        except ProtocolFault:
            raise type_unmatched() from None
        if not self._is_allowed(value):
            raise value_refused()
        return value

    def write(self, octets: bytes) -> None:
        """Store another value."""
        self.value = self.parse(octets)

    @property
    def attribute(self) -> Attribute:
        """An attribute to read only."""
        return Attribute(self.read)

    @property
    def writable(self) -> Attribute:
        """An attribute to read and to write."""
        return Attribute(self.read, self.write)
