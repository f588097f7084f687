"""The meter's local time as COSEM date-times.

07EA 0B 15 06 0A 25 0C 00 FFC4 00     year month day weekday hour minute second hundredths deviation status
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from struct import Struct

_DATE_TIME = Struct(">HBBBBBBBhB")


class LocalTime:
    """A zone without summer time: `utc_offset` minutes east of UTC."""

    def __init__(self, utc_offset: int) -> None:
        self.zone = timezone(timedelta(minutes=utc_offset))
        self._deviation = -utc_offset  # UTC = local + deviation

    def octets(self, time: datetime) -> bytes:
        """Return an aware time as 12 octets, in local time."""
        local = time.astimezone(self.zone)
        return _DATE_TIME.pack(
            local.year,
            local.month,
            local.day,
            local.isoweekday(),
            local.hour,
            local.minute,
            local.second,
            0,
            self._deviation,
            0,
        )
