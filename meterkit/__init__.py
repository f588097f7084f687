"""The asyncio SDK for electricity meters: ANSI C12.18/C12.19 (PSEM), OSGP meters, DLMS/COSEM to come.

async with meterkit.connect("psem+tcp://127.0.0.1:1153", password=b"...") as client:
    async for row in client.load_profile(data_set=1).values():
        print(row.end_time, row.values)
"""

from meterkit.connection import connect
from meterkit.errors import ErrorKind, MeterError, MeterFailure, ends_session
from meterkit.options import PsemClientOptions, SerialOptions, TcpOptions
from meterkit.psem.client import PsemClient
from meterkit.psem.load_profile_stream import LoadProfileStream
from meterkit.psem.procedures import ProcedureResponse, ProcedureResult
from meterkit.psem.stream import TableStream
from meterkit.psem.tables import TableData
from meterkit.psem.tables.load_profile import LoadProfileRow
from meterkit.result import Err, Ok, Result
from meterkit.transport.base import Transport
from meterkit.transport.line import Line
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.serialx import SerialxTransport
from meterkit.transport.tcp import TcpTransport

__version__ = "0.1.0"

__all__ = [
    "Err",
    "ErrorKind",
    "Line",
    "LoadProfileRow",
    "LoadProfileStream",
    "LoopbackTransport",
    "MeterError",
    "MeterFailure",
    "Ok",
    "ProcedureResponse",
    "ProcedureResult",
    "PsemClient",
    "PsemClientOptions",
    "Result",
    "SerialOptions",
    "SerialTransport",
    "SerialxTransport",
    "TableData",
    "TableStream",
    "TcpOptions",
    "TcpTransport",
    "Transport",
    "connect",
    "ends_session",
]
