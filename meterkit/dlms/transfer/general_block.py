"""General block transfer: any APDU, either way, in blocks that are numbered and acknowledged.

    E0 | last, streaming, window | block-number | block-number-ack | block-data
         1     1          6 bits   16 bits        16 bits            octet-string

A sender may send `window` blocks of its peer's without waiting: all but the last of them say "streaming".
Then it is the other's turn, who sends blocks of its own or one without data; block-number-ack names the
last block up to which none is missing, and the sender goes on from there, sending lost ones again.
Window 0 is a transfer nobody acknowledges: a push.  Source: Green Book 9.4.6.13.

Where the line below sends nothing twice (WRAPPER, over UDP above all), a lost block or acknowledgement is
silence.  In the middle of an answer the acknowledgement then goes again: it names the last block that is
here, so it does no harm twice.  Blocks of a request go again only where the peer's own block-number-ack shows
that they did not arrive.
"""

from __future__ import annotations

from typing import Final

from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.errors import ErrorKind, fault

LARGEST_WINDOW: Final = 63  # blocks; 6 bits
LARGEST_NUMBER: Final = 0xFFFF  # of a block; 16 bits
OVERHEAD: Final = 9  # octets: tag, control, two numbers and a length of up to 3 octets
PATIENCE: Final = 4  # turns that may pass without any progress, either way
REPEATS: Final = 3  # times that an acknowledgement goes again into silence


class IncomingBlocks:
    """The blocks of one APDU as they come in, in any order; `limit` bounds their sum, in octets."""

    def __init__(self, limit: int) -> None:
        self.received = 0  #: the last block up to which none is missing
        self._limit = limit
        self._parts: list[bytes] = []
        self._ahead: dict[int, bytes] = {}  # blocks behind a gap
        self._size = 0
        self._last: int | None = None

    @property
    def has_data(self) -> bool:
        """Whether any octet of the APDU has come."""
        return self._size > 0

    @property
    def progress(self) -> int:
        """How many blocks with data are here, none missing."""
        return len(self._parts)

    def add(self, block: GeneralBlockTransfer) -> bool:
        """Take one block, and tell whether it is new; one that came before is dropped.

        Errors: ProtocolFault PROTOCOL for a block that cannot belong here, or too many octets.
        """
        number = block.block_number
        if block.data and not self._size and number <= self.received:
            # What came before had no data: a meter that numbers its answer anew after its acknowledgements.
            self.received = 0
        if number <= self.received or number in self._ahead:
            return False
        if number > self.received + LARGEST_WINDOW or (self._last is not None and number > self._last):
            raise fault(ErrorKind.PROTOCOL, self._out_of_place(number))
        self._size += len(block.data)
        if self._size > self._limit:
            raise fault(
                ErrorKind.PROTOCOL,
                f"{self._size} octets with block {number}, more than the {self._limit} allowed",
            )
        # Until data has come, a block without any acknowledges ours, whatever else it says.
        if block.is_last and self._size:
            self._last = number
        self._ahead[number] = block.data
        while (data := self._ahead.pop(self.received + 1, None)) is not None:
            self.received += 1
            if data:
                self._parts.append(data)
        return True

    def _out_of_place(self, number: int) -> str:
        came = f"block {number} came, {self.received + 1} was to be next"
        return came if self._last is None else f"{came} and {self._last} the last"

    @property
    def is_whole(self) -> bool:
        """Whether the last block and all before it are here."""
        return self._last is not None and self.received >= self._last

    @property
    def missing(self) -> str:
        """Which block is waited for, in words."""
        behind = f"; {len(self._ahead)} behind it came" if self._ahead else ""
        return f"block {self.received + 1}{behind}"

    def join(self) -> bytes:
        """Return the APDU."""
        return b"".join(self._parts)


class GeneralTransfer:
    """One exchange by general blocks: a request of ours, if it goes by them, and its answer.

    `request` is the APDU to send in blocks; None if it went out whole and only the answer comes in blocks.
    `max_pdu` is the longest PDU the meter takes; `window` how many blocks may come without waiting,
    `send_window` how many may go, if the meter allows it; `limit` bounds the answer, in octets.
    Errors: ProtocolFault STATE if the request cannot be cut so small, or has too many blocks.
    """

    def __init__(
        self, request: bytes | None, *, max_pdu: int, window: int, send_window: int, limit: int
    ) -> None:
        self._pieces = _cut(request, max_pdu) if request is not None else []
        self._window = window
        self._send_window = send_window
        self._incoming = IncomingBlocks(limit)
        self._told: int | None = None  # of the peer's blocks, the last we acknowledged
        self._sent = 0  # of our pieces, the last sent
        self._acknowledged = 0  # of our pieces, the last acknowledged
        self._peer_window = 1  # until the peer says otherwise
        self._number = len(self._pieces)  # of our last block; those without data follow the pieces
        self._stalls = 0
        self._last_progress = (0, 0)
        self._has_news = False  # something new came since we last spoke
        self._repeats = 0  # acknowledgements that went again since our last turn
        #: Blocks, by number and data, that acknowledgements sent again may bring again, and how often.
        self.may_come_again: dict[tuple[int, bytes], int] = {}

    @property
    def has_news(self) -> bool:
        """Whether anything new came since we last spoke."""
        return self._has_news

    @property
    def may_repeat(self) -> bool:
        """Whether our last block may go again: an acknowledgement, in the middle of an answer."""
        return self._incoming.has_data and self._repeats < REPEATS

    @property
    def told_in_vain(self) -> str:
        """What was asked for again and again, in words; empty if nothing was."""
        return f"{self._incoming.missing} was asked for {self._repeats} times more" if self._repeats else ""

    @property
    def progress(self) -> tuple[int, int]:
        """How many blocks the peer has of ours, and we of its, none missing."""
        return self._acknowledged, self._incoming.progress

    def begin(self) -> list[bytes]:
        """Return the first blocks of the request."""
        return self._pieces_in_turn()

    def take(self, block: GeneralBlockTransfer) -> bool:
        """Take a block of the peer's, and tell whether it is our turn: then ask `our_turn` what to send.

        Errors: ProtocolFault PROTOCOL; see `IncomingBlocks.add`.
        """
        acknowledged, before = block.block_number_ack, self._acknowledged
        if self._acknowledged < acknowledged <= self._sent:
            self._acknowledged = acknowledged
        if not self._pieces:
            # A request that went out whole has no number; some meters count it, some do not: follow them.
            self._number = max(self._number, min(acknowledged, LARGEST_NUMBER - 1))
        self._peer_window = min(max(block.window, 1), self._send_window)
        is_new = self._incoming.add(block)
        if is_new and self._repeats and block.data:
            self.may_come_again[block.block_number, block.data] = self._repeats
        if is_new or self._acknowledged > before:
            self._has_news = True
        # What came before gives us no turn: our answer would make the peer say all that follows twice.
        if self._incoming.is_whole or not self._has_news:
            return False
        return not block.is_streaming or self._is_window_full(block.block_number)

    def _is_window_full(self, number: int) -> bool:
        """Tell whether the peer, once it knows our window, must wait for us now, whatever it says."""
        return self._told is not None and number >= self._told + self._window

    @property
    def answer(self) -> bytes | None:
        """The whole answer, once it is here."""
        return self._incoming.join() if self._incoming.is_whole else None

    def our_turn(self) -> list[bytes]:
        """Return what to send now that the peer waits, or has fallen silent.

        Errors: ProtocolFault PROTOCOL if turns pass and nothing gets any further.
        """
        self._has_news, self._repeats = False, 0
        self._stalls = 0 if self.progress != self._last_progress else self._stalls + 1
        self._last_progress = self.progress
        if self._stalls > PATIENCE:
            raise fault(ErrorKind.PROTOCOL, self._describe_stall())
        if not self._is_sent:
            return self._pieces_in_turn()
        self._number += 1
        if self._number > LARGEST_NUMBER:
            raise fault(ErrorKind.PROTOCOL, f"more than {LARGEST_NUMBER} blocks, which cannot be numbered")
        return [self._acknowledgement()]

    def repeat(self) -> bytes:
        """Return our last acknowledgement again, with whatever came since; see `may_repeat`."""
        self._repeats += 1
        return self._acknowledgement()

    def _acknowledgement(self) -> bytes:
        self._told = self._incoming.received
        return self._encode(self._number, b"", is_last=True, is_streaming=False)

    @property
    def _is_sent(self) -> bool:
        """Whether the peer has all of our request: it said so, or it has begun to answer."""
        return self._acknowledged >= len(self._pieces) or self._incoming.has_data

    def _pieces_in_turn(self) -> list[bytes]:
        first = self._acknowledged + 1
        last = min(self._acknowledged + self._peer_window, len(self._pieces))
        self._sent = max(self._sent, last)
        self._told = self._incoming.received
        return [
            self._encode(
                number,
                self._pieces[number - 1],
                is_last=number == len(self._pieces),
                is_streaming=number < last,
            )
            for number in range(first, last + 1)
        ]

    def _encode(self, number: int, data: bytes, *, is_last: bool, is_streaming: bool) -> bytes:
        received = self._incoming.received
        return GeneralBlockTransfer(is_last, is_streaming, self._window, number, received, data).encode()

    def _describe_stall(self) -> str:
        if self._is_sent:
            what = f"{self._incoming.missing} was asked for"
        else:
            what = f"block {self._acknowledged + 1} of {len(self._pieces)} of the request was sent"
        return f"general block transfer gets no further: {what} {self._stalls} times without success"


def _cut(request: bytes, max_pdu: int) -> list[bytes]:
    room = max_pdu - OVERHEAD
    if room < 1:
        raise fault(
            ErrorKind.STATE,
            f"the meter takes PDUs of {max_pdu} octets; general blocks need at least {OVERHEAD + 1}",
        )
    pieces = [request[begin : begin + room] for begin in range(0, len(request), room)]
    if len(pieces) >= LARGEST_NUMBER:
        raise fault(
            ErrorKind.STATE,
            f"{len(request)} octets in PDUs of {max_pdu} make {len(pieces)} blocks, too many to number",
        )
    return pieces
