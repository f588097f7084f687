"""Registers, an extended register and a demand register.

Source: Blue Book, Register (class 3), Extended register (class 4), Demand register (class 5); general
knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import DataAccessResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import (
    Attribute,
    AttributeRefused,
    Cell,
    CosemObject,
    Method,
    fixed,
    scaler_unit,
)
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.quantities import WATT, Quantity
from meterkit.emulator.household import Household

_DEMAND_PERIOD = timedelta(minutes=15)
_HOURS_PER_PERIOD = 0.25
_LOOK_BACK = 96  # periods that the maximum is sought in: a day

Now = Callable[[], datetime]


def register(quantity: Quantity, now: Now, *, is_scaler_denied: Callable[[], bool]) -> CosemObject:
    """Return a register; `is_scaler_denied` tells whether attribute 3 is refused just now."""
    unit = scaler_unit(quantity.scaler, quantity.unit)
    return CosemObject(
        3,
        0,
        quantity.obis,
        {2: Attribute(lambda: quantity.octets(now())), 3: _Deniable(unit, is_scaler_denied).attribute},
    )


class _Deniable:
    """An attribute that a quirk can lock."""

    def __init__(self, octets: bytes, is_denied: Callable[[], bool]) -> None:
        self._octets, self._is_denied = octets, is_denied

    def _read(self) -> bytes:
        if self._is_denied():
            raise AttributeRefused(DataAccessResult.READ_WRITE_DENIED)
        return self._octets

    @property
    def attribute(self) -> Attribute:
        return Attribute(self._read)


class Demand:
    """Mean power taken, period by period, since the last reset."""

    def __init__(self, household: Household, now: Now, local: LocalTime) -> None:
        self._household, self._now, self._local = household, now, local
        self._since = datetime.min.replace(tzinfo=local.zone)

    def extended_register(self) -> CosemObject:
        """Return the maximum of the last day, with the end of its period."""
        return CosemObject(
            4,
            0,
            ObisCode(1, 0, 1, 6, 0),
            {
                2: Attribute(lambda: axdr.encode_double_long_unsigned(self._peak()[0])),
                3: fixed(scaler_unit(0, WATT)),
                4: fixed(axdr.encode_unsigned(0)),
                5: Attribute(lambda: self._octets(self._peak()[1])),
            },
            {1: Method(self._reset)},
        )

    def demand_register(self) -> CosemObject:
        """Return the demand of the period that goes on, and of the one before."""
        wide = axdr.encode_double_long_unsigned
        return CosemObject(
            5,
            0,
            ObisCode(1, 0, 1, 4, 0),
            {
                2: Attribute(lambda: wide(self._mean(self._begin(), self._now()))),
                3: Attribute(lambda: wide(self._mean(self._begin() - _DEMAND_PERIOD, self._begin()))),
                4: fixed(scaler_unit(0, WATT)),
                5: fixed(axdr.encode_unsigned(0)),
                6: Attribute(lambda: self._octets(self._begin())),
                7: Attribute(lambda: self._octets(self._begin())),
                8: Cell(wide(int(_DEMAND_PERIOD.total_seconds()))).attribute,
                9: Cell(axdr.encode_long_unsigned(1)).attribute,
            },
            {1: Method(self._reset)},
        )

    def _octets(self, time: datetime) -> bytes:
        return axdr.encode_octet_string(self._local.octets(time))

    def _begin(self) -> datetime:
        now = self._now()
        return now - timedelta(minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond)

    def _mean(self, start: datetime, end: datetime) -> int:
        used = self._household.energy(end)[0] - self._household.energy(start)[0]
        return int(used / _HOURS_PER_PERIOD)

    def _peak(self) -> tuple[int, datetime]:
        end = self._begin()
        ends = [end - _DEMAND_PERIOD * back for back in range(_LOOK_BACK)]
        since = [one for one in ends if one - _DEMAND_PERIOD >= self._since]
        return max(((self._mean(one - _DEMAND_PERIOD, one), one) for one in since), default=(0, end))

    def _reset(self, _: bytes | None) -> None:
        self._since = self._now()
