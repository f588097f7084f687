"""The far end of a serial line, on a pseudo-terminal, for the tests of the serial adapter."""

import asyncio
import contextlib
import gc
import importlib.util
import os
import pty
import termios
import threading

from meterkit.options import SerialOptions
from meterkit.transport.serial import SerialTransport

LOOPS = {"asyncio": ("asyncio", {"use_uvloop": False})}
if importlib.util.find_spec("uvloop"):
    LOOPS["uvloop"] = ("asyncio", {"use_uvloop": True})


class Probe:
    """The far end of a pseudo-terminal: the optical probe with its meter."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.port = os.ttyname(slave)
        self.slave = slave
        os.set_blocking(self.master, False)

    def say(self, octets):
        os.write(self.master, octets)

    async def hear(self, count):
        octets = b""
        while len(octets) < count:
            with contextlib.suppress(BlockingIOError):
                octets += os.read(self.master, count - len(octets))
            await asyncio.sleep(0)
        return octets

    def settings(self):
        return termios.tcgetattr(self.slave)

    def unplug(self):
        for name in ("master", "slave"):
            descriptor = getattr(self, name)
            if descriptor is not None:
                os.close(descriptor)
                setattr(self, name, None)


async def until(claim):
    while not claim():  # noqa: ASYNC110  nothing else tells what a descriptor does
        await asyncio.sleep(0)


async def opened(probe, **settings):
    transport = SerialTransport(SerialOptions(port=probe.port, **settings))
    await transport.open()
    return transport


async def gather(transport, count):
    octets = b""
    while len(octets) < count:
        octets += await transport.receive(30.0)
    return octets


def descriptors():
    gc.collect()
    return sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else []


def serial_threads():
    return [thread for thread in threading.enumerate() if thread.name == "meterkit serial"]
