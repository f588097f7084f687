"""The limiter: thresholds of the power taken, in emergencies another one.  Source: Blue Book 4.5.9 (Limiter).

    more than the threshold, for as long as min_over_threshold_duration   ->   the script: disconnect

The household's past is known, so what happened is found out when somebody looks: at the switch or at this.
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
from meterkit.emulator.dlms.switches import CONNECTED, DISCONNECT_SCRIPT, NO_SCRIPT, SCRIPTS, Breaker
from meterkit.emulator.dlms.typed_cell import TypedCell

LIMITER = ObisCode(0, 0, 17, 0, 0)
_NEVER = CosemDateTime(CosemDate(), CosemTime(), None, None)
_NORMAL, _EMERGENCY = 17_250, 5_000  # W: three phases of 25 A; a house that makes do
_MONITORED = ValueDefinition(3, ObisCode.ACTIVE_POWER_IMPORT, 2)
_DURATION = 30  # s
_LOOKS = 10  # at the power within that time


class LimiterObject:
    """Thresholds; the emergency's own hold while an emergency profile of a known group lasts."""

    def __init__(
        self,
        now: Callable[[], datetime],
        local: LocalTime,
        power: Callable[[datetime], float],
        breaker: Breaker,
    ) -> None:
        self._now, self._local, self._power, self._breaker = now, local, power, breaker
        self._since = now()  # the switch is closed, and the thresholds are what they are
        breaker.look = self.look
        wide = axdr.encode_double_long_unsigned
        self._normal, self._emergency = Cell(wide(_NORMAL)), Cell(wide(_EMERGENCY))
        self._profile = TypedCell(EmergencyProfile, EmergencyProfile(0, _NEVER, 0))
        self._groups = TypedCell(array(LONG_UNSIGNED), ())
        self._duration = Cell(wide(_DURATION))
        self._was_closed = True
        actions = LimiterActions(ActionItem(SCRIPTS, DISCONNECT_SCRIPT), ActionItem(SCRIPTS, NO_SCRIPT))
        self._actions = TypedCell(LimiterActions, actions)
        self.object = CosemObject(
            71,
            0,
            LIMITER,
            {
                2: TypedCell(ValueDefinition, _MONITORED).attribute,
                3: Attribute(lambda: (self._emergency if self.is_emergency else self._normal).read()),
                4: self._anew(self._normal),
                5: self._anew(self._emergency),
                6: self._anew(self._duration),
                7: Cell(wide(_DURATION)).writable,
                8: self._profile.writable,
                9: self._groups.writable,
                10: Attribute(lambda: axdr.encode_boolean(self.is_emergency)),
                11: self._actions.writable,
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

    def _anew(self, cell: Cell) -> Attribute:
        """Return what may be written, from which on time counts anew."""

        def write(octets: bytes) -> None:
            self.look()
            cell.write(octets)
            self._since = self._now()

        return Attribute(cell.read, write)

    def look(self) -> None:
        """Open the switch if more than the threshold was taken for long enough."""
        is_closed = self._breaker.state == CONNECTED
        if is_closed and not self._was_closed:
            self._since = self._now()
        self._was_closed = is_closed
        wanted = self._actions.value.action_over_threshold
        is_ours = wanted.script_logical_name == SCRIPTS and wanted.script_selector == DISCONNECT_SCRIPT
        if not is_closed or not is_ours:
            return
        now, lasting = self._now(), _number(self._duration)
        threshold = _number(self._emergency if self.is_emergency else self._normal)
        if now - self._since < timedelta(seconds=lasting):
            return
        moments = (now - timedelta(seconds=lasting * part / _LOOKS) for part in range(_LOOKS + 1))
        if all(self._power(moment) > threshold for moment in moments):
            self._breaker.disconnect_locally()
            self._was_closed = False


def _number(cell: Cell) -> int:
    return int.from_bytes(cell.read()[1:])
