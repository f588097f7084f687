"""Tables by name and number, with who may read them, whether or not their octets are declared.

Source: C12.19, list of tables (names of decades 12 and 13, from C12.22, are general knowledge,
unconfirmed); OSGP guide, each table's "Read access" and Appendix A.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.known_names import EXTENDED_TABLES, OSGP_BASIC_ACCESS, STANDARD_TABLES
from meterkit.psem.tables.names import MANUFACTURER, NUMBER_MASK, PENDING, table_name

_OSGP_MANUFACTURERS = ("NES", "ELON")  # OSGP guide, BT00, "Manufacturer"


@dataclass(frozen=True, slots=True)
class KnownTable:
    """What is known of one table without reading it."""

    table_id: int
    name: str  #: "Constants"
    display_name: str  #: "ST15"; on OSGP meters "BT15", "ET14"
    #: Keys that may read it, of "MK", "PK", "RK"; empty: open to anybody; None: not printed.
    read_access: frozenset[str] | None = None

    @property
    def proper_name(self) -> str:
        """Number and name: "ET14 M-Bus/MEP Device Status"."""
        return f"{self.display_name} {self.name}"

    @property
    def access_text(self) -> str:
        """Who may read it, in words: "MK, PK, RK", "open", "unknown"."""
        if self.read_access is None:
            return "unknown"
        return ", ".join(key for key in ("MK", "PK", "RK") if key in self.read_access) or "open"


def is_osgp(config: GenConfig | None) -> bool:
    """Tell whether ST0 is that of an OSGP meter, by the manufacturers that the guide prints."""
    return config is not None and config.manufacturer in _OSGP_MANUFACTURERS


def known_table(table_id: int, *, osgp: bool = True) -> KnownTable | None:
    """Return what is known of a table; None for one that neither C12.19 nor the guide names.

    `osgp`: manufacturer tables mean something on OSGP meters only.  A pending table is known as the one it
    stands beside; its keys are not printed.
    Errors: ValueError when `table_id` is no UINT16.
    """
    table_name(table_id)
    if not table_id & PENDING:
        return _tables(osgp).get(table_id)
    beside = _tables(osgp).get(table_id & (MANUFACTURER | NUMBER_MASK))
    if beside is None:
        return None
    return KnownTable(table_id, f"{beside.name}, pending", beside.display_name)


def proper_name(table_id: int, *, osgp: bool = True) -> str:
    """Return a table's number and name, or its short name alone: "ET14 M-Bus/MEP Device Status", "MT99".

    Errors: ValueError when `table_id` is no UINT16.
    """
    known = known_table(table_id, osgp=osgp)
    return table_name(table_id) if known is None else known.proper_name


def known_tables(*, osgp: bool = True) -> tuple[KnownTable, ...]:
    """Return every table that is known by name, by number."""
    return tuple(_tables(osgp).values())


@cache
def _tables(osgp: bool) -> dict[int, KnownTable]:
    return {table.table_id: table for table in sorted(_declared(osgp), key=lambda table: table.table_id)}


def _declared(osgp: bool) -> Iterator[KnownTable]:
    for number, name in STANDARD_TABLES.items():
        access = _keys(OSGP_BASIC_ACCESS.get(number)) if osgp else None
        yield KnownTable(number, name, f"BT{number:02}" if osgp else f"ST{number}", access)
    if osgp:
        for number, (name, access_text) in EXTENDED_TABLES.items():
            yield KnownTable(MANUFACTURER | number, name, f"ET{number:02}", _keys(access_text))


def _keys(access: str | None) -> frozenset[str] | None:
    return None if access is None else frozenset(access.split())
