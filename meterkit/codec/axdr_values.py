"""Values of COSEM Data that Python lacks, and what a decoded value can be.

null-data            None               array, compact-array   list
boolean              bool               structure              tuple
integers, enum       int                bit-string             BitString
delta-...            Delta              bcd                    BcdString
float32, float64     float              date-time, date, time  CosemDateTime, CosemDate, CosemTime
octet-string         bytes              visible-, utf8-string  str
dont-care            DONT_CARE
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime


@dataclass(frozen=True, slots=True)
class BitString:
    """Bits in the order they are numbered: bit 0 is the top bit of the first octet."""

    octets: bytes = b""
    length: int = 0  #: bits; what follows them in the last octet is kept and means nothing

    def __post_init__(self) -> None:
        if not 0 <= self.length <= 8 * len(self.octets) < self.length + 8:
            raise ValueError(f"{self.length} bits do not fill {len(self.octets)} octets")

    @classmethod
    def from_text(cls, text: str) -> BitString:
        """Return the bits written as zeroes and ones, such as "1010".  Errors: ValueError for other text."""
        if set(text) - {"0", "1"}:
            raise ValueError(f"{text!r} is no row of zeroes and ones")
        size = (len(text) + 7) // 8
        return cls(int(text.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big"), len(text))

    def __getitem__(self, number: int) -> bool:
        if not 0 <= number < self.length:
            raise IndexError(f"bit {number} of {self.length}")
        return bool(self.octets[number >> 3] << (number & 7) & 0x80)

    def __iter__(self) -> Iterator[bool]:
        return (self[number] for number in range(self.length))

    def __len__(self) -> int:
        return self.length

    def __str__(self) -> str:
        return "".join("1" if bit else "0" for bit in self)


class BcdString(str):
    """The two digits of a bcd, A to F where they are no digits.  Source: Green Book 9.5: one octet."""

    __slots__ = ()


class Delta(int):
    """The difference from the same value of the entry before, in a profile's buffer."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Delta({int(self)})"


class DontCare(Enum):
    """The value that says that no value matters."""

    DONT_CARE = "dont-care"

    def __repr__(self) -> str:
        return self.name


DONT_CARE: Final = DontCare.DONT_CARE

Scalar: TypeAlias = (
    bool | int | float | str | bytes | BitString | CosemDate | CosemTime | CosemDateTime | DontCare | None
)
Value: TypeAlias = Scalar | list["Value"] | tuple["Value", ...]
