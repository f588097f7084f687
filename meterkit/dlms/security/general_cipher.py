"""general-ciphering at work: each APDU under a key that the message itself tells, wraps or lets derive.

    protect     DD | header | key-info | content          unprotect  the other way
    IDENTIFIED  the global unicast key                    its counter has to rise
    WRAPPED     a new key, under the master key           the transaction id stands in for the counter:
    ONE_PASS    a new key, from an ephemeral one            an answer has its request's,
    STATIC      a new key, from the transaction id          anything else one that rises

Between ends that never met in an association, too.  Source: Green Book 9.2 and annex C.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.security.cipher import KeyInUse
from meterkit.dlms.security.control import SecurityControl
from meterkit.dlms.security.general_headers import (
    HEADER_SIZE,
    LENGTH_SIZE,
    ONE_PASS,
    STATIC_UNIFIED,
    AgreedKey,
    GeneralCiphering,
    GeneralHeader,
    IdentifiedKey,
    KeyInfo,
    WrappedKey,
)
from meterkit.dlms.security.key_agreement import (
    derive_key,
    generate_key,
    open_ephemeral,
    shared_secret,
    signed_ephemeral,
    static_parties,
)
from meterkit.dlms.security.keys import WRAPPING, PrivateKey, PublicKey, unwrap_key, wrap_key
from meterkit.dlms.security.policy import SecurityPolicy, check_titles
from meterkit.dlms.security.protect import HEAD_SIZE, TAG_SIZE, ProtectionKey
from meterkit.dlms.security.suites import check_title
from meterkit.dlms.security.transactions import Transactions
from meterkit.errors import ErrorKind, ProtocolFault, fault

T = TypeVar("T")


class KeyScheme(Enum):
    """How the key of a message is told."""

    IDENTIFIED = "identified"  #: by its number: both have it
    WRAPPED = "wrapped"  #: by the master key
    ONE_PASS = "one-pass Diffie-Hellman"
    STATIC = "static unified model"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMaterial:
    """What the schemes other than IDENTIFIED need.  Its repr shows no key."""

    master_key: bytes | None = field(default=None, repr=False)  #: WRAPPED
    own_agreement: PrivateKey | None = field(default=None, repr=False)  #: ONE_PASS (receiving), STATIC
    peer_agreement: PublicKey | None = field(default=None, repr=False)  #: ONE_PASS (sending), STATIC
    own_signing: PrivateKey | None = field(default=None, repr=False)  #: ONE_PASS (sending)
    peer_signing: PublicKey | None = field(default=None, repr=False)  #: ONE_PASS (receiving)


class GeneralCipher:
    """Both directions between two ends, by one scheme.

    `unicast` brings the authentication key for every scheme, and the counters; `scheme` is what we send by
    and all that is taken.
    Raises: ValueError for titles that are none or equal.
    """

    def __init__(
        self,
        title: bytes,
        peer_title: bytes,
        policy: SecurityPolicy,
        unicast: KeyInUse,
        *,
        scheme: KeyScheme = KeyScheme.IDENTIFIED,
        material: KeyMaterial | None = None,
    ) -> None:
        self.title = check_title("title", title)
        self.peer_title = check_title("peer_title", peer_title)
        if title == peer_title:
            raise ValueError(f"both ends have the system title {title.hex()}")
        self.policy = policy
        self.unicast = unicast
        self.scheme = scheme
        self.transactions = Transactions()
        self._material = material or KeyMaterial()
        self._control = SecurityControl(policy.suite, policy.applied).encode()

    def protect(self, apdu: bytes, *, answers: bytes | None = None) -> bytes:
        """Return `apdu` in a general-ciphering of its own.

        `answers` is the transaction id of the request it answers; without it, it has a new one.
        Errors: `ProtocolFault` SECURITY no counter is left.  Raises: ValueError for a key that is missing.
        """
        counter = self.unicast.take()
        transaction = self.transactions.begin(counter) if answers is None else answers
        header = GeneralHeader(transaction_id=transaction, originator=self.title, recipient=self.peer_title)
        info, key = self._new_key(transaction)
        content = key.protect(self._control, self.title, counter, apdu, header.encode())
        return GeneralCiphering(header, info, content).encode()

    def unprotect(self, octets: bytes) -> bytes:
        """Return the APDU inside, verified.

        Errors: `ProtocolFault` SECURITY too little protection, another sender, receiver or way to tell the
        key, a tag, signature, counter or transaction id that isn't right; DECODE no general-ciphering.
        """
        if octets[:1] != bytes((ApduTag.GENERAL_CIPHERING,)):
            raise self._other(octets)
        try:
            return self._open(GeneralCiphering.decode(octets))
        except ProtocolFault as refused:
            if refused.error.where:
                raise
            raise ProtocolFault(refused.error.at(apdu_name(octets))) from None

    def _open(self, apdu: GeneralCiphering) -> bytes:
        header, content = apdu.header, apdu.content
        sender = check_addresses(header, self.title, self.peer_title)
        if len(content) < HEAD_SIZE:
            raise fault(ErrorKind.DECODE, f"{HEAD_SIZE} octets at least expected, {len(content)} came")
        self.policy.check(content[0])
        key = self._key_of(apdu.key_info, sender, header)
        if self.scheme is not KeyScheme.IDENTIFIED:
            plain = key.unprotect(content, sender, header.encode())
            self.transactions.accept(header.transaction_id)
            return plain
        plain, accept = self.unicast.unprotect(content, sender, header.encode())
        accept(int.from_bytes(content[1:HEAD_SIZE], "big"))
        return plain

    def _other(self, octets: bytes) -> ProtocolFault:
        """Return the fault that tells of something else than a general-ciphering."""
        try:
            is_ciphered = bool(octets) and ApduTag(octets[0]).is_ciphered
        except ValueError:
            is_ciphered = False
        if not is_ciphered:
            return self.policy.plain(octets)
        return fault(ErrorKind.SECURITY, f"general-ciphering expected, {apdu_name(octets)} came")

    @property
    def overhead(self) -> int:
        """Octets, at most, that `protect` makes an APDU of up to 64 KiB longer."""
        suite = self.policy.suite
        key_info = {
            KeyScheme.IDENTIFIED: 3,
            KeyScheme.WRAPPED: 4 + suite.key_size + WRAPPING,
            KeyScheme.STATIC: 5,
        }
        # One-pass: an ephemeral key and its signature, of two coordinates each.
        info = key_info.get(self.scheme) or 7 + 4 * suite.coordinate_size
        return HEADER_SIZE + info + LENGTH_SIZE + HEAD_SIZE + TAG_SIZE

    # ---------------------------------------------------------------- keys
    def _new_key(self, transaction: bytes) -> tuple[KeyInfo, ProtectionKey]:
        suite, material = self.policy.suite, self._material
        match self.scheme:
            case KeyScheme.IDENTIFIED:
                return IdentifiedKey(), self.unicast.key
            case KeyScheme.WRAPPED:
                fresh = secrets.token_bytes(suite.key_size)
                master = _needed(material.master_key, "a master key")
                return WrappedKey(wrap_key(suite, master, fresh)), self._with(fresh)
            case KeyScheme.ONE_PASS:
                ephemeral = generate_key(suite)
                told = signed_ephemeral(suite, ephemeral, _needed(material.own_signing, "our signing key"))
                peer = _needed(material.peer_agreement, "the other end's agreement key")
                shared = shared_secret(suite, ephemeral, peer)
                key = derive_key(suite, shared, self.title, self.peer_title)
                return AgreedKey(ONE_PASS, told), self._with(key)
            case _:  # STATIC
                parties = static_parties(self.title, self.peer_title, transaction)
                return AgreedKey(STATIC_UNIFIED), self._with(self._static(parties))

    def _key_of(self, info: KeyInfo | None, sender: bytes, header: GeneralHeader) -> ProtectionKey:
        suite, material = self.policy.suite, self._material
        match self.scheme, info:
            case KeyScheme.IDENTIFIED, None | IdentifiedKey(0):
                return self.unicast.key
            case KeyScheme.WRAPPED, WrappedKey(wrapped, 0):
                return self._with(unwrap_key(suite, _needed(material.master_key, "a master key"), wrapped))
            case KeyScheme.ONE_PASS, AgreedKey(parameters, told) if parameters == ONE_PASS:
                signing = _needed(material.peer_signing, "the other end's signing key")
                own = _needed(material.own_agreement, "our agreement key")
                shared = shared_secret(suite, own, open_ephemeral(suite, told, signing))
                return self._with(derive_key(suite, shared, sender, header.recipient))
            case KeyScheme.STATIC, AgreedKey(parameters, b"") if parameters == STATIC_UNIFIED:
                parties = static_parties(sender, header.recipient, header.transaction_id)
                return self._with(self._static(parties))
            case _:
                raise fault(ErrorKind.SECURITY, f"a key by {self.scheme.value} expected, {_told(info)} came")

    def _static(self, parties: tuple[bytes, bytes]) -> bytes:
        own = _needed(self._material.own_agreement, "our agreement key")
        peer = _needed(self._material.peer_agreement, "the other end's agreement key")
        return derive_key(self.policy.suite, shared_secret(self.policy.suite, own, peer), *parties)

    def _with(self, key: bytes) -> ProtectionKey:
        return self.unicast.key.with_encryption_key(key)


def check_addresses(header: GeneralHeader, title: bytes, peer_title: bytes) -> bytes:
    """Return the sender of a message from `peer_title`, told or left out, and for `title` or for everybody.

    Errors: `ProtocolFault` SECURITY.
    """
    sender = check_titles(title, header.originator, peer_title)
    if header.recipient not in (b"", title):
        raise fault(
            ErrorKind.SECURITY, f"a message for {title.hex()} expected, one for {header.recipient.hex()} came"
        )
    return sender


def _told(info: KeyInfo | None) -> str:
    """Return what a key-info is, without its octets."""
    match info:
        case None:
            return "none"
        case IdentifiedKey(key_id):
            return f"identified-key {key_id}"
        case WrappedKey():
            return "wrapped-key"
        case _:  # AgreedKey
            return f"agreed-key {info.key_parameters.hex()} with {len(info.key_ciphered_data)} octets"


def _needed(value: T | None, what: str) -> T:
    if value is None:
        raise ValueError(f"{what} is needed")
    return value
