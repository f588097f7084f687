"""What a bad line may do to octets, as values: `Drop(at=17, way=Way.TO_METER)`, `Latency(0.3, jitter=0.1)`.

Faults of octets strike at one position, counted from 0 for each way since the line was made, or with a
probability for each octet.  Faults of the stream act always, or from a position on.  The vocabulary is
toxiproxy's: https://github.com/Shopify/toxiproxy, "Toxics".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Way(Enum):
    """Which way octets go."""

    TO_METER = "to the meter"
    FROM_METER = "from the meter"
    BOTH = "both ways"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What all have in common: where they strike."""

    is_of_octets: ClassVar[bool] = False  #: needs a position or a probability

    way: Way = Way.BOTH
    at: int | None = None  #: the octet it strikes at: 0 is the first
    probability: float = 0.0  #: for each octet

    def __post_init__(self) -> None:
        """Raises: ValueError for a place where nothing can strike, and for two at once."""
        kind = type(self).__name__
        if self.at is not None and self.at < 0:
            raise ValueError(f"{kind}(at={self.at}): an octet's position expected, 0 or more")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"{kind}(probability={self.probability}): 0 to 1 expected")
        if self.at is not None and self.probability:
            raise ValueError(f"{kind}: at or probability expected, not both")
        if self.is_of_octets and self.at is None and not self.probability:
            raise ValueError(f"{kind}: at, an octet's position, or probability expected")
        for name in self.__dataclass_fields__:
            number = getattr(self, name)
            if name not in ("at", "way", "bit") and isinstance(number, int | float) and number < 0:
                raise ValueError(f"{kind}({name}={number}): no less than 0 expected")

    @property
    def is_always(self) -> bool:
        """Whether it acts on everything that passes."""
        return self.at is None and not self.probability


@dataclass(frozen=True, slots=True)
class Drop(Fault):
    """Octets get lost; of a datagram line, the datagram."""

    is_of_octets: ClassVar[bool] = True
    count: int = 1  #: octets


@dataclass(frozen=True, slots=True)
class Duplicate(Fault):
    """An octet comes twice; or, `is_whole`, all that was sent together; of a datagram line, the datagram."""

    is_of_octets: ClassVar[bool] = True
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Flip(Fault):
    """One bit of an octet is turned over."""

    is_of_octets: ClassVar[bool] = True
    bit: int | None = None  #: 0 to 7; None: by the seed

    def __post_init__(self) -> None:
        """Raises: ValueError, also for a bit that no octet has."""
        Fault.__post_init__(self)
        if self.bit is not None and not 0 <= self.bit <= 7:
            raise ValueError(f"Flip(bit={self.bit}): 0 to 7 expected")


@dataclass(frozen=True, slots=True)
class Insert(Fault):
    """Octets come that nobody sent, in front of the one it strikes at."""

    is_of_octets: ClassVar[bool] = True
    octets: bytes | None = None  #: None: one, by the seed


@dataclass(frozen=True, slots=True)
class Reorder(Fault):
    """An octet and the next change places; of a datagram line, the datagram and the next."""

    is_of_octets: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Truncate(Fault):
    """The octet, and all that was sent together with it and behind it, gets lost."""

    is_of_octets: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Octets come late, in order: all of them, or those from the one it strikes at on, once."""

    delay: float = 0.0  #: s
    jitter: float = 0.0  #: s, up to this more, by the seed


@dataclass(frozen=True, slots=True)
class Bandwidth(Fault):
    """No more than so many octets a second pass."""

    rate: float = 960.0  #: octets a second; 9600 baud has 960

    def __post_init__(self) -> None:
        """Raises: ValueError, also for a line that takes nothing, and for a place."""
        Fault.__post_init__(self)
        if not self.rate > 0 or not self.is_always:
            raise ValueError(f"Bandwidth({self.rate}): more than 0 octets a second expected, and no place")


@dataclass(frozen=True, slots=True)
class Slicer(Fault):
    """What is sent together comes in slices."""

    size: int = 1  #: octets of a slice
    variation: int = 0  #: octets, up to this more or less, by the seed
    delay: float = 0.0  #: s between two slices

    def __post_init__(self) -> None:
        """Raises: ValueError, also for slices of nothing, and for a place."""
        Fault.__post_init__(self)
        if self.size <= self.variation or not self.is_always:
            raise ValueError(
                f"Slicer({self.size}, {self.variation}): a size above its variation expected, and no place"
            )


@dataclass(frozen=True, slots=True)
class LimitData(Fault):
    """The line breaks once so many octets have passed."""

    octets: int = 0

    def __post_init__(self) -> None:
        """Raises: ValueError, also for a place: it is `octets`."""
        Fault.__post_init__(self)
        if not self.is_always:
            raise ValueError("LimitData(octets): its place is `octets`; no at, no probability expected")


@dataclass(frozen=True, slots=True)
class Timeout(Fault):
    """Nothing passes any more; after `seconds` the line breaks, with 0 never."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class ResetPeer(Fault):
    """The line breaks `seconds` after the first octet came to it, or after the one it strikes at."""

    seconds: float = 0.0
