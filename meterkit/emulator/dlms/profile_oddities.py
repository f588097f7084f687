"""What profiles of real meters do otherwise, and the ways of writing rows that few of them know.

Each can be given to a `Profile` by itself.  Source: reports on public clients; Blue Book 4.3.6 for the ways
of writing, general knowledge for the delta types.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from meterkit.codec import axdr
from meterkit.codec.axdr_tags import Tag
from meterkit.emulator.dlms.profile_rows import Cells


class ProfileOddity(Enum):
    """One thing that a profile does otherwise."""

    RANGE_REFUSED = "range_refused"  #: other-reason to selective access by range
    RANGE_IGNORED = "range_ignored"  #: everything, whatever range was asked for
    ENTRY_REFUSED = "entry_refused"  #: other-reason to selective access by entry
    ENTRY_IGNORED = "entry_ignored"  #: everything, whatever entries were asked for
    COLUMNS_REFUSED = "columns_refused"  #: other-reason where columns are chosen
    COLUMNS_IGNORED = "columns_ignored"  #: all columns, whichever were chosen
    NEWEST_FIRST = "newest_first"  #: sort method LIFO
    COMPACT_ARRAY = "compact_array"  #: the buffer is a compact-array
    DIFFERENCES = "differences"  #: numbers are differences from the row before, types 28 to 30
    COUNT_HIDDEN = "count_hidden"  #: entries_in_use may not be read
    CLOCK_IMPOSSIBLE = "clock_impossible"  #: every tenth row was captured in month 13


_EVERY = 10  # row whose clock is impossible
_MONTH_AT = 4  # octet of a clock's cell, behind type, length and year


def with_impossible_clock(number: int, cells: Cells, clocks: Sequence[int]) -> Cells:
    """Return the cells of row `number`, every tenth with month 13 in the columns of `clocks`."""
    if number % _EVERY:
        return cells
    return tuple(
        cell[:_MONTH_AT] + b"\x0d" + cell[_MONTH_AT + 1 :] if place in clocks else cell
        for place, cell in enumerate(cells)
    )


_SIGNED = {Tag.DELTA_INTEGER: 1, Tag.DELTA_LONG: 2, Tag.DELTA_DOUBLE_LONG: 4}  # octets
_NUMBERS = (Tag.UNSIGNED, Tag.LONG_UNSIGNED, Tag.DOUBLE_LONG_UNSIGNED, Tag.LONG, Tag.DOUBLE_LONG)


def with_differences(rows: Sequence[Cells]) -> list[Cells]:
    """Return rows whose numbers are differences from the row before."""
    short = list(rows[:1])
    for before, row in pairwise(rows):
        short.append(tuple(_difference(old, new) for old, new in zip(before, row, strict=True)))
    return short


def _difference(old: bytes, new: bytes) -> bytes:
    if old[0] != new[0] or new[0] not in _NUMBERS:
        return new
    first, second = axdr.decode(old), axdr.decode(new)
    assert isinstance(first, int)  # as its type says
    assert isinstance(second, int)
    for tag, size in _SIGNED.items():
        if -(1 << 8 * size - 1) <= second - first < 1 << 8 * size - 1:
            return bytes((tag,)) + (second - first).to_bytes(size, "big", signed=True)
    return new


def compact_array(rows: Sequence[Cells]) -> bytes:
    """Return rows, whose types are the same all along, as one compact-array; no rows as an empty array."""
    if not rows:
        return axdr.encode_array([])
    tags = bytes(cell[0] for cell in rows[0])
    contents = b"".join(cell[1:] for row in rows for cell in row)
    head = bytes((Tag.COMPACT_ARRAY, Tag.STRUCTURE)) + axdr.encode_length(len(tags)) + tags
    return head + axdr.encode_length(len(contents)) + contents
