"""Meters you can talk to without a meter: over TCP, a pseudo-terminal, or in memory."""

from meterkit.emulator.access import AccessLevel, EmulatorState, TableAccess
from meterkit.emulator.configuration import (
    DEMO_MASTER_KEY,
    DEMO_PROVISIONING_KEY,
    DEMO_READ_KEY,
    CoincidentConfiguration,
    DemandConfiguration,
    EmulatorConfiguration,
    LoadProfileSetConfiguration,
    MeterMode,
    MeterTarget,
)
from meterkit.emulator.faults import EmulatorFaults
from meterkit.emulator.meter import MeterEmulator
from meterkit.emulator.meter_session import MeterSession
from meterkit.emulator.presets import PRESETS
from meterkit.emulator.procedures import ProcedureOutcome
from meterkit.emulator.server import PtyEmulatorServer, TcpEmulatorServer, open_pty, serve_tcp
from meterkit.emulator.table_store import MeterTable, TableStore
from meterkit.emulator.transport import EmulatorTransport

__all__ = [
    "DEMO_MASTER_KEY",
    "DEMO_PROVISIONING_KEY",
    "DEMO_READ_KEY",
    "PRESETS",
    "AccessLevel",
    "CoincidentConfiguration",
    "DemandConfiguration",
    "EmulatorConfiguration",
    "EmulatorFaults",
    "EmulatorState",
    "EmulatorTransport",
    "LoadProfileSetConfiguration",
    "MeterEmulator",
    "MeterMode",
    "MeterSession",
    "MeterTable",
    "MeterTarget",
    "ProcedureOutcome",
    "PtyEmulatorServer",
    "TableAccess",
    "TableStore",
    "TcpEmulatorServer",
    "open_pty",
    "serve_tcp",
]
