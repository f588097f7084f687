"""MeterEntry: one meter of a fleet, where it is, what it shares with others, where its secrets are."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from meterkit.address import AddressError, MeterAddress
from meterkit.address_schemes import ClientOptions
from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.fleet.secrets import SecretReference
from meterkit.options import DlmsClientOptions, Options, PsemClientOptions, SerialOptions, UdpOptions
from meterkit.wording import flaw_text

__all__ = ["GroupKind", "MeterEntry"]

#: What meters share: a permit is had for each before a session is begun.
GroupKind = Literal["line", "modem", "gateway", "concentrator", "cell"]

#: Options that keys are, by the kind of key.
KEY_OPTIONS: Final[Mapping[KeyKind, str]] = {
    KeyKind.GLOBAL_UNICAST_ENCRYPTION: "encryption_key",
    KeyKind.AUTHENTICATION: "authentication_key",
    KeyKind.GLOBAL_BROADCAST_ENCRYPTION: "broadcast_key",
    KeyKind.SIGNING: "signing_key",
}
_KEY_NAMES: Final = {kind.value: kind for kind in KEY_OPTIONS}
_PROGRAMS: Final = {"counters"}  # options that a program gives, and no file


def _reference(text: str) -> str:
    return str(SecretReference.parse(text))


Reference = Annotated[str, AfterValidator(_reference)]


class MeterEntry(Options):
    """One meter.

    Errors: ValueError naming the wrong field; secrets are never shown.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]  #: what readings and reports call it
    url: str  #: such as psem+tcp://10.0.0.7:1153
    #: Settings of the protocol's options that the address does not set; no secrets.
    options: dict[str, Any] = Field(default={})
    password: Reference | None = None  #: env:NAME, file:PATH or keyring:SERVICE/USER
    #: References by kind: encryption, authentication, broadcast, signing.
    keys: dict[str, Reference] = Field(default={})
    #: What it shares with others, by name: {"gateway": "g7", "cell": "north"}.
    groups: dict[GroupKind, Annotated[str, Field(min_length=1)]] = Field(default={})
    priority: Annotated[int, Field(ge=-100, le=100)] = 0  #: the higher goes first
    time_zone: str | None = None  #: such as Europe/Vienna, for meters that don't tell theirs

    @field_validator("url")
    @classmethod
    def _leads_to_a_meter(cls, value: str) -> str:
        try:
            address = MeterAddress.parse(value)
        except AddressError as wrong:
            raise ValueError(str(wrong)) from None
        if not isinstance(address.options, PsemClientOptions | DlmsClientOptions):
            raise ValueError(  # noqa: TRY004  # pydantic takes no other
                f"{address.scheme} leads to a meter that a fleet cannot read; psem and dlms do"
            )
        return value

    @field_validator("keys")
    @classmethod
    def _are_kinds(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in _KEY_NAMES:
                raise ValueError(f"there is no key called {name!r}; there are {', '.join(_KEY_NAMES)}")
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                zoneinfo.ZoneInfo(value)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                raise ValueError(f"{value!r} is no time zone, such as Europe/Vienna") from None
        return value

    @model_validator(mode="after")
    def _sets_what_there_is(self) -> MeterEntry:
        known = type(self.address.options).model_fields
        for name in self.options:
            if name not in known or name in _PROGRAMS:
                raise ValueError(f"options: there is no setting {name!r}")
            if not known[name].repr:
                raise ValueError(f"options: {name} is a secret: give its place under password or keys")
        if self.keys and isinstance(self.address.options, PsemClientOptions):
            raise ValueError("keys are of DLMS meters; a PSEM meter has a password")
        return self

    @property
    def address(self) -> MeterAddress:
        """The address, read anew: entries are many, and stay small."""
        return MeterAddress.parse(self.url)

    def client_options(self, address: MeterAddress, secrets: Mapping[str, object]) -> ClientOptions:
        """Return the address's options with this entry's over them, and `secrets` by option.

        Errors: ValueError saying which setting is wrong, without what came.
        """
        if not self.options and not secrets:
            return address.options
        options = address.options
        settings = {name: getattr(options, name) for name in options.model_fields_set}
        try:
            return type(options).model_validate(settings | self._settings(type(options)) | dict(secrets))
        except ValidationError as invalid:
            raise ValueError(flaw_text(invalid, is_quoted=False)) from None

    def _settings(self, options: type[Options]) -> dict[str, Any]:
        """Return this entry's options; members of enumerations are written by their names."""
        settings = dict(self.options)
        for name, value in settings.items():
            kind = options.model_fields[name].annotation
            if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, IntEnum):
                settings[name] = kind.__members__.get(value.strip().upper().replace("-", "_"), value)
        return settings


def place_of(address: MeterAddress) -> str | None:
    """Return what names the socket or line that a meter shares with others; None for datagrams."""
    line = address.line
    if isinstance(line, SerialOptions):
        return f"serial {line.port}"
    if isinstance(line, UdpOptions):
        return None
    return f"tcp {line.host.lower()}:{line.port}"
