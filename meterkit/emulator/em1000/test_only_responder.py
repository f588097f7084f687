"""The response that the emulated EM1000 wants.  NOT the EM1000's own: that one is unknown.

It is a hash of the challenge, so that it can be mistaken for nothing a meter would compute.
"""

from __future__ import annotations

from hashlib import sha256

_LABEL = b"meterkit test only, not the EM1000's own algorithm"
_LEVEL = b"\x03"  # begins the one response that was seen; whether it is a level is unknown
_SIZE = 4  # octets of the response behind it


def test_only_responder(challenge: bytes) -> bytes:
    """Return what follows the 01 octet in a login to the emulator: 5 octets.  No real meter takes it."""
    return _LEVEL + sha256(_LABEL + challenge).digest()[:_SIZE]
