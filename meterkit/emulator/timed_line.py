"""One line to an emulated meter on asyncio: its session, driven by octets and by its deadline."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod

from meterkit.emulator.line import Emulator


class TimedLine(ABC):
    """Calls `wake` at the session's deadline; moving the deadline back costs nothing."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.session = emulator.begin_session(self.rearm)
        self._handle: asyncio.TimerHandle | None = None

    @abstractmethod
    def speak(self, octets: bytes) -> None:
        """Put octets on the line."""

    @abstractmethod
    def hang_up(self) -> None:
        """Drop the line once all octets have left."""

    def hear(self, octets: bytes) -> None:
        """Let the meter answer what arrived."""
        self._spoken(self.session.receive(octets, asyncio.get_running_loop().time()))

    def rearm(self) -> None:
        """Set the timer for the session's deadline if it comes sooner than the timer."""
        due = self.session.deadline
        if self._handle is not None:
            if self._handle.when() <= due:
                return
            self._handle.cancel()
            self._handle = None
        if due != math.inf:
            loop = asyncio.get_running_loop()
            self._handle = loop.call_at(max(due, loop.time()), self._ring)

    def stop(self) -> None:
        """Forget the timer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        self._handle = None
        self._spoken(self.session.wake(asyncio.get_running_loop().time()))

    def _spoken(self, octets: bytes) -> None:
        if octets:
            self.speak(octets)
        if self.session.is_hung_up:
            self.hang_up()
        self.rearm()
