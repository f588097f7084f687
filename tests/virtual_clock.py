"""The virtual clock of `meterkit.testing`, by the name that the tests know it by."""

from meterkit.testing.virtual_clock import VIRTUAL_CLOCK, Deadlock, VirtualClockLoop

__all__ = ["VIRTUAL_CLOCK", "Deadlock", "VirtualClockLoop"]
