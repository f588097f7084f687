"""High level security: each end proves what it knows by a function of the other's challenge.

    AARQ  CtoS ->      <- AARE  StoC      ACTION f(StoC) ->      <- f(CtoS)

    2 manufacturer   AES-ECB of the challenge, keyed by the secret with zeros behind
    3 MD5, 4 SHA1    digest of challenge | secret
    5 GMAC           SC | counter | tag over SC | AK | challenge
    6 SHA256         digest of secret | own title | peer's title | peer's challenge | own challenge
    7 ECDSA          signature over own title | peer's title | peer's challenge | own challenge

2 to 4 are weak, 1 (LLS) sends its password.  Mechanism 2 is as two public implementations have it.
Source: Green Book 9.2, tables 42 and 43.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from meterkit.dlms.acse.names import AuthenticationMechanism
from meterkit.dlms.security.control import AUTHENTICATED
from meterkit.dlms.security.keys import PrivateKey, PublicKey, sign, verify
from meterkit.dlms.security.policy import check_titles
from meterkit.dlms.security.protect import HEAD_SIZE, TAG_SIZE, ProtectionKey
from meterkit.dlms.security.suites import SecuritySuite, check_title
from meterkit.errors import ErrorKind, ProtocolFault, fault

CHALLENGE_SIZE: Final = 16  # octets; meters are known that fail on more
SHORTEST_CHALLENGE: Final = 8  # octets
LONGEST_CHALLENGE: Final = 64  # octets
_BLOCK: Final = 16  # octets of an AES block
_WITH_TITLES: Final = frozenset(
    (
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA,
    )
)
_WHERE: Final = "high level security"


def new_challenge(size: int = CHALLENGE_SIZE) -> bytes:
    """Return a challenge that nobody can foretell.  Raises: ValueError for a size outside 8..64."""
    if not SHORTEST_CHALLENGE <= size <= LONGEST_CHALLENGE:
        raise ValueError(f"challenge_size {size}: {SHORTEST_CHALLENGE} to {LONGEST_CHALLENGE} expected")
    return secrets.token_bytes(size)


def check_challenges(own: bytes, peer: bytes | None) -> bytes:
    """Return the other end's challenge if it may be answered.

    Errors: `ProtocolFault` SECURITY none came, it has not 8 to 64 octets, or it is our own sent back.
    """
    came = 0 if peer is None else len(peer)
    if peer is None or not SHORTEST_CHALLENGE <= came <= LONGEST_CHALLENGE:
        raise _odd(f"a challenge of {SHORTEST_CHALLENGE} to {LONGEST_CHALLENGE} octets expected, {came} came")
    if compare_digest(own, peer):
        raise _odd("the other end sends our own challenge back: whoever answers it proves nothing")
    return peer


@dataclass(frozen=True, slots=True, kw_only=True)
class HighLevelSecurity:
    """One end of mechanisms 2 to 7 once the challenges are exchanged; the same for client and meter.

    Which of the rest is needed the mechanism says: `secret` for 2, 3, 4 and 6, `key` for 5, `signing_key`
    and `peer_key` for 7, titles for 5 to 7.  Its repr shows no secret.
    Errors: `ProtocolFault` SECURITY for what the other end sent; ValueError for what is missing here.
    """

    mechanism: AuthenticationMechanism
    own_challenge: bytes = field(repr=False)
    peer_challenge: bytes = field(repr=False)
    own_title: bytes = b""
    peer_title: bytes = b""
    secret: bytes | None = field(default=None, repr=False)
    key: ProtectionKey | None = field(default=None, repr=False)
    suite: SecuritySuite = SecuritySuite.SUITE_0
    signing_key: PrivateKey | None = field(default=None, repr=False)
    peer_key: PublicKey | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.mechanism < AuthenticationMechanism.HIGH_LEVEL_SECURITY:
            raise ValueError(f"{self.mechanism.name} is no high level security")
        check_challenges(self.own_challenge, self.peer_challenge)
        if self.mechanism in _WITH_TITLES:
            check_title("own_title", self.own_title)
            check_titles(self.own_title, self.peer_title)

    def prove(self, counter: int | None = None) -> bytes:
        """Return f(the other end's challenge): what shows who we are.

        GMAC takes a `counter` of the same key, and not that of the APDU it travels in.
        """
        if self.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC:
            if counter is None:
                raise ValueError("GMAC needs an invocation counter of its own")
            return self._gmac(self.own_title, counter, self.peer_challenge)
        if self.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA:
            if self.signing_key is None:
                raise ValueError("ECDSA needs a signing key")
            return sign(self.suite, self.signing_key, self._statement(is_own=True))
        return self._digest(is_own=True)

    def check(self, proof: bytes) -> None:
        """Make sure that `proof` is f(our challenge), made by the other end.

        Errors: `ProtocolFault` SECURITY.  Neither proof nor challenge is shown.
        """
        if self.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA:
            if self.peer_key is None:
                raise ValueError("ECDSA needs the other end's public key")
            verify(self.suite, self.peer_key, proof, self._statement(is_own=False), _WHERE)
            return
        if self.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC:
            size = HEAD_SIZE + TAG_SIZE
            if len(proof) != size:
                raise _odd(f"a proof of {size} octets expected, {len(proof)} came")
            counter = int.from_bytes(proof[1:HEAD_SIZE], "big")
            expected = self._gmac(self.peer_title, counter, self.own_challenge)
        else:
            expected = self._digest(is_own=False)
        if not compare_digest(expected, proof):
            raise _odd(
                f"the other end did not prove that it has the key or secret: {len(proof)} octets came, "
                f"{len(expected)} with its own proof were expected"
            )

    def _gmac(self, title: bytes, counter: int, challenge: bytes) -> bytes:
        if self.key is None:
            raise ValueError("GMAC needs encryption key and authentication key")
        control = AUTHENTICATED | self.key.suite
        tag = self.key.tag(control, title, counter, challenge)
        return bytes((control,)) + counter.to_bytes(4, "big") + tag

    def _statement(self, *, is_own: bool) -> bytes:
        """Return titles and challenges as the one who proves sees them."""
        if is_own:
            return self.own_title + self.peer_title + self.peer_challenge + self.own_challenge
        return self.peer_title + self.own_title + self.own_challenge + self.peer_challenge

    def _digest(self, *, is_own: bool) -> bytes:
        if not self.secret:
            raise ValueError(f"{self.mechanism.name} needs a secret")
        challenge = self.peer_challenge if is_own else self.own_challenge
        match self.mechanism:
            case AuthenticationMechanism.HIGH_LEVEL_SECURITY:
                return _manufacturer(self.secret, challenge)
            case AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5:
                return hashlib.md5(challenge + self.secret, usedforsecurity=False).digest()
            case AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1:
                return hashlib.sha1(challenge + self.secret, usedforsecurity=False).digest()
            case _:
                return hashlib.sha256(self.secret + self._statement(is_own=is_own)).digest()


def _manufacturer(secret: bytes, challenge: bytes) -> bytes:
    """Return the challenge in AES-ECB, zeros behind up to whole blocks; its key is the secret."""
    if len(secret) > _BLOCK:
        raise ValueError(f"a secret of at most {_BLOCK} octets expected, not of {len(secret)}")
    cipher = Cipher(algorithms.AES(secret.ljust(_BLOCK, b"\0")), modes.ECB())  # the meter's choice, not ours
    encryptor = cipher.encryptor()
    blocks = challenge.ljust(-(-len(challenge) // _BLOCK) * _BLOCK, b"\0")
    return encryptor.update(blocks) + encryptor.finalize()


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
