"""The tariff calendar: read what acts and what is prepared, prepare another one, have it act.

    season -> week -> day -> script at a time of day      names join them: checked before anything is written
    passive name, seasons, weeks, days: four writes       activated by a method, or at a time

Source: Blue Book 4.5.5 (Activity calendar).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from meterkit import arguments
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.cosem.clock_and_schedules import ActivityCalendar, DayProfile, SeasonProfile, WeekProfile
from meterkit.dlms.cosem.declare import AttributeRef
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.readings.meter import Meter, read_told
from meterkit.dlms.readings.texts import text
from meterkit.result import Err, Ok, Result

CALENDAR: Final = ObisCode(0, 0, 13, 0, 0)
_PARTS: Final = ("name", "seasons", "weeks", "days")


@dataclass(frozen=True, slots=True)
class TariffCalendar:
    """One calendar.  Names are octets, as the meter has them."""

    name: bytes
    seasons: tuple[SeasonProfile, ...]
    weeks: tuple[WeekProfile, ...]
    days: tuple[DayProfile, ...]

    @property
    def text(self) -> str:
        """The name as text, or hex."""
        return text(self.name)

    def problems(self) -> tuple[str, ...]:
        """Return what does not fit together: weeks and days that are named and not there, or there twice."""
        weeks, days = [one.week_profile_name for one in self.weeks], [one.day_id for one in self.days]
        wanted = {day for week in self.weeks for day in week_days(week)}
        return (
            *_twice("season", [one.season_profile_name for one in self.seasons]),
            *_twice("week", weeks),
            *_twice("day", days),
            *(
                f"season {one.season_profile_name!r} has week {one.week_name!r}, which is not there"
                for one in self.seasons
                if one.week_name not in weeks
            ),
            *(f"day {day} of a week is not there" for day in sorted(wanted - set(days))),
        )


@dataclass(frozen=True, slots=True)
class CalendarReading:
    """What a meter's calendar is; None where it does not tell all of it."""

    active: TariffCalendar | None
    passive: TariffCalendar | None
    activation: CosemDateTime | None  #: when the passive one becomes active; wildcards: never


def week_days(week: WeekProfile) -> tuple[int, ...]:
    """Return the day_id of each day, Monday first."""
    days = (week.monday, week.tuesday, week.wednesday, week.thursday, week.friday, week.saturday)
    return (*days, week.sunday)


async def read_calendar(meter: Meter, calendar: ActivityCalendar) -> Result[CalendarReading]:
    """Read both calendars.  Errors: see `DlmsClient.read_calendar`."""
    refs = [*_active(calendar), *_passive(calendar), calendar.activate_passive_calendar_time]
    values = await read_told(meter, refs)
    if isinstance(values, Err):
        return values
    parts = values.value
    return Ok(CalendarReading(_whole(parts[:4]), _whole(parts[4:8]), parts[8]))


async def write_calendar(meter: Meter, calendar: ActivityCalendar, new: TariffCalendar) -> Result[None]:
    """Write the passive calendar.  Errors and Raises: see `DlmsClient.write_calendar`."""
    arguments.instance("calendar", new, TariffCalendar)
    problems = new.problems()
    if problems:
        raise ValueError("the calendar does not fit together: " + "; ".join(problems))
    values = (new.name, new.seasons, new.weeks, new.days)
    pairs = list(zip(_passive(calendar), values, strict=True))
    for ref, value in pairs:
        ref.encode(value)  # raises before anything is written
    for place, (ref, value) in enumerate(pairs):
        written = await meter.set(ref, value)
        if isinstance(written, Err):
            before = f" ({', '.join(_PARTS[:place])} written before)" if place else ""
            return Err(written.error.at(f"passive calendar, {_PARTS[place]}{before}"))
    return Ok(None)


async def activate_calendar(meter: Meter, calendar: ActivityCalendar, when: datetime | None) -> Result[None]:
    """Activate the passive calendar.  Errors: see `DlmsClient.activate_calendar`."""
    if when is None:
        return await meter.call(calendar.activate_passive_calendar)
    time = CosemDateTime.from_datetime(arguments.moment("when", when))
    return await meter.set(calendar.activate_passive_calendar_time, time)


def _active(calendar: ActivityCalendar) -> list[AttributeRef[Any]]:
    return [
        calendar.calendar_name_active,
        calendar.season_profile_active,
        calendar.week_profile_table_active,
        calendar.day_profile_table_active,
    ]


def _passive(calendar: ActivityCalendar) -> list[AttributeRef[Any]]:
    return [
        calendar.calendar_name_passive,
        calendar.season_profile_passive,
        calendar.week_profile_table_passive,
        calendar.day_profile_table_passive,
    ]


def _whole(values: Sequence[Any]) -> TariffCalendar | None:
    return None if any(value is None for value in values) else TariffCalendar(*values)


def _twice(what: str, names: Sequence[bytes | int]) -> Iterable[str]:
    counted = Counter(names)
    return (f"{what} {name!r} is there twice" for name, count in counted.items() if count > 1)
