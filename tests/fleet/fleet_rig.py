"""Fleets over emulated meters in memory: which meters there are, who dials them, and what is counted."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from meterkit.dlms.secured.key_provider import MemoryKeys
from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.emulator import (
    DEMO_READ_KEY,
    EmulatorConfiguration,
    EmulatorFaults,
    EmulatorTransport,
    LoadProfileSetConfiguration,
    MeterEmulator,
)
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.configuration import ProfileConfiguration
from meterkit.fleet import Fleet, FleetLimits, MeterEntry, ReadPlan, RetryPolicy

BEGIN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SMALL = (LoadProfileSetConfiguration(intervals=16, blocks=4, sources=(0, 1)),)
PASSWORDS = MemoryKeys({("default", KeyKind.PASSWORD): DEMO_READ_KEY})
QUICK = FleetLimits(connections_per_second=10_000, connection_burst=10_000)
ONE_TABLE = ReadPlan.model_validate({"psem": {"tables": ["ST1"]}, "dlms": {"registers": ["1-0:1.8.0"]}})


class Site:
    """Meters by host and port, on the loop's clock."""

    def __init__(self):
        self.meters = {}
        self.dialled = []  #: (loop time, host) of every line that was opened
        self.open_lines = set()
        self.most_lines = 0

    def clock(self):
        return BEGIN + timedelta(seconds=asyncio.get_running_loop().time())

    def add_psem(self, host, **changes):
        """Put a PSEM meter at a host and return it."""
        faults = changes.pop("faults", {})
        changes.setdefault("mode", "demand_only")
        changes = {"event_log_entries": 2, "self_reads": 0, **changes}
        configuration = EmulatorConfiguration(faults=EmulatorFaults(**faults), **changes)
        self.meters[host] = meter = MeterEmulator(configuration, clock=self.clock)
        return meter

    def add_dlms(self, host, **changes):
        """Put a DLMS meter at a host and return it."""
        changes.setdefault("profile", ProfileConfiguration(rows=96))
        self.meters[host] = meter = DlmsMeterEmulator(DlmsEmulatorConfiguration(**changes), clock=self.clock)
        return meter

    def dial(self, address):
        return Counted(self, address.line.host)

    @asynccontextmanager
    async def fleet(self, **settings):
        settings.setdefault("limits", QUICK)
        settings.setdefault("retries", RetryPolicy(attempts=1))
        async with Fleet(dial=self.dial, clock=self.clock, passwords=PASSWORDS, **settings) as fleet:
            yield fleet


class Counted(EmulatorTransport):
    """A line to whichever meter is at a host, counted while it is open."""

    def __init__(self, site, host):
        super().__init__(site.meters[host])
        self.site, self.host = site, host

    async def open(self):
        if not self.is_open:
            self.site.dialled.append((asyncio.get_running_loop().time(), self.host))
        await super().open()
        self.site.open_lines.add(self)
        self.site.most_lines = max(self.site.most_lines, len(self.site.open_lines))

    def restart_meter(self):
        """Let the meter lose power for a moment: the line stays, its session is forgotten."""
        self.session.close()
        self.session = self.emulator.begin_session(self._notify)

    async def close(self):
        self.site.open_lines.discard(self)
        await super().close()


def psem(name, host=None, **settings):
    return MeterEntry(id=name, url=f"psem+tcp://{host or name}:1153", **settings)


def dlms(name, host=None, **settings):
    return MeterEntry(id=name, url=f"dlms+tcp://{host or name}:4059", **settings)


def outcomes(reports):
    return {report.meter: report.outcome.value for report in reports}
