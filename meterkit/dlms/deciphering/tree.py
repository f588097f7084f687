"""Captured APDUs deciphered: what is under the cipher stands below it in the tree, verified or not.

    glo-get-request
      security-control: 30    invocation-counter: 1234    cipher-text: ...    authentication-tag: ...
      deciphered (verified, sender 4D4D4D0000BC614E)
        get-request-normal ...

System titles are learned from AARQ and AARE, dedicated keys from the AARQ that carried them; what a capture
doesn't tell may be given.  No key is shown: a dedicated key is a fingerprint here.
Source: Green Book 9.2, 9.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.deciphering.keys import CaptureKeys
from meterkit.dlms.deciphering.parts import CipheredParts, parts_of, signing_of
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.security import ProtectionKey
from meterkit.dlms.security.control import AUTHENTICATED, ENCRYPTED, PROTECTION
from meterkit.dlms.security.headers import PLAIN
from meterkit.dlms.security.protect import HEAD_SIZE, TAG_SIZE
from meterkit.dlms.translate.apdu import apdu_node
from meterkit.dlms.translate.messages import Messages
from meterkit.errors import ProtocolFault
from meterkit.tree import Node

_CIPHERED: Final = {tag.standard_name: tag for tag in ApduTag if tag.is_ciphered}
_TITLES: Final = {"calling-AP-title": "AARQ", "responding-AP-title": "AARE"}
_TITLE_SIZE: Final = 8  # octets
_DEEPEST: Final = 8  # ciphers and signatures within one another; ours: the standard has two


@dataclass(frozen=True, slots=True)
class _Opened:
    """What was under a cipher."""

    plain: bytes
    words: str  #: verified or not, and who sent it
    is_contradicted: bool = False  #: there is a tag, and a key for it, and it doesn't fit


@dataclass(slots=True)
class Deciphering:
    """Deciphers trees in the order of the capture, so that it learns titles and keys on the way."""

    keys: CaptureKeys
    titles: list[bytes] = field(default_factory=list[bytes])  #: senders known beforehand, if any
    _client: bytes | None = None
    _meter: bytes | None = None
    _dedicated: bytes | None = None
    _messages: Messages = field(default_factory=Messages)
    _depth: int = 0  # ciphers and signatures that are open

    def nodes(self, trees: Iterable[Node]) -> tuple[Node, ...]:
        """Return the trees with what is under each cipher."""
        return tuple(map(self._node, trees))

    def plain(self, apdu: bytes) -> bytes | None:
        """Return what is under the cipher or signature of `apdu`; None where it can't be told.

        It learns from an AARQ or AARE, which is under none.  What a tag or a signature speaks against is not
        told.  Takes the APDUs in the order of the capture: the `decipher` of `documents.to_json`.
        """
        node = apdu_node(apdu, None)
        tag = _CIPHERED.get(node.name)
        if tag is None:
            if node.name in _TITLES.values():
                self._learn(node)
            return None
        if tag is ApduTag.GENERAL_SIGNING:
            signing = signing_of(node)
            is_wrong = signing is None or self.keys.is_contradicted(signing)
            return None if signing is None or is_wrong else signing.content
        parts = parts_of(tag, node)
        opened = "" if parts is None else self._open(parts)
        if isinstance(opened, str) or opened.is_contradicted:
            return None
        self._take_dedicated_key(opened.plain)
        return opened.plain

    def _node(self, node: Node) -> Node:
        if node.name in ("AARQ", "AARE"):
            self._learn(node)
        children = tuple(map(self._node, node.children))
        tag = _CIPHERED.get(node.name)
        if tag is ApduTag.GENERAL_SIGNING:
            children = (*children, *self._signed(node))
        elif tag is not None:
            children = (*children, self._deciphered(tag, node))
        return node if children == node.children else replace(node, children=children)

    def _learn(self, node: Node) -> None:
        """Take the sender's title from an AARQ or AARE; with an AARQ everything begins anew."""
        told = {child.name: child.value for child in node.children}
        for name, apdu in _TITLES.items():
            title = told.get(name)
            if node.name == apdu and isinstance(title, bytes) and len(title) == _TITLE_SIZE:
                if apdu == "AARQ":
                    self._client = title
                else:
                    self._meter = title
        if node.name == "AARQ":
            self._dedicated = None

    # ---------------------------------------------------------------- deciphering
    def _deciphered(self, tag: ApduTag, node: Node) -> Node:
        parts = parts_of(tag, node)
        if parts is None:
            return _untold("its parts are not whole")
        opened = self._open(parts)
        if isinstance(opened, str):
            return _untold(opened)
        self._take_dedicated_key(opened.plain)
        inner = _without_keys(self._inner(opened.plain))
        return Node("deciphered", None, opened.words, None, len(opened.plain), (inner,))

    def _inner(self, octets: bytes) -> Node:
        """Return the tree of an APDU that was in another one."""
        node = self._messages.apdu_node(octets, None)
        if self._depth == _DEEPEST:
            return node
        self._depth += 1
        try:
            return self._node(node)
        finally:
            self._depth -= 1

    def _open(self, parts: CipheredParts) -> _Opened | str:
        """Return what is inside, or why it can't be told."""
        keys = list(self.keys.encryption_keys(parts, self._dedicated))
        if not keys:
            return f"no {self.keys.missing(parts)} is known"
        titles = list(self._senders(parts))
        if not titles:
            return "the sender's system title is not known"
        if parts.control & AUTHENTICATED:
            for encryption, authentication, title in self.keys.combined(parts, keys, titles):
                key = ProtectionKey(parts.suite, encryption, authentication)
                try:
                    plain = key.unprotect(parts.content, title, parts.header)
                except ProtocolFault:
                    continue
                return _Opened(plain, f"verified, sender {title.hex().upper()}")
        return self._unverified(parts, keys, titles)

    def _unverified(self, parts: CipheredParts, keys: list[bytes], titles: list[bytes]) -> _Opened | str:
        """Return what is inside though nothing vouches for it; without a tag or a key for it that is so."""
        has_tag = bool(parts.control & AUTHENTICATED)
        has_key = self.keys.has_authentication(parts.suite)
        why = "there is no tag"
        if has_tag:
            why = "the tag does not fit" if has_key else "no authentication key is known"
        for encryption in keys:
            for title in titles:
                try:
                    plain = _without_tag(parts, encryption, title)
                except ProtocolFault as cut:  # too short for what its header promises
                    return cut.error.message
                if _makes_sense(parts.tag, plain):
                    words = f"NOT verified: {why}; sender {title.hex().upper()}"
                    return _Opened(plain, words, has_tag and has_key)
        return f"neither key nor sender fit ({why})" if has_tag else "neither key nor sender fit"

    def _senders(self, parts: CipheredParts) -> Iterator[bytes]:
        """Yield who may have sent it: as it says itself, else by its direction, else anybody known."""
        if parts.sender:
            yield parts.sender
            return
        by_direction = self._client if parts.is_request else self._meter
        known = (by_direction, *self.titles, self._client, self._meter)
        yield from dict.fromkeys(title for title in known if title)

    def _take_dedicated_key(self, plain: bytes) -> None:
        if plain[:1] != bytes((ApduTag.INITIATE_REQUEST,)):
            return
        try:
            request = decode_apdu(plain)
        except ProtocolFault:
            return
        if isinstance(request, InitiateRequest) and request.dedicated_key:
            self._dedicated = request.dedicated_key

    # ---------------------------------------------------------------- signatures
    def _signed(self, node: Node) -> Iterator[Node]:
        """Yield what was signed, and whether the signature is right."""
        signing = signing_of(node)
        if signing is None:
            yield _untold("its parts are not whole")
            return
        words = self.keys.signature_words(signing)
        yield Node("signed", None, words, None, len(signing.content), (self._inner(signing.content),))


def _without_tag(parts: CipheredParts, encryption: bytes, title: bytes) -> bytes:
    """Return the information without a look at the tag."""
    end = len(parts.content) - (TAG_SIZE if parts.control & AUTHENTICATED else 0)
    if not parts.control & ENCRYPTED:
        return parts.content[HEAD_SIZE:end]
    control = parts.control & ~PROTECTION | ENCRYPTED  # the same key stream
    key = ProtectionKey(parts.suite, encryption)
    return key.unprotect(bytes((control,)) + parts.content[1:end], title)


def _makes_sense(tag: ApduTag, plain: bytes) -> bool:
    """Tell whether octets may be what stands under this tag: nothing else tells a wrong key."""
    expected = PLAIN.get(tag)
    if expected is not None:
        return plain[:1] == bytes((expected,))
    try:
        decode_apdu(plain)
    except ProtocolFault:
        return False
    return True


def _untold(why: str) -> Node:
    return Node("deciphered", None, f"not deciphered: {why}", is_understood=False)


def _without_keys(node: Node) -> Node:
    """Return a tree whose dedicated key is a fingerprint."""
    if node.name == "dedicated-key" and isinstance(node.value, bytes) and node.value:
        return replace(node, value=None, meaning=f"a key, fingerprint {fingerprint(node.value)}")
    children = tuple(map(_without_keys, node.children))
    return node if children == node.children else replace(node, children=children)
