"""OBIS codes: the names of COSEM objects.  Source: IEC 62056-61 (OBIS), general knowledge.

A medium - B channel : C quantity . D processing . E tariff * F billing period
1        - 0         : 1          . 8            . 0        * 255          = 01 00 01 08 00 ff
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from meterkit.errors import ErrorKind, fault

SIZE: Final = 6  # octets of a logical name
NO_BILLING_PERIOD: Final = 255  # value group F when it is not used

_OCTET: Final = range(256)
_GROUP: Final = r"([0-9]{1,3})"
#: 1-0:1.8.0*255 and everything shorter down to 1.8.0; C, F, L and P stand for quantities 96 to 99.
_WRITTEN: Final = re.compile(
    rf"(?:{_GROUP}-)?(?:{_GROUP}:)?([0-9]{{1,3}}|[CFLP])\.{_GROUP}\.{_GROUP}(?:[*&.]{_GROUP})?", re.IGNORECASE
)
_DOTTED: Final = re.compile(rf"{_GROUP}\.{_GROUP}\.{_GROUP}\.{_GROUP}\.{_GROUP}(?:[.*&]{_GROUP})?")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{2}(?: ?[0-9a-f]{2}){5}", re.IGNORECASE)
_LETTERS: Final = {"C": 96, "F": 97, "L": 98, "P": 99}  # value group C of abstract objects
_ABSTRACT, _ELECTRICITY = 0, 1  # value group A


class _Known:
    """A well-known code as an attribute of the class: `ObisCode.CLOCK`."""

    def __init__(self, groups: str) -> None:
        self._groups = groups
        self._code: ObisCode | None = None

    def __get__(self, instance: ObisCode | None, owner: type[ObisCode]) -> ObisCode:
        if self._code is None:
            self._code = ObisCode.parse(self._groups)
        return self._code


@dataclass(frozen=True, slots=True, order=True)
class ObisCode:
    """Six value groups of 0..255 each, in the standard's order; sorts and hashes by them.

    Raises: ValueError for a group that is not 0..255.
    """

    a: int
    b: int
    c: int
    d: int
    e: int
    f: int = NO_BILLING_PERIOD

    CLOCK = _Known("0-0:1.0.0")
    LOGICAL_DEVICE_NAME = _Known("0-0:42.0.0")
    SERIAL_NUMBER = _Known("0-0:96.1.0")
    CURRENT_ASSOCIATION = _Known("0-0:40.0.0")
    SAP_ASSIGNMENT = _Known("0-0:41.0.0")
    SECURITY_SETUP = _Known("0-0:43.0.0")
    INVOCATION_COUNTER = _Known("0-0:43.1.0")
    IMAGE_TRANSFER = _Known("0-0:44.0.0")
    PUSH_SETUP = _Known("0-0:25.9.0")
    TARIFF_SCRIPT_TABLE = _Known("0-0:10.0.100")
    DISCONNECT_CONTROL = _Known("0-0:96.3.10")
    FIRMWARE_VERSION = _Known("1-0:0.2.0")
    LOAD_PROFILE = _Known("1-0:99.1.0")
    LOAD_PROFILE_2 = _Known("1-0:99.2.0")
    BILLING_PROFILE = _Known("0-0:98.1.0")
    EVENT_LOG = _Known("0-0:99.98.0")
    ACTIVE_ENERGY_IMPORT_TOTAL = _Known("1-0:1.8.0")
    ACTIVE_ENERGY_IMPORT_TARIFF_1 = _Known("1-0:1.8.1")
    ACTIVE_ENERGY_IMPORT_TARIFF_2 = _Known("1-0:1.8.2")
    ACTIVE_ENERGY_EXPORT_TOTAL = _Known("1-0:2.8.0")
    REACTIVE_ENERGY_IMPORT_TOTAL = _Known("1-0:3.8.0")
    REACTIVE_ENERGY_EXPORT_TOTAL = _Known("1-0:4.8.0")
    APPARENT_ENERGY_IMPORT_TOTAL = _Known("1-0:9.8.0")
    APPARENT_ENERGY_EXPORT_TOTAL = _Known("1-0:10.8.0")
    ACTIVE_POWER_IMPORT = _Known("1-0:1.7.0")
    ACTIVE_POWER_EXPORT = _Known("1-0:2.7.0")
    REACTIVE_POWER_IMPORT = _Known("1-0:3.7.0")
    REACTIVE_POWER_EXPORT = _Known("1-0:4.7.0")
    APPARENT_POWER_IMPORT = _Known("1-0:9.7.0")
    ACTIVE_POWER_IMPORT_L1 = _Known("1-0:21.7.0")
    ACTIVE_POWER_IMPORT_L2 = _Known("1-0:41.7.0")
    ACTIVE_POWER_IMPORT_L3 = _Known("1-0:61.7.0")
    MAXIMUM_DEMAND_IMPORT = _Known("1-0:1.6.0")
    MAXIMUM_DEMAND_EXPORT = _Known("1-0:2.6.0")
    VOLTAGE_L1 = _Known("1-0:32.7.0")
    VOLTAGE_L2 = _Known("1-0:52.7.0")
    VOLTAGE_L3 = _Known("1-0:72.7.0")
    CURRENT_L1 = _Known("1-0:31.7.0")
    CURRENT_L2 = _Known("1-0:51.7.0")
    CURRENT_L3 = _Known("1-0:71.7.0")
    CURRENT_NEUTRAL = _Known("1-0:91.7.0")
    POWER_FACTOR = _Known("1-0:13.7.0")
    FREQUENCY = _Known("1-0:14.7.0")

    def __post_init__(self) -> None:
        if self.a | self.b | self.c | self.d | self.e | self.f not in _OCTET:
            raise ValueError(f"{self}: each group of an OBIS code is 0 to 255")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the code that `text` spells.

        Spellings: 1-0:1.8.0*255, 1-0:1.8.0, 1-0:1.8.0.255, 1.0.1.8.0.255, 1.0.1.8.0, 0100010800ff,
        01 00 01 08 00 ff and the short 1.8.0, 1.8.0*1, C.1.0 of IEC 62056-21 readouts: there A is 1
        (0 from quantity 96 on) and B is 0.  Billing period &1 is read as *1.
        Raises: ValueError.
        """
        written = text.strip()
        if _HEXADECIMAL.fullmatch(written):
            return cls(*bytes.fromhex(written))
        if dotted := _DOTTED.fullmatch(written):
            return cls(*(int(group) for group in dotted.groups() if group is not None))
        if short := _WRITTEN.fullmatch(written):
            a, b, c, *others = short.groups()
            quantity = _LETTERS.get(c.upper()) or int(c)
            medium = _ABSTRACT if quantity >= _LETTERS["C"] else _ELECTRICITY
            rest = (int(group) for group in others if group is not None)
            return cls(int(a) if a else medium, int(b or 0), quantity, *rest)
        raise ValueError(f"{text!r} is no OBIS code; one looks like 1-0:1.8.0*255 or 1.0.1.8.0.255")

    @classmethod
    def from_bytes(cls, octets: bytes) -> Self:
        """Return the code that 6 octets are.  Errors: ProtocolFault DECODE for another number of octets."""
        if len(octets) != SIZE:
            came = octets[: SIZE + 2].hex(" ") or "nothing"
            raise fault(ErrorKind.DECODE, f"logical name: {SIZE} octets expected, {len(octets)} came: {came}")
        return cls(*octets)

    def to_bytes(self) -> bytes:
        """Return the 6 octets."""
        return bytes((self.a, self.b, self.c, self.d, self.e, self.f))

    def encode(self) -> bytes:
        """Return the 6 octets; the same as `to_bytes`."""
        return self.to_bytes()

    def __str__(self) -> str:
        return f"{self.a}-{self.b}:{self.c}.{self.d}.{self.e}*{self.f}"
