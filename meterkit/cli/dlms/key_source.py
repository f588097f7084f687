"""Where keys come from on the command line: env:NAME, file:PATH, keyring:SERVICE, prompt, demo."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from meterkit.cli.usage import UsageMistake
from meterkit.dlms.secured.key_provider import EVERY_METER, EnvironmentKeys, MemoryKeys
from meterkit.dlms.secured.key_vault import FileVault, KeyringVault, KeyVault
from meterkit.dlms.security import KeyKind, KeyProvider, SecuritySuite
from meterkit.dlms.security.keys import private_key_of, public_key_octets

SPELLINGS: Final = "env:NAME, file:PATH, keyring:SERVICE, prompt or demo"
#: Private keys of the demonstration: the client's and the meter's.  They protect nothing.
DEMO_SIGNING: Final = {size: b"\x11" * size for size in (32, 48)}
DEMO_METER_SIGNING: Final = {size: b"\x21" * size for size in (32, 48)}


class PromptKeys:
    """Keys that are asked for at the terminal, before the meter is called."""

    def __init__(self) -> None:
        self._keys: dict[KeyKind, bytes] = {}

    def __repr__(self) -> str:
        return "prompt"

    def ask(self, kinds: Iterable[KeyKind]) -> None:
        """Ask for keys in hex; nothing of them is echoed.  Errors: UsageMistake."""
        from getpass import getpass

        for kind in kinds:
            if kind in self._keys:
                continue
            if not sys.stdin.isatty():
                raise UsageMistake("--key-from prompt needs a terminal to ask at; use file: or env:")
            try:
                self._keys[kind] = bytes.fromhex(getpass(f"{kind.words}, in hex: "))
            except ValueError:
                raise UsageMistake(f"the {kind.words} that was typed is no hex") from None

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return a key that was asked for; see `KeyProvider`."""
        return self._keys.get(kind)


def key_source(spelled: str, suite: SecuritySuite, option: str = "--key-from") -> KeyProvider:
    """Return the source that was named.  Errors: UsageMistake, which shows no key typed by mistake."""
    kind, _, place = spelled.partition(":")
    match kind:
        case "env" if place:
            return EnvironmentKeys(place)
        case "file" if place:
            if not Path(place).is_file():
                raise UsageMistake(f"{option}: there is no file {place}")
            return FileVault(place)
        case "keyring":
            return KeyringVault(place or "meterkit")
        case "prompt" if not place:
            return PromptKeys()
        case "demo" if not place:
            return demo_keys(suite)
        case _:
            raise UsageMistake(f"{option} takes {SPELLINGS}; a key itself never stands on a command line")


def key_vault(spelled: str, option: str) -> KeyVault:
    """Return a source that keys can be written to; a file need not be there.

    Errors: UsageMistake, which shows no key typed by mistake.
    """
    kind, _, place = spelled.partition(":")
    match kind:
        case "file" if place:
            return FileVault(place, may_be_new=True)
        case "keyring":
            return KeyringVault(place or "meterkit")
        case _:
            named = f" {spelled}" if kind in ("env", "prompt", "demo") else ""
            raise UsageMistake(f"{option}{named}: new keys have to be kept, which file: and keyring: can")


def demo_keys(suite: SecuritySuite) -> MemoryKeys:
    """Return the keys of `meterkit emulate dlms` for its own client: the Green Book's, known to everybody."""
    from meterkit.emulator import dlms as emulated  # no other source needs the emulator

    keys = {
        KeyKind.GLOBAL_UNICAST_ENCRYPTION: emulated.DEMO_ENCRYPTION_KEY,
        KeyKind.AUTHENTICATION: emulated.DEMO_AUTHENTICATION_KEY,
        KeyKind.GLOBAL_BROADCAST_ENCRYPTION: emulated.DEMO_BROADCAST_KEY,
        KeyKind.MASTER: emulated.DEMO_MASTER_KEY,
    }
    demo = {kind: (key * 2)[: suite.key_size] for kind, key in keys.items()}
    demo[KeyKind.PASSWORD] = emulated.DEMO_PASSWORD
    if suite.has_public_keys:
        size = suite.coordinate_size
        meter = private_key_of(suite, DEMO_METER_SIGNING[size])
        demo[KeyKind.SIGNING] = DEMO_SIGNING[size]
        demo[KeyKind.SERVER_SIGNING] = public_key_octets(meter)
    return MemoryKeys({(EVERY_METER, kind): key for kind, key in demo.items()})
