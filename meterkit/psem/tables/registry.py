"""TableRegistry: which declaration a table's number stands for."""

from __future__ import annotations

from collections.abc import Iterator

from meterkit.codec.layout import Context
from meterkit.errors import ErrorKind, fault
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.general import GeneralMfgId
from meterkit.psem.tables.load_profile_tables import (
    ActLp,
    LpCtrl,
    LpDataSet1,
    LpDataSet2,
    LpDataSet3,
    LpDataSet4,
    LpStatus,
)
from meterkit.psem.tables.names import Table, table_name
from meterkit.psem.tables.osgp.load_profile import LpInternalConfig
from meterkit.psem.tables.osgp.utility import UtilityInformation

BUILT_IN: tuple[type[Table], ...] = (
    GenConfig,
    GeneralMfgId,
    ActLp,
    LpCtrl,
    LpStatus,
    LpDataSet1,
    LpDataSet2,
    LpDataSet3,
    LpDataSet4,
    UtilityInformation,
    LpInternalConfig,
)


class TableRegistry:
    """Declarations by table number, with C12.19's and the OSGP guide's already in it."""

    def __init__(self) -> None:
        self._tables: dict[int, type[Table]] = {}
        for table in BUILT_IN:
            self.register(table)

    def register(self, table: type[Table], *, replace: bool = False) -> None:
        """Add a declaration.

        Errors: ValueError when it has no number, or its number is taken and `replace` is False.
        """
        if table.number < 0:
            raise ValueError(f"{table.__name__} has no number: declare it with Table, number=...")
        known = self._tables.get(table.number)
        if known not in (None, table) and not replace:
            raise ValueError(f"{table_name(table.number)} is already {known.__name__ if known else ''}")
        self._tables[table.number] = table

    def get(self, table_id: int) -> type[Table] | None:
        """Return the declaration of a table, or None."""
        return self._tables.get(table_id)

    def parse(self, table_id: int, data: bytes, context: Context | None = None) -> Table:
        """Return the record in a table's octets.

        Errors: ProtocolFault (DECODE) when no declaration is known or the octets do not fit it;
        ValueError when `context` lacks a table that this one needs.
        """
        table = self.get(table_id)
        if table is None:
            message = "no declaration known: register one, or take the octets as they are"
            raise fault(ErrorKind.DECODE, message, where=table_name(table_id))
        return table.resolve(context).decode(data)

    def __iter__(self) -> Iterator[type[Table]]:
        """Iterate over the declarations, by number."""
        return iter(table for _, table in sorted(self._tables.items()))

    def __contains__(self, table_id: object) -> bool:
        return table_id in self._tables

    def __len__(self) -> int:
        return len(self._tables)
