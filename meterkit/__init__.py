"""The asyncio SDK for electricity meters: ANSI C12.18/C12.19 (PSEM), OSGP meters, DLMS/COSEM.

async with meterkit.connect("psem+tcp://127.0.0.1:1153", password=b"...") as client:
    async for row in client.load_profile(data_set=1).values():
        print(row.end_time, row.values)
"""

from meterkit.connection import connect
from meterkit.dlms.acse import AuthenticationMechanism
from meterkit.dlms.attribute_data import ActionData, AttributeData
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.invocation_counters import SqliteCounterStore
from meterkit.dlms.push import Push, PushListener
from meterkit.dlms.security.control import Security
from meterkit.em1000.session import Em1000Session
from meterkit.errors import ErrorKind, MeterError, MeterFailure, ends_session
from meterkit.options import (
    DlmsClientOptions,
    Em1000Options,
    Em1000SerialOptions,
    PsemClientOptions,
    SerialOptions,
    TcpOptions,
    UdpOptions,
)
from meterkit.psem.client import PsemClient
from meterkit.psem.load_profile_stream import LoadProfileStream
from meterkit.psem.procedures import ProcedureResponse, ProcedureResult
from meterkit.psem.stream import TableStream
from meterkit.psem.tables import TableData
from meterkit.psem.tables.load_profile import LoadProfileRow
from meterkit.readout import Readout
from meterkit.result import Err, Ok, Result
from meterkit.session.sign_on import read_out
from meterkit.transport.base import Transport
from meterkit.transport.line import Line
from meterkit.transport.loopback import LoopbackTransport
from meterkit.transport.recorder import RecordingTransport
from meterkit.transport.serial import SerialTransport
from meterkit.transport.serialx import SerialxTransport
from meterkit.transport.tcp import TcpTransport
from meterkit.transport.udp import UdpTransport

__version__ = "0.1.0"

__all__ = [
    "ActionData",
    "AttributeData",
    "AuthenticationMechanism",
    "DlmsClient",
    "DlmsClientOptions",
    "Em1000Options",
    "Em1000SerialOptions",
    "Em1000Session",
    "Err",
    "ErrorKind",
    "Line",
    "LoadProfileRow",
    "LoadProfileStream",
    "LoopbackTransport",
    "MeterError",
    "MeterFailure",
    "ObisCode",
    "Ok",
    "ProcedureResponse",
    "ProcedureResult",
    "PsemClient",
    "PsemClientOptions",
    "Push",
    "PushListener",
    "Readout",
    "RecordingTransport",
    "Result",
    "Security",
    "SerialOptions",
    "SerialTransport",
    "SerialxTransport",
    "SqliteCounterStore",
    "TableData",
    "TableStream",
    "TcpOptions",
    "TcpTransport",
    "Transport",
    "UdpOptions",
    "UdpTransport",
    "connect",
    "ends_session",
    "read_out",
]
