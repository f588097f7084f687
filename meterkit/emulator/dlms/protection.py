"""The ciphering of one association, the meter's side: requests are opened, answers are sealed in kind.

    C8 30 ... glo-get-request       ->  CC 30 ... glo-get-response
    D0 10 ... ded-get-request       ->  D4 10 ... ded-get-response
    DB title 20 ...                 ->  DB title 20 ... general-glo-ciphering; DD, DF by `general_protection`

Refusals of whole APDUs (D8, 0E) go in clear, as meters send them.  Here are the switches for attacks, too.
Source: Green Book 9.2.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

from meterkit.dlms.apdu.errors import ServiceError
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.security import (
    Cipher,
    Envelope,
    KeyInUse,
    Security,
    SecurityPolicy,
    dedicated_key,
)
from meterkit.dlms.security.control import PROTECTION
from meterkit.dlms.security.headers import GENERAL, IS_DEDICATED, PLAIN, GeneralCiphered, unwrap, wrap
from meterkit.emulator.dlms.client_security import ClientSecurity
from meterkit.emulator.dlms.general_protection import GeneralProtection
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.terms import refusal
from meterkit.errors import ErrorKind, ProtocolFault, fault

_REFUSALS: Final = frozenset((ApduTag.EXCEPTION_RESPONSE, ApduTag.CONFIRMED_SERVICE_ERROR))
_SIGNED: Final = bytes((ApduTag.GENERAL_SIGNING,))
_INITIATES: Final = (bytes((ApduTag.GLO_INITIATE_REQUEST,)), bytes((ApduTag.INITIATE_REQUEST,)))
#: What only general protection, once granted, lets through.
OF_GENERAL_PROTECTION: Final = GENERAL | {ApduTag.GENERAL_CIPHERING, ApduTag.GENERAL_SIGNING}
_CUT: Final = 4  # octets; of DlmsQuirk.CUT_TAG
_WRONG: Final = {
    DlmsQuirk.AUTHENTICATED_ONLY_ANSWERS: Security.AUTHENTICATION,
    DlmsQuirk.ENCRYPTED_ONLY_ANSWERS: Security.ENCRYPTION,
    DlmsQuirk.PLAIN_ANSWERS: Security.NONE,
}


class Protection:
    """Opens what the client with `client_title` sends, and seals what it gets.

    Raises: ValueError for titles that are none or equal.
    """

    def __init__(
        self,
        keys: ClientSecurity,
        unicast: KeyInUse,
        title: bytes,
        client_title: bytes,
        quirks: AbstractSet[DlmsQuirk],
    ) -> None:
        self.keys = keys
        self._unicast, self._title, self._client_title = unicast, title, client_title
        self._quirks = quirks
        self._dedicated: KeyInUse | None = None
        self._came = Security.NONE  # how the last request was protected, and the answer to it will be
        self._is_dedicated = False
        self._envelope = Envelope.SERVICE
        self._general = GeneralProtection(keys, unicast, title, client_title)
        self._is_general_ciphering = False
        self._ciphers: dict[tuple[Security, Security, Envelope, bool], Cipher] = {}
        self._before = b""  # the answer before, sealed; of DlmsQuirk.REPLAYED_ANSWERS
        self._cipher(keys.required)  # titles are checked

    def use_dedicated_key(self, octets: bytes) -> None:
        """Take the dedicated key of an InitiateRequest.  Raises: ValueError for another size."""
        self._dedicated = dedicated_key(octets, self._unicast)

    @property
    def overhead(self) -> int:
        """Octets that sealing adds to the answer under way."""
        ciphered = self._general.overhead if self._is_general_ciphering else self._cipher(self._came).overhead
        return ciphered + self._general.signing_overhead

    @property
    def most_overhead(self) -> int:
        """Octets that sealing may add to any answer."""
        return self._cipher(Security.AUTHENTICATION_ENCRYPTION, Envelope.GENERAL).overhead

    @property
    def is_required(self) -> bool:
        """Whether nothing is taken in clear."""
        return self.keys.required is not Security.NONE

    def open(self, octets: bytes) -> bytes:
        """Return the APDU that a request protects, verified; a plain one if the policy allows it.

        Errors: `StaleCounter`; `ProtocolFault`.
        """
        self._came, self._is_dedicated, self._envelope = Security.NONE, False, Envelope.SERVICE
        self._is_general_ciphering = False
        self._general.begin()
        if octets[:1] == _SIGNED:
            octets = self._general.signed_content(octets)
        tag = octets[0] if octets else 0
        if tag == ApduTag.GENERAL_CIPHERING:
            plain, self._came = self._general.open(octets)
            self._is_general_ciphering = True
            self._check_layers(octets)
            return plain
        self._check_layers(octets)
        if tag in PLAIN or tag in GENERAL:
            content = unwrap(octets) if tag in PLAIN else GeneralCiphered.decode(octets).content
            self._came = Security(content[0] & PROTECTION) if content else Security.NONE
            self._is_dedicated = tag in IS_DEDICATED
            self._envelope = Envelope.GENERAL if tag in GENERAL else Envelope.SERVICE
        return self._cipher(self._came).unprotect(octets)

    def _check_layers(self, octets: bytes) -> None:
        """Make sure that a service came in the layers demanded.  Errors: `ProtocolFault` SECURITY."""
        keys, general = self.keys, self._general
        if octets[:1] in _INITIATES:
            return
        scheme = general.scheme if self._is_general_ciphering else None
        if keys.key_scheme not in (None, scheme):
            raise fault(ErrorKind.SECURITY, "general-ciphering in another way expected")
        if keys.demands_signatures and not general.is_signed:
            raise fault(ErrorKind.SECURITY, "a signature expected, none came")

    def seal(self, apdu: bytes) -> bytes:
        """Return an answer as the request came."""
        if not apdu or apdu[0] in _REFUSALS:
            return apdu
        try:
            sealed = apdu if self._came is Security.NONE else self._seal(apdu)
            return sealed if DlmsQuirk.UNSIGNED_ANSWERS in self._quirks else self._general.sign(sealed)
        except ProtocolFault:  # no key for the tag, or no counter left
            return refusal(service=ServiceError.OTHER_REASON)

    def _seal(self, apdu: bytes) -> bytes:
        if DlmsQuirk.REPLAYED_ANSWERS in self._quirks and self._before:
            return self._before
        applied = self._came
        if self._quirks:
            applied = next((wrong for quirk, wrong in _WRONG.items() if quirk in self._quirks), applied)
        if applied is Security.NONE:
            return apdu
        if self._is_general_ciphering and DlmsQuirk.GLO_ANSWERS not in self._quirks:
            sealed = self._general.seal(apdu, applied)
        else:
            sealed = self._cipher(applied).protect(apdu)
            if DlmsQuirk.CUT_TAG in self._quirks:
                sealed = _without_tag_end(sealed)
        self._before = sealed
        return sealed

    def seal_initiate(self, apdu: bytes) -> bytes:
        """Return the InitiateResponse of an AARE or RLRE as the request's came."""
        return apdu if self._came is Security.NONE else self._cipher(self._came).protect(apdu)

    def _cipher(self, applied: Security, envelope: Envelope | None = None) -> Cipher:
        """Return a cipher that protects as told; they share keys and counters, and are kept."""
        keys, dedicated = self.keys, self._dedicated if self._is_dedicated else None
        kind = applied, keys.required, envelope or self._envelope, dedicated is None
        cipher = self._ciphers.get(kind)
        if cipher is None:
            cipher = self._ciphers[kind] = Cipher(
                self._title,
                SecurityPolicy(keys.suite, applied, keys.required),
                self._unicast,
                peer_title=self._client_title,
                dedicated=dedicated,
                envelope=envelope or self._envelope,
            )
        cipher.broadcast = keys.broadcast
        return cipher


def _without_tag_end(sealed: bytes) -> bytes:
    """Return an APDU whose tag lacks its last octets; the lengths fit."""
    if sealed[0] in GENERAL:
        whole = GeneralCiphered.decode(sealed)
        return GeneralCiphered(whole.system_title, whole.content[:-_CUT], whole.is_dedicated).encode()
    return wrap(sealed[0], unwrap(sealed)[:-_CUT])
