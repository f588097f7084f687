"""Passes 3 and 4 of high level security as requests and answers, with logical names and with short ones.

    logical   ACTION 15/0-0:40.0.0/1 f(StoC)                    ->    <-  action-response, f(CtoS)
    short     Read parameterised FA58, selector 0, f(StoC)      ->    <-  read-response, f(CtoS)

FA58 is reply_to_HLS_authentication, method 8 of the association at FA00.  A Write would do for our own proof,
but nothing comes back of it, and a meter that proves nothing is none.
Source: Green Book 9.2; Blue Book, classes 12 and 15; IEC 62056-53, Read (parameterised access).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from anyio import to_thread

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionResponseNormal
from meterkit.dlms.apdu.descriptors import MethodDescriptor
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.apdu.short_name import ParameterisedAccess, ReadRequest, ReadResponse, ReadResult
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.refusals import exception, unexpected
from meterkit.dlms.security import HighLevelSecurity
from meterkit.dlms.security.certificates import CertificateType
from meterkit.dlms.security.cipher import Cipher
from meterkit.dlms.security.keys import private_key_of
from meterkit.dlms.security.peer_keys import peer_key
from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.options import DlmsClientOptions

_REPLY: Final = MethodDescriptor(15, ObisCode.parse("0-0:40.0.0.255"), 1)
_REPLY_NAME: Final = 0xFA58
_NO_SELECTOR: Final = 0


def high_level_security(
    options: DlmsClientOptions,
    cipher: Cipher | None,
    secret: bytes | None,
    challenges: tuple[bytes, bytes],
    title: bytes,
) -> HighLevelSecurity:
    """Return our end of the proofs; `challenges` are ours and the meter's, `title` is the meter's.

    Errors: `ProtocolFault` SECURITY a challenge that can't be answered, or the meter's key can't be believed.
    """
    suite = options.suite
    signing, peer = options.signing_key, options.server_signing_key
    is_ecdsa = options.authentication is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
    return HighLevelSecurity(
        mechanism=options.authentication,
        own_challenge=challenges[0],
        peer_challenge=challenges[1],
        own_title=options.system_title or b"",
        peer_title=title,
        secret=secret,
        key=None if cipher is None else cipher.unicast.key,
        suite=suite,
        signing_key=private_key_of(suite, signing) if is_ecdsa and signing else None,
        peer_key=peer_key(suite, peer, CertificateType.DIGITAL_SIGNATURE) if is_ecdsa and peer else None,
    )


async def prove(proof: HighLevelSecurity, counter: int | None) -> bytes:
    """Return our proof, as `HighLevelSecurity.prove`; a signature is made in a thread."""
    if _is_slow(proof):
        return await to_thread.run_sync(partial(proof.prove, counter))
    return proof.prove(counter)


async def check_proof(proof: HighLevelSecurity, returned: bytes) -> None:
    """Make sure that the meter's proof is right; a signature in a thread.

    Errors: as `HighLevelSecurity.check`.
    """
    if _is_slow(proof):
        await to_thread.run_sync(proof.check, returned)
    else:
        proof.check(returned)


def _is_slow(proof: HighLevelSecurity) -> bool:
    return proof.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA


def proof_request(proof: bytes, invoke: int, granted: Conformance | None, *, is_short: bool) -> bytes:
    """Return the request that carries our proof.

    Errors: `ProtocolFault` SECURITY the services granted have no place for it.
    """
    parameters = axdr.encode_octet_string(proof)
    if not is_short:
        return ActionRequestNormal(invoke, _REPLY, parameters).encode()
    needed = Conformance.READ | Conformance.PARAMETERIZED_ACCESS
    if granted is not None and granted & needed != needed:
        raise fault(
            ErrorKind.SECURITY,
            "the meter grants no parameterised access, by which both ends prove themselves with short names",
        )
    return ReadRequest((ParameterisedAccess(_REPLY_NAME, _NO_SELECTOR, parameters),)).encode()


def proof_in(octets: bytes, *, is_short: bool) -> bytes:
    """Return f(CtoS) as the meter's answer carries it.

    Errors: `ProtocolFault` SECURITY it refuses our proof, or gives none of its own.
    """
    refused = exception(octets)
    if refused is not None:
        raise ProtocolFault(replace(refused, kind=ErrorKind.SECURITY))
    answer = decode_apdu(octets, strict=False)
    if is_short:
        if not isinstance(answer, ReadResponse) or len(answer.results) != 1:
            raise ProtocolFault(unexpected(octets, "a read-response with 1 result"))
        return _value(_read(answer.results[0]))
    if not isinstance(answer, ActionResponseNormal):
        raise ProtocolFault(unexpected(octets, "an action-response"))
    if answer.result is not ActionResult.SUCCESS:
        raise _not_taken(answer.result)
    returned = answer.return_value
    if returned is None or isinstance(returned, DataAccessResult):
        raise _none_came("nothing" if returned is None else returned.words)
    return _value(returned)


def _read(result: ReadResult) -> bytes:
    if isinstance(result, bytes):
        return result
    if isinstance(result, DataAccessResult):
        raise _not_taken(result)
    raise _none_came("a block")


def _value(data: bytes) -> bytes:
    value = axdr.decode_prefix(data)[0]
    if not isinstance(value, bytes):
        raise _none_came("another type of data")
    return value


def _not_taken(result: ActionResult | DataAccessResult) -> ProtocolFault:
    return fault(
        ErrorKind.SECURITY,
        f"the meter does not take our proof: {result.words}; wrong key or secret?",
        code=int(result),
    )


def _none_came(told: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, f"the meter's own proof expected, {told} came")
