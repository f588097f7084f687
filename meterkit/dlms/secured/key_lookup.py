"""What a client's options leave to its `KeyProvider`, looked up when it connects.

    options.keys = FileKeys("keys.toml"), options.meter = None, server_system_title = 4D4D4D0000BC614E
    -> key("4D4D4D0000BC614E", ENCRYPTION), ...   what is given in the options itself goes first

Looked up anew at every `connect`: who rotates keys need not restart anything.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from pydantic import ValidationError

from meterkit.dlms.acse.apdus import AuthenticationMechanism
from meterkit.dlms.secured.key_provider import EVERY_METER
from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.errors import ErrorKind, fault
from meterkit.options import DlmsClientOptions

#: Encryption key and authentication key, which is None where nothing is authenticated.
KeyPair: TypeAlias = tuple[bytes, bytes | None]
_WHERE: Final = "keys"
_KINDS: Final = {
    "encryption_key": KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    "authentication_key": KeyKind.AUTHENTICATION,
    "broadcast_key": KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
    "master_key": KeyKind.MASTER,
    "signing_key": KeyKind.SIGNING,
    "agreement_key": KeyKind.AGREEMENT,
    "server_signing_key": KeyKind.SERVER_SIGNING,
    "server_agreement_key": KeyKind.SERVER_AGREEMENT,
    "other_encryption_key": KeyKind.OTHER_ENCRYPTION,
    "other_authentication_key": KeyKind.OTHER_AUTHENTICATION,
}
#: Asked for wherever there is ciphering: what a meter pushes with, and keys in the middle of a change.
_WELCOME: Final = ("broadcast_key", "other_encryption_key", "other_authentication_key")


def meter_name(options: DlmsClientOptions) -> str:
    """Return what the provider calls the meter."""
    title = options.server_system_title
    return options.meter or (EVERY_METER if title is None else title.hex().upper())


def look_up(options: DlmsClientOptions, password: bytes | None = None) -> DlmsClientOptions:
    """Return the options with what their provider knows, and without it; `password` is given already.

    Blocks, as providers may.
    Errors: `ProtocolFault` SECURITY the provider can't be used, has not all that is needed, or something
    that doesn't fit.
    """
    provider = options.keys
    if provider is None:
        return options
    meter = meter_name(options)
    wanted = {name: _KINDS[name] for name in options.needed_keys}
    if options.counts_messages:
        wanted |= {name: _KINDS[name] for name in _WELCOME}
    if options.needs_password and password is None:
        wanted["password"] = KeyKind.PASSWORD
    found = {
        name: provider.key(meter, kind) for name, kind in wanted.items() if getattr(options, name) is None
    }
    known: dict[str, object] = {name: value for name, value in options if name not in ("keys", *found)}
    if missing := [name for name in found if found[name] is None and name not in _WELCOME]:
        kinds = ", ".join(wanted[name].value for name in missing)
        told = f"meter {meter}: {type(provider).__name__} has nothing for: {kinds}"
        if meter == EVERY_METER:
            told += "; say whose keys they are (meter, or server_system_title), if the meter has its own"
        raise fault(ErrorKind.SECURITY, told, where=_WHERE)
    try:
        return DlmsClientOptions.model_validate(known | found)
    except ValidationError as odd:  # its words show no input
        told = "; ".join(str(error["msg"]).removeprefix("Value error, ") for error in odd.errors())
        raise fault(ErrorKind.SECURITY, f"meter {meter}: {told}", where=_WHERE) from None


def key_pairs(options: DlmsClientOptions) -> list[KeyPair | None]:
    """Return encryption and authentication key, and the pair to try if the meter doesn't know them."""
    if options.encryption_key is None:
        return [None]
    pairs: list[KeyPair | None] = [(options.encryption_key, options.authentication_key)]
    if options.other_encryption_key is not None or options.other_authentication_key is not None:
        pairs.append(
            (
                options.other_encryption_key or options.encryption_key,
                options.other_authentication_key or options.authentication_key,
            )
        )
    return pairs


def check_secret(mechanism: AuthenticationMechanism, secret: bytes | None) -> None:
    """Make sure that there is a secret where the mechanism needs one, and that it is not too long.

    Raises: ValueError.
    """
    if mechanism not in _WITH_SECRET:
        return
    if not secret:
        raise ValueError(f"{mechanism.name} needs a password, the secret shared with the meter")
    if mechanism is AuthenticationMechanism.HIGH_LEVEL_SECURITY and len(secret) > _LONGEST_SECRET:
        raise ValueError(f"the secret of {mechanism.name} has at most {_LONGEST_SECRET} octets")


_LONGEST_SECRET: Final = 16  # octets of an AES-128 key
_WITH_SECRET: Final = frozenset(
    (
        AuthenticationMechanism.HIGH_LEVEL_SECURITY,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_MD5,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA1,
        AuthenticationMechanism.HIGH_LEVEL_SECURITY_SHA256,
    )
)
