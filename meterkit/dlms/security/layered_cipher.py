"""A cipher whose services go by general-ciphering, in general-signing, or both, and come back so.

    service  ->  general-ciphering (DD), or glo- and ded- as a plain cipher  ->  general-signing (DF)
    AARQ, AARE, RLRQ, RLRE and the Initiate in them as a plain cipher has them

What comes back otherwise is refused, whatever key it is by: which layers there are is configuration.  A
signature on P-384 takes a quarter of a millisecond and its verification half of one, in the event loop: a
thread would cost a fifth of that for each message.
Source: Green Book 9.2, 9.5.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu.tags import ApduTag, apdu_name
from meterkit.dlms.security.cipher import Cipher
from meterkit.dlms.security.general_cipher import GeneralCipher, KeyMaterial, KeyScheme
from meterkit.dlms.security.general_signer import GeneralSigner
from meterkit.errors import ErrorKind, fault

_PLAIN_CIPHERS: Final = frozenset(
    (
        *(ApduTag.AARQ, ApduTag.AARE, ApduTag.RLRQ, ApduTag.RLRE),
        *(ApduTag.INITIATE_REQUEST, ApduTag.INITIATE_RESPONSE),
        *(ApduTag.GLO_INITIATE_REQUEST, ApduTag.GLO_INITIATE_RESPONSE),
    )
)
_REFUSALS: Final = frozenset((ApduTag.EXCEPTION_RESPONSE, ApduTag.CONFIRMED_SERVICE_ERROR))


class LayeredCipher(Cipher):
    """Both directions of one association with general-ciphering, general-signing or both.

    The layers are put on once the other end's title is known; until then it is a plain cipher.
    """

    _general: GeneralCipher | None = None
    _signer: GeneralSigner | None = None

    def put_on(self, scheme: KeyScheme | None, material: KeyMaterial, *, signs: bool) -> None:
        """Protect services so from now on: `scheme` is that of general-ciphering, None for none of it.

        Errors: `ProtocolFault` SECURITY the other end's title is not known.
        Raises: ValueError for keys that are missing, or of another curve.
        """
        peer = self.peer_title
        if peer is None or self.unicast.counters is None:
            raise fault(ErrorKind.SECURITY, "the other end's system title is not known")
        if scheme is not None:
            self._general = GeneralCipher(
                self.title, peer, self.policy, self.unicast, scheme=scheme, material=material
            )
            # A key made anew says nothing of replays, and the ids of pushes are not kept: answers only.
            self._general.transactions.takes_unasked = scheme is KeyScheme.IDENTIFIED
        if signs:
            if material.own_signing is None or material.peer_signing is None:
                raise ValueError("general-signing needs our signing key and the other end's")
            self._signer = GeneralSigner(
                self.policy.suite,
                self.title,
                peer,
                material.own_signing,
                material.peer_signing,
                self.unicast.counters,
            )

    @property
    def overhead(self) -> int:
        """Octets, at most, that `protect` makes an APDU of up to 64 KiB longer."""
        inner = super().overhead if self._general is None else self._general.overhead
        return inner if self._signer is None else inner + self._signer.overhead

    def protect(self, apdu: bytes) -> bytes:
        """Return `apdu` with its layers; see `Cipher.protect`."""
        if apdu[:1] and apdu[0] in _PLAIN_CIPHERS:
            return super().protect(apdu)
        octets = super().protect(apdu) if self._general is None else self._general.protect(apdu)
        if self._signer is None:
            return octets
        self._signer.counters = self.unicast.counters or self._signer.counters  # others, if keys changed
        return self._signer.protect(octets)

    def unprotect(self, octets: bytes) -> bytes:
        """Return the APDU in `octets`, all layers verified; see `Cipher.unprotect`.

        Errors: besides those, `ProtocolFault` SECURITY a layer is missing, or one came that nobody asked for.
        """
        tag = octets[0] if octets else 0
        if tag in _PLAIN_CIPHERS:
            return super().unprotect(octets)
        if self._signer is not None:
            if self._is_plain_refusal(octets):
                return octets
            octets = self._signer.unprotect(octets)
        elif tag == ApduTag.GENERAL_SIGNING:
            raise fault(ErrorKind.SECURITY, f"{apdu_name(octets)} came, general_signing was not asked for")
        if self._general is None:
            return super().unprotect(octets)
        return octets if self._is_plain_refusal(octets) else self._general.unprotect(octets)

    def _is_plain_refusal(self, octets: bytes) -> bool:
        return self.policy.accepts_plain_refusals and octets[:1] != b"" and octets[0] in _REFUSALS
