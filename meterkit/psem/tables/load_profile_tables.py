"""Decade 60: what a load profile holds and where.  Source: C12.19 Tables 61 to 67; OSGP guide, BT61 to BT67.

A data set is numbered 1 to 4; `sets[0]` is data set 1.
"""

from __future__ import annotations

from typing import TypeVar

from meterkit.codec.layout import (
    ELEMENT,
    Record,
    array,
    as_read,
    bit,
    bits,
    derived,
    item,
    octet_set,
    octets,
)
from meterkit.codec.wire import Chosen, Kind
from meterkit.errors import ErrorKind, fault
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.wire import (
    INT8,
    INT16,
    INT32,
    NI_FMAT1,
    NI_FMAT2,
    STIME_DATE,
    UINT8,
    UINT16,
    UINT32,
    Number,
)

R = TypeVar("R", bound=Record)


class ActLpSet(Record):
    """Dimensions of one data set."""

    nbr_blks = item(UINT16)
    nbr_blk_ints = item(UINT16)  #: intervals in a block
    nbr_chns = item(UINT8)
    max_int_time = item(UINT8)  #: minutes, 1..60; 84 stands for 24 hours


def _with_blocks(actual: ActLp) -> tuple[ActLpSet, ...]:
    count = max((n for n, one in enumerate(actual.sets, 1) if one.nbr_blks), default=0)
    return actual.sets[:count]


class ActLp(Table, number=61):
    """ACT_LP_TBL: the load profile as it is configured.

    The octets tell how many data sets there are: 7 + 6n.
    """

    lp_memory_len = item(UINT32)  #: octets of all data sets
    lp_flags = item(UINT16)
    inhibit_ovf_flags = bits(lp_flags, 0, 3)  #: bit n: data set n + 1
    blk_end_read_flag = bit(lp_flags, 4)
    blk_end_pulse_flag = bit(lp_flags, 5)
    scalar_divisor_flags = bits(lp_flags, 6, 9)  #: bit n: data set n + 1
    extended_int_status_flag = bit(lp_flags, 10)
    simple_int_status_flag = bit(lp_flags, 11)
    lp_fmats = item(UINT8)  #: bit n: INT_FMT_CDE 2**n is supported
    sets = array(ActLpSet, as_read(1, 4))

    #: The sets up to the last that has blocks.  The other tables of the decade have an element for each
    #: of these: a meter asked for more octets than its BT61 has answers zeroes for the rest.
    data_sets = derived(_with_blocks, is_shown=False)

    def data_set(self, number: int) -> ActLpSet:
        """Return data set `number`, 1 to 4.

        Errors: ProtocolFault (DECODE) when the meter has no such set.
        """
        return _data_set(self.data_sets, number, "BT61")


class LpSourceSel(Record):
    """What one channel records."""

    chnl_flags = item(UINT8)
    end_rdg_flag = bit(chnl_flags, 0)
    lp_source_select = item(UINT8)  #: index into ST16; OSGP: source id, 112..163 mapped by ET66
    end_blk_rdg_source_select = item(UINT8)


class LpCtrlSet(Record):
    """Channels of one data set and the format of their values."""

    lp_sel = array(LpSourceSel, ActLpSet.nbr_chns)
    int_fmt_cde = item(UINT8)
    scalars = array(UINT16, ActLpSet.nbr_chns, when=ActLp.scalar_divisor_flags.bit(ELEMENT))
    divisors = array(UINT16, ActLpSet.nbr_chns, when=ActLp.scalar_divisor_flags.bit(ELEMENT))


class LpCtrl(Table, number=62):
    """LP_CTRL_TBL: sources and formats, one element a data set."""

    sets = array(LpCtrlSet, each=ActLp.data_sets)

    def data_set(self, number: int) -> LpCtrlSet:
        """Return data set `number`, 1 to 4.

        Errors: ProtocolFault (DECODE) when the meter has no such set.
        """
        return _data_set(self.sets, number, "BT62")


class LpStatusSet(Record):
    """How far one data set is filled."""

    lp_set_status_flags = item(UINT8)
    block_order = bits(lp_set_status_flags, 0, 0)  #: 0: an earlier element is older
    overflow_flag = bit(lp_set_status_flags, 1)
    list_type = bits(lp_set_status_flags, 2, 2)  #: 0 FIFO, 1 circular
    block_inhibit_overflow_flag = bit(lp_set_status_flags, 3)
    interval_order = bits(lp_set_status_flags, 4, 4)
    active_mode_flag = bit(lp_set_status_flags, 5)
    test_mode = bit(lp_set_status_flags, 6)
    nbr_valid_blocks = item(UINT16)
    last_block_element = item(UINT16)  #: index of the newest block
    last_block_seq_nbr = item(UINT32)
    nbr_unread_blocks = item(UINT16)
    nbr_valid_int = item(UINT16)  #: intervals in the newest block


class LpStatus(Table, number=63):
    """LP_STATUS_TBL: 13 octets a data set."""

    sets = array(LpStatusSet, each=ActLp.data_sets)

    def data_set(self, number: int) -> LpStatusSet:
        """Return data set `number`, 1 to 4.

        Errors: ProtocolFault (DECODE) when the meter has no such set.
        """
        return _data_set(self.sets, number, "BT63")


_INT_FORMATS: dict[int, Kind[Number]] = {
    1: UINT8,
    2: UINT16,
    4: UINT32,
    8: INT8,
    16: INT16,
    32: INT32,
    64: NI_FMAT1,
    128: NI_FMAT2,
}
INT_FMT: Chosen[Number] = Chosen("INT_FMT_CDE", LpCtrlSet.int_fmt_cde, _INT_FORMATS)


class IntSet(Record):
    """One interval of all channels."""

    #: A nibble for all channels, then one a channel; high nibble of the first octet first.
    extended_int_status = octets(ActLpSet.nbr_chns // 2 + 1, when=ActLp.extended_int_status_flag)
    int_data = array(INT_FMT, ActLpSet.nbr_chns)


class LpReadings(Record):
    """One channel's register when the block ended."""

    block_end_read = item(NI_FMAT1, when=ActLp.blk_end_read_flag)
    block_end_pulse = item(UINT32, when=ActLp.blk_end_pulse_flag)


class LpBlkHeader(Record):
    """What stands in front of a block's intervals."""

    blk_end_time = item(STIME_DATE)  #: end of the newest interval recorded in the block; OSGP: UTC
    end_readings = array(LpReadings, ActLpSet.nbr_chns)
    simple_int_status = octet_set((ActLpSet.nbr_blk_ints + 7) // 8, when=ActLp.simple_int_status_flag)


class LpBlkDat(LpBlkHeader):
    """One block.  Resolved with ActLp, and the ActLpSet and LpCtrlSet of its data set."""

    lp_int = array(IntSet, ActLpSet.nbr_blk_ints)


class LpDataSet1(Table, number=64):
    """LP_DATA_SET1_TBL: the blocks of data set 1, a ring."""

    blocks = array(LpBlkDat, ActLpSet.nbr_blks, of=(ActLp.sets[0], LpCtrl.sets[0]))


class LpDataSet2(Table, number=65):
    """LP_DATA_SET2_TBL: the blocks of data set 2, a ring."""

    blocks = array(LpBlkDat, ActLpSet.nbr_blks, of=(ActLp.sets[1], LpCtrl.sets[1]))


class LpDataSet3(Table, number=66):
    """LP_DATA_SET3_TBL: the blocks of data set 3, a ring."""

    blocks = array(LpBlkDat, ActLpSet.nbr_blks, of=(ActLp.sets[2], LpCtrl.sets[2]))


class LpDataSet4(Table, number=67):
    """LP_DATA_SET4_TBL: the blocks of data set 4, a ring."""

    blocks = array(LpBlkDat, ActLpSet.nbr_blks, of=(ActLp.sets[3], LpCtrl.sets[3]))


def _data_set(sets: tuple[R, ...], number: int, where: str) -> R:
    if not 1 <= number <= 4:
        raise ValueError(f"a meter has data sets 1 to 4, not {number}")
    if number > len(sets):
        message = f"the meter has {len(sets)} load profile data sets, no data set {number}"
        raise fault(ErrorKind.DECODE, message, where=where)
    return sets[number - 1]
