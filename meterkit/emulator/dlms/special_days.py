"""Special days: dates that are no ordinary days.  Source: Blue Book 4.5.4 (Special days table)."""

from __future__ import annotations

from datetime import date

from meterkit.codec.cosem_time import CosemDate
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.clock_and_schedules import SpecialDay
from meterkit.dlms.cosem.composite_types import array
from meterkit.dlms.cosem.data_types import LONG_UNSIGNED
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.cosem_object import ActionRefused, CosemObject, Method
from meterkit.emulator.dlms.typed_cell import TypedCell

SPECIAL_DAYS = ObisCode(0, 0, 11, 0, 0)
HOLIDAY = 2  # day_id
_ROOM = 64  # entries
_ENTRIES = (
    SpecialDay(1, CosemDate(None, 1, 1, None), HOLIDAY),
    SpecialDay(2, CosemDate(None, 12, 25, None), HOLIDAY),
)


class SpecialDaysObject:
    """The table: entries by their index, one that exists is replaced."""

    def __init__(self) -> None:
        self._entries = TypedCell(array(SpecialDay), _ENTRIES, lambda days: len(days) <= _ROOM)
        self._one = TypedCell(SpecialDay, _ENTRIES[0])
        self._index = TypedCell(LONG_UNSIGNED, 0)
        self.object = CosemObject(
            11,
            0,
            SPECIAL_DAYS,
            {2: self._entries.writable},
            {1: Method(self._insert), 2: Method(self._delete)},
        )

    def day_id(self, day: date) -> int | None:
        """Return what day a date is; None for an ordinary one."""
        found = (one for one in self._entries.value if _matches(one.specialday_date, day))
        return next((one.day_id for one in found), None)

    def _insert(self, octets: bytes | None) -> None:
        new = self._one.parse(octets)
        others = [one for one in self._entries.value if one.index != new.index]
        if len(others) == _ROOM:
            raise ActionRefused(ActionResult.OTHER_REASON)
        self._entries.value = tuple(sorted([*others, new], key=lambda one: one.index))

    def _delete(self, octets: bytes | None) -> None:
        index = self._index.parse(octets)
        left = tuple(one for one in self._entries.value if one.index != index)
        if len(left) == len(self._entries.value):
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        self._entries.value = left


def _matches(pattern: CosemDate, day: date) -> bool:
    pairs = (
        (pattern.year, day.year),
        (pattern.month, day.month),
        (pattern.day, day.day),
        (pattern.weekday, day.isoweekday()),
    )
    return all(wanted is None or wanted == is_ for wanted, is_ in pairs)
