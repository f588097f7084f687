"""TableRegistry: which declaration a table's number stands for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from meterkit.codec.layout import Context
from meterkit.errors import ErrorKind, fault
from meterkit.psem.tables import (
    calendar,
    clock,
    config,
    constants,
    general,
    identity,
    load_profile_tables,
    logs,
    registers,
    registers_present,
    registers_self_read,
    security,
    sources,
    status,
)
from meterkit.psem.tables.definitions import load_definition_file
from meterkit.psem.tables.names import Table, check_table, table_name
from meterkit.psem.tables.osgp import load_profile, mbus, mep_config, mfg_dimension, utility

#: Every table that is declared here.
BUILT_IN: tuple[type[Table], ...] = (
    config.GenConfig,
    general.GeneralMfgId,
    identity.DeviceNameplate,
    status.EdModeStatus,
    status.PendingStatus,
    identity.DeviceIdent,
    identity.UtilInfo,
    sources.DimSourcesLim,
    sources.ActSourcesLim,
    sources.UomEntryTbl,
    sources.DemandControl,
    sources.DataControl,
    constants.Constants,
    sources.Sources,
    registers.DimRegs,
    registers.ActRegs,
    registers.DataSelection,
    registers.CurrentRegData,
    registers.PreviousSeasonData,
    registers.PreviousDemandResetData,
    registers_self_read.SelfReadData,
    registers_present.PresentRegisterSelection,
    registers_present.PresentRegisterData,
    security.DimSecurityLimiting,
    security.ActSecurityLimiting,
    clock.DimTimeTou,
    clock.ActTimeTou,
    clock.Clock,
    clock.TimeOffset,
    calendar.Calendar,
    clock.ClockStateTbl,
    clock.TimeRemain,
    load_profile_tables.ActLp,
    load_profile_tables.LpCtrl,
    load_profile_tables.LpStatus,
    load_profile_tables.LpDataSet1,
    load_profile_tables.LpDataSet2,
    load_profile_tables.LpDataSet3,
    load_profile_tables.LpDataSet4,
    logs.DimLog,
    logs.ActLog,
    logs.EventsId,
    logs.HistoryLogCtrl,
    logs.HistoryLogData,
    logs.EventLogData,
    utility.UtilityInformation,
    mfg_dimension.MfgDimension,
    mbus.MepDeviceData,
    load_profile.LpInternalConfig,
    mep_config.MepDeviceConfiguration,
    logs.AlternateHistoryLogData,
)


class TableRegistry:
    """Declarations by table number, with C12.19's and the OSGP guide's already in it."""

    def __init__(self) -> None:
        self._tables: dict[int, type[Table]] = {}
        for table in BUILT_IN:
            self.register(table)

    def register(self, table: type[Table], *, replace: bool = False) -> None:
        """Add a declaration.

        Errors: TypeError for anything but a Table class; ValueError when it has no number, or its number is
        taken and `replace` is False.
        """
        check_table(table)
        known = self._tables.get(table.number)
        if known not in (None, table) and not replace:
            raise ValueError(f"{table_name(table.number)} is already {known.__name__ if known else ''}")
        self._tables[table.number] = table

    def load_json(self, path: str | Path, *, replace: bool = False) -> type[Table]:
        """Add the table that a JSON file defines and return its class; see `definitions`.

        Errors: OSError; DefinitionError, a ValueError, naming file and field; ValueError as `register`.
        """
        table = load_definition_file(path, self)
        self.register(table, replace=replace)
        return table

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
