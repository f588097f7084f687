"""The tariff calendar: seasons, weeks, days and special days decide which tariff is active.

special day, or season -> week -> day  ->  its last script begun by now  ->  tariff  ->  0-0:96.14.0

Source: Blue Book 4.5.4 (Special days table), 4.5.5 (Activity calendar); general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.cosem.clock_and_schedules import (
    DayProfile,
    DayProfileAction,
    SeasonProfile,
    WeekProfile,
)
from meterkit.dlms.cosem.composite_types import array
from meterkit.dlms.cosem.data_types import OCTET_DATE_TIME, OCTET_STRING
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import Attribute, CosemObject, Method
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.special_days import HOLIDAY, SpecialDaysObject
from meterkit.emulator.dlms.typed_cell import TypedCell

CALENDAR = ObisCode(0, 0, 13, 0, 0)
ACTIVE_TARIFF = ObisCode(0, 0, 96, 14, 0)
_NEVER = CosemDateTime(CosemDate(), CosemTime(), None, None)
_WORKDAY = 1  # day_id
_LARGEST_CALENDAR = 64  # seasons, weeks and days each
_NO_TARIFF = 0


def _day(number: int, *starts: tuple[int, int]) -> DayProfile:
    actions = (
        DayProfileAction(CosemTime(hour, 0, 0, 0), ObisCode.TARIFF_SCRIPT_TABLE, tariff)
        for hour, tariff in starts
    )
    return DayProfile(number, tuple(actions))


_SEASONS = (
    SeasonProfile(
        b"YEAR", CosemDateTime(CosemDate(None, 1, 1, None), CosemTime(0, 0, 0, 0), None, None), b"WEEK"
    ),
)
_WEEKS = (WeekProfile(b"WEEK", *[_WORKDAY] * 5, *[HOLIDAY] * 2),)
_DAYS = (_day(_WORKDAY, (0, 2), (6, 1), (22, 2)), _day(HOLIDAY, (0, 2)))


def _fits(items: tuple[object, ...]) -> bool:
    return len(items) <= _LARGEST_CALENDAR


class _Calendar:
    """One calendar, active or passive."""

    def __init__(self, name: bytes) -> None:
        self.name = TypedCell(OCTET_STRING, name)
        self.seasons = TypedCell(array(SeasonProfile), _SEASONS, _fits)
        self.weeks = TypedCell(array(WeekProfile), _WEEKS, _fits)
        self.days = TypedCell(array(DayProfile), _DAYS, _fits)

    def become(self, other: _Calendar) -> None:
        self.name.value, self.seasons.value = other.name.value, other.seasons.value
        self.weeks.value, self.days.value = other.weeks.value, other.days.value

    def day_id(self, day: date) -> int | None:
        """Return the day of an ordinary date; None where the calendar has none."""
        begun = [one for one in self.seasons.value if _season_start(one, day) <= (day.month, day.day)]
        ordered = sorted(begun or self.seasons.value, key=lambda one: _season_start(one, day))
        week = next(
            (one for one in self.weeks.value if ordered and one.week_profile_name == ordered[-1].week_name),
            None,
        )
        if week is None:
            return None
        days = (week.monday, week.tuesday, week.wednesday, week.thursday, week.friday, week.saturday)
        return (*days, week.sunday)[day.weekday()]


def _season_start(season: SeasonProfile, day: date) -> tuple[int, int]:
    start = season.season_start.date
    return start.month or day.month, start.day or 1


class TariffCalendar:
    """Calendar, special days and the tariff they make."""

    def __init__(self, now: Callable[[], datetime], local: LocalTime, on_change: Callable[[], None]) -> None:
        self._now, self._local, self._on_change = now, local, on_change
        self._active, self._passive = _Calendar(b"MKT1"), _Calendar(b"MKT1")
        self._activation = TypedCell(OCTET_DATE_TIME, _NEVER)
        self.special_days = SpecialDaysObject()
        self.objects = [self._calendar(), self.special_days.object, self._tariff()]

    @property
    def tariff(self) -> int:
        """The script that holds just now, which is the tariff; 0 for none."""
        self._settle()
        now = self._now().astimezone(self._local.zone)
        wanted = self.special_days.day_id(now.date())
        if wanted is None:
            wanted = self._active.day_id(now.date())
        actions = (one.day_schedule for one in self._active.days.value if one.day_id == wanted)
        begun = [one for one in next(actions, ()) if (one.start_time.to_time() or time()) <= now.time()]
        return begun[-1].script_selector if begun else _NO_TARIFF

    def _settle(self) -> None:
        """Let the passive calendar take over if its time has come."""
        due = self._activation.value.to_datetime()
        if due is None:
            return
        due = due if due.tzinfo else due.replace(tzinfo=self._local.zone)
        if self._now() >= due:
            self._activate()

    def _activate(self) -> None:
        self._active.become(self._passive)
        self._activation.value = _NEVER
        self._on_change()

    def _calendar(self) -> CosemObject:
        passive = self._passive
        passives: tuple[TypedCell[Any], ...] = (passive.name, passive.seasons, passive.weeks, passive.days)
        actives: tuple[TypedCell[Any], ...] = (
            self._active.name,
            self._active.seasons,
            self._active.weeks,
            self._active.days,
        )
        attributes = {index: Attribute(self._settled(cell)) for index, cell in enumerate(actives, 2)}
        attributes |= {index: cell.writable for index, cell in enumerate(passives, 6)}
        attributes[10] = Attribute(self._settled(self._activation), self._activation.write)
        return CosemObject(20, 0, CALENDAR, attributes, {1: Method(lambda _: self._activate())})

    def _settled(self, cell: TypedCell[Any]) -> Callable[[], bytes]:
        """Return a way to read a cell as of now."""

        def read() -> bytes:
            self._settle()
            return cell.read()

        return read

    def _tariff(self) -> CosemObject:
        return CosemObject(
            1, 0, ACTIVE_TARIFF, {2: Attribute(lambda: axdr.encode_unsigned(self.tariff & 0xFF))}
        )
