"""Keys, titles and both ends of an association: the Green Book's example keys, all public."""

from __future__ import annotations

from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
)
from tests.dlms.vectors import VECTORS

EK = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
AK = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
OTHER_KEY = bytes.fromhex("5f" * 16)
CLIENT = b"METER001"
METER = bytes.fromhex("4d4d4d0000bc614e")
BOTH = Security.AUTHENTICATION_ENCRYPTION
SUITE_0, SUITE_1, SUITE_2 = SecuritySuite
GET = bytes.fromhex("c001c100080000010000ff0200")
ANSWER = bytes.fromhex("c401c1000600001388")
LAST = 2**32 - 1


def key(
    suite: SecuritySuite = SUITE_0, encryption: bytes = EK, authentication: bytes | None = AK
) -> ProtectionKey:
    """Return a key pair of the suite's sizes, doubled for suite 2."""
    times = suite.key_size // 16
    return ProtectionKey(
        suite, encryption * times, None if authentication is None else authentication * times
    )


def in_use(
    kind: KeyKind = KeyKind.GLOBAL_UNICAST_ENCRYPTION, of: ProtectionKey | None = None, first: int = 1
) -> KeyInUse:
    """Return a key with counters from `first` on."""
    return KeyInUse(kind, key() if of is None else of, CounterBlock(first, first + 1000))


def policy(
    applied: Security = BOTH, required: Security | None = None, suite: SecuritySuite = SUITE_0
) -> SecurityPolicy:
    return SecurityPolicy(suite, applied, applied if required is None else required)


def pair(
    security: Security = BOTH, suite: SecuritySuite = SUITE_0, **options: object
) -> tuple[Cipher, Cipher]:
    """Return the client's cipher and the meter's, who have met."""
    both = policy(security, suite=suite)
    client = Cipher(CLIENT, both, in_use(of=key(suite)), peer_title=METER, **options)  # type: ignore[arg-type]
    meter = Cipher(METER, both, in_use(of=key(suite)), peer_title=CLIENT, **options)  # type: ignore[arg-type]
    return client, meter


def parameter(name: str, what: str) -> bytes:
    """Return one parameter of a vector."""
    return bytes.fromhex(VECTORS[name]["params"][what])
