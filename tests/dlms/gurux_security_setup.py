"""Runs in a process of its own: gurux-dlms asks a Security setup for one thing after another, by WRAPPER."""

import contextlib
import io
import json
import sys

from gurux_dlms.enums import Authentication, InterfaceType, Security
from gurux_dlms.objects import GXDLMSSecuritySetup
from gurux_dlms.objects.enums import CertificateEntity, CertificateType, GlobalKeyType
from gurux_dlms.secure import GXDLMSSecureClient

job = json.loads(sys.stdin.read())
octets = {name: bytes.fromhex(value) for name, value in job.items() if isinstance(value, str)}


def made(ask):
    client = GXDLMSSecureClient(True, 1, 1, Authentication.NONE, None, InterfaceType.WRAPPER)
    client.ciphering.security = Security.NONE
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return b"".join(bytes(frame) for frame in ask(GXDLMSSecuritySetup(), client)).hex()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


def transfer(setup, client):
    pairs = [
        (GlobalKeyType.UNICAST_ENCRYPTION, octets["encryption"]),
        (GlobalKeyType.AUTHENTICATION, octets["authentication"]),
    ]
    return setup.globalKeyTransfer(client, octets["master"], pairs)


SIGNING = CertificateType.DIGITAL_SIGNATURE
print(
    json.dumps(
        {
            "transfer": made(transfer),
            "generate": made(lambda setup, client: setup.generateKeyPair(client, SIGNING)),
            "request": made(lambda setup, client: setup.generateCertificate(client, SIGNING)),
            "export_by_entity": made(
                lambda setup, client: setup.exportCertificateByEntity(
                    client, CertificateEntity.SERVER, SIGNING, octets["title"]
                )
            ),
            "export_by_serial": made(
                lambda setup, client: setup.exportCertificateBySerial(client, job["serial"], octets["issuer"])
            ),
        }
    )
)
