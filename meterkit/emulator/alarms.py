"""The alarms of BT03 by name: where each stands, and which event it makes.

The guide numbers no events.  Standard alarms follow C12.19, whose event 37 is bit 0 of the standard
status; the numbers of the manufacturer's own events are the emulator's: 0 to 47 for BT03 octets 4 to 9,
48 to 55 for octet 3, bit by bit.  Source: OSGP guide, BT03; C12.19, event codes.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.diary import EventCode
from meterkit.emulator.firmware import status_octets
from meterkit.psem.tables.osgp.alarms import alarm_names

_EXTENDED_OCTET, _MFG_OCTET = 3, 4  # of BT03
_NBR_MFG_BITS = 48


@dataclass(slots=True)
class MeterStatus:
    """What table 3 tells."""

    mode: int = 1  #: bit 0: metering
    standard: int = 0  #: the standard status bits, octets 1 and 2
    extended: int = 0  #: octet 3, but for unread load profiles, which are told as they stand
    manufacturer: int = 0  #: octets 4 and up, least significant first


@dataclass(frozen=True, slots=True)
class AlarmPlace:
    """One bit of BT03."""

    octet: int  #: 1 to 9
    bit: int

    @property
    def event(self) -> tuple[int, bool]:
        """The event that the alarm makes: (code, is the manufacturer's)."""
        if self.octet < _EXTENDED_OCTET:
            return EventCode.FIRST_ALARM + (self.octet - 1) * 8 + self.bit, False
        if self.octet == _EXTENDED_OCTET:
            return _NBR_MFG_BITS + self.bit, True
        return (self.octet - _MFG_OCTET) * 8 + self.bit, True

    def is_set(self, status: MeterStatus) -> bool:
        """Tell whether the alarm is raised."""
        field, bit = self._place
        value: int = getattr(status, field)
        return bool(value >> bit & 1)

    def put(self, status: MeterStatus, is_set: bool) -> None:
        """Raise the alarm, or take it back."""
        field, bit = self._place
        value: int = getattr(status, field)
        setattr(status, field, value & ~(1 << bit) | is_set << bit)

    @property
    def _place(self) -> tuple[str, int]:
        if self.octet < _EXTENDED_OCTET:
            return "standard", (self.octet - 1) * 8 + self.bit
        if self.octet == _EXTENDED_OCTET:
            return "extended", self.bit
        return "manufacturer", (self.octet - _MFG_OCTET) * 8 + self.bit


def alarm_named(name: str, configuration: EmulatorConfiguration) -> AlarmPlace:
    """Return where an alarm stands.

    Errors: ValueError for a name that this firmware's BT03 does not have, or has no octet for.
    """
    last = _MFG_OCTET + status_octets(configuration)
    known = {
        one.name: AlarmPlace(one.octet, one.bit)
        for one in alarm_names(configuration.firmware_version)
        if one.octet < last
    }
    if name not in known:
        raise ValueError(f"BT03 of this meter has no alarm {name!r}; it has: {'; '.join(sorted(known))}")
    return known[name]
