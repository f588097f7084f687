"""Invocation counters: the four octets that make every nonce of a key new.

    nonce = system title (8) | invocation counter (4)

A counter used twice with one key gives both messages away, and the key of the tags with them.  So numbers
are reserved in blocks where they outlast a crash, before the first is used, and none is used again.
Here is what the pure rooms need of that; the stores are in `meterkit.dlms.secured.counter_store`.
Source: Green Book 9.2; NIST SP 800-38D 8.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from meterkit.dlms.security.key_kinds import KeyKind
from meterkit.errors import ErrorKind, MeterError, ProtocolFault, fault

ALARM: Final = 2_000_000_000  # from here on every reservation warns: the key should be changed soon
STOP: Final = 0xFFFFFFFF  # never sent: no counter above it could follow


@dataclass(frozen=True, slots=True)
class CounterName:
    """Whose counter it is.  A nonce names the sender alone, so meters that share a key share `meter`."""

    meter: bytes  #: the meter's system title, or whatever else names the meter, or the group sharing a key
    client: bytes  #: the system title of the sender
    kind: KeyKind = KeyKind.GLOBAL_UNICAST_ENCRYPTION

    @property
    def words(self) -> str:
        """For messages."""
        return f"{self.kind.words} between {self.client.hex()} and {self.meter.hex()}"


class CounterBlock:
    """Numbers from `first` up to but not `end`, ours alone, each handed out once."""

    __slots__ = ("__weakref__", "_end", "_further", "_next", "left")

    def __init__(self, first: int, end: int) -> None:
        if not 0 <= first <= end <= STOP:
            raise ValueError(f"counters {first} to {end}: 0 to {STOP} expected, in order")
        self._next = first
        self._end = end
        self._further: deque[tuple[int, int]] = deque()
        self.left = end - first  #: how many numbers can still be taken; each message asks for it

    def __repr__(self) -> str:
        return f"CounterBlock(next {self._next}, {self.left} left)"

    def take(self) -> int:
        """Return the next number.

        Errors: `ProtocolFault` SECURITY none is left: nothing may be sent until a block was reserved.
        """
        number = self._next
        if number >= self._end:
            if not self._further:
                raise fault(
                    ErrorKind.SECURITY, "no invocation counter is reserved any more; nothing was sent"
                )
            self._go_on()
            number = self._next
        self._next = number + 1
        self.left -= 1
        return number

    def add(self, block: CounterBlock) -> None:
        """Put the numbers of another block behind these; that block is empty from now on.

        Raises: ValueError when they are not higher.
        """
        last = self._further[-1][1] if self._further else self._end
        if block._next < last:
            raise ValueError(f"counters from {last} on expected, not from {block._next}")
        for first, end in ((block._next, block._end), *block._further):
            if first < end:
                self._further.append((first, end))
                self.left += end - first
        block.void()

    def skip_to(self, number: int) -> None:
        """Leave out all numbers below `number`: the other end has seen higher ones.  Never goes back."""
        while self._further and self._end <= number:
            self._go_on()
        first, self._next = self._next, min(max(self._next, number), self._end)
        self.left -= self._next - first

    def void(self) -> None:
        """Give up all numbers left, for good."""
        self._further.clear()
        self.left = 0
        self._next = self._end

    def _go_on(self) -> None:
        """Give up what is left of these numbers for the first of those behind."""
        self.left -= self._end - self._next
        self._next, self._end = self._further.popleft()


class SeenBefore(ProtocolFault):
    """A message that was verified, and bears a number that its sender used before."""


class StaleCounter(SeenBefore):
    """A received counter that does not rise: a message played back, or a peer that lost count."""

    def __init__(self, came: int, expected: int, where: str) -> None:
        super().__init__(
            MeterError(
                ErrorKind.SECURITY,
                f"invocation counter {expected} or higher expected, {came} came: the message was seen "
                "before, or its sender lost count",
                where=where,
            )
        )
        self.came = came
        self.expected = expected  #: the lowest that is taken; what D8 01 06 tells


class CounterStore(Protocol):
    """Where invocation counters outlast the program.  Methods block: call them off the event loop."""

    def reserve(self, name: CounterName, count: int) -> CounterBlock:
        """Return `count` numbers never handed out before; durable before this returns.

        Errors: `ProtocolFault` SECURITY the store is down, or the counter came to its end.
        """
        ...

    def raise_to(self, name: CounterName, number: int, *, is_trusted: bool = False) -> None:
        """Hand out no number below `number` any more; a lower one changes nothing.

        What the meter told without proof may not use the counter up: beyond the alarm `is_trusted` is needed.
        Errors: `ProtocolFault` SECURITY.
        """
        ...

    def received(self, name: CounterName) -> int | None:
        """Return the highest counter received with this key; None before the first.  Errors: SECURITY."""
        ...

    def note_received(self, name: CounterName, number: int) -> None:
        """Keep the highest counter received, once its tag is verified; a lower one changes nothing.

        Errors: `ProtocolFault` SECURITY.
        """
        ...
