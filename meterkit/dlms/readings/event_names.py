"""What the codes of event logs mean, by the log they stand in.

0-0:99.98.0  standard    0-0:99.98.1  fraud    0-0:99.98.2  disconnector    0-0:99.98.3  M-Bus

COSEM itself gives codes no meaning: companion specifications do, and agree on these (DSMR P3 and IDIS; the
codes of the GXF platform; general knowledge).  A meter of another companion, or of none, may mean something
else.  Codes that they use for different things are left out: an event has its code alone then.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from meterkit.dlms.cosem.obis import ObisCode

#: What a log is about, by its value group E.
LOGS: Final = MappingProxyType(
    {0: "standard", 1: "fraud detection", 2: "disconnector control", 3: "M-Bus", 4: "power quality"}
)
_CLEARED: Final = {255: "event log cleared"}

_STANDARD: Final = {
    1: "power down",
    2: "power up",
    3: "daylight saving time begins or ends",
    4: "clock adjusted: the time before",
    5: "clock adjusted: the time after",
    6: "clock invalid",
    7: "replace battery",
    8: "battery voltage low",
    9: "tariff calendar activated",
    10: "error register cleared",
    11: "alarm register cleared",
    12: "program memory error",
    13: "RAM error",
    14: "non-volatile memory error",
    15: "watchdog error",
    16: "measurement system error",
    17: "firmware ready for activation",
    18: "firmware activated",
    19: "passive tariff calendar written",
    47: "parameters changed",
}
_FRAUD: Final = {
    40: "terminal cover removed",
    41: "terminal cover closed",
    42: "strong magnetic field detected",
    43: "no strong magnetic field any more",
    44: "meter cover removed",
    45: "meter cover closed",
    46: "authentication failed several times",
}
_DISCONNECTOR: Final = {
    60: "disconnected by hand",
    61: "connected by hand",
    62: "disconnected remotely",
    63: "connected remotely",
    64: "disconnected by the meter",
    65: "limiter threshold exceeded",
    66: "limiter threshold kept again",
    67: "limiter threshold changed",
}
#: Codes of M-Bus channel 1; each further channel has them 10 higher.
_MBUS: Final = {
    100: "communication error",
    101: "communication works again",
    102: "replace battery",
    103: "fraud attempt",
    104: "clock adjusted",
}
_CHANNELS: Final = 4
_PER_CHANNEL: Final = 10

_BY_LOG: Final[Mapping[int, Mapping[int, str]]] = MappingProxyType(
    {
        0: _STANDARD | _FRAUD | _CLEARED,
        1: _FRAUD | _CLEARED,
        2: _DISCONNECTOR | _CLEARED,
        3: _CLEARED
        | {
            code + _PER_CHANNEL * channel: f"M-Bus device {channel + 1}: {name}"
            for channel in range(_CHANNELS)
            for code, name in _MBUS.items()
        },
    }
)


def is_event_log(obis: ObisCode) -> bool:
    """Tell whether a profile of this name is an event log, or the log of power failures."""
    return obis.c == 99 and obis.d in (97, 98)


def log_name(obis: ObisCode) -> str:
    """Return what a log is about; empty where nobody says."""
    if obis.c == 99 and obis.d == 97:
        return "power failures"
    return LOGS.get(obis.e, "") if is_event_log(obis) else ""


def event_name(log: ObisCode, code: int) -> str:
    """Return what a code means in a log; empty where nobody says."""
    known = _BY_LOG.get(log.e) if log.c == 99 and log.d == 98 else None
    return "" if known is None else known.get(code, "")
