"""A DLMS meter behind a bad line, in memory: a FaultTransport whose faults strike at random, by one seed.

What the meter performed is written down by the meter itself.
"""

import asyncio

from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.emulator.dlms.object_view import ObjectView
from meterkit.testing import Drop, Duplicate, FaultTransport, Flip, Insert, Latency, Truncate
from tests.dlms.rig import line

OCTETS = 30  # about as many are sent together
FAULTS = {
    "drop": lambda chance: [Truncate(probability=chance / 2), Drop(probability=chance / 2, count=3)],
    "duplicate": lambda chance: [Duplicate(probability=chance, is_whole=True)],
    "flip": lambda chance: [Flip(probability=chance)],
    "insert": lambda chance: [
        Insert(probability=chance),
        Insert(probability=chance / 2, octets=bytes(range(12))),
    ],
    "delay": lambda chance: [Latency(0.0, jitter=3.0, probability=chance)],
    "split": lambda chance: [Latency(gap, probability=chance / 3) for gap in (0.1, 0.8, 2.0)],
}
KINDS = tuple(FAULTS)


class ImpairedTransport(FaultTransport):
    """A bad line to the meter that remembers what was sent: (seconds, octets).

    `chance`: that of each kind, for what is sent together.
    """

    def __init__(self, emulator, seed, chance, kinds):
        faults = [fault for kind in kinds for fault in FAULTS[kind](chance / OCTETS)]
        super().__init__(line(emulator), faults, seed=seed)
        self.log = []

    async def send(self, octets):
        self.log.append((asyncio.get_running_loop().time(), octets))
        await super().send(octets)


def note_what_is_performed(monkeypatch):
    """Let every emulated meter write down what it does; returns the list."""
    performed = []
    write, invoke = ObjectView.write, ObjectView.invoke

    def noting_write(self, one, index, octets):
        result = write(self, one, index, octets)
        if result is DataAccessResult.SUCCESS:
            performed.append(octets)
        return result

    def noting_invoke(self, one, index, parameters):
        result = invoke(self, one, index, parameters)
        if result[0] is ActionResult.SUCCESS:
            performed.append(parameters)
        return result

    monkeypatch.setattr(ObjectView, "write", noting_write)
    monkeypatch.setattr(ObjectView, "invoke", noting_invoke)
    return performed
