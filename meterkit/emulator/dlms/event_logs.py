"""Event logs that fill as things happen: the fraud log and the one of the disconnector.

0-0:99.98.1   fraud             terminal and meter covers       0-0:96.11.1   the code of its last event
0-0:99.98.2   disconnector      remote, manual connections      0-0:96.11.2

Codes: companion specifications of DLMS meters (DSMR P3, IDIS), general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import Attribute, CosemObject
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.profile import Column, Profile
from meterkit.emulator.dlms.profile_rows import Cells
from meterkit.emulator.household import INSTALLED

FRAUD_LOG, DISCONNECTOR_LOG = ObisCode(0, 0, 99, 98, 1), ObisCode(0, 0, 99, 98, 2)
CLEARED = 255
_TERMINAL_COVER_REMOVED, _TERMINAL_COVER_CLOSED = 40, 41
_WORK = timedelta(minutes=12)

#: Whoever mounted the meter closed its terminal cover in the end.
MOUNTED = ((INSTALLED, _TERMINAL_COVER_REMOVED), (INSTALLED + _WORK, _TERMINAL_COVER_CLOSED))


class LoggedRows:
    """Events in the order they came, the newest `capacity`."""

    def __init__(
        self,
        capacity: int,
        clock_octets: Callable[[datetime], bytes],
        now: Callable[[], datetime],
        events: Iterable[tuple[datetime, int]] = (),
    ) -> None:
        self._capacity, self._clock_octets, self._now = capacity, clock_octets, now
        self._events = list(events)

    @property
    def numbers(self) -> range:
        """Numbers of the events there are."""
        return range(max(len(self._events) - self._capacity, 0), len(self._events))

    @property
    def last_code(self) -> int:
        """The code of the newest event; 0 if there is none."""
        return self._events[-1][1] if self._events else 0

    def log(self, code: int) -> None:
        """Write down that something happened."""
        self._events.append((self._now(), code))

    def cells(self, number: int) -> Cells:
        """Return time and code of one event."""
        time, code = self._events[number]
        return axdr.encode_octet_string(self._clock_octets(time)), axdr.encode_unsigned(code)

    def time(self, number: int) -> datetime:
        """Return when an event came."""
        return self._events[number][0]

    def reset(self) -> None:
        """Give all events up, and log that."""
        self._events.clear()
        self.log(CLEARED)


def event_log(obis: ObisCode, rows: LoggedRows, local: LocalTime, capacity: int) -> list[CosemObject]:
    """Return a log and the object with the code of its last event."""
    code = ObisCode(0, 0, 96, 11, obis.e)
    columns = [Column(8, ObisCode.CLOCK), Column(1, code)]
    return [
        CosemObject(1, 0, code, {2: Attribute(lambda: axdr.encode_unsigned(rows.last_code))}),
        Profile(obis, columns, rows, local, capacity=capacity, period=0).object,
    ]
