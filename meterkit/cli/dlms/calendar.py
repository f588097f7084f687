"""`meterkit dlms calendar`: seasons, weeks and days of tariffs, and the days that are special."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.meter import on_dlms_meter
from meterkit.cli.output import print_json
from meterkit.cli.running import OK
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.cosem.clock_and_schedules import SpecialDay
from meterkit.dlms.duties.calendar import CalendarReading, TariffCalendar, week_days
from meterkit.dlms.readings.meter import is_missing
from meterkit.dlms.readings.texts import text
from meterkit.result import Err, Result

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar(url: str, access: DlmsAccess, *, as_json: bool) -> int:
    """Read the calendars and the special days, and show them."""

    async def body(client: DlmsClient) -> int:
        reading = (await client.read_calendar()).unwrap()
        days = _special_days(await client.special_days())
        if as_json:
            print_json(_document(reading, days))
        else:
            show(*_lines(reading, days))
        return OK

    return on_dlms_meter(url, access, body)


def _special_days(answer: Result[tuple[SpecialDay, ...]]) -> tuple[SpecialDay, ...]:
    """Return the special days; a meter without such a table has none."""
    if isinstance(answer, Err) and is_missing(answer.error):
        return ()
    return answer.unwrap()


def _document(reading: CalendarReading, days: tuple[SpecialDay, ...]) -> dict[str, object]:
    return {
        "active": _calendar_document(reading.active),
        "passive": _calendar_document(reading.passive),
        "activation": None if reading.activation is None else reading.activation.to_datetime(),
        "special_days": [
            {"index": one.index, "date": str(one.specialday_date), "day_id": one.day_id} for one in days
        ],
    }


def _calendar_document(calendar: TariffCalendar | None) -> dict[str, object] | None:
    if calendar is None:
        return None
    return {
        "name": calendar.text,
        "seasons": [
            {
                "name": text(one.season_profile_name),
                "start": str(one.season_start),
                "week": text(one.week_name),
            }
            for one in calendar.seasons
        ],
        "weeks": [{"name": text(one.week_profile_name), "days": week_days(one)} for one in calendar.weeks],
        "days": [
            {
                "day_id": one.day_id,
                "schedule": [
                    {
                        "start": str(action.start_time),
                        "script_table": str(action.script_logical_name),
                        "script": action.script_selector,
                    }
                    for action in one.day_schedule
                ],
            }
            for one in calendar.days
        ],
        "problems": calendar.problems(),
    }


def _lines(reading: CalendarReading, days: tuple[SpecialDay, ...]) -> Iterator[Text]:
    for title, calendar in (("active", reading.active), ("passive", reading.passive)):
        name = "not told" if calendar is None else calendar.text
        yield Text(f"{title} calendar: {name}", style="bold")
        if calendar is not None:
            yield from _calendar_lines(calendar)
    if reading.activation is not None and reading.activation.to_datetime() is not None:
        yield Text(f"the passive calendar becomes active at {reading.activation}")
    yield Text("special days", style="bold")
    if not days:
        yield Text("  none", style="dim")
    for one in days:
        yield Text(f"  {one.index}: {one.specialday_date} is day {one.day_id}")


def _calendar_lines(calendar: TariffCalendar) -> Iterator[Text]:
    for season in calendar.seasons:
        yield Text(
            f"  season {text(season.season_profile_name)} from {season.season_start}: "
            f"week {text(season.week_name)}"
        )
    for week in calendar.weeks:
        days = ", ".join(f"{name} {day}" for name, day in zip(_WEEKDAYS, week_days(week), strict=True))
        yield Text(f"  week {text(week.week_profile_name)}: {days}")
    for day in calendar.days:
        actions = ", ".join(f"{one.start_time} script {one.script_selector}" for one in day.day_schedule)
        yield Text(f"  day {day.day_id}: {actions or 'nothing'}")
    for problem in calendar.problems():
        yield Text(f"  {problem}", style="yellow")
