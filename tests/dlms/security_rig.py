"""A secured client and an emulated meter joined in memory; keys are the Green Book's examples."""

from contextlib import asynccontextmanager

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretBytes

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.secured.counter_store import MemoryCounterStore
from meterkit.dlms.security import Security, SecuritySuite
from meterkit.dlms.security.keys import public_key_octets
from meterkit.emulator.dlms.configuration import Clearance, ClientConfiguration
from meterkit.emulator.dlms.security_configuration import SecurityConfiguration
from meterkit.options import DlmsClientOptions
from tests.dlms.rig import line, meter

TITLE = b"MKC\x00\x00\x00\x00\x07"  # the client's
METER_TITLE = b"MKT\x00\x01\x35\x28\x81"  # the emulated meter's
SAP = 1
SECRET = b"a shared secret"  # 15 octets: mechanism 2 takes 16 at most
BOTH = Security.AUTHENTICATION_ENCRYPTION
NONE = AuthenticationMechanism.NONE
LLS = AuthenticationMechanism.LOW_LEVEL_SECURITY
HLS2 = AuthenticationMechanism.HIGH_LEVEL_SECURITY
MD5 = AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5
SHA1 = AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1
GMAC = AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
SHA256 = AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256
ECDSA = AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
COUNTER_OBJECT = "0.0.43.1.0.255"

ENERGY = (3, "1-0:1.8.0", 2)
NOTE = (1, "0-0:96.13.0", 2)

_AUTHENTICATIONS = {NONE: "none", LLS: "low"} | {
    mechanism: f"hls{int(mechanism)}" for mechanism in (HLS2, MD5, SHA1, GMAC, SHA256, ECDSA)
}
_POLICIES = {
    Security.NONE: "none",
    Security.AUTHENTICATION: "authentication",
    Security.ENCRYPTION: "encryption",
    BOTH: "authentication_encryption",
}


def keys(suite=0, salt=0):
    """Encryption key and authentication key of a suite."""
    size = SecuritySuite(suite).key_size
    return bytes(range(salt, salt + size)), bytes(range(0xC0 + salt, 0xC0 + salt + size))


def key_pair(suite, number):
    """Private and public octets of a signing key."""
    suite = SecuritySuite(suite)
    private = number.to_bytes(suite.coordinate_size, "big")
    return private, public_key_octets(ec.derive_private_key(number, suite.curve))


def secured_meter(mechanism=GMAC, security=BOTH, suite=0, *, key_set=None, of_client=None, **configuration):
    """Return a meter whose client 1 is secured, and whose public client reads the invocation counter."""
    encryption_key, authentication_key = key_set or keys(suite)
    secured = {
        "suite": suite,
        "policy": _POLICIES[security],
        "encryption_key": SecretBytes(encryption_key),
        "authentication_key": SecretBytes(authentication_key),
    }
    if mechanism is ECDSA:
        secured |= {
            "signing_key": SecretBytes(key_pair(suite, 4711)[0]),
            "client_signing_key": key_pair(suite, 815)[1],
        }
    password = None if mechanism in (NONE, GMAC, ECDSA) else SecretBytes(SECRET)
    clients = (
        ClientConfiguration(sap=16, clearance=Clearance.READER),
        ClientConfiguration(
            sap=SAP,
            authentication=_AUTHENTICATIONS[mechanism],
            password=password,
            clearance=Clearance.MANAGER,
            security=SecurityConfiguration(**secured | (of_client or {})),
        ),
    )
    return meter(clients=clients, **configuration)


def secured_options(emulator, mechanism=GMAC, security=BOTH, suite=0, *, key_set=None, **changes):
    """Return options that fit `secured_meter`."""
    encryption_key, authentication_key = key_set or keys(suite)
    chosen = {
        "client_address": SAP,
        "interface": "wrapper" if emulator.configuration.interface == "wrapper" else "hdlc",
        "authentication": mechanism,
        "security": security,
        "suite": suite,
        "system_title": TITLE,
        "encryption_key": encryption_key,
        "authentication_key": authentication_key,
        "counters": MemoryCounterStore(),
    }
    if mechanism not in (NONE, GMAC, ECDSA):
        chosen["password"] = SECRET
    if mechanism is ECDSA:
        chosen |= {
            "signing_key": key_pair(suite, 815)[0],
            "server_signing_key": key_pair(suite, 4711)[1],
        }
    return DlmsClientOptions(**chosen | changes)


@asynccontextmanager
async def secured(emulator, *terms, wire=None, **changes):
    """Yield a client, not yet connected, and its line."""
    wire = wire or line(emulator)
    async with DlmsClient(wire, secured_options(emulator, *terms, **changes)) as client:
        yield client, wire


def apdus(wire):
    """What was sent over WRAPPER: APDUs."""
    return [octets[8:] for _, octets in wire.log]
