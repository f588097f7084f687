"""Billing: a row at the beginning of each month, and a register table of voltage harmonics.

0-0:98.1.0     clock, 1.8.0, 2.8.0, 3.8.0, 4.8.0 at the first of each month, 00:00 local time
1-0:32.7.255   voltage L1, its harmonics 1, 3, 5 and 7 (value group E)

Source: Blue Book 4.3.8 (Register table); IEC 62056-61 (OBIS), billing profiles; general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from meterkit.codec import axdr
from meterkit.dlms.cosem.data_and_registers import TableCellDefinition
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import Attribute, CosemObject, scaler_unit
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.profile import Column, Profile
from meterkit.emulator.dlms.profile_rows import CellMaker, Cells
from meterkit.emulator.dlms.quantities import VOLT
from meterkit.emulator.dlms.typed_cell import TypedCell
from meterkit.emulator.household import INSTALLED, Household

CAPACITY = 13  # months
HARMONICS_TABLE = ObisCode(1, 0, 32, 7, 255)
BILLED = tuple(ObisCode(1, 0, c, 8, 0) for c in (1, 2, 3, 4))
_HARMONICS = {1: 1.0, 3: 0.021, 5: 0.032, 7: 0.011}  # of the fundamental; general knowledge
_MONTHS = 12
_TENTHS = 10


class MonthlyRows:
    """One row a month; number n is the n-th month of the calendar."""

    def __init__(self, makers: Sequence[CellMaker], local: LocalTime, now: Callable[[], datetime]) -> None:
        self._makers, self._local, self._now = tuple(makers), local, now
        self._oldest = 0  # after a reset

    @property
    def numbers(self) -> range:
        """Numbers of the rows there are: those whose months have begun since the meter was installed."""
        end = self._month(self._now()) + 1
        first = self._month(INSTALLED) + 1
        return range(min(max(end - CAPACITY, first, self._oldest), end), end)

    def cells(self, number: int) -> Cells:
        """Return the encoded values of one row."""
        end = self.time(number)
        return tuple(maker(self.time(number - 1), end) for maker in self._makers)

    def time(self, number: int) -> datetime:
        """Return when a row's month began."""
        year, month = divmod(number, _MONTHS)
        return datetime(year, month + 1, 1, tzinfo=self._local.zone)

    def reset(self) -> None:
        """Give all rows up: new ones come with the next months."""
        self._oldest = self.numbers.stop

    def _month(self, time: datetime) -> int:
        local = time.astimezone(self._local.zone)
        return local.year * _MONTHS + local.month - 1


def billing_profile(
    columns: Sequence[Column], makers: Sequence[CellMaker], local: LocalTime, now: Callable[[], datetime]
) -> CosemObject:
    """Return the billing profile."""
    rows = MonthlyRows(makers, local, now)
    return Profile(ObisCode.BILLING_PROFILE, columns, rows, local, capacity=CAPACITY, period=0).object


def harmonics_table(household: Household, now: Callable[[], datetime]) -> CosemObject:
    """Return the register table of the voltage's harmonics."""

    def values() -> bytes:
        volts = household.voltage(now()) * _TENTHS
        return axdr.encode_array(
            [axdr.encode_long_unsigned(round(volts * part)) for part in _HARMONICS.values()]
        )

    definition = TableCellDefinition(3, HARMONICS_TABLE, tuple(_HARMONICS), 2)
    return CosemObject(
        61,
        0,
        HARMONICS_TABLE,
        {
            2: Attribute(values),
            3: TypedCell(TableCellDefinition, definition).attribute,
            4: Attribute(lambda: scaler_unit(-1, VOLT)),
        },
    )
