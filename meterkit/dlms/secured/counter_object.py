"""The object with a meter's count of one client's messages, which the public client may read.

    GET 1/0.0.43.1.0.255/2   ->  06 0000002A     the last counter it took: the next has to be higher

Nothing vouches for what it says, so it may raise our own count, and never lower it.
Source: Green Book 9.2 (invocation counter); which object it is differs by client, so the user tells.
"""

from __future__ import annotations

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.apdu import Apdu, decode_apdu
from meterkit.dlms.apdu.descriptors import AttributeDescriptor
from meterkit.dlms.apdu.get import GetRequestNormal, GetResponseNormal
from meterkit.dlms.apdu.results import DataAccessResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.refusals import refused, unexpected
from meterkit.dlms.security import Security
from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.options import DlmsClientOptions

_DATA, _VALUE = 1, 2  # class, attribute
_KEYS = (
    "encryption_key",
    "authentication_key",
    "broadcast_key",
    "master_key",
    "other_encryption_key",
    "other_authentication_key",
    "signing_key",
    "server_signing_key",
    "agreement_key",
    "server_agreement_key",
)


def public_options(options: DlmsClientOptions) -> DlmsClientOptions:
    """Return the options of the client that reads the counter: the same line, and no secret."""
    plain = {
        "client_address": options.counter_client_address,
        "authentication": AuthenticationMechanism.NONE,
        "security": Security.NONE,
        "envelope": "service",
        "dedicated_key": False,
        "counter_object": None,
        "conformance": None,
        "password": None,
        "keys": None,
        "general_signing": False,
        **dict.fromkeys(_KEYS),
    }
    return options.model_copy(update=plain)


def counter_request(options: DlmsClientOptions, invoke: int) -> Apdu:
    """Return the GET of the counter."""
    obis = ObisCode.parse(options.counter_object or "")
    return GetRequestNormal(invoke, AttributeDescriptor(_DATA, obis, _VALUE))


def counter_in(octets: bytes) -> int:
    """Return the counter in the meter's answer.

    Errors: `ProtocolFault` REFUSED the meter's data-access-result; DECODE, PROTOCOL no such number.
    """
    response = decode_apdu(octets, strict=False)
    if not isinstance(response, GetResponseNormal):
        raise ProtocolFault(unexpected(octets, "a get-response"))
    if isinstance(response.result, DataAccessResult):
        raise ProtocolFault(refused(response.result))
    value = axdr.decode_prefix(response.result)[0]
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise fault(ErrorKind.DECODE, f"a number expected, {type(value).__name__} came")
    return value
