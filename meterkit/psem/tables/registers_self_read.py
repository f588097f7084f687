"""ST26: registers as they were at set times, a ring.  Source: C12.19 Table 26; OSGP guide, BT26."""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.codec.layout import Record, array, bit, bits, item
from meterkit.psem.tables.config import GenConfig
from meterkit.psem.tables.list_order import oldest_first
from meterkit.psem.tables.names import Table
from meterkit.psem.tables.registers import ActRegs, RegisterData, RegisterInfo
from meterkit.psem.tables.times import MaybeDatetime
from meterkit.psem.tables.wire import UINT8, UINT16

# D02: the guide has BIDN wherever demands are configured, C12.19 a sequence number by its flag (which
# the guide prints TRUE in BT20 and FALSE in BT21).  BT00 of an OSGP meter says "NES" or "ELON"; one
# that says nothing is taken for an OSGP meter.
_maker = GenConfig.manufacturer
_FOLLOWS_THE_GUIDE = (_maker == "NES") | (_maker == "ELON") | (_maker == "")

_SEQUENCE_NUMBERS = 0x10000  # UINT16


class SelfReadEntry(Record):
    """SELF_READ_DATA_RCD: one self read.

    The printed offsets 6, 8, 13, 14 hold with BIDN; without it, the rest begins at 6 (D02).
    """

    bidn = item(UINT16, when=_FOLLOWS_THE_GUIDE & (ActRegs.nbr_demands != 0))  #: OSGP: which configuration
    self_read_seq_nbr = item(UINT16, when=~_FOLLOWS_THE_GUIDE & ActRegs.self_read_seq_nbr_flag)
    register_info = item(RegisterInfo)
    self_read_register_data = item(RegisterData)


class SelfReadData(Table, number=26):
    """SELF_READ_DATA_TBL: the stored registers.  `self_reads` gives them in order of time."""

    list_status = item(UINT8)
    order = bits(list_status, 0, 0)  #: 0: an earlier element is older
    overflow_flag = bit(list_status, 1)  #: old entries have been overwritten
    list_type = bits(list_status, 2, 2)  #: 0 FIFO, 1 circular
    inhibit_overflow_flag = bit(list_status, 3)
    nbr_valid_entries = item(UINT8)
    last_entry_element = item(UINT8)  #: index of the newest entry
    last_entry_seq_nbr = item(UINT16)  #: of the newest entry, never reset
    nbr_unread_entries = item(UINT8)
    self_reads_entries = array(SelfReadEntry, ActRegs.nbr_self_reads)


@dataclass(frozen=True, slots=True)
class SelfRead:
    """One self read, with its place in the table."""

    element: int  #: index in the table
    sequence: int  #: 0..65535: counted back from the newest entry's, or as the entry itself tells
    time: MaybeDatetime | None  #: naive, by the clock of ST55; None when the meter keeps no times
    season: int | None
    bidn: int | None  #: OSGP: billing interface definition number of the configuration
    registers: RegisterData


def self_reads(table: SelfReadData) -> tuple[SelfRead, ...]:
    """Return the valid self reads, the oldest first.

    Errors: ProtocolFault (DECODE) when BT26's header points outside its entries.
    """
    entries = table.self_reads_entries
    elements = oldest_first(
        len(entries),
        table.nbr_valid_entries,
        table.last_entry_element,
        is_descending=table.order == 1,
        where=table.label(),
    )
    first = table.last_entry_seq_nbr - len(elements) + 1
    return tuple(
        _self_read(entries[element], element, sequence % _SEQUENCE_NUMBERS)
        for sequence, element in enumerate(elements, first)
    )


def _self_read(entry: SelfReadEntry, element: int, sequence: int) -> SelfRead:
    told, info = entry.self_read_seq_nbr, entry.register_info
    return SelfRead(
        element=element,
        sequence=sequence if told is None else told,
        time=info.end_date_time,
        season=info.season,
        bidn=entry.bidn,
        registers=entry.self_read_register_data,
    )
