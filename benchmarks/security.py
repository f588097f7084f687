"""An APDU of 200 octets ciphered and deciphered, a proof by GMAC, and a counter reserved.

The floors: one AESGCM object, its tag cut to 12 octets; a bare pyca Cipher/GCM with such a tag; for counters
a number from a list.  Ours do the envelope, policy, counters and checks besides; so do the peers, as far as
they have them: gurux-dlms computes AES in Python, dlms-cosem makes its cipher anew for every APDU.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time

from cryptography.hazmat.primitives.ciphers import Cipher as PycaCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.harness import Job, main

SIZE = 200  # octets
TIMES = 5000
EK, AK = bytes(range(16)), bytes(range(0xD0, 0xE0))
CLIENT, METER = b"CLIENT01", b"SERVER01"
PLAIN = b"\xc4\x01\xc1\x00\x09\x81\xc2" + bytes(SIZE - 7)
CONTROL = 0x30
CHALLENGE = bytes(range(16))


def spent(function: Callable[[], object], times: int) -> float:
    """Return microseconds of CPU a call."""
    begin = process_time()
    for _ in range(times):
        function()
    return (process_time() - begin) * 1e6 / times


def pair():
    """Return our cipher of the meter and that of the client."""
    from meterkit.dlms.security import (
        Cipher,
        CounterBlock,
        KeyInUse,
        KeyKind,
        ProtectionKey,
        Security,
        SecurityPolicy,
        SecuritySuite,
    )

    suite, both = SecuritySuite.SUITE_0, Security.AUTHENTICATION_ENCRYPTION

    def end(title: bytes, peer: bytes) -> Cipher:
        key = ProtectionKey(suite, EK, AK)
        in_use = KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, key, CounterBlock(1, 1 << 31))
        return Cipher(title, SecurityPolicy(suite, both, both), in_use, peer_title=peer)

    return end(METER, CLIENT), end(CLIENT, METER)


# ---------------------------------------------------------------- ours
def our_protect() -> float:
    meter, _ = pair()
    return spent(lambda: meter.protect(PLAIN), TIMES)


def our_unprotect() -> float:
    meter, client = pair()
    answers = iter([meter.protect(PLAIN) for _ in range(TIMES)])
    return spent(lambda: client.unprotect(next(answers)), TIMES)


def our_proof() -> float:
    from meterkit.dlms.acse.apdus import AuthenticationMechanism
    from meterkit.dlms.security import HighLevelSecurity, ProtectionKey, SecuritySuite

    end = HighLevelSecurity(
        mechanism=AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC,
        own_challenge=bytes(16),
        peer_challenge=CHALLENGE,
        own_title=CLIENT,
        peer_title=METER,
        key=ProtectionKey(SecuritySuite.SUITE_0, EK, AK),
    )
    return spent(lambda: end.prove(7), TIMES)


def our_reservations() -> float:
    """Return microseconds of wall time, for what matters is the disk."""
    from meterkit.dlms.secured.counter_store import SqliteCounterStore
    from meterkit.dlms.security import CounterName

    with tempfile.TemporaryDirectory() as folder:
        store = SqliteCounterStore(Path(folder) / "counters.db")
        name = CounterName(METER, CLIENT)
        begin = perf_counter()
        for _ in range(4 * TIMES):
            store.reserve(name, 1).take()
        took = perf_counter() - begin
        store.close()
    return took * 1e6 / (4 * TIMES)


# ---------------------------------------------------------------- floors
def floor_protect() -> float:
    gcm, nonce, aad = AESGCM(EK), METER + bytes(4), bytes((CONTROL,)) + AK
    return spent(lambda: gcm.encrypt(nonce, PLAIN, aad)[:-4], TIMES)


def floor_unprotect() -> float:
    key, nonce, aad = algorithms.AES(EK), METER + bytes(4), bytes((CONTROL,)) + AK
    octets = AESGCM(EK).encrypt(nonce, PLAIN, aad)[:-4]

    def decrypt() -> bytes:
        opener = PycaCipher(key, modes.GCM(nonce, octets[-12:], 12)).decryptor()
        opener.authenticate_additional_data(aad)
        return opener.update(octets[:-12]) + opener.finalize()

    return spent(decrypt, TIMES)


def floor_proof() -> float:
    gcm, nonce, aad = AESGCM(EK), CLIENT + bytes(4), b"\x10" + AK + CHALLENGE
    return spent(lambda: gcm.encrypt(nonce, b"", aad)[:12], TIMES)


def floor_reservations() -> float:
    numbers = itertools.count()
    begin = perf_counter()
    for _ in range(4 * TIMES):
        next(numbers)
    return (perf_counter() - begin) * 1e6 / (4 * TIMES)


# ---------------------------------------------------------------- peers
def gurux_parameters(title: bytes):
    from gurux_dlms.AesGcmParameter import AesGcmParameter
    from gurux_dlms.enums import Security
    from gurux_dlms.objects.enums import SecuritySuite

    made = AesGcmParameter(0xCC, title, EK, AK)
    made.security, made.securitySuite = Security.AUTHENTICATION_ENCRYPTION, SecuritySuite.SUITE_0
    made.invocationCounter = 1
    return made


def gurux_protect() -> float:
    from gurux_dlms import GXDLMSChippering

    return spent(lambda: GXDLMSChippering.encryptAesGcm(gurux_parameters(METER), PLAIN), TIMES // 100)


def gurux_unprotect() -> float:
    from gurux_dlms import GXByteBuffer, GXDLMSChippering

    octets = GXDLMSChippering.encryptAesGcm(gurux_parameters(METER), PLAIN)

    def decrypt() -> bytes:
        return GXDLMSChippering.decryptAesGcm(None, gurux_parameters(METER), GXByteBuffer(octets))

    with contextlib.redirect_stdout(io.StringIO()):  # it prints at every APDU
        return spent(decrypt, TIMES // 100)


def gurux_proof() -> float:
    from gurux_dlms.enums import Authentication
    from gurux_dlms.GXSecure import GXSecure
    from gurux_dlms.secure import GXDLMSSecureClient

    client = GXDLMSSecureClient(True, 16, 1, Authentication.HIGH_GMAC, None)
    client.ciphering.blockCipherKey, client.ciphering.authenticationKey = EK, AK

    def prove() -> bytes:
        return GXSecure.secure(client.settings, client.ciphering, 7, CHALLENGE, CLIENT)

    return spent(prove, TIMES // 100)


def dlms_cosem_parts():
    from dlms_cosem.security import SecurityControlField

    return SecurityControlField(0, authenticated=True, encrypted=True), METER, 1, EK


def dlms_cosem_protect() -> float:
    from dlms_cosem import security

    parts = dlms_cosem_parts()
    return spent(lambda: security.encrypt(*parts, PLAIN, AK), TIMES)


def dlms_cosem_unprotect() -> float:
    from dlms_cosem import security

    parts = dlms_cosem_parts()
    octets = security.encrypt(*parts, PLAIN, AK)
    return spent(lambda: security.decrypt(*parts, octets, AK), TIMES)


def dlms_cosem_proof() -> float:
    from dlms_cosem import security

    control = security.SecurityControlField(0, authenticated=True)
    return spent(lambda: security.gmac(control, CLIENT, 7, EK, AK, CHALLENGE), TIMES)


def jobs() -> Iterator[dict[str, object]]:
    yield Job(
        f"protect {SIZE} octets, suite 0",
        "us CPU",
        ours=our_protect,
        floor=floor_protect,
        peers={"gurux-dlms": gurux_protect, "dlms-cosem": dlms_cosem_protect},
    ).run()
    yield Job(
        f"unprotect {SIZE} octets, suite 0",
        "us CPU",
        ours=our_unprotect,
        floor=floor_unprotect,
        peers={"gurux-dlms": gurux_unprotect, "dlms-cosem": dlms_cosem_unprotect},
    ).run()
    yield Job(
        "proof by GMAC",
        "us CPU",
        ours=our_proof,
        floor=floor_proof,
        peers={"gurux-dlms": gurux_proof, "dlms-cosem": dlms_cosem_proof},
    ).run()
    yield Job(
        "counter reserved, synchronous file, blocks of 1000",
        "us wall time a counter",
        ours=our_reservations,
        floor=floor_reservations,
    ).run()


if __name__ == "__main__":
    main(jobs, __doc__)
