"""What an OSGP meter's firmware decides: which tables there are, and how many registers.

Source: OSGP guide, BT00, BT20, BT21, BT28, "Reading the Event Log"; doubts D01, D09, D29.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.emulator.configuration import EmulatorConfiguration
from meterkit.emulator.measurement import NBR_SUMMATIONS

ACTUAL_DIMENSIONS = (2, 12)  # first with BT21 and BT71
DEMANDS = (3, 10)  # first whose BT20 has the flags of demands
EIGHT_TIERS = (3, 70)
APPARENT_ENERGY = (4, 0)  # first with 19 summations
_OLD_SUMMATIONS = 15
_PLAIN_SUMMATIONS = 4  # of a C12.19 meter that is no OSGP meter: Wh and varh, either way
#: How many present values BT28 has from which firmware on; 18 before.
_PRESENT_VALUES = (
    ((4, 30), 84),
    ((4, 10), 75),
    ((4, 0), 72),
    ((3, 70), 55),
    ((3, 50), 41),
    ((3, 10), 26),
    ((2, 12), 22),
)
#: How many self reads BT20 allows from which firmware on; 12 before.  "214 (FW 3.0)" as printed (D30).
_SELF_READS = (((3, 10), 253), ((3, 0), 214), ((2, 10), 24))
#: Octets of manufacturer status: the guide's 4, and one for every octet that its BT03 adds (D01).
_STATUS_OCTETS = (((4, 30), 6), ((3, 70), 5))


@dataclass(frozen=True, slots=True)
class RegisterCounts:
    """The dimensions of decade 20."""

    has_actual: bool  #: there is a BT21; else BT20 tells what there is
    can_have_demands: bool
    most_self_reads: int
    self_reads: int
    most_summations: int
    summations: int
    most_tiers: int
    present_values: int

    @classmethod
    def of(cls, configuration: EmulatorConfiguration) -> RegisterCounts:
        """Return the dimensions that a configuration leads to."""
        if configuration.dialect == "c12.19":
            return cls(True, True, 253, configuration.self_reads, _PLAIN_SUMMATIONS, _PLAIN_SUMMATIONS, 8, 12)
        firmware = configuration.firmware_version[:2]
        has_actual = firmware >= ACTUAL_DIMENSIONS
        most = NBR_SUMMATIONS if firmware >= APPARENT_ENERGY else _OLD_SUMMATIONS
        most_self_reads = _since(firmware, _SELF_READS, 12)
        return cls(
            has_actual=has_actual,
            can_have_demands=firmware >= DEMANDS,
            most_self_reads=most_self_reads,
            self_reads=min(configuration.self_reads, most_self_reads) if has_actual else most_self_reads,
            most_summations=most,
            summations=min(configuration.nbr_summations or most, most) if has_actual else most,
            most_tiers=8 if firmware >= EIGHT_TIERS else 4,
            present_values=_since(firmware, _PRESENT_VALUES, 18),
        )


def status_octets(configuration: EmulatorConfiguration) -> int:
    """Return BT00.17: octets of manufacturer status in BT03."""
    return configuration.manufacturer_status_octets or _since(
        configuration.firmware_version[:2], _STATUS_OCTETS, 4
    )


def _since(firmware: tuple[int, ...], counts: tuple[tuple[tuple[int, int], int], ...], before: int) -> int:
    return next((count for version, count in counts if firmware >= version), before)
