"""General block transfer on the meter's side, both ways.

    client  E0 streaming 1, 2, 3, last 4          E0 ack 3 (block 4 was lost)      E0 ack 5
    meter                    E0 ack 4 ...   1 2 3 (4) 5             4 5

A window of blocks goes out in a row, the last of them without the streaming bit; what the client does not
confirm goes out again.  A confirmation that comes twice is obeyed twice: it names the last block that is
there, and the client drops what it has.  Any other request ends what was under way.
Source: IEC 62056-5-3, General block transfer; general knowledge.
"""

from __future__ import annotations

from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.errors import ServiceError
from meterkit.emulator.dlms.faults import DlmsFaults
from meterkit.emulator.dlms.terms import LONGEST_VALUE, refusal

OVERHEAD = 9  # octets of a block beside its data: E0 control number(2) ack(2) length(3)


class GeneralBlocks:
    """What is under way in general blocks in one association."""

    def __init__(self, faults: DlmsFaults, *, window: int) -> None:
        self._faults = faults
        self._own_window = window  # blocks we take before we confirm
        self.reset()

    def reset(self) -> None:
        """Forget what was under way."""
        self._received = bytearray()
        self._received_number = 0  # of the last block that came without a gap
        self._blocks: list[bytes] = []  # of the answer
        self._sent_number = 0  # of the last block sent
        self._acks_sent = 0
        self._is_streaming_in = False

    # ---------------------------------------------------------------- in
    def take(self, block: GeneralBlockTransfer) -> tuple[bytes | None, list[bytes]]:
        """Take one block; return the request if it is whole now, and what is to be sent at once."""
        if self._blocks:
            if not (block.data and block.block_number == 1):
                return None, self._go_on(block)
            self.reset()  # the client has begun anew
        if block.block_number == 1 and self._received_number:
            self.reset()
        if block.block_number != self._received_number + 1:
            # One was lost: say which was the last, once the client has stopped to hear it.
            return None, [] if block.is_streaming else [self._confirm()]
        if len(self._received) + len(block.data) > LONGEST_VALUE:
            self.reset()
            return None, [refusal(service=ServiceError.PDU_TOO_LONG)]
        self._received_number = block.block_number
        self._received += block.data
        if block.is_last:
            request = bytes(self._received)
            self._received.clear()
            return request, []
        return None, [] if block.is_streaming else [self._confirm()]

    def _confirm(self) -> bytes:
        self._acks_sent += 1
        return GeneralBlockTransfer(
            is_last=False,
            is_streaming=False,
            window=self._own_window,
            block_number=self._acks_sent,
            block_number_ack=self._received_number,
            data=b"",
        ).encode()

    # ---------------------------------------------------------------- out
    def send(self, response: bytes, max_send: int, window: int) -> list[bytes]:
        """Begin to send a response; return the first window of blocks."""
        room = max(max_send - OVERHEAD, 1)
        self._blocks = [response[at : at + room] for at in range(0, len(response), room)] or [b""]
        self._sent_number = 0
        return self._window(window)

    def _go_on(self, block: GeneralBlockTransfer) -> list[bytes]:
        """Take the client's confirmation; return the next window, or what it did not get."""
        self._sent_number = min(block.block_number_ack, self._sent_number)
        if self._sent_number == len(self._blocks):
            self.reset()
            return []
        return self._window(block.window)

    def _window(self, window: int) -> list[bytes]:
        first = self._sent_number + 1
        last = min(first + max(window, 1) - 1, len(self._blocks))
        self._sent_number = last
        return [
            self._block(number, is_streaming=number < last).encode()
            for number in range(first, last + 1)
            if not self._faults.take_block(number)
        ]

    def _block(self, number: int, *, is_streaming: bool) -> GeneralBlockTransfer:
        return GeneralBlockTransfer(
            is_last=number == len(self._blocks),
            is_streaming=is_streaming,
            window=self._own_window,
            block_number=number,
            block_number_ack=self._received_number,
            data=self._blocks[number - 1],
        )
