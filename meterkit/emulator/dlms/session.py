"""One line to the emulated DLMS meter: octets in, octets out, and one deadline.  No clock of its own.

out = session.receive(octets, now)       # `now` in seconds, on any clock that does not jump
out = session.wake(now)                  # when `session.deadline` has come
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from meterkit.emulator.dlms.application import Application
from meterkit.emulator.dlms.ends import LinkEnd
from meterkit.emulator.dlms.hdlc_end import HdlcEnd
from meterkit.emulator.dlms.mode_e_end import ModeEEnd
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.readout import readout
from meterkit.emulator.dlms.wrapper_end import WrapperEnd

if TYPE_CHECKING:
    from meterkit.emulator.dlms.meter import DlmsMeterEmulator

_OCTET_TIME = 0.001  # s, about 9600 baud; of DlmsQuirk.OCTET_BY_OCTET
_NOISE = b"\x00\xff\x7e\x7e\xa0"  # stray octets, flags, and what looks like a frame's beginning
_FLAG = b"\x7e"


class DlmsMeterSession:
    """The meter's end of one line, with what the line does to its octets."""

    def __init__(self, emulator: DlmsMeterEmulator, on_unasked: Callable[[], None]) -> None:
        self._emulator = emulator
        self._on_unasked = on_unasked
        self._queue: deque[tuple[float, bytes]] = deque()  # (due, octets)
        self.end: LinkEnd = self._make_end()

    def _make_end(self) -> LinkEnd:
        emulator = self._emulator
        terms = (emulator.configuration, emulator.quirks, emulator.faults, self._application)
        if emulator.configuration.interface == "wrapper":
            return WrapperEnd(*terms)
        hdlc = HdlcEnd(*terms)
        if emulator.configuration.interface == "hdlc":
            return hdlc
        serial_number = emulator.configuration.serial_number
        return ModeEEnd(emulator.configuration, hdlc, lambda: readout(serial_number, emulator.readout()))

    def _application(self, client: int) -> Application:
        return Application(self._emulator, client)

    # ---------------------------------------------------------------- what the line asks
    @property
    def is_hung_up(self) -> bool:
        """Whether the meter dropped the line."""
        return self.end.is_hung_up

    @property
    def baud_rate(self) -> int:
        """Bits per second the meter listens and talks at."""
        return self.end.baud_rate

    @property
    def deadline(self) -> float:
        """When `wake` is due; inf when the meter waits for nothing."""
        return min(self._queue[0][0] if self._queue else math.inf, self.end.deadline)

    def receive(self, octets: bytes, now: float) -> bytes:
        """Take octets that arrived at `now`; return what the meter puts on the line at once."""
        spoken = self.wake(now)
        if self.end.is_hung_up:
            return spoken
        if DlmsQuirk.ECHO in self._emulator.quirks:
            spoken += octets
        self._say(self.end.receive(octets, now), now)
        return spoken + self._due(now)

    def wake(self, now: float) -> bytes:
        """Do what has become due by `now`; return what the meter puts on the line."""
        spoken = self._due(now)
        if now >= self.end.deadline:
            self._say(self.end.wake(now), now)
            spoken += self._due(now)
        return spoken

    def push(self, apdus: list[bytes]) -> None:
        """Let the meter say what nobody asked for, as soon as the line looks."""
        frames = [frame for apdu in apdus for frame in self.end.push(apdu)]
        if frames:
            self._queue.append((-math.inf, b"".join(self._impaired(frames))))
            self._on_unasked()

    def close(self) -> None:
        """Take the news that the line is gone."""
        self.end.close()
        self._queue.clear()
        self._emulator.forget(self)

    # ---------------------------------------------------------------- what the line does
    def _say(self, frames: list[bytes], now: float) -> None:
        """Queue frames, as faults and quirks let them out."""
        frames = self._impaired(frames)
        if not frames:
            return
        quirks = self._emulator.quirks
        if DlmsQuirk.HALF_FRAMES in quirks:
            frames = [frames[0][: len(frames[0]) // 2]]
        due = now + self._emulator.faults.response_delay
        if DlmsQuirk.OCTET_BY_OCTET not in quirks:
            self._queue.append((due, b"".join(frames)))
            return
        for octet in b"".join(frames):
            due += _OCTET_TIME
            self._queue.append((due, bytes((octet,))))

    def _impaired(self, frames: list[bytes]) -> list[bytes]:
        faults, quirks = self._emulator.faults, self._emulator.quirks
        if faults.silent:
            return []
        arrived: list[bytes] = []
        for frame in frames:
            if faults.take("drop_frames"):
                continue
            if faults.take("corrupt_frames"):
                middle = len(frame) // 2
                frame = frame[:middle] + bytes((frame[middle] ^ 0x01,)) + frame[middle + 1 :]
            arrived += [frame] * (2 if faults.take("duplicate_frames") else 1)
        if isinstance(self.end, WrapperEnd):
            return arrived
        if DlmsQuirk.SHARED_FLAGS in quirks:
            arrived = [frame.removeprefix(_FLAG) if place else frame for place, frame in enumerate(arrived)]
        if DlmsQuirk.NOISE_BEFORE_FRAMES in quirks:
            arrived = [_NOISE + frame for frame in arrived]
        return arrived

    def _due(self, now: float) -> bytes:
        spoken = bytearray()
        while self._queue and self._queue[0][0] <= now:
            spoken += self._queue.popleft()[1]
        return bytes(spoken)
