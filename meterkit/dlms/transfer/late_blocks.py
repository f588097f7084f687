"""General blocks of earlier answers that may still come a second time: no part of the answer under way.

    -> E0 ack 4   (silence)   -> E0 ack 4   <- E0 block 5, last     the answer is whole
    -> C0 01 ...  the next request          <- E0 block 5, last     the other copy, which came late

A late copy is known by its number and its data.  A block that only looks like one is dropped once, and comes
when it is asked for again.  Source: general knowledge; Green Book 9.4.6.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from meterkit.dlms.apdu.block import GeneralBlockTransfer

_Copy: TypeAlias = tuple[int, bytes]  # number and data of a block
_KEPT: Final = 64  # blocks remembered; the oldest give way


class LateBlocks:
    """What acknowledgements that went again may bring late."""

    def __init__(self) -> None:
        self._expected: dict[_Copy, int] = {}  # how many copies
        self._claimed: set[_Copy] = set()  # in the exchange under way

    def claims(self, block: GeneralBlockTransfer) -> bool:
        """Tell whether a block is such a copy; as many are claimed as acknowledgements went again."""
        copy = block.block_number, block.data
        if not (copies := self._expected.pop(copy, 0)):
            return False
        if copies > 1:
            self._expected[copy] = copies - 1
        self._claimed.add(copy)
        return True

    def expect(self, blocks: Mapping[_Copy, int]) -> None:
        """Take note, at the end of a transfer, of the blocks that may come again, and how often.

        One that was claimed meanwhile has come: it was no copy but only looked like one.
        """
        for copy, copies in blocks.items():
            if copy not in self._claimed:
                self._expected[copy] = copies
        self._claimed.clear()
        while len(self._expected) > _KEPT:
            del self._expected[next(iter(self._expected))]
