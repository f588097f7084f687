"""All sessions that the sweeps run, in the order of the table."""

from tests.reliability import dlms_scenarios, em1000_scenarios, psem_scenarios

SCENARIOS = (*psem_scenarios.SCENARIOS, *dlms_scenarios.SCENARIOS, *em1000_scenarios.SCENARIOS)
KINDS = ("drop", "duplicate", "flip", "insert", "truncate", "delay", "reset")
