"""What a session asks of the meter's end of a link: WRAPPER, HDLC, or HDLC after a sign-on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from meterkit.emulator.dlms.application import Application

NOTIFICATIONS = frozenset({0x0F, 0x18, 0xC2})  #: first octets of what a meter sends unasked
ApplicationFactory = Callable[[int], Application]  # client SAP -> its application
MAX_CLIENTS = 16  #: on one line; the one that was silent longest goes
ANOTHER_CLIENT = 0x20  #: turned over in a client's SAP to make another's


class LinkEnd(Protocol):
    """The meter's end of a link.  Frames go in and out as octets; nothing here has a clock."""

    @property
    def is_hung_up(self) -> bool:
        """Whether the meter wants the line dropped."""
        ...

    @property
    def deadline(self) -> float:
        """When `wake` is due; inf for never."""
        ...

    @property
    def baud_rate(self) -> int:
        """Bits per second the meter listens and talks at."""
        ...

    def receive(self, octets: bytes, now: float) -> list[bytes]:
        """Take octets; return the frames that answer them."""
        ...

    def wake(self, now: float) -> list[bytes]:
        """Do what has become due; return the frames that come of it."""
        ...

    def push(self, apdu: bytes) -> list[bytes]:
        """Return the frames that carry an APDU nobody asked for."""
        ...

    def close(self) -> None:
        """Take the news that the line is gone."""
        ...
