"""Keys as octets: wrapped ones, public and private ones; signatures of two numbers side by side.

    wrapped     RFC 3394: the key and 8 octets more, under the master key
    public      x | y            32 + 32 octets on P-256, 48 + 48 on P-384; SEC 1's 04 in front is left out
    private     a number of 32 or 48 octets
    signature   r | s            ECDSA, where X.509 has DER

A point that isn't on its curve is refused.  Source: Green Book 9.2 (key wrap, public keys).
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from meterkit.dlms.security.suites import SecuritySuite, check_key
from meterkit.errors import ErrorKind, fault

WRAPPING: Final = 8  # octets that a wrapped key is longer
_UNCOMPRESSED: Final = b"\x04"

PublicKey = ec.EllipticCurvePublicKey
PrivateKey = ec.EllipticCurvePrivateKey


def wrap_key(suite: SecuritySuite, master_key: bytes, key: bytes) -> bytes:
    """Return `key` wrapped for its transfer.  Raises: ValueError for sizes that aren't the suite's."""
    return aes_key_wrap(check_key(suite, "master key", master_key), check_key(suite, "key", key))


def unwrap_key(suite: SecuritySuite, master_key: bytes, wrapped: bytes) -> bytes:
    """Return the key that was wrapped.

    Errors: `ProtocolFault` SECURITY it was not wrapped by this master key, or altered.
    """
    size = suite.key_size + WRAPPING
    if len(wrapped) != size:
        raise fault(ErrorKind.SECURITY, f"a wrapped key of {size} octets expected, {len(wrapped)} came")
    try:
        return aes_key_unwrap(check_key(suite, "master key", master_key), wrapped)
    except InvalidUnwrap:
        raise fault(
            ErrorKind.SECURITY, "the wrapped key doesn't open: another master key, or octets were altered"
        ) from None


def public_key_of(suite: SecuritySuite, octets: bytes) -> PublicKey:
    """Return the public key x | y.  Errors: `ProtocolFault` SECURITY no point of the suite's curve."""
    size = 2 * suite.coordinate_size
    if len(octets) != size:
        raise fault(ErrorKind.SECURITY, f"a public key of {size} octets expected, {len(octets)} came")
    try:
        return PublicKey.from_encoded_point(suite.curve, _UNCOMPRESSED + octets)
    except ValueError:
        raise fault(
            ErrorKind.SECURITY, f"public key {octets[:4].hex()}...: no point of {suite.curve.name}"
        ) from None


def public_key_octets(key: PublicKey | PrivateKey) -> bytes:
    """Return x | y of a key pair or of its public half."""
    public = key.public_key() if isinstance(key, PrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def private_key_of(suite: SecuritySuite, octets: bytes) -> PrivateKey:
    """Return the private key with this number.  Raises: ValueError, which doesn't show it."""
    number = int.from_bytes(octets, "big")
    if len(octets) != suite.coordinate_size or number == 0:
        raise ValueError(f"a private key of {suite.coordinate_size} octets expected, not of {len(octets)}")
    try:
        return ec.derive_private_key(number, suite.curve)
    except ValueError:
        raise ValueError(f"the private key is no number of {suite.curve.name}") from None


def check_curve(suite: SecuritySuite, name: str, key: PublicKey | PrivateKey) -> None:
    """Make sure that `key` lies on the suite's curve.  Raises: ValueError."""
    if key.curve.name != suite.curve.name:
        raise ValueError(f"{name}: {suite.curve.name} expected for suite {int(suite)}, not {key.curve.name}")


def sign(suite: SecuritySuite, key: PrivateKey, octets: bytes) -> bytes:
    """Return r | s over `octets`.  On P-384 this takes a quarter of a millisecond.  Raises: ValueError."""
    check_curve(suite, "signing key", key)
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(suite.digest)))
    size = suite.coordinate_size
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def verify(suite: SecuritySuite, key: PublicKey, signature: bytes, octets: bytes, what: str) -> None:
    """Make sure that whoever has `key` signed `octets`; `what` names them in the error.

    On P-384 this takes half a millisecond.
    Errors: `ProtocolFault` SECURITY.  Raises: ValueError for a key of another curve.
    """
    check_curve(suite, "signing key", key)
    size = suite.coordinate_size
    if len(signature) != 2 * size:
        raise fault(
            ErrorKind.SECURITY, f"{what}: a signature of {2 * size} octets expected, {len(signature)} came"
        )
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    try:
        key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(suite.digest))
    except InvalidSignature:
        raise fault(
            ErrorKind.SECURITY, f"{what}: the signature does not verify: another key, or octets were altered"
        ) from None
