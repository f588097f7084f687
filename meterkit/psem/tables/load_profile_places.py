"""Where the parts of a load profile block lie: by its declaration, or as the meter itself says in ET21.

    block    | end time | ... | simple status | ... | interval 0 | interval 1 | ...
             0          status_offset         header_size        + interval_size
    interval | extended status | ... | values | ...
             0                 values_offset

The guide's own formulas take sizes and offsets from ET21, and its printed offsets leave 4 octets a
channel for end readings that BT61 says are not there (D03).  So where ET21 can be read and makes room for
at least what BT61 and BT62 declare, it is believed; where it cannot be read, the declaration is.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from meterkit.errors import ErrorKind, fault
from meterkit.psem.tables.osgp.load_profile import LpInternalSet


@dataclass(frozen=True, slots=True)
class BlockPlaces:
    """Sizes and offsets in one block, in octets."""

    nbr_blk_ints: int
    block_size: int
    header_size: int  #: in front of interval 0
    status_offset: int  #: of simple status in the block
    status_size: int
    interval_size: int
    values_offset: int  #: of channel 0 in an interval
    values_size: int

    def moved(self, internal: LpInternalSet, where: str) -> BlockPlaces:
        """Return these places as ET21 gives them.

        ET21 keeps some of them in one octet, so of a larger one only the low 8 bits.
        Errors: ProtocolFault (DECODE) when ET21 leaves no room for what BT61 and BT62 declare.
        """
        moved = BlockPlaces(
            self.nbr_blk_ints,
            internal.block_size,
            internal.block_header_size,
            _widened(internal.simple_status_offset, self.status_offset),
            self.status_size,
            _widened(internal.interval_size, self.interval_size),
            internal.channel_0_offset,
            self.values_size,
        )
        wrong = moved._overlaps(self)
        if _widened(internal.interval_0_offset, moved.header_size) != moved.header_size:
            wrong.append(f"interval_0_offset {internal.interval_0_offset} is not {moved.header_size}")
        if wrong:
            raise fault(ErrorKind.DECODE, "; ".join(wrong), where=where)
        return moved

    def _overlaps(self, least: BlockPlaces) -> list[str]:
        limits = (
            ("block_size", self.block_size, self.header_size + self.nbr_blk_ints * self.interval_size),
            ("block_header_size", self.header_size, self.status_offset + self.status_size),
            ("simple_status_offset", self.status_offset, least.status_offset),
            ("interval_size", self.interval_size, self.values_offset + self.values_size),
            ("channel_0_offset", self.values_offset, least.values_offset),
        )
        return [
            f"{name} is {value}, but BT61 and BT62 need {needed} or more"
            for name, value, needed in limits
            if value < needed
        ]

    def interval_struct(self, flat: Struct) -> Struct:
        """Return `flat`, a Struct of one interval as declared, with this block's gaps in it."""
        status = f"{least}s" if (least := flat.size - self.values_size) else ""
        order, values = flat.format[0], flat.format[1 + len(status) :]
        gap = self.values_offset - least
        rest = self.interval_size - self.values_offset - self.values_size
        return Struct(f"{order}{status}{gap}x{values}{rest}x")


def _widened(low: int, declared: int) -> int:
    """Return a size of which ET21 holds the low 8 bits, when `declared` is what it may stand for."""
    return declared if declared & 0xFF == low else low
