"""What a meter says of itself in answer to Identify.

    standard | version | revision | feature ... | 00

Source: C12.18-1996 and 2006; features 01 and 02 from C12.21, 04 to 07 from C12.22.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from meterkit.errors import ErrorKind, fault

STANDARDS: Final = {0: "C12.18", 1: "Industry Canada", 2: "C12.21", 3: "C12.22"}
_END: Final = 0x00
_AUTHENTICATION: Final = 0x01  # type, algorithm
_TICKET: Final = 0x02  # type, algorithm, length, ticket
_MECHANISM: Final = 0x04  # object identifier in BER: tag, length, value
_SESSION_CONTROL: Final = 0x05  # one octet
_DEVICE_CLASS: Final = 0x06  # object identifier in BER, absolute (06) or relative (80)
_DEVICE_IDENTITY: Final = 0x07  # length, format, identity
_NAMES: Final = {
    _AUTHENTICATION: "authentication",
    _TICKET: "authentication with ticket",
    _MECHANISM: "security mechanism",
    _SESSION_CONTROL: "session control",
    _DEVICE_CLASS: "device class",
    _DEVICE_IDENTITY: "device identity",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of an Identify response."""

    code: int
    data: bytes  #: all its octets after the code, its own lengths included
    is_whole: bool = True  #: False for an unknown or cut feature: `data` is all that followed

    @property
    def name(self) -> str:
        """The feature in words."""
        return _NAMES.get(self.code, f"feature 0x{self.code:02X}")


@dataclass(frozen=True, slots=True)
class Identification:
    """The standard a meter speaks, and its features."""

    standard: int  #: 0 C12.18, 1 Industry Canada, 2 C12.21, 3 C12.22
    version: int
    revision: int
    features: tuple[Feature, ...] = ()

    def __str__(self) -> str:
        name = STANDARDS.get(self.standard, f"standard {self.standard}")
        return f"{name} version {self.version}.{self.revision}"

    def feature(self, code: int) -> Feature | None:
        """Return the whole feature with this code, if the meter has it."""
        return next((feature for feature in self.features if feature.code == code and feature.is_whole), None)

    @property
    def ticket(self) -> bytes | None:
        """The ticket that Authenticate must encrypt, if the meter gave one.  Source: C12.21."""
        feature = self.feature(_TICKET)
        return feature.data[3:] if feature else None

    @property
    def device_identity(self) -> bytes | None:
        """The identity without length and format, if the meter gave one.  Source: C12.22."""
        feature = self.feature(_DEVICE_IDENTITY)
        return feature.data[2:] if feature else None


def parse_identification(data: bytes) -> Identification:
    """Return what an Identify response (after its code) says.

    Unknown features have no known length: theirs, and a cut one's, are all octets that follow but the
    closing 00.  A missing 00 is tolerated.

    Errors: ProtocolFault PROTOCOL under three octets.
    """
    if len(data) < 3:
        raise fault(
            ErrorKind.PROTOCOL,
            f"identify: standard, version and revision expected, {data.hex(' ') or 'nothing'} came",
        )
    features: list[Feature] = []
    at = 3
    while at < len(data) and data[at] != _END:
        size = _feature_size(data, at)
        if size is None or at + size > len(data):
            rest = data[at + 1 :]
            features.append(Feature(data[at], rest[:-1] if rest[-1:] == b"\0" else rest, is_whole=False))
            break
        features.append(Feature(data[at], data[at + 1 : at + size]))
        at += size
    return Identification(data[0], data[1], data[2], tuple(features))


def _feature_size(data: bytes, at: int) -> int | None:
    """Return the octets of the feature at `at`, its code included; None when nobody can tell."""
    match data[at]:
        case 0x01:
            return 3
        case 0x02 if at + 3 < len(data):
            return 4 + data[at + 3]
        case 0x04 | 0x06 if at + 2 < len(data):
            return 3 + data[at + 2]
        case 0x05:
            return 2
        case 0x07 if at + 1 < len(data):
            return 2 + data[at + 1]
        case _:
            return None
