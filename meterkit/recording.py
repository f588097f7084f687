"""One line of a recording: when, who spoke, which octets.  The file a `RecordingTransport` writes.

    {"time": "2026-03-01T12:00:00.250000Z", "direction": "sent", "hex": "aa010fdec2"}

Octets that a redactor took out stand as "..": their number stays, so frames can still be told apart.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from meterkit.errors import ErrorKind, fault

HIDDEN: Final = ".."  #: in place of the two hex digits of an octet that was taken out
_HEX = re.compile(r"(?:[0-9a-f]{2}|\.\.)*", re.IGNORECASE)
_SHOWN = 60  # characters of a line that is none


class Direction(Enum):
    """Who spoke, as far as a recorder can know."""

    SENT = "sent"  #: by us, to the meter
    RECEIVED = "received"  #: from the meter
    OVERHEARD = "overheard"  #: from either, by somebody who only listens


@dataclass(frozen=True, slots=True)
class Recorded:
    """Octets that passed together."""

    time: datetime  #: aware
    direction: Direction
    hex: str  #: two digits for each octet, or ".."

    def line(self) -> str:
        """Return this as one line of JSON, without its end."""
        moment = self.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return json.dumps({"time": moment, "direction": self.direction.value, "hex": self.hex})

    @classmethod
    def parse(cls, line: str) -> Recorded:
        """Read one line.  Errors: DECODE, quoting it."""
        try:
            told: Any = json.loads(line)
            moment = datetime.fromisoformat(told["time"])
            direction, digits = Direction(told["direction"]), str(told["hex"])
        except (ValueError, KeyError, TypeError, RecursionError):
            moment, direction, digits = None, Direction.OVERHEARD, ""
        if moment is None or _HEX.fullmatch(digits) is None:
            shown = line if len(line) <= _SHOWN else line[:_SHOWN] + "..."
            known = ", ".join(one.value for one in Direction)
            raise fault(
                ErrorKind.DECODE,
                f"{shown!r} is no line of a recording: time, direction ({known}) and hex are expected",
            )
        return cls(moment if moment.tzinfo else moment.replace(tzinfo=UTC), direction, digits.lower())
