"""`meterkit dlms keys rotate`: new keys for one meter, kept before the meter hears of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio
from anyio import to_thread
from rich.table import Table as Grid
from rich.text import Text

from meterkit.cli.console import show
from meterkit.cli.dlms.access import DlmsAccess
from meterkit.cli.dlms.key_source import PromptKeys, key_source, key_vault
from meterkit.cli.dlms.meter import dlms_address, progress
from meterkit.cli.dlms.secured import ask_for_keys
from meterkit.cli.grid import make_grid
from meterkit.cli.interruption import interruptible
from meterkit.cli.output import error_document, print_json
from meterkit.cli.psem.write import confirm
from meterkit.cli.running import FAILED, OK, say_error, say_hint
from meterkit.cli.usage import UsageMistake, find_password
from meterkit.dlms.client import DlmsClient
from meterkit.dlms.secured.key_lookup import look_up
from meterkit.dlms.secured.key_management import KeyManagement
from meterkit.dlms.secured.key_vault import KeyVault
from meterkit.dlms.secured.rotation import (
    KeyChange,
    Rotated,
    RotationPlan,
    RotationStep,
    plan_rotation,
    rotate_keys,
)
from meterkit.dlms.security import KeyKind, KeyProvider
from meterkit.errors import MeterError, MeterFailure, ProtocolFault
from meterkit.options import DlmsClientOptions
from meterkit.result import Err, Ok, Result
from meterkit.transport.base import Transport

_USUAL: Final = (KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which keys, from where, to where."""

    kinds: Sequence[str]
    new_key_from: str | None
    keep_in: str | None
    setup: str
    dry_run: bool
    forget: bool
    yes: bool
    as_json: bool

    @property
    def wanted(self) -> tuple[KeyKind, ...]:
        """The kinds of keys to be changed."""
        return tuple(dict.fromkeys(map(KeyKind, self.kinds))) or _USUAL


def rotate(url: str, access: DlmsAccess, wish: Wish) -> int:
    """Change the keys of one meter; exit status 1 where that failed, with what is known of them since."""
    address, options = dlms_address(url, access)
    meter = _meter(options)
    vault = _vault(options, access, wish)
    if wish.forget:
        return _forget(vault, meter, wish)
    ask_for_keys(options, KeyKind.MASTER)
    try:
        given = _given(wish, meter, options)
        plan = plan_rotation(vault, meter, wish.wanted, given)
    except ProtocolFault as odd:
        raise MeterFailure(odd.error) from None
    if wish.dry_run:
        return _tell_plan(plan, url, wish)
    password = find_password(access.password_file, ask=access.ask_password, most=None)
    _announce(plan, url, wish)

    async def session() -> int:
        with progress(address.transport()) as transport:
            rig = _Rig(transport, options.model_copy(update={"meter": meter}), vault, password)

            async def work() -> int:
                done = await rotate_keys(
                    rig.connect,
                    vault,
                    meter,
                    wish.wanted,
                    suite=options.suite,
                    given=given,
                    security_setup=wish.setup,
                )
                left = await to_thread.run_sync(vault.pending, meter)
                return _tell_end(done, meter, wish, is_pending=bool(left))

            return await interruptible(work, transport)

    return anyio.run(session)


# ---------------------------------------------------------------- keys
def _meter(options: DlmsClientOptions) -> str:
    """Return whose keys they are.  Errors: UsageMistake."""
    title = options.server_system_title
    if options.meter is not None:
        return options.meter
    if title is None:
        raise UsageMistake(
            "say whose keys they are: --meter and the system title of the meter, or whatever its section is "
            "called (--meter default for those of all meters)"
        )
    return title.hex().upper()


def _vault(options: DlmsClientOptions, access: DlmsAccess, wish: Wish) -> KeyVault:
    """Return where new keys are kept, keys in use read from wherever they are.  Errors: UsageMistake."""
    source = options.keys
    if source is None or access.key_from is None:
        raise UsageMistake("say where keys are: --key-from file:PATH, or keyring:SERVICE")
    if wish.keep_in is None:
        if isinstance(source, KeyVault):
            return source
        raise UsageMistake(f"--key-from {access.key_from} can't keep new keys: say --keep-in file:PATH")
    return _VaultOver(key_vault(wish.keep_in, "--keep-in"), source)


class _VaultOver:
    """A vault for what is new, over a source of what is not in it."""

    def __init__(self, vault: KeyVault, source: KeyProvider) -> None:
        self._vault, self._source = vault, source
        self.pending, self.begin = vault.pending, vault.begin
        self.finish, self.forget = vault.finish, vault.forget

    def __repr__(self) -> str:
        return repr(self._vault)

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; see `KeyProvider`."""
        found = self._vault.key(meter, kind)
        return self._source.key(meter, kind) if found is None else found


def _given(wish: Wish, meter: str, options: DlmsClientOptions) -> Mapping[KeyKind, bytes] | None:
    """Return new keys that are there already.  Errors: UsageMistake; `ProtocolFault` as the source's."""
    if wish.new_key_from is None:
        return None
    source = key_source(wish.new_key_from, options.suite, "--new-key-from")
    if isinstance(source, PromptKeys):
        source.ask(wish.wanted)
    given: dict[KeyKind, bytes] = {}
    for kind in wish.wanted:
        key = source.key(meter, kind)
        if key is None:
            raise UsageMistake(f"--new-key-from {wish.new_key_from} has no {kind.value} key for {meter}")
        if len(key) != options.suite.key_size:
            raise UsageMistake(
                f"--new-key-from: the {kind.value} key has {len(key)} octets, suite {int(options.suite)} "
                f"wants {options.suite.key_size}"
            )
        given[kind] = key
    return given


# ---------------------------------------------------------------- the meter
class _Instead:
    """Keys with some in place of others, and no others to be tried."""

    def __init__(self, source: KeyProvider, instead: Mapping[KeyKind, bytes]) -> None:
        self._source, self._instead = source, instead

    def key(self, meter: str, kind: KeyKind) -> bytes | None:
        """Return the key of `meter`; see `KeyProvider`."""
        if kind in (KeyKind.OTHER_ENCRYPTION, KeyKind.OTHER_AUTHENTICATION):
            return None
        return self._instead.get(kind) or self._source.key(meter, kind)


@dataclass(frozen=True, slots=True, repr=False)
class _Rig:
    transport: Transport
    options: DlmsClientOptions
    vault: KeyVault
    password: bytes | None

    @asynccontextmanager
    async def connect(self, instead: Mapping[KeyKind, bytes]) -> AsyncGenerator[Result[KeyManagement]]:
        """Yield a client connected with the vault's keys, or with others instead; or why not."""
        asked = self.options.model_copy(update={"keys": _Instead(self.vault, instead)})
        try:
            options = await to_thread.run_sync(look_up, asked, self.password)
        except ProtocolFault as missing:
            yield Err(missing.error)
            return
        async with DlmsClient(self.transport, options) as client:
            connected = await client.connect(self.password)
            yield connected if isinstance(connected, Err) else Ok(client)


# ---------------------------------------------------------------- what is told
def _forget(vault: KeyVault, meter: str, wish: Wish) -> int:
    try:
        pending = vault.pending(meter)
        if pending:
            confirm(
                f"Forget the pending keys of {meter}? If the meter has them, nobody can read it.", wish.yes
            )
            vault.forget(meter)
    except ProtocolFault as odd:
        raise MeterFailure(odd.error) from None
    names = [kind.value for kind in pending]
    if wish.as_json:
        print_json({"meter": meter, "forgotten": names})
    else:
        show(Text(f"forgotten: {', '.join(names)}" if names else f"nothing is pending for {meter}"))
    return OK


def _announce(plan: RotationPlan, url: str, wish: Wish) -> None:
    names = ", ".join(change.kind.value for change in plan.changes)
    if plan.step is RotationStep.RESUME:
        confirm(f"Go on with the unfinished change ({names}) of {plan.meter} at {url}?", wish.yes)
    else:
        confirm(f"Give {plan.meter} at {url} new keys ({names})?", wish.yes)


def _tell_plan(plan: RotationPlan, url: str, wish: Wish) -> int:
    if wish.as_json:
        document = {"meter": plan.meter, "url": url, "setup": wish.setup, "step": plan.step}
        print_json({**document, "changes": _documents(plan.changes), "dry_run": True})
        return OK
    show(
        Text(f"would {plan.step.value}"),
        Text(f"meter {plan.meter} at {url}, Security setup {wish.setup}"),
        _grid(plan.changes),
        Text("a new encryption key begins with invocation counters above those of the old one"),
        Text("nothing was changed, and no meter was called"),
    )
    return OK


def _tell_end(done: Result[Rotated], meter: str, wish: Wish, *, is_pending: bool) -> int:
    if isinstance(done, Err):
        return _tell_failure(done.error, wish, is_pending=is_pending)
    rotated = done.value
    if wish.as_json:
        document = {"meter": meter, "outcome": rotated.outcome, "setup": wish.setup}
        print_json({**document, "changes": _documents(rotated.changes)})
        return OK
    show(Text(f"{meter}: {rotated.outcome.value}; these are the keys in use"), _grid(rotated.changes))
    return OK


def _tell_failure(error: MeterError, wish: Wish, *, is_pending: bool) -> int:
    if wish.as_json:
        print_json(error_document(error))
    say_error(str(error))
    if is_pending:
        say_hint("the new keys are kept, pending: the same command goes on with them, --forget drops them")
    return FAILED


def _grid(changes: Sequence[KeyChange]) -> Grid:
    rows = [(one.kind.value, one.old or "none", one.new or "to be made") for one in changes]
    return make_grid(("key", "old fingerprint", "new fingerprint"), rows)


def _documents(changes: Sequence[KeyChange]) -> list[dict[str, str | None]]:
    return [{"key": one.kind.value, "old": one.old, "new": one.new} for one in changes]
