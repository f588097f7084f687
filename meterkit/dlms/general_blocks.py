"""How an association takes general blocks: those of the answer, those of a push, and late ones of neither.

    <- E0 block 1, 2, 3      -> E0 ack 3      <- E0 block 4, last      C4 01 ...  as if it had come whole

What the blocks carried is then taken as any other message.  Source: Green Book 9.4.6.13.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from meterkit.dlms.answers import NOTHING
from meterkit.dlms.apdu import decode_as
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.secured.link import CipheredLink
from meterkit.dlms.strays import Stray
from meterkit.dlms.transfer.general_block import GeneralTransfer
from meterkit.dlms.transfer.late_blocks import LateBlocks
from meterkit.dlms.transfer.pushed_blocks import PushedBlocks
from meterkit.dlms.xdlms_context import XdlmsContext
from meterkit.errors import ProtocolFault
from meterkit.link import Advanced, Events


class GeneralBlocks(XdlmsContext, ABC):
    """The side of an `Association` that general blocks come to."""

    max_response_size: int
    window: int
    send_window: int
    _ciphered: CipheredLink | None
    _awaited: int  # the tag of the response waited for
    _is_our_turn: bool  # to send general blocks, once all that came is taken

    def _forget_blocks(self) -> None:
        """Begin anew."""
        self._push = PushedBlocks(self.max_response_size)
        self._late = LateBlocks()
        self._general: GeneralTransfer | None = None

    @abstractmethod
    def _take(self, message: bytes) -> Events:
        """Take one whole message."""

    @abstractmethod
    def _take_notice(self, message: bytes) -> Events:
        """Take a message that is known to be no answer."""

    @abstractmethod
    def _drop(self, reason: Stray, message: bytes) -> Events:
        """Drop a message, and remember why."""

    @abstractmethod
    def _fail(self, failed: ProtocolFault) -> Events:
        """End the exchange, which came to nothing."""

    def _general_transfer(self, request: bytes | None) -> GeneralTransfer:
        return GeneralTransfer(
            request,
            max_pdu=self._largest_pdu,
            window=self.window,
            send_window=self.send_window,
            limit=self.max_response_size,
        )

    def _end_general(self) -> None:
        if self._general is not None:
            self._late.expect(self._general.may_come_again)
            self._general = None

    def _take_general_block(self, message: bytes, *, is_push: bool = False) -> Events:
        try:
            block = decode_as(GeneralBlockTransfer, message, strict=False)
        except ProtocolFault:
            return self._drop(Stray.MUTILATED, message)
        if self._late.claims(block):
            return self._drop(Stray.REPEATED, message)
        if is_push or self._push.claims(
            block,
            is_answer_under_way=self._general is not None,
            is_answer_awaited=self._ciphered is not None and self._awaited != NOTHING,
        ):
            return self._take_pushed_block(block, message)
        if self._awaited == NOTHING:
            return self._drop(Stray.LATE, message)
        if self._general is None:
            # The meter answers in general blocks though asked without: its own choice, once granted.
            self._general = self._general_transfer(None)
        general, before = self._general, self._general.progress
        try:
            self._is_our_turn = general.take(block) or self._is_our_turn
        except ProtocolFault as failed:
            return self._fail(failed)
        advanced: Events = [Advanced()] if general.progress != before else []
        answer = general.answer
        if answer is None:
            return advanced
        self._end_general()
        self._is_our_turn = False
        return advanced + self._take_joined(answer)

    def _take_pushed_block(self, block: GeneralBlockTransfer, message: bytes) -> Events:
        try:
            push = self._push.take(block)
        except ProtocolFault:
            return self._drop(Stray.MUTILATED, message)
        if push is None:
            return []
        if self._ciphered is not None:
            try:
                push = self._ciphered.joined(push)
            except ProtocolFault:
                return self._drop(Stray.MUTILATED, message)
        is_nested = push[0] == ApduTag.GENERAL_BLOCK_TRANSFER
        return self._drop(Stray.MUTILATED, push) if is_nested else self._take_notice(push)

    def _take_joined(self, message: bytes) -> Events:
        """Take what general blocks carried; blocks within blocks have no meaning."""
        if self._ciphered is not None:
            try:
                message = self._ciphered.joined(message)
            except ProtocolFault as refused:
                return self._fail(refused)
        if message[0] == ApduTag.GENERAL_BLOCK_TRANSFER:
            return self._drop(Stray.MUTILATED, message)
        return self._take(message)
