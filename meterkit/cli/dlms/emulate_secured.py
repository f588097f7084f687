"""`meterkit emulate dlms --auth gmac`: a secured client of the emulated meter, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from meterkit.cli.dlms.access import Auth, Protection
from meterkit.cli.dlms.key_source import (
    DEMO_METER_SIGNING,
    DEMO_SIGNING,
    PromptKeys,
    demo_keys,
    key_source,
)
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.security import KeyKind, KeyProvider, SecuritySuite
from meterkit.dlms.security.counters import STOP
from meterkit.dlms.security.keys import private_key_of, public_key_octets
from meterkit.emulator.dlms import (
    ClientConfiguration,
    DlmsEmulatorConfiguration,
    DlmsMeterEmulator,
    SecurityConfiguration,
)
from meterkit.emulator.dlms.configuration import MANAGEMENT_CLIENT, Clearance
from meterkit.emulator.dlms.security_setup import counter_name
from meterkit.errors import MeterFailure, ProtocolFault
from meterkit.wording import flaw_text

_AUTHENTICATIONS: Final = {
    "none": "none",
    "low": "low",
    "high": "hls2",
    "md5": "hls3",
    "sha1": "hls4",
    "gmac": "hls5",
    "sha256": "hls6",
    "ecdsa": "hls7",
}
_COUNTED_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
_COUNTED_A_SECOND: Final = 40  # more than anybody has of it, on and on; so they last three years
_WITH_PASSWORD: Final = ("low", "high", "md5", "sha1", "sha256")
_SYMMETRIC: Final = {
    "encryption_key": KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    "authentication_key": KeyKind.AUTHENTICATION,
    "broadcast_key": KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
    "master_key": KeyKind.MASTER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuredClient:
    """How client 1, the management client, is secured."""

    auth: Auth
    security: Protection
    suite: SecuritySuite
    key_from: str | None  #: None: the demonstration keys


def secured_client(
    auth: Auth | None, security: Protection | None, suite: int | None, key_from: str | None
) -> SecuredClient | None:
    """Return what the flags say, None where they say nothing.  Errors: UsageMistake."""
    if auth is None:
        if security is not None or suite is not None or key_from is not None:
            raise UsageMistake("--security, --suite and --key-from go with --auth, such as --auth gmac")
        return None
    if suite not in (None, 0, 1, 2):
        raise UsageMistake(f"--suite: {suite} came, 0, 1 or 2 is allowed")
    wanted: Protection = security or "authentication-encryption"
    return SecuredClient(auth=auth, security=wanted, suite=SecuritySuite(suite or 0), key_from=key_from)


def with_secured_client(
    configuration: DlmsEmulatorConfiguration, client: SecuredClient
) -> DlmsEmulatorConfiguration:
    """Return the configuration with its management client secured.  Errors: UsageMistake, MeterFailure."""
    source = demo_keys(client.suite) if client.key_from is None else key_source(client.key_from, client.suite)
    if isinstance(source, PromptKeys):
        source.ask(_needed(client))
    try:
        settings = _settings(client, source, configuration.system_title.hex().upper())
        secured = ClientConfiguration(
            sap=MANAGEMENT_CLIENT,
            clearance=Clearance.MANAGER,
            authentication=_AUTHENTICATIONS[client.auth],  # type: ignore[arg-type]  # a Literal
            **settings,
        )
    except ProtocolFault as odd:
        raise MeterFailure(odd.error) from None
    except ValidationError as invalid:
        raise UsageMistake(f"--auth {client.auth}: {flaw_text(invalid, is_quoted=False)}") from None
    others = [one for one in configuration.clients if one.sap != MANAGEMENT_CLIENT]
    return configuration.model_copy(update={"clients": (*others, secured)})


def count_on(meter: DlmsMeterEmulator, now: datetime) -> None:
    """Let the meter's invocation counters begin above those of any run before.

    A meter keeps them, this one has nowhere to; clients remember them, and take none twice.
    """
    first = int((now - _COUNTED_FROM).total_seconds() * _COUNTED_A_SECOND) % STOP
    for keys in meter.security.clients.values():
        for in_use in (keys.unicast, keys.broadcast):
            if in_use is not None and in_use.counters is not None:
                in_use.counters.skip_to(first)


def hints(client: SecuredClient, configuration: DlmsEmulatorConfiguration, url: str) -> Iterator[str]:
    """Yield what a client needs, but the keys."""
    joint = "&" if "?" in url else "?"
    flags = [f"--auth {client.auth}", f"--suite {int(client.suite)}"]
    if client.security != "authentication-encryption":
        flags.append(f"--security {client.security}")
    if client.auth not in ("gmac", "sha256", "ecdsa"):
        flags.append("--allow-weak")
    keys = client.key_from or "demo"
    yield (
        f"secured is client 1: meterkit dlms info '{url}{joint}client=1' {' '.join(flags)} "
        f"--system-title CLIENT01 --key-from {keys}"
    )
    title = configuration.system_title.hex().upper()
    yield f"the meter's system title is {title}, its count of our messages {counter_name(0)}"
    if client.key_from is None:
        yield "its keys are the Green Book's examples, known to everybody: they protect nothing"


def _needed(client: SecuredClient) -> list[KeyKind]:
    kinds = [KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION, KeyKind.MASTER]
    return [*kinds, KeyKind.PASSWORD] if client.auth in _WITH_PASSWORD else kinds


def _settings(client: SecuredClient, source: KeyProvider, meter: str) -> dict[str, Any]:
    """Return password and security.  Errors: UsageMistake; `ProtocolFault` the source can't be used."""
    suite = client.suite
    keys: dict[str, Any] = {name: source.key(meter, kind) for name, kind in _SYMMETRIC.items()}
    if client.auth == "ecdsa":
        if client.key_from not in (None, "demo"):
            raise UsageMistake(
                "--auth ecdsa: the meter's private key is in no client's keys: take demo, or --config"
            )
        if not suite.has_public_keys:
            raise UsageMistake("--auth ecdsa: suite 0 has no signatures; --suite 1 or 2 has")
        size = suite.coordinate_size
        keys["signing_key"] = DEMO_METER_SIGNING[size]
        keys["client_signing_key"] = public_key_octets(private_key_of(suite, DEMO_SIGNING[size]))
    policy = client.security.replace("-", "_")
    security = SecurityConfiguration(suite=int(suite), policy=policy, **keys)  # type: ignore[arg-type]
    settings: dict[str, Any] = {"security": security}
    if client.auth in _WITH_PASSWORD:
        settings["password"] = source.key(meter, KeyKind.PASSWORD)
    return settings
