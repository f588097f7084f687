"""What the calendar and the mains bring about: power failures, seasons, tariffs, self reads, demand resets.

A pure function of household and configuration, so that a meter's past is the same on every machine.  All
times are UTC, which the emulated meter's clock keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.household import INSTALLED
from meterkit.emulator.load_profile import is_summer_time
from meterkit.emulator.measurement import Measurement, season_of

_MONDAY = 0


class Occasion(Enum):
    """What can happen."""

    POWER_DOWN = "power down"
    POWER_UP = "power up"
    SELF_READ = "self read"
    DEMAND_RESET = "demand reset"
    SEASON_CHANGE = "season change"
    TIER_SWITCH = "tier switch"
    DST_ON = "daylight saving on"
    DST_OFF = "daylight saving off"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens; `argument` is the new season or tier."""

    time: datetime  #: UTC
    occasion: Occasion
    argument: int = 0


def happenings(
    measurement: Measurement, configuration: EmulatorConfiguration, after: datetime, until: datetime
) -> Iterator[Happening]:
    """Yield what happens after one time and by another, in order."""
    first = max((after - INSTALLED).days, 0)
    last = (until - INSTALLED).days
    for day in range(first, last + 1):
        for one in _of_day(measurement, configuration, day):
            if after < one.time <= until:
                yield one


def is_self_read_day(configuration: EmulatorConfiguration, day: datetime) -> bool:
    """Tell whether a self read is taken when `day` begins."""
    is_due = {
        "none": False,
        "daily": True,
        "weekly": day.weekday() == _MONDAY,
        "monthly": day.day == 1,
    }[configuration.self_read_schedule]
    return is_due and configuration.self_reads > 0


def _of_day(measurement: Measurement, configuration: EmulatorConfiguration, day: int) -> Iterator[Happening]:
    midnight = INSTALLED + timedelta(days=day)
    yield from _at_midnight(measurement, configuration, day, midnight)
    later: list[Happening] = []
    change = midnight + timedelta(hours=1)  # 01:00 UTC, where Europe changes
    if is_summer_time(change) != is_summer_time(midnight):
        later.append(Happening(change, Occasion.DST_ON if is_summer_time(change) else Occasion.DST_OFF))
    outage = measurement.household.outage(day)
    if outage is not None:
        down, up = (INSTALLED + timedelta(seconds=int(second)) for second in outage)
        later += [Happening(down, Occasion.POWER_DOWN), Happening(up, Occasion.POWER_UP)]
    yield from sorted(later, key=lambda one: one.time)


def _at_midnight(
    measurement: Measurement, configuration: EmulatorConfiguration, day: int, midnight: datetime
) -> Iterator[Happening]:
    """Yield what a new day brings: registers are read before they change."""
    if not day:
        return
    if is_self_read_day(configuration, midnight):
        yield Happening(midnight, Occasion.SELF_READ)
    season = season_of(midnight)
    if season != season_of(midnight - timedelta(days=1)):
        yield Happening(midnight, Occasion.SEASON_CHANGE, season)
    if midnight.day == 1 and configuration.demands and configuration.demand_reset_schedule == "monthly":
        yield Happening(midnight, Occasion.DEMAND_RESET)
    tier = measurement.tier_of(day)
    if tier != measurement.tier_of(day - 1):
        yield Happening(midnight, Occasion.TIER_SWITCH, tier)
