"""C12.19 tables: declarations, one file a decade, and what joins them to their numbers."""

from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.context import context_for
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
from meterkit.psem.tables.names import FirmwareVersion, Table, TableData, table_name
from meterkit.psem.tables.osgp.load_profile import LpInternalConfig
from meterkit.psem.tables.osgp.utility import UtilityInformation
from meterkit.psem.tables.registry import TableRegistry

__all__ = [
    "ActLp",
    "FirmwareVersion",
    "GenConfig",
    "GeneralMfgId",
    "LpCtrl",
    "LpDataSet1",
    "LpDataSet2",
    "LpDataSet3",
    "LpDataSet4",
    "LpInternalConfig",
    "LpStatus",
    "Table",
    "TableData",
    "TableRegistry",
    "UtilityInformation",
    "context_for",
    "table_name",
]
