"""general-ciphering and general-signing of one association, the meter's side: answers in kind.

    DD | id, titles | key-info | content    ->  DD | same id, titles exchanged | key-info | content
    DF | id, titles | any APDU | signature  ->  DF | same id, titles exchanged | its answer | signature

The answer's key is told as the request's: identified, wrapped, or agreed on.  Source: Green Book 9.2, 9.5.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.security import (
    GeneralCipher,
    GeneralSigner,
    KeyInUse,
    KeyMaterial,
    KeyScheme,
    Security,
    SecurityPolicy,
)
from meterkit.dlms.security.control import PROTECTION
from meterkit.dlms.security.general_headers import (
    ONE_PASS,
    AgreedKey,
    GeneralCiphering,
    GeneralSigning,
    KeyInfo,
    WrappedKey,
)
from meterkit.dlms.security.protect import HEAD_SIZE, TAG_SIZE
from meterkit.emulator.dlms.client_security import ClientSecurity
from meterkit.errors import ErrorKind, fault

_HEADER: Final = 1 + 3 * 9 + 2 + 3  # octets: tag, id and titles, two empty fields, length of the content
_KEY_INFO: Final = 8  # octets of key-info beside the key


class GeneralProtection:
    """What came last in general-ciphering or general-signing, and how it is answered."""

    def __init__(self, keys: ClientSecurity, unicast: KeyInUse, title: bytes, client_title: bytes) -> None:
        self._keys, self._unicast = keys, unicast
        self._title, self._client_title = title, client_title
        self._signer: GeneralSigner | None = None
        self._signed_id = self._id = b""  # transaction ids of the request
        self._scheme = KeyScheme.IDENTIFIED

    @property
    def scheme(self) -> KeyScheme:
        """How the key of the last general-ciphering was told."""
        return self._scheme

    @property
    def is_signed(self) -> bool:
        """Whether the request came signed."""
        return self._signer is not None

    def begin(self) -> None:
        """Forget the request before."""
        self._signer = None

    def signed_content(self, octets: bytes) -> bytes:
        """Return what a general-signing holds, its signature verified.  Errors: `ProtocolFault`."""
        keys = self._keys
        if keys.signing is None or keys.client_signing is None or self._unicast.counters is None:
            raise fault(ErrorKind.SECURITY, "signed; there are no keys to verify it with")
        self._signer = GeneralSigner(
            keys.suite,
            self._title,
            self._client_title,
            keys.signing,
            keys.client_signing,
            self._unicast.counters,
        )
        self._signer.transactions = keys.signed
        content = self._signer.unprotect(octets)
        self._signed_id = GeneralSigning.decode(octets).header.transaction_id
        return content

    def sign(self, apdu: bytes) -> bytes:
        """Return the answer to what was signed."""
        return apdu if self._signer is None else self._signer.protect(apdu, answers=self._signed_id)

    def open(self, octets: bytes) -> tuple[bytes, Security]:
        """Return what a general-ciphering holds, verified, and its protection.

        Errors: `StaleCounter`; `ProtocolFault`.
        """
        whole = GeneralCiphering.decode(octets)
        self._scheme = _scheme(whole.key_info)
        came = Security(whole.content[0] & PROTECTION) if whole.content else Security.NONE
        try:
            plain = self._cipher(came).unprotect(octets)
        except ValueError as missing:
            raise fault(ErrorKind.SECURITY, str(missing)) from None
        self._id = whole.header.transaction_id
        return plain, came

    def seal(self, apdu: bytes, applied: Security) -> bytes:
        """Return the answer in general-ciphering.

        Errors: `ProtocolFault` SECURITY no counter or key to answer with.
        """
        try:
            return self._cipher(applied).protect(apdu, answers=self._id)
        except ValueError as missing:
            raise fault(ErrorKind.SECURITY, str(missing)) from None

    @property
    def overhead(self) -> int:
        """Octets that general-ciphering adds at most."""
        suite = self._keys.suite
        key = max(suite.key_size + 8, 4 * suite.coordinate_size if suite.has_public_keys else 0)
        return _HEADER + _KEY_INFO + key + HEAD_SIZE + TAG_SIZE

    @property
    def signing_overhead(self) -> int:
        """Octets that general-signing adds; 0 if the request was not signed."""
        return 0 if self._signer is None else _HEADER + 2 + 2 * self._keys.suite.coordinate_size

    def _cipher(self, applied: Security) -> GeneralCipher:
        keys = self._keys
        cipher = GeneralCipher(
            self._title,
            self._client_title,
            SecurityPolicy(keys.suite, applied, keys.required),
            self._unicast,
            scheme=self._scheme,
            material=KeyMaterial(
                master_key=keys.master_key,
                own_agreement=keys.agreement,
                peer_agreement=keys.client_agreement,
                own_signing=keys.signing,
                peer_signing=keys.client_signing,
            ),
        )
        cipher.transactions = keys.transactions
        return cipher


def _scheme(info: KeyInfo | None) -> KeyScheme:
    match info:
        case WrappedKey():
            return KeyScheme.WRAPPED
        case AgreedKey(key_parameters=parameters):
            return KeyScheme.ONE_PASS if parameters == ONE_PASS else KeyScheme.STATIC
        case _:
            return KeyScheme.IDENTIFIED
