"""The client's side of a secured association: ciphered AARQ, the meter's title, both proofs, counters.

    AARQ  title, CtoS, glo-initiate-request   ->
          <-   AARE  title, StoC, glo-initiate-response      verified before it is believed
    ACTION 15/0.0.40.0.0.255 method 1, f(StoC)   ->
          <-   f(CtoS)                                       only now there is an association

Where the meter tells the counter it expects (D8 01 06), it is followed once; where it doesn't understand the
keys and there are others, those are tried.  Source: Green Book 9.2.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from functools import partial
from typing import Final

from anyio import to_thread

from meterkit.codec import axdr
from meterkit.dlms.acse.apdus import Aare, Aarq, ApplicationContext, AuthenticationMechanism, Rlre, Rlrq
from meterkit.dlms.agreement import NegotiatedAssociation, check_terms
from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.action import ActionRequestNormal, ActionResponseNormal
from meterkit.dlms.apdu.descriptors import MethodDescriptor
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.apdu.results import ActionResult, DataAccessResult
from meterkit.dlms.association import Association
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.refusals import exception, expected_counter, unexpected
from meterkit.dlms.secured.counter_supply import CounterSupply, default_store, note_quietly
from meterkit.dlms.secured.link import CipheredLink
from meterkit.dlms.security import (
    Cipher,
    Envelope,
    HighLevelSecurity,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    SecurityPolicy,
    dedicated_key,
    new_challenge,
)
from meterkit.dlms.security.keys import private_key_of, public_key_of
from meterkit.dlms.security.policy import check_titles
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.options import DlmsClientOptions
from meterkit.session.exchange import Exchange

HLS: Final = AuthenticationMechanism.HIGH_LEVEL_SECURITY
_REPLY: Final = MethodDescriptor(15, ObisCode.parse("0-0:40.0.0.255"), 1)
_WHERE: Final = "reply_to_HLS_authentication"
_WITH_SECRET: Final = frozenset(
    (
        HLS,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256,
    )
)
_WITH_TITLE: Final = frozenset(
    (
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA,
    )
)
_CIPHERED: Final = {
    ApplicationContext.LOGICAL_NAME: ApplicationContext.LOGICAL_NAME_CIPHERED,
    ApplicationContext.SHORT_NAME: ApplicationContext.SHORT_NAME_CIPHERED,
}
_service = logging.getLogger("meterkit.service")


class SecureAssociation:
    """Keys, counters and proofs of one client, from one association to the next.

    `link` is None where nothing is ciphered, and only the authentication is by challenge.
    """

    def __init__(self, options: DlmsClientOptions, link: CipheredLink | None) -> None:
        self.options = options
        self.link = link
        self.cipher: Cipher | None = None
        self._keys = _key_pairs(options)
        self._supply: CounterSupply | None = None
        self._may_try_others = False  # the other keys
        self._can_follow = False  # the counter that the meter tells: once
        self._told: int | None = None  # the counter that the meter says it expects
        self._secret: bytes | None = None
        self._challenge = b""
        self._dedicated: bytes | None = None
        self._offer: InitiateRequest | None = None
        self._proof: HighLevelSecurity | None = None
        if link is not None:
            link.running_low = self._top_up

    # ---------------------------------------------------------------- before the line is open
    def arm(self, password: bytes | None) -> None:
        """Begin anew, with this password or secret in place of that of the options.

        Raises: ValueError where the mechanism needs one and there is none, or it is too long.
        """
        self._secret = self.options.password if password is None else password
        self._may_try_others, self._can_follow = len(self._keys) > 1, True
        mechanism = self.options.authentication
        if mechanism in _WITH_SECRET and not self._secret:
            raise ValueError(f"{mechanism.name} needs a password, the secret shared with the meter")
        if mechanism is HLS and self._secret is not None and len(self._secret) > 16:
            raise ValueError(f"the secret of {mechanism.name} has at most 16 octets")

    async def follow(self, last: int) -> None:
        """Go on above `last`, the counter that the meter says it saw last.  Errors: SECURITY."""
        await self._supply_of(self._keys[0]).raise_to(last + 1)

    # ---------------------------------------------------------------- AARQ and AARE
    async def begin(self, offer: InitiateRequest, request: Aarq) -> tuple[InitiateRequest, Aarq]:
        """Return offer and AARQ as they go out secured.  Errors: `ProtocolFault` SECURITY no counters."""
        options = self.options
        self._proof = None
        self._told = None
        self.cipher = await self._new_cipher()
        if self.link is not None:
            self.link.use(self.cipher)
        if options.envelope == "general":
            offer = replace(offer, conformance=offer.conformance | Conformance.GENERAL_PROTECTION)
        self._offer = offer
        if options.authentication >= HLS:
            self._challenge = new_challenge(options.challenge_length)
            request = replace(request, authentication_value=self._challenge)
        request = replace(request, calling_ap_title=options.system_title, user_information=offer.encode())
        if self.link is None or self.cipher is None:
            return offer, request
        self._dedicated = secrets.token_bytes(options.suite.key_size) if options.dedicated_key else None
        initiate = replace(offer, dedicated_key=self._dedicated)
        context = request.application_context
        if isinstance(context, ApplicationContext):
            request = replace(request, application_context=_CIPHERED[context])
        return offer, replace(request, user_information=self.cipher.protect(initiate.encode()))

    async def _new_cipher(self) -> Cipher | None:
        options, keys = self.options, self._keys[0]
        if not options.counts_messages or options.system_title is None or keys is None:
            return None
        supply = self._supply_of(keys)
        key = _protection_key(options, keys)
        broadcast = options.broadcast_key
        return Cipher(
            options.system_title,
            SecurityPolicy(options.suite, options.security, options.security),
            KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, key, await supply.prepare()),
            peer_title=options.server_system_title,
            broadcast=None
            if broadcast is None
            else KeyInUse(KeyKind.GLOBAL_BROADCAST_ENCRYPTION, key.with_encryption_key(broadcast)),
        )

    def _supply_of(self, keys: tuple[bytes, bytes | None] | None) -> CounterSupply:
        if keys is None or self.options.system_title is None:
            raise fault(ErrorKind.SECURITY, "there is no encryption key, and so no invocation counter")
        if self._supply is None:
            store = self.options.counters or default_store()
            self._supply = CounterSupply(store, keys[0], self.options.system_title)
        return self._supply

    async def accept(self, request: Aarq, answer: Aare) -> Aare:
        """Return an accepting AARE with its user-information verified, in clear.

        Errors: `ProtocolFault` SECURITY another context, mechanism or title, a challenge that can't be
        answered, no protection or the wrong one.
        """
        check_terms(request, answer)
        title = await self._meet(answer.responding_ap_title)
        if self.options.authentication >= HLS:
            self._proof = self._high_level_security(answer.authentication_value, title)
        if self.link is None or self.cipher is None:
            return answer
        if answer.user_information is None:
            raise fault(
                ErrorKind.SECURITY,
                f"an initiate-response with {self.options.security.words} expected, the AARE has none",
            )
        return replace(answer, user_information=self.cipher.unprotect(answer.user_information))

    async def _meet(self, title: bytes | None) -> bytes:
        """Return the meter's title, if it may be believed, and remember what came from it before."""
        options, cipher = self.options, self.cipher
        if cipher is not None and self._supply is not None:
            cipher.meet(title)
            met = cipher.peer_title or b""
            cipher.unicast.received = await self._supply.received(met)
            return met
        if options.authentication in _WITH_TITLE and options.system_title is not None:
            return check_titles(options.system_title, title, options.server_system_title)
        return title or b""

    def _high_level_security(self, challenge: bytes | None, title: bytes) -> HighLevelSecurity:
        options, suite = self.options, self.options.suite
        signing, peer = options.signing_key, options.server_signing_key
        is_ecdsa = options.authentication is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
        return HighLevelSecurity(
            mechanism=options.authentication,
            own_challenge=self._challenge,
            peer_challenge=challenge or b"",
            own_title=options.system_title or b"",
            peer_title=title,
            secret=self._secret,
            key=None if self.cipher is None else self.cipher.unicast.key,
            suite=suite,
            signing_key=private_key_of(suite, signing) if is_ecdsa and signing else None,
            peer_key=public_key_of(suite, peer) if is_ecdsa and peer else None,
        )

    # ---------------------------------------------------------------- the proofs
    async def complete(
        self, exchange: Exchange, association: Association, granted: NegotiatedAssociation
    ) -> MeterError | None:
        """Prove who we are and have the meter do so; None once all is well, else why it isn't."""
        cipher = self.cipher
        if cipher is not None and self.options.envelope == "general":
            is_granted = bool(granted.conformance & Conformance.GENERAL_PROTECTION)
            cipher.envelope = Envelope.GENERAL if is_granted else Envelope.SERVICE
        if self._proof is not None:
            try:
                await self._exchange_proofs(self._proof, exchange, association)
            except ProtocolFault as failed:
                return failed.error.at(_WHERE)
        if cipher is not None and self._dedicated is not None:
            # Not before: meters are known that take it only once the association is complete.
            cipher.dedicated = dedicated_key(self._dedicated, cipher.unicast)
        return None

    async def _exchange_proofs(
        self, proof: HighLevelSecurity, exchange: Exchange, association: Association
    ) -> None:
        counter = None
        if proof.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC and self.cipher is not None:
            counter = self.cipher.unicast.take()  # not the one of the APDU that carries it
        is_slow = proof.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
        prove = partial(proof.prove, counter)
        shown = await to_thread.run_sync(prove) if is_slow else prove()
        parameters = axdr.encode_octet_string(shown)
        request = ActionRequestNormal(association.next_invoke(), _REPLY, parameters).encode()
        answer = (await exchange(request, is_secret=True)).match(lambda octets: octets, _raise)
        self.note_refusal(answer)
        returned = _proof_in(answer)
        if is_slow:
            await to_thread.run_sync(proof.check, returned)
        else:
            proof.check(returned)

    # ---------------------------------------------------------------- what goes on meanwhile
    def note_refusal(self, octets: bytes) -> None:
        """Take note of the counter that the meter expects, if that is why it refuses."""
        self._told = expected_counter(octets)

    async def has_another_way(self, error: MeterError) -> bool:
        """Prepare to associate once more, another way; False if there is none.  Errors: SECURITY."""
        if error.has_ended_session:
            return False
        if self._told is not None and self._can_follow and self._supply is not None:
            self._can_follow = False
            await self._supply.raise_to(self._told)
            return True
        if error.kind is ErrorKind.SECURITY and self._may_try_others:
            self._may_try_others = False
            self._keys.reverse()
            self._supply = None
            return True
        return False

    async def recovers(self, octets: bytes) -> bool:
        """Follow the counter that a refusal of a service names; False if it names none.  Errors: SECURITY."""
        expected, cipher = expected_counter(octets), self.cipher
        if expected is None or cipher is None or self._supply is None:
            return False
        if cipher.sending is cipher.unicast:
            await self._supply.raise_to(expected)
        elif cipher.sending.counters is not None:
            cipher.sending.counters.skip_to(expected)
        return True

    @property
    def is_ready(self) -> bool:
        """Whether there is a counter for the next message."""
        return self._supply is None or self._supply.block.left > 0

    async def make_ready(self) -> None:
        """Wait for further counters.  Errors: `ProtocolFault` SECURITY there are none."""
        if self._supply is not None:
            await self._supply.raise_to(0)

    def _top_up(self) -> None:
        """Reserve more counters, and on the way keep the meter's."""
        supply, cipher = self._supply, self.cipher
        if supply is None or cipher is None or supply.is_refilling:
            return
        supply.top_up()
        if cipher.peer_title is not None and cipher.unicast.received is not None:
            supply.keep_received(cipher.peer_title, cipher.unicast.received)

    async def change_keys(self, encryption_key: bytes | None, authentication_key: bytes | None) -> None:
        """Send with new keys from now on; answers by the former ones are still taken until one by the new.

        Errors: `ProtocolFault` SECURITY no counters.  Raises: ValueError for a wrong size, or no keys in use.
        """
        former, cipher = self._keys[0], self.cipher
        if former is None or cipher is None or self._supply is None:
            raise ValueError("no keys are in use in this association")
        keys = (encryption_key or former[0], authentication_key or former[1])
        key = _protection_key(self.options, keys)
        if keys[0] != former[0]:
            former_supply, self._supply = self._supply, None
            supply = self._supply_of(keys)
            await supply.succeed(former_supply)
            cipher.unicast.counters = supply.block
        cipher.unicast.change(key)
        self._keys = [keys, former]

    # ---------------------------------------------------------------- the end
    def release(self) -> Rlrq:
        """Return the RLRQ: in a ciphered association it proves who releases.  Errors: SECURITY."""
        if self.link is None or self.cipher is None or self._offer is None:
            return Rlrq()
        return Rlrq(user_information=self.cipher.protect(self._offer.encode()))

    async def finish(self, answer: bytes) -> None:
        """Take the meter's last word, if there is one, and keep its counter.  Never fails."""
        cipher, supply = self.cipher, self._supply
        if cipher is None or supply is None:
            return
        try:
            told = Rlre.decode(answer).user_information if answer else None
            if told is not None and self.link is not None:
                cipher.unprotect(told)
        except ProtocolFault as odd:  # nothing depends on it any more; meters send odd ones
            _service.debug("RLRE: %s", odd)
        self.cipher = None
        if cipher.peer_title is not None and cipher.unicast.received is not None:
            await note_quietly(supply, cipher.peer_title, cipher.unicast.received)


def _key_pairs(options: DlmsClientOptions) -> list[tuple[bytes, bytes | None] | None]:
    """Return encryption and authentication key, and the pair to try if the meter doesn't know them."""
    if options.encryption_key is None:
        return [None]
    pairs: list[tuple[bytes, bytes | None] | None] = [(options.encryption_key, options.authentication_key)]
    if options.other_encryption_key is not None or options.other_authentication_key is not None:
        pairs.append(
            (
                options.other_encryption_key or options.encryption_key,
                options.other_authentication_key or options.authentication_key,
            )
        )
    return pairs


def _protection_key(options: DlmsClientOptions, keys: tuple[bytes, bytes | None]) -> ProtectionKey:
    return ProtectionKey(options.suite, *keys)


def _raise(error: MeterError) -> bytes:
    raise ProtocolFault(error)


def _proof_in(octets: bytes) -> bytes:
    """Return f(CtoS) as the meter's answer carries it.

    Errors: `ProtocolFault` SECURITY it refuses our proof, or gives none of its own.
    """
    refused = exception(octets)
    if refused is not None:
        raise ProtocolFault(replace(refused, kind=ErrorKind.SECURITY))
    answer = decode_apdu(octets, strict=False)
    if not isinstance(answer, ActionResponseNormal):
        raise ProtocolFault(unexpected(octets, "an action-response"))
    if answer.result is not ActionResult.SUCCESS:
        raise fault(
            ErrorKind.SECURITY,
            f"the meter does not take our proof: {answer.result.words}; wrong key or secret?",
            code=int(answer.result),
        )
    returned = answer.return_value
    if returned is None or isinstance(returned, DataAccessResult):
        told = "nothing" if returned is None else returned.words
        raise fault(ErrorKind.SECURITY, f"the meter's own proof expected, {told} came")
    value = axdr.decode_prefix(returned)[0]
    if not isinstance(value, bytes):
        raise fault(ErrorKind.SECURITY, "the meter's own proof expected, another type of data came")
    return value
