"""Authenticate, the C12.21 way: one DES block each way.  NO SECURITY: DES falls to a desktop machine.

    Identify   <- ticket (8 octets)
    Authenticate -> key id | E(ticket)     <- key id | E(E(ticket))

Source: C12.21; the octets were seen between two independent implementations.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from meterkit.errors import ErrorKind, MeterError

KEY_SIZE: Final = 8  # octets of a DES key
BLOCK_SIZE: Final = 8  # octets of a DES block, and so of a ticket


def encipher(key: bytes, block: bytes) -> bytes:
    """Return `block` (8 octets) under DES with `key` (8 octets).

    Raises: ValueError for other sizes; the key is not shown.
    """
    if len(key) != KEY_SIZE or len(block) != BLOCK_SIZE:
        raise ValueError(f"a key of {KEY_SIZE} and a block of {BLOCK_SIZE} octets expected")
    # Imported here, so that whoever has no such meter need not wait for it.
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # three times the same is DES
    return encryptor.update(block) + encryptor.finalize()


def authenticate_request(key: bytes, key_id: int, ticket: bytes) -> bytes:
    """Return what to send: the key's id (0..255) and the ticket enciphered."""
    return bytes([key_id]) + encipher(key, ticket)


def refuse_response(key: bytes, request: bytes, response: bytes) -> MeterError | None:
    """Return why the meter's `response` does not prove that it has the key, or None if it does."""
    expected = bytes([len(request)]) + request[:1] + encipher(key, request[1:])
    if compare_digest(expected, response):
        return None
    return MeterError(
        ErrorKind.SECURITY,
        f"the meter did not prove that it has the key: {len(response)} octets came, "
        f"{len(expected)} with its own proof were expected",
        where="authenticate",
    )
