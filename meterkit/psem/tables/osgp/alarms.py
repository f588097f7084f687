"""The alarms of BT03 by name and firmware.

Source: OSGP guide, BT03.  Octets and bits are the guide's: octet 1 holds bits 0 to 7 of its 16-bit field,
octet 2 bits 8 to 15.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from meterkit.psem.tables.status import EdModeStatus

Version = tuple[int, ...]

_MFG_STATUS = 4  # octet of BT03 where the manufacturer's alarms begin
_MOST_OCTETS = 255  # of manufacturer status: BT00.17 is a UINT8


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm of a meter."""

    name: str
    octet: int  #: of BT03 (ST3)
    bit: int  #: 0..7
    since: Version | None  #: firmware that brought it; None: always there, or (unnamed) nobody knows
    is_set: bool


@dataclass(frozen=True, slots=True)
class AlarmName:
    """One line of BT03."""

    octet: int
    bit: int
    name: str
    lines: tuple[Version, ...] = ()  #: first version of each firmware line that has it; none: all

    @property
    def since(self) -> Version | None:
        """The oldest firmware that has it."""
        return self.lines[0] if self.lines else None

    def is_in(self, firmware: Version | None) -> bool:
        """Tell whether `firmware` has the alarm; None stands for any.

        "2.12 and 3.01" means 2.12 and what follows in the 2.x line, and 3.01 and all that follows: 3.00
        has it not.
        """
        if not self.lines or firmware is None:
            return True
        newest = self.lines[-1]
        return firmware >= newest or any(firmware >= v and firmware[0] == v[0] for v in self.lines)


def _octet(octet: int, names: str, *lines: Version, first: int = 0) -> list[AlarmName]:
    return [AlarmName(octet, bit, name.strip(), lines) for bit, name in enumerate(names.split(";"), first)]


_2_12: tuple[Version, ...] = ((2, 12), (3, 1))  # "firmware versions 2.12 and 3.01"

#: Every alarm of the guide.  A later line for the same bit is a newer firmware's meaning.
ALARM_NAMES: tuple[AlarmName, ...] = (
    # Octets 1 and 2 are the guide's names, not C12.19's, which differ (D35).
    *_octet(
        1,
        "Unprogrammed; Configuration Error; System Reset; RAM Failure; ROM Failure;"
        "Non-volatile Memory Failure; Clock Error; Measurement Error",
    ),
    *_octet(
        2,
        "Low Battery; Low Loss Potential; Demand Overload; Power Failure; Cover Removed; Reverse Energy;"
        "Data Backup Incomplete; Disconnect Switch Error",
    ),
    *_octet(
        3,
        "Load Profile Data Set 2 Unread Entries Exist; Load Profile Data Set 3 Unread Entries Exist;"
        "Load Profile Data Set 4 Unread Entries Exist",
        (3, 50),
    ),
    AlarmName(3, 3, "Neutral Current Deviation", ((3, 60),)),
    AlarmName(3, 3, "Neutral Current Deviation or Earth Fault", ((4, 0),)),  # by ET29.33.7
    *_octet(
        4,
        "Load Profile Overflow; Self-Read Occurred; Load Disconnect Has Changed State;"
        "Control Relay (1) Open; Phase Loss; Phase Inversion; PLC Config Failure; General Error",
    ),
    *_octet(
        5,
        "Invalid Password; Remote Communications Inactive; Current on Missing or Unused Phase;"
        "Pulse Input 1 Tamper; Pulse Input 2 Tamper; Software CRC Error; Code Bank Changed;"
        "Load Profile Backfill Failed",
    ),
    *_octet(
        6,
        "MEP Installed or Removed; M-Bus Alarm; M-Bus Auto-Discovery Complete; Phase Rotation Changed;"
        "Prepay Credit Exhausted; Prepay Warning Acknowledged",
        (2, 10),
    ),
    # Printed under 2.12 and 3.01 with the words "available in 2.0 meters" (D34): taken as there from 2.0.
    AlarmName(6, 6, "Event Log Overflow Pending", ((2, 0),)),
    *_octet(6, "Mfg Log Entry Available", *_2_12, first=7),
    *_octet(
        7,
        "Dimension Change; Magnetic Tamper Detected; Access Lockout Override; Power Quality Event Detected;"
        "Event Log Unread Entries; THD State Changed",
        *_2_12,
    ),
    AlarmName(7, 6, "Load Profile 1 Unread Entries Exist", ((3, 10),)),
    AlarmName(7, 7, "Load Side Voltage Detected", ((3, 30),)),
    AlarmName(8, 0, "Unbalanced Voltage Detected", ((3, 60),)),  # offset lost: 8.0 by sequence (D34)
    AlarmName(8, 1, "Password Table Written To", ((3, 70),)),
    # The note on 2.0 meters is garbled (D34): a 2.x meter that sends octet 8 means the same by this bit.
    AlarmName(8, 2, "Password (Key) Expiration Pending", ((2, 0), (3, 80))),
    *_octet(8, "P2P Security; Firmware Separation Violation; Modem Error", (4, 10), first=3),
    *_octet(8, "G3 Alarm; G3 Event Logged", (4, 20), first=6),
    AlarmName(9, 0, "Control Relay (2) Open", ((4, 30),)),
)


def alarm_names(firmware: Version | None = None) -> tuple[AlarmName, ...]:
    """Return the alarms that `firmware` has, by octet and bit; None: those of the newest."""
    known = {(one.octet, one.bit): one for one in ALARM_NAMES if one.is_in(firmware)}
    return tuple(known[place] for place in sorted(known))


def alarms(record: EdModeStatus, firmware: Version | None = None) -> tuple[Alarm, ...]:
    """Return the alarms of an OSGP meter's BT03, by octet and bit.

    Those in octets that were read: as many as BT00.17 tells, and what a whole read brought beyond.  BT00
    prints 4 octets where BT03 goes up to octet 9 (D01), and a meter asked for more octets than it has sends
    zeroes without a word: an alarm that was not sent is left out, not "off".  A bit set without a name in
    this firmware is an alarm too.  `firmware`: BT01's; None: the newest names.
    """
    octets = _octets(record)
    named = {(one.octet, one.bit): one for one in alarm_names(firmware)}
    return tuple(_alarms(octets, named))


def _alarms(octets: bytes, named: dict[tuple[int, int], AlarmName]) -> Iterator[Alarm]:
    for octet in range(1, len(octets)):
        for bit in range(8):
            is_set, known = bool(octets[octet] >> bit & 1), named.get((octet, bit))
            if known is not None:
                yield Alarm(known.name, octet, bit, known.since, is_set)
            elif is_set:
                yield Alarm(f"Alarm {octet}.{bit}", octet, bit, None, True)


def _octets(record: EdModeStatus) -> bytes:
    """Return BT03's octets in the guide's order, whatever order the meter sends them in."""
    status1 = record.ed_std_status1.to_bytes(2, "little")
    return (
        bytes([record.ed_mode])
        + status1
        + bytes([record.ed_std_status2])
        + record.ed_mfg_status.octets
        + record.extra[:_MOST_OCTETS]
    )


#: C12.19's own names of the standard's status, bits 0 to 13; 14, 15 and the second status are fill.
_STANDARD_NAMES = (
    "Unprogrammed",
    "Configuration Error",
    "Self-Check Error",
    "RAM Failure",
    "ROM Failure",
    "Nonvolatile Memory Failure",
    "Clock Error",
    "Measurement Error",
    "Low Battery",
    "Low Loss Potential",
    "Demand Overload",
    "Power Failure",
    "Tamper Detected",
    "Reverse Rotation",
)


def standard_alarms(record: EdModeStatus) -> tuple[Alarm, ...]:
    """Return the alarms of ST3 on any other C12.19 meter; the manufacturer's are known by place only."""
    named = {
        (1 + bit // 8, bit % 8): AlarmName(1 + bit // 8, bit % 8, name)
        for bit, name in enumerate(_STANDARD_NAMES)
    }
    found: list[Alarm] = []
    for alarm in _alarms(_octets(record), named):
        is_own = alarm.octet >= _MFG_STATUS
        name = f"Manufacturer status {alarm.octet - _MFG_STATUS}.{alarm.bit}" if is_own else alarm.name
        found.append(Alarm(name, alarm.octet, alarm.bit, None, alarm.is_set))
    return tuple(found)
