"""The keys and the policy one client of an emulated DLMS meter has.  Loadable from JSON.

Octets are written "hex:0001..." there.  The demonstration keys are the Green Book's examples, known to
everybody: they protect nothing.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, SecretBytes, model_validator

from meterkit.dlms.security import Security, SecuritySuite
from meterkit.dlms.security.counters import STOP
from meterkit.dlms.security.suites import SYSTEM_TITLE_SIZE
from meterkit.options import Options

DEMO_ENCRYPTION_KEY: Final = bytes(range(16))
DEMO_AUTHENTICATION_KEY: Final = bytes(range(0xD0, 0xE0))
DEMO_BROADCAST_KEY: Final = bytes(range(15, -1, -1))
DEMO_MASTER_KEY: Final = bytes(range(0x40, 0x50))

_POLICIES: Final = {
    "none": Security.NONE,
    "authentication": Security.AUTHENTICATION,
    "encryption": Security.ENCRYPTION,
    "authentication_encryption": Security.AUTHENTICATION_ENCRYPTION,
}
Policy = Literal["none", "authentication", "encryption", "authentication_encryption"]


def as_octets(value: object) -> object:
    """Let JSON write octets as "hex:0102..." or as plain text."""
    if isinstance(value, str) and value.startswith("hex:"):
        try:
            return bytes.fromhex(value[4:])
        except ValueError:
            raise ValueError("expected pairs of hexadecimal digits after hex:") from None
    return value


Secret = Annotated[SecretBytes, BeforeValidator(as_octets)]
Octets = Annotated[bytes, BeforeValidator(as_octets)]
Counter = Annotated[int, Field(ge=0, le=STOP)]


class SecurityConfiguration(Options):
    """One Security setup, 0-0:43.0.e, with its invocation counter 0-0:43.1.e."""

    instance: Annotated[int, Field(ge=0, le=255)] = 0  #: the e of both objects; each client has its own
    suite: Literal[0, 1, 2] = 0
    policy: Policy = "authentication_encryption"  #: the least that is taken, and put on answers
    #: Services are taken in general-ciphering only, with the key told so; None: in any envelope.
    key_scheme: Literal["identified", "wrapped", "one_pass", "static"] | None = None
    demands_signatures: bool = False  #: services are taken in general-signing only
    encryption_key: Secret | None = None  #: global unicast
    authentication_key: Secret | None = None
    broadcast_key: Secret | None = None  #: global broadcast
    master_key: Secret | None = None  #: wraps new keys
    client_title: Octets | None = None  #: the client's system title; None: any
    received_counter: Counter | None = None  #: the highest invocation counter received so far; None: none yet
    signing_key: Secret | None = None  #: the meter's, private, of ECDSA
    agreement_key: Secret | None = None  #: the meter's, private, of ECDH
    client_signing_key: Octets | None = None  #: the client's, public: x and y
    client_agreement_key: Octets | None = None  #: the client's, public: x and y

    @property
    def required(self) -> Security:
        """The policy as the codec has it."""
        return _POLICIES[self.policy]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        suite = SecuritySuite(self.suite)
        for name in ("encryption_key", "authentication_key", "broadcast_key", "master_key"):
            key: SecretBytes | None = getattr(self, name)
            if key is not None and len(key.get_secret_value()) != suite.key_size:
                raise ValueError(f"{name}: {suite.key_size} octets expected for suite {self.suite}")
        if self.client_title is not None and len(self.client_title) != SYSTEM_TITLE_SIZE:
            raise ValueError(f"client_title: {SYSTEM_TITLE_SIZE} octets expected")
        if self.required is not Security.NONE and self.encryption_key is None:
            raise ValueError("a policy other than none needs an encryption_key")
        if self.required.covers(Security.AUTHENTICATION) and self.authentication_key is None:
            raise ValueError(f"policy {self.policy} needs an authentication_key")
        if self.required is Security.NONE and (self.key_scheme or self.demands_signatures):
            raise ValueError("general-ciphering and general-signing are demanded beside a policy only")
        self._check_demands(suite)
        return self._with_key_pairs(suite)

    def _check_demands(self, suite: SecuritySuite) -> None:
        """Make sure that there are keys for what is demanded."""
        is_agreed = self.key_scheme in ("one_pass", "static")
        signs = self.demands_signatures or self.key_scheme == "one_pass"
        needed = {
            "master_key": self.key_scheme == "wrapped",
            "signing_key": signs,
            "client_signing_key": signs,
            "agreement_key": is_agreed,
            "client_agreement_key": is_agreed,
        }
        if missing := [name for name, is_needed in needed.items() if is_needed and not getattr(self, name)]:
            raise ValueError(f"{', '.join(missing)} missing for what is demanded in suite {int(suite)}")

    def _with_key_pairs(self, suite: SecuritySuite) -> Self:
        for name, coordinates in (
            ("signing_key", 1),
            ("agreement_key", 1),
            ("client_signing_key", 2),
            ("client_agreement_key", 2),
        ):
            key: SecretBytes | bytes | None = getattr(self, name)
            if key is None:
                continue
            if not suite.has_public_keys:
                raise ValueError(f"{name}: suite 0 has no key pairs")
            octets = key.get_secret_value() if isinstance(key, SecretBytes) else key
            if len(octets) != coordinates * suite.coordinate_size:
                raise ValueError(
                    f"{name}: {coordinates * suite.coordinate_size} octets expected for suite {self.suite}"
                )
        return self
