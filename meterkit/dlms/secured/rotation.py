"""New keys for one meter, so that a crash at any moment leaves everything recoverable.

    connect -> keep the new keys, pending -> transfer -> read by them -> they are the keys in use
         cut off here: the next rotation finds the pending keys, finds out which the meter has, and goes on

Nothing is transferred twice but where a person begins the rotation again.  Source: Blue Book, class 64,
key_transfer; the order of the steps is ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Final

from anyio import to_thread

from meterkit.dlms.refusals import ResultRefusal
from meterkit.dlms.secured.certificate_calls import DEFAULT_SETUP, SecuritySetupName
from meterkit.dlms.secured.key_fingerprint import fingerprint
from meterkit.dlms.secured.key_management import KeyManagement
from meterkit.dlms.secured.key_vault import CHANGEABLE, KeyVault
from meterkit.dlms.security import KeyKind, SecuritySuite
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault
from meterkit.result import Err, Ok, Result

_OF_ASSOCIATION: Final = frozenset((KeyKind.GLOBAL_UNICAST_ENCRYPTION, KeyKind.AUTHENTICATION))
_WHERE: Final = "rotation"

#: Makes a client, connected with these keys in place of those in use; the Result tells how that went.
Connect = Callable[[Mapping[KeyKind, bytes]], AbstractAsyncContextManager[Result[KeyManagement]]]


class RotationStep(Enum):
    """What a rotation has to do."""

    ANEW = "make new keys and transfer them"
    RESUME = "go on with a change that was begun: find out which keys the meter has"


class RotationOutcome(Enum):
    """What a rotation did."""

    TRANSFERRED = "transferred"
    FOUND = "the meter had taken them already"


@dataclass(frozen=True, slots=True)
class KeyChange:
    """One key by its fingerprints."""

    kind: KeyKind
    old: str | None  #: None: there was none
    new: str | None  #: None: not made yet


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """What would be done."""

    meter: str
    step: RotationStep
    changes: tuple[KeyChange, ...]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What was done."""

    meter: str
    outcome: RotationOutcome
    changes: tuple[KeyChange, ...]


def plan_rotation(
    vault: KeyVault, meter: str, kinds: Sequence[KeyKind], given: Mapping[KeyKind, bytes] | None = None
) -> RotationPlan:
    """Return what a rotation of these keys would do; nothing is changed and no meter is called.

    `given`: new keys that are there already.  Errors: `ProtocolFault` SECURITY the vault can't be read, a
    master key is missing, or an unfinished change is of other keys.
    """
    if vault.key(meter, KeyKind.MASTER) is None:
        raise fault(ErrorKind.SECURITY, f"no master key of {meter}: it wraps the new ones", where=_WHERE)
    pending = vault.pending(meter)
    if pending and given:
        raise fault(
            ErrorKind.SECURITY,
            "a change of keys is unfinished: go on with it first, without new keys of your own",
            where=_WHERE,
        )
    fresh = pending or given or {}
    wanted = [kind for kind in CHANGEABLE if kind in (pending or kinds)]
    changes = [KeyChange(kind, _shown(vault.key(meter, kind)), _shown(fresh.get(kind))) for kind in wanted]
    return RotationPlan(meter, RotationStep.RESUME if pending else RotationStep.ANEW, tuple(changes))


async def rotate_keys(
    connect: Connect,
    vault: KeyVault,
    meter: str,
    kinds: Sequence[KeyKind],
    *,
    suite: SecuritySuite,
    given: Mapping[KeyKind, bytes] | None = None,
    security_setup: SecuritySetupName = DEFAULT_SETUP,
) -> Result[Rotated]:
    """Give the meter new keys of these kinds, or go on with a change that was begun.

    Errors: SECURITY the vault, the keys, or a meter that answers and goes on with the old keys; as
    `KeyManagement.transfer_keys`.  The pending keys stay in the vault until it is known what became of them.
    """
    try:
        plan = await to_thread.run_sync(plan_rotation, vault, meter, kinds, given)
        is_anew = plan.step is RotationStep.ANEW
        fresh = await to_thread.run_sync(vault.pending, meter)
        if is_anew:
            fresh = given or {kind: secrets.token_bytes(suite.key_size) for kind in kinds}
        master = await to_thread.run_sync(vault.key, meter, KeyKind.MASTER)
        if master is None:
            raise fault(ErrorKind.SECURITY, f"no master key of {meter}", where=_WHERE)
        change = _Change(connect, vault, meter, fresh, master, security_setup)
        done = await (change.made() if is_anew else change.resumed())
        if isinstance(done, Err):
            return done
        changes = await to_thread.run_sync(partial(_changes, vault, meter, fresh))
        await to_thread.run_sync(_keep, vault, meter, fresh)
    except ProtocolFault as odd:
        return Err(odd.error)
    return Ok(Rotated(meter, done.value, changes))


@dataclass(frozen=True, slots=True, repr=False)
class _Change:
    """One change under way."""

    connect: Connect
    vault: KeyVault
    meter: str
    fresh: Mapping[KeyKind, bytes]
    master: bytes
    setup: SecuritySetupName

    async def made(self) -> Result[RotationOutcome]:
        """Keep the keys, once there is an association with those in use, and transfer them."""
        async with self.connect({}) as connected:
            if isinstance(connected, Err):
                return connected
            await to_thread.run_sync(self.vault.begin, self.meter, self.fresh)
            return await self._transfer(connected.value, self.master)

    async def resumed(self) -> Result[RotationOutcome]:
        """Find out which keys the meter has, and transfer the pending ones if it has not taken them."""
        async with self.connect({}) as connected:
            if isinstance(connected, Ok):
                done = await self._transfer(connected.value, self.master)
                is_wrapped_anew = isinstance(done, Err) and done.error.kind is ErrorKind.REFUSED
                if is_wrapped_anew and KeyKind.MASTER in self.fresh:  # the master key may be the one it took
                    return await self._transfer(connected.value, self.fresh[KeyKind.MASTER])
                return done
        if connected.error.kind is not ErrorKind.SECURITY or not _OF_ASSOCIATION & set(self.fresh):
            return connected
        async with self.connect(self.fresh) as taken:
            if isinstance(taken, Ok):
                return Ok(RotationOutcome.FOUND)
            told = f"with the keys in use: {connected.error.message}; with the pending ones: "
            return Err(replace(taken.error, message=f"{told}{taken.error.message}"))

    async def _transfer(self, client: KeyManagement, master: bytes) -> Result[RotationOutcome]:
        done = await client.transfer_keys(self.fresh, master_key=master, security_setup=self.setup)
        if isinstance(done, Err):
            return done
        proof = await client.read_security_setup(self.setup)  # by the new keys, a "no" too
        if isinstance(proof, Err) and not isinstance(proof.error, ResultRefusal):
            return Err(_unproved(proof.error))
        return Ok(RotationOutcome.TRANSFERRED)


def _keep(vault: KeyVault, meter: str, fresh: Mapping[KeyKind, bytes]) -> None:
    """Let these be the keys in use: the meter has them, even if somebody had them forgotten meanwhile."""
    if not vault.pending(meter) and all(vault.key(meter, kind) == key for kind, key in fresh.items()):
        return  # another program went on with the same change, and was faster
    vault.begin(meter, fresh)
    vault.finish(meter)


def _unproved(error: MeterError) -> MeterError:
    return replace(
        error,
        message=f"the meter answered that it took the keys, but nothing could be read by them: "
        f"{error.message}. They stay pending: rotate once more to find out which it has",
    )


def _changes(vault: KeyVault, meter: str, fresh: Mapping[KeyKind, bytes]) -> tuple[KeyChange, ...]:
    return tuple(
        KeyChange(kind, _shown(vault.key(meter, kind)), fingerprint(key)) for kind, key in fresh.items()
    )


def _shown(key: bytes | None) -> str | None:
    return None if key is None else fingerprint(key)
