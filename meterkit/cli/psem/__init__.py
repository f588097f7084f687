"""Verbs for PSEM meters: info, registers, now, events, alarms, mbus, profile, read, write, procedure."""
