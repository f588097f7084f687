"""What was read of a fleet: readings, who takes them, and who remembers how far they got.

    readers --- Reading, Reading ... ---> Pipeline ---> Sink.write        returned: on disk
                                              |
                                              +-------> Checkpoints.advance    only then

A reading's key is (meter, channel, time).  The same key again replaces, so whatever is not certain to have
arrived may be sent once more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Protocol, TypeAlias

__all__ = [
    "Checkpoints",
    "Key",
    "Reading",
    "ReadingKind",
    "Sink",
    "SinkFault",
    "Store",
    "Value",
    "channel_group",
]

Value: TypeAlias = Decimal | int | float | str | bool | None
#: (meter, channel, time)
Key: TypeAlias = tuple[str, str, datetime]


class ReadingKind(Enum):
    """What kind of statement a reading is."""

    INTERVAL = "interval"  # of a load profile: its time is the interval's end
    REGISTER = "register"
    EVENT = "event"
    CLOCK = "clock"
    IDENTITY = "identity"
    RAW = "raw"  # octets of a table or an attribute, as hex text


@dataclass(slots=True, unsafe_hash=True)  # a frozen one costs twice as much, and every read makes one or more
class Reading:
    """One value of one channel of one meter; nobody changes one.

    `time` is UTC (another aware time is converted); an interval's is its end, `interval` its length in
    seconds.  `read_at` is when the meter was asked.  `flags` say what is odd about the value, in lower case,
    with underscores for blanks.  In texts from a meter, what can't be printed becomes U+FFFD.
    Errors: ValueError a time without a time zone; a meter or channel that is empty or can't be printed.
    """

    meter: str
    channel: str
    time: datetime
    value: Value
    unit: str = ""
    flags: tuple[str, ...] = ()
    kind: ReadingKind = ReadingKind.REGISTER
    interval: int | None = None
    read_at: datetime | None = None

    def __post_init__(self) -> None:
        meter, channel, value = self.meter, self.channel, self.value
        if not (meter and channel and meter.isprintable() and channel.isprintable()):
            raise ValueError(f"meter {meter!r}, channel {channel!r}: printable names expected")
        if isinstance(value, str) and not value.isprintable():
            self.value = _printable(value)
        if self.unit and not self.unit.isprintable():
            self.unit = _printable(self.unit)
        if self.flags:
            flags = ("_".join(_printable(flag).split()) for flag in self.flags)
            self.flags = tuple(flag for flag in flags if flag)
        if self.time.tzinfo is not UTC:
            self.time = _in_utc(self.time)
        if self.read_at is not None and self.read_at.tzinfo is not UTC:
            self.read_at = _in_utc(self.read_at)

    @property
    def key(self) -> Key:
        """What no two readings share."""
        return self.meter, self.channel, self.time

    @property
    def group(self) -> str:
        """What is read together with this channel, and shares its checkpoint: see `channel_group`."""
        return channel_group(self.channel)


def channel_group(channel: str) -> str:
    """Return what `channel` is read with: "LP1" of "LP1/ch2", "profile/1-0:99.1.0" of one of its columns.

    A channel without a stroke is read alone, and is its own group.
    """
    group, stroke, _ = channel.rpartition("/")
    return group if stroke else channel


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in text)


def _in_utc(time: datetime) -> datetime:
    if time.utcoffset() is None:
        raise ValueError(f"{time.isoformat()}: a time with its time zone expected, this has none")
    return time.astimezone(UTC)


class SinkFault(Exception):
    """A sink or a store could not keep what it was given; the message is for whoever has to mend it.

    `is_refusal`: the sink is well and won't have this batch; another batch may fare better.
    """

    def __init__(self, message: str, *, is_refusal: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal


class Sink(Protocol):
    """Takes readings and keeps them.

    `write` returns when the batch is on disk.  It raises `SinkFault` otherwise; then nothing of the batch
    needs to be there.  The same batch again does no harm, in this run or another.
    """

    @property
    def name(self) -> str:
        """What a person calls it, without secrets: "sqlite:readings.db"."""
        ...

    async def open(self) -> None:
        """Be ready to write; repairs what a killed run left behind.  Errors: SinkFault."""
        ...

    async def write(self, batch: Sequence[Reading]) -> None:
        """Keep a batch; on disk when this returns.  Errors: SinkFault."""
        ...

    async def close(self) -> None:
        """Let go of files and connections; may be called twice, and after a fault."""
        ...


class Store(Sink, Protocol):
    """A sink that can be asked what it holds."""

    def scan(
        self, since: datetime, until: datetime, *, meters: Collection[str] | None = None
    ) -> AsyncIterator[Sequence[Reading]]:
        """Return what is stored with `since < time <= until`, in lists of bounded length.

        Of a key that comes twice the last one counts.  The sink needn't be open.  Errors: SinkFault.
        """
        ...


class Checkpoints(Protocol):
    """Up to where each meter's channels have been read and kept.

    A channel group is whatever is read as one: a load profile, an event log.  Its checkpoint is a time,
    exclusive: everything before it has been acknowledged by the sink.
    """

    async def open(self) -> None:
        """Be ready.  Errors: SinkFault."""
        ...

    async def load(self, meter: str) -> Mapping[str, datetime]:
        """Return the checkpoint of each channel group of `meter`, UTC.  Errors: SinkFault."""
        ...

    async def advance(self, meter: str, checkpoints: Mapping[str, datetime]) -> None:
        """Move one meter's checkpoints forward, never back; on disk when this returns.  Errors: SinkFault."""
        ...

    async def advance_all(self, checkpoints: Mapping[str, Mapping[str, datetime]]) -> None:
        """Do the same for many meters with one write to disk.  Errors: SinkFault."""
        ...

    async def close(self) -> None:
        """Let go of the file; may be called twice."""
        ...
