"""The clock object.  Source: Blue Book, Clock (class 8); general knowledge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDateTime
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import (
    ActionRefused,
    Attribute,
    Cell,
    CosemObject,
    Method,
    fixed,
    plain,
    type_unmatched,
    value_refused,
)
from meterkit.emulator.dlms.local_time import SUMMER_BEGINS, SUMMER_ENDS, SUMMER_MINUTES, LocalTime
from meterkit.errors import ProtocolFault

_QUARTER, _MINUTE = timedelta(minutes=15), timedelta(minutes=1)
_INTERNAL_CRYSTAL = 1  # clock_base
_LARGEST_SHIFT = 900  # s
_YEARS = range(2000, 2100)  # that the meter knows
_NO_SUMMER_TIME = bytes.fromhex("ffffff ff ff ffffffff 8000 ff")


class MeterClock(Protocol):
    """What the clock object sets and reads."""

    def now(self) -> datetime:
        """Return the time on the meter's clock, UTC."""
        ...

    def set_clock(self, time: datetime) -> None:
        """Let the clock go on from `time`."""
        ...


class ClockObject:
    """The clock as an object, which can be read, set, shifted and rounded."""

    def __init__(self, clock: MeterClock, local: LocalTime, utc_offset: int) -> None:
        self._clock, self._local = clock, local
        self._utc_offset = utc_offset
        self._preset: datetime | None = None
        has_summer = local.has_summer_time
        begins = axdr.encode_octet_string(SUMMER_BEGINS if has_summer else _NO_SUMMER_TIME)
        ends = axdr.encode_octet_string(SUMMER_ENDS if has_summer else _NO_SUMMER_TIME)
        self.object = CosemObject(
            8,
            0,
            ObisCode.CLOCK,
            {
                2: Attribute(self._time, self._set),
                3: fixed(axdr.encode_long(-utc_offset)),
                4: fixed(axdr.encode_unsigned(0)),
                5: Cell(begins).writable,
                6: Cell(ends).writable,
                7: Cell(axdr.encode_integer(SUMMER_MINUTES if has_summer else 0)).writable,
                8: fixed(axdr.encode_boolean(has_summer)),
                9: fixed(axdr.encode_enum(_INTERNAL_CRYSTAL)),
            },
            {
                1: Method(lambda _: self._round(_QUARTER)),
                2: Method(lambda _: self._round(_QUARTER)),
                3: Method(lambda _: self._round(_MINUTE)),
                4: Method(self._adjust_to_preset),
                5: Method(self._preset_time),
                6: Method(self._shift),
            },
        )

    def _time(self) -> bytes:
        return axdr.encode_octet_string(self._local.octets(self._clock.now()))

    def _set(self, octets: bytes) -> None:
        self._clock.set_clock(self._read_time(plain(octets)))

    def _read_time(self, value: object) -> datetime:
        """Return a written date-time; where it leaves the zone open, it is the meter's own."""
        if isinstance(value, bytes):
            try:
                value = CosemDateTime.from_octets(value)
            except ProtocolFault:
                raise type_unmatched() from None
        if not isinstance(value, CosemDateTime):
            raise type_unmatched()
        time = value.to_datetime()
        if time is None or time.year not in _YEARS:
            raise value_refused()
        return time if time.tzinfo else time.replace(tzinfo=self._local.zone)

    def _round(self, step: timedelta) -> None:
        now = self._clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self._clock.set_clock(midnight + round((now - midnight) / step) * step)

    def _preset_time(self, parameters: bytes | None) -> None:
        """preset_adjusting_time: structure { preset_time, validity start, validity end }."""
        value = plain(parameters or b"")
        if not (isinstance(value, tuple) and len(value) == 3):
            raise type_unmatched()
        self._preset = self._read_time(value[0])

    def _adjust_to_preset(self, _: bytes | None) -> None:
        if self._preset is None:
            raise ActionRefused(ActionResult.TEMPORARY_FAILURE)
        self._clock.set_clock(self._preset)
        self._preset = None

    def _shift(self, parameters: bytes | None) -> None:
        value = plain(parameters or b"")
        if not isinstance(value, int) or isinstance(value, bool):
            raise type_unmatched()
        if abs(value) > _LARGEST_SHIFT:
            raise value_refused()
        self._clock.set_clock(self._clock.now() + timedelta(seconds=value))
