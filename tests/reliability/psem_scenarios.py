"""Sessions with an emulated ANSI meter: reading, a load profile, writing and a procedure.

One meter serves them all, for it takes longer to build than to read; each line has a session of its own.
"""

from functools import cache

from meterkit.emulator import DEMO_MASTER_KEY, LoadProfileSetConfiguration
from meterkit.psem.client import PsemClient
from meterkit.testing import Scenario
from tests.psem.rig import line, meter
from tests.reliability.rig import one_by_one

SMALL = (LoadProfileSetConfiguration(interval_minutes=60, intervals=4, blocks=2, sources=(0, 1), history=6),)
_WRITES = frozenset({0x40, 0x4F})  # and the start of procedures, which is a write of ST7


_TABLE = 2200
_WRITTEN = bytes(range(180))


@cache
def _shared_meter():
    return meter(load_profile=SMALL)


class _Psem(Scenario):
    delay = 3.0  # the client waits 2 s for an ACK
    limit = 400.0

    def line(self):
        emulator = _shared_meter()
        emulator.tables.write_table(_TABLE, bytes(len(_WRITTEN)))
        self.wire = line(emulator, is_noisy=True)
        return self.wire

    async def use(self, line):
        async with PsemClient(line) as client:
            results = [await client.connect(DEMO_MASTER_KEY)]
            if results[0].is_success:
                results += await one_by_one(client, *self.calls(client))
        return results

    def performed(self):
        return [
            _without_sequence_number(request) for _, request in self.wire.requests if request[0] in _WRITES
        ]


def _without_sequence_number(request):
    """A procedure's number is drawn by the client, another for each start: 40 00 07 size, id, number."""
    is_start = request[:3] == b"\x40\x00\x07"
    return request[:7] + request[8:-1] if is_start else request


class PsemRead(_Psem):
    name = "PSEM: connect, read"

    def calls(self, client):
        return (
            lambda: client.read_table(1),
            lambda: client.read_table_offset(5, 2, 10),
            lambda: client.identity(),
        )


class PsemStream(_Psem):
    name = "PSEM: stream"

    def calls(self, client):
        return (lambda: client.load_profile(1).collect(),)


class PsemWrite(_Psem):
    name = "PSEM: write, procedure"

    def calls(self, client):
        return (
            lambda: client.write_table(_TABLE, _WRITTEN),
            lambda: client.procedures.remote_reset(demand_reset=True),
            lambda: client.read_table(_TABLE),
        )


SCENARIOS = (PsemRead, PsemStream, PsemWrite)
