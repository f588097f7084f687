"""ST54: when seasons, tiers and daylight saving change.  Source: C12.19 Table 54.

Layout: general knowledge of C12.19, unconfirmed; it agrees with a public meter's.
"""

from __future__ import annotations

from meterkit.codec.layout import Record, array, bit, bits, item
from meterkit.psem.tables.clock import ActTimeTou
from meterkit.psem.tables.dates import ANSI_DATE, RDATE
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import UINT8, UINT16

_WEEKDAYS_APART = 4  # schedules more: Monday to Friday have one each, else one for all five


class CalendarAction(Record):
    """CALENDAR_ACTION_BFLD: what happens at midnight."""

    calendar_action = item(UINT8)
    #: 0 nothing, 1 daylight saving on, 2 off, 3 to 18 season 0 to 15, 19 to 30 special schedule, 31 end.
    calendar_ctrl = bits(calendar_action, 0, 4)
    demand_reset_flag = bit(calendar_action, 5)
    self_read_flag = bit(calendar_action, 6)


class NonRecurrDate(Record):
    """NON_RECURR_DATE_RCD: a date that comes once."""

    non_recurr_date = item(ANSI_DATE)
    calendar_action = item(CalendarAction)


class RecurrDate(Record):
    """RECURR_DATE_RCD: a date that comes again."""

    recurr_date = item(RDATE)
    calendar_action = item(CalendarAction)


class TierSwitch(Record):
    """TIER_SWITCH_RCD: a time of day at which a tier begins, on days of one schedule."""

    tier_switch = item(UINT16)
    new_tier = bits(tier_switch, 0, 2)
    summation_switch_flag = bit(tier_switch, 3)
    demands_switch_flag = bit(tier_switch, 4)
    switch_min = bits(tier_switch, 5, 10)  #: minute
    switch_hour = bits(tier_switch, 11, 15)  #: hour
    day_sch_num = item(UINT8)  #: of the schedule


class SeasonSchedules(Record):
    """The schedule of each type of day in one season: weekdays, Saturday, Sunday, special days."""

    schedule_id = array(
        UINT8, ActTimeTou.nbr_special_sched + 3 + ActTimeTou.separate_weekdays_flag * _WEEKDAYS_APART
    )


class Calendar(Table, number=54):
    """CALENDAR_TBL: dates and tier switches."""

    anchor_date = item(ANSI_DATE, when=ActTimeTou.anchor_date_flag)  #: from which periods count
    non_recurr_dates = array(NonRecurrDate, ActTimeTou.nbr_non_recurr_dates)
    recurr_dates = array(RecurrDate, ActTimeTou.nbr_recurr_dates)
    tier_switches = array(TierSwitch, ActTimeTou.nbr_tier_switches)
    daily_schedule_id_matrix = array(SeasonSchedules, ActTimeTou.nbr_seasons)
