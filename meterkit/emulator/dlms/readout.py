"""The data readout of mode C: every quantity as a line of text.  Source: IEC 62056-21 6.3.

STX 1-0:1.8.0(0001234.567*kWh) CR LF ... ! CR LF ETX BCC
"""

from __future__ import annotations

from collections.abc import Iterable

from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms.quantities import AMPERE, HERTZ, VAR_HOUR, VOLT, WATT, WATT_HOUR

STX, ETX = b"\x02", b"\x03"
_NAMES = {WATT: "W", WATT_HOUR: "Wh", VAR_HOUR: "varh", AMPERE: "A", VOLT: "V", HERTZ: "Hz"}
_KILO = frozenset({WATT, WATT_HOUR, VAR_HOUR})  # told in thousands, as meters do
_WIDTH = 7  # digits before the point


def readout(serial_number: str, values: Iterable[tuple[ObisCode, int, int, int]]) -> bytes:
    """Return the data message of (OBIS code, value, scaler, unit), with its check octet."""
    lines = [f"0-0:96.1.0({serial_number})"]
    for obis, value, scaler, unit in values:
        decimals = -scaler + (3 if unit in _KILO else 0)
        scale = 10**decimals
        whole, part = divmod(value, scale)
        number = f"{whole:0{_WIDTH}}.{part:0{decimals}}"
        prefix = "k" if unit in _KILO else ""
        name = f"{obis.a}-{obis.b}:{obis.c}.{obis.d}.{obis.e}"
        lines.append(f"{name}({number}*{prefix}{_NAMES[unit]})")
    text = "\r\n".join([*lines, "!", ""]).encode("ascii") + ETX
    return STX + text + bytes((block_check(text),))


def block_check(octets: bytes) -> int:
    """Return the check octet: all octets after STX, exclusive or.  Source: IEC 62056-21, BCC."""
    check = 0
    for octet in octets:
        check ^= octet
    return check & 0x7F
