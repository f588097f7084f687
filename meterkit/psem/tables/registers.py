"""Decade 20: billing registers and what they hold.  Source: C12.19 Tables 20 to 25; OSGP guide, BT20 to BT23.

    register data   demand resets | totals  | tier 1  | tier 2 ...
    data block                     summations | demands | coincidents

Self reads (ST26) and present registers (ST27, ST28) have files of their own.
"""

from __future__ import annotations

from typing import Self

from meterkit.codec.layout import Record, array, bit, bits, item, octet_set
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import NI_FMAT1, NI_FMAT2, STIME_DATE, UINT8


class RegisterDimensions(Record):
    """What ST20 and ST21 have in common: which register fields exist, and how many."""

    reg_func1_flags = item(UINT8)
    season_info_field_flag = bit(reg_func1_flags, 0)
    date_time_field_flag = bit(reg_func1_flags, 1)
    demand_reset_ctr_flag = bit(reg_func1_flags, 2)
    demand_reset_lock_flag = bit(reg_func1_flags, 3)
    cum_demand_flag = bit(reg_func1_flags, 4)
    cont_cum_demand_flag = bit(reg_func1_flags, 5)
    time_remaining_flag = bit(reg_func1_flags, 6)
    reg_func2_flags = item(UINT8)
    self_read_inhibit_overflow_flag = bit(reg_func2_flags, 0)
    self_read_seq_nbr_flag = bit(reg_func2_flags, 1)  #: OSGP: see SelfReadEntry.bidn (D02)
    daily_self_read_flag = bit(reg_func2_flags, 2)
    weekly_self_read_flag = bit(reg_func2_flags, 3)
    self_read_demand_reset = bits(reg_func2_flags, 4, 5)  #: OSGP: 0, neither brings the other about
    nbr_self_reads = item(UINT8)
    nbr_summations = item(UINT8)  #: OSGP: 11, 15 or 19
    nbr_demands = item(UINT8)
    nbr_coin_values = item(UINT8)  #: coincident values
    nbr_occur = item(UINT8)  #: maxima of each demand
    nbr_tiers = item(UINT8)  #: OSGP: 4, or 8 from firmware 3.70 on
    nbr_present_demands = item(UINT8)
    nbr_present_values = item(UINT8)  #: OSGP: as read, whatever BT20's own text says (D09)


class DimRegs(RegisterDimensions, Table, number=20):
    """DIM_REGS_TBL: the most the meter supports."""


class ActRegs(RegisterDimensions, Table, number=21):
    """ACT_REGS_TBL: the registers as they are configured.

    Meters of firmware 2.01 and 2.10 refuse it (IAR): use BT20 by `from_dimension`.  BT21.8 counts up to
    BT20.8; the scan says BT28.08 (D36).
    """

    @classmethod
    def from_dimension(cls, dimension: DimRegs) -> Self:
        """Return what ST20 says as if ST21 had said it, for meters without ST21.

        The guide prints BT20 for the newest firmware only; a 2.x meter's own octets count (D29).
        """
        return cls(**{f.name: getattr(dimension, f.name) for f in cls.fields})


class DataSelection(Table, number=22):
    """DATA_SELECTION_TBL: the source of every register, by number."""

    summation_select = array(UINT8, ActRegs.nbr_summations)  #: index into ST16; OSGP: source id
    demand_select = array(UINT8, ActRegs.nbr_demands)
    #: Demand n is a maximum, else a minimum.  Offset BT21.3 + BT21.4, where the scan has a minus (D37).
    min_or_max_flags = octet_set((ActRegs.nbr_demands + 7) // 8)
    coincident_select = array(UINT8, ActRegs.nbr_coin_values)
    coin_demand_assoc = array(UINT8, ActRegs.nbr_coin_values)  #: index into demand_select


class DemandRcd(Record):
    """One demand.  What its flags leave out takes no octets, against the printed offsets (D11)."""

    event_time = array(STIME_DATE, ActRegs.nbr_occur, when=ActRegs.date_time_field_flag)
    cum_demand = item(NI_FMAT1, when=ActRegs.cum_demand_flag)
    cont_cum_demand = item(NI_FMAT1, when=ActRegs.cont_cum_demand_flag)
    demand = array(NI_FMAT2, ActRegs.nbr_occur)


class CoincidentRcd(Record):
    """One value as it was when its demand was at its maximum."""

    coincident_values = array(NI_FMAT2, ActRegs.nbr_occur)


class DataBlkRcd(Record):
    """The registers of the totals or of one tier."""

    #: Units: see `meterkit.psem.tables.osgp.summations`, or the sources of ST22.
    summations = array(NI_FMAT1, ActRegs.nbr_summations)
    demands = array(DemandRcd, ActRegs.nbr_demands)
    coincidents = array(CoincidentRcd, ActRegs.nbr_coin_values)


class RegisterData(Record):
    """REGISTER_DATA_RCD: all registers at one moment."""

    nbr_demand_resets = item(UINT8, when=ActRegs.demand_reset_ctr_flag)
    tot_data_block = item(DataBlkRcd)
    tier_data_block = array(DataBlkRcd, ActRegs.nbr_tiers)


class RegisterInfo(Record):
    """REGISTER_INFO_RCD: when registers were stored away."""

    end_date_time = item(STIME_DATE, when=ActRegs.date_time_field_flag)  #: by the meter's clock of ST55
    season = item(UINT8, when=ActRegs.season_info_field_flag)


class CurrentRegData(RegisterData, Table, number=23):
    """CURRENT_REG_DATA_TBL: the registers now.

    OSGP: CT and VT ratios are already in the values; energy register units (1, 10, 100) are not.
    """


class PreviousSeasonData(Table, number=24):
    """PREVIOUS_SEASON_DATA_TBL: the registers when the last season ended.

    OSGP: the guide names BT24 in Appendix A only; the shape is C12.19's.
    """

    register_info = item(RegisterInfo)
    prev_season_reg_data = item(RegisterData)


class PreviousDemandResetData(Table, number=25):
    """PREVIOUS_DEMAND_RESET_DATA_TBL: the registers at the last demand reset.

    OSGP: the guide names BT25 in Appendix A only; the shape is C12.19's.
    """

    register_info = item(RegisterInfo)
    prev_demand_reset_data = item(RegisterData)
