"""One pair of wires in memory with several emulated meters on it: all of them hear whatever is sent."""

import asyncio

from meterkit.emulator import EmulatorTransport
from meterkit.transport.base import Transport
from tests.dlms.rig import meter

LOOK = 0.02  # s between two looks at who has spoken


class SharedWire(Transport):
    """What any of the meters says is heard; `log` has what was sent."""

    name = "shared wire"
    is_noisy = True

    def __init__(self, emulators):
        super().__init__()
        self.ends = [EmulatorTransport(emulator, is_noisy=True) for emulator in emulators]
        self.log = []
        self._is_open = False

    @property
    def is_open(self):
        return self._is_open

    async def open(self):
        for end in self.ends:
            await end.open()
        self._is_open = True

    async def close(self):
        for end in self.ends:
            await end.close()
        self._is_open = False

    async def send(self, octets):
        self.log.append((asyncio.get_running_loop().time(), octets))
        for end in self.ends:
            await end.send(octets)

    async def receive(self, timeout):
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        while True:
            heard = b"".join([await one.receive(0) for one in self.ends])
            if heard or loop.time() >= end:
                return heard
            await asyncio.sleep(min(LOOK, end - loop.time()))

    def discard(self):
        return b"".join(end.discard() for end in self.ends)


def meters(count, **configuration):
    """Return HDLC meters with physical addresses from 17 on."""
    return [
        meter(
            interface="hdlc",
            serial_number=f"2026{number:04}",
            hdlc={"physical_address": 17 + number},
            **configuration,
        )
        for number in range(count)
    ]
