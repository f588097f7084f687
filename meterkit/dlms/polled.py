"""Links whose meter speaks only when it is asked: HDLC in normal response mode.

    <- a message that is none of the answer     -> RR P     what comes next?
                                                <- I F      the answer

Source: IEC 62056-46 6.4.4.4.3.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from meterkit.link import Events, Link


@runtime_checkable
class PolledLink(Link, Protocol):
    """A lower link that has to ask for whatever the meter is to say."""

    def enquire(self) -> Events:
        """Begin to ask for a sign of life; its Message is b""."""
        ...

    def ask_on(self) -> Events:
        """Ask for what follows a Message that was none of the answer."""
        ...
