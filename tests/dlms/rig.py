"""A DLMS client and an emulated meter joined in memory, on a clock that stands still until someone waits."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.client import DlmsClient
from meterkit.emulator import EmulatorTransport
from meterkit.emulator.dlms import DEMO_PASSWORD, DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.options import DlmsClientOptions

NOW = datetime(2026, 11, 21, 10, 37, 12, tzinfo=UTC)
LLS = AuthenticationMechanism.LOW_LEVEL_SECURITY


def meter(**configuration) -> DlmsMeterEmulator:
    """Return an emulated meter whose own clock stands at `NOW`."""
    return DlmsMeterEmulator(DlmsEmulatorConfiguration(**configuration), clock=lambda: NOW)


class RecordingTransport(EmulatorTransport):
    """Remembers what was sent: (seconds, octets)."""

    def __init__(self, emulator, **wire):
        super().__init__(emulator, **wire)
        self.log = []
        self.opened = self.closed = 0

    async def open(self):
        fresh = self.session is None
        await super().open()
        self.opened += fresh

    async def close(self):
        self.closed += self.session is not None
        await super().close()

    async def send(self, octets):
        import asyncio

        self.log.append((asyncio.get_running_loop().time(), octets))
        await super().send(octets)


def line(emulator, **wire):
    """Return a line to `emulator` that remembers what was sent."""
    return RecordingTransport(emulator, is_noisy=emulator.configuration.interface != "wrapper", **wire)


def options(emulator, **changes):
    """Return options that fit the meter; `manager=True` logs on as the client that may write."""
    interface = "wrapper" if emulator.configuration.interface == "wrapper" else "hdlc"
    chosen = {"interface": interface}
    if changes.pop("manager", False):
        chosen |= {"client_address": 1, "authentication": LLS, "password": DEMO_PASSWORD}
    if emulator.configuration.short_name_referencing:
        chosen["referencing"] = "short_name"
    return DlmsClientOptions(**chosen | changes)


@asynccontextmanager
async def connected(emulator=None, *, wire=None, **changes):
    """Yield a connected client and its line."""
    emulator = emulator or meter()
    wire = wire or line(emulator)
    async with DlmsClient(wire, options(emulator, **changes)) as client:
        (await client.connect()).unwrap()
        yield client, wire
