"""Runs in a process of its own: gurux-dlms does the jobs that come as JSON, one a line."""

from __future__ import annotations

import contextlib
import io
import json
import sys

from gurux_dlms import GXByteBuffer, GXDLMSChippering
from gurux_dlms.AesGcmParameter import AesGcmParameter
from gurux_dlms.ecdsa.GXEcdsa import GXEcdsa
from gurux_dlms.ecdsa.GXPrivateKey import GXPrivateKey
from gurux_dlms.enums import Authentication, Security
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.secure import GXDLMSSecureClient


def parameters(job):
    made = AesGcmParameter(job.get("tag", 0), unhex(job, "title"), unhex(job, "ek"), unhex(job, "ak"))
    made.security = Security(job.get("control", 0) & 0x30)
    made.securitySuite = SecuritySuite(job.get("control", 0) & 0x0F)
    made.invocationCounter = job.get("counter", 0)
    return made


def unhex(job, name):
    return bytes.fromhex(job[name])


def protect(job):
    return GXDLMSChippering.encryptAesGcm(parameters(job), unhex(job, "plain"))


def unprotect(job):
    return GXDLMSChippering.decryptAesGcm(None, parameters(job), GXByteBuffer(unhex(job, "octets")))


def client(job):
    made = GXDLMSSecureClient(True, 16, 1, Authentication(job["mechanism"]), unhex(job, "secret") or None)
    made.ciphering.systemTitle = unhex(job, "title")
    made.ciphering.blockCipherKey = unhex(job, "ek")
    made.ciphering.authenticationKey = unhex(job, "ak")
    made.ciphering.invocationCounter = job["counter"]
    made.settings.sourceSystemTitle = unhex(job, "peer_title")
    made.settings.ctoSChallenge = unhex(job, "ctos")
    made.settings.stoCChallenge = unhex(job, "stoc")
    if job["mechanism"] == 7:
        own = GXPrivateKey.fromRawBytes(unhex(job, "private"))
        peer = GXPrivateKey.fromRawBytes(unhex(job, "peer_private"))
        made.ciphering.signingKeyPair = (peer.getPublicKey(), own)
    return made


def prove(job):
    """The HDLC frame with the ACTION that carries f(StoC)."""
    return b"".join(client(job).getApplicationAssociationRequest())


def check(job):
    """Nothing if it takes f(CtoS)."""
    proof = unhex(job, "proof")
    client(job).parseApplicationAssociationResponse(GXByteBuffer(bytes((9, len(proof))) + proof))
    return b""


def wrap(job):
    return GXDLMSSecureClient.encrypt(unhex(job, "kek"), unhex(job, "key"))


def sign(job):
    return GXEcdsa(GXPrivateKey.fromRawBytes(unhex(job, "private"))).sign(unhex(job, "plain"))


def verify(job):
    key = GXPrivateKey.fromRawBytes(unhex(job, "private")).getPublicKey()
    return bytes((GXEcdsa(key).verify(unhex(job, "signature"), unhex(job, "plain")),))


def do(line):
    job = json.loads(line)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return bytes(globals()[job["do"]](job)).hex()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


print(json.dumps([do(line) for line in sys.stdin.read().splitlines()]))
