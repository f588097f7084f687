"""AES-GCM as DLMS uses it: one key pair, tags of 12 octets, one content in and one out.

    security control | invocation counter (4) | information | tag (12)
                       nonce = system title (8) | invocation counter

    authentication and encryption   information enciphered   tag over control | AK | header | information
    authentication only             information in clear     the same
    encryption only                 information enciphered   no tag

`header` is what general-ciphering puts in front; else it is empty.  The key objects are kept: expanding a
key costs more than enciphering a short APDU.  So is what tags cover first where both protections are asked
for, which is nearly always.  Source: Green Book 9.2, tables 37 and 40.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from meterkit.dlms.security.control import AUTHENTICATED, ENCRYPTED, PROTECTION
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE, SecuritySuite, check_key
from meterkit.errors import ErrorKind, ProtocolFault, fault

TAG_SIZE: Final = 12  # octets
HEAD_SIZE: Final = 5  # octets: security control and invocation counter
_FULL_TAG: Final = 16  # octets, as AES-GCM makes it
_CUT: Final = TAG_SIZE - _FULL_TAG


class ProtectionKey:
    """An encryption key with the authentication key that goes with it.  Its repr shows neither.

    Without an authentication key there is encryption only.
    Raises: ValueError for a key of the wrong size.
    """

    __slots__ = ("_authentication_key", "_gcm", "both", "both_aad", "suite")

    def __init__(
        self, suite: SecuritySuite, encryption_key: bytes, authentication_key: bytes | None = None
    ) -> None:
        self.suite = suite
        encryption_key = check_key(suite, "encryption key", encryption_key)
        self._gcm = AESGCM(encryption_key)
        self._authentication_key = (
            None if authentication_key is None else check_key(suite, "authentication key", authentication_key)
        )
        self.both: int | None = None  #: the security control for both protections; None if it can't do both
        self.both_aad = b""  #: what the tag of those covers first
        if authentication_key is not None:
            self.both = suite | PROTECTION
            self.both_aad = self._aad(self.both)

    def __repr__(self) -> str:
        return f"ProtectionKey(suite {int(self.suite)})"

    def with_encryption_key(self, encryption_key: bytes) -> ProtectionKey:
        """Return another encryption key with the same authentication key: a dedicated or an agreed one."""
        return ProtectionKey(self.suite, encryption_key, self._authentication_key)

    def protect(self, control: int, title: bytes, counter: int, plain: bytes, header: bytes = b"") -> bytes:
        """Return `plain` protected as the octet `control` says: control, counter, information, tag.

        `title` is the sender's; `counter` must never have been used with this key.
        Raises: ValueError when `control` asks for no protection.
        Errors: `ProtocolFault` SECURITY it asks for a tag, and there is no authentication key.
        """
        counted = counter.to_bytes(4, "big")
        head = bytes((control,))
        protection = control & PROTECTION
        if protection == PROTECTION:
            return head + counted + self.seal(title + counted, plain, self._aad(control) + header)
        if protection == AUTHENTICATED:
            return head + counted + plain + self.tag(control, title, counter, header + plain)
        if protection == ENCRYPTED:
            return head + counted + self._encipher(title + counted, plain)
        raise ValueError(f"security control {control:02x}: authentication or encryption expected")

    def unprotect(self, content: bytes, title: bytes, header: bytes = b"") -> bytes:
        """Return the information of `content`, which `title` sent; nothing of it before the tag is verified.

        Errors: `ProtocolFault` DECODE too short; SECURITY the tag is not right, `title` is none, or there is
        no protection.
        """
        protection = content[0] & PROTECTION if content else 0
        tag_size = TAG_SIZE if protection & AUTHENTICATED else 0
        end = len(content) - tag_size
        if end < HEAD_SIZE:
            raise _too_short(content, HEAD_SIZE + tag_size)
        if len(title) != SYSTEM_TITLE_SIZE:
            expected = f"a system title of {SYSTEM_TITLE_SIZE} octets expected"
            raise fault(ErrorKind.SECURITY, f"{expected}, {len(title)} came: {title.hex(' ') or 'nothing'}")
        nonce = title + content[1:HEAD_SIZE]
        if protection == PROTECTION:
            opened = self.unseal(nonce, content[HEAD_SIZE:], self._aad(content[0]) + header)
            if opened is None:
                raise _wrong_tag(content, title)
            return opened
        information = content[HEAD_SIZE:end]
        if protection == AUTHENTICATED:
            counter = int.from_bytes(content[1:HEAD_SIZE], "big")
            tag = self.tag(content[0], title, counter, header + information)
            if not compare_digest(tag, content[end:]):
                raise _wrong_tag(content, title)
            return information
        if protection == ENCRYPTED:
            return self._encipher(nonce, information)
        raise fault(
            ErrorKind.SECURITY, f"security control {content[0]:02x}: protection expected, there is none"
        )

    def seal(self, nonce: bytes, plain: bytes, aad: bytes) -> bytes:
        """Return `plain` enciphered, and the 12 octets of its tag, which covers `aad` too."""
        return self._gcm.encrypt(nonce, plain, aad)[:_CUT]

    def unseal(self, nonce: bytes, sealed: bytes, aad: bytes) -> bytes | None:
        """Return what is inside; None unless the 12 octets at its end are the right tag."""
        # AESGCM.decrypt knows full tags only; enciphering twice is faster than a decryptor made anew.
        encrypt = self._gcm.encrypt
        plain = encrypt(nonce, sealed[:-TAG_SIZE], None)[:-_FULL_TAG]
        if compare_digest(encrypt(nonce, plain, aad)[-_FULL_TAG:_CUT], sealed[-TAG_SIZE:]):
            return plain
        return None

    def tag(self, control: int, title: bytes, counter: int, authenticated: bytes) -> bytes:
        """Return the 12 octets of GMAC over control, authentication key and `authenticated`."""
        return self.seal(title + counter.to_bytes(4, "big"), b"", self._aad(control) + authenticated)

    def _encipher(self, nonce: bytes, octets: bytes) -> bytes:
        """Return `octets` enciphered, which undoes itself: the counter mode inside GCM."""
        return self._gcm.encrypt(nonce, octets, None)[:-_FULL_TAG]

    def _aad(self, control: int) -> bytes:
        """Return what every tag covers first.  Errors: `ProtocolFault` SECURITY no authentication key."""
        if self._authentication_key is None:
            raise fault(ErrorKind.SECURITY, "authentication was asked for, no authentication key is known")
        return bytes((control,)) + self._authentication_key


def _too_short(content: bytes, least: int) -> ProtocolFault:
    return fault(
        ErrorKind.DECODE,
        f"{least} octets at least expected (security control, counter, tag), {len(content)} came: "
        f"{content[:HEAD_SIZE].hex(' ') or 'nothing'}",
        where="ciphered content",
    )


def _wrong_tag(content: bytes, title: bytes) -> ProtocolFault:
    counter = int.from_bytes(content[1:HEAD_SIZE], "big")
    return fault(
        ErrorKind.SECURITY,
        f"the tag does not verify (security control {content[0]:02x}, counter {counter}, sender "
        f"{title.hex()}): another key or system title was used, or octets were altered",
    )
