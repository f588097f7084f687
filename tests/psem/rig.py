"""A client and an emulated meter joined in memory, on a clock that stands still until someone waits."""

import struct
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from meterkit.emulator import DEMO_MASTER_KEY, EmulatorConfiguration, EmulatorTransport, MeterEmulator
from meterkit.emulator.load_profile import LoadProfileMemory
from meterkit.options import PsemClientOptions
from meterkit.psem.client import PsemClient

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 10, 12, 7, tzinfo=UTC)


def meter(**configuration) -> MeterEmulator:
    """Return an emulated meter whose own clock stands at `NOON`."""
    return MeterEmulator(EmulatorConfiguration(**configuration), clock=lambda: NOON)


def line(emulator, **wire) -> EmulatorTransport:
    """Return a line to `emulator` that also remembers every request, in the clear, as `requests`."""
    return RecordingTransport(emulator, **wire)


class RecordingTransport(EmulatorTransport):
    """Remembers the requests the meter served and when: (seconds, first octet, octets)."""

    def __init__(self, emulator, **wire):
        super().__init__(emulator, **wire)
        self.requests = []
        self.opened = self.closed = 0

    async def open(self):
        fresh = self.session is None
        await super().open()
        if fresh:
            self.opened += 1
            serve = self.session.services.process

            def record(request):
                import asyncio

                self.requests.append((asyncio.get_running_loop().time(), bytes(request)))
                return serve(request)

            self.session.services.process = record

    async def close(self):
        if self.session is not None:
            self.closed += 1
        await super().close()

    def count(self, service):
        return sum(request[0] == service for _, request in self.requests)


@asynccontextmanager
async def connected(emulator=None, *, key=DEMO_MASTER_KEY, wire=None, **options):
    """Yield a connected client and its line."""
    transport = line(emulator or meter(), **(wire or {}))
    async with PsemClient(transport, PsemClientOptions(**options)) as client:
        (await client.connect(key)).unwrap()
        yield client, transport


# What each emulated meter recorded is noted when it records it, so that tests do not have to decode the
# table they check: end of interval -> octets of the row.
_record = LoadProfileMemory._row


def _witnessed(memory, number, end, was_dark):
    octets = _record(memory, number, end, was_dark)
    memory.__dict__.setdefault("witness", {})[end] = octets
    return octets


LoadProfileMemory._row = _witnessed


def held(emulator, data_set=1):
    """Return the rows still in the ring, oldest first: (end time, values, extended status octets)."""
    memory = emulator.profiles[data_set - 1]
    if not memory.valid_blocks:
        return []

    def block_of(end):
        return ((end - EPOCH) // memory.interval - 1) // memory.configuration.intervals

    blocks = sorted({block_of(end) for end in memory.witness})[-memory.valid_blocks :]
    order = "<" if emulator.configuration.byte_order == "little" else ">"
    size = memory.nbr_channels
    return [
        (end, struct.unpack(f"{order}{size}i", octets[-4 * size :]), octets[: -4 * size])
        for end, octets in sorted(memory.witness.items())
        if block_of(end) >= blocks[0]
    ]
