"""What may be shown of a key: a few digits that tell one key from another, and nothing of the key.

    fingerprint(000102...0f)  ->  "9a3d5c1e"

For keys of random octets alone: whoever guesses a weak key can make sure of the guess by it.
"""

from __future__ import annotations

import hashlib
from typing import Final

_CONTEXT: Final = b"meterkit key fingerprint"  # so that no digest kept elsewhere is the same
_SIZE: Final = 4  # octets shown


def fingerprint(key: bytes) -> str:
    """Return eight hexadecimal digits of a digest of `key`."""
    return hashlib.sha256(_CONTEXT + key).digest()[:_SIZE].hex()
