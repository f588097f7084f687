"""The asyncio SDK for electricity meters: ANSI C12.18/C12.19 (PSEM), OSGP meters, DLMS/COSEM.

async with meterkit.connect("psem+tcp://127.0.0.1:1153", password=b"...") as client:
    async for row in client.load_profile(data_set=1).values():
        print(row.end_time, row.values)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from meterkit.connection import connect
    from meterkit.dlms.acse.apdus import AuthenticationMechanism
    from meterkit.dlms.attribute_data import ActionData, AttributeData
    from meterkit.dlms.client import DlmsClient
    from meterkit.dlms.cosem.obis import ObisCode
    from meterkit.dlms.profile.columns import ProfileColumns
    from meterkit.dlms.profile.position import ProfilePosition
    from meterkit.dlms.profile.row import ProfileRow
    from meterkit.dlms.profile.stream import ProfileStream
    from meterkit.dlms.push.listener import Push, PushListener
    from meterkit.dlms.push.protection import PushProtection
    from meterkit.dlms.readings.clock import ClockReading
    from meterkit.dlms.readings.measurements import Measurement
    from meterkit.dlms.secured.counter_store import MemoryCounterStore, SqliteCounterStore
    from meterkit.dlms.secured.key_provider import EnvironmentKeys, FileKeys, KeyringKeys, MemoryKeys
    from meterkit.dlms.secured.key_vault import FileVault, KeyringVault
    from meterkit.dlms.secured.rotation import rotate_keys
    from meterkit.dlms.security.control import Security
    from meterkit.dlms.security.key_kinds import KeyKind, KeyProvider
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
    "ClockReading",
    "DlmsClient",
    "DlmsClientOptions",
    "Em1000Options",
    "Em1000SerialOptions",
    "Em1000Session",
    "EnvironmentKeys",
    "Err",
    "ErrorKind",
    "FileKeys",
    "FileVault",
    "KeyKind",
    "KeyProvider",
    "KeyringKeys",
    "KeyringVault",
    "Line",
    "LoadProfileRow",
    "LoadProfileStream",
    "LoopbackTransport",
    "Measurement",
    "MemoryCounterStore",
    "MemoryKeys",
    "MeterError",
    "MeterFailure",
    "ObisCode",
    "Ok",
    "ProcedureResponse",
    "ProcedureResult",
    "ProfileColumns",
    "ProfilePosition",
    "ProfileRow",
    "ProfileStream",
    "PsemClient",
    "PsemClientOptions",
    "Push",
    "PushListener",
    "PushProtection",
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
    "rotate_keys",
]

#: Where each public name lives.  A module is imported when a name of it is first used: a program that reads
#: PSEM meters does not pay for DLMS and its cryptography, nor the command for what a verb does not need.
_HOMES: Final = {
    "ActionData": "meterkit.dlms.attribute_data",
    "AttributeData": "meterkit.dlms.attribute_data",
    "AuthenticationMechanism": "meterkit.dlms.acse.apdus",
    "ClockReading": "meterkit.dlms.readings.clock",
    "DlmsClient": "meterkit.dlms.client",
    "DlmsClientOptions": "meterkit.options",
    "Em1000Options": "meterkit.options",
    "Em1000SerialOptions": "meterkit.options",
    "Em1000Session": "meterkit.em1000.session",
    "EnvironmentKeys": "meterkit.dlms.secured.key_provider",
    "Err": "meterkit.result",
    "ErrorKind": "meterkit.errors",
    "FileKeys": "meterkit.dlms.secured.key_provider",
    "FileVault": "meterkit.dlms.secured.key_vault",
    "KeyKind": "meterkit.dlms.security.key_kinds",
    "KeyProvider": "meterkit.dlms.security.key_kinds",
    "KeyringKeys": "meterkit.dlms.secured.key_provider",
    "KeyringVault": "meterkit.dlms.secured.key_vault",
    "Line": "meterkit.transport.line",
    "LoadProfileRow": "meterkit.psem.tables.load_profile",
    "LoadProfileStream": "meterkit.psem.load_profile_stream",
    "LoopbackTransport": "meterkit.transport.loopback",
    "Measurement": "meterkit.dlms.readings.measurements",
    "MemoryCounterStore": "meterkit.dlms.secured.counter_store",
    "MemoryKeys": "meterkit.dlms.secured.key_provider",
    "MeterError": "meterkit.errors",
    "MeterFailure": "meterkit.errors",
    "ObisCode": "meterkit.dlms.cosem.obis",
    "Ok": "meterkit.result",
    "ProcedureResponse": "meterkit.psem.procedures",
    "ProcedureResult": "meterkit.psem.procedures",
    "ProfileColumns": "meterkit.dlms.profile.columns",
    "ProfilePosition": "meterkit.dlms.profile.position",
    "ProfileRow": "meterkit.dlms.profile.row",
    "ProfileStream": "meterkit.dlms.profile.stream",
    "PsemClient": "meterkit.psem.client",
    "PsemClientOptions": "meterkit.options",
    "Push": "meterkit.dlms.push.listener",
    "PushListener": "meterkit.dlms.push.listener",
    "PushProtection": "meterkit.dlms.push.protection",
    "Readout": "meterkit.readout",
    "RecordingTransport": "meterkit.transport.recorder",
    "Result": "meterkit.result",
    "Security": "meterkit.dlms.security.control",
    "SerialOptions": "meterkit.options",
    "SerialTransport": "meterkit.transport.serial",
    "SerialxTransport": "meterkit.transport.serialx",
    "SqliteCounterStore": "meterkit.dlms.secured.counter_store",
    "TableData": "meterkit.psem.tables",
    "TableStream": "meterkit.psem.stream",
    "TcpOptions": "meterkit.options",
    "TcpTransport": "meterkit.transport.tcp",
    "Transport": "meterkit.transport.base",
    "UdpOptions": "meterkit.options",
    "UdpTransport": "meterkit.transport.udp",
    "connect": "meterkit.connection",
    "ends_session": "meterkit.errors",
    "read_out": "meterkit.session.sign_on",
    "rotate_keys": "meterkit.dlms.secured.rotation",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'meterkit' has no attribute {name!r}")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
