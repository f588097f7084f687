"""The headers of telegrams: who sends, in which state, and how the records are protected.

    variable   id id id id  man man  version medium  access status  signature signature   (12 octets)
    fixed      id id id id  access status  medium/unit medium/unit                        ( 8 octets)

Source: "The M-Bus: A Documentation" 4.8, 6.2 and 6.3.1; EN 13757-3, configuration field; OSGP guide, ET16.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from meterkit.codec.cursor import ByteOrder, Reader
from meterkit.mbus.identity import manufacturer_letters, medium_name

VARIABLE_HEADER_SIZE = 12
AES_BLOCK = 16  # octets

_APPLICATION = ("no error", "busy", "error", "reserved")

_ENCRYPTION_MODES = MappingProxyType(
    {
        0: "not encrypted",
        2: "DES-CBC, initial vector zero",
        3: "DES-CBC, initial vector from the header",
        4: "AES-128-CBC, initial vector zero",
        5: "AES-128-CBC, initial vector from the header",
        7: "AES-128-CBC, derived key",
        8: "AES-128-CTR with CMAC",
        9: "AES-128-GCM",
        10: "AES-128-CCM",
        13: "TLS",
    }
)


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What the status octet says."""

    octet: int
    is_fixed: bool = False  #: of a fixed data structure, whose bits 0 and 1 are about the counters

    @property
    def application(self) -> str:
        """Bits 0 and 1 of a variable data structure: "no error", "busy", "error", "reserved"."""
        return _APPLICATION[0 if self.is_fixed else self.octet & 3]

    @property
    def is_binary(self) -> bool:
        """Bit 0 of a fixed data structure: counters are signed binary, not BCD."""
        return self.is_fixed and bool(self.octet & 1)

    @property
    def is_stored(self) -> bool:
        """Bit 1 of a fixed data structure: counters are those of a fixed date."""
        return self.is_fixed and bool(self.octet & 2)

    @property
    def is_power_low(self) -> bool:
        """Bit 2."""
        return bool(self.octet & 4)

    @property
    def is_permanent_error(self) -> bool:
        """Bit 3."""
        return bool(self.octet & 8)

    @property
    def is_temporary_error(self) -> bool:
        """Bit 4."""
        return bool(self.octet & 16)

    @property
    def manufacturer_bits(self) -> int:
        """Bits 5 to 7."""
        return self.octet >> 5

    def __str__(self) -> str:
        claims = {
            self.application: self.application != "no error",
            "power low": self.is_power_low,
            "permanent error": self.is_permanent_error,
            "temporary error": self.is_temporary_error,
            f"manufacturer bits {self.manufacturer_bits}": self.manufacturer_bits != 0,
        }
        return ", ".join(claim for claim, holds in claims.items() if holds) or "no error"


@dataclass(frozen=True, slots=True)
class Encryption:
    """What the signature, later called configuration field, says of the records."""

    signature: int

    @property
    def mode(self) -> int:
        """Bits 8 to 12; 0: not encrypted."""
        return self.signature >> 8 & 0x1F

    @property
    def name(self) -> str:
        """The method in words."""
        return _ENCRYPTION_MODES.get(self.mode, f"mode {self.mode}")

    def size(self, held: int) -> int:
        """Return how many of the `held` octets after the header are encrypted.

        Modes 2 and 3 count octets, 4 and 5 blocks of 16 in bits 4 to 7; the others protect the whole.
        """
        if self.mode == 0:
            return 0
        if self.mode in (2, 3) and self.signature & 0xFF:
            return min(held, self.signature & 0xFF)
        if self.mode in (4, 5):
            return min(held, AES_BLOCK * (self.signature >> 4 & 0xF))
        return held

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class TelegramHeader:
    """Who sent a telegram, and in which state it was."""

    identification: str  #: 8 digits; hexadecimal letters where the device sent no digits
    manufacturer: str  #: three letters; "" in a fixed data structure, which does not say
    version: int | None  #: None in a fixed data structure
    medium: str
    medium_code: int
    access_number: int
    status: DeviceStatus
    encryption: Encryption = Encryption(0)


def take_variable_header(reader: Reader) -> TelegramHeader:
    """Return the header of a variable data structure.

    Errors: ProtocolFault (DECODE) when it is cut short.
    """
    identification = take_identification(reader)
    manufacturer = manufacturer_letters(reader.unsigned(2, "manufacturer"))
    version, medium = reader.unsigned(1, "version"), reader.unsigned(1, "medium")
    access, status = reader.unsigned(1, "access number"), reader.unsigned(1, "status")
    encryption = Encryption(reader.unsigned(2, "signature"))
    return TelegramHeader(
        identification,
        manufacturer,
        version,
        medium_name(medium),
        medium,
        access,
        DeviceStatus(status),
        encryption,
    )


def take_identification(reader: Reader) -> str:
    """Return the identification number: BCD, most significant digit first.

    Errors: ProtocolFault (DECODE) when it is cut short.
    """
    return f"{reader.unsigned(4, 'identification number'):08x}"


def identification_octets(identification: str, order: ByteOrder) -> bytes:
    """Return an identification number as octets.

    Errors: ValueError for anything but 8 digits.
    """
    if len(identification) != 8:
        raise ValueError(f"identification number {identification!r}: 8 digits expected")
    octets = bytes.fromhex(identification)
    return octets[::-1] if order == "little" else octets
