"""What the rows of an answer are made of: the columns captured, and which of them were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from meterkit.dlms.profile.column import ColumnKind, ProfileColumn


@dataclass(frozen=True)
class Layout:
    """The columns of an answer, and what it takes to follow what its rows leave out."""

    columns: tuple[ProfileColumn, ...]  #: all that the profile captures
    places: tuple[int, ...]  #: of those that were asked for, ascending
    period: int = 0  #: seconds from row to row; 0: at events
    deviation: int = 0  #: minutes; stands in where clocks leave theirs open

    @cached_property
    def asked(self) -> tuple[ProfileColumn, ...]:
        """The columns that were asked for."""
        return tuple(self.columns[place] for place in self.places)

    @cached_property
    def clock(self) -> int | None:
        """Which of the columns asked for is the row's clock."""
        return clock_place(self.asked)

    @cached_property
    def widths(self) -> frozenset[int]:
        """How many columns a row may have: meters may ignore which were asked for."""
        return frozenset((len(self.places), len(self.columns)))

    @property
    def widths_words(self) -> str:
        """The same in words."""
        return f"{' or '.join(map(str, sorted(self.widths)))} columns, as the capture objects say"

    def named(self, width: int) -> tuple[ProfileColumn, ...]:
        """Return the columns of a row of `width`."""
        return self.asked if width == len(self.places) else self.columns

    def source(self, number: int, width: int) -> int:
        """Return where in a row of `width` a column asked for is."""
        return number if width == len(self.places) else self.places[number]


def clock_place(columns: Sequence[ProfileColumn]) -> int | None:
    """Return which column is the row's clock, None if there is none."""
    kinds = [column.kind for column in columns]
    for kind in (ColumnKind.CLOCK, ColumnKind.UNIX_CLOCK):
        if kind in kinds:
            return kinds.index(kind)
    return None
