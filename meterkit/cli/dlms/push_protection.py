"""`meterkit dlms listen --key-from`: the flags become what a listener opens pushes with."""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.cli.decode_keys import parse_title
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.key_source import PromptKeys, key_source
from meterkit.cli.usage import UsageMistake
from meterkit.dlms.push.protection import PushProtection
from meterkit.dlms.secured.counter_store import SqliteCounterStore
from meterkit.dlms.security import KeyKind, KeyProvider, Security, SecuritySuite

_STRONGEST = "authentication-encryption"


@dataclass(frozen=True, slots=True)
class _OneMeter:
    """Keys of a source under one name, whoever pushes."""

    source: KeyProvider
    name: str

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return a key of the one meter; see `KeyProvider`."""
        return self.source.key(self.name, kind)


def push_protection(access: DlmsAccess, sender: str | None) -> PushProtection | None:
    """Return what pushes are opened with; None without keys.  Errors: UsageMistake."""
    if access.key_from is None:
        if sender is not None:
            raise UsageMistake("--sender goes with --key-from, which says where keys are")
        return None
    try:
        suite = SecuritySuite(access.suite or 0)
    except ValueError:
        raise UsageMistake(f"--suite: {access.suite} came, 0, 1 or 2 is allowed") from None
    keys = key_source(access.key_from, suite)
    if isinstance(keys, PromptKeys):
        keys.ask((KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION))
    title = None if access.system_title is None else parse_title(access.system_title, "--system-title")
    return PushProtection(
        keys=keys if access.meter is None else _OneMeter(keys, access.meter),
        security=Security[(access.security or _STRONGEST).upper().replace("-", "_")],
        suite=suite,
        counters=None if access.counters is None else SqliteCounterStore(access.counters),
        system_title=title,
        senders=None if sender is None else parse_title(sender, "--sender"),
    )
