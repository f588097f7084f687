"""The keys of whoever pushed one message, and what came by them before.

    by the control octet or the key-info   unicast, or broadcast
    in the middle of a change of keys      the pending ones, too
    told by the message itself             wrapped by the master key, or agreed on

Looked up anew for each push: who rotates keys need not restart anything.  Blocks, as providers and stores
may.  Source: Green Book 9.2.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from meterkit.dlms.push.protection import PushProtection
from meterkit.dlms.secured.counter_supply import counter_name
from meterkit.dlms.security import (
    CounterName,
    CounterStore,
    KeyInUse,
    KeyKind,
    KeyMaterial,
    ProtectionKey,
)
from meterkit.dlms.security.certificates import CertificateType
from meterkit.dlms.security.keys import PublicKey, private_key_of
from meterkit.dlms.security.peer_keys import peer_key
from meterkit.dlms.security.transactions import SIZE
from meterkit.errors import ErrorKind, ProtocolFault, fault

_UNICAST: Final = KeyKind.GLOBAL_UNICAST_ENCRYPTION
_HALF: Final = 32  # bits that a CounterStore keeps in one number


@dataclass(frozen=True, slots=True)
class CandidateKey:
    """One key that a push may be under.  Its repr shows none."""

    in_use: KeyInUse
    name: CounterName  #: of its received counter


class SenderKeys:
    """Keys and counters of the meter `title`.

    Errors of each: `ProtocolFault` SECURITY the provider or the store can't be used, or has not what is
    needed; its message shows no key.
    """

    def __init__(self, protection: PushProtection, store: CounterStore, title: bytes) -> None:
        self._protection, self._store, self._title = protection, store, title
        self._suite = protection.suite
        self._meter = protection.name_of(title)

    # ---------------------------------------------------------------- keys that both ends have
    def candidates(self, *, is_broadcast: bool) -> list[CandidateKey]:
        """Return the keys that a push may be under, with the highest counter that came by each."""
        kind = KeyKind.GLOBAL_BROADCAST_ENCRYPTION if is_broadcast else _UNICAST
        pairs = [self._pair(kind)] if is_broadcast else self._unicast_pairs()
        found: list[CandidateKey] = []
        for encryption, authentication in pairs:
            key = ProtectionKey(self._suite, encryption, authentication)
            name = counter_name(encryption, self._title)  # as a client's: a meter has one count for each key
            found.append(CandidateKey(KeyInUse(kind, key, received=self._store.received(name)), name))
        return found

    def note(self, candidate: CandidateKey) -> None:
        """Keep the counter that came by a key; on disk before this returns."""
        if candidate.in_use.received is not None:
            self._store.note_received(candidate.name, candidate.in_use.received)

    def carriers(self) -> list[KeyInUse]:
        """Return the authentication keys, for messages that tell their encryption key themselves."""
        unused = secrets.token_bytes(self._suite.key_size)  # a new key takes its place in each message
        authentication = self._checked(KeyKind.AUTHENTICATION, self._needed(KeyKind.AUTHENTICATION))
        other = self._own(KeyKind.OTHER_AUTHENTICATION) or authentication
        both = dict.fromkeys((authentication, other))
        return [KeyInUse(_UNICAST, ProtectionKey(self._suite, unused, one)) for one in both]

    def _unicast_pairs(self) -> list[tuple[bytes, bytes | None]]:
        """Return the keys in use, and those of a change that is not finished."""
        encryption, authentication = self._pair(_UNICAST)
        other = self._own(KeyKind.OTHER_ENCRYPTION), self._own(KeyKind.OTHER_AUTHENTICATION)
        pairs = [(encryption, authentication), (other[0] or encryption, other[1] or authentication)]
        return list(dict.fromkeys(pairs))

    def _pair(self, kind: KeyKind) -> tuple[bytes, bytes | None]:
        return self._checked(kind, self._needed(kind)), self._own(KeyKind.AUTHENTICATION)

    # ---------------------------------------------------------------- keys that the message tells
    def material(self, *, is_wrapped: bool, is_static: bool) -> KeyMaterial:
        """Return what tells the key of a message: the master key, or pairs to agree by."""
        if is_wrapped:
            master = self._checked(KeyKind.MASTER, self._needed(KeyKind.MASTER))
            return KeyMaterial(master_key=master)
        try:
            own = private_key_of(self._suite, self._needed(KeyKind.AGREEMENT))
        except ValueError as odd:  # its words show nothing of it
            raise self._odd(str(odd)) from None
        if is_static:
            peer = self._public(KeyKind.SERVER_AGREEMENT, CertificateType.KEY_AGREEMENT)
            return KeyMaterial(own_agreement=own, peer_agreement=peer)
        return KeyMaterial(own_agreement=own, peer_signing=self.signing())

    def signing(self) -> PublicKey:
        """Return the meter's public key of signatures."""
        return self._public(KeyKind.SERVER_SIGNING, CertificateType.DIGITAL_SIGNATURE)

    def _public(self, kind: KeyKind, usage: CertificateType) -> PublicKey:
        octets = self._needed(kind)
        return peer_key(self._suite, octets, usage, title=self._title, now=datetime.now(UTC))

    # ---------------------------------------------------------------- transaction ids
    def highest_transaction(self, of: str) -> int | None:
        """Return the highest transaction id that came from the meter; `of` tells which row of ids."""
        high = self._store.received(self._row(of))
        low = None if high is None else self._store.received(self._row(of, high))
        return None if high is None or low is None else high << _HALF | low

    def note_transaction(self, of: str, number: int) -> None:
        """Keep a transaction id of up to 8 octets; on disk before this returns."""
        if number >= 1 << 8 * SIZE:
            raise self._odd(f"a transaction id of {SIZE} octets at most expected, a longer one came")
        high, low = number >> _HALF, number & (1 << _HALF) - 1
        self._store.note_received(self._row(of, high), low)  # first: the other one makes it count
        self._store.note_received(self._row(of), high)

    def _row(self, of: str, high: int | None = None) -> CounterName:
        told = f"meterkit transaction ids, {of}, {'high' if high is None else high}"
        return CounterName(hashlib.sha256(told.encode()).digest()[:8], self._title)

    # ---------------------------------------------------------------- the provider
    def _own(self, kind: KeyKind) -> bytes | None:
        """Return a symmetric key, if there is one."""
        key = self._protection.keys.key(self._meter, kind)
        return None if key is None else self._checked(kind, key)

    def _needed(self, kind: KeyKind) -> bytes:
        key = self._protection.keys.key(self._meter, kind)
        if key is None:
            provider = type(self._protection.keys).__name__
            raise self._odd(f"the {kind.words} is needed, {provider} has none")
        return key

    def _checked(self, kind: KeyKind, key: bytes) -> bytes:
        size = self._suite.key_size
        if len(key) != size:
            told = f"the {kind.words} has {len(key)} octets, suite {int(self._suite)} wants {size}"
            raise self._odd(told)
        return key

    def _odd(self, message: str) -> ProtocolFault:
        return fault(ErrorKind.SECURITY, f"meter {self._meter}: {message}")
