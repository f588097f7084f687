"""Security suites: which algorithms and which key sizes go together.

    0   AES-GCM-128   AES-128 key wrap    -               -
    1   AES-GCM-128   AES-128 key wrap    ECDSA, ECDH P-256   SHA-256
    2   AES-GCM-256   AES-256 key wrap    ECDSA, ECDH P-384   SHA-384

The suite is configuration, never negotiation.  Source: Green Book 9.2, security suites.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

SYSTEM_TITLE_SIZE: Final = 8  # octets: three letters of the manufacturer, five of its own


class SecuritySuite(IntEnum):
    """The number in the low four bits of every security control octet."""

    SUITE_0 = 0
    SUITE_1 = 1
    SUITE_2 = 2

    @property
    def key_size(self) -> int:
        """Octets of an AES key."""
        return 32 if self is SecuritySuite.SUITE_2 else 16

    @property
    def has_public_keys(self) -> bool:
        """Whether there are signatures and key agreement."""
        return self is not SecuritySuite.SUITE_0

    @property
    def coordinate_size(self) -> int:
        """Octets of one coordinate of a public key, of a private key and of each half of a signature.

        Raises: ValueError for suite 0, which has no public keys.
        """
        return (self.curve.key_size + 7) // 8

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve of signatures and key agreement.  Raises: ValueError for suite 0."""
        if not self.has_public_keys:
            raise ValueError("suite 0 has neither signatures nor key agreement: suite 1 or 2 expected")
        return ec.SECP384R1() if self is SecuritySuite.SUITE_2 else ec.SECP256R1()

    @property
    def digest(self) -> HashAlgorithm:
        """The digest of signatures and key derivation.  Raises: ValueError for suite 0."""
        return SHA384() if self.curve.key_size > 256 else SHA256()


def check_key(suite: SecuritySuite, name: str, key: bytes) -> bytes:
    """Return `key` if it has the suite's size.  Raises: ValueError, which doesn't show it."""
    if len(key) != suite.key_size:
        raise ValueError(f"{name}: {suite.key_size} octets expected for suite {suite}, not {len(key)}")
    return bytes(key)


def check_title(name: str, title: bytes) -> bytes:
    """Return `title` if it is a system title.  Raises: ValueError."""
    if len(title) != SYSTEM_TITLE_SIZE:
        raise ValueError(f"{name} {title.hex()}: {SYSTEM_TITLE_SIZE} octets expected, not {len(title)}")
    return bytes(title)
