"""How a DLMS/COSEM association is secured: who proves what, which keys there are, what is demanded.

    authentication   none, a password (LLS), a challenge (HLS 2 to 7)
    security         put on every message and demanded of every answer
    envelope         "service"            glo-get-request and the like; general-glo- for what has no such form
                     "general"            general-glo-ciphering, where the meter grants it
                     "general_ciphering"  the key of each message by `key_scheme`
    general_signing  a signature around all that

Source: Green Book 9.2.
"""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.dlms.security.certificates import CertificateType
from meterkit.dlms.security.control import Security
from meterkit.dlms.security.counters import CounterStore
from meterkit.dlms.security.general_cipher import KeyScheme
from meterkit.dlms.security.key_kinds import KeyProvider
from meterkit.dlms.security.keys import private_key_of
from meterkit.dlms.security.peer_keys import peer_key
from meterkit.dlms.security.policy import check_strength
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE, SecuritySuite
from meterkit.errors import ProtocolFault
from meterkit.options.base import Options, Secret

_HIGH = AuthenticationMechanism.HIGH_LEVEL_SECURITY
_GMAC = AuthenticationMechanism.HIGH_LEVEL_SECURITY_GMAC
_ECDSA = AuthenticationMechanism.HIGH_LEVEL_SECURITY_ECDSA
_SHA256 = AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256
_STORE_METHODS = ("reserve", "raise_to", "received", "note_received")
_SYMMETRIC_KEYS = (
    "encryption_key",
    "authentication_key",
    "broadcast_key",
    "master_key",
    "other_encryption_key",
    "other_authentication_key",
)
_PRIVATE_KEYS = ("signing_key", "agreement_key")
_PUBLIC_KEYS = {
    "server_signing_key": CertificateType.DIGITAL_SIGNATURE,
    "server_agreement_key": CertificateType.KEY_AGREEMENT,
}
_AGREED = (KeyScheme.ONE_PASS, KeyScheme.STATIC)


def _member(kind: type[Security] | type[KeyScheme]) -> BeforeValidator:
    """Let text name what is wanted: "authentication_encryption"."""

    def named(value: object) -> object:
        if isinstance(value, str):
            name = value.strip().upper().replace("-", "_")
            if name not in kind.__members__:
                raise ValueError(f"one of {', '.join(kind.__members__).lower()} expected")
            return kind[name]
        return value

    return BeforeValidator(named)


def _title(value: object) -> object:
    """Return a system title; text is 16 hexadecimal digits, or 8 characters."""
    if isinstance(value, str):
        try:
            value = bytes.fromhex(value) if len(value) == 2 * SYSTEM_TITLE_SIZE else value.encode("ascii")
        except ValueError:
            raise ValueError("a system title is 16 hexadecimal digits, or 8 characters of ASCII") from None
    if isinstance(value, bytes) and len(value) != SYSTEM_TITLE_SIZE:
        raise ValueError(f"a system title has {SYSTEM_TITLE_SIZE} octets, not {len(value)}")
    return value


def _counter_store(value: object) -> object:
    if value is not None and not all(hasattr(value, name) for name in _STORE_METHODS):
        raise ValueError(f"a CounterStore, such as SqliteCounterStore, expected, not {type(value).__name__}")
    return value


def _key_provider(value: object) -> object:
    if value is not None and not callable(getattr(value, "key", None)):
        raise ValueError(f"a KeyProvider, such as FileKeys, expected, not {type(value).__name__}")
    return value


class DlmsSecurityOptions(Options):
    """Authentication, keys and counters of one client.  What `keys` provides is looked up at `connect`."""

    authentication: AuthenticationMechanism = AuthenticationMechanism.NONE
    #: Of LOW_LEVEL_SECURITY; the secret of HIGH_LEVEL_SECURITY, _MD5, _SHA1 and _SHA256.
    password: Secret = None
    #: Put on what we send and demanded of what comes back; anything weaker is an error.
    security: Annotated[Security, _member(Security)] = Security.NONE
    suite: SecuritySuite = SecuritySuite.SUITE_0
    #: Ours, 8 octets, or 16 hexadecimal digits as text.
    system_title: Annotated[bytes | None, BeforeValidator(_title)] = None
    #: The meter's, if it is known: no other is then believed.
    server_system_title: Annotated[bytes | None, BeforeValidator(_title)] = None
    #: Where keys, passwords and certificates that are not given here come from.
    keys: Annotated[KeyProvider | None, PlainValidator(_key_provider), Field(repr=False)] = None
    #: What `keys` calls the meter; None: by `server_system_title` in hex, else as every meter.
    meter: Annotated[str | None, Field(min_length=1)] = None
    encryption_key: Secret = None  #: global unicast; 16 octets, 32 in suite 2
    authentication_key: Secret = None
    broadcast_key: Secret = None  #: for what the meter pushes with it
    master_key: Secret = None  #: of general-ciphering with wrapped keys
    #: While keys are being changed: tried where the meter doesn't understand the other two.
    other_encryption_key: Secret = None
    other_authentication_key: Secret = None
    dedicated_key: bool = False  #: make a key for this association alone, and use it for its services
    envelope: Literal["service", "general", "general_ciphering"] = "service"
    key_scheme: Annotated[KeyScheme, _member(KeyScheme)] = KeyScheme.IDENTIFIED  #: of general-ciphering
    general_signing: bool = False  #: sign what goes out, and demand signatures; suites 1 and 2
    signing_key: Secret = None  #: of ECDSA: our private key, a number of 32 or 48 octets
    #: The meter's public one, x | y, or its certificate, DER.
    server_signing_key: Annotated[bytes | None, Field(repr=False)] = None
    agreement_key: Secret = None  #: of ECDH: our private key, for keys that are agreed on
    server_agreement_key: Annotated[bytes | None, Field(repr=False)] = None  #: as the signing one
    allow_weak: bool = False  #: let a mechanism that listeners defeat stand beside ciphering
    challenge_length: Annotated[int, Field(ge=8, le=64)] = 16  #: octets; meters are known that fail on more
    #: Object with the meter's count of our messages, such as 0.0.43.1.0.255: read first, as this client.
    counter_object: str | None = None
    counter_client_address: Annotated[int, Field(ge=0, le=0xFFFF)] = 16
    #: Where invocation counters outlast the program; None: the file meterkit/counters.db of this user.
    counters: Annotated[CounterStore | None, PlainValidator(_counter_store), Field(repr=False)] = None

    @model_validator(mode="after")
    def _is_secured_as_meant(self) -> DlmsSecurityOptions:
        check_strength(self.authentication, self.security, allow_weak=self.allow_weak)
        missing = [name for name in self.needed_keys if getattr(self, name) is None]
        if self.needs_title and self.system_title is None:
            missing.insert(0, "system_title")
        if self.keys is not None:  # what it doesn't have is told at `connect`
            missing = [name for name in missing if name == "system_title"]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing for {self._protection_words}")
        if self.system_title is not None and self.system_title == self.server_system_title:
            raise ValueError("client and meter have the same system title: each has its own")
        if self.dedicated_key and not self.security.covers(Security.ENCRYPTION):
            raise ValueError("a dedicated key travels in the AARQ: security with encryption goes with it")
        if self.counter_object is not None:
            if not self.counts_messages:
                raise ValueError("counter_object is of use with ciphering or GMAC only")
            _ = ObisCode.parse(self.counter_object)
        return self

    @model_validator(mode="after")
    def _has_fitting_general_protection(self) -> DlmsSecurityOptions:
        if self.is_general_protection_demanded and self.security is Security.NONE:
            raise ValueError("general-ciphering and general-signing are of use with security only")
        if self.dedicated_key and self.envelope == "general_ciphering":
            raise ValueError("general-ciphering tells the key of each message: no dedicated key goes with it")
        if self._needs_public_keys and not self.suite.has_public_keys:
            raise ValueError("suite 0 has neither signatures nor key agreement: suite 1 or 2 expected")
        return self

    @model_validator(mode="after")
    def _has_keys_that_fit_the_suite(self) -> DlmsSecurityOptions:
        """Make sure of their sizes, without showing them."""
        size = self.suite.key_size
        for name in _SYMMETRIC_KEYS:
            key = cast("bytes | None", getattr(self, name))
            if key is not None and len(key) != size:
                raise ValueError(f"{name} has {len(key)} octets, suite {int(self.suite)} wants {size}")
        for name in _PRIVATE_KEYS:
            key = cast("bytes | None", getattr(self, name))
            if key is not None:
                private_key_of(self.suite, key)
        for name, usage in _PUBLIC_KEYS.items():
            key = cast("bytes | None", getattr(self, name))
            if key is not None:
                self._check_public_key(name, key, usage)
        return self

    def _check_public_key(self, name: str, key: bytes, usage: CertificateType) -> None:
        try:
            peer_key(self.suite, key, usage, title=self.server_system_title)
        except ProtocolFault as odd:
            raise ValueError(f"{name}: {odd.error.message}") from None

    @property
    def needed_keys(self) -> list[str]:
        """The options with keys without which the protection asked for is impossible."""
        scheme = self.key_scheme if self.envelope == "general_ciphering" else None
        is_agreed = scheme in _AGREED
        signs = self.authentication is _ECDSA or self.general_signing or scheme is KeyScheme.ONE_PASS
        why = {
            "encryption_key": self.counts_messages,
            "authentication_key": self.authentication is _GMAC
            or self.security.covers(Security.AUTHENTICATION),
            "master_key": scheme is KeyScheme.WRAPPED,
            "signing_key": signs,
            "server_signing_key": signs,
            "agreement_key": is_agreed,
            "server_agreement_key": is_agreed,
        }
        return [name for name, is_needed in why.items() if is_needed]

    @property
    def needs_title(self) -> bool:
        """Whether we have to say who we are by a system title."""
        return self.counts_messages or self.authentication in (_SHA256, _ECDSA)

    @property
    def needs_password(self) -> bool:
        """Whether the mechanism goes by a password or a shared secret."""
        return self.authentication not in (AuthenticationMechanism.NONE, _GMAC, _ECDSA)

    @property
    def _needs_public_keys(self) -> bool:
        is_agreed = self.envelope == "general_ciphering" and self.key_scheme in _AGREED
        return self.general_signing or is_agreed

    @property
    def _protection_words(self) -> str:
        return f"authentication {self.authentication.name} with {self.security.words}"

    @property
    def is_general_protection_demanded(self) -> bool:
        """Whether there is no association without general protection."""
        return self.envelope == "general_ciphering" or self.general_signing

    @property
    def counts_messages(self) -> bool:
        """Whether invocation counters are used: with ciphering, and with GMAC."""
        return self.security is not Security.NONE or self.authentication is _GMAC

    @property
    def is_secured(self) -> bool:
        """Whether there is ciphering, or authentication by challenge, or a secret to look up."""
        return self.authentication >= _HIGH or self.security is not Security.NONE or self.keys is not None
