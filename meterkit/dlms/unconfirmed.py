"""Requests that nobody answers: unconfirmed SET and ACTION, UnconfirmedWrite.

    -> C1 01 81 ...   and nothing comes back, so the exchange ends as soon as it has begun

Source: IEC 62056-53, service class.
"""

from __future__ import annotations

from typing import Final, Protocol, runtime_checkable

from meterkit.errors import ErrorKind, MeterError
from meterkit.link import Broken, Events, Failed, Link, Message

_NO_WAY: Final = MeterError(
    ErrorKind.STATE,
    "the link below has no way to send what is not answered; use a confirmed service; nothing was sent",
)


@runtime_checkable
class UnconfirmedLink(Link, Protocol):
    """A lower link that can send what nobody answers: HDLC in a UI frame, WRAPPER as anything else."""

    def send_unconfirmed(self, message: bytes) -> Events:
        """Send a message, and wait for nothing."""
        ...


def send_unconfirmed(lower: Link, message: bytes) -> Events:
    """Send `message` and end its exchange with an empty Message; Failed if `lower` waits for every answer."""
    if not isinstance(lower, UnconfirmedLink):
        return [Failed(_NO_WAY)]
    events = lower.send_unconfirmed(message)
    if not any(isinstance(event, Failed | Broken) for event in events):
        events = [*events, Message(b"")]
    return events
