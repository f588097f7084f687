"""An emulated EM1000 that logs in whoever knows its test-only responder; no meter answers like that."""

from meterkit.emulator.em1000.meter import Em1000EmulatorConfiguration, Em1000MeterEmulator
from meterkit.emulator.em1000.test_only_responder import test_only_responder

__all__ = ["Em1000EmulatorConfiguration", "Em1000MeterEmulator", "test_only_responder"]
