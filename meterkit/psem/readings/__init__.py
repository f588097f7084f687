"""What people want of a meter: registers, events, alarms and so on with names, units and times.

Each module has the values of one reading, and how they are made of tables; `PsemClient` has a method a
reading.  Values are plain and immutable; scaled numbers are exact decimals.
"""

from meterkit.psem.readings.alarms import read_alarms
from meterkit.psem.readings.clock import read_the_clock
from meterkit.psem.readings.events import EventsReading, read_events
from meterkit.psem.readings.identity import MeterIdentity, read_identity
from meterkit.psem.readings.instantaneous import PresentKind, PresentReading, read_instantaneous
from meterkit.psem.readings.mbus import MbusReading, MbusReadings, MepReading, read_mbus
from meterkit.psem.readings.registers import Registers, RegisterValue, read_registers
from meterkit.psem.readings.self_reads import SelfReading, read_self_reads

__all__ = [
    "EventsReading",
    "MbusReading",
    "MbusReadings",
    "MepReading",
    "MeterIdentity",
    "PresentKind",
    "PresentReading",
    "RegisterValue",
    "Registers",
    "SelfReading",
    "read_alarms",
    "read_events",
    "read_identity",
    "read_instantaneous",
    "read_mbus",
    "read_registers",
    "read_self_reads",
    "read_the_clock",
]
