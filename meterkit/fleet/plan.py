"""ReadPlan: what to read of every meter, by protocol.  Plain JSON, without secrets.

    {"psem": {"registers": true, "load_profile": [{"data_set": 1}]},
     "dlms": {"registers": ["1-0:1.8.0"], "load_profile": [{"obis": "1-0:99.1.0"}]}}

A plan only reads.  What is read as one is a channel group, such as "LP1" or "profile/1-0:99.1.0": it has one
checkpoint, up to which everything has been read and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.options import Options

__all__ = [
    "Attribute",
    "ClockCheck",
    "DlmsEvents",
    "DlmsPlan",
    "DlmsProfile",
    "Events",
    "PsemPlan",
    "PsemProfile",
    "ReadPlan",
    "Window",
]

EVENTS_GROUP: Final = "events"
CHECKPOINT: Final = "checkpoint"
_MANUFACTURER: Final = 2048  # tables from here on are the manufacturer's; C12.19, table id bit 11
_TABLE: Final = re.compile(r"(ST|BT|MT|ET)?\s*(\d{1,4})", re.IGNORECASE)


def _obis(text: str) -> str:
    return str(ObisCode.parse(text)).removesuffix("*255")


def _table(value: object) -> object:
    """Let a table be written as a number, or as a name: "ST23", "MT21"."""
    if not isinstance(value, str):
        return value
    match = _TABLE.fullmatch(value.strip())
    if match is None:
        raise ValueError("a table's number, or its name such as ST23 or MT21, expected")
    is_manufacturers = (match[1] or "ST").upper() in {"MT", "ET"}
    if int(match[2]) >= _MANUFACTURER and match[1]:
        raise ValueError(f"after {match[1].upper()} comes 0 to {_MANUFACTURER - 1}")
    return int(match[2]) + _MANUFACTURER * is_manufacturers


def _since(value: object) -> object:
    """Return "checkpoint" or an aware time."""
    if isinstance(value, str) and value != CHECKPOINT:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError('"checkpoint" or a time such as 2026-11-01T00:00:00Z expected') from None
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise ValueError("a time with its time zone expected, such as 2026-11-01T00:00:00Z")
    return value


def _distinct(values: tuple[object, ...], name: Callable[[object], object]) -> None:
    names = [name(value) for value in values]
    if doubled := next((one for one in names if names.count(one) > 1), None):
        raise ValueError(f"{doubled} is there twice")


ObisText = Annotated[str, AfterValidator(_obis)]  #: such as "1-0:1.8.0"
TableId = Annotated[int, BeforeValidator(_table), Field(ge=0, le=0xFFFF)]
Since = Annotated[Literal["checkpoint"] | AwareDatetime, BeforeValidator(_since)]
Days = Annotated[float, Field(gt=0, le=3660, allow_inf_nan=False)]


class _Since(Options):
    """From when on: since the last checkpoint, or within a window."""

    #: "checkpoint": what is new; else intervals that end after this time.
    since: Since = CHECKPOINT
    until: AwareDatetime | None = None  #: intervals that end at or before this time; None: all there are
    first_days: Days | None = 7.0  #: days back where there is no checkpoint yet; None: all there are

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if isinstance(self.since, datetime) and self.until is not None and self.since >= self.until:
            raise ValueError(f"since {self.since.isoformat()} is not before until {self.until.isoformat()}")
        return self

    def begin(self, checkpoint: datetime | None, now: datetime) -> datetime | None:
        """Return the time to read on from; None for all there is."""
        if isinstance(self.since, datetime):
            return self.since
        if checkpoint is not None:
            return checkpoint
        return None if self.first_days is None else now - timedelta(days=self.first_days)

    @property
    def is_from_checkpoint(self) -> bool:
        """Whether it goes on where the last reading ended, and moves the checkpoint."""
        return self.since == CHECKPOINT and self.until is None


class ClockCheck(Options):
    """Read the meter's clock, and flag one that is off by more than `tolerance`."""

    tolerance: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)] = 10.0  #: s


class Events(_Since):
    """The event log of a PSEM meter."""

    @property
    def group(self) -> str:
        """The channel group: "events"."""
        return EVENTS_GROUP


class PsemProfile(_Since):
    """One load profile of a PSEM meter: tables 64 to 67."""

    data_set: Annotated[int, Field(ge=1, le=4)] = 1

    @property
    def group(self) -> str:
        """The channel group: "LP1"."""
        return f"LP{self.data_set}"


class PsemPlan(Options):
    """What to read of a PSEM meter."""

    identity: bool = False
    clock: ClockCheck | None = None
    registers: bool = False  #: billing registers, ST23
    events: Events | None = None
    load_profile: tuple[PsemProfile, ...] = ()
    tables: tuple[TableId, ...] = ()  #: as octets: 23, "ST23", "MT21"

    @model_validator(mode="after")
    def _has_no_doubles(self) -> Self:
        _distinct(self.load_profile, lambda one: one.group if isinstance(one, PsemProfile) else one)
        _distinct(self.tables, lambda one: f"table {one}")
        return self


class DlmsProfile(_Since):
    """One load profile of a DLMS meter: an object of class 7."""

    obis: ObisText = "1-0:99.1.0"
    columns: tuple[ObisText, ...] | None = None  #: None: all

    @property
    def group(self) -> str:
        """The channel group: "profile/1-0:99.1.0"."""
        return f"profile/{self.obis}"


class DlmsEvents(_Since):
    """One event log of a DLMS meter."""

    obis: ObisText = "0-0:99.98.0"

    @property
    def group(self) -> str:
        """The channel group: "events/0-0:99.98.0"."""
        return f"{EVENTS_GROUP}/{self.obis}"


class Attribute(Options):
    """One attribute of a DLMS object, as octets."""

    class_id: Annotated[int, Field(ge=0, le=0xFFFF)]
    obis: ObisText
    attribute: Annotated[int, Field(ge=0, le=127)] = 2

    @property
    def channel(self) -> str:
        """Such as "3/1-0:1.8.0/2"."""
        return f"{self.class_id}/{self.obis}/{self.attribute}"


class DlmsPlan(Options):
    """What to read of a DLMS meter."""

    identity: bool = False
    clock: ClockCheck | None = None
    registers: tuple[ObisText, ...] = ()  #: with scaler and unit
    events: tuple[DlmsEvents, ...] = ()
    load_profile: tuple[DlmsProfile, ...] = ()
    attributes: tuple[Attribute, ...] = ()

    @model_validator(mode="after")
    def _has_no_doubles(self) -> Self:
        _distinct(self.registers, str)
        for groups in (self.load_profile, self.events):
            _distinct(groups, lambda one: one.group if isinstance(one, DlmsProfile | DlmsEvents) else one)
        _distinct(self.attributes, lambda one: one.channel if isinstance(one, Attribute) else one)
        return self


class ReadPlan(Options):
    """What to read, of PSEM meters, of DLMS meters, or of a fleet with both.

    Errors: ValueError naming the wrong field; a plan that reads nothing is one.
    """

    psem: PsemPlan | None = None
    dlms: DlmsPlan | None = None

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        for name, part in (("psem", self.psem), ("dlms", self.dlms)):
            if part is not None and part == type(part)():
                raise ValueError(f"{name} says nothing to read: say what, or leave {name} out")
        if self.psem is None and self.dlms is None:
            raise ValueError("nothing to read: a plan has psem, dlms or both")
        return self


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of one channel group to read again: intervals that end after `since`, up to `until`."""

    group: str  #: such as "LP1"
    since: datetime  #: aware
    until: datetime  #: aware

    def __post_init__(self) -> None:
        if self.since.utcoffset() is None or self.until.utcoffset() is None or self.since >= self.until:
            raise ValueError(
                f"{self.group}: two aware times in order expected, not {self.since}, {self.until}"
            )
