"""The billing registers at any moment, as the records that BT23, BT24, BT25 and BT26 hold.

Source: OSGP guide, BT23; C12.19 for cumulative demand: the sum of what each demand reset ended, and for
continuous cumulative demand: that and the present demand.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from meterkit.codec.layout import InvalidTime
from meterkit.emulator.configuration import (
    CoincidentConfiguration,
    DemandConfiguration,
    EmulatorConfiguration,
)
from meterkit.emulator.demand import DemandMeter, Peak
from meterkit.emulator.measurement import Measurement
from meterkit.psem.tables.registers import CoincidentRcd, DataBlkRcd, DemandRcd, RegisterData

_INT32_MASK = 0x7FFFFFFF  # registers roll over within the positive half
_NO_TIME = InvalidTime(bytes(5))  # STIME_DATE of a demand that nothing has set since the reset

Resets = tuple[datetime, ...]  #: when demands began to count, and every demand reset since, UTC
_PeakKey = tuple[int, bool, datetime, datetime, int | None]


class RegisterBank:
    """Totals and tiers of one meter.  `nbr_summations` are the first of its 19 that it has."""

    def __init__(
        self, measurement: Measurement, configuration: EmulatorConfiguration, nbr_summations: int
    ) -> None:
        self.measurement = measurement
        self.demand_meter = DemandMeter(measurement, configuration.demand_interval)
        self._configuration = configuration
        self._nbr_summations = nbr_summations
        self._ended: dict[_PeakKey, Peak | None] = {}  # of periods that a demand reset ended

    @property
    def nothing(self) -> RegisterData:
        """The registers of an entry that was never written: zeroes."""
        configuration = self._configuration
        none = 0 if configuration.cumulative_demand else None
        demand = DemandRcd(event_time=(_NO_TIME,), cum_demand=none, cont_cum_demand=none, demand=(0,))
        block = DataBlkRcd(
            summations=(0,) * self._nbr_summations,
            demands=(demand,) * len(configuration.demands),
            coincidents=(CoincidentRcd(coincident_values=(0,)),) * len(configuration.coincidents),
        )
        return RegisterData(
            nbr_demand_resets=0 if configuration.demands else None,
            tot_data_block=block,
            tier_data_block=(block,) * self.measurement.nbr_tiers,
        )

    def at(self, time: datetime, resets: Resets) -> RegisterData:
        """Return the registers as they stand at `time`, when the demand resets so far were `resets`."""
        measurement = self.measurement
        totals, tiers = measurement.summations(time), measurement.tier_summations(time)
        blocks = [
            self._block(values, time, resets, tier)
            for values, tier in zip((totals, *tiers), (None, *range(len(tiers))), strict=True)
        ]
        has_counter = bool(self._configuration.demands)
        return RegisterData(
            nbr_demand_resets=len(resets) - 1 & 0xFF if has_counter else None,
            tot_data_block=blocks[0],
            tier_data_block=tuple(blocks[1:]),
        )

    def _block(
        self, summations: tuple[int, ...], time: datetime, resets: Resets, tier: int | None
    ) -> DataBlkRcd:
        demands = tuple(self._demand(one, time, resets, tier) for one in self._configuration.demands)
        return DataBlkRcd(
            summations=tuple(value & _INT32_MASK for value in summations[: self._nbr_summations]),
            demands=demands,
            coincidents=tuple(
                self._coincident(one, time, resets, tier) for one in self._configuration.coincidents
            ),
        )

    def _demand(
        self, demand: DemandConfiguration, time: datetime, resets: Resets, tier: int | None
    ) -> DemandRcd:
        peak = self._peak(demand, resets[-1], time, tier)
        value = peak.power if peak else 0
        is_cumulative = self._configuration.cumulative_demand
        ended = self._ended_sum(demand, resets, tier) if is_cumulative else 0
        return DemandRcd(
            event_time=(peak.time if peak else _NO_TIME,),
            cum_demand=ended & _INT32_MASK if is_cumulative else None,
            cont_cum_demand=ended + value & _INT32_MASK if is_cumulative else None,
            demand=(value & _INT32_MASK,),
        )

    def _coincident(
        self, coincident: CoincidentConfiguration, time: datetime, resets: Resets, tier: int | None
    ) -> CoincidentRcd:
        demand = self._configuration.demands[coincident.demand]
        peak = self._peak(demand, resets[-1], time, tier)
        value = self.demand_meter.mean(coincident.source, peak.time) if peak else 0
        return CoincidentRcd(coincident_values=(value & _INT32_MASK,))

    def _ended_sum(self, demand: DemandConfiguration, resets: Resets, tier: int | None) -> int:
        total = 0
        for start, end in pairwise(resets):
            key = (demand.source, demand.is_maximum, start, end, tier)
            if key not in self._ended:
                self._ended[key] = self._peak(demand, start, end, tier)
            peak = self._ended[key]
            total += peak.power if peak else 0
        return total

    def _peak(
        self, demand: DemandConfiguration, start: datetime, end: datetime, tier: int | None
    ) -> Peak | None:
        return self.demand_meter.peak(demand.source, demand.is_maximum, start, end, tier)
