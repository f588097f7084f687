"""The data link's contract: a pure machine without a clock, and the events it answers with.

PSEM packets, HDLC, the TCP wrapper and the DLMS association above the last two are Links of one shape;
`session.exchange` is their only driver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from meterkit.errors import MeterError


# Events are not frozen: two are made for every exchange, and a frozen one costs twice as much.
@dataclass(slots=True)
class Transmit:
    """Put these octets on the line now."""

    octets: bytes


@dataclass(slots=True)
class Message:
    """A whole message from the other end, reassembled and checked."""

    octets: bytes


@dataclass(slots=True)
class Broken:
    """The link gave up; nothing more will come of this exchange."""

    error: MeterError


@dataclass(slots=True)
class Failed:
    """The exchange came to nothing; the link itself is well and may be used again."""

    error: MeterError


@dataclass(slots=True)
class Notice:
    """A whole message that answers nothing: what a meter pushes.  Kept for whoever listens."""

    octets: bytes


@dataclass(slots=True)
class Advanced:
    """One part of a long answer is whole: the time that the exchange may take begins anew."""


Event: TypeAlias = Transmit | Message | Broken | Failed | Notice | Advanced
Events: TypeAlias = list[Event]


class Link(Protocol):
    """A data link, as a pure machine.  Feed it octets and lapses of time; do what it says.

    Every call returns at once with the events it caused, in order; the machine's state has already
    moved when it returns, so a caller may drop events only together with the link.
    """

    @property
    def timeout(self) -> float:
        """Seconds of silence, counted from now, after which to call `timed_out`."""
        ...

    def send(self, message: bytes) -> Events:
        """Begin to send a message; the events start with the first `Transmit`."""
        ...

    def receive(self, octets: bytes) -> Events:
        """Take octets as they came off the line, in pieces of any size."""
        ...

    def timed_out(self) -> Events:
        """Take the news that `timeout` passed in silence: retransmit, or `Broken`."""
        ...


#: Events, or the octets of the one event that there is: of the Transmit that a message became, or of the
#: Message that octets became.  Most exchanges are one of each, and need no more.
Bare: TypeAlias = bytes | Events


def bare_verbs(link: Link) -> tuple[Callable[[bytes], Bare], Callable[[bytes], Bare]]:
    """Return `link`'s `send_bare` and `receive_bare`, which do as its `send` and `receive` but return `Bare`.

    A link that has none of its own returns its events there, too.
    """
    return getattr(link, "send_bare", link.send), getattr(link, "receive_bare", link.receive)


def sent(bare: Bare) -> Events:
    """Return what `send_bare` returned as events."""
    return [Transmit(bare)] if isinstance(bare, bytes) else bare


def received(bare: Bare) -> Events:
    """Return what `receive_bare` returned as events."""
    return [Message(bare)] if isinstance(bare, bytes) else bare


def lone_message(bare: Bare) -> bytes | None:
    """Return the one message that is all that `receive_bare` returned, or None."""
    if isinstance(bare, bytes):
        return bare
    return event.octets if len(bare) == 1 and type(event := bare[0]) is Message else None
