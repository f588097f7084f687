"""What frames carry, as trees: LLC, APDUs, and long values put together from the blocks they came in.

    E6 E6 00 | C0 01 C1 ...      LLC of a request, APDU        E6 E7 00 of a response

One `Messages` sees a capture from its start, so that the last block of a long answer shows the whole value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from meterkit.dlms.apdu import decode_apdu
from meterkit.dlms.apdu.block import GeneralBlockTransfer
from meterkit.dlms.apdu.get import GetResponseWithBlock
from meterkit.dlms.apdu.set import SetRequestBlock, SetRequestFirstBlock
from meterkit.dlms.translate.apdu import apdu_node
from meterkit.dlms.translate.data import data_node
from meterkit.errors import ProtocolFault
from meterkit.tree import Node, moved

_LLC: Final = {b"\xe6\xe6\x00": "request", b"\xe6\xe7\x00": "response"}
_LLC_SIZE: Final = 3


@dataclass(slots=True)
class Messages:
    """Makes trees of messages, in the order they came."""

    _blocks: dict[int, bytes] = field(default_factory=dict[int, bytes])  # by the APDU's tag

    def llc_node(self, octets: bytes, place: int | None) -> Node:
        """Return the tree of an information field: LLC and APDU, or an APDU alone."""
        if octets[:_LLC_SIZE] not in _LLC:
            return self.apdu_node(octets, place)
        llc = Node("LLC", octets[:_LLC_SIZE], _LLC[octets[:_LLC_SIZE]], place, _LLC_SIZE)
        apdu = self.apdu_node(octets[_LLC_SIZE:], moved(place, _LLC_SIZE))
        return Node("information", None, "", place, len(octets), (llc, apdu))

    def apdu_node(self, octets: bytes, place: int | None) -> Node:
        """Return the tree of an APDU; below a last block the whole that the blocks were of."""
        node = apdu_node(octets, place)
        whole = self._whole(octets)
        if whole is None:
            return node
        told = f"{len(whole)} octets, put together from the blocks"
        is_apdu = node.name == "general-block-transfer"
        inner = apdu_node(whole, None) if is_apdu else data_node(whole, None)
        value = Node("whole", None, told, None, len(whole), (inner,))
        return Node(
            node.name,
            node.value,
            node.meaning,
            place,
            node.length,
            (*node.children, value),
            node.is_understood,
        )

    def _whole(self, octets: bytes) -> bytes | None:
        """Return what all the blocks of a long value are, with the last of several."""
        try:
            apdu = decode_apdu(octets, strict=False) if octets[:1] in _IN_BLOCKS else None
        except ProtocolFault:
            return None
        match apdu:
            case GetResponseWithBlock(is_last=last, block_number=number, result=bytes(raw)):
                pass
            case SetRequestFirstBlock(is_last=last, block_number=number, raw=raw):
                pass
            case SetRequestBlock(is_last=last, block_number=number, raw=raw):
                pass
            case GeneralBlockTransfer(is_last=last, block_number=number, data=raw):
                pass
            case _:
                return None
        tag = octets[0]
        held = b"" if number <= 1 else self._blocks.pop(tag, None)
        if held is None:
            return None  # the capture begins in the middle
        if not last:
            self._blocks[tag] = held + raw
            return None
        return held + raw if number > 1 else None


_IN_BLOCKS: Final = (b"\xc4", b"\xc1", b"\xe0")
