"""Places of keys that outlast a change of them: what is new is kept before the meter hears of it.

    begin    new keys are kept, pending      crash: the meter has the old ones
             ... transfer ...                crash: the meter has the old ones or the new: both are kept
    finish   new ones in use, former kept

Whoever connects meanwhile by these keys tries the pending ones, too.  Methods block: call them off
the event loop.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast, runtime_checkable

from meterkit.dlms.secured.key_file import SectionChange, change_key_file, read_key_file
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.secured.key_provider import FileKeys, KeyringKeys
from meterkit.dlms.security.key_kinds import KeyKind, KeyProvider
from meterkit.errors import ErrorKind, ProtocolFault, fault

CHANGEABLE: Final = (
    KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    KeyKind.AUTHENTICATION,
    KeyKind.GLOBAL_BROADCAST_ENCRYPTION,
    KeyKind.MASTER,
)
#: What is tried too while keys are being changed: the pending ones.
_OTHERS: Final = {
    KeyKind.OTHER_ENCRYPTION: KeyKind.GLOBAL_UNICAST_ENCRYPTION,
    KeyKind.OTHER_AUTHENTICATION: KeyKind.AUTHENTICATION,
}
_PENDING, _FORMER = "pending", "former"
_WHERE: Final = "keys"


@runtime_checkable
class KeyVault(KeyProvider, Protocol):
    """Where keys are read and kept.  Errors: `ProtocolFault` SECURITY the place can't be used."""

    def pending(self, meter: str) -> Mapping[KeyKind, bytes]:
        """Return the keys of a change that was begun and not finished; none if there is none."""
        ...

    def begin(self, meter: str, keys: Mapping[KeyKind, bytes]) -> None:
        """Keep new keys of `meter` beside those in use; durable before this returns.

        Errors: SECURITY others are pending: the meter may have them.
        """
        ...

    def finish(self, meter: str) -> None:
        """Let the pending keys be those in use, and keep the former ones aside."""
        ...

    def forget(self, meter: str) -> None:
        """Forget the pending keys: the meter never got them."""
        ...


class FileVault(FileKeys):
    """Keys in a TOML file, with sections of their own for pending and former ones.

    `may_be_new`: the file is made when something is kept in it.
    Errors of each: as `FileKeys.key`; SECURITY the file can't be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, may_be_new: bool = False) -> None:
        super().__init__(path)
        self.may_be_new = may_be_new

    def __repr__(self) -> str:
        return f"FileVault({self.path!r})"

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; pending ones as the others to be tried.  See `KeyProvider`."""
        if self.may_be_new and not os.path.exists(self.path):
            return None
        found = super().key(meter, kind)
        return self.pending(meter).get(_OTHERS[kind]) if found is None and kind in _OTHERS else found

    def pending(self, meter: str) -> Mapping[KeyKind, bytes]:
        """Return the keys of an unfinished change; see `KeyVault`."""
        return self._pending_in(read_key_file(self.path), meter)

    def begin(self, meter: str, keys: Mapping[KeyKind, bytes]) -> None:
        """Keep new keys; see `KeyVault`."""

        def changes(table: Mapping[str, object]) -> list[SectionChange]:
            if (pending := self._pending_in(table, meter)) == keys:
                return []
            _check_none_pending(meter, pending)
            return [SectionChange((meter, _PENDING), _written(keys))]

        change_key_file(self.path, changes)

    def finish(self, meter: str) -> None:
        """Use the pending keys; see `KeyVault`."""

        def changes(table: Mapping[str, object]) -> list[SectionChange]:
            fresh = self._pending_in(table, meter)
            former = {kind: key for kind in fresh if (key := self.key(meter, kind)) is not None}
            return (
                [
                    SectionChange((meter,), _written(fresh)),
                    SectionChange((meter, _PENDING), None),
                    SectionChange((meter, _FORMER), _written(former)),
                ]
                if fresh
                else []
            )

        change_key_file(self.path, changes)

    def forget(self, meter: str) -> None:
        """Forget the pending keys; see `KeyVault`."""
        change_key_file(self.path, [SectionChange((meter, _PENDING), None)])

    def _pending_in(self, keys: Mapping[str, object], meter: str) -> dict[KeyKind, bytes]:
        table = keys.get(meter)
        inner = cast("dict[str, object]", table).get(_PENDING) if isinstance(table, dict) else None
        if not isinstance(inner, dict):
            return {}
        written = cast("dict[str, object]", inner)
        return {
            kind: _octets(written[kind.value], f"{self.path}, [{meter}.{_PENDING}] {kind.value}")
            for kind in CHANGEABLE
            if kind.value in written
        }


class KeyringVault(KeyringKeys):
    """Keys in the system's keyring; others as user "meter/kind/pending" and "meter/kind/former".

    Errors of each: as `KeyringKeys.key`.
    """

    def __repr__(self) -> str:
        return f"KeyringVault({self.service!r})"

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; pending ones as the others to be tried.  See `KeyProvider`."""
        found = super().key(meter, kind)
        return self.pending(meter).get(_OTHERS[kind]) if found is None and kind in _OTHERS else found

    def pending(self, meter: str) -> Mapping[KeyKind, bytes]:
        """Return the keys of an unfinished change; see `KeyVault`."""
        found = {kind: self._call("get_password", _user(meter, kind, _PENDING)) for kind in CHANGEABLE}
        return {
            kind: _octets(written, f"keyring {self.service}, {_user(meter, kind, _PENDING)}")
            for kind, written in found.items()
            if written is not None
        }

    def begin(self, meter: str, keys: Mapping[KeyKind, bytes]) -> None:
        """Keep new keys; see `KeyVault`.  A keyring does not keep two programs apart that do so at once."""
        if (pending := self.pending(meter)) != keys:
            _check_none_pending(meter, pending)
        for kind, key in keys.items():
            self._call("set_password", _user(meter, kind, _PENDING), key.hex())

    def finish(self, meter: str) -> None:
        """Use the pending keys; see `KeyVault`.  Cut off in the middle, it may be called again."""
        for kind, fresh in self.pending(meter).items():
            former = self.key(meter, kind)
            if former is not None and former != fresh:
                self._call("set_password", _user(meter, kind, _FORMER), former.hex())
            self._call("set_password", _user(meter, kind), fresh.hex())
            self._delete(meter, kind)

    def forget(self, meter: str) -> None:
        """Forget the pending keys; see `KeyVault`."""
        for kind in self.pending(meter):
            self._delete(meter, kind)

    def _delete(self, meter: str, kind: KeyKind) -> None:
        self._call("delete_password", _user(meter, kind, _PENDING))

    def _call(self, name: str, *words: str) -> object:
        try:
            keyring: Any = importlib.import_module("keyring")
        except ImportError:
            raise _odd("no keyring here: pip install 'meterkit[keyring]'") from None
        try:
            return getattr(keyring, name)(self.service, *words)
        except Exception as broken:  # each backend has errors of its own
            raise _odd(f"keyring {self.service}: {type(broken).__name__}") from None


def _check_none_pending(meter: str, pending: Mapping[KeyKind, bytes]) -> None:
    if pending:
        shown = ", ".join(f"{kind.value} {fingerprint(key)}" for kind, key in pending.items())
        raise _odd(
            f"another change of the keys of {meter} is unfinished ({shown} pending), and the meter may have "
            "them: go on with that one, or forget it, first"
        )


def _user(meter: str, kind: KeyKind, state: str = "") -> str:
    return f"{meter}/{kind.value}/{state}" if state else f"{meter}/{kind.value}"


def _written(keys: Mapping[KeyKind, bytes]) -> dict[str, str]:
    return {kind.value: key.hex() for kind, key in keys.items()}


def _octets(written: object, place: str) -> bytes:
    if isinstance(written, str):
        with contextlib.suppress(ValueError):
            return bytes.fromhex(written)
    raise _odd(f"{place}: hex digits expected")


def _odd(message: str) -> ProtocolFault:
    return fault(ErrorKind.SECURITY, message, where=_WHERE)
