"""Security setup and the invocation counter of one client.

    security_policy   bits of version 1: 04 and 08 authenticated and encrypted requests, 20 and 40 answers
    key_transfer      array of structure { key_id, key_wrapped }      wrapped by the master key
    key_agreement     array of structure { key_id, key_data }         ephemeral public key and its signature

Source: Blue Book, Security setup (class 64, version 1), Data (class 1), 0-b:43.1.e; general knowledge.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from meterkit.codec import axdr
from meterkit.dlms.apdu.descriptors import ActionResult
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security import KeyKind, Security, SecuritySuite
from meterkit.dlms.security.control import AUTHENTICATED, ENCRYPTED
from meterkit.dlms.security.key_agreement import (
    derive_key,
    generate_key,
    open_ephemeral,
    shared_secret,
    signed_ephemeral,
)
from meterkit.dlms.security.keys import PrivateKey, PublicKey, unwrap_key
from meterkit.emulator.dlms.certificate_store import CertificateStore
from meterkit.emulator.dlms.client_security import ClientSecurity
from meterkit.emulator.dlms.cosem_object import (
    ActionRefused,
    Attribute,
    CosemObject,
    Method,
    fixed,
    plain,
    type_unmatched,
)
from meterkit.errors import ProtocolFault

_AUTHENTICATED = 0x04 | 0x20  # security_policy: requests and answers
_ENCRYPTED = 0x08 | 0x40
_DATA, _SECURITY_SETUP = 1, 64  # classes


def security_setup_name(instance: int) -> ObisCode:
    """Return the logical name of a Security setup."""
    return ObisCode(0, 0, 43, 0, instance)


def counter_name(instance: int) -> ObisCode:
    """Return the logical name of the invocation counter that goes with it."""
    return ObisCode(0, 0, 43, 1, instance)


def invocation_counter(keys: ClientSecurity) -> CosemObject:
    """Return the object that tells which counter was received last; everybody may read it."""
    return CosemObject(
        _DATA,
        0,
        counter_name(keys.instance),
        {2: Attribute(lambda: axdr.encode_double_long_unsigned(keys.received))},
    )


class SecuritySetup:
    """One client's Security setup: what is in force, and how it is changed.

    `takes_keys` is asked at every change of keys; what it declines is answered as if it had been done.
    """

    def __init__(
        self, keys: ClientSecurity, now: Callable[[], datetime], takes_keys: Callable[[], bool]
    ) -> None:
        self._keys, self._takes_keys = keys, takes_keys
        certificates = CertificateStore(keys, now)
        self.object = CosemObject(
            _SECURITY_SETUP,
            1,
            security_setup_name(keys.instance),
            {
                2: Attribute(lambda: axdr.encode_enum(_policy(keys.required))),
                3: fixed(axdr.encode_enum(keys.suite)),
                4: Attribute(lambda: axdr.encode_octet_string(keys.last_client_title)),
                5: fixed(axdr.encode_octet_string(keys.title)),
                6: Attribute(certificates.listed),
            },
            {
                1: Method(self._activate),
                2: Method(self._transfer),
                3: Method(self._agree),
                **certificates.methods,
            },
        )

    def _activate(self, octets: bytes | None) -> None:
        """security_activate: a policy that is stronger than the one in force."""
        wanted = plain(octets or b"")
        if not isinstance(wanted, int):
            raise type_unmatched()
        security = _security(wanted)
        keys = self._keys
        has_keys = keys.unicast is not None and (
            keys.has_authentication_key or not security.covers(Security.AUTHENTICATION)
        )
        if not security.covers(keys.required) or not (has_keys or security is Security.NONE):
            raise ActionRefused(ActionResult.READ_WRITE_DENIED)
        keys.strengthen(security)

    def _transfer(self, octets: bytes | None) -> None:
        """key_transfer: all of the keys or none."""
        keys = self._keys
        if keys.master_key is None:
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        opened: list[tuple[KeyKind, bytes]] = []
        for kind, wrapped in _pairs(octets):
            try:
                opened.append((kind, unwrap_key(keys.suite, keys.master_key, wrapped)))
            except ProtocolFault:
                raise ActionRefused(ActionResult.READ_WRITE_DENIED) from None
        self._change(opened)

    def _change(self, changed: list[tuple[KeyKind, bytes]]) -> None:
        if self._takes_keys():
            for kind, key in changed:
                self._keys.change(kind, key)

    def _agree(self, octets: bytes | None) -> bytes:
        """key_agreement: answer each ephemeral key with one, and derive the new key from both."""
        keys = self._keys
        if keys.suite is SecuritySuite.SUITE_0 or keys.signing is None or keys.client_signing is None:
            raise ActionRefused(ActionResult.OBJECT_UNAVAILABLE)
        answers: list[bytes] = []
        agreed: list[tuple[KeyKind, bytes]] = []
        for kind, told in _pairs(octets):
            try:
                answer, key = self._agreed(kind, told, keys.signing, keys.client_signing)
            except ProtocolFault:
                raise ActionRefused(ActionResult.READ_WRITE_DENIED) from None
            agreed.append((kind, key))
            answers.append(
                axdr.encode_structure([axdr.encode_enum(kind.key_id), axdr.encode_octet_string(answer)])
            )
        self._change(agreed)
        return axdr.encode_array(answers)

    def _agreed(
        self, kind: KeyKind, told: bytes, signing: PrivateKey, client_signing: PublicKey
    ) -> tuple[bytes, bytes]:
        """Return the meter's ephemeral key, signed, and the key that both ends have then."""
        keys, prefix = self._keys, bytes((kind.key_id,))
        peer = open_ephemeral(keys.suite, told, client_signing, prefix)
        ephemeral = generate_key(keys.suite)
        shared = shared_secret(keys.suite, ephemeral, peer)
        key = derive_key(keys.suite, shared, keys.last_client_title, keys.title)
        return signed_ephemeral(keys.suite, ephemeral, signing, prefix), key


def _policy(security: Security) -> int:
    return (_AUTHENTICATED if security.value & AUTHENTICATED else 0) | (
        _ENCRYPTED if security.value & ENCRYPTED else 0
    )


def _security(policy: int) -> Security:
    """Return what a security_policy demands; signatures are none of this meter's."""
    for security in Security:
        if _policy(security) == policy:
            return security
    raise ActionRefused(ActionResult.OTHER_REASON)


def _pairs(octets: bytes | None) -> list[tuple[KeyKind, bytes]]:
    """Return key kinds with their octets.  Errors: AttributeRefused, ActionRefused."""
    told = plain(octets or b"")
    if not isinstance(told, list) or not told:
        raise type_unmatched()
    pairs: list[tuple[KeyKind, bytes]] = []
    for one in told:
        match one:
            case (int(key_id), bytes(contents)):
                kind = KeyKind.of_key_id(key_id)
            case _:
                raise type_unmatched()
        if kind is None:
            raise ActionRefused(ActionResult.OBJECT_UNDEFINED)
        pairs.append((kind, contents))
    return pairs
