"""The standard events of logs by their codes, and who a user id stands for.

Source: C12.19, history and event log codes: 0 to 48 of 1997, 49 to 76 of 2008, as an independent program
lists them; general knowledge of C12.19, unconfirmed.  The guide names no events; see `OSGP_EVENTS`.
"""

from __future__ import annotations

_1997 = (
    "No event",
    "Primary power down",
    "Primary power up",
    "Time changed (time stamp is old time)",
    "Time changed (time stamp is new time)",
    "Time changed (argument is old time)",
    "Time changed (argument is new time)",
    "End device accessed for read",
    "End device accessed for write",
    "Procedure invoked",
    "Table written to",
    "End device programmed",
    "Communication terminated normally",
    "Communication terminated abnormally",
    "List pointers reset",
    "List pointers updated",
    "History log cleared",
    "History log pointers updated",
    "Event log cleared",
    "Event log pointers updated",
    "Demand reset occurred",
    "Self read occurred",
    "Daylight saving time on",
    "Daylight saving time off",
    "Season changed",
    "Rate changed",
    "Special schedule activated",
    "Tier switched or changed",
    "Pending table activated",
    "Pending table activation cleared",
    "Metering mode started",
    "Metering mode stopped",
    "Test mode started",
    "Test mode stopped",
    "Meter shop mode started",
    "Meter shop mode stopped",
    "End device reprogrammed",
    "Configuration error detected",
    "Self-check error detected",
    "RAM failure detected",
    "ROM failure detected",
    "Nonvolatile memory failure detected",
    "Clock error detected",
    "Measurement error detected",
    "Low battery detected",
    "Low loss potential detected",
    "Demand overload detected",
    "Tamper attempt detected",
    "Reverse rotation detected",
)
_2008 = (
    "Control point changed by a command",
    "Control point changed by the schedule",
    "Control point changed by a condition",
    "Control point changed for the prepayment",
    "Added to remaining credit",
    "Subtracted from remaining credit",
    "Remaining credit adjusted",
    "End device sealed",
    "End device unsealed",
    "Procedure invoked (with values)",
    "Table written to (with values)",
    "End device programmed (with values)",
    "End device sealed (with values)",
    "End device unsealed (with values)",
    "Procedure invoked (with signature)",
    "Table written to (with signature)",
    "End device programmed (with signature)",
    "End device sealed (with signature)",
    "End device unsealed (with signature)",
    "Procedure invoked (with signature and values)",
    "Table written to (with signature and values)",
    "End device programmed (with signature and values)",
    "End device sealed (with signature and values)",
    "End device unsealed (with signature and values)",
    "Secured table read",
    "Secured register read",
    "Secured table read (with values)",
    "Secured register read (with values)",
)

#: C12.19's standard events by code.
STANDARD_EVENTS: dict[int, str] = dict(enumerate(_1997 + _2008))

#: Standard events of OSGP meters.  They follow C12.19-1997, so that 2008's codes do not hold; where an
#: event reports a bit of BT03's standard status, event 36 + n is bit n - 1 and has its name (D35).
#: Inferred from that and from a public reader of meters of this family, unconfirmed.
OSGP_EVENTS: dict[int, str] = dict(enumerate(_1997)) | {
    38: "System reset detected",
    47: "Cover removal detected",
    48: "Reverse energy detected",
    49: "Data backup incomplete detected",
    50: "Disconnect switch error detected",
}

#: Who acted when nobody had logged in.  Source: OSGP guide, BT74.
OSGP_USERS: dict[int, str] = {
    0xFFFF: "nobody logged in",
    0xFFFE: "PLC, G3 or P2P message",
    0xFFFD: "MEP device",
}

#: General knowledge of C12.19, unconfirmed.
STANDARD_USERS: dict[int, str] = {0: "end device", 1: "manual"}


def event_name(code: int, *, is_manufacturer: bool = False, osgp: bool = False) -> str:
    """Return the name of an event; "standard event 63" or "manufacturer event 5" for one without."""
    if is_manufacturer:
        return f"manufacturer event {code}"
    return (OSGP_EVENTS if osgp else STANDARD_EVENTS).get(code, f"standard event {code}")


def user_name(user_id: int, *, osgp: bool = False) -> str:
    """Return who `user_id`, of a log entry, stands for: "user 2", "nobody logged in"."""
    return (OSGP_USERS if osgp else STANDARD_USERS).get(user_id, f"user {user_id}")
