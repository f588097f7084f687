"""The limiter: thresholds of the power taken, in emergencies another one.  Source: Blue Book 4.5.9 (Limiter).

What the thresholds are is real; nothing is switched when the household passes them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from meterkit.codec import axdr
from meterkit.codec.cosem_time import CosemDate, CosemDateTime, CosemTime
from meterkit.dlms.cosem.composite_types import array
from meterkit.dlms.cosem.data_types import LONG_UNSIGNED
from meterkit.dlms.cosem.definitions import ActionItem, ValueDefinition
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.cosem.switches_and_limits import EmergencyProfile, LimiterActions
from meterkit.emulator.dlms.cosem_object import Attribute, Cell, CosemObject
from meterkit.emulator.dlms.local_time import LocalTime
from meterkit.emulator.dlms.switches import DISCONNECT_SCRIPT, NO_SCRIPT, SCRIPTS
from meterkit.emulator.dlms.typed_cell import TypedCell

LIMITER = ObisCode(0, 0, 17, 0, 0)
_NEVER = CosemDateTime(CosemDate(), CosemTime(), None, None)
_NORMAL, _EMERGENCY = 17_250, 5_000  # W: three phases of 25 A; a house that makes do
_MONITORED = ValueDefinition(3, ObisCode.ACTIVE_POWER_IMPORT, 2)
_DURATION = 30  # s


class LimiterObject:
    """Thresholds; the emergency's own hold while an emergency profile of a known group lasts."""

    def __init__(self, now: Callable[[], datetime], local: LocalTime) -> None:
        self._now, self._local = now, local
        wide = axdr.encode_double_long_unsigned
        self._normal, self._emergency = Cell(wide(_NORMAL)), Cell(wide(_EMERGENCY))
        self._profile = TypedCell(EmergencyProfile, EmergencyProfile(0, _NEVER, 0))
        self._groups = TypedCell(array(LONG_UNSIGNED), ())
        actions = LimiterActions(ActionItem(SCRIPTS, DISCONNECT_SCRIPT), ActionItem(SCRIPTS, NO_SCRIPT))
        self.object = CosemObject(
            71,
            0,
            LIMITER,
            {
                2: TypedCell(ValueDefinition, _MONITORED).attribute,
                3: Attribute(lambda: (self._emergency if self.is_emergency else self._normal).read()),
                4: self._normal.writable,
                5: self._emergency.writable,
                6: Cell(wide(_DURATION)).writable,
                7: Cell(wide(_DURATION)).writable,
                8: self._profile.writable,
                9: self._groups.writable,
                10: Attribute(lambda: axdr.encode_boolean(self.is_emergency)),
                11: TypedCell(LimiterActions, actions).writable,
            },
        )

    @property
    def is_emergency(self) -> bool:
        """Whether an emergency lasts just now."""
        profile = self._profile.value
        begin = profile.emergency_activation_time.to_datetime()
        if begin is None or profile.emergency_profile_id not in self._groups.value:
            return False
        begin = begin if begin.tzinfo else begin.replace(tzinfo=self._local.zone)
        return begin <= self._now() < begin + timedelta(seconds=profile.emergency_duration)
