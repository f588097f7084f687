"""The load profile memory: rings of blocks that fill as time passes, one for each data set.

    block      end time (STIME_DATE, 5) | simple status (a bit an interval) | interval, interval, ...
    interval   extended status (nibbles: common, channel 0, 1, ...) | INT32 for every channel

Source: OSGP guide, BT61 to BT67 and ET21.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from meterkit.emulator.configuration import LoadProfileSetConfiguration
from meterkit.emulator.household import INSTALLED
from meterkit.emulator.measurement import FIRST_PRESENT_VALUE_SOURCE, GAS_SOURCE, Measurement
from meterkit.emulator.table_store import Element

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_TIME_SIZE = 5  # octets, STIME_DATE with TM_FORMAT 2
_VALUE_SIZE = 4  # octets, INT32
_DST, _POWER_FAIL, _FORWARD, _BACKWARD = 1, 2, 4, 8  # common nibble; bit 0 is its LSB (doubt D13)
_PARTIAL, _LONG, _SKIPPED, _MISSING, _STALE = 2, 3, 4, 10, 11  # channel nibbles, OSGP guide
_STANDARD_TIME = timedelta(hours=1)  # of the house, east of Greenwich
_INT32_MASK = 0x7FFFFFFF  # registers roll over within the positive half
_SEQUENCES = 1 << 32  # BT63's block sequence number is a UINT32 and wraps


def stime_date(time: datetime) -> bytes:
    """Return a UTC time as STIME_DATE, TM_FORMAT 2: year - 2000, month, day, hour, minute."""
    return bytes((time.year - 2000, time.month, time.day, time.hour, time.minute))


def is_summer_time(time: datetime) -> bool:
    """Whether European daylight saving is in effect at a UTC time."""

    def last_sunday(month: int) -> datetime:
        end = datetime(time.year, month, 31, 1, tzinfo=UTC)  # the change is at 01:00 UTC
        return end - timedelta(days=(end.weekday() + 1) % 7)

    return last_sunday(3) <= time < last_sunday(10)


def local_time(time: datetime) -> datetime:
    """Return the naive local time of the house at a UTC time: an hour east of Greenwich, and summer time."""
    return (time + _STANDARD_TIME * (1 + is_summer_time(time))).replace(tzinfo=None)


class LoadProfileMemory:
    """One data set of the meter.  `table` is the image of BT64 .. BT67."""

    def __init__(
        self,
        configuration: LoadProfileSetConfiguration,
        measurement: Measurement,
        byte_order: str,
        now: datetime,
    ) -> None:
        self.configuration = configuration
        self._measurement = measurement
        self._household = measurement.household
        self.nbr_channels = len(configuration.sources)
        self.simple_status_size = (configuration.intervals + 7) // 8
        self.header_size = END_TIME_SIZE + self.simple_status_size
        self.extended_status_size = self.nbr_channels // 2 + 1
        self.interval_size = self.extended_status_size + _VALUE_SIZE * self.nbr_channels
        self.block_size = self.header_size + configuration.intervals * self.interval_size
        self.table = bytearray(self.block_size * configuration.blocks)
        self.is_active = True
        self.has_overflowed = False
        self.valid_blocks = 0
        self.last_block = 0  #: place of the newest block in the ring
        self.unread_blocks = 0
        self.valid_intervals = 0  #: of the newest block, the unrecorded ones between included
        self._values = struct.Struct(f"{'<' if byte_order == 'little' else '>'}{self.nbr_channels}i")
        self._seconds = configuration.interval_minutes * 60
        self._block_number: int | None = None  # of the newest block, counted since 1970
        self._next_interval = 0  # counted since 1970
        self._next_block = 0  # place in the ring
        self._sequence = -1
        self._clock_flags = 0
        self._fill(now)

    @property
    def interval(self) -> timedelta:
        """How long one interval is."""
        return timedelta(seconds=self._seconds)

    @property
    def last_sequence(self) -> int:
        """Sequence number of the newest block."""
        return max(self._sequence, 0)

    @property
    def last_end_time(self) -> datetime:
        """When the most recently recorded interval ended, UTC."""
        return _EPOCH + self.interval * self._next_interval

    @property
    def block_start_time(self) -> datetime:
        """When the newest block began, UTC."""
        block = self._block_number or 0
        return _EPOCH + self.interval * (block * self.configuration.intervals)

    # ---------------------------------------------------------------- recording
    def _fill(self, now: datetime) -> None:
        intervals, blocks = self.configuration.intervals, self.configuration.blocks
        end = self._number_at(now)
        history = self.configuration.history
        if history is None:
            # One round more than the ring holds, so that the newest block has old rows in its tail.
            installed = self._number_at(INSTALLED) // intervals
            first = max((end - 1) // intervals - blocks, installed)
            self._sequence = first - installed - 1
            self._next_block = (first - installed) % blocks
            self._next_interval = first * intervals
        else:
            self._next_interval = end - history
        while self._next_interval < end:
            self._record_next()
        self.has_overflowed = False  # nobody has missed anything yet

    def _number_at(self, time: datetime) -> int:
        """Return how many intervals have ended by `time`, counted since 1970."""
        return int((time - _EPOCH).total_seconds() // self._seconds)

    def record_until(self, now: datetime) -> None:
        """Record the intervals that have ended by `now`."""
        end = self._number_at(now)
        ring = self.configuration.intervals * (self.configuration.blocks + 1)
        if end - self._next_interval > ring:
            self._next_interval = end - ring  # what would be overwritten at once
        while self._next_interval < end:
            self._record_next()

    def grow(self, intervals: int) -> None:
        """Record `intervals` more, whatever the clock says."""
        while intervals > 0 and self.is_active:
            intervals -= self._record_next()

    def clock_changed(self, now: datetime, is_forward: bool) -> None:
        """Take the news that the clock was set: the next interval is marked, time lost is left out."""
        self._clock_flags = _FORWARD if is_forward else _BACKWARD
        self._next_interval = max(self._next_interval, self._number_at(now))

    def reset(self) -> None:
        """Empty the ring; the sequence number runs on."""
        self.valid_blocks = self.unread_blocks = self.valid_intervals = 0
        self.last_block = self._next_block = 0
        self.has_overflowed = False
        self._block_number = None

    def mark_read(self, blocks: int) -> None:
        """Count `blocks` as read by the host."""
        self.unread_blocks = max(self.unread_blocks - blocks, 0)
        self.has_overflowed = False

    def _record_next(self) -> bool:
        """Let one interval pass; tell whether it left a row (the meter may have been off)."""
        number = self._next_interval
        self._next_interval += 1
        start = _EPOCH + self.interval * number
        end = start + self.interval
        was_dark, was_off = self._household.is_dark(start, end)
        if was_off or not self.is_active:
            return False
        intervals = self.configuration.intervals
        block, place = number // intervals, number % intervals
        if block != self._block_number:
            self._begin_block(block)
        base = self.last_block * self.block_size
        self.table[base : base + END_TIME_SIZE] = stime_date(end)
        self.table[base + END_TIME_SIZE + place // 8] |= 1 << place % 8
        self.valid_intervals = place + 1
        row = base + self.header_size + place * self.interval_size
        self.table[row : row + self.interval_size] = self._row(number, end, was_dark)
        return True

    def _begin_block(self, block: int) -> None:
        blocks = self.configuration.blocks
        self._block_number = block
        self.last_block = self._next_block
        self._next_block = (self._next_block + 1) % blocks
        self._sequence = (self._sequence + 1) % _SEQUENCES
        self.valid_blocks = min(self.valid_blocks + 1, blocks)
        self.has_overflowed |= self.unread_blocks == blocks
        self.unread_blocks = min(self.unread_blocks + 1, blocks)
        base = self.last_block * self.block_size + END_TIME_SIZE
        self.table[base : base + self.simple_status_size] = bytes(self.simple_status_size)

    def _row(self, number: int, end: datetime, was_dark: bool) -> bytes:
        common = self._clock_flags
        if is_summer_time(end - self.interval):
            common |= _DST
        if was_dark:
            common |= _POWER_FAIL
        usual = _PARTIAL if common & _FORWARD else _LONG if common & _BACKWARD else 0
        self._clock_flags = 0
        nibbles = [common]
        sources = self.configuration.sources
        values = [value & _INT32_MASK for value in self._measurement.sources(sources, end)]
        for channel, source in enumerate(sources):
            status = usual
            if source >= FIRST_PRESENT_VALUE_SOURCE:
                luck = self._household.noise("status", source, number)
                if source == GAS_SOURCE and luck < 0.05:
                    status = _MISSING if luck < 0.02 else _STALE
                elif source < GAS_SOURCE and luck < 0.004:
                    status, values[channel] = _SKIPPED, 0
            nibbles.append(status)
        if len(nibbles) % 2:
            nibbles.append(0)
        packed = bytes(nibbles[i] << 4 | nibbles[i + 1] for i in range(0, len(nibbles), 2))
        return packed.ljust(self.extended_status_size, b"\0") + self._values.pack(*values)

    # ---------------------------------------------------------------- access by index
    def elements(self) -> Sequence[Element]:
        """Return the table's elements: blocks, each of end time, simple status and intervals."""
        return [self._block_element(place * self.block_size) for place in range(self.configuration.blocks)]

    def _block_element(self, base: int) -> Element:
        first = base + self.header_size
        rows = [
            Element(
                first + i * self.interval_size,
                self.interval_size,
                self._interval_elements(first + i * self.interval_size),
            )
            for i in range(self.configuration.intervals)
        ]
        return Element(
            base,
            self.block_size,
            (
                Element(base, END_TIME_SIZE),
                Element(base + END_TIME_SIZE, self.simple_status_size),
                Element(first, self.interval_size * self.configuration.intervals, rows),
            ),
        )

    def _interval_elements(self, at: int) -> Sequence[Element]:
        data = at + self.extended_status_size
        return (
            Element(at, self.extended_status_size),
            Element(data, _VALUE_SIZE * self.nbr_channels),
        )
