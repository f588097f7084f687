"""Decade 50: the meter's clock.  Source: C12.19 Tables 50 to 53, 55 and 56.

    ST52  LTIME_DATE | TIME_DATE_QUAL             ST53  daylight saving and time zone
    ST55  LTIME_DATE | TIME_DATE_QUAL | STATUS    ST56  what is left of tier and self-read period

ST50 to ST56: general knowledge of C12.19, unconfirmed, and in agreement with
public readers of meters.  The calendar (ST54) has a file of its own; `meterkit.psem.tables.clock_reading`
turns ST52 and ST53 into a time with a time zone.
"""

from __future__ import annotations

from typing import Self

from meterkit.codec.layout import Record, bit, bits, item
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import INT16, LTIME_DATE, TIME, UINT8, UINT16


class TimeTouDimensions(Record):
    """What ST50 and ST51 have in common: what the clock can do and how large the calendar is."""

    time_func_flag1 = item(UINT8)
    tou_self_read_flag = bit(time_func_flag1, 0)
    season_self_read_flag = bit(time_func_flag1, 1)
    season_demand_reset_flag = bit(time_func_flag1, 2)
    season_chng_armed_flag = bit(time_func_flag1, 3)  #: a season changes with the next demand reset only
    sort_dates_flag = bit(time_func_flag1, 4)
    anchor_date_flag = bit(time_func_flag1, 5)
    time_func_flag2 = item(UINT8)
    cap_dst_auto_flag = bit(time_func_flag2, 0)  #: daylight saving without help of the calendar
    separate_weekdays_flag = bit(time_func_flag2, 1)
    separate_sum_demands_flag = bit(time_func_flag2, 2)  #: tiers of summations and demands are apart
    sort_tier_switches_flag = bit(time_func_flag2, 3)
    cap_tm_zn_offset_flag = bit(time_func_flag2, 4)  #: ST53 has the time zone
    calendar_func = item(UINT8)
    nbr_seasons = bits(calendar_func, 0, 3)
    nbr_special_sched = bits(calendar_func, 4, 7)
    nbr_non_recurr_dates = item(UINT8)
    nbr_recurr_dates = item(UINT8)
    nbr_tier_switches = item(UINT16)
    calendar_tbl_size = item(UINT16)  #: octets of ST54


class DimTimeTou(TimeTouDimensions, Table, number=50):
    """DIM_TIME_TOU_TBL: the most the meter supports."""


class ActTimeTou(TimeTouDimensions, Table, number=51):
    """ACT_TIME_TOU_TBL: clock and calendar as they are configured."""

    @classmethod
    def from_dimension(cls, dimension: DimTimeTou) -> Self:
        """Return what ST50 says as if ST51 had said it, for meters without ST51."""
        return cls(**{f.name: getattr(dimension, f.name) for f in cls.fields})


class ClockState(Record):
    """CLOCK_STATE_RCD: what ST52 and ST55 have in common."""

    clock_calendar = item(LTIME_DATE)  #: what follows from it hangs on the qualifier: `read_clock`
    time_date_qual = item(UINT8)
    day_of_week = bits(time_date_qual, 0, 2)  #: 0 Sunday .. 6 Saturday, 7 not told
    dst_flag = bit(time_date_qual, 3)  #: daylight saving is in effect
    gmt_flag = bit(time_date_qual, 4)  #: the time is UTC
    tm_zn_applied_flag = bit(time_date_qual, 5)  #: the time zone is in the time
    dst_applied_flag = bit(time_date_qual, 6)  #: daylight saving is in the time
    dst_supported_flag = bit(time_date_qual, 7)


class Clock(ClockState, Table, number=52):
    """CLOCK_TBL: the time now."""


class TimeOffset(Table, number=53):
    """TIME_OFFSET_TBL: how the meter's time differs from UTC."""

    dst_time_eff = item(TIME)  #: time of day at which daylight saving begins and ends
    dst_time_amt = item(UINT8)  #: minutes
    time_zone_offset = item(INT16, when=ActTimeTou.cap_tm_zn_offset_flag)  #: minutes, west negative


class ClockStateTbl(ClockState, Table, number=55):
    """CLOCK_STATE_TBL: the time now, and the tier and season in effect."""

    status = item(UINT16)
    curr_summ_tier = bits(status, 0, 2)  #: also of demands, unless ST51 separates them
    curr_demand_tier = bits(status, 3, 5)
    tier_drive = bits(status, 6, 7)  #: 0: the tiers follow the calendar
    special_schd_active = bits(status, 8, 11)  #: 15: none
    season = bits(status, 12, 15)


class TimeRemain(Table, number=56):
    """TIME_REMAIN_TBL: what is left until tiers change and registers are stored away."""

    summ_tier_time_remain = item(UINT16, when=ActTimeTou.separate_sum_demands_flag)  #: minutes
    demand_tier_time_remain = item(UINT16, when=ActTimeTou.separate_sum_demands_flag)  #: minutes
    tier_time_remain = item(UINT16, when=~ActTimeTou.separate_sum_demands_flag)  #: minutes
    self_read_days_remain = item(UINT8)  #: days
