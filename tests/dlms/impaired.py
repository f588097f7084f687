"""A DLMS meter behind a bad line, in memory: octets are lost, repeated, turned over, added, late or cut up.

    client -> Impairment -> emulated meter -> Impairment -> client

Every decision comes from one seed, so a run can be had again.  What the meter performed is written down by
the meter itself.
"""

import asyncio
import heapq
import random
from dataclasses import dataclass, field

from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.emulator.dlms.object_view import ObjectView
from tests.dlms.rig import RecordingTransport

KINDS = ("drop", "duplicate", "flip", "insert", "delay", "split")


@dataclass
class Impairment:
    """What happens to octets on their way; `chance` is that of each kind, for each write."""

    seed: int
    chance: float
    kinds: tuple[str, ...] = KINDS
    longest_delay: float = 3.0  # s
    dice: random.Random = field(init=False)

    def __post_init__(self):
        self.dice = random.Random(self.seed)

    def strikes(self, kind):
        return kind in self.kinds and self.dice.random() < self.chance

    def carry(self, octets):
        """Return what arrives: (seconds from now, octets)."""
        chance = self.dice
        if self.strikes("drop"):
            begin = chance.randrange(len(octets))
            end = len(octets) if chance.random() < 0.5 else begin + chance.randint(1, 4)
            octets = octets[: begin if chance.random() < 0.5 else 0] + octets[end:]
        if octets and self.strikes("flip"):
            place = chance.randrange(len(octets))
            octets = octets[:place] + bytes([octets[place] ^ 1 << chance.randrange(8)]) + octets[place + 1 :]
        if self.strikes("insert"):
            place = chance.randint(0, len(octets))
            octets = octets[:place] + chance.randbytes(chance.randint(1, 12)) + octets[place:]
        if self.strikes("duplicate"):
            octets *= 2
        late = chance.uniform(0, self.longest_delay) if self.strikes("delay") else 0.0
        if len(octets) > 1 and self.strikes("split"):
            place = chance.randrange(1, len(octets))
            gap = chance.choice((0.0, 0.1, 0.8, 2.0))
            return [(late, octets[:place]), (late + gap, octets[place:])]
        return [(late, octets)] if octets else []


class ImpairedTransport(RecordingTransport):
    """A line to the meter that keeps its octets in order and little else."""

    def __init__(self, emulator, impairment, **wire):
        super().__init__(emulator, **wire)
        self.impairment = impairment
        self._on_the_way = []  # to us: (due, number, octets)
        self._number = 0
        self._latest = 0.0  # octets do not overtake each other

    async def send(self, octets):
        self.log.append((asyncio.get_running_loop().time(), octets))
        for _, piece in self.impairment.carry(octets):
            await super(RecordingTransport, self).send(piece)

    async def close(self):
        await super().close()
        self._on_the_way.clear()
        self._latest = 0.0

    async def receive(self, timeout):
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            if self._on_the_way and self._on_the_way[0][0] <= loop.time():
                return heapq.heappop(self._on_the_way)[2]
            due = self._on_the_way[0][0] if self._on_the_way else end
            if due > loop.time() and (came := await super().receive(min(due, end) - loop.time())):
                self._put_on_the_way(came)
            elif loop.time() >= end:
                return b""

    def _put_on_the_way(self, octets):
        now = asyncio.get_running_loop().time()
        for late, piece in self.impairment.carry(octets):
            self._latest = max(self._latest, now + late)
            self._number += 1
            heapq.heappush(self._on_the_way, (self._latest, self._number, piece))

    def discard(self):
        self._on_the_way.clear()
        return super().discard()


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
