"""Readings of a meter whose clock jumped: flagged, so that nobody takes them for true without looking.

10:15  10:30  12:00  12:15       read at 10:31: 12:00 and 12:15 are `clock_ahead`
10:15  10:30  10:15  10:30       in the order of the meter's memory: the later two are `clock_back`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from meterkit.fleet.readings import Reading, ReadingKind

__all__ = ["CLOCK_AHEAD", "CLOCK_BACK", "TOLERANCE", "flag_jumps", "is_ahead"]

CLOCK_AHEAD: Final = "clock_ahead"
CLOCK_BACK: Final = "clock_back"
#: How far a meter's clock may be ahead of ours before its times count as wrong.
TOLERANCE: Final = timedelta(minutes=5)


def is_ahead(time: datetime, now: datetime) -> bool:
    """Tell whether a time lies in the future by more than a clock's usual error."""
    return time > now + TOLERANCE


def flag_jumps(readings: Sequence[Reading], now: datetime) -> list[Reading]:
    """Return `readings` with flags on intervals from the future, and on those that step back.

    They are of one stretch of each channel's memory, in the meter's own order.
    """
    newest: dict[tuple[str, str], datetime] = {}
    flagged: list[Reading] = []
    for reading in readings:
        flags = reading.flags
        if reading.kind is ReadingKind.INTERVAL:
            series = (reading.meter, reading.channel)
            if is_ahead(reading.time, reading.read_at or now) and CLOCK_AHEAD not in flags:
                flags = (*flags, CLOCK_AHEAD)
            if series in newest and reading.time <= newest[series] and CLOCK_BACK not in flags:
                flags = (*flags, CLOCK_BACK)
            newest[series] = reading.time
        flagged.append(reading if flags is reading.flags else replace(reading, flags=flags))
    return flagged
