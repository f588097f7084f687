"""A form: how one part of a message is written in JSON and in XML, and read again.

A message's own form is a table of these, so that all four directions say the same.  The XML has the element
names that the field's translators write, numbers and octets in hex.

Errors: reading raises ValueError naming the place, what was expected there and what came.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from meterkit.dlms.translate.xml_text import Cursor, Element

T = TypeVar("T")


class Form(Protocol[T]):
    """One part's form."""

    @property
    def name(self) -> str:
        """The XML element that it begins with; empty for Data alone, whose type is the name."""
        ...

    def to_json(self, value: T) -> object:
        """Return the value for JSON."""
        ...

    def from_json(self, told: object, where: str) -> T:
        """Return the value that JSON says."""
        ...

    def to_xml(self, value: T) -> list[Element]:
        """Return the value's elements."""
        ...

    def from_xml(self, at: Cursor) -> T:
        """Take the value's elements."""
        ...
