"""Decade 20 as octets, from the declarations that a client reads it with.

Source: OSGP guide, BT20 to BT28; C12.19 for BT24, BT25 and BT27, which the guide names only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from meterkit.codec.layout import BitSet, Context, InvalidTime
from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.diary import Diary, Snapshot
from meterkit.emulator.firmware import RegisterCounts
from meterkit.emulator.measurement import present_value_source
from meterkit.emulator.register_bank import RegisterBank
from meterkit.psem.tables.registers import (
    ActRegs,
    CurrentRegData,
    DataSelection,
    DimRegs,
    PreviousDemandResetData,
    PreviousSeasonData,
    RegisterInfo,
)
from meterkit.psem.tables.registers_present import (
    PresentDemandRcd,
    PresentRegisterData,
    PresentRegisterSelection,
)
from meterkit.psem.tables.registers_self_read import SelfReadData, SelfReadEntry

_NO_TIME = InvalidTime(bytes(5))
_SEASON_AND_TIME = 0x03  # BT21 octet 0
_RESET_COUNTER, _CUMULATIVE = 1 << 2, 1 << 4 | 1 << 5
_DEMAND_FLAGS = 0x3C  # BT20 octet 0 from firmware 3.10 on: counter, lockout, both cumulative
_DAILY_AND_WEEKLY, _SEQUENCE_NUMBER = 0x0C, 0x02  # BT21 octet 1
_FOLLOW_THE_GUIDE = ("NES", "ELON", "")  # manufacturers of BT00
_INT32_MASK = 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class SourceNumbers:
    """How BT22 and BT27 name what is measured; summation n is source n."""

    first_demand: int = 0  #: source of demand source 0
    present_value: Callable[[int], int] = present_value_source


class RegisterImages:
    """Encodes BT20 to BT28 of one meter as they stand now."""

    def __init__(
        self,
        configuration: EmulatorConfiguration,
        counts: RegisterCounts,
        bank: RegisterBank,
        diary: Diary,
        now: Callable[[], datetime],
        context: Context,
        sources: SourceNumbers,
    ) -> None:
        self._configuration = configuration
        self._counts = counts
        self._bank, self._diary, self._now = bank, diary, now
        self._basic = context
        self._sources = sources
        dimension = self._dimension()
        self._actual = self._actual_registers() if counts.has_actual else ActRegs.from_dimension(dimension)
        self._context = context.with_(self._actual)
        self._current = CurrentRegData.resolve(self._context)
        self._present = PresentRegisterData.resolve(self._context)
        self._self_read_data = SelfReadData.resolve(self._context)
        self._kept: tuple[int, bytes] | None = None  # version of the ring, image of BT26

    def images(self) -> dict[int, bytes | Callable[[], bytes]]:
        """Return the tables by number.  Before firmware 2.12 there is no BT21 (OSGP guide, BT23)."""
        found: dict[int, bytes | Callable[[], bytes]] = {
            20: DimRegs.resolve(self._basic).encode(self._dimension()),
            22: self._data_selection(),
            23: self._current_register_data,
            24: partial(self._previous, PreviousSeasonData),
            25: partial(self._previous, PreviousDemandResetData),
            26: self._self_reads,
            27: self._present_selection(),
            28: self._present_register_data,
        }
        if self._counts.has_actual:
            found[21] = ActRegs.resolve(self._basic).encode(self._actual)
        return found

    # ---------------------------------------------------------------- BT20, BT21, BT22, BT27
    def _dimension(self) -> DimRegs:
        """Return BT20: the most there can be; before firmware 2.12, where it serves as BT21, what there is.

        The guide prints BT20 of the newest firmware only (doubt D29).
        """
        counts = self._counts
        return DimRegs(
            reg_func1_flags=_SEASON_AND_TIME | (_DEMAND_FLAGS if counts.can_have_demands else 0),
            reg_func2_flags=_DAILY_AND_WEEKLY | _SEQUENCE_NUMBER,
            nbr_self_reads=counts.most_self_reads,
            nbr_summations=counts.most_summations,
            nbr_demands=8 if counts.has_actual else 0,
            nbr_coin_values=16 if counts.has_actual else 0,
            nbr_occur=1,
            nbr_tiers=counts.most_tiers,
            nbr_present_demands=8 if counts.has_actual else 0,
            nbr_present_values=counts.present_values,
        )

    def _actual_registers(self) -> ActRegs:
        """Return BT21: as configured."""
        configuration, counts = self._configuration, self._counts
        flags = _SEASON_AND_TIME | _RESET_COUNTER * bool(configuration.demands)
        return ActRegs(
            reg_func1_flags=flags | _CUMULATIVE * configuration.cumulative_demand,
            reg_func2_flags=_DAILY_AND_WEEKLY,
            nbr_self_reads=counts.self_reads,
            nbr_summations=counts.summations,
            nbr_demands=len(configuration.demands),
            nbr_coin_values=len(configuration.coincidents),
            nbr_occur=1,
            nbr_tiers=configuration.nbr_tiers,
            nbr_present_demands=len(configuration.demands),
            nbr_present_values=counts.present_values,
        )

    def _data_selection(self) -> bytes:
        """Encode BT22."""
        demands, coincidents = self._configuration.demands, self._configuration.coincidents
        maxima = {number for number, demand in enumerate(demands) if demand.is_maximum}
        record = DataSelection(
            summation_select=tuple(range(self._counts.summations)),
            demand_select=tuple(self._sources.first_demand + demand.source for demand in demands),
            min_or_max_flags=BitSet.of(maxima, (len(demands) + 7) // 8),
            coincident_select=tuple(self._sources.first_demand + one.source for one in coincidents),
            coin_demand_assoc=tuple(coincident.demand for coincident in coincidents),
        )
        return DataSelection.resolve(self._context).encode(record)

    def _present_selection(self) -> bytes:
        """Encode BT27."""
        demands = self._configuration.demands
        record = PresentRegisterSelection(
            present_demand_select=tuple(self._sources.first_demand + demand.source for demand in demands),
            present_value_select=tuple(map(self._sources.present_value, range(self._counts.present_values))),
        )
        return PresentRegisterSelection.resolve(self._context).encode(record)

    # ---------------------------------------------------------------- BT23, BT24, BT25
    def _current_register_data(self) -> bytes:
        """Encode BT23."""
        data = self._bank.at(self._now(), self._diary.resets)
        return self._current.encode(CurrentRegData(**{f.name: getattr(data, f.name) for f in data.fields}))

    def _previous(self, table: type[PreviousSeasonData] | type[PreviousDemandResetData]) -> bytes:
        """Encode BT24 or BT25: zeroes as long as there is nothing to tell."""
        layout = table.resolve(self._context)
        is_season = table is PreviousSeasonData
        snapshot = self._diary.season_end if is_season else self._diary.demand_end
        if snapshot is None:
            return bytes(layout.size or 0)
        info, data = self._info(snapshot), snapshot.registers(self._bank)
        if is_season:
            record = PreviousSeasonData(register_info=info, prev_season_reg_data=data)
            return PreviousSeasonData.resolve(self._context).encode(record)
        reset = PreviousDemandResetData(register_info=info, prev_demand_reset_data=data)
        return PreviousDemandResetData.resolve(self._context).encode(reset)

    @staticmethod
    def _info(snapshot: Snapshot) -> RegisterInfo:
        return RegisterInfo(
            end_date_time=snapshot.time.replace(second=0, microsecond=0), season=snapshot.season
        )

    # ---------------------------------------------------------------- BT26, BT28
    def _self_reads(self) -> bytes:
        """Encode BT26; the image is kept until there is another self read."""
        ring = self._diary.self_reads
        if self._kept is None or self._kept[0] != ring.version:
            self._kept = ring.version, self._encode_self_reads()
        return self._kept[1]

    def _encode_self_reads(self) -> bytes:
        ring = self._diary.self_reads
        record = SelfReadData(
            list_status=ring.list_status,
            nbr_valid_entries=ring.nbr_valid,
            last_entry_element=ring.last,
            last_entry_seq_nbr=self._diary.last_self_read,
            nbr_unread_entries=ring.nbr_unread,
            self_reads_entries=tuple(self._entry(snapshot) for snapshot in ring.entries),
        )
        return self._self_read_data.encode(record)

    def _entry(self, snapshot: Snapshot | None) -> SelfReadEntry:
        has_demands = bool(self._actual.nbr_demands)
        is_guided = self._configuration.manufacturer.strip() in _FOLLOW_THE_GUIDE
        if snapshot is None:
            info = RegisterInfo(end_date_time=_NO_TIME, season=0)
            data = self._bank.nothing
        else:
            info, data = self._info(snapshot), snapshot.registers(self._bank)
        return SelfReadEntry(
            bidn=self._configuration.bidn if is_guided and has_demands else None,
            self_read_seq_nbr=0 if not is_guided and self._actual.self_read_seq_nbr_flag else None,
            register_info=info,
            self_read_register_data=data,
        )

    def _present_register_data(self) -> bytes:
        """Encode BT28: the demands as they grow; power, current, voltage and so on as they are now."""
        now, meter = self._now(), self._bank.demand_meter
        demands = tuple(
            PresentDemandRcd(
                time_remaining=None, demand_value=meter.present(demand.source, now) & _INT32_MASK
            )
            for demand in self._configuration.demands
        )
        values = self._bank.measurement.present_values(now, self._counts.present_values)
        values = values[: self._counts.present_values]
        record = PresentRegisterData(present_demand=demands, present_value=tuple(values))
        return self._present.encode(record)
