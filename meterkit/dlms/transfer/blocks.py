"""Long requests and answers in numbered blocks: what all such transfers share.

    last-block | block-number from 1 | raw-data          Source: IEC 62056-53, DataBlock-G and DataBlock-SA

A transfer is a pure machine under the association: it takes one response APDU and says what to do next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final, Protocol, TypeAlias

from meterkit.codec.axdr import encode_length
from meterkit.errors import ErrorKind, ProtocolFault, fault

#: Blocks without data, last one aside, that one answer may have.  The standard forbids none, but a meter
#: that sends only such blocks would never end.
EMPTY_BLOCKS: Final = 8
LARGEST_NUMBER: Final = 0xFFFFFFFF  # of a block; 32 bits, with short names 16


@dataclass(frozen=True, slots=True)
class Next:
    """One block went well: send this request for, or with, the next one."""

    request: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """The transfer is done: this response APDU is what a meter without blocks would have sent."""

    response: bytes


#: None: the APDU repeats the block before, drop it and wait on.
Step: TypeAlias = Next | Whole | None


class Transfer(Protocol):
    """One exchange in blocks."""

    def take(self, response: bytes) -> Step:
        """Take a response APDU that carries the exchange's invoke id.

        Errors: ProtocolFault REFUSED the meter gave up, PROTOCOL a wrong block, DECODE no such APDU.
        """
        ...


class AnswerBlocks:
    """The blocks of one long answer as they come in; `limit` bounds their sum, in octets."""

    def __init__(self, limit: int) -> None:
        self.number: int | None = None  #: of the last block taken
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._latest = b""
        self._empties = 0

    def add(self, number: int, raw: bytes, *, is_last: bool) -> bool:
        """Take one block; False if it repeats the one before.

        Errors: ProtocolFault PROTOCOL for a wrong number, too many octets or endless empty blocks.
        """
        if self.number is None:
            # The standard counts from 1; meters that count from 0 exist (gurux-dlms makes room for them).
            if number > 1:
                raise fault(ErrorKind.PROTOCOL, f"the answer begins with block {number}, 1 was expected")
        elif number == self.number and raw == self._latest:
            return False
        elif number != self.number + 1:
            raise fault(ErrorKind.PROTOCOL, f"block {self.number + 1} was expected, block {number} came")
        self.number, self._latest = number, raw
        self._size += len(raw)
        if self._size > self._limit:
            raise fault(
                ErrorKind.PROTOCOL,
                f"the answer has {self._size} octets with block {number}, {self._limit} are allowed",
            )
        if raw:
            self._parts.append(raw)
        elif not is_last:
            self._empties += 1
            if self._empties > EMPTY_BLOCKS:
                raise fault(
                    ErrorKind.PROTOCOL, f"{self._empties} blocks without data up to block {number}, no end"
                )
        return True

    def join(self) -> bytes:
        """Return the data of all blocks: values may span several, so only their sum can be read."""
        return b"".join(self._parts)


def fitting(room: int) -> int:
    """Return how many octets an octet-string may have so that it and its length fit into `room` octets.

    Negative if not even the length fits.
    """
    if room < 1:
        return -1
    widths = (width for width in range(1, room + 1) if len(encode_length(room - width)) <= width)
    return room - next(widths)


class ParameterBlocks:
    """A long parameter, cut into blocks that fit the meter's PDU size.

    `encode_first` and `encode_next` make the request of a block from (number, raw, is_last); the octets
    beside `raw` may not depend on how much of it there is, its length aside.
    Errors: ProtocolFault STATE if the meter's PDU has no room for any data, or if there are more blocks than
    `largest_number`.
    """

    def __init__(
        self,
        raw: bytes,
        max_pdu: int,
        encode_first: Callable[[int, bytes, bool], bytes],
        encode_next: Callable[[int, bytes, bool], bytes],
        *,
        largest_number: int = LARGEST_NUMBER,
    ) -> None:
        self.number = 0  #: of the block sent last
        self._raw = raw
        self._sent = 0  # octets of it
        self._encode_first = encode_first
        self._encode_next = encode_next
        # An empty octet-string takes one octet, its length, which `fitting` counts again.
        self._first_size = fitting(max_pdu - len(encode_first(1, b"", False)) + 1)
        self._next_size = fitting(max_pdu - len(encode_next(2, b"", False)) + 1)
        if self._first_size < 0 or self._next_size < 1:
            needed = max(len(encode_first(1, b"", False)), len(encode_next(2, b"", False)) + 1)
            raise fault(
                ErrorKind.STATE,
                f"the meter takes PDUs of {max_pdu} octets; even in blocks the request needs {needed}",
            )
        self._check_count(max_pdu, largest_number)

    def _check_count(self, max_pdu: int, largest_number: int) -> None:
        """Make sure, before anything is sent, that the last block still has a number."""
        blocks = 1 + ceil(max(len(self._raw) - self._first_size, 0) / self._next_size)
        if blocks > largest_number:
            raise fault(
                ErrorKind.STATE,
                f"{len(self._raw)} octets in PDUs of {max_pdu} make {blocks} blocks, {largest_number} can be "
                "numbered; nothing was sent",
            )

    @property
    def is_done(self) -> bool:
        """Whether the last block has been sent."""
        return self.number > 0 and self._sent >= len(self._raw)

    def next(self) -> bytes:
        """Return the request that carries the next block."""
        self.number += 1
        is_first = self.number == 1
        begin = self._sent
        self._sent += self._first_size if is_first else self._next_size
        is_last = self._sent >= len(self._raw)
        encode = self._encode_first if is_first else self._encode_next
        return encode(self.number, self._raw[begin : self._sent], is_last)

    def acknowledged(self, number: int) -> Step:
        """Return the next block now that the meter acknowledged block `number`.

        Errors: ProtocolFault PROTOCOL for a wrong number, or if the last block was sent and its result due.
        """
        if number == self.number - 1:
            return None
        self.check(number)
        if self.is_done:
            raise fault(
                ErrorKind.PROTOCOL,
                f"the meter acknowledged block {number}, the last, as if more were to come, instead of "
                "telling the result; what became of the request is not known",
            )
        return Next(self.next())

    def check(self, number: int) -> None:
        """Make sure that an answer speaks of the block sent last.  Errors: ProtocolFault PROTOCOL."""
        if number != self.number:
            raise fault(
                ErrorKind.PROTOCOL, f"block {self.number} was sent, the meter acknowledged block {number}"
            )

    def premature(self) -> ProtocolFault:
        """Return the fault of a meter that tells success before it has all of the parameter."""
        return fault(
            ErrorKind.PROTOCOL,
            f"the meter told success after block {self.number}, {self._sent} of {len(self._raw)} octets; "
            "what became of the request is not known",
        )
