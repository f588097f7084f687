"""Words for what application PDUs are about: interface classes, well-known objects, octets with a shape.

Source: the Blue Book's class identifiers and names; for OBIS codes see `meterkit.dlms.cosem.obis_words`.
"""

from __future__ import annotations

from typing import Final

from meterkit.codec.cosem_time import DATE_TIME_SIZE, CosemDateTime
from meterkit.dlms.cosem.obis import SIZE, ObisCode
from meterkit.dlms.cosem.obis_words import MEDIA, explain

CLASS_NAMES: Final = {
    1: "Data",
    3: "Register",
    4: "Extended register",
    5: "Demand register",
    6: "Register activation",
    7: "Profile generic",
    8: "Clock",
    9: "Script table",
    10: "Schedule",
    11: "Special days table",
    12: "Association SN",
    15: "Association LN",
    17: "SAP assignment",
    18: "Image transfer",
    19: "IEC local port setup",
    20: "Activity calendar",
    21: "Register monitor",
    22: "Single action schedule",
    23: "IEC HDLC setup",
    24: "IEC twisted pair setup",
    25: "M-Bus slave port setup",
    26: "Utility tables",
    27: "Modem configuration",
    28: "Auto answer",
    29: "Auto connect",
    30: "Data protection",
    40: "Push setup",
    41: "TCP-UDP setup",
    42: "IPv4 setup",
    43: "MAC address setup",
    44: "PPP setup",
    45: "GPRS modem setup",
    47: "GSM diagnostic",
    48: "IPv6 setup",
    61: "Register table",
    62: "Compact data",
    63: "Status mapping",
    64: "Security setup",
    65: "Parameter monitor",
    68: "Arbitrator",
    70: "Disconnect control",
    71: "Limiter",
    72: "M-Bus client",
    74: "M-Bus master port setup",
    76: "M-Bus port setup",
    77: "M-Bus diagnostic",
    80: "LLC SSCS setup",
    90: "G3-PLC MAC layer counters",
    91: "G3-PLC MAC setup",
    92: "G3-PLC 6LoWPAN adaptation layer setup",
    100: "NTP setup",
    111: "Account",
    112: "Credit",
    113: "Charge",
    115: "Token gateway",
    122: "Function control",
    123: "Array manager",
    124: "Communication port protection",
    151: "LTE monitoring",
}

_PLAUSIBLE_YEARS: Final = range(1970, 2100)  # of a clock; others are octets that look like a time


def class_name(class_id: int) -> str:
    """Return the name of an interface class; empty for one that is not known here."""
    return CLASS_NAMES.get(class_id, "")


def object_name(code: ObisCode) -> str:
    """Return what a logical name stands for; its medium at least, empty where nothing is known of it."""
    return str(explain(code))


def octets_meaning(octets: bytes) -> str:
    """Return what an octet-string looks like: a time, a logical name, text; empty if like nothing."""
    if len(octets) == DATE_TIME_SIZE and (time := time_meaning(octets)):
        return time
    if octets and all(32 <= octet < 127 for octet in octets):
        return f'"{octets.decode()}"'
    if len(octets) == SIZE and octets[0] in MEDIA:
        code = ObisCode(*octets)
        name = object_name(code)
        return f"{code}, {name}" if name else str(code)
    return ""


def time_meaning(octets: bytes) -> str:
    """Return the time in 12 octets; empty if they hardly are one."""
    time = CosemDateTime.from_octets(octets)
    year = time.date.year
    is_open = year is None and time.date.month in (None, *range(1, 13), 0xFD, 0xFE)
    is_moment = year in _PLAUSIBLE_YEARS and time.to_datetime() is not None
    is_pattern = year in _PLAUSIBLE_YEARS and time.to_datetime() is None and time.date.to_date() is not None
    return str(time) if is_open or is_moment or is_pattern else ""
