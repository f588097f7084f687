"""Verbs for PSEM meters: `meterkit psem info|read|write|procedure|profile`."""
