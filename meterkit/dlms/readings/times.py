"""Times of a meter as datetimes, and what its clock says of them in words.

    07ea 0b 15 06  0b 25 0c 00  ffc4 00   ->  2026-11-21T10:37:12Z, or None for what is no moment

Source: Blue Book 4.1.6.1 (date and time formats, clock_status); general knowledge.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from meterkit.codec.cosem_time import DATE_TIME_SIZE, ClockStatus, CosemDateTime
from meterkit.errors import ProtocolFault

#: What each bit of a clock's status means.
STATUS_WORDS: Final = MappingProxyType(
    {
        ClockStatus.INVALID_VALUE: "invalid: the time was lost and could not be recovered",
        ClockStatus.DOUBTFUL_VALUE: "doubtful: the time was lost and recovered",
        ClockStatus.DIFFERENT_CLOCK_BASE: "driven by another time base than usual",
        ClockStatus.INVALID_CLOCK_STATUS: "the status itself is not valid",
        ClockStatus.DAYLIGHT_SAVING_ACTIVE: "summer time",
    }
)


def moment(time: CosemDateTime | None) -> datetime | None:
    """Return the moment in UTC; naive, by the meter's own clock, where the deviation is open.

    None for a pattern, for what no calendar has, and for moments that UTC has no year for.
    """
    when = None if time is None else time.to_datetime()
    if when is None or when.tzinfo is None:
        return when
    try:
        return when.astimezone(UTC)
    except OverflowError:
        return None


def as_date_time(value: object) -> CosemDateTime | None:
    """Return a date-time that a meter sent with its own tag or as 12 octets; None for anything else."""
    if isinstance(value, CosemDateTime):
        return value
    if not isinstance(value, bytes) or len(value) != DATE_TIME_SIZE:
        return None
    try:
        return CosemDateTime.from_octets(value)
    except ProtocolFault:
        return None


def status_words(status: ClockStatus | None) -> tuple[str, ...]:
    """Return what a clock's status says, bit by bit; bits without a meaning as numbers."""
    if status is None:
        return ()
    words = [text for bit, text in STATUS_WORDS.items() if bit in status]
    unknown = int(status) & ~sum(STATUS_WORDS)
    return (*words, *((f"bits 0x{unknown:02X}, which mean nothing",) if unknown else ()))
