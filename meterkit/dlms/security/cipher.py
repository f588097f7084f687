"""Protects and unprotects the APDUs of one association, one way or the other; the same for client and meter.

    C0 01 C1 ...   protect   ->  C8 1E 30 00000001 ...      glo-get-request
                                 D0 ...                     once there is a dedicated key
                                 DB 08 title ...            general-glo-ciphering, where granted
    CC ...         unprotect ->  C4 01 C1 ...

Counters come from blocks that were reserved beforehand.  A received counter has to rise, and is moved only
once the tag is verified.  AARQ, AARE, RLRQ and RLRE pass: it is the Initiate in them that is ciphered, alone.

Nearly all messages are short services under a tag of their own with both protections.  Each way begins with
a lane for those, where nothing is looked at twice; what is odd in any way is left, untouched, to the general
way behind it, which refuses it in words.  Source: Green Book 9.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.security.control import AUTHENTICATED, BROADCAST, PROTECTION, Security, SecurityControl
from meterkit.dlms.security.counters import STOP, CounterBlock, StaleCounter
from meterkit.dlms.security.headers import (
    DED,
    GENERAL,
    GLO,
    IS_DEDICATED,
    PLAIN,
    GeneralCiphered,
    unwrap,
    wrap,
    wrong_inner,
)
from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.dlms.security.policy import SecurityPolicy, check_titles
from meterkit.dlms.security.protect import HEAD_SIZE, TAG_SIZE, ProtectionKey
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE, check_title
from meterkit.errors import ErrorKind, ProtocolFault, fault

_LENGTH: Final = 3  # octets of a length up to 65535
_INITIATES: Final = frozenset((ApduTag.INITIATE_REQUEST, ApduTag.INITIATE_RESPONSE))
_ACSE: Final = frozenset((ApduTag.AARQ, ApduTag.AARE, ApduTag.RLRQ, ApduTag.RLRE))
_REFUSALS: Final = frozenset((ApduTag.EXCEPTION_RESPONSE, ApduTag.CONFIRMED_SERVICE_ERROR))
# Of the usual lanes: which tags go out and come in; where what is enciphered begins; sizes, in octets.
_GLO_OUT: Final = {plain: tag for plain, tag in GLO.items() if plain not in _INITIATES}
_DED_OUT: Final = {plain: tag for plain, tag in DED.items() if plain not in _INITIATES}
_GLO_IN: Final = {tag: plain for plain, tag in GLO.items()}
_DED_IN: Final = {tag: plain for plain, tag in DED.items()}
_START: Final = 2 + HEAD_SIZE
_ADDED: Final = HEAD_SIZE + TAG_SIZE
_LONG: Final = 0x80  # from here on a length takes more than one octet


class Envelope(Enum):
    """What ciphered APDUs look like from outside."""

    SERVICE = "glo-get-request and the like"
    GENERAL = "general-glo-ciphering; where general protection is granted"


_SERVICE: Final = Envelope.SERVICE


@dataclass(slots=True)
class ExpectedKey:
    """A key that the other end may take up at any moment, to be received with besides the one in use."""

    key: ProtectionKey = field(repr=False)
    counts_anew: bool  #: its encryption key is another one, with counters of its own
    received: int | None = None  #: the highest counter that came by it
    has_come: bool = False  #: a verified message came by it: from then on nothing comes by the other


@dataclass(slots=True)
class KeyInUse:
    """One key with both its counters.  Its repr shows no key."""

    kind: KeyKind
    key: ProtectionKey = field(repr=False)
    counters: CounterBlock | None = None  #: for sending; None: only received with
    received: int | None = None  #: the highest counter received; None before the first
    previous: ProtectionKey | None = field(default=None, repr=False)  #: still tried while the key is changed
    previous_received: int | None = None  #: the highest that came by it
    expected: ExpectedKey | None = None  #: tried too: the other end may have it already

    def change(self, key: ProtectionKey, received: int | None = None) -> None:
        """Send with another key from now on; receive with either until the first that came by the new one.

        Each goes on with counters of its own: `received` is the highest that came by the new key, if it was
        in use before.
        """
        self.previous, self.previous_received = self.key, self.received
        self.key, self.received, self.expected = key, received, None

    def take(self) -> int:
        """Return the next counter.  Errors: `ProtocolFault` SECURITY none is reserved."""
        if self.counters is None:
            raise fault(ErrorKind.SECURITY, f"nothing is sent with the {self.kind.words} here")
        return self.counters.take()

    def accept(self, counter: int) -> None:
        """Move the received counter; only for messages that were verified.  Errors: `StaleCounter`."""
        if self.received is not None and counter <= self.received:
            raise StaleCounter(counter, self.received + 1, self.kind.words)
        self.received = counter

    def accept_former(self, counter: int) -> None:
        """Move the counter received by the key before this one, likewise.  Errors: `StaleCounter`."""
        if self.previous_received is not None and counter <= self.previous_received:
            raise StaleCounter(counter, self.previous_received + 1, f"former {self.kind.words}")
        self.previous_received = counter

    def accept_expected(self, counter: int) -> None:
        """Move the counter received by the expected key, which has come by this.  Errors: `StaleCounter`."""
        expected = self.expected
        if expected is None or not expected.counts_anew:
            self.accept(counter)
        elif expected.received is not None and counter <= expected.received:
            raise StaleCounter(counter, expected.received + 1, f"new {self.kind.words}")
        else:
            expected.received = counter
        if expected is not None:
            expected.has_come = True

    def unprotect(
        self, content: bytes, title: bytes, header: bytes = b""
    ) -> tuple[bytes, Callable[[int], None]]:
        """Return what is inside, and what takes its counter; in the middle of a change by any key there is.

        Errors: as `ProtectionKey.unprotect`.
        """
        previous, expected = self.previous, self.expected
        # Without a tag nobody can tell which key it was.
        if not (content and content[0] & AUTHENTICATED):
            return self.key.unprotect(content, title, header), self.accept
        if expected is not None and expected.has_come:
            return expected.key.unprotect(content, title, header), self.accept_expected
        others: list[tuple[ProtectionKey, Callable[[int], None]]] = []
        if expected is not None:
            others.append((expected.key, self.accept_expected))
        if previous is not None:
            others.append((previous, self.accept_former))
        try:
            plain = self.key.unprotect(content, title, header)
        except ProtocolFault as refused:
            if refused.error.kind is not ErrorKind.SECURITY or not others:
                raise
        else:
            self.previous = None
            return plain, self.accept
        return _by_one_of(others, content, title, header)


def _by_one_of(
    others: list[tuple[ProtectionKey, Callable[[int], None]]], content: bytes, title: bytes, header: bytes
) -> tuple[bytes, Callable[[int], None]]:
    """Return what is inside by the first key that fits.  Errors: those of the last."""
    *before, (last, accept_last) = others
    for key, accept in before:
        try:
            return key.unprotect(content, title, header), accept
        except ProtocolFault:
            continue
    return last.unprotect(content, title, header), accept_last


def dedicated_key(octets: bytes, unicast: KeyInUse) -> KeyInUse:
    """Return the key that `octets`, of an InitiateRequest, are from then on, with counters of its own.

    They begin at 1: a key is new with every association, and some meters refuse 0.
    Raises: ValueError for another size than the suite's.
    """
    key = unicast.key.with_encryption_key(octets)
    return KeyInUse(KeyKind.DEDICATED, key, CounterBlock(1, STOP))


class Cipher:
    """Both directions of one association.

    `title` is our own system title; `peer_title` the other end's, pinned if it is known beforehand.
    Raises: ValueError for titles that are none, or equal.
    """

    def __init__(
        self,
        title: bytes,
        policy: SecurityPolicy,
        unicast: KeyInUse,
        *,
        peer_title: bytes | None = None,
        dedicated: KeyInUse | None = None,
        broadcast: KeyInUse | None = None,
        envelope: Envelope = Envelope.SERVICE,
        sends_broadcast: bool = False,
    ) -> None:
        self.title = check_title("title", title)
        self.peer_title = None if peer_title is None else check_title("peer_title", peer_title)
        if self.title == self.peer_title:
            raise ValueError(f"both ends have the system title {title.hex()}")
        if sends_broadcast and broadcast is None:
            raise ValueError("sends_broadcast: a broadcast key expected")
        self.policy = policy
        self.unicast = unicast
        self.dedicated = dedicated
        self.broadcast = broadcast
        self.envelope = envelope
        #: Whether general protection was granted: ACCESS, which has no form of its own, needs it.
        self.is_general_granted = False
        self._sends_broadcast = sends_broadcast
        self._control = SecurityControl(policy.suite, policy.applied, sends_broadcast).encode()
        self._enough = SecurityControl(policy.suite, policy.required).encode()
        self._both = policy.suite | PROTECTION  # enough for every policy, too

    def __repr__(self) -> str:
        peer = "any" if self.peer_title is None else self.peer_title.hex()
        return f"Cipher({self.title.hex()} with {peer}, {self.policy.applied.words})"

    def meet(self, peer_title: bytes | None) -> None:
        """Take the other end's system title, as its AARE or AARQ tells it.

        Errors: `ProtocolFault` SECURITY none came, it is our own, or it is not the pinned one.
        """
        self.peer_title = check_titles(self.title, peer_title, self.peer_title)

    @property
    def sending(self) -> KeyInUse:
        """The key that the next service is sent with."""
        if self._sends_broadcast and self.broadcast is not None:
            return self.broadcast
        return self.dedicated or self.unicast

    @property
    def overhead(self) -> int:
        """Octets, at most, that `protect` makes an APDU of up to 64 KiB longer."""
        if self.policy.applied is Security.NONE:
            return 0
        is_general = self.is_general_granted or self.envelope is Envelope.GENERAL
        title = 1 + SYSTEM_TITLE_SIZE if is_general else 0
        tag = TAG_SIZE if self.policy.applied.covers(Security.AUTHENTICATION) else 0
        return 1 + title + _LENGTH + HEAD_SIZE + tag

    # ------------------------------------------------------------------------------------------ out
    def protect(self, apdu: bytes) -> bytes:
        """Return `apdu` protected as the policy says; ACSE's as they are.

        A general block is none of this: protect the APDU first, then cut it.
        Errors: `ProtocolFault` SECURITY no counter is left, or the APDU has no ciphered form.
        """
        # The usual lane: a short service with a tag of its own, by a key with counters, both protections.
        control, size = self._control, len(apdu) + _ADDED
        if _ADDED < size < _LONG and self.envelope is _SERVICE:
            dedicated = self.dedicated
            in_use = dedicated or self.unicast
            key, counters = in_use.key, in_use.counters
            tag = (_DED_OUT if dedicated else _GLO_OUT).get(apdu[0])
            if tag is not None and counters is not None and key.both == control:
                counted = counters.take().to_bytes(4, "big")
                head = (tag << 16 | size << 8 | control).to_bytes(3, "big")
                return head + counted + key.seal(self.title + counted, apdu, key.both_aad)
        return self._protect_any(apdu)

    def _protect_any(self, apdu: bytes) -> bytes:
        tag = apdu[0] if apdu else 0
        if tag in _ACSE or self.policy.applied is Security.NONE:
            return apdu
        in_use = self.unicast if tag in _INITIATES else self.sending
        is_dedicated = in_use is self.dedicated
        table = DED if is_dedicated else GLO
        wrapped = table.get(tag)
        is_general = self.envelope is Envelope.GENERAL and tag not in _INITIATES
        if wrapped is None and not (is_general or self.is_general_granted):
            raise fault(
                ErrorKind.SECURITY,
                f"{apdu_name(apdu)} can't be sent ciphered but by general-glo-ciphering, which the meter did "
                "not grant; nothing was sent",
            )
        control = self._control & ~BROADCAST if in_use is not self.broadcast else self._control
        content = in_use.key.protect(control, self.title, in_use.take(), apdu)
        if is_general or wrapped is None:
            return GeneralCiphered(self.title, content, is_dedicated).encode()
        return wrap(wrapped, content)

    # ------------------------------------------------------------------------------------------ in
    def unprotect(self, octets: bytes) -> bytes:
        """Return the APDU that `octets` protect, verified; ACSE's as they are.

        Errors: `ProtocolFault` SECURITY no protection or too little, another sender, a tag that isn't right,
        a counter that doesn't rise (`StaleCounter`); DECODE octets that are no ciphered APDU.
        """
        # The usual lane: a short service under its own tag, both protections, by the key that is expected.
        # Only what nothing can be said against ends here: the general way refuses, and moves what is moved.
        both, size, title = self._both, len(octets) - 2, self.peer_title
        if _ADDED < size < _LONG and octets[1] == size and octets[2] == both and title is not None:
            dedicated = self.dedicated
            in_use = dedicated or self.unicast
            key, received = in_use.key, in_use.received
            is_settled = in_use.previous is None and in_use.expected is None
            counted = octets[3:_START]
            counter = int.from_bytes(counted, "big")
            if key.both == both and is_settled and (received is None or received < counter):
                plain = key.unseal(title + counted, octets[_START:], key.both_aad)
                if plain and plain[0] == (_DED_IN if dedicated else _GLO_IN).get(octets[0]):
                    in_use.received = counter
                    return plain
        return self._unprotect_any(octets)

    def _unprotect_any(self, octets: bytes) -> bytes:
        tag = octets[0] if octets else 0
        plain_tag = PLAIN.get(tag)
        if plain_tag is not None:
            content, title = unwrap(octets), self.peer_title
        elif tag in GENERAL:
            envelope = GeneralCiphered.decode(octets)
            content, title = envelope.content, self._sender(envelope.system_title)
        else:
            return self._unprotected(tag, octets)
        if title is None:
            raise fault(
                ErrorKind.SECURITY, "the other end's system title is not known", where=apdu_name(octets)
            )
        try:
            return self._open(octets, content, title, plain_tag)
        except ProtocolFault as refused:
            if refused.error.where:
                raise
            raise ProtocolFault(refused.error.at(apdu_name(octets))) from None

    def _unprotected(self, tag: int, octets: bytes) -> bytes:
        if tag in _ACSE or self.policy.required is Security.NONE:
            return octets
        if tag in _REFUSALS and self.policy.accepts_plain_refusals:
            return octets
        raise self.policy.plain(octets)

    def _sender(self, title: bytes) -> bytes | None:
        """Return whose message it is: an empty title is that of the peer."""
        if not title:
            return self.peer_title
        return check_titles(self.title, title, self.peer_title)

    def _open(self, octets: bytes, content: bytes, title: bytes, plain_tag: int | None) -> bytes:
        if len(content) < HEAD_SIZE:
            raise fault(ErrorKind.DECODE, f"{HEAD_SIZE} octets at least expected, {len(content)} came")
        control = content[0]
        if control != self._enough:
            self.policy.check(control)
        in_use = self._key_for(octets[0], control)
        accept: Callable[[int], None] = in_use.accept
        if in_use.previous is None and in_use.expected is None:
            plain = in_use.key.unprotect(content, title)
        else:
            plain, accept = in_use.unprotect(content, title)
        if plain_tag is not None and (not plain or plain[0] != plain_tag):
            raise wrong_inner(octets, plain)
        accept(int.from_bytes(content[1:HEAD_SIZE], "big"))
        return plain

    def _key_for(self, tag: int, control: int) -> KeyInUse:
        if tag in IS_DEDICATED:
            in_use, kind = self.dedicated, KeyKind.DEDICATED
        elif control & BROADCAST:
            in_use, kind = self.broadcast, KeyKind.GLOBAL_BROADCAST_ENCRYPTION
        else:
            return self.unicast
        if in_use is None:
            raise fault(ErrorKind.SECURITY, f"ciphered with a {kind.words}, none is known")
        return in_use
