"""ANSI C12.18/C12.19 (PSEM): the codecs under the client, by SharpMeter's names.

`PsemClient` itself stands in `meterkit`; these names are pure and need no event loop.
"""

from meterkit.psem.codes import ResponseCode, ServiceCode
from meterkit.psem.packet import ACK, NAK, OVERHEAD_SIZE, STP, ControlByte, ControlFlags, PsemFrame
from meterkit.psem.procedures import ProcedureResponse, ProcedureResult, StandardProcedure
from meterkit.psem.services import ServiceRequest, ServiceResponse
from meterkit.psem.state import SessionState
from meterkit.psem.tables import Table, TableData, TableRegistry

__all__ = [
    "ACK",
    "NAK",
    "OVERHEAD_SIZE",
    "STP",
    "ControlByte",
    "ControlFlags",
    "ProcedureResponse",
    "ProcedureResult",
    "PsemFrame",
    "ResponseCode",
    "ServiceCode",
    "ServiceRequest",
    "ServiceResponse",
    "SessionState",
    "StandardProcedure",
    "Table",
    "TableData",
    "TableRegistry",
]
