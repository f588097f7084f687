"""ET21: the load profile as the meter keeps it.  Source: OSGP guide, ET21 (read access: MK, PK; see D06)."""

from __future__ import annotations

from meterkit.codec.layout import Record, array, bit, item, octets
from meterkit.codec.wire import INT32
from meterkit.errors import ErrorKind, fault
from meterkit.psem.tables.load_profile_tables import ActLp
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import LTIME_DATE, UINT8, UINT16, UINT32

# The guide's "2.10q" and "2.10s" carry letters that BT01 cannot (D28): taken as two builds of 2.10.
_2_10_Q = (2, 10, 0)
_2_10_S = (2, 10, 1)


class LpInternalSet(Record):
    """One data set: 131 octets from firmware 3.50 on, 107, 94, 83, 70 or 38 before."""

    current_block_address = item(UINT32)
    current_interval_address = item(UINT32)
    block_size = item(UINT32)  #: octets
    block_header_size = item(UINT16)  #: octets of end time, end readings and simple status
    nbr_valid_blocks = item(UINT16)
    nbr_valid_intervals = item(UINT16)  #: of the current block
    last_block_index = item(UINT16)
    last_interval_number = item(UINT16)  #: index of the newest interval in its block
    simple_status_offset = item(UINT8)  #: octets from the start of the block
    simple_status_size = item(UINT8)  #: octets
    interval_0_offset = item(UINT8)  #: octets from the start of the block, low 8 bits
    interval_size = item(UINT8)  #: octets
    channel_0_offset = item(UINT8)  #: octets from the start of the interval
    extended_status_common = item(UINT8)  #: of the interval being recorded
    nbr_channels = item(UINT8)
    interval_time = item(UINT8)  #: as BT61's: minutes, 84 stands for 24 hours
    sources = array(UINT8, 8)
    placeholders = array(INT32, 8, since=_2_10_Q)
    sources_expansion = array(UINT8, 8, since=_2_10_S)  #: of channels 8..15 (D43)
    lp_config_id = item(UINT32, since=_2_10_S)
    mep_billing_start_channel = item(UINT8, since=_2_10_S)
    block_start_time = item(LTIME_DATE, since=(3, 10))  #: UTC
    block_start_hour = item(UINT8, since=(3, 10))
    block_start_minute = item(UINT8, since=(3, 10))
    interval_in_progress = item(UINT16, since=(3, 10))  #: 0: none
    lp_options = item(UINT8, since=(3, 10))  #: bit 3: ANSI compliance
    interval_end_time_utc = item(LTIME_DATE, since=(3, 30))
    undescribed_100 = octets(1, since=(3, 30))  #: the guide leaves offset 100 out (D05)
    interval_end_time_local = item(LTIME_DATE, since=(3, 30))
    max_memory_len = item(UINT32, since=(3, 50))  #: octets
    lp_status_flags = item(UINT8, since=(3, 50))  #: reserved before 3.60
    nvmf_occurred = bit(lp_status_flags, 0)  #: non-volatile memory failed since the set was created
    reserved = octets(19, since=(3, 50))


class LpInternalConfig(Table, number=2069):
    """ET21 LP_INTERNAL_CONFIG: sizes, offsets and the newest interval, one element a data set."""

    sets = array(LpInternalSet, each=ActLp.data_sets)

    def data_set(self, number: int) -> LpInternalSet:
        """Return data set `number`, 1 to 4.

        Errors: ProtocolFault (DECODE) when the table has no such element.
        """
        if not 1 <= number <= len(self.sets):
            message = f"{len(self.sets)} elements read, none for data set {number}"
            raise fault(ErrorKind.DECODE, message, where="ET21")
        return self.sets[number - 1]
