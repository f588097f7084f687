"""Which of the meter's counters came already, kept so that no crash lets one come again.

    challenge       a crash may lose what came since the last note, but an old AARE needs a proof that
                    answers a challenge just made: only the meter has it, and its answer carries a counter
                    above all it ever sent.  Noted with each block of ours, and at the end.
    none, LLS       nothing is fresh: noted on disk before a message is handed on, 1.2 ms each
    broadcast key   proofs say nothing of it: noted before a push is handed on

Blocks reserved ahead, as for our own counters, would have a crash refuse what the meter says next.
Without tags (encryption only) counters can be altered on the way, and nothing here helps.
"""

from __future__ import annotations

from dataclasses import dataclass

from meterkit.dlms.secured.counter_supply import CounterSupply, note_quietly
from meterkit.dlms.security import Cipher, ExpectedKey, KeyInUse


@dataclass(slots=True)
class _Kept:
    """One key's counter, and how much of it is on disk."""

    in_use: KeyInUse | ExpectedKey
    supply: CounterSupply
    noted: int | None


class ReceivedCounters:
    """What came by the keys of one association; `sender` is the meter."""

    def __init__(self, sender: bytes) -> None:
        self._sender = sender
        self._all: list[_Kept] = []
        self._at_once: list[_Kept] = []  # of them, those that are noted before anything is handed on

    async def load(
        self, in_use: KeyInUse | ExpectedKey, supply: CounterSupply, *, is_noted_at_once: bool
    ) -> None:
        """Go on from what is on disk of a key.  Errors: `ProtocolFault` SECURITY it can't be read."""
        in_use.received = await supply.received(self._sender)
        kept = _Kept(in_use, supply, in_use.received)
        self._all.append(kept)
        if is_noted_at_once:
            self._at_once.append(kept)

    @property
    def is_behind(self) -> bool:
        """Whether something came that has to be noted before it is handed on."""
        return bool(self._at_once) and any(one.in_use.received != one.noted for one in self._at_once)

    async def keep(self) -> None:
        """Return once that is on disk.  Errors: `ProtocolFault` SECURITY it can't be written."""
        for one in self._at_once:
            received = one.in_use.received
            if received is not None and received != one.noted:
                await one.supply.note_received(self._sender, received)
                one.noted = received

    def begin_to_keep(self) -> None:
        """Begin to note what need not be on disk at once."""
        for one in self._all:
            if one.in_use.received is not None and one.in_use.received != one.noted:
                one.supply.keep_received(self._sender, one.in_use.received)

    async def finish(self) -> None:
        """Note what came last; a failure is logged, and stops nothing."""
        for one in self._all:
            if one.in_use.received is not None and one.in_use.received != one.noted:
                await note_quietly(one.supply, self._sender, one.in_use.received)

    async def change(self, cipher: Cipher, supply: CounterSupply, noted: int | None) -> None:
        """Keep what came by the former unicast key, and count anew by the one in `supply`.

        `noted`: what is on disk of the new key.  Errors: `ProtocolFault` SECURITY.
        """
        self.drop_expected()
        for one in self._all:
            if one.in_use is cipher.unicast and one.supply is not supply:
                if cipher.unicast.previous_received is not None:
                    await one.supply.note_received(self._sender, cipher.unicast.previous_received)
                one.supply, one.noted = supply, noted

    def drop_expected(self) -> None:
        """Keep no longer what came by a key that was expected."""
        self._all = [one for one in self._all if not isinstance(one.in_use, ExpectedKey)]
        self._at_once = [one for one in self._at_once if not isinstance(one.in_use, ExpectedKey)]
