"""Codes of one octet with their words, open to what the standard leaves unnamed.

Meters send codes of their own; a refusal has to reach the engineer all the same.  So every value of
0..255 is a member, those without a name are UNKNOWN_77 and the like.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self

LARGEST_CODE = 0xFF  # one octet


class Code(IntEnum):
    """Base of the code lists; a member is written `NAME = value, "what it means to an engineer"`."""

    _value_: int
    meaning: str  #: what it means, and where it helps what to do; empty for codes without a name

    def __new__(cls, value: int, meaning: str = "") -> Self:
        """Make a member of one line of the list."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or not 0 <= value <= LARGEST_CODE:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        member.meaning = "a code the standard does not name"
        cls._value2member_map_[value] = member
        return member

    @property
    def standard_name(self) -> str:
        """The name as the standard spells it: "read-write-denied"."""
        return self.name.lower().replace("_", "-")

    @property
    def words(self) -> str:
        """Name, number and meaning in one line."""
        tail = f": {self.meaning}" if self.meaning else ""
        return f"{self.standard_name} ({self._value_}){tail}"
