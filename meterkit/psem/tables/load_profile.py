"""Where everything is in one data set of a load profile, and its blocks as rows.

    BT64  | block 0 | block 1 | ...                            a ring of nbr_blks blocks
    block | end time | end readings | simple status | interval 0 | interval 1 | ...
    interval | extended status | value of channel 0 | value of channel 1 | ...

Source: C12.19 Tables 61 to 67; OSGP guide, "Reading Load Profile Data".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from meterkit.codec.layout import MAX_SIZE, BitSet, Context, Layout, Record
from meterkit.codec.plan import Series
from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.psem.tables.load_profile_places import BlockPlaces
from meterkit.psem.tables.load_profile_rows import ChannelStatus, CommonStatus, LoadProfileRow
from meterkit.psem.tables.load_profile_tables import (
    ActLp,
    ActLpSet,
    IntSet,
    LpBlkDat,
    LpBlkHeader,
    LpCtrl,
    LpCtrlSet,
    LpReadings,
    LpSourceSel,
    LpStatus,
    LpStatusSet,
)
from meterkit.psem.tables.osgp.load_profile import LpInternalConfig, LpInternalSet

__all__ = [
    "ActLp",
    "ActLpSet",
    "BlockHeader",
    "Channel",
    "ChannelStatus",
    "CommonStatus",
    "IntSet",
    "LoadProfileGeometry",
    "LoadProfileRow",
    "LpBlkDat",
    "LpBlkHeader",
    "LpCtrl",
    "LpCtrlSet",
    "LpInternalConfig",
    "LpInternalSet",
    "LpReadings",
    "LpSourceSel",
    "LpStatus",
    "LpStatusSet",
]

R = TypeVar("R", bound=Record)

_FIRST_TABLE = 64  # data set 1
_DAY_CODE = 84  # OSGP guide, BT61: 84 = 24 hours


@dataclass(frozen=True, slots=True)
class Channel:
    """What one channel records.  The quantity measured is value * divisor / scalar."""

    source: int  #: index into ST16; OSGP: source id
    scalar: int = 1
    divisor: int = 1


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What stands in front of a block's intervals."""

    end_time: datetime | None  #: aware, UTC: end of the newest interval recorded; None: no valid time
    simple_status: BitSet | None  #: intervals the meter has processed; None where it keeps none
    last_interval: int | None  #: index of the newest; -1: none yet; None without simple status
    end_readings: tuple[LpReadings, ...] = ()


@dataclass(frozen=True)
class LoadProfileGeometry:
    """Sizes, offsets and formats of one data set on one meter."""

    data_set: int  #: 1 to 4
    nbr_blks: int
    nbr_blk_ints: int  #: intervals in a block
    interval: timedelta
    channels: tuple[Channel, ...]
    places: BlockPlaces = field(repr=False)
    header: Layout[LpBlkHeader] = field(repr=False, compare=False)
    interval_layout: Layout[IntSet] = field(repr=False, compare=False)

    @classmethod
    def build(
        cls, context: Context, data_set: int, internal: LpInternalConfig | None = None
    ) -> LoadProfileGeometry:
        """Compute the geometry from BT61 and BT62 in `context`; with ET21, the places are ET21's.

        Errors: ProtocolFault (DECODE) when the meter has no such data set, its dimensions or formats make
        no sense, or ET21 contradicts them; ValueError when BT61 or BT62 is not in `context`, or for a
        `data_set` outside 1..4.
        """
        actual = _known(context, ActLp).data_set(data_set)
        control = _known(context, LpCtrl).data_set(data_set)
        where = f"BT61 data set {data_set}"
        for name in ("nbr_blks", "nbr_blk_ints", "nbr_chns"):
            if getattr(actual, name) == 0:
                raise fault(ErrorKind.DECODE, f"{name} is 0: nothing is recorded", where=where)
        inner = context.with_(actual, control)
        try:
            header, intervals = LpBlkHeader.resolve(inner), IntSet.resolve(inner)
        except ProtocolFault as misfit:
            raise ProtocolFault(misfit.error.at(f"BT62 data set {data_set}")) from None
        places = _places(actual, header, intervals)
        if internal is not None:
            places = places.moved(_same(internal.data_set(data_set), actual), f"ET21 data set {data_set}")
        if actual.nbr_blks * places.block_size > MAX_SIZE:
            message = f"{actual.nbr_blks} blocks of {places.block_size} octets reach past 24 bit offsets"
            raise fault(ErrorKind.DECODE, message, where=where)
        return cls(
            data_set=data_set,
            nbr_blks=actual.nbr_blks,
            nbr_blk_ints=actual.nbr_blk_ints,
            interval=_interval(actual.max_int_time, where),
            channels=_channels(control),
            places=places,
            header=header,
            interval_layout=intervals,
        )

    # ------------------------------------------------------------ sizes and offsets, octets
    @property
    def table_id(self) -> int:
        """The table that holds the blocks, 64 to 67."""
        return _FIRST_TABLE - 1 + self.data_set

    @property
    def nbr_chns(self) -> int:
        """Number of channels."""
        return len(self.channels)

    @property
    def capacity(self) -> int:
        """Intervals the whole ring holds."""
        return self.nbr_blks * self.nbr_blk_ints

    @property
    def header_size(self) -> int:
        """Octets in front of the first interval of a block."""
        return self.places.header_size

    @property
    def interval_size(self) -> int:
        """Octets of one interval."""
        return self.places.interval_size

    @property
    def block_size(self) -> int:
        """Octets of one block."""
        return self.places.block_size

    @property
    def table_size(self) -> int:
        """Octets of all blocks."""
        return self.block_offset(self.nbr_blks)

    def interval_offset(self, interval: int) -> int:
        """Return the offset of an interval in its block; of `nbr_blk_ints`, the end of the last."""
        return self.header_size + interval * self.interval_size

    def block_offset(self, block: int) -> int:
        """Return the offset of a block in its table."""
        return block * self.block_size

    # ------------------------------------------------------------ octets -> rows
    def decode_header(self, octets: bytes) -> BlockHeader:
        """Return the header of the block that `octets` begin with; they may be longer.

        Errors: ProtocolFault (DECODE) for too few octets.
        """
        try:
            record = self.header.decode(self._declared_header(octets))
        except ProtocolFault as misfit:
            raise ProtocolFault(misfit.error.at(f"BT{self.table_id}")) from None
        end_time, status = record.blk_end_time, record.simple_int_status
        return BlockHeader(
            end_time.replace(tzinfo=UTC) if isinstance(end_time, datetime) else None,
            status,
            None if status is None else self._last_set(status),
            record.end_readings,
        )

    def _declared_header(self, octets: bytes) -> bytes:
        """Return the header without the gap that ET21 may leave in front of simple status."""
        places, declared = self.places, self.header.size or 0
        start = declared - places.status_size
        if len(octets) < places.header_size or start == places.status_offset:
            return octets[: places.header_size][:declared]
        return octets[:start] + octets[places.status_offset : places.status_offset + places.status_size]

    def _last_set(self, status: BitSet) -> int:
        intervals = (1 << self.nbr_blk_ints) - 1  # the last octet may have bits for no interval
        return (int.from_bytes(status.octets, "little") & intervals).bit_length() - 1

    def decode_rows(
        self,
        octets: bytes,
        *,
        block: int,
        sequence: int,
        first_interval: int = 0,
        valid_intervals: int | None = None,
    ) -> list[LoadProfileRow]:
        """Return the rows of one block, oldest first.

        `octets`: the block's header, followed by its intervals from `first_interval` on.  Interval i ends
        at the header's time less (last - i) intervals, where last is the newest that simple status marks;
        on a meter without simple status it is `valid_intervals` - 1 (BT63), else the last one in `octets`.
        Rows newer than last do not exist; octets beyond it are ignored.
        Errors: ProtocolFault (DECODE) when octets are missing, or a block with intervals has no valid time.
        """
        octets = bytes(octets)
        header = self.decode_header(octets)
        held = min((len(octets) - self.header_size) // self.interval_size, self.nbr_blk_ints - first_interval)
        last = header.last_interval
        if last is None:
            count = min(valid_intervals, self.nbr_blk_ints) if valid_intervals is not None else None
            last = first_interval + held - 1 if count is None else count - 1
        count = last - first_interval + 1
        if count <= 0:
            return []
        if count > held:
            expected = self.header_size + count * self.interval_size
            message = f"{expected} octets expected up to interval {last}, {len(octets)} read"
            raise fault(ErrorKind.DECODE, message, where=f"BT{self.table_id} block {block}")
        if header.end_time is None:
            raw = octets[: self.header.size_of("blk_end_time")].hex(" ") or "absent"
            message = f"no valid end time ({raw}), but intervals up to {last}: they cannot be dated"
            raise fault(ErrorKind.DECODE, message, where=f"BT{self.table_id} block {block}")
        area = octets[self.header_size : self.header_size + count * self.interval_size]
        before = header.end_time - count * self.interval
        valid = _flags(header.simple_status, first_interval, count)
        return self._rows(area, before, valid, (block, first_interval, sequence))

    def _rows(
        self, area: bytes, before: datetime, valid: list[bool], place: tuple[int, int, int]
    ) -> list[LoadProfileRow]:
        """Build the rows straight from struct's tuples: 96 of 4 channels take some 40 us."""
        block, interval, sequence = place
        step, end_time, row = self.interval, before, LoadProfileRow
        new = cast(Any, tuple).__new__  # skips the argument handling of LoadProfileRow(...)
        convert, has_status = self._value_form()
        absent, rows = (None,) * self.nbr_chns, list[LoadProfileRow]()
        append = rows.append
        interval_struct = self.places.interval_struct(self.interval_layout.flat_struct())
        for unpacked, is_valid in zip(interval_struct.iter_unpack(area), valid, strict=True):
            status, values = (unpacked[0], unpacked[1:]) if has_status else (b"", unpacked)
            if not is_valid:
                values = absent
            elif convert is not None:
                values = tuple(map(convert, values))
            end_time += step
            append(new(row, (end_time, values, is_valid, block, interval, sequence, status)))
            interval += 1
        return rows

    def _value_form(self) -> tuple[Callable[[Any], int | float] | None, bool]:
        """Return how a value is made of what struct gives, and whether an interval has extended status."""
        series = self.interval_layout.find("int_data")[1]
        assert isinstance(series, Series)
        convert: Any = getattr(series.node, "convert", None)
        return convert, self.interval_layout.offset_of("int_data") > 0


def _places(actual: ActLpSet, header: Layout[LpBlkHeader], intervals: Layout[IntSet]) -> BlockPlaces:
    header_size, interval_size = header.size or 0, intervals.size or 0
    values_offset = intervals.offset_of("int_data")
    try:
        status_size = header.size_of("simple_int_status")
    except LookupError:  # the meter keeps none
        status_size = 0
    return BlockPlaces(
        nbr_blk_ints=actual.nbr_blk_ints,
        block_size=header_size + actual.nbr_blk_ints * interval_size,
        header_size=header_size,
        status_offset=header_size - status_size,
        status_size=status_size,
        interval_size=interval_size,
        values_offset=values_offset,
        values_size=interval_size - values_offset,
    )


def _same(internal: LpInternalSet, actual: ActLpSet) -> LpInternalSet:
    """Make sure that ET21 and BT61 tell of the same configuration."""
    for name, told, known in (
        ("nbr_channels", internal.nbr_channels, actual.nbr_chns),
        ("interval_time", internal.interval_time, actual.max_int_time),
    ):
        if told != known:
            raise fault(ErrorKind.DECODE, f"{name} is {told}, by BT61 {known}", where="ET21")
    return internal


def _flags(status: BitSet | None, first: int, count: int) -> list[bool]:
    if status is None:
        return [True] * count
    bits = int.from_bytes(status.octets, "little") >> first
    if bits & (1 << count) - 1 == (1 << count) - 1:
        return [True] * count
    octets = status.octets
    return [bool(octets[i >> 3] >> (i & 7) & 1) for i in range(first, first + count)]


def _known(context: Context, table: type[R]) -> R:
    record = context.records.get(table)
    if not isinstance(record, table):
        raise ValueError(f"read {table.__name__} first, and give it in the context")  # noqa: TRY004
    return record


def _interval(code: int, where: str) -> timedelta:
    """Return the length of an interval.  Source: OSGP guide, BT61; 61..83 are undefined (D16)."""
    if 1 <= code <= 60:
        return timedelta(minutes=code)
    if code == _DAY_CODE:
        return timedelta(days=1)
    message = f"max_int_time is {code}; known are 1 to 60 (minutes) and 84 (24 hours)"
    raise fault(ErrorKind.DECODE, message, where=where)


def _channels(control: LpCtrlSet) -> tuple[Channel, ...]:
    count = len(control.lp_sel)
    scalars, divisors = control.scalars or (1,) * count, control.divisors or (1,) * count
    sources = (selected.lp_source_select for selected in control.lp_sel)
    return tuple(map(Channel, sources, scalars, divisors))
