"""Decade 10: what each source measures, and what its numbers mean.  Source: C12.19 Tables 10 to 14 and 16.

    ST16  one octet a source: which of the tables below have an entry for it
    ST12  unit of measure     ST13  demand interval     ST14  manufacturer's     ST15  constants

The k-th entry of ST12 to ST15 is that of the k-th source of ST16 whose flag says it has one.  Layouts and
codes: general knowledge of C12.19, unconfirmed; they agree with public readers of meters.  ST15 has a file
of its own; `meterkit.psem.tables.engineering` puts them together.
"""

from __future__ import annotations

from typing import Self

from meterkit.codec.layout import Record, array, bit, bits, item
from meterkit.codec.wire import OctetString
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import UINT8, UINT16, UINT32

_SECOND_EDITION = 2  # ST0 STD_VERSION_NO of C12.19-2008


class SourceDimensions(Record):
    """What ST10 and ST11 have in common."""

    source_flags = item(UINT8)
    pf_exclude_flag = bit(source_flags, 0)  #: no demand for a while after a power failure
    reset_exclude_flag = bit(source_flags, 1)  #: no second demand reset for a while
    block_demand_flag = bit(source_flags, 2)
    sliding_demand_flag = bit(source_flags, 3)
    thermal_demand_flag = bit(source_flags, 4)
    set1_present_flag = bit(source_flags, 5)  #: ST15 has a first set of ratios
    set2_present_flag = bit(source_flags, 6)
    no_offset_flag = bit(source_flags, 7)  #: C12.19-1997: ST15 has no offset; 2008: CONVERSION_ALG_FLAG
    nbr_uom_entries = item(UINT8)
    nbr_demand_ctrl_entries = item(UINT8)
    data_ctrl_length = item(UINT8)  #: octets of one entry of ST14
    nbr_data_ctrl_entries = item(UINT8)
    nbr_constants_entries = item(UINT8)
    constants_selector = item(UINT8)  #: of ST15: 0 gas by AGA3, 1 gas by AGA7, 2 electric
    nbr_sources = item(UINT8)


class DimSourcesLim(SourceDimensions, Table, number=10):
    """DIM_SOURCES_LIM_TBL: the most the meter supports."""


class ActSourcesLim(SourceDimensions, Table, number=11):
    """ACT_SOURCES_LIM_TBL: the sources as they are configured."""

    @classmethod
    def from_dimension(cls, dimension: DimSourcesLim) -> Self:
        """Return what ST10 says as if ST11 had said it, for meters without ST11."""
        return cls(**{f.name: getattr(dimension, f.name) for f in cls.fields})


#: Whether an entry of ST15 has an offset.  Only the first edition's flag says no; in the second the bit
#: means another thing.
HAS_OFFSET = (GenConfig.std_version_no >= _SECOND_EDITION) | ~ActSourcesLim.no_offset_flag


class UomEntry(Record):
    """UOM_ENTRY_BFLD: unit of measure of one source.  See `meterkit.psem.tables.units`."""

    uom_entry = item(UINT32)
    id_code = bits(uom_entry, 0, 7)  #: physical quantity
    time_base = bits(uom_entry, 8, 10)
    multiplier = bits(uom_entry, 11, 13)  #: code of a power of ten: 0, 2, 3, 6, 9, -2, -3, -6
    q1_accountability = bit(uom_entry, 14)
    q2_accountability = bit(uom_entry, 15)
    q3_accountability = bit(uom_entry, 16)
    q4_accountability = bit(uom_entry, 17)
    net_flow_accountability = bit(uom_entry, 18)  #: delivered less received, else their sum
    segmentation = bits(uom_entry, 19, 21)  #: phases: 0 none, 1 A-B, 2 B-C, 3 C-A, 4 N-G, 5 A, 6 B, 7 C
    harmonic = bit(uom_entry, 22)  #: one harmonic, else the whole signal
    id_resource = bits(uom_entry, 23, 27)  #: C12.19-2008
    nfs = bit(uom_entry, 31)  #: the entry does not follow the standard


class UomEntryTbl(Table, number=12):
    """UOM_ENTRY_TBL: units of measure."""

    uom_entry = array(UomEntry, ActSourcesLim.nbr_uom_entries)


class IntControl(Record):
    """INT_CONTROL_RCD: the demand interval of one source."""

    sub_int = item(UINT8, when=ActSourcesLim.sliding_demand_flag)  #: minutes
    int_multiplier = item(UINT8, when=ActSourcesLim.sliding_demand_flag)  #: sub-intervals in an interval
    int_length = item(UINT16, when=~ActSourcesLim.sliding_demand_flag)  #: minutes


class DemandControl(Table, number=13):
    """DEMAND_CONTROL_TBL: when demand is counted and over how long."""

    reset_exclusion = item(UINT8, when=ActSourcesLim.reset_exclude_flag)  #: minutes after a demand reset
    p_fail_recogntn_tm = item(UINT8, when=ActSourcesLim.pf_exclude_flag)  #: seconds
    p_fail_exclusion = item(UINT8, when=ActSourcesLim.pf_exclude_flag)  #: minutes after a power failure
    cold_load_pickup = item(UINT8, when=ActSourcesLim.pf_exclude_flag)  #: minutes after a power failure
    interval_value = array(IntControl, ActSourcesLim.nbr_demand_ctrl_entries)


class DataControl(Table, number=14):
    """DATA_CONTROL_TBL: octets whose meaning is the manufacturer's."""

    sources_id = array(OctetString(ActSourcesLim.data_ctrl_length), ActSourcesLim.nbr_data_ctrl_entries)


class SourceLink(Record):
    """SOURCE_LINK_BFLD: which tables have an entry for one source."""

    source_link = item(UINT8)
    uom_entry_flag = bit(source_link, 0)
    demand_ctrl_flag = bit(source_link, 1)
    data_ctrl_flag = bit(source_link, 2)
    constants_flag = bit(source_link, 3)
    pulse_engr_flag = bit(source_link, 4)  #: in engineering units, else in pulses
    constant_to_be_applied = bit(source_link, 5)  #: by the reader, else they are already in the value


class Sources(Table, number=16):
    """SOURCES_TBL: one octet a source.  Registers and load profiles name a source by its index here."""

    sources_link = array(SourceLink, ActSourcesLim.nbr_sources)
