"""What the status of a profile's row means, where the object it was captured from tells.

    80  40  20  10  08  04  02  01
    power down . clock adjusted . daylight . not valid . clock invalid . critical error

Source: DSMR P3 companion standard and IDIS, AMR profile status; general knowledge.
"""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from meterkit.dlms.cosem.obis import ObisCode

_DATA, _STATUS_MAPPING, _VALUE = 1, 63, 2  # classes; the attribute
_ABSTRACT, _SERVICE, _PROFILE_STATUS = 0, 96, 10  # value groups A, C and D
_OCTET: Final = range(256)


class ProfileStatus(IntFlag):
    """The AMR profile status of one row.  Bits without a name are kept."""

    CRITICAL_ERROR = 0x01  #: ERR: the meter may have measured wrongly
    CLOCK_INVALID = 0x02  #: CIV: the power reserve ran out, the clock is not to be trusted
    DATA_NOT_VALID = 0x04  #: DNV: the entry may not be billed
    DAYLIGHT_SAVING = 0x08  #: DST: summer time
    CLOCK_ADJUSTED = 0x20  #: CAD: the clock was set by more than the limit
    POWER_DOWN = 0x80  #: PDN: power failed in the period


def is_profile_status(class_id: int, obis: ObisCode, attribute: int) -> bool:
    """Tell whether an attribute is an AMR profile status: 0-b:96.10.e."""
    is_object = class_id in (_DATA, _STATUS_MAPPING) and attribute == _VALUE
    return is_object and (obis.a, obis.c, obis.d) == (_ABSTRACT, _SERVICE, _PROFILE_STATUS)


def meaning(raw: object) -> object:
    """Return a status of one octet as flags; what is longer has another meaning and stays as it came."""
    if isinstance(raw, int) and not isinstance(raw, bool) and raw in _OCTET:
        return ProfileStatus(raw)
    return raw
