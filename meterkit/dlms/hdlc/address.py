"""HDLC addresses: who a frame is for and who it is from.

Source: IEC 62056-46 6.4.2.  Bit 0 of an octet marks the address's last one; 7 bits are left.

    upper                                  1 octet: the upper address alone (every client's is)
    upper | lower                          2 octets
    upper, high | low | lower, high | low  4 octets; both halves have the same width, so never 3

The upper address names the logical device, the lower one the physical device on a shared line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar, Final, Self

from meterkit.errors import ErrorKind, fault

_NO_STATION: Final = 0x00  # nobody answers; IEC 62056-46 6.4.2.4
_CALLING: Final = frozenset({0x7E, 0x3FFE})  # lower address of a device that calls the client
_ALL_STATIONS: Final = frozenset({0x7F, 0x3FFF})  # in 1 and in 2 octets
_SHORT_LIMIT: Final = 0x7F  # the largest half in 1 octet
_LONG_LIMIT: Final = 0x3FFF  # the largest half in 2 octets
_SIZES: Final = (1, 2, 4)


@dataclass(frozen=True, slots=True)
class HdlcAddress:
    """One station.  Two addresses are equal if they name the same, however many octets they take.

    `logical` 0..16383; `physical` the same, None (or SharpMeter's -1) for an address without lower half;
    `size` in octets, 1, 2 or 4; 0 takes as few as do.
    Raises: ValueError for what does not fit.
    """

    logical: int
    physical: int | None = None
    size: int = field(default=0, compare=False)
    octets: bytes = field(init=False, repr=False, compare=False, default=b"")  #: as on the wire

    MANAGEMENT_CLIENT: ClassVar[HdlcAddress]  #: client 1: the client's management process
    PUBLIC_CLIENT: ClassVar[HdlcAddress]  #: client 16: reads without a password
    METER_SERVER: ClassVar[HdlcAddress]  #: logical device 1: the meter's management logical device
    ALL_STATIONS: ClassVar[HdlcAddress]  #: everybody on the line, in one octet

    def __post_init__(self) -> None:
        if self.physical == -1:
            object.__setattr__(self, "physical", None)
        size = self.size or self._smallest_size()
        limit = _LONG_LIMIT if size == 4 else _SHORT_LIMIT
        fits = 0 <= self.logical <= limit and 0 <= (self.physical or 0) <= limit
        if size not in _SIZES or not fits or (size == 1) != (self.physical is None):
            raise ValueError(
                f"address {self} in {size} octets: 1 octet holds a logical address to 127 alone, "
                "2 octets both to 127, 4 octets both to 16383"
            )
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "octets", self._write(size))

    def _smallest_size(self) -> int:
        if self.physical is None:
            return 1
        return 2 if self.logical <= _SHORT_LIMIT and self.physical <= _SHORT_LIMIT else 4

    def _write(self, size: int) -> bytes:
        upper, lower = self.logical, self.physical or 0
        if size == 1:
            return bytes((upper << 1 | 1,))
        if size == 2:
            return bytes((upper << 1, lower << 1 | 1))
        return bytes((upper >> 7 << 1, upper << 1 & 0xFE, lower >> 7 << 1, lower << 1 & 0xFE | 1))

    def __str__(self) -> str:
        return str(self.logical) if self.physical is None else f"{self.logical}/{self.physical}"

    @classmethod
    def from_serial_number(cls, serial_number: int, logical: int = 1) -> Self:
        """Return the 4-octet address of the meter with this serial number.

        Source: the usual formula, serial number modulo 10000 plus 1000 (general knowledge).
        Raises: ValueError for a negative serial number.
        """
        if serial_number < 0:
            raise ValueError(f"serial number {serial_number}: not negative")
        return cls(logical, serial_number % 10000 + 1000, 4)

    @property
    def encoded_length(self) -> int:
        """Octets on the wire: 1, 2 or 4."""
        return self.size

    @property
    def is_no_station(self) -> bool:
        """Whether nobody is meant: the address some meters push to."""
        return self.logical == _NO_STATION and not self.physical

    @property
    def is_group(self) -> bool:
        """Whether more than one station may be meant, or one whose own address is not known.

        So all-station addresses and CALLING: whoever answers does so from an address of its own.
        """
        lower = self.physical
        return self.logical in _ALL_STATIONS or lower in _ALL_STATIONS or lower in _CALLING

    def encode(self) -> bytes:
        """Return the address's octets."""
        return self.octets

    @classmethod
    def decode(cls, octets: bytes) -> HdlcAddress:
        """Return the address that `octets` are, whole.

        Errors: ProtocolFault FRAMING for a length other than 1, 2 or 4, or octets left over.
        """
        return decode_address(octets)


@lru_cache(maxsize=1024)
def decode_address(octets: bytes) -> HdlcAddress:
    """Return the address that `octets` are; the same object for the same octets.

    Errors: as `HdlcAddress.decode`.
    """
    size = len(octets)
    if size not in _SIZES or any(octet & 1 for octet in octets[:-1]) or not octets[-1] & 1:
        raise fault(
            ErrorKind.FRAMING,
            "an address is 1, 2 or 4 octets with bit 0 set in the last alone, not "
            f"{octets.hex(' ') or 'nothing'}",
        )
    halves = [octet >> 1 for octet in octets]
    if size == 4:
        return HdlcAddress(halves[0] << 7 | halves[1], halves[2] << 7 | halves[3], 4)
    return HdlcAddress(halves[0], halves[1] if size == 2 else None, size)


HdlcAddress.MANAGEMENT_CLIENT = HdlcAddress(1)
HdlcAddress.PUBLIC_CLIENT = HdlcAddress(16)
HdlcAddress.METER_SERVER = HdlcAddress(1)
HdlcAddress.ALL_STATIONS = HdlcAddress(0x7F)
