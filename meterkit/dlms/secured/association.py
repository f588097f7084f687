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
from typing import Final

from anyio import to_thread

from meterkit.dlms.acse.apdus import Aare, Aarq, ApplicationContext, AuthenticationMechanism, Rlre, Rlrq
from meterkit.dlms.agreement import NegotiatedAssociation, check_terms
from meterkit.dlms.apdu.initiate import InitiateRequest
from meterkit.dlms.association import Association
from meterkit.dlms.conformance import Conformance
from meterkit.dlms.refusals import expected_counter
from meterkit.dlms.secured.counter_supply import CounterSupply, default_store
from meterkit.dlms.secured.key_lookup import KeyPair, check_secret, key_pairs, look_up
from meterkit.dlms.secured.layers import check_certificates, check_granted, put_layers_on
from meterkit.dlms.secured.link import CipheredLink
from meterkit.dlms.secured.proofs import check_proof, high_level_security, proof_in, proof_request, prove
from meterkit.dlms.secured.received_counters import ReceivedCounters
from meterkit.dlms.security import (
    Cipher,
    Envelope,
    ExpectedKey,
    HighLevelSecurity,
    KeyInUse,
    KeyKind,
    ProtectionKey,
    SecurityPolicy,
    dedicated_key,
    new_challenge,
)
from meterkit.dlms.security.layered_cipher import LayeredCipher
from meterkit.dlms.security.policy import check_titles
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.options import DlmsClientOptions
from meterkit.result import Err
from meterkit.session.exchange import Exchange

HLS: Final = AuthenticationMechanism.HIGH_LEVEL_SECURITY
_WHERE: Final = "reply_to_HLS_authentication"
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
        self.options = options  #: with what `keys` provides, once armed
        self.link = link
        self.cipher: Cipher | None = None
        self._given = options  # as the user gave them
        self._keys = key_pairs(options)
        self._broadcast = options.broadcast_key
        self._supply: CounterSupply | None = None
        self._came: ReceivedCounters | None = None
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
    async def arm(self, password: bytes | None) -> bytes | None:
        """Begin anew, and return the secret: `password`, the options', or the key provider's.

        Errors: `ProtocolFault` SECURITY the provider hasn't what is needed.
        Raises: ValueError where the mechanism needs a secret and there is none, or it is too long.
        """
        if self._given.keys is not None:
            found = await to_thread.run_sync(look_up, self._given, password)
            if key_pairs(found) != key_pairs(self.options):  # else those go on that the meter had last
                self._keys, self._supply = key_pairs(found), None
            if found.broadcast_key != self.options.broadcast_key:
                self._broadcast = found.broadcast_key
            self.options = found
        self._secret = self.options.password if password is None else password
        self._may_try_others, self._can_follow = len(self._keys) > 1, True
        check_secret(self.options.authentication, self._secret)
        check_certificates(self.options)
        return self._secret

    async def follow(self, last: int) -> None:
        """Go on above `last`, the counter that the meter says it saw last.  Errors: SECURITY."""
        await self._supply_of(self._keys[0]).raise_to(last + 1)

    # ---------------------------------------------------------------- AARQ and AARE
    async def begin(self, offer: InitiateRequest, request: Aarq) -> tuple[InitiateRequest, Aarq]:
        """Return offer and AARQ as they go out secured.  Errors: `ProtocolFault` SECURITY no counters."""
        options = self.options
        self._proof, self._came, self._told = None, None, None
        self.cipher = await self._new_cipher()
        if self.link is not None:
            self.link.use(self.cipher)
        is_wanted = options.envelope != "service" or options.general_signing
        if is_wanted or (self.link is not None and options.conformance is None):
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
        key = ProtectionKey(options.suite, *keys)
        broadcast = self._broadcast
        kind = LayeredCipher if options.is_general_protection_demanded else Cipher
        return kind(
            options.system_title,
            SecurityPolicy(options.suite, options.security, options.security),
            KeyInUse(KeyKind.GLOBAL_UNICAST_ENCRYPTION, key, await supply.prepare()),
            peer_title=options.server_system_title,
            broadcast=None
            if broadcast is None
            else KeyInUse(KeyKind.GLOBAL_BROADCAST_ENCRYPTION, key.with_encryption_key(broadcast)),
        )

    def _supply_of(self, keys: KeyPair | None) -> CounterSupply:
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
            challenges = self._challenge, answer.authentication_value or b""
            self._proof = high_level_security(self.options, self.cipher, self._secret, challenges, title)
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
            check_certificates(options, met)
            self._came = ReceivedCounters(met)
            is_fresh = options.authentication >= HLS
            await self._came.load(cipher.unicast, self._supply, is_noted_at_once=not is_fresh)
            if cipher.broadcast is not None and self._broadcast is not None:
                supply = CounterSupply(self._supply.store, self._broadcast, cipher.title)
                await self._came.load(cipher.broadcast, supply, is_noted_at_once=True)
            return met
        if options.authentication in _WITH_TITLE and options.system_title is not None:
            return check_titles(options.system_title, title, options.server_system_title)
        return title or b""

    # ---------------------------------------------------------------- the proofs
    async def complete(
        self, exchange: Exchange, association: Association, granted: NegotiatedAssociation
    ) -> MeterError | None:
        """Prove who we are and have the meter do so; None once all is well, else why it isn't."""
        cipher = self.cipher
        try:
            if self.link is not None and cipher is not None:
                self._use_general_protection(cipher, granted.conformance)
            if self._proof is not None:
                await self._exchange_proofs(self._proof, exchange, association, granted)
        except ProtocolFault as failed:
            return failed.error.at(_WHERE) if not failed.error.where else failed.error
        if cipher is not None and self._dedicated is not None:
            # Not before: meters are known that take it only once the association is complete.
            cipher.dedicated = dedicated_key(self._dedicated, cipher.unicast)
        return None

    def _use_general_protection(self, cipher: Cipher, granted: Conformance) -> None:
        """Use what was granted of it.  Errors: `ProtocolFault` SECURITY what is demanded was not."""
        cipher.is_general_granted = bool(granted & Conformance.GENERAL_PROTECTION)
        check_granted(self.options, is_granted=cipher.is_general_granted)
        if isinstance(cipher, LayeredCipher):
            put_layers_on(cipher, self.options)
        is_general = cipher.is_general_granted and self.options.envelope == "general"
        cipher.envelope = Envelope.GENERAL if is_general else Envelope.SERVICE

    async def _exchange_proofs(
        self,
        proof: HighLevelSecurity,
        exchange: Exchange,
        association: Association,
        granted: NegotiatedAssociation,
    ) -> None:
        counter = None
        if proof.mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC and self.cipher is not None:
            counter = self.cipher.unicast.take()  # not the one of the APDU that carries it
        shown = await prove(proof, counter)
        is_short = self.options.referencing == "short_name"
        request = proof_request(shown, association.next_invoke(), granted.conformance, is_short=is_short)
        answer = await exchange(request, is_secret=True)
        if isinstance(answer, Err):
            raise ProtocolFault(answer.error)
        self.note_refusal(answer.value)
        await check_proof(proof, proof_in(answer.value, is_short=is_short))

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
        if self._came is not None:
            self._came.begin_to_keep()

    @property
    def is_behind(self) -> bool:
        """Whether a counter came that has to be on disk before its message is handed on."""
        return self._came is not None and self._came.is_behind

    async def catch_up(self) -> None:
        """Return once it is.  Errors: `ProtocolFault` SECURITY it can't be written."""
        if self._came is not None:
            await self._came.keep()

    async def expect_keys(self, encryption_key: bytes | None, authentication_key: bytes | None) -> None:
        """Take answers by these keys, too, until one of them comes; costs no counters of ours.

        The next association tries both.
        Errors: `ProtocolFault` SECURITY no counters.  Raises: ValueError for a wrong size, or no keys in use.
        """
        former, cipher = self._keys[0], self.cipher
        if former is None or cipher is None or self._supply is None:
            raise ValueError("no keys are in use in this association")
        keys = (encryption_key or former[0], authentication_key or former[1])
        expected = ExpectedKey(ProtectionKey(self.options.suite, *keys), counts_anew=keys[0] != former[0])
        if self._came is not None:
            self._came.drop_expected()
            if expected.counts_anew:
                supply = CounterSupply(self._supply.store, keys[0], cipher.title)
                is_fresh = self.options.authentication >= HLS
                await self._came.load(expected, supply, is_noted_at_once=not is_fresh)
        cipher.unicast.expected = expected
        self._keys = [former, keys]

    async def change_keys(self, encryption_key: bytes | None, authentication_key: bytes | None) -> None:
        """Send with new keys from now on; answers by the former ones are still taken until one by the new.

        Errors: `ProtocolFault` SECURITY no counters.  Raises: ValueError for a wrong size, or no keys in use.
        """
        former, cipher = self._keys[0], self.cipher
        if former is None or cipher is None or self._supply is None:
            raise ValueError("no keys are in use in this association")
        keys = (encryption_key or former[0], authentication_key or former[1])
        key = ProtectionKey(self.options.suite, *keys)
        noted = received = cipher.unicast.received  # an authentication key has no counters of its own
        supply = self._supply
        if keys[0] != former[0]:
            former_supply, self._supply = self._supply, None
            supply = self._supply_of(keys)
            await supply.succeed(former_supply)
            cipher.unicast.counters = supply.block
            noted = received = await supply.received(cipher.peer_title or b"")
            expected = cipher.unicast.expected
            if self._keys[-1] == keys and expected is not None and expected.received is not None:
                received = max(expected.received, -1 if noted is None else noted)
        cipher.unicast.change(key, received)
        if self._came is not None:
            await self._came.change(cipher, supply, noted)
        self._keys = [keys, former]

    async def change_broadcast_key(self, key: bytes) -> None:
        """Take pushes by a new broadcast key from now on; by the former one until the first of them.

        Errors: `ProtocolFault` SECURITY its counter can't be read.
        Raises: ValueError for a wrong size, or no keys in use.
        """
        cipher = self.cipher
        if cipher is None or self._supply is None:
            raise ValueError("no keys are in use in this association")
        supply = CounterSupply(self._supply.store, key, cipher.title)
        fresh = KeyInUse(KeyKind.GLOBAL_BROADCAST_ENCRYPTION, cipher.unicast.key.with_encryption_key(key))
        if self._came is not None:
            await self._came.load(fresh, supply, is_noted_at_once=True)
        former, self._broadcast = cipher.broadcast, key
        if former is not None:
            fresh.previous, fresh.previous_received = former.key, former.received
        cipher.broadcast = fresh

    # ---------------------------------------------------------------- the end
    def release(self) -> Rlrq:
        """Return the RLRQ: in a ciphered association it proves who releases.  Errors: SECURITY."""
        if self.link is None or self.cipher is None or self._offer is None:
            return Rlrq()
        return Rlrq(user_information=self.cipher.protect(self._offer.encode()))

    async def finish(self, answer: bytes) -> None:
        """Take the meter's last word, if there is one, and keep its counter.  Never fails."""
        cipher = self.cipher
        if cipher is None:
            return
        try:
            told = Rlre.decode(answer).user_information if answer else None
            if told is not None and self.link is not None:
                cipher.unprotect(told)
        except ProtocolFault as odd:  # nothing depends on it any more; meters send odd ones
            _service.debug("RLRE: %s", odd)
        self.cipher = None
        came, self._came = self._came, None
        if came is not None:
            await came.finish()
