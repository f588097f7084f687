"""BT50, BT51, BT54 and ST53 as octets: the calendar by which the emulated meter lives.

    recurring dates   daylight saving, seasons, demand resets, self reads; the rest unassigned
    tier switches     one at midnight for each kind of day, the rest without effect
    schedules         weekdays, Saturday, Sunday and four special days, for each season

Source: C12.19 Tables 50, 51, 53, 54, which the guide names only.
"""

from __future__ import annotations

from datetime import time

from meterkit.codec.layout import Context
from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.psem.tables.calendar import Calendar, CalendarAction, RecurrDate, SeasonSchedules, TierSwitch
from meterkit.psem.tables.clock import ActTimeTou, DimTimeTou, TimeOffset
from meterkit.psem.tables.dates import DateOffset, RecurrentDate

_TOU_SELF_READ = 1  # BT51 flags 1: the calendar says when to read
_TIME_ZONE = 1 << 4  # BT51 flags 2: ST53 has the time zone
_NBR_SEASONS, _NBR_SPECIAL, _NBR_RECURRENT, _NBR_SWITCHES = 2, 4, 40, 22
_SIZE = 3 * _NBR_RECURRENT + 3 * _NBR_SWITCHES + _NBR_SEASONS * (3 + _NBR_SPECIAL)  # octets of BT54
_DST_ON, _DST_OFF, _SEASON_0 = 1, 2, 3  # calendar actions
_DEMAND_RESET, _SELF_READ = 1 << 5, 1 << 6  # flags beside them
_SUMMATIONS_AND_DEMANDS = 1 << 3 | 1 << 4  # what a tier switch switches
_SUNDAY, _MONDAY = 0, 1
_UNASSIGNED = RecurrentDate(0)

Action = tuple[RecurrentDate, int]


def calendar_images(
    configuration: EmulatorConfiguration, context: Context, *, hours_from_utc: int | None = None
) -> dict[int, bytes]:
    """Encode the tables by number; ST53 only for a meter that is told its time zone."""
    has_zone = hours_from_utc is not None
    actual = ActTimeTou(
        time_func_flag1=_TOU_SELF_READ,
        time_func_flag2=_TIME_ZONE * has_zone,
        calendar_func=_NBR_SEASONS | _NBR_SPECIAL << 4,
        nbr_non_recurr_dates=0,
        nbr_recurr_dates=_NBR_RECURRENT,
        nbr_tier_switches=_NBR_SWITCHES,
        calendar_tbl_size=_SIZE,
    )
    dimension = DimTimeTou(**{field.name: getattr(actual, field.name) for field in actual.fields})
    known = context.with_(actual)
    found = {
        50: DimTimeTou.resolve(context).encode(dimension),
        51: ActTimeTou.resolve(context).encode(actual),
        54: Calendar.resolve(known).encode(_calendar(configuration)),
    }
    if hours_from_utc is not None:
        offset = TimeOffset(dst_time_eff=time(2), dst_time_amt=60, time_zone_offset=60 * hours_from_utc)
        found[53] = TimeOffset.resolve(known).encode(offset)
    return found


def _calendar(configuration: EmulatorConfiguration) -> Calendar:
    actions = _actions(configuration)
    actions += [(_UNASSIGNED, 0)] * (_NBR_RECURRENT - len(actions))
    days = range(3)  # weekdays, Saturday, Sunday
    switches = [_switch(schedule=day, tier=day) for day in days]
    winter = summer = [*days, *[0] * _NBR_SPECIAL]
    if configuration.nbr_tiers == 8:
        switches += [_switch(schedule=3 + day, tier=4 + day) for day in days]
        summer = [3 + schedule for schedule in winter]
    switches += [TierSwitch(tier_switch=0, day_sch_num=0)] * (_NBR_SWITCHES - len(switches))
    return Calendar(
        anchor_date=None,
        non_recurr_dates=(),
        recurr_dates=tuple(
            RecurrDate(recurr_date=date, calendar_action=CalendarAction(calendar_action=action))
            for date, action in actions
        ),
        tier_switches=tuple(switches),
        daily_schedule_id_matrix=(
            SeasonSchedules(schedule_id=tuple(winter)),
            SeasonSchedules(schedule_id=tuple(summer)),
        ),
    )


def _actions(configuration: EmulatorConfiguration) -> list[Action]:
    """Return what happens on which date: as `schedule` lets it happen."""
    last_sunday = DateOffset.LAST_WEEKDAY
    actions = [
        (RecurrentDate.yearly(3, 25, last_sunday, _SUNDAY), _DST_ON),
        (RecurrentDate.yearly(10, 25, last_sunday, _SUNDAY), _DST_OFF),
        (RecurrentDate.yearly(4, 1), _SEASON_0 + 1),
        (RecurrentDate.yearly(10, 1), _SEASON_0),
    ]
    if configuration.demands and configuration.demand_reset_schedule == "monthly":
        actions.append((RecurrentDate.monthly(1), _DEMAND_RESET))
    dates = {
        "daily": RecurrentDate.periodic(1, 0),
        "weekly": RecurrentDate.weekly(_MONDAY),
        "monthly": RecurrentDate.monthly(1),
    }
    date = dates.get(configuration.self_read_schedule)
    return actions if date is None else [*actions, (date, _SELF_READ)]


def _switch(schedule: int, tier: int) -> TierSwitch:
    return TierSwitch(tier_switch=tier | _SUMMATIONS_AND_DEMANDS, day_sch_num=schedule)
