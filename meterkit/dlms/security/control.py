"""The security control octet: how one APDU is protected.

    7 compression | 6 broadcast key | 5 encryption | 4 authentication | 3..0 suite

So 31 is suite 1, authenticated and encrypted with the unicast key.  Source: Green Book 9.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from meterkit.dlms.security.suites import SecuritySuite
from meterkit.errors import ErrorKind, fault

AUTHENTICATED: Final = 0x10
ENCRYPTED: Final = 0x20
PROTECTION: Final = AUTHENTICATED | ENCRYPTED
BROADCAST: Final = 0x40
COMPRESSED: Final = 0x80
_SUITE: Final = 0x0F


class Security(Enum):
    """What is done to an APDU; the value is its bits in the security control octet."""

    NONE = 0
    AUTHENTICATION = AUTHENTICATED  #: in clear, with a tag that shows it is unaltered
    ENCRYPTION = ENCRYPTED  #: unreadable, but whoever can alter it goes unnoticed
    AUTHENTICATION_ENCRYPTION = PROTECTION

    @property
    def words(self) -> str:
        """What it is called in messages."""
        return _WORDS[self]

    def covers(self, required: Security) -> bool:
        """Whether this is at least `required`."""
        return self.value & required.value == required.value


_WORDS: Final = {
    Security.NONE: "no protection",
    Security.AUTHENTICATION: "authentication only",
    Security.ENCRYPTION: "encryption only",
    Security.AUTHENTICATION_ENCRYPTION: "authentication and encryption",
}


@dataclass(frozen=True, slots=True)
class SecurityControl:
    """One security control octet, taken apart."""

    suite: SecuritySuite
    security: Security
    is_broadcast: bool = False  #: the broadcast key is used instead of the unicast key

    def encode(self) -> int:
        """Return the octet."""
        return self.suite | self.security.value | (BROADCAST if self.is_broadcast else 0)

    @classmethod
    def decode(cls, octet: int) -> Self:
        """Return what `octet` says.

        Errors: `ProtocolFault` SECURITY for a suite nobody knows, and for compression, which isn't undone.
        """
        if octet & COMPRESSED:
            raise fault(
                ErrorKind.SECURITY,
                f"security control {octet:02x}: the APDU is compressed (V.44), which meterkit doesn't undo; "
                "switch compression off in the meter",
            )
        try:
            suite = SecuritySuite(octet & _SUITE)
        except ValueError:
            raise fault(
                ErrorKind.SECURITY,
                f"security control {octet:02x}: suite 0, 1 or 2 expected, {octet & _SUITE} came",
            ) from None
        return cls(suite, Security(octet & PROTECTION), bool(octet & BROADCAST))

    @property
    def words(self) -> str:
        """All of it for an engineer."""
        key = " with the broadcast key" if self.is_broadcast else ""
        return f"{self.security.words}{key}, suite {int(self.suite)}"
