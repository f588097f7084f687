"""What the meter keeps of one client's keys, over all lines and associations; and of all clients' keys.

A nonce is the meter's title and a counter, so that clients who share an encryption key share its counter.
New keys and a new policy wait in `pending` until the answer to whoever ordered them is ready: it still goes
by the old ones.  Source: Green Book 9.2; Blue Book, Security setup (class 64).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from pydantic import SecretBytes

from meterkit.dlms.security import (
    Cipher,
    CounterBlock,
    Envelope,
    KeyInUse,
    KeyKind,
    KeyScheme,
    ProtectionKey,
    Security,
    SecurityPolicy,
    SecuritySuite,
)
from meterkit.dlms.security.counters import STOP
from meterkit.dlms.security.headers import GeneralCiphered
from meterkit.dlms.security.keys import PrivateKey, PublicKey, private_key_of, public_key_of
from meterkit.dlms.security.transactions import Transactions
from meterkit.emulator.dlms.configuration import DlmsEmulatorConfiguration, PushSecurity
from meterkit.emulator.dlms.quirks import DlmsQuirk
from meterkit.emulator.dlms.security_configuration import SecurityConfiguration

_UNICAST, _BROADCAST = KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.GLOBAL_BROADCAST_ENCRYPTION


class SentCounters:
    """The counters the meter sends with, one for each encryption key."""

    def __init__(self, quirks: AbstractSet[DlmsQuirk]) -> None:
        self._quirks = quirks
        self._blocks: dict[bytes, CounterBlock] = {}

    def of(self, encryption_key: bytes) -> CounterBlock:
        """Return the counter of a key; it is made when it is first asked for."""
        if encryption_key not in self._blocks:
            first = 0 if DlmsQuirk.COUNTER_FROM_ZERO in self._quirks else 1
            self._blocks[encryption_key] = CounterBlock(first, STOP)
        return self._blocks[encryption_key]


class ClientSecurity:
    """One client's keys, counters and policy.  Its repr shows no key."""

    def __init__(self, configuration: SecurityConfiguration, title: bytes, sent: SentCounters) -> None:
        self.instance = configuration.instance
        self.suite = SecuritySuite(configuration.suite)
        self.required = configuration.required
        self.key_scheme = (
            None if configuration.key_scheme is None else KeyScheme[configuration.key_scheme.upper()]
        )
        self.demands_signatures = configuration.demands_signatures
        self.title = title  #: the meter's
        self.client_title = configuration.client_title  #: None: any
        self.last_client_title = configuration.client_title or b""  #: of whoever associated last
        self.pending: list[Callable[[], None]] = []
        self.transactions, self.signed = Transactions(), Transactions()  #: of general-ciphering and -signing
        self.signing = _private(self.suite, configuration.signing_key)
        self.agreement = _private(self.suite, configuration.agreement_key)
        self.client_signing = _public(self.suite, configuration.client_signing_key)
        self.client_agreement = _public(self.suite, configuration.client_agreement_key)
        self._sent = sent
        self._keys = {
            kind: secret.get_secret_value()
            for kind, secret in (
                (_UNICAST, configuration.encryption_key),
                (_BROADCAST, configuration.broadcast_key),
                (KeyKind.AUTHENTICATION, configuration.authentication_key),
                (KeyKind.MASTER, configuration.master_key),
            )
            if secret is not None
        }
        self.unicast: KeyInUse | None = None
        self.broadcast: KeyInUse | None = None
        self._begin(_UNICAST, configuration.received_counter)
        self._begin(_BROADCAST, None)

    def __repr__(self) -> str:
        return f"ClientSecurity({self.instance}, suite {int(self.suite)}, {self.required.words})"

    @property
    def master_key(self) -> bytes | None:
        """What wraps new keys."""
        return self._keys.get(KeyKind.MASTER)

    @property
    def has_authentication_key(self) -> bool:
        """Whether tags can be made."""
        return KeyKind.AUTHENTICATION in self._keys

    @property
    def received(self) -> int:
        """What the invocation counter object shows: the highest received; 0 before the first."""
        return 0 if self.unicast is None or self.unicast.received is None else self.unicast.received

    def change(self, kind: KeyKind, key: bytes) -> None:
        """Order a new key: it is in use from the next request on."""
        self.pending.append(lambda: self._take_over(kind, key))

    def strengthen(self, required: Security) -> None:
        """Order another policy: it holds from the next request on."""

        def take_over() -> None:
            self.required = required

        self.pending.append(take_over)

    def settle(self) -> None:
        """Do what waited for the answer."""
        pending, self.pending = self.pending, []
        for take_over in pending:
            take_over()

    # ---------------------------------------------------------------- keys
    def _take_over(self, kind: KeyKind, key: bytes) -> None:
        self._keys[kind] = key
        match kind:
            case KeyKind.GLOBAL_UNICAST_ENCRYPTION | KeyKind.GLOBAL_BROADCAST_ENCRYPTION:
                self._begin(kind, None)
            case KeyKind.AUTHENTICATION:
                for in_use, of in ((self.unicast, _UNICAST), (self.broadcast, _BROADCAST)):
                    if in_use is not None:
                        in_use.key = self._pair(of)
            case _:
                return

    def _begin(self, kind: KeyKind, received: int | None) -> None:
        """Use an encryption key from now on; by a new key no counter was received yet.

        The object stays the same: associations on other lines hold it, too.
        """
        if kind not in self._keys:
            return
        counters = self._sent.of(self._keys[kind])
        in_use = self.unicast if kind is _UNICAST else self.broadcast
        if in_use is not None:
            # Not needed for the new key, but there are clients who go on counting from the old one.
            counters.skip_to(STOP - (STOP if in_use.counters is None else in_use.counters.left))
            in_use.key, in_use.counters, in_use.received = self._pair(kind), counters, received
            return
        made = KeyInUse(kind, self._pair(kind), counters, received)
        if kind is _UNICAST:
            self.unicast = made
        else:
            self.broadcast = made

    def _pair(self, kind: KeyKind) -> ProtectionKey:
        return ProtectionKey(self.suite, self._keys[kind], self._keys.get(KeyKind.AUTHENTICATION))


class MeterSecurity:
    """The security of every client that has any."""

    def __init__(self, configuration: DlmsEmulatorConfiguration, quirks: AbstractSet[DlmsQuirk]) -> None:
        self.sent = SentCounters(quirks)
        self.clients = {
            client.sap: ClientSecurity(client.security, configuration.system_title, self.sent)
            for client in configuration.clients
            if client.security is not None
        }

    def client(self, sap: int) -> ClientSecurity | None:
        """Return the security of a client; None if it has none."""
        return self.clients.get(sap)

    def seal_push(self, apdu: bytes, how: PushSecurity) -> bytes:
        """Return a push in general-glo-ciphering.

        Errors: `ProtocolFault` SECURITY no counter is left.
        """
        keys = self.clients[how.client]
        policy = SecurityPolicy(keys.suite, how.applied, Security.NONE)
        if keys.unicast is None:
            raise ValueError(f"client {how.client} has no encryption key")
        cipher = Cipher(
            keys.title,
            policy,
            keys.unicast,
            broadcast=keys.broadcast,
            envelope=Envelope.GENERAL,
            sends_broadcast=how.is_broadcast,
        )
        sealed = cipher.protect(apdu)
        if how.has_system_title:
            return sealed
        return GeneralCiphered(b"", GeneralCiphered.decode(sealed).content).encode()


def _private(suite: SecuritySuite, key: SecretBytes | None) -> PrivateKey | None:
    return None if key is None else private_key_of(suite, key.get_secret_value())


def _public(suite: SecuritySuite, key: bytes | None) -> PublicKey | None:
    return None if key is None else public_key_of(suite, key)
