"""Some rows of a profile as columns, with the moment of each row; put in order, cut and picked from."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from meterkit.dlms.profile.buffer import Piece, pieces
from meterkit.dlms.profile.cells import Flaw, placed
from meterkit.dlms.profile.clock import HUNDREDTHS, UNKNOWN, impossible, moments
from meterkit.dlms.profile.column import ColumnKind
from meterkit.dlms.profile.following import Follower
from meterkit.dlms.profile.layout import Layout
from meterkit.dlms.profile.misfits import Misfit, Moments, misfits_of
from meterkit.dlms.profile.shape import Cells
from meterkit.errors import ErrorKind, ProtocolFault, fault

Raw = tuple[Any, ...]  #: one row: raw values, everything filled in

_MOST_MOMENT: Final = 253_402_300_799 - 86400 * 366  # s; a datetime goes no further


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as columns.  `moments`: hundredths of a second since 1970, `UNKNOWN` where there is none."""

    columns: list[Cells]  #: those asked for, in the order of the profile
    moments: array[int]
    local: bytes | None  #: 1 for each row that left its deviation open; None: no row did
    numbers: Sequence[int]  #: of the rows in their answer, from 0

    def __len__(self) -> int:
        return len(self.moments)

    def rows(self) -> Iterator[Raw]:
        """Yield the rows."""
        return zip(*self.columns, strict=True)

    def row(self, number: int) -> Raw:
        """Return one row."""
        return tuple(column[number] for column in self.columns)

    def cut(self, begin: int, end: int) -> Batch:
        """Return the rows from `begin` to `end`."""
        if (begin, end) == (0, len(self)):
            return self
        local = None if self.local is None else self.local[begin:end]
        columns: list[Cells] = [column[begin:end] for column in self.columns]
        return Batch(columns, self.moments[begin:end], local, self.numbers[begin:end])

    def picked(self, numbers: Sequence[int]) -> Batch:
        """Return some rows, in the order of `numbers`."""
        local = None if self.local is None else bytes(self.local[number] for number in numbers)
        columns = [_picked(column, numbers) for column in self.columns]
        moments = array("q", [self.moments[number] for number in numbers])
        return Batch(columns, moments, local, [self.numbers[number] for number in numbers])

    def numbered(self, numbers: Sequence[int]) -> Batch:
        """Return the same rows with other numbers."""
        return replace(self, numbers=numbers)

    @property
    def is_ascending(self) -> bool:
        """Whether every row is known to be captured when the one before was, or later."""
        found = self.moments
        return not found or (UNKNOWN not in found and all(a <= b for a, b in pairwise(found)))


def _picked(column: Cells, numbers: Sequence[int]) -> Cells:
    cells = [column[number] for number in numbers]
    return array(column.typecode, cells) if isinstance(column, array) else cells


def joined(batches: Sequence[Batch]) -> Batch:
    """Return several batches, at least one, as one."""
    if len(batches) == 1:
        return batches[0]
    columns: list[Cells] = [
        [cell for batch in batches for cell in batch.columns[number]]
        for number in range(len(batches[0].columns))
    ]
    found = array("q", [moment for batch in batches for moment in batch.moments])
    has_local = any(batch.local is not None for batch in batches)
    local = b"".join(batch.local or bytes(len(batch)) for batch in batches) if has_local else None
    return Batch(columns, found, local, [number for batch in batches for number in batch.numbers])


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its good rows, those that are none, and what is wrong after them."""

    batches: list[Batch]
    failed: ProtocolFault | None = None
    entry: int | None = None  #: number from the oldest, 1, of the row numbered 0; None where nobody knows
    left_out: tuple[Misfit, ...] = ()

    @property
    def count(self) -> int:
        """How many good rows it has."""
        return sum(map(len, self.batches))

    @property
    def rows(self) -> int:
        """How many rows it has, those included that are none."""
        return self.count + len(self.left_out)


def turned(answer: Answer) -> Answer:
    """Return the rows of an answer, and their numbers, the other way round."""
    last = answer.rows - 1
    left_out = tuple(replace(one, number=last - one.number) for one in reversed(answer.left_out))
    if not answer.count:
        return replace(answer, left_out=left_out)
    whole = joined(answer.batches)
    whole = whole.picked(range(len(whole) - 1, -1, -1))
    whole = whole.numbered([last - number for number in whole.numbers])
    return replace(answer, batches=[whole], left_out=left_out)


def batches_of(octets: bytes, layout: Layout, left_out: list[Misfit]) -> Iterator[Batch]:
    """Yield the good rows of an answer; those that are none are added to `left_out` on the way.

    Errors: `ProtocolFault` (DECODE) after the last good row, where nobody can tell where the next one begins.
    """
    follower = Follower(layout)
    before: Moments | None = None
    for piece in pieces(octets, layout):
        columns, flaws = follower.follow(piece)
        found, local = _moments(columns, piece.count, layout)
        _note_impossible(columns, found, piece, layout, flaws)
        moments = Moments(found, local, layout.deviation)
        batch = Batch(columns, found, local, range(piece.first, piece.first + piece.count))
        if flaws:
            errors = {row: flaw.error for row, flaw in flaws.items()}
            left_out += misfits_of(errors, piece.first, moments, before)
            batch = batch.picked([row for row in range(piece.count) if row not in flaws])
        before = moments.last() or before
        if len(batch):
            yield batch


def read_answer(octets: bytes, layout: Layout) -> Answer:
    """Return all rows of an answer, those that are none, and what is wrong after them."""
    batches: list[Batch] = []
    left_out: list[Misfit] = []
    failed: ProtocolFault | None = None
    try:
        for batch in batches_of(octets, layout, left_out):
            batches.append(batch)  # noqa: PERF402 - those before a fault are kept
    except ProtocolFault as odd:
        failed = odd
    return Answer(batches, failed, None, tuple(left_out))


def _note_impossible(
    columns: list[Cells], found: array[int], piece: Piece, layout: Layout, flaws: dict[int, Flaw]
) -> None:
    """Add to `flaws` the rows whose clock no clock can tell; one that leaves its time open may stay."""
    if (
        layout.clock is None
        or layout.asked[layout.clock].kind is not ColumnKind.CLOCK
        or UNKNOWN not in found
    ):
        return
    for row, moment in enumerate(found):
        cell = columns[layout.clock][row]
        told = impossible(cell) if moment == UNKNOWN and isinstance(cell, bytes) else None
        if told is not None and row not in flaws:
            odd = fault(ErrorKind.DECODE, f"a date and time that can be expected, {told} came")
            octets = piece.locate(row, layout.clock)
            flaws[row] = Flaw(placed(odd, piece.first + row, layout.clock, layout.asked, octets).error)


def _moments(columns: list[Cells], count: int, layout: Layout) -> tuple[array[int], bytes | None]:
    if layout.clock is None:
        return array("q", [UNKNOWN]) * count, None
    clocks: Cells = columns[layout.clock]
    if isinstance(clocks, list) and Flaw in set(map(type, clocks)):
        clocks = [None if type(clock) is Flaw else clock for clock in clocks]
    if layout.asked[layout.clock].kind is not ColumnKind.UNIX_CLOCK:
        return moments(clocks, layout.deviation)
    told = (None if seconds is None or seconds > _MOST_MOMENT else seconds for seconds in clocks)
    return array("q", [UNKNOWN if one is None else one * HUNDREDTHS for one in told]), None
