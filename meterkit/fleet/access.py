"""Access: how one meter is reached, which is its transport, its client, and the secrets it wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import anyio.to_thread

from meterkit.address import MeterAddress
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.secured.key_provider import EnvironmentKeys, MemoryKeys
from meterkit.dlms.security.counters import CounterStore
from meterkit.dlms.security.key_kinds import KeyKind, KeyProvider
from meterkit.errors import ErrorKind, ProtocolFault, fault
from meterkit.fleet.meters import KEY_OPTIONS, MeterEntry
from meterkit.fleet.secrets import SecretReference
from meterkit.options import DlmsClientOptions, PsemClientOptions
from meterkit.psem.client import PsemClient
from meterkit.psem.tables import TableRegistry
from meterkit.transport.base import Transport

__all__ = ["Access", "Client", "Dial"]

Client: TypeAlias = PsemClient | DlmsClient
#: Makes the transport to an address, not yet open.
Dial: TypeAlias = Callable[[MeterAddress], Transport]

_KINDS = {kind.value: kind for kind in KEY_OPTIONS}
_NEVER_BLOCK = (MemoryKeys, EnvironmentKeys)


@dataclass(frozen=True, slots=True)
class Access:
    """What all meters of a fleet are reached with."""

    keys: KeyProvider | None = None  #: of DLMS meters, by the entry's id
    passwords: KeyProvider | None = None  #: of all meters, by the entry's id: `KeyKind.PASSWORD`
    counters: CounterStore | None = None  #: of DLMS meters that count messages
    folder: Path | None = None  #: what relative file: references begin from
    dial: Dial = MeterAddress.transport
    registry: TableRegistry = field(default_factory=TableRegistry)  #: one for all, since it never changes

    async def client(
        self, entry: MeterEntry, address: MeterAddress, transport: Transport
    ) -> tuple[Client, bytes | None]:
        """Return a client on `transport`, not yet connected, and the password to connect with.

        Errors: `ProtocolFault` SECURITY a secret cannot be had; STATE settings that do not go together.
        """
        password = await self._password(entry)
        secrets: dict[str, object] = {}
        if isinstance(address.options, DlmsClientOptions):
            if self.keys is not None or entry.keys:
                secrets = await self._keys(entry)
            if self.counters is not None:
                secrets["counters"] = self.counters
        try:
            options = entry.client_options(address, secrets)
        except ValueError as wrong:
            raise fault(ErrorKind.STATE, str(wrong), where=entry.id) from None
        if isinstance(options, DlmsClientOptions):
            return DlmsClient(transport, options), password
        assert isinstance(options, PsemClientOptions)  # an entry leads to nothing else
        return PsemClient(transport, options, self.registry), password

    async def _password(self, entry: MeterEntry) -> bytes | None:
        if entry.password is not None:
            reference = SecretReference.parse(entry.password)
            return await self._of(reference.may_block, lambda: reference.password(self.folder))
        return await self._provided(self.passwords, entry.id, KeyKind.PASSWORD)

    async def _keys(self, entry: MeterEntry) -> dict[str, object]:
        found: dict[str, object] = {}
        for kind, option in KEY_OPTIONS.items():
            key = await self._provided(self.keys, entry.id, kind)
            if key is not None:
                found[option] = key
        for name, written in entry.keys.items():
            reference = SecretReference.parse(written)
            key = await self._of(reference.may_block, lambda one=reference: one.key(self.folder))  # type: ignore[misc]
            found[KEY_OPTIONS[_KINDS[name]]] = key
        return found

    async def _provided(self, provider: KeyProvider | None, meter: str, kind: KeyKind) -> bytes | None:
        if provider is None:
            return None
        may_block = not isinstance(provider, _NEVER_BLOCK)
        return await self._of(may_block, lambda: provider.key(meter, kind))

    async def _of(self, may_block: bool, find: Callable[[], bytes | None]) -> bytes | None:
        """Return what `find` returns, off the event loop where it may block."""
        try:
            return await anyio.to_thread.run_sync(find) if may_block else find()
        except (ProtocolFault, OSError) as refused:
            if isinstance(refused, ProtocolFault):
                raise
            raise fault(ErrorKind.SECURITY, f"its secret cannot be had: {refused.strerror}") from None
