"""For tests of your own application: emulated meters, bad lines, a clock that jumps, recordings played again.

No test framework is needed, and none is imported.  How to use it: the page "Testing".
"""

from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.emulator import (
    EmulatorConfiguration,
    EmulatorFaults,
    EmulatorTransport,
    MeterEmulator,
    serve_tcp,
)
from meterkit.emulator.dlms import (
    DlmsEmulatorConfiguration,
    DlmsFaults,
    DlmsMeterEmulator,
    DlmsQuirk,
    serve_udp,
)
from meterkit.emulator.em1000 import Em1000EmulatorConfiguration, Em1000MeterEmulator
from meterkit.emulator.farm import Farm, FarmConfiguration
from meterkit.testing.cancel_sweep import CancelBy, CancelReport, CancelSweepFailure, Cut, cancel_sweep
from meterkit.testing.fault_transport import FaultTransport
from meterkit.testing.faults import (
    Bandwidth,
    Drop,
    Duplicate,
    Fault,
    Flip,
    Insert,
    Latency,
    LimitData,
    Reorder,
    ResetPeer,
    Slicer,
    Timeout,
    Truncate,
    Way,
)
from meterkit.testing.leftovers import Leftovers
from meterkit.testing.octet_sweep import Scenario, octet_sweep
from meterkit.testing.outcomes import Failure, Outcome, OutcomeTable
from meterkit.testing.recorder import Recorder
from meterkit.testing.replay import ReplayMismatch, ReplayTransport
from meterkit.testing.virtual_clock import Deadlock, VirtualClock, VirtualClockLoop, run_virtual

__all__ = [
    "Bandwidth",
    "CancelBy",
    "CancelReport",
    "CancelSweepFailure",
    "Cut",
    "Deadlock",
    "DlmsEmulatorConfiguration",
    "DlmsFaults",
    "DlmsMeterEmulator",
    "DlmsQuirk",
    "Drop",
    "Duplicate",
    "Em1000EmulatorConfiguration",
    "Em1000MeterEmulator",
    "EmulatorConfiguration",
    "EmulatorFaults",
    "EmulatorTransport",
    "Failure",
    "Farm",
    "FarmConfiguration",
    "Fault",
    "FaultTransport",
    "Flip",
    "Insert",
    "Latency",
    "Leftovers",
    "LimitData",
    "MemoryCounterStore",
    "MeterEmulator",
    "Outcome",
    "OutcomeTable",
    "Recorder",
    "Reorder",
    "ReplayMismatch",
    "ReplayTransport",
    "ResetPeer",
    "Scenario",
    "Slicer",
    "Timeout",
    "Truncate",
    "VirtualClock",
    "VirtualClockLoop",
    "Way",
    "cancel_sweep",
    "octet_sweep",
    "run_virtual",
    "serve_tcp",
    "serve_udp",
]
