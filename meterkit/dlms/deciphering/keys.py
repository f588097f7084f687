"""Every key there is for a capture, and which of them may open an APDU.

    by its tag and control   unicast, broadcast, dedicated
    by its key-info          identified, wrapped by the master key, agreed upon: derived as the ends did

Source: Green Book 9.2 and annex C.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Final, Self

from meterkit.dlms.deciphering.parts import CipheredParts
from meterkit.dlms.security import KeyKind, KeyProvider, SecuritySuite
from meterkit.dlms.security.certificates import CertificateType
from meterkit.dlms.security.general_headers import (
    ONE_PASS,
    STATIC_UNIFIED,
    AgreedKey,
    GeneralSigning,
    WrappedKey,
)
from meterkit.dlms.security.key_agreement import derive_key, shared_secret, static_parties
from meterkit.dlms.security.keys import (
    PublicKey,
    private_key_of,
    public_key_octets,
    public_key_of,
    unwrap_key,
    verify,
)
from meterkit.dlms.security.peer_keys import peer_key
from meterkit.errors import ProtocolFault

_LOOKED_UP: Final = (
    KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    KeyKind.OTHER_ENCRYPTION,
    KeyKind.AUTHENTICATION,
    KeyKind.OTHER_AUTHENTICATION,
    KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
    KeyKind.DEDICATED,
    KeyKind.MASTER,
    KeyKind.SIGNING,
    KeyKind.AGREEMENT,
    KeyKind.SERVER_SIGNING,
    KeyKind.SERVER_AGREEMENT,
)


@dataclass(frozen=True, slots=True)
class CaptureKeys:
    """The keys of one meter and its client.  Its repr shows none."""

    keys: dict[KeyKind, bytes] = field(repr=False)

    @classmethod
    def of(cls, provider: KeyProvider, meter: str) -> Self:
        """Return what `provider` has for `meter`.  Errors: `ProtocolFault` SECURITY it can't be used."""
        found = {kind: provider.key(meter, kind) for kind in _LOOKED_UP}
        return cls({kind: key for kind, key in found.items() if key is not None})

    # ---------------------------------------------------------------- symmetric keys
    def encryption_keys(self, parts: CipheredParts, dedicated: bytes | None) -> Iterator[bytes]:
        """Yield keys of the right size that may have enciphered an APDU."""
        candidates: tuple[bytes | None, ...]
        match parts.key_info:
            case WrappedKey() | AgreedKey() as told:
                candidates = (self._told_key(parts, told),)
            case _ if parts.is_dedicated:
                candidates = (dedicated, self.keys.get(KeyKind.DEDICATED))
            case _ if parts.is_broadcast:
                candidates = (self.keys.get(KeyKind.GLOBAL_BROADCAST_ENCRYPTION),)
            case _:
                unicast, other = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.OTHER_ENCRYPTION
                candidates = (self.keys.get(unicast), self.keys.get(other))
        size = parts.suite.key_size
        yield from dict.fromkeys(key for key in candidates if key is not None and len(key) == size)

    def missing(self, parts: CipheredParts) -> str:
        """Return what would be needed, in words."""
        match parts.key_info:
            case WrappedKey():
                return "master key that fits"
            case AgreedKey():
                return "pair of agreement keys that fits"
            case _ if parts.is_dedicated:
                return "dedicated key (the AARQ is not in the capture)"
            case _:
                kind = "broadcast" if parts.is_broadcast else "unicast"
                return f"global {kind} encryption key of suite {int(parts.suite)}"

    def combined(
        self, parts: CipheredParts, keys: Iterable[bytes], titles: Iterable[bytes]
    ) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yield encryption key, authentication key and sender to be tried together."""
        yield from product(keys, self._authentication_keys(parts.suite), titles)

    def has_authentication(self, suite: SecuritySuite) -> bool:
        """Whether tags can be verified."""
        return any(True for _ in self._authentication_keys(suite))

    def _authentication_keys(self, suite: SecuritySuite) -> Iterator[bytes]:
        for kind in (KeyKind.AUTHENTICATION, KeyKind.OTHER_AUTHENTICATION):
            key = self.keys.get(kind)
            if key is not None and len(key) == suite.key_size:
                yield key

    # ---------------------------------------------------------------- keys that the APDU tells
    def _told_key(self, parts: CipheredParts, told: WrappedKey | AgreedKey) -> bytes | None:
        try:
            if isinstance(told, AgreedKey):
                return self._agreed(parts, told)
            master = self.keys.get(KeyKind.MASTER)
            return None if master is None else unwrap_key(parts.suite, master, told.key_ciphered_data)
        except (ProtocolFault, ValueError):  # keys of another suite, or octets that are none
            return None

    def _agreed(self, parts: CipheredParts, told: AgreedKey) -> bytes | None:
        """Return a key as the receiver derives it; the static one as either end does."""
        own = self.keys.get(KeyKind.AGREEMENT)
        if own is None:
            return None
        suite, private = parts.suite, private_key_of(parts.suite, own)
        if told.key_parameters == ONE_PASS:
            ephemeral = public_key_of(suite, told.key_ciphered_data[: 2 * suite.coordinate_size])
            shared = shared_secret(suite, private, ephemeral)
            return derive_key(suite, shared, parts.sender, parts.recipient)
        peer = self.keys.get(KeyKind.SERVER_AGREEMENT)
        if peer is None or told.key_parameters != STATIC_UNIFIED:
            return None
        shared = shared_secret(suite, private, peer_key(suite, peer, CertificateType.KEY_AGREEMENT))
        return derive_key(suite, shared, *static_parties(parts.sender, parts.recipient, parts.transaction))

    # ---------------------------------------------------------------- signatures
    def signature_words(self, signing: GeneralSigning) -> str:
        """Return whether a signature is right, as far as there are keys to tell."""
        match self._fits(signing):
            case True:
                return f"signature verified, signed by {signing.header.originator.hex().upper()}"
            case False:
                return "signature NOT verified: it does not fit"
            case _:
                return "signature NOT verified: no signing key is known"

    def is_contradicted(self, signing: GeneralSigning) -> bool:
        """Whether there are keys to tell, and the signature is none of theirs."""
        return self._fits(signing) is False

    def _fits(self, signing: GeneralSigning) -> bool | None:
        """Return whether one of the keys made a signature; None where there is none to tell."""
        known = False
        for suite in (SecuritySuite.SUITE_1, SecuritySuite.SUITE_2):
            if len(signing.signature) != 2 * suite.coordinate_size:
                continue
            for key in self._signers(suite):
                known = True
                try:
                    verify(suite, key, signing.signature, signing.signed, "general-signing")
                except ProtocolFault:
                    continue
                return True
        return False if known else None

    def _signers(self, suite: SecuritySuite) -> Iterator[PublicKey]:
        """Yield the public keys of both ends, those that are of this suite."""
        own, peer = self.keys.get(KeyKind.SIGNING), self.keys.get(KeyKind.SERVER_SIGNING)
        try:
            if peer is not None:
                yield peer_key(suite, peer, CertificateType.DIGITAL_SIGNATURE)
        except (ProtocolFault, ValueError):
            pass
        try:
            if own is not None:
                yield public_key_of(suite, public_key_octets(private_key_of(suite, own)))
        except (ProtocolFault, ValueError):
            pass
