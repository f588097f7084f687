"""A C12.19 meter that is no OSGP meter: its numbers mean something through ST11 to ST16 only.

    source 0..3    Wh and varh, delivered and received: dial readings
    source 4..7    W and var, the same four: block demands over the interval of ST13
    source 8..19   present values: W, var, A and V of three phases, power factor, frequency;
                   each V has an entry of ST14: the number of its phase

Numbers are those of the secondary side; ST15 has the ratios of the transformers, which the reader applies.
Its clock follows UTC, as the qualifier says.  Source: C12.19 Tables 10 to 16 and 56.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from meterkit.codec.layout import Context
from meterkit.emulator.calendar_images import calendar_images
from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.firmware import RegisterCounts
from meterkit.emulator.load_profile_images import LoadProfileImages
from meterkit.emulator.log_images import LogImages
from meterkit.emulator.nameplate_images import nameplate_images
from meterkit.emulator.osgp_meter import OsgpTables, put
from meterkit.emulator.register_images import RegisterImages, SourceNumbers
from meterkit.emulator.schedule import is_self_read_day
from meterkit.emulator.table_store import Octets
from meterkit.psem.tables.clock import ActTimeTou, TimeRemain
from meterkit.psem.tables.constants import Constants, ElectricConstants, SetApplied
from meterkit.psem.tables.sources import (
    ActSourcesLim,
    DataControl,
    DemandControl,
    DimSourcesLim,
    IntControl,
    SourceLink,
    Sources,
    UomEntry,
    UomEntryTbl,
)

if TYPE_CHECKING:
    from meterkit.emulator.meter import MeterEmulator

_NBR_ENERGIES = _NBR_DEMANDS = 4
_FIRST_DEMAND, _FIRST_PRESENT, _NBR_SOURCES = 4, 8, 20
_BLOCK_DEMAND, _SET_1, _NO_OFFSET = 1 << 2, 1 << 5, 1 << 7  # ST11 flags
_ELECTRIC = 2  # ST11 selector of ST15
_W, _VAR, _V, _A, _POWER_FACTOR, _HZ = 0, 1, 8, 12, 24, 33  # ST12 ID_CODE
_DIAL, _NOW, _BLOCK = 0, 1, 4  # ST12 TIME_BASE
_THOUSANDTHS = 6  # ST12 MULTIPLIER
_DELIVERED, _RECEIVED = 0b1001 << 14, 0b0110 << 14  # ST12: quadrants 1 and 4, 2 and 3
_IMPORT, _EXPORT = 0b0011 << 14, 0b1100 << 14  # reactive: quadrants 1 and 2, 3 and 4
_UOM, _DEMAND_CTRL, _DATA_CTRL, _CONSTANTS = 1, 1 << 1, 1 << 2, 1 << 3  # ST16
_ENGINEERING, _TO_BE_APPLIED = 1 << 4, 1 << 5  # ST16
_FIRST_VOLTAGE = 15  # source
_FLOWS = ((_W, _DELIVERED), (_W, _RECEIVED), (_VAR, _IMPORT), (_VAR, _EXPORT))
_PHASES = (5, 6, 7)  # ST12 SEGMENTATION
_HOURS_FROM_UTC = -5
_FARTHEST_SELF_READ = 255  # days that ST56 can tell; of a meter without self reads too


def fill(emulator: MeterEmulator) -> None:
    """Put the meter's tables into its store."""
    tables = OsgpTables(emulator)
    configuration, context = emulator.configuration, tables.context
    images: dict[int, Octets | Callable[[], Octets]] = {
        0: tables.general_configuration,
        1: tables.manufacturer_identification(),
        3: tables.plain_mode_status,
        4: tables.pending_status,
        5: tables.device_identification(),
        7: bytes(3),
        8: bytes(4),
        52: tables.clock,
        55: tables.clock_state,
    }
    images |= nameplate_images(configuration, context)
    images |= _source_images(configuration, context)
    calendar = calendar_images(configuration, context, hours_from_utc=_HOURS_FROM_UTC)
    images |= calendar
    dated = context.with_(ActTimeTou.resolve(context).decode(calendar[51]))
    images[56] = lambda: _time_remaining(configuration, dated, emulator.now())
    numbers = SourceNumbers(_FIRST_DEMAND, lambda number: _FIRST_PRESENT + number)
    counts = RegisterCounts.of(configuration)
    bank, diary = emulator.register_bank, emulator.diary
    images |= RegisterImages(configuration, counts, bank, diary, emulator.now, context, numbers).images()
    entries = configuration.event_log_entries
    logs = LogImages(diary, context, entries=entries, has_actual=True)
    images |= logs.images()
    images |= logs.of_the_standard()
    if emulator.profiles:
        profile_images = LoadProfileImages(emulator.profiles, context)
        images[61] = profile_images.actual_load_profile()
        images[62] = profile_images.load_profile_control()
        images[63] = profile_images.load_profile_status
        for number, profile in enumerate(emulator.profiles):
            images[64 + number] = partial(getattr, profile, "table")
    put(emulator, images, tables.elements())


def _source_images(configuration: EmulatorConfiguration, context: Context) -> dict[int, bytes]:
    """Encode ST10 to ST16; ST10 allows what ST11 says there is."""
    limits = _limits()
    most = DimSourcesLim(**{field.name: getattr(limits, field.name) for field in limits.fields})
    known = context.with_(limits)
    units = UomEntryTbl(uom_entry=tuple(UomEntry(uom_entry=entry) for entry in _units()))
    phases = DataControl(sources_id=tuple(bytes([number]) for number, _ in enumerate(_PHASES, 1)))
    links = Sources(sources_link=tuple(SourceLink(source_link=link) for link in _links()))
    return {
        10: DimSourcesLim.resolve(context).encode(most),
        11: ActSourcesLim.resolve(context).encode(limits),
        12: UomEntryTbl.resolve(known).encode(units),
        13: DemandControl.resolve(known).encode(_demand_control(configuration)),
        14: DataControl.resolve(known).encode(phases),
        15: Constants.resolve(known).encode(_constants(configuration)),
        16: Sources.resolve(known).encode(links),
    }


def _limits() -> ActSourcesLim:
    return ActSourcesLim(
        source_flags=_BLOCK_DEMAND | _SET_1 | _NO_OFFSET,
        nbr_uom_entries=_NBR_SOURCES,
        nbr_demand_ctrl_entries=_NBR_DEMANDS,
        data_ctrl_length=1,
        nbr_data_ctrl_entries=len(_PHASES),
        nbr_constants_entries=_NBR_ENERGIES + _NBR_DEMANDS,
        constants_selector=_ELECTRIC,
        nbr_sources=_NBR_SOURCES,
    )


def _demand_control(configuration: EmulatorConfiguration) -> DemandControl:
    interval = IntControl(sub_int=None, int_multiplier=None, int_length=configuration.demand_interval)
    return DemandControl(
        reset_exclusion=None,
        p_fail_recogntn_tm=None,
        p_fail_exclusion=None,
        cold_load_pickup=None,
        interval_value=(interval,) * _NBR_DEMANDS,
    )


def _constants(configuration: EmulatorConfiguration) -> Constants:
    ratios = SetApplied(set_flags=0, ratio_f1=configuration.ct_ratio, ratio_p1=configuration.vt_ratio)
    constants = ElectricConstants(multiplier=1, offset=None, set1_constants=ratios, set2_constants=None)
    every = (constants,) * (_NBR_ENERGIES + _NBR_DEMANDS)
    return Constants(gas_aga3=None, gas_aga7=None, electric=every)


def _units() -> list[int]:
    """Return the entries of ST12, source by source."""
    entries = [kind | base << 8 | flow for base in (_DIAL, _BLOCK, _NOW) for kind, flow in _FLOWS]
    for kind in (_A, _V):
        entries += [kind | _NOW << 8 | _THOUSANDTHS << 11 | phase << 19 for phase in _PHASES]
    return entries + [kind | _NOW << 8 | _THOUSANDTHS << 11 for kind in (_POWER_FACTOR, _HZ)]


def _links() -> list[int]:
    """Return the entries of ST16: what is to be multiplied, and which sources have a demand interval."""
    multiplied = _UOM | _CONSTANTS | _ENGINEERING | _TO_BE_APPLIED
    energies, demands = [multiplied] * _NBR_ENERGIES, [multiplied | _DEMAND_CTRL] * _NBR_DEMANDS
    present = [_UOM | _ENGINEERING] * (_NBR_SOURCES - _FIRST_PRESENT)
    for phase in range(len(_PHASES)):
        present[_FIRST_VOLTAGE - _FIRST_PRESENT + phase] |= _DATA_CTRL
    return energies + demands + present


def _time_remaining(configuration: EmulatorConfiguration, context: Context, now: datetime) -> bytes:
    """Encode ST56: minutes until the tier may change, at midnight, and days until the next self read."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    days = range(1, _FARTHEST_SELF_READ)
    coming = (n for n in days if is_self_read_day(configuration, midnight + timedelta(days=n - 1)))
    record = TimeRemain(
        tier_time_remain=int((midnight - now) / timedelta(minutes=1)),
        self_read_days_remain=next(coming, _FARTHEST_SELF_READ),
    )
    return TimeRemain.resolve(context).encode(record)
