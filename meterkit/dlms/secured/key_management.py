"""Keys and policy through Security setup, as calls on the client.

    transfer_keys      { key_id, new key, wrapped } ...           ->   answered by the old keys, or by the new
    agree_keys         { key_id, our ephemeral key, signed } ...  ->   { key_id, the meter's, signed } ...
    activate_security  the policy: only ever to more

A change of keys is asked once, and never again by itself.  Where its answer is lost, nobody knows which keys
the meter has: the next connect tries both.  No message, repr or log shows a key.
Source: Blue Book, class 64, methods 1 to 3; Green Book 9.2 (key transfer, key agreement).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, TypeVar

from anyio import to_thread

from meterkit.dlms.agreement import NegotiatedAssociation
from meterkit.dlms.cosem import security_setup as cosem
from meterkit.dlms.refusals import ResultRefusal
from meterkit.dlms.secured.certificate_calls import DEFAULT_SETUP, CertificateCalls, SecuritySetupName
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.secured.security_setup_reading import (
    CertificateEntry,
    SecuritySetupReading,
    demanded,
    policy_for,
    policy_of,
    policy_words,
)
from meterkit.dlms.security import KeyKind, Security, SecuritySuite
from meterkit.dlms.security.key_agreement import (
    derive_key,
    generate_key,
    open_ephemeral,
    shared_secret,
    signed_ephemeral,
)
from meterkit.dlms.security.keys import PrivateKey, private_key_of, public_key_of, wrap_key
from meterkit.dlms.security.policy import check_titles
from meterkit.dlms.security.suites import check_key
from meterkit.dlms.session import DlmsSession
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.options import DlmsClientOptions
from meterkit.result import Err, Ok, Result

T = TypeVar("T")
_UNICAST, _AUTHENTICATION = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION


@dataclass(frozen=True, slots=True)
class AgreedKeys:
    """The keys that both ends made.  Keep them: nobody else has them.  The repr shows none."""

    keys: Mapping[KeyKind, bytes] = field(repr=False)

    def __getitem__(self, kind: KeyKind) -> bytes:
        return self.keys[kind]


@dataclass(frozen=True, slots=True, repr=False)
class _KeysInUse:
    """Encryption and authentication key.  Its repr shows neither."""

    encryption: bytes
    authentication: bytes | None


class KeyManagement(CertificateCalls):
    """Keys, policy and certificates of one meter; `DlmsClient` is one."""

    options: DlmsClientOptions
    _session: DlmsSession
    _keys_used: _KeysInUse | None = None  # since `use_keys` in `_keys_used_in`; None: those of the options
    _keys_used_in: NegotiatedAssociation | None = None

    # ---------------------------------------------------------------- keys
    async def use_keys(
        self, *, encryption_key: bytes | None = None, authentication_key: bytes | None = None
    ) -> Result[None]:
        """Go on with keys that the meter has just taken (global unicast); the others stay as they are.

        The answer to a key transfer still goes by the former keys, so call this once it is here;
        `transfer_keys` and `agree_keys` do.  Later connections of this client use the new keys, and try the
        former ones where the meter has those.

        Errors: STATE not connected; SECURITY no invocation counters for the new key.
        Raises: ValueError for keys of another size than the suite's, or without keys in use.
        """
        known = self._known_keys
        changed = await self._session.change_keys(encryption_key, authentication_key)
        if changed.is_success:
            self._keys_used_in = self._session.negotiated
            self._keys_used = None
            if known is not None:
                self._keys_used = _KeysInUse(
                    encryption_key or known.encryption, authentication_key or known.authentication
                )
        return changed

    async def transfer_keys(
        self,
        keys: Mapping[KeyKind, bytes],
        *,
        master_key: bytes,
        security_setup: SecuritySetupName = DEFAULT_SETUP,
    ) -> Result[None]:
        """Give the meter new keys, wrapped by the master key (RFC 3394), and go on with them.

        `keys`: unicast and broadcast encryption key, authentication key, master key; all in one request, of
        which meters take all or none.  Answers by the former keys and by the new ones are both taken
        meanwhile, so other tasks may read on; what they send after the answer, and before this returns, the
        meter may refuse.  What it pushes by a new broadcast key is understood from then on.

        Errors: REFUSED the meter's action-result: nothing was changed; after a TIMEOUT, a refusal of the
        whole request (nobody vouches for that) or any other error the meter may have the old keys or the new,
        and the message says which.  The next `connect` of this client tries both; a `KeyVault` in
        `options.keys` has any client try both.  As `DlmsClient.action`.
        Raises: ValueError for keys that aren't transferred, or of another size than the suite's.
        """
        parameters = _wrapped(self.options.suite, keys, master_key)
        announced = await self._announce(keys)
        if isinstance(announced, Err):
            return announced
        answer = await self.call(cosem.SecuritySetup(security_setup).global_key_transfer, parameters)
        if isinstance(answer, Err):
            return Err(self._told(answer.error, keys, are_both_tried=announced.value))
        return await self._take_over(keys)

    async def agree_keys(
        self,
        kinds: Iterable[KeyKind] = (_UNICAST,),
        *,
        signing_key: bytes | None = None,
        server_signing_key: bytes | None = None,
        security_setup: SecuritySetupName = DEFAULT_SETUP,
    ) -> Result[AgreedKeys]:
        """Make new keys together with the meter, so that none travels, and go on with them.  Suites 1 and 2.

        `signing_key` is our private key, `server_signing_key` the meter's public one (x | y): both ephemeral
        keys are signed.  By default those of the options.

        Errors: SECURITY the meter's part is not signed by it; REFUSED the meter's action-result: nothing was
        changed.  After any other error, a refusal of the whole request among them (nobody vouches for that),
        the meter may have keys that nobody else can know, and the message says so; as `action`.
        Raises: ValueError without signing keys, in suite 0, for keys that are not agreed upon.
        """
        wanted = tuple(kinds)
        agreement = _Agreement.of(self.options, wanted, signing_key, server_signing_key)
        told = await self.get(cosem.SecuritySetupV1(security_setup).server_system_title)
        if isinstance(told, Err):
            return told
        try:
            title = check_titles(agreement.title, told.value, self.options.server_system_title)
        except ProtocolFault as other:
            return Err(other.error)
        offers = await to_thread.run_sync(agreement.offers)
        answer = await self.call(cosem.SecuritySetupV1(security_setup).key_agreement, offers)
        if isinstance(answer, Err):
            return Err(_lost_agreement(answer.error))
        try:
            keys = await to_thread.run_sync(partial(agreement.derived, title, answer.value))
        except ProtocolFault as odd:
            return Err(_lost_agreement(odd.error))
        taken = await self._take_over(keys)
        return taken if isinstance(taken, Err) else Ok(AgreedKeys(keys))

    # ---------------------------------------------------------------- policy
    async def activate_security(
        self,
        policy: Security | cosem.SecurityPolicy | cosem.SecurityPolicyV0,
        *,
        version: Literal[0, 1] = 1,
        security_setup: SecuritySetupName = DEFAULT_SETUP,
    ) -> Result[None]:
        """Have the meter demand more of every message, for good: no client can take it back.

        `version` is that of the meter's class, as the association view tells it, for a `Security`.

        Errors: REFUSED the policy in force is no weaker; as `DlmsClient.action`.
        Raises: ValueError for more than this client itself puts on its messages: it would be locked out.
        """
        if isinstance(policy, Security):
            policy = policy_for(policy, version)
        if not self.options.security.covers(demanded(policy)):
            raise ValueError(
                f"a meter that demands {policy_words(policy)} would take nothing more from this client, "
                f"which sends with {self.options.security.words}: connect with more first"
            )
        if isinstance(policy, cosem.SecurityPolicyV0):
            return await self.call(cosem.SecuritySetup(security_setup).security_activate, policy)
        return await self.call(cosem.SecuritySetupV1(security_setup).security_activate, policy)

    async def read_security_setup(
        self, security_setup: SecuritySetupName = DEFAULT_SETUP
    ) -> Result[SecuritySetupReading]:
        """Read policy, suite, titles and the list of certificates.

        What the meter refuses is None, but policy and suite.  Errors: as `DlmsClient.get`.
        """
        setup = cosem.SecuritySetupV1(security_setup)
        policy = await self.get(setup.security_policy)
        if isinstance(policy, Err):
            return policy
        suite = await self.get(setup.security_suite)
        if isinstance(suite, Err):
            return suite
        client_title = _unless_refused(await self.get(setup.client_system_title))
        server_title = _unless_refused(await self.get(setup.server_system_title))
        listed = _unless_refused(await self.get(setup.certificates))
        if isinstance(client_title, Err):
            return client_title
        if isinstance(server_title, Err):
            return server_title
        if isinstance(listed, Err):
            return listed
        return Ok(
            SecuritySetupReading(
                setup.obis,
                policy_of(int(policy.value)),
                int(suite.value),
                client_title.value,
                server_title.value,
                None if listed.value is None else tuple(map(CertificateEntry.of, listed.value)),
            )
        )

    # ---------------------------------------------------------------- which keys are in use
    @property
    def _known_keys(self) -> _KeysInUse | None:
        """The keys in use, if there are any and it is certain which: where others are tried, it is not."""
        options, association = self.options, self._session.negotiated
        if self._keys_used_in is not None:
            return self._keys_used if self._keys_used_in is association else None
        others = (options.keys, options.other_encryption_key, options.other_authentication_key)
        if options.encryption_key is None or any(one is not None for one in others):
            return None
        return _KeysInUse(options.encryption_key, options.authentication_key)

    async def _announce(self, keys: Mapping[KeyKind, bytes]) -> Result[bool]:
        """Let old and new keys be tried from now on, on this association and on the next connect.

        False where there is nothing to try.
        """
        if not self.options.counts_messages or not _is_of_association(keys):
            return Ok(False)
        expected = await self._session.expect_keys(keys.get(_UNICAST), keys.get(_AUTHENTICATION))
        return expected if isinstance(expected, Err) else Ok(True)

    async def _take_over(self, keys: Mapping[KeyKind, bytes]) -> Result[None]:
        if not self.options.counts_messages:
            return Ok(None)
        if _is_of_association(keys):
            taken = await self.use_keys(
                encryption_key=keys.get(_UNICAST), authentication_key=keys.get(_AUTHENTICATION)
            )
            if isinstance(taken, Err):
                return taken
        broadcast = keys.get(KeyKind.GLOBAL_BROADCAST_ENCRYPTION)
        return Ok(None) if broadcast is None else await self._session.change_broadcast_key(broadcast)

    def _told(self, error: MeterError, keys: Mapping[KeyKind, bytes], *, are_both_tried: bool) -> MeterError:
        """Return the error of a transfer with what is known of the meter's keys since."""
        if _is_nothing_done(error):
            return error
        known = self._known_keys
        old = {} if known is None else {_UNICAST: known.encryption, _AUTHENTICATION: known.authentication}
        told = ", ".join(_old_or_new(kind, old.get(kind), key) for kind, key in keys.items())
        tried = "; the next connect tries both" if are_both_tried else ""
        return replace(error, message=f"{error.message}. The meter may have {told}{tried}")


@dataclass(frozen=True, slots=True)
class _Agreement:
    """Our end of a key agreement.  Its repr shows no key."""

    suite: SecuritySuite
    title: bytes  #: ours
    signing: PrivateKey = field(repr=False)
    peer_signing: bytes = field(repr=False)
    ephemerals: Mapping[KeyKind, PrivateKey] = field(repr=False)

    @classmethod
    def of(
        cls,
        options: DlmsClientOptions,
        kinds: tuple[KeyKind, ...],
        signing_key: bytes | None,
        server_signing_key: bytes | None,
    ) -> _Agreement:
        """Raises: ValueError for what makes an agreement impossible."""
        suite, title = options.suite, options.system_title
        own, peer = signing_key or options.signing_key, server_signing_key or options.server_signing_key
        if not suite.has_public_keys:
            raise ValueError("suite 0 has no key agreement: transfer_keys wraps keys by the master key")
        if title is None or own is None or peer is None:
            raise ValueError("a key agreement needs system_title, signing_key and server_signing_key")
        if not kinds or len(set(kinds)) != len(kinds):
            raise ValueError("one or more kinds of keys expected, each once")
        for kind in kinds:
            _ = kind.key_id  # ValueError for one that is never agreed upon
        try:
            public_key_of(suite, peer)
        except ProtocolFault as odd:
            raise ValueError(f"server_signing_key: {odd.error.message}") from None
        ephemerals = {kind: generate_key(suite) for kind in kinds}
        return cls(suite, title, private_key_of(suite, own), peer, ephemerals)

    def offers(self) -> tuple[cosem.KeyAgreementData, ...]:
        """Return our ephemeral keys, signed."""
        return tuple(
            cosem.KeyAgreementData(
                key_id=cosem.KeyId(kind.key_id),
                key_data=signed_ephemeral(self.suite, ephemeral, self.signing, bytes((kind.key_id,))),
            )
            for kind, ephemeral in self.ephemerals.items()
        )

    def derived(
        self, server_title: bytes, answers: tuple[cosem.KeyAgreementData, ...]
    ) -> dict[KeyKind, bytes]:
        """Return the new keys.  Errors: `ProtocolFault` SECURITY the meter's part isn't signed by it."""
        expected, came = [kind.key_id for kind in self.ephemerals], [int(one.key_id) for one in answers]
        if came != expected:
            raise fault(ErrorKind.SECURITY, f"keys with the ids {expected} expected, {came} came")
        peer_signing = public_key_of(self.suite, self.peer_signing)
        keys: dict[KeyKind, bytes] = {}
        for (kind, ephemeral), answer in zip(self.ephemerals.items(), answers, strict=True):
            peer = open_ephemeral(self.suite, answer.key_data, peer_signing, bytes((kind.key_id,)))
            shared = shared_secret(self.suite, ephemeral, peer)
            keys[kind] = derive_key(self.suite, shared, self.title, server_title)
        return keys


def _wrapped(
    suite: SecuritySuite, keys: Mapping[KeyKind, bytes], master_key: bytes
) -> tuple[cosem.KeyData, ...]:
    """Raises: ValueError for keys that can't be transferred; no message shows one."""
    if not keys:
        raise ValueError("one or more keys expected")
    check_key(suite, "master_key", master_key)
    return tuple(
        cosem.KeyData(
            key_id=cosem.KeyId(kind.key_id),
            key_wrapped=wrap_key(suite, master_key, check_key(suite, kind.words, key)),
        )
        for kind, key in keys.items()
    )


def _is_of_association(keys: Mapping[KeyKind, bytes]) -> bool:
    """Whether there is one among them that associations are ciphered with."""
    return _UNICAST in keys or _AUTHENTICATION in keys


def _old_or_new(kind: KeyKind, old: bytes | None, new: bytes) -> str:
    former = "the old" if old is None else f"the old {fingerprint(old)}"
    return f"the {kind.words} {fingerprint(new)}, or {former}"


def _is_nothing_done(error: MeterError) -> bool:
    """Whether it is certain that the meter changed nothing: its result says so, or nothing was sent.

    DM in place of an answer is a STATE too, but after the request, and ends the session.
    """
    is_unsent = error.kind is ErrorKind.STATE and not error.has_ended_session
    return is_unsent or isinstance(error, ResultRefusal)


def _lost_agreement(error: MeterError) -> MeterError:
    if _is_nothing_done(error):
        return error
    told = (
        "The meter may have made its new keys already, which nobody else can know then: if it takes the old "
        "ones no longer, transfer new ones by the master key, as another client or on the spot"
    )
    return replace(error, message=f"{error.message}. {told}")


def _unless_refused(answer: Result[T]) -> Result[T | None]:
    return Ok(None) if isinstance(answer, Err) and answer.error.kind is ErrorKind.REFUSED else answer
