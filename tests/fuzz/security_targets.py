"""Fuzz targets of security: envelopes, certificates.  What is no genuine APDU never gets through."""

from __future__ import annotations

import warnings
from base64 import b64encode

from cryptography.utils import CryptographyDeprecationWarning

from meterkit.dlms.deciphering import CaptureKeys, Deciphering
from meterkit.dlms.secured.key_provider import EVERY_METER, MemoryKeys
from meterkit.dlms.security import Certificate, Cipher, GeneralCipher, KeyKind, KeyMaterial, KeyScheme
from meterkit.dlms.security.certificate_pem import from_pem, to_pem
from meterkit.dlms.security.certificate_requests import CertificateRequest
from meterkit.dlms.security.general_headers import (
    ONE_PASS,
    STATIC_UNIFIED,
    AgreedKey,
    GeneralCiphering,
    GeneralHeader,
    GeneralSigning,
    KeyInfo,
    WrappedKey,
)
from meterkit.dlms.security.headers import GeneralCiphered, sender_of, unwrap
from meterkit.dlms.security.keys import private_key_of, public_key_of, wrap_key
from meterkit.dlms.translate import translate
from tests.dlms.security.material import (
    AK,
    ANSWER,
    BOTH,
    CLIENT,
    EK,
    METER,
    SUITE_0,
    SUITE_1,
    in_use,
    key,
    pair,
    parameter,
    policy,
)
from tests.dlms.vectors import octets_of
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


# ---------------------------------------------------------------- keys that travel or are agreed on
_EPHEMERAL, _SIGNED = "ecdsa-p256-onepass-epk-client", "ecdsa-p256-ephemeral-key-signature-client"
_OWN = private_key_of(SUITE_1, parameter(_SIGNED, "private"))
_TOLD = parameter(_EPHEMERAL, "data") + octets_of(_EPHEMERAL)  # the ephemeral key, and its signature by _OWN
MATERIAL = KeyMaterial(
    master_key=EK,
    own_agreement=_OWN,
    peer_agreement=public_key_of(SUITE_1, parameter(_EPHEMERAL, "data")),
    peer_signing=_OWN.public_key(),
)
INFO: dict[KeyScheme, KeyInfo] = {
    KeyScheme.WRAPPED: WrappedKey(wrap_key(SUITE_1, EK, AK)),
    KeyScheme.ONE_PASS: AgreedKey(ONE_PASS, _TOLD),
    KeyScheme.STATIC: AgreedKey(STATIC_UNIFIED),
}
SCHEMES = tuple(INFO)


def _receiving(scheme: KeyScheme) -> GeneralCipher:
    its_key = in_use(of=key(SUITE_1))
    return GeneralCipher(CLIENT, METER, policy(suite=SUITE_1), its_key, scheme=scheme, material=MATERIAL)


def _sealed_by(scheme: KeyScheme) -> bytes:
    """Return what a meter sealed, the same at each run: so nothing in it is drawn."""
    header = GeneralHeader(transaction_id=bytes(7) + b"\1", originator=METER, recipient=CLIENT)
    its_key = _receiving(scheme)._key_of(INFO[scheme], METER, header)
    content = its_key.protect(0x31, METER, 1, ANSWER, header.encode())
    return GeneralCiphering(header, INFO[scheme], content).encode()


GENUINE_KEYS = tuple(bytes((at,)) + _sealed_by(scheme) for at, scheme in enumerate(SCHEMES))


@target(also=GENUINE_KEYS)
def security_key_schemes(octets: bytes) -> None:
    """The first octet tells which way to say the key is demanded; see `security_general_unprotect`."""
    scheme = SCHEMES[octets[0] % len(SCHEMES)] if octets else KeyScheme.WRAPPED
    plain = tried(_receiving(scheme).unprotect, octets[1:])
    assert plain in (None, ANSWER), "something else got through"
    assert plain or octets not in GENUINE_KEYS, "what is genuine did not get through"


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


# ---------------------------------------------------------------- certificates
# Made once with the private key of the Green Book's example (`_OWN`), for its own public key.
CERTIFICATE = bytes.fromhex(
    "308201493081efa003020102020107300a06082a8648ce3d040302301c311a301806035504030c116d6574657273206f6620"
    "6e6f7768657265301e170d3236303533313030303030305a170d3237303533313030303030305a301b311930170603550403"
    "0c10344434443444303030304243363134453059301306072a8648ce3d020106082a8648ce3d03010703420004baaffde06a"
    "8cb1c9dae8d94023c601dbbb249254ba22edd827e820bca2bcc64362fbb83d86a82b87bb8b7161d2aab5521911a946b97a28"
    "4a90f7785cd9047d25a3233021300f0603551d130101ff040530030101ff300e0603551d0f0101ff04040302028c300a0608"
    "2a8648ce3d0403020349003046022100980c0b0b6b680df5d7ac7ed688c76648cafd8e9a29c4ee4666df6a0c4c6de4810221"
    "00ea0490fdead62d08dd43ef194afcbf35102470cfbbde4b4b875a7f519668509f"
)
CERTIFICATE_REQUEST = bytes.fromhex(
    "3081d5307d020100301b3119301706035504030c10344434443444303030304243363134453059301306072a8648ce3d0201"
    "06082a8648ce3d03010703420004baaffde06a8cb1c9dae8d94023c601dbbb249254ba22edd827e820bca2bcc64362fbb83d"
    "86a82b87bb8b7161d2aab5521911a946b97a284a90f7785cd9047d25a000300a06082a8648ce3d0403020348003045022100"
    "86f81fe5a89006bcf4dcacd0597702c18a60299ce60528f32a7f43cf9354536d02201f3d528b2cc5399cd89735e5d241398a"
    "cf048b900956448e64ceb920456e65f1"
)
BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"


@target(CERTIFICATE, CERTIFICATE_REQUEST, BEGIN + b64encode(CERTIFICATE) + END, BEGIN + b"AAAA" + END)
def certificates(octets: bytes) -> None:
    with warnings.catch_warnings():  # what a later cryptography will refuse is no concern here
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        _certificates(octets)


def _certificates(octets: bytes) -> None:
    certificate = tried(Certificate.decode, octets)
    if certificate is not None:
        repr(certificate)
        assert Certificate.decode(from_pem(to_pem(certificate).encode())) == certificate
        tried(certificate.check_issuer, certificate)
    request = tried(CertificateRequest.decode, octets)
    if request is not None:
        repr(request)
        assert CertificateRequest.decode(request.octets) == request
        assert request.pem
    for content in (octets, BEGIN + b64encode(octets) + END):
        tried(from_pem, content)
