"""What the process holds: memory by room, resident pages, tasks, file descriptors, threads."""

import asyncio
import gc
import os
import sys
import threading
import time
import tracemalloc
from dataclasses import asdict, dataclass
from pathlib import Path

import meterkit
from meterkit.testing.leftovers import nbr_descriptors

_STATM = Path("/proc/self/statm")
_KIB = 1024
_PACKAGE = os.path.dirname(meterkit.__file__)


@dataclass(frozen=True, slots=True)
class Gauge:
    day: float
    seconds: float  #: of real time since the soak began
    library: int  #: KiB that meterkit's own lines allocated and hold, without the emulator's; 0: not traced
    emulator: int  #: KiB for the emulated meters
    elsewhere: int  #: KiB for Python's own modules, other packages and the soak
    resident: int  #: KiB of the whole process; 0 where the platform does not tell
    blocks: int  #: that Python's allocator has handed out
    objects: int  #: that its garbage collector follows
    tasks: int
    descriptors: int
    threads: int

    def to_json(self):
        return asdict(self)


class Gauges:
    """Takes measure at the ends of days."""

    def __init__(self):
        self._began = time.monotonic()
        self.taken = []

    def take(self, day):
        gc.collect()
        rooms = {"library": 0, "emulator": 0, "elsewhere": 0}
        if tracemalloc.is_tracing():
            for one in tracemalloc.take_snapshot().statistics("filename"):
                rooms[_room(one.traceback[0].filename)] += one.size
        gauge = Gauge(
            day=day,
            seconds=round(time.monotonic() - self._began, 1),
            **{room: size // _KIB for room, size in rooms.items()},
            resident=_resident(),
            blocks=sys.getallocatedblocks(),
            objects=len(gc.get_objects()),
            tasks=len(asyncio.all_tasks()),
            descriptors=nbr_descriptors(),
            threads=threading.active_count(),
        )
        self.taken.append(gauge)
        return gauge


def _room(filename):
    if not filename.startswith(_PACKAGE):
        return "elsewhere"
    return "emulator" if filename.startswith(os.path.join(_PACKAGE, "emulator")) else "library"


def _resident():
    if not _STATM.exists():
        return 0
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // _KIB
