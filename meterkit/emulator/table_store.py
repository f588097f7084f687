"""The meter's tables as octets: stored, or computed at each read.

Every table is an image with an access rule; the protocol above cuts pieces out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from meterkit.emulator.access import AccessLevel, TableAccess

Octets: TypeAlias = bytes | bytearray
PENDING = 0x1000  # bit 12 of a table id: the pending edition.  OSGP guide, "Table Naming Conventions"
EVENT_DESCRIPTION_SIZE = 6  # octets of a PED: event code, five octets of event storage


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a table, for access by index: its octets and its own elements."""

    offset: int  #: from the start of the table
    size: int  #: octets
    children: Sequence[Element] = ()


@dataclass(slots=True)
class MeterTable:
    """One table: an image, who may touch it, and how it is divided.

    `image` is octets to keep or a function that computes them at each read.  `written` is told the
    new octets after a write.
    """

    image: Octets | Callable[[], Octets]
    access: TableAccess
    elements: Callable[[], Sequence[Element]] | None = None
    written: Callable[[bytes], None] | None = None
    event_description: bytes = field(default=b"")  #: of a pending table: its PED
    received: datetime | None = None  #: of a pending table: when it came

    @property
    def octets(self) -> Octets:
        """The whole table as it stands now.  Not a copy: do not change it."""
        return self.image() if callable(self.image) else self.image

    def replace(self, octets: bytes) -> None:
        """Keep `octets` as the table from now on."""
        self.image = octets
        if self.written is not None:
            self.written(octets)


class TableStore:
    """All tables of a meter by their id: 0..2039 standard, 2048 and up the manufacturer's."""

    def __init__(
        self, default_access: TableAccess | None = None, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._clock = clock
        self._default = default_access or TableAccess(AccessLevel.READER, AccessLevel.PROVISIONING)
        self._tables: dict[int, MeterTable] = {}

    @property
    def table_ids(self) -> tuple[int, ...]:
        """Ids of the tables that exist, ascending."""
        return tuple(sorted(self._tables))

    def read_table(self, table_id: int) -> bytes | None:
        """Return the table's octets, or None when there is no such table."""
        table = self._tables.get(table_id)
        return None if table is None else bytes(table.octets)

    def write_table(self, table_id: int, octets: bytes) -> None:
        """Replace the table's octets whoever may write it; a new table is created."""
        if not 0 <= table_id <= 0x1FFF:
            raise ValueError(f"table id {table_id} is outside 0..8191")
        table = self._tables.get(table_id)
        if table is None:
            self._tables[table_id] = MeterTable(bytes(octets), self._default)
        else:
            table.replace(bytes(octets))

    def add(self, table_id: int, table: MeterTable) -> None:
        """Add a table, or replace one with its access rule and all."""
        self._tables[table_id] = table

    def remove(self, table_id: int) -> None:
        """Remove a table; KeyError when there is none."""
        del self._tables[table_id]

    def get(self, table_id: int) -> MeterTable | None:
        """Return the table with its access rule, or None."""
        return self._tables.get(table_id)

    def __getitem__(self, table_id: int) -> bytes:
        return bytes(self._tables[table_id].octets)

    def __contains__(self, table_id: int) -> bool:
        return table_id in self._tables

    def __iter__(self) -> Iterator[int]:
        return iter(self.table_ids)

    def __len__(self) -> int:
        return len(self._tables)

    # ---------------------------------------------------------------- pending tables
    def set_pending(self, table_id: int, event_description: bytes, octets: bytes) -> None:
        """Put a pending edition beside table `table_id`, to be activated as its PED says.

        Source: OSGP guide, "Pending Event Description Format".
        """
        if len(event_description) != EVENT_DESCRIPTION_SIZE:
            raise ValueError(f"a PED has {EVENT_DESCRIPTION_SIZE} octets, not {len(event_description)}")
        now = self._tables[table_id]
        self._tables[table_id | PENDING] = MeterTable(
            bytes(octets),
            now.access,
            event_description=bytes(event_description),
            received=None if self._clock is None else self._clock(),
        )

    def pending(self) -> list[tuple[int, bytes]]:
        """Return (table id without the pending bit, PED) of every table that is pending."""
        return [
            (table_id & ~PENDING, self._tables[table_id].event_description)
            for table_id in self.table_ids
            if table_id & PENDING
        ]

    def activate(self, table_id: int) -> None:
        """Copy the pending edition into table `table_id` and end its being pending."""
        self._tables[table_id].replace(bytes(self._tables.pop(table_id | PENDING).octets))

    def clear_pending(self, table_id: int) -> None:
        """End the pending state of `table_id`; the table itself stays as it is."""
        del self._tables[table_id | PENDING]
