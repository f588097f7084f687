"""A push that comes in general blocks, beside whatever else is going on.  Source: Green Book 9.4.6.13.

    E0 40 0001 0000 data   E0 40 0002 0000 data   E0 80 0003 0000 data       window 0: nobody acknowledges

Seen on Landis+Gyr E450 (streaming from the first block on, window 0).
"""

from __future__ import annotations

from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.tags import ApduTag
from meterkit.dlms.transfer.general_block import IncomingBlocks

#: What a meter says unasked.  A ciphered envelope cannot answer a plain request, so it is a push as well.
PUSHES = frozenset(
    (
        ApduTag.DATA_NOTIFICATION,
        ApduTag.EVENT_NOTIFICATION_REQUEST,
        ApduTag.INFORMATION_REPORT_REQUEST,
        ApduTag.GLO_EVENT_NOTIFICATION_REQUEST,
        ApduTag.GLO_INFORMATION_REPORT_REQUEST,
        ApduTag.DED_EVENT_NOTIFICATION_REQUEST,
        ApduTag.DED_INFORMATION_REPORT_REQUEST,
        ApduTag.GENERAL_GLO_CIPHERING,
        ApduTag.GENERAL_DED_CIPHERING,
        ApduTag.GENERAL_CIPHERING,
        ApduTag.GENERAL_SIGNING,
    )
)
#: Those that answer a request, too, in an association that is ciphered.
_GENERAL = frozenset(tag for tag in PUSHES if tag.name.startswith("GENERAL_"))


class PushedBlocks:
    """The blocks of one push as they come in; `limit` bounds their sum, in octets."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._blocks: IncomingBlocks | None = None

    def claims(
        self, block: GeneralBlockTransfer, *, is_answer_under_way: bool, is_answer_awaited: bool = False
    ) -> bool:
        """Tell whether `block` belongs to a push; an answer in blocks may be under way as well.

        The first block shows what it begins, unless that is ciphered in general.  Then, and later, those of
        a push have window 0, those of an answer not.
        """
        if block.block_number == 1 and block.data:
            is_either = is_answer_awaited and block.window != 0 and block.data[0] in _GENERAL
            return block.data[0] in PUSHES and not is_either
        return self._blocks is not None and (block.window == 0 or not is_answer_under_way)

    def take(self, block: GeneralBlockTransfer) -> bytes | None:
        """Take a block, and return the whole push with the last one.

        A first block begins anew.  Errors: ProtocolFault PROTOCOL; the push is given up.
        """
        blocks = self._blocks
        if blocks is None or block.block_number == 1:
            blocks = IncomingBlocks(self._limit)
        self._blocks = None
        blocks.add(block)
        if blocks.is_whole:
            return blocks.join()
        self._blocks = blocks
        return None
