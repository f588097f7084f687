"""Rows of profiles: where they come from, encoded cell by cell and kept.

A row of the load profile is a function of its number: number n ends n periods after the meter was
installed.  So any size costs only what is read of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from meterkit.codec import axdr
from meterkit.emulator.household import INSTALLED, Household

POWER_FAILED = 0x80  # of the row's status: power was off at some time; general knowledge, EDIS status

_FAILED, _WELL = axdr.encode_unsigned(POWER_FAILED), axdr.encode_unsigned(0)
Cells = tuple[bytes, ...]
_BEFORE_INSTALLATION = timedelta(days=50 * 365)  # no row is older than that; its energies are 0
CellMaker = Callable[[datetime, datetime], bytes]  # start and end of the period -> A-XDR


class Rows(Protocol):
    """Rows oldest first, with the times they were captured at."""

    @property
    def numbers(self) -> range:
        """Numbers of the rows there are."""
        ...

    def cells(self, number: int) -> Cells:
        """Return the encoded values of one row."""
        ...

    def time(self, number: int) -> datetime:
        """Return when a row was captured."""
        ...

    def reset(self) -> None:
        """Give all rows up."""
        ...


class PeriodicRows:
    """The load profile: one row a period, at most `capacity` of them."""

    def __init__(
        self, capacity: int, period: int, makers: Sequence[CellMaker], now: Callable[[], datetime]
    ) -> None:
        self._capacity = capacity
        self._period = timedelta(seconds=period)
        self._makers = tuple(makers)
        self._now = now
        self._known: dict[int, Cells] = {}
        self._oldest: int | None = None  # after a reset

    @property
    def numbers(self) -> range:
        """Numbers of the rows there are: those whose periods have ended."""
        end = (self._now() - INSTALLED) // self._period + 1
        begin = max(end - self._capacity, -(_BEFORE_INSTALLATION // self._period))
        if self._oldest is not None:
            begin = max(begin, self._oldest)
        return range(min(begin, end), end)

    def cells(self, number: int) -> Cells:
        """Return the encoded values of one row."""
        known = self._known.get(number)
        if known is None:
            if len(self._known) > 2 * self._capacity:  # the clock went on: what it left behind goes
                self._known.clear()
            end = self.time(number)
            known = self._known[number] = tuple(maker(end - self._period, end) for maker in self._makers)
        return known

    def time(self, number: int) -> datetime:
        """Return the end of a row's period."""
        return INSTALLED + number * self._period

    def reset(self) -> None:
        """Give all rows up: new ones come with the next periods."""
        self._oldest = self.numbers.stop


class EventRows:
    """The event log: power down and power up of every outage, the newest `capacity`."""

    DOWN, UP, CLEARED = 1, 2, 255  # event codes

    def __init__(
        self,
        capacity: int,
        household: Household,
        clock_octets: Callable[[datetime], bytes],
        now: Callable[[], datetime],
    ) -> None:
        self._capacity, self._household = capacity, household
        self._clock_octets, self._now = clock_octets, now
        self._cleared = INSTALLED
        self._events: list[tuple[datetime, int]] = []
        self._day = 0  # the first whose outages are not in the list

    @property
    def numbers(self) -> range:
        """Numbers of the events there are."""
        now = self._now()
        today = (now - INSTALLED).days
        while self._day < today:
            outage = self._household.outage(self._day)
            for second, code in zip(outage or (), (self.DOWN, self.UP), strict=False):
                self._events.append((INSTALLED + timedelta(seconds=int(second)), code))
            self._day += 1
        begin = max(len(self._events) - self._capacity, 0)
        while begin < len(self._events) and self._events[begin][0] < self._cleared:
            begin += 1
        return range(begin, len(self._events))

    def cells(self, number: int) -> Cells:
        """Return time and code of one event."""
        time, code = self._events[number]
        return axdr.encode_octet_string(self._clock_octets(time)), axdr.encode_unsigned(code)

    def time(self, number: int) -> datetime:
        """Return when an event came."""
        return self._events[number][0]

    def reset(self) -> None:
        """Give all events up, and log that."""
        self._cleared = self._now()
        self._events.append((self._cleared, self.CLEARED))


def row_status(household: Household, start: datetime, end: datetime) -> bytes:
    """Return the status of a row: whether power failed in its period."""
    return _FAILED if household.is_dark(start, end)[0] else _WELL
