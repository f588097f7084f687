"""Profile generic, with selective access.  Source: Blue Book, Profile generic (class 7); general knowledge.

buffer  01 | count | 02 08 | 09 0C .. | 11 00 | 06 .. ..      array of structures, one a row
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.descriptors import Selection
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.configuration import Clearance
from meterkit.emulator.dlms.cosem_object import (
    Attribute,
    CosemObject,
    Method,
    fixed,
    plain,
    type_unmatched,
    value_refused,
)
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.profile_oddities import (
    ProfileOddity,
    compact_array,
    with_differences,
    with_impossible_clock,
)
from meterkit.emulator.dlms.profile_rows import Cells, Rows
from meterkit.errors import ProtocolFault

BY_RANGE, BY_ENTRY = 1, 2  # access selectors
FIFO, LIFO = 1, 2  # sort_method
_CLOCK = 8  # class_id
_DATE_TIME_SIZE = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One capture object."""

    class_id: int
    obis: ObisCode
    attribute: int = 2

    def octets(self) -> bytes:
        """Return the capture object definition: class_id, logical_name, attribute_index, data_index."""
        return axdr.encode_structure(
            [
                axdr.encode_long_unsigned(self.class_id),
                axdr.encode_octet_string(self.obis.to_bytes()),
                axdr.encode_integer(self.attribute),
                axdr.encode_long_unsigned(0),
            ]
        )


class Profile:
    """One profile object over its rows."""

    def __init__(
        self,
        obis: ObisCode,
        columns: Sequence[Column],
        rows: Rows,
        local: LocalTime,
        *,
        capacity: int,
        period: int,
        is_compressed: bool = False,
        oddities: frozenset[ProfileOddity] = frozenset(),
    ) -> None:
        self._columns, self._rows, self._local = tuple(columns), rows, local
        self._is_compressed, self._oddities = is_compressed, oddities
        self._is_newest_first = ProfileOddity.NEWEST_FIRST in oddities
        self._whole: tuple[range, bytes] | None = None  # the buffer as it was asked for last
        wide = axdr.encode_double_long_unsigned
        reader = Clearance.READER
        self.object = CosemObject(
            7,
            1,
            obis,
            {
                2: Attribute(
                    self._buffer, select=self._select, selectors=(BY_RANGE, BY_ENTRY), reader=reader
                ),
                3: fixed(axdr.encode_array([column.octets() for column in columns])),
                4: fixed(wide(period)),
                5: fixed(axdr.encode_enum(LIFO if self._is_newest_first else FIFO)),
                6: fixed(next((one for one in columns if one.class_id == _CLOCK), columns[0]).octets()),
                7: Attribute(None if ProfileOddity.COUNT_HIDDEN in oddities else self._count),
                8: fixed(wide(capacity)),
            },
            {1: Method(self._reset)},
        )

    def _count(self) -> bytes:
        return axdr.encode_double_long_unsigned(len(self._rows.numbers))

    def _reset(self, _: bytes | None) -> None:
        self._rows.reset()
        self._whole = None

    def _buffer(self) -> bytes:
        numbers = self._rows.numbers
        if self._whole is None or self._whole[0] != numbers:
            self._whole = numbers, self._encode(numbers, range(len(self._columns)))
        return self._whole[1]

    def _encode(self, numbers: Sequence[int], columns: Sequence[int]) -> bytes:
        if self._is_newest_first:
            numbers = numbers[::-1]
        rows = [self._cells(number) for number in numbers]
        if columns != range(len(self._columns)):
            rows = [tuple(row[i] for i in columns) for row in rows]
        if self._is_compressed:
            clocks = [place for place, i in enumerate(columns) if self._columns[i].class_id == _CLOCK]
            rows = _without_repetitions(rows, numbers, clocks)
        if ProfileOddity.DIFFERENCES in self._oddities:
            rows = with_differences(rows)
        if ProfileOddity.COMPACT_ARRAY in self._oddities:
            return compact_array(rows)
        head = b"\x02" + axdr.encode_length(len(columns))
        return b"\x01" + axdr.encode_length(len(rows)) + b"".join(head + b"".join(row) for row in rows)

    def _cells(self, number: int) -> Cells:
        cells = self._rows.cells(number)
        if ProfileOddity.CLOCK_IMPOSSIBLE not in self._oddities:
            return cells
        clocks = [place for place, column in enumerate(self._columns) if column.class_id == _CLOCK]
        return with_impossible_clock(number, cells, clocks)

    # ---------------------------------------------------------------- selective access
    def _select(self, selection: Selection) -> bytes:
        value = plain(selection.parameters)
        if not (isinstance(value, tuple) and len(value) == 4):
            raise type_unmatched()
        is_range = selection.selector == BY_RANGE
        if (ProfileOddity.RANGE_REFUSED if is_range else ProfileOddity.ENTRY_REFUSED) in self._oddities:
            raise value_refused()
        if (ProfileOddity.RANGE_IGNORED if is_range else ProfileOddity.ENTRY_IGNORED) in self._oddities:
            return self._buffer()
        return self._by_range(*value) if is_range else self._by_entry(*value)

    def _by_entry(self, from_entry: object, to_entry: object, first: object, last: object) -> bytes:
        numbers = self._rows.numbers
        begin, end = _one_based(from_entry, to_entry, len(numbers))
        if self._is_newest_first:
            begin, end = len(numbers) - end, len(numbers) - begin
        left, right = _one_based(first, last, len(self._columns))
        return self._encode(numbers[begin:end], self._chosen(range(len(self._columns))[left:right]))

    def _by_range(self, restricting: object, from_value: object, to_value: object, selected: object) -> bytes:
        if not isinstance(selected, list):
            raise type_unmatched()
        sort = self._place(restricting)
        wanted = cast("list[object]", selected)
        columns = self._chosen([self._place(one) for one in wanted] or range(len(self._columns)))
        numbers = self._rows.numbers
        if self._columns[sort].class_id == _CLOCK:
            first, last = self._time(from_value), self._time(to_value)
            begin = bisect_left(numbers, first, key=self._rows.time)
            return self._encode(numbers[begin : bisect_right(numbers, last, key=self._rows.time)], columns)
        if not isinstance(from_value, int) or not isinstance(to_value, int):
            raise type_unmatched()
        found = [n for n in numbers if from_value <= self._number(n, sort) <= to_value]
        return self._encode(found, columns)

    def _chosen(self, columns: Sequence[int]) -> Sequence[int]:
        """Return the columns that are sent where `columns` are chosen."""
        if len(columns) == len(self._columns) or ProfileOddity.COLUMNS_IGNORED in self._oddities:
            return range(len(self._columns))
        if ProfileOddity.COLUMNS_REFUSED in self._oddities:
            raise value_refused()
        return columns

    def _number(self, row: int, column: int) -> int:
        value = plain(self._rows.cells(row)[column])
        return value if isinstance(value, int) else 0

    def _place(self, definition: object) -> int:
        """Return which column a capture object definition means."""
        match definition:
            case (int(class_id), bytes(name), int(attribute), int()) if len(name) == 6:
                column = Column(class_id, ObisCode.from_bytes(name), attribute)
                if column in self._columns:
                    return self._columns.index(column)
                raise value_refused()
            case _:
                raise type_unmatched()

    def _time(self, value: object) -> datetime:
        if isinstance(value, bytes) and len(value) == _DATE_TIME_SIZE:
            try:
                value = CosemDateTime.from_octets(value)
            except ProtocolFault:
                raise type_unmatched() from None
        if isinstance(value, CosemDateTime):
            value = value.to_datetime()
            if value is None:
                raise value_refused()
        if not isinstance(value, datetime):
            raise type_unmatched()
        return value if value.tzinfo else value.replace(tzinfo=self._local.zone)


def _one_based(first: object, last: object, count: int) -> tuple[int, int]:
    """Return begin and end of a slice for entries that count from 1; 0 as the last means all."""
    if not isinstance(first, int) or not isinstance(last, int):
        raise type_unmatched()
    end = count if last == 0 else min(last, count)
    return min(max(first - 1, 0), end), end


def _without_repetitions(rows: list[Cells], numbers: Sequence[int], clocks: Sequence[int]) -> list[Cells]:
    """Return the rows with null-data for what the row before said too, or for a clock one period on."""
    null = axdr.encode_null()
    short = rows[:1]
    for place in range(1, len(rows)):
        before, row = rows[place - 1], rows[place]
        cells = [null if new == old else new for old, new in zip(before, row, strict=True)]
        if numbers[place] == numbers[place - 1] + 1:
            for clock in clocks:
                cells[clock] = null
        short.append(tuple(cells))
    return short
