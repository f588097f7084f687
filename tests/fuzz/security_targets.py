"""Fuzz targets of security: envelopes, certificates.  What is no genuine APDU never gets through."""

from __future__ import annotations

from meterkit.dlms.deciphering import CaptureKeys, Deciphering
from meterkit.dlms.secured.key_provider import EVERY_METER, MemoryKeys
from meterkit.dlms.security import Certificate, Cipher, GeneralCipher, KeyKind
from meterkit.dlms.security.certificate_pem import from_pem
from meterkit.dlms.security.certificate_requests import CertificateRequest
from meterkit.dlms.security.general_headers import GeneralCiphering, GeneralSigning
from meterkit.dlms.security.headers import GeneralCiphered, sender_of, unwrap
from meterkit.dlms.translate import translate
from tests.dlms.security.material import (
    AK,
    ANSWER,
    BOTH,
    CLIENT,
    EK,
    METER,
    SUITE_0,
    in_use,
    key,
    pair,
    policy,
)
from tests.fuzz import corpus
from tests.fuzz.target import target, tried

CIPHERED = corpus.dlms("glo", "general-glo", "general-ciphering")
KINDS = (KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION)
KEYS = CaptureKeys.of(
    MemoryKeys({(EVERY_METER, kind): of for kind, of in zip(KINDS, (EK, AK), strict=True)}), "any"
)


def _sealed() -> tuple[list[bytes], list[bytes]]:
    """Return what a meter sealed, by its association's key and by itself."""
    _, meter = pair()
    general = GeneralCipher(METER, CLIENT, policy(), in_use())
    return [meter.protect(ANSWER) for _ in range(3)], [general.protect(ANSWER) for _ in range(3)]


SEALED, SEALED_GENERALLY = _sealed()


def _opened(octets: bytes) -> bytes | None:
    cipher = Cipher(CLIENT, policy(BOTH, suite=SUITE_0), in_use(of=key(SUITE_0)), peer_title=METER)
    plain: bytes | None = tried(cipher.unprotect, octets)
    return plain


#: What the meter sealed, and what the Green Book's example did with the same title and keys.
GENUINE = frozenset(one for octets in (*SEALED, *CIPHERED) if (one := _opened(octets)) is not None)
OPEN = (b"\x60", b"\x61", b"\x62", b"\x63", b"\xd8", b"\x0e")  # ACSE and refusals come as they are


@target(also=CIPHERED + SEALED + SEALED_GENERALLY)
def security_headers(octets: bytes) -> None:
    tried(unwrap, octets)
    tried(sender_of, octets)
    for kind in (GeneralCiphered, GeneralCiphering, GeneralSigning):
        found = tried(kind.decode, octets)
        if found is not None:
            repr(found)
            assert kind.decode(found.encode()) == found


@target(also=CIPHERED + SEALED)
def security_unprotect(octets: bytes) -> None:
    """Authenticated encryption demanded: what comes through was sealed with the key, octet for octet."""
    plain = _opened(octets)
    assert plain is None or plain in GENUINE or octets[:1] in OPEN, "something else got through"


@target(also=CIPHERED + SEALED_GENERALLY)
def security_general_unprotect(octets: bytes) -> None:
    cipher = GeneralCipher(CLIENT, METER, policy(), in_use())
    plain = tried(cipher.unprotect, octets)
    assert plain in (None, ANSWER), "something else got through"


@target(also=CIPHERED + SEALED + SEALED_GENERALLY)
def security_deciphering(octets: bytes) -> None:
    for node in Deciphering(KEYS, [METER, CLIENT]).nodes(translate(octets)):
        for one in node.walk():
            str(one.meaning)


@target(
    bytes.fromhex("3082010a3081b1a003020102"),
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
)
def certificates(octets: bytes) -> None:
    tried(Certificate.decode, octets)
    tried(CertificateRequest.decode, octets)
    tried(from_pem, octets)
