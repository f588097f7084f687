"""Interface classes of time: the clock, scripts, schedules, special days, the activity calendar.

    day_profile_action   { start_time, script_logical_name, script_selector }   what, when
    specialday           { index, specialday_date, day_id }                     which day, on which date

Source: Blue Book 4.5.1 to 4.5.5, 4.5.7; general knowledge.
"""

from __future__ import annotations

from meterkit.codec.axdr import BitString
from meterkit.codec.cosem_time import ClockStatus, CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.codes import Code
from meterkit.dlms.cosem.composite_types import array, element, structure
from meterkit.dlms.cosem.data_types import (
    ANY,
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    LOGICAL_NAME,
    LONG,
    LONG_UNSIGNED,
    NOTHING,
    OCTET_DATE,
    OCTET_DATE_TIME,
    OCTET_STRING,
    OCTET_TIME,
    UNSIGNED,
    FlagsType,
)
from meterkit.dlms.cosem.declare import CosemObject, attribute, method
from meterkit.dlms.cosem.definitions import ActionItem
from meterkit.dlms.cosem.obis import ObisCode


# ---------------------------------------------------------------- the clock
class ClockBase(Code):
    """What drives a clock."""

    NOT_DEFINED = 0, "not defined"
    INTERNAL_CRYSTAL = 1, "internal crystal"
    MAINS_50_HZ = 2, "mains frequency, 50 Hz"
    MAINS_60_HZ = 3, "mains frequency, 60 Hz"
    GPS = 4, "global positioning system"
    RADIO_CONTROLLED = 5, "radio controlled"


@structure
class PresetTime:
    """A time to set, and between which times it may be set."""

    preset_time: CosemDateTime = element(OCTET_DATE_TIME)
    validity_interval_start: CosemDateTime = element(OCTET_DATE_TIME)
    validity_interval_end: CosemDateTime = element(OCTET_DATE_TIME)


class Clock(CosemObject, class_id=8, version=0):
    """Clock: date and time, their distance from UTC, summer time."""

    time = attribute(2, OCTET_DATE_TIME)
    time_zone = attribute(3, LONG, static=True)  #: minutes; UTC = local normal time + time_zone
    status = attribute(4, FlagsType(UNSIGNED, ClockStatus))
    daylight_savings_begin = attribute(5, OCTET_DATE_TIME, static=True)
    daylight_savings_end = attribute(6, OCTET_DATE_TIME, static=True)
    daylight_savings_deviation = attribute(7, INTEGER, static=True)  #: minutes, -120 to 120
    daylight_savings_enabled = attribute(8, BOOLEAN, static=True)
    clock_base = attribute(9, ClockBase, static=True)
    adjust_to_quarter = method(1, NOTHING)
    adjust_to_measuring_period = method(2, NOTHING)
    adjust_to_minute = method(3, NOTHING)
    adjust_to_preset_time = method(4, NOTHING)
    preset_adjusting_time = method(5, PresetTime)
    shift_time = method(6, LONG)  #: seconds, -900 to 900


# ---------------------------------------------------------------- scripts
class ScriptService(Code):
    """What an action of a script does."""

    WRITE = 1, "write an attribute"
    EXECUTE = 2, "invoke a method"


@structure
class ScriptAction:
    """One action of a script."""

    service_id: ScriptService = element(ScriptService)
    class_id: int = element(LONG_UNSIGNED)
    logical_name: ObisCode = element(LOGICAL_NAME)
    index: int = element(INTEGER)  #: of the attribute or the method
    parameter: object = element(ANY)


@structure
class Script:
    """A script: its actions, in order."""

    script_identifier: int = element(LONG_UNSIGNED)  #: from 1
    actions: tuple[ScriptAction, ...] = element(array(ScriptAction))


class ScriptTable(CosemObject, class_id=9, version=0):
    """Script table: scripts that other objects, or a client, have executed."""

    scripts = attribute(2, array(Script), static=True)
    execute = method(1, LONG_UNSIGNED)  #: the script_identifier


# ---------------------------------------------------------------- schedules
@structure
class ScheduleEntry:
    """When which script is executed."""

    index: int = element(LONG_UNSIGNED)
    enable: bool = element(BOOLEAN)
    script_logical_name: ObisCode = element(LOGICAL_NAME)
    script_selector: int = element(LONG_UNSIGNED)
    switch_time: CosemTime = element(OCTET_TIME)
    validity_window: int = element(LONG_UNSIGNED)  #: minutes after a power failure; FFFF always
    exec_weekdays: BitString = element(BIT_STRING)  #: Monday first
    exec_specdays: BitString = element(BIT_STRING)  #: day_ids of the special days table
    begin_date: CosemDate = element(OCTET_DATE)
    end_date: CosemDate = element(OCTET_DATE)


@structure
class EntriesToSwitch:
    """Entries to disable (A) and entries to enable (B), each from first to last; 0 to 0 none."""

    first_index_a: int = element(LONG_UNSIGNED)
    last_index_a: int = element(LONG_UNSIGNED)
    first_index_b: int = element(LONG_UNSIGNED)
    last_index_b: int = element(LONG_UNSIGNED)


@structure
class EntriesToDelete:
    """Entries from first to last."""

    first_index: int = element(LONG_UNSIGNED)
    last_index: int = element(LONG_UNSIGNED)


class Schedule(CosemObject, class_id=10, version=0):
    """Schedule: scripts by time, weekday, special day and date."""

    entries = attribute(2, array(ScheduleEntry), static=True)
    enable_disable = method(1, EntriesToSwitch)
    insert = method(2, ScheduleEntry)
    delete = method(3, EntriesToDelete)


@structure
class SpecialDay:
    """A date, or a pattern of dates, and what day it is."""

    index: int = element(LONG_UNSIGNED)
    specialday_date: CosemDate = element(OCTET_DATE)
    day_id: int = element(UNSIGNED)


class SpecialDaysTable(CosemObject, class_id=11, version=0):
    """Special days table: dates that are no ordinary days for schedule and calendar."""

    entries = attribute(2, array(SpecialDay), static=True)
    insert = method(1, SpecialDay)
    delete = method(2, LONG_UNSIGNED)  #: the index of an entry


# ---------------------------------------------------------------- the activity calendar
@structure
class SeasonProfile:
    """A season: when it begins, and which week it has."""

    season_profile_name: bytes = element(OCTET_STRING)
    season_start: CosemDateTime = element(OCTET_DATE_TIME)
    week_name: bytes = element(OCTET_STRING)


@structure
class WeekProfile:
    """A week: the day_id of each day."""

    week_profile_name: bytes = element(OCTET_STRING)
    monday: int = element(UNSIGNED)
    tuesday: int = element(UNSIGNED)
    wednesday: int = element(UNSIGNED)
    thursday: int = element(UNSIGNED)
    friday: int = element(UNSIGNED)
    saturday: int = element(UNSIGNED)
    sunday: int = element(UNSIGNED)


@structure
class DayProfileAction:
    """From which time of day on which script holds."""

    start_time: CosemTime = element(OCTET_TIME)
    script_logical_name: ObisCode = element(LOGICAL_NAME)
    script_selector: int = element(LONG_UNSIGNED)


@structure
class DayProfile:
    """A day: its scripts by time."""

    day_id: int = element(UNSIGNED)
    day_schedule: tuple[DayProfileAction, ...] = element(array(DayProfileAction))


class ActivityCalendar(CosemObject, class_id=20, version=0):
    """Activity calendar: seasons, weeks and days of tariffs; one that acts, one that is prepared."""

    calendar_name_active = attribute(2, OCTET_STRING, static=True)
    season_profile_active = attribute(3, array(SeasonProfile), static=True)
    week_profile_table_active = attribute(4, array(WeekProfile), static=True)
    day_profile_table_active = attribute(5, array(DayProfile), static=True)
    calendar_name_passive = attribute(6, OCTET_STRING, static=True)
    season_profile_passive = attribute(7, array(SeasonProfile), static=True)
    week_profile_table_passive = attribute(8, array(WeekProfile), static=True)
    day_profile_table_passive = attribute(9, array(DayProfile), static=True)
    activate_passive_calendar_time = attribute(10, OCTET_DATE_TIME, static=True)
    activate_passive_calendar = method(1, NOTHING)


class SingleActionType(Code):
    """What the execution times of a single action schedule may leave open."""

    ONE_TIME_WILDCARDS = 1, "one time; wildcards in its date"
    SAME_TIMES = 2, "several dates, one time of day; no wildcards in dates"
    SAME_TIMES_WILDCARDS = 3, "several dates, one time of day; wildcards in dates"
    TIMES = 4, "several dates and times of day; no wildcards in dates"
    TIMES_WILDCARDS = 5, "several dates and times of day; wildcards in dates"


@structure
class ExecutionTimeDate:
    """When a script is executed."""

    time: CosemTime = element(OCTET_TIME)
    date: CosemDate = element(OCTET_DATE)


class SingleActionSchedule(CosemObject, class_id=22, version=0):
    """Single action schedule: one script, at times."""

    executed_script = attribute(2, ActionItem, static=True)
    type = attribute(3, SingleActionType, static=True)
    execution_time = attribute(4, array(ExecutionTimeDate), static=True)
