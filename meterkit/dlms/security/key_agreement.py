"""Keys that two ends derive from their key pairs, so that none travels.

    one-pass          ephemeral key of the sender, static key of the receiver    each message
    static unified    static keys of both, and the transaction id                each message
    ephemeral unified ephemeral keys of both                                     Security setup, key_agreement

    key = leftmost octets of H(00 00 00 01 | Z | algorithm | party U | party V)
          Z: the x coordinate both ends can compute; U the sender, V the receiver

Ephemeral keys travel signed.  Source: Green Book 9.2 and annex C; NIST SP 800-56A.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from meterkit.dlms.apdu.reader import octet_string
from meterkit.dlms.security.keys import (
    PrivateKey,
    PublicKey,
    check_curve,
    public_key_octets,
    public_key_of,
    sign,
    verify,
)
from meterkit.dlms.security.suites import SecuritySuite
from meterkit.errors import ErrorKind, fault

_ALGORITHM: Final = bytes.fromhex("608574050803")  # 2.16.756.5.8.3, then 00 AES-GCM-128, 01 AES-GCM-256


def algorithm_id(suite: SecuritySuite) -> bytes:
    """Return which algorithm the agreed key is for: the suite's AES-GCM."""
    return _ALGORITHM + (b"\x01" if suite is SecuritySuite.SUITE_2 else b"\x00")


def derive_key(suite: SecuritySuite, shared: bytes, party_u: bytes, party_v: bytes) -> bytes:
    """Return the AES key that both ends make of the secret they share.  Raises: ValueError for suite 0."""
    info = algorithm_id(suite) + party_u + party_v
    return ConcatKDFHash(algorithm=suite.digest, length=suite.key_size, otherinfo=info).derive(shared)


def generate_key(suite: SecuritySuite) -> PrivateKey:
    """Return a new key pair.  Raises: ValueError for suite 0."""
    return ec.generate_private_key(suite.curve)


def shared_secret(suite: SecuritySuite, own: PrivateKey, peer: PublicKey) -> bytes:
    """Return Z.  Raises: ValueError for keys of another curve."""
    check_curve(suite, "own key", own)
    check_curve(suite, "the other end's key", peer)
    return own.exchange(ec.ECDH(), peer)


def static_parties(originator: bytes, recipient: bytes, transaction_id: bytes) -> tuple[bytes, bytes]:
    """Return party U and party V of the static unified model: the transaction id makes each key new.

    Where the id stands, with its length, is general knowledge: public implementations, no printed example.
    """
    return originator + octet_string(transaction_id), recipient


def signed_ephemeral(
    suite: SecuritySuite, ephemeral: PrivateKey, signing: PrivateKey, prefix: bytes = b""
) -> bytes:
    """Return an ephemeral public key with its signature.

    `prefix` is signed but not sent: the key id in Security setup, nothing in general-ciphering.
    """
    public = public_key_octets(ephemeral)
    return public + sign(suite, signing, prefix + public)


def open_ephemeral(suite: SecuritySuite, octets: bytes, signing: PublicKey, prefix: bytes = b"") -> PublicKey:
    """Return the ephemeral public key of `octets`, once its signature is verified.

    Errors: `ProtocolFault` SECURITY the signature isn't right, or the key is no point of the curve.
    """
    size = 2 * suite.coordinate_size
    if len(octets) != 2 * size:
        raise fault(
            ErrorKind.SECURITY,
            f"an ephemeral key and its signature, {2 * size} octets, expected, {len(octets)} came",
        )
    verify(suite, signing, octets[size:], prefix + octets[:size], "ephemeral key")
    return public_key_of(suite, octets[:size])
