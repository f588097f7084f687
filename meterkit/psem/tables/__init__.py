"""C12.19 tables: declarations, one file a decade, and what joins them to their numbers."""

from meterkit.psem.tables.calendar import Calendar
from meterkit.psem.tables.clock import (
    ActTimeTou,
    Clock,
    ClockStateTbl,
    DimTimeTou,
    TimeOffset,
    TimeRemain,
)
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.constants import Constants
from meterkit.psem.tables.context import context_for
from meterkit.psem.tables.definitions import DefinitionError, load_definition
from meterkit.psem.tables.general import GeneralMfgId
from meterkit.psem.tables.identity import DeviceIdent, DeviceNameplate, UtilInfo
from meterkit.psem.tables.known import KnownTable, is_osgp, known_table, known_tables, proper_name
from meterkit.psem.tables.load_profile_tables import (
    ActLp,
    LpCtrl,
    LpDataSet1,
    LpDataSet2,
    LpDataSet3,
    LpDataSet4,
    LpStatus,
)
from meterkit.psem.tables.logs import (
    ActLog,
    AlternateHistoryLogData,
    DimLog,
    EventLogData,
    EventsId,
    HistoryLogCtrl,
    HistoryLogData,
)
from meterkit.psem.tables.names import FirmwareVersion, Table, TableData, table_name
from meterkit.psem.tables.osgp.load_profile import LpInternalConfig
from meterkit.psem.tables.osgp.mbus import MepDeviceData
from meterkit.psem.tables.osgp.mep_config import MepDeviceConfiguration
from meterkit.psem.tables.osgp.mfg_dimension import MfgDimension
from meterkit.psem.tables.osgp.utility import UtilityInformation
from meterkit.psem.tables.registers import (
    ActRegs,
    CurrentRegData,
    DataSelection,
    DimRegs,
    PreviousDemandResetData,
    PreviousSeasonData,
)
from meterkit.psem.tables.registers_present import PresentRegisterData, PresentRegisterSelection
from meterkit.psem.tables.registers_self_read import SelfReadData
from meterkit.psem.tables.registry import TableRegistry
from meterkit.psem.tables.security import ActSecurityLimiting, DimSecurityLimiting
from meterkit.psem.tables.sources import (
    ActSourcesLim,
    DataControl,
    DemandControl,
    DimSourcesLim,
    Sources,
    UomEntryTbl,
)
from meterkit.psem.tables.status import EdModeStatus, PendingEvent, PendingStatus, PendingTable, pending

__all__ = [
    "ActLog",
    "ActLp",
    "ActRegs",
    "ActSecurityLimiting",
    "ActSourcesLim",
    "ActTimeTou",
    "AlternateHistoryLogData",
    "Calendar",
    "Clock",
    "ClockStateTbl",
    "Constants",
    "CurrentRegData",
    "DataControl",
    "DataSelection",
    "DefinitionError",
    "DemandControl",
    "DeviceIdent",
    "DeviceNameplate",
    "DimLog",
    "DimRegs",
    "DimSecurityLimiting",
    "DimSourcesLim",
    "DimTimeTou",
    "EdModeStatus",
    "EventLogData",
    "EventsId",
    "FirmwareVersion",
    "GenConfig",
    "GeneralMfgId",
    "HistoryLogCtrl",
    "HistoryLogData",
    "KnownTable",
    "LpCtrl",
    "LpDataSet1",
    "LpDataSet2",
    "LpDataSet3",
    "LpDataSet4",
    "LpInternalConfig",
    "LpStatus",
    "MepDeviceConfiguration",
    "MepDeviceData",
    "MfgDimension",
    "PendingEvent",
    "PendingStatus",
    "PendingTable",
    "PresentRegisterData",
    "PresentRegisterSelection",
    "PreviousDemandResetData",
    "PreviousSeasonData",
    "SelfReadData",
    "Sources",
    "Table",
    "TableData",
    "TableRegistry",
    "TimeOffset",
    "TimeRemain",
    "UomEntryTbl",
    "UtilInfo",
    "UtilityInformation",
    "context_for",
    "is_osgp",
    "known_table",
    "known_tables",
    "load_definition",
    "pending",
    "proper_name",
    "table_name",
]
