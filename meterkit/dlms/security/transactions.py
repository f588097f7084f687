"""Transaction ids: which answer belongs to which request, and that nothing is taken twice.

    ours        8 octets, from an invocation counter: never the same again
    an answer   has the id of the request under way, once
    the rest    pushes, and requests a meter gets: ids that rise

Source: Green Book 9.5 (transaction-id); that they have to rise is ours.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.security.counters import SeenBefore
from meterkit.errors import ErrorKind, MeterError

SIZE: Final = 8  # octets


class Transactions:
    """What is awaited, and what was taken."""

    __slots__ = ("_answered", "_awaited", "received", "takes_unasked")

    def __init__(self, *, takes_unasked: bool = True) -> None:
        self._awaited: bytes | None = None
        self._answered = b""  # the id that was awaited last: it comes once
        #: Whether anything but answers is taken.  Where the id alone stands against replay it must not be,
        #: unless `received` outlasts the association.
        self.takes_unasked = takes_unasked
        self.received: int | None = None  #: the highest id that the other end began with

    def begin(self, number: int) -> bytes:
        """Return the id of a request of ours, whose answer is awaited from now on."""
        self._awaited = number.to_bytes(SIZE, "big")
        return self._awaited

    def accept(self, transaction_id: bytes) -> None:
        """Take the id of a message that was verified.

        Errors: `SeenBefore` neither the awaited one nor higher than all before.
        """
        if transaction_id and transaction_id == self._awaited:
            self._awaited, self._answered = None, transaction_id
            return
        number = int.from_bytes(transaction_id, "big")
        is_new = bool(transaction_id) and transaction_id != self._answered
        may_be_unasked = self.takes_unasked and self._awaited is None
        if is_new and may_be_unasked and (self.received is None or number > self.received):
            self.received = number
            return
        if self._awaited is not None:
            expected = self._awaited.hex()
        elif not self.takes_unasked:
            expected = "an answer's"
        else:
            expected = "one" if self.received is None else f"one above {self.received:016x}"
        came = transaction_id.hex() or "none"
        raise SeenBefore(
            MeterError(
                ErrorKind.SECURITY, f"{expected} expected, {came} came: seen before?", where="transaction id"
            )
        )
