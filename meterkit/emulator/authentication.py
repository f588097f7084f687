"""C12.21's Authenticate service: a DES challenge.  Labelled no security: DES fell long ago.

The meter's ticket stands in the Identify response; the client sends it back enciphered, and the
meter proves itself by enciphering that once more.  Source: C12.21; checked against a live reader.
"""

from __future__ import annotations

from meterkit.psem.authentication import encipher

TICKET_SIZE = 8  # octets, one DES block
FEATURE_TICKET = 0x02  # Identify feature: authentication service with ticket
_DES = 0x00  # algorithm
_KEY_ID_SIZE = 1


def identify_feature(ticket: bytes) -> bytes:
    """Return the Identify feature that offers authentication with `ticket`."""
    return bytes((FEATURE_TICKET, 0x01, _DES, len(ticket))) + ticket


def answer(key: bytes, ticket: bytes, request: bytes) -> bytes | None:
    """Return the meter's auth-response to the client's auth-request, or None if the key is wrong.

    Both are one octet key id followed by one DES block.
    """
    block = request[_KEY_ID_SIZE:]
    if len(request) != _KEY_ID_SIZE + TICKET_SIZE or block != encipher(key, ticket):
        return None
    return request[:_KEY_ID_SIZE] + encipher(key, block)
