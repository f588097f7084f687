"""Values that tables hold and Python lacks: a set of bit numbers, and a time that is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BitSet:
    """A SET: bit n is bit n % 8 of octet n // 8, least significant first, in any octet order.

    Source: C12.19 ST0, "SET".  Compares by its octets, so that a set keeps its length.
    """

    octets: bytes = b""

    @classmethod
    def of(cls, numbers: Iterable[int], size: int) -> BitSet:
        """Return the set of `numbers` in `size` octets.

        Errors: ValueError when a number needs more octets.
        """
        octets = bytearray(size)
        for number in numbers:
            if not 0 <= number < size * 8:
                raise ValueError(f"bit {number} does not fit a set of {size} octets")
            octets[number >> 3] |= 1 << (number & 7)
        return cls(bytes(octets))

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int) or not 0 <= number < len(self.octets) * 8:
            return False
        return bool(self.octets[number >> 3] >> (number & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        return (number for number in range(len(self.octets) * 8) if number in self)

    def __len__(self) -> int:
        """Return how many bits are set."""
        return int.from_bytes(self.octets, "little").bit_count()

    def __bool__(self) -> bool:
        return any(self.octets)

    @property
    def last(self) -> int:
        """The highest number in the set, or -1 when it is empty."""
        return int.from_bytes(self.octets, "little").bit_length() - 1

    def __repr__(self) -> str:
        return f"BitSet({{{', '.join(map(str, self))}}}, {len(self.octets)} octets)"


@dataclass(frozen=True, slots=True)
class InvalidTime:
    """Octets that stand where a time or date should and are none, such as month 13.

    False as a truth value; all zeroes are the meter's way to say "never".  Encodes to the same octets.
    """

    octets: bytes

    @property
    def is_blank(self) -> bool:
        """Tell whether all octets are zero: the meter has no time to tell."""
        return not any(self.octets)

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "no time" if self.is_blank else f"no valid time ({self.octets.hex(' ')})"
