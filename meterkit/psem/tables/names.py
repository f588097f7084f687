"""Table numbers, names and octets as they are read.  Source: C12.19; OSGP guide, "Table Naming"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from meterkit import arguments
from meterkit.codec.layout import Record

NUMBER_MASK = 0x07FF  # bits 0..10 of a table id
MANUFACTURER = 0x0800  # bit 11: the manufacturer's own table; the guide's "extended" table
PENDING = 0x1000  # bit 12: the copy that waits for its activation


def table_name(table_id: int) -> str:
    """Return the short name of a table: "ST1", "MT64", "ST54 pending".

    Errors: ValueError when `table_id` is no UINT16.
    """
    arguments.whole("table_id", table_id, 0, 0xFFFF)
    prefix = "MT" if table_id & MANUFACTURER else "ST"
    name = f"{prefix}{table_id & NUMBER_MASK}"
    return f"{name} pending" if table_id & PENDING else name


@dataclass(slots=True, unsafe_hash=True)  # as `Ok`: a frozen one costs twice as much, and each read makes one
class TableData:
    """The octets of one table, as read.

    Errors: ValueError when `table_id` is no UINT16.
    """

    table_id: int
    data: bytes

    def __post_init__(self) -> None:
        if type(self.table_id) is not int or not 0 <= self.table_id <= 0xFFFF:
            arguments.whole("table_id", self.table_id, 0, 0xFFFF)
        if type(self.data) is not bytes:
            arguments.octets("data", self.data)

    @property
    def display_name(self) -> str:
        """The short name: "ST1", "MT64"."""
        return table_name(self.table_id)

    @property
    def is_standard(self) -> bool:
        """Tell whether C12.19 defines the table."""
        return not self.is_manufacturing

    @property
    def is_manufacturing(self) -> bool:
        """Tell whether the manufacturer defines the table (2048 and up; the guide's extended tables)."""
        return bool(self.table_id & MANUFACTURER)

    @property
    def is_pending(self) -> bool:
        """Tell whether this is a pending copy (4096 and up); its octets begin with the event description."""
        return bool(self.table_id & PENDING)

    def __len__(self) -> int:
        return len(self.data)


class Table(Record):
    """Base of every table: a Record that one reads by its number.

    `class CurrentRegData(Table, number=23)`; manufacturer tables count from 2048.
    """

    number: ClassVar[int] = -1
    is_table = True
    _needs: ClassVar[frozenset[type[Table]] | None] = None  # found out when first asked for

    def __init_subclass__(cls, number: int | None = None) -> None:
        super().__init_subclass__()
        if number is not None:
            table_name(number)
            cls.number = number

    @classmethod
    def label(cls) -> str:
        """Return the OSGP guide's name, which errors use: "BT61" (basic), "ET21" (extended)."""
        if cls.number < 0:
            return cls.__name__
        return f"{'ET' if cls.number & MANUFACTURER else 'BT'}{cls.number & NUMBER_MASK:02}"

    @classmethod
    def needs(cls) -> frozenset[type[Table]]:
        """Return the tables that must be read before this one can be resolved."""
        needs: frozenset[type[Table]] | None = cls.__dict__.get("_needs")  # a subclass may need more
        if needs is None:
            needs = cls._needs = frozenset(table for table in super().needs() if issubclass(table, Table))
        return needs


def check_table(table: object) -> None:
    """Make sure that `table` is the class of a table that can be read.

    Errors: TypeError for anything but a Table class; ValueError for one without a number.
    """
    if not (isinstance(table, type) and issubclass(table, Table)):
        raise TypeError(f"a Table class such as CurrentRegData expected, not {table!r}")
    if table.number < 0:
        raise ValueError(f"{table.__name__} has no number: declare it with Table, number=...")


class FirmwareVersion(NamedTuple):
    """An OSGP meter's firmware version.  Compares with plain tuples: `version >= (3, 50)`.

    Source: OSGP guide, BT01: bits 15..12 major, 11..5 minor, 4..0 build; 0x3155 is 3.10.21.
    """

    major: int
    minor: int
    build: int

    @classmethod
    def unpack(cls, packed: int) -> FirmwareVersion:
        """Return the version in a UINT16."""
        return cls(packed >> 12 & 0xF, packed >> 5 & 0x7F, packed & 0x1F)

    def pack(self) -> int:
        """Return the version as a UINT16.

        Errors: ValueError when a part is out of range.
        """
        if not (0 <= self.major <= 15 and 0 <= self.minor <= 127 and 0 <= self.build <= 31):
            raise ValueError(f"{self} does not fit 4, 7 and 5 bits")
        return self.major << 12 | self.minor << 5 | self.build

    def __str__(self) -> str:
        return f"{self.major}.{self.minor:02}.{self.build:02}"
